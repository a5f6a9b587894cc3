"""Key exchanges with pre-shared keys and passwords, as OpenSSL and GnuTLS speak them (`make_peer_messages.py`).

What the peers were told (identity, hint, user) and what the server says of the suite are the truth; the messages must
read as that, and be written again to the same bytes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tlswire.analysis.info import info_of
from tlswire.crypto import RSAKey, Secrets
from tlswire.display.show import show
from tlswire.errors import DecodeError
from tlswire.registry import (
    CertificateType,
    ContentType,
    ExtensionType,
    HandshakeType,
    KeyExchange,
    NamedGroup,
    ProtocolVersion,
    SignatureScheme,
    parameters,
)
from tlswire.schema import (
    ClientCertificateTypes,
    ClientHello,
    ClientKeyExchange,
    ClientKeyExchangeDHEPSK,
    ClientKeyExchangeECDHEPSK,
    ClientKeyExchangePSK,
    ClientKeyExchangeRSAPSK,
    ClientSRPPublic,
    EncryptedPreMasterSecret,
    Handshake,
    SelectedClientCertificateType,
    SelectedServerCertificateType,
    ServerCertificateTypes,
    ServerDHParams,
    ServerECDHParams,
    ServerHello,
    ServerKeyExchange,
    ServerKeyExchangeDHEPSK,
    ServerKeyExchangeECDHEPSK,
    ServerKeyExchangePSK,
    ServerKeyExchangeSRP,
    ServerKeyExchangeSRPSigned,
    ServerKeyExchangeSRPSignedTLS12,
    ServerSRPParams,
    SRPExtension,
)
from tlswire.session import Connection, HandshakeMessage, Reason
from tlswire.wire import Context, Unresolved

Talk = dict[str, Any]

TALKS: list[Talk] = json.loads(Path(__file__).with_name("peer_messages.json").read_text(encoding="utf-8"))
# RFC 5054 App. A, the group of 2048 bits, as it begins and ends; g is 2
GROUP_BEGINS, GROUP_ENDS = bytes.fromhex("ac6bdb41324a9a9b"), bytes.fromhex("0fa7111f9e4aff73")

FORMS: dict[KeyExchange, tuple[type[ServerKeyExchange], type[ClientKeyExchange]]] = {
    KeyExchange.PSK: (ServerKeyExchangePSK, ClientKeyExchangePSK),
    KeyExchange.DHE_PSK: (ServerKeyExchangeDHEPSK, ClientKeyExchangeDHEPSK),
    KeyExchange.RSA_PSK: (ServerKeyExchangePSK, ClientKeyExchangeRSAPSK),
    KeyExchange.ECDHE_PSK: (ServerKeyExchangeECDHEPSK, ClientKeyExchangeECDHEPSK),
}


class Spoken:
    """The messages of one talk."""

    def __init__(self, talk: Talk) -> None:
        self.raw = {side: [bytes.fromhex(message) for message in talk[side]] for side in ("client", "server")}
        self.client_hello, self.server_hello = (
            Handshake.decode(messages[0]).body for messages in (self.raw["client"], self.raw["server"])
        )
        assert isinstance(self.client_hello, ClientHello)
        assert isinstance(self.server_hello, ServerHello)
        suite = parameters(self.server_hello.cipher_suite)
        assert suite is not None
        self.exchange, self.version = suite.key_exchange, self.server_hello.negotiated_version
        self.context = Context(self.version, key_exchange=self.exchange)
        self.server, self.client = (self.key_exchange(side) for side in ("server", "client"))

    def key_exchange(self, side: str) -> Any:
        return Handshake.decode(self.raw[side][1], self.context).body


def spoken(kind: str) -> list[Any]:
    found = [(talk, Spoken(talk)) for talk in TALKS]
    return [
        pytest.param(talk, one, id=f"{one.exchange}-{one.version}-{talk['server_command'].split()[0]}")
        for talk, one in found
        if kind in one.exchange
    ]


every = pytest.mark.parametrize(("talk", "spoken"), spoken(""))
with_psk = pytest.mark.parametrize(("talk", "spoken"), spoken("PSK"))
with_srp = pytest.mark.parametrize(("talk", "spoken"), spoken("SRP"))


def test_every_key_exchange_is_there() -> None:
    told = {(Spoken(talk).exchange, talk["server_command"].split()[0]) for talk in TALKS}
    assert told >= {(exchange, peer) for exchange in FORMS for peer in ("openssl", "gnutls-serv")}
    srp = {KeyExchange.SRP_SHA, KeyExchange.SRP_SHA_RSA, KeyExchange.SRP_SHA_DSS}
    assert told >= {(exchange, "gnutls-serv") for exchange in srp}


@every
def test_a_key_exchange_is_what_the_server_says_it_is(talk: Talk, spoken: Spoken) -> None:
    """OpenSSL says "CIPHER is RSA-PSK-AES128-CBC-SHA", GnuTLS "Key Exchange: SRP-RSA"."""
    said = re.search(r"(?:CIPHER is|Key Exchange:) ([A-Z-]+?)(?:-AES|-CHACHA|$)", talk["server_said"])
    assert said is not None
    assert spoken.exchange.replace("_SHA", "").replace("_", "-") == said[1]


@every
def test_every_message_is_written_again_to_its_bytes_and_no_prefix_of_it_is_one(talk: Talk, spoken: Spoken) -> None:
    for raw in spoken.raw["client"] + spoken.raw["server"]:
        read = Handshake.decode(raw, spoken.context)
        assert not isinstance(read.body, Unresolved)
        assert read.encode() == raw
        assert [one for one in read.body.violations if one.rule == "malformed"] == []
        for end in range(len(raw)):
            with pytest.raises(DecodeError):
                Handshake.decode(raw[:end], spoken.context)


@with_psk
def test_hint_and_identity_are_those_that_the_peers_were_given(talk: Talk, spoken: Spoken) -> None:
    server, client = spoken.server, spoken.client
    assert (type(server), type(client)) == FORMS[spoken.exchange]
    assert server.psk_identity_hint == b"a hint"
    assert client.psk_identity == b"alice"
    assert (server.algorithm, server.signature) == (None, None)


@with_psk
def test_beside_the_identity_stand_the_values_of_the_other_key_exchange(talk: Talk, spoken: Spoken) -> None:
    server, client = spoken.server, spoken.client
    if spoken.exchange is KeyExchange.DHE_PSK:
        assert isinstance(server.params, ServerDHParams)
        assert server.params.dh_g == b"\2"
        assert len(server.params.dh_p) >= 128
        assert 0 <= len(server.params.dh_p) - len(client.dh_Yc) <= 2  # leading zeros may be cut
    elif spoken.exchange is KeyExchange.ECDHE_PSK:
        assert isinstance(server.params, ServerECDHParams)
        lengths = {NamedGroup.x25519: 32, NamedGroup.secp256r1: 65}
        assert lengths[server.params.curve] == len(server.params.public) == len(client.ecdh_Yc)
    else:
        assert server.params is None
        if spoken.exchange is KeyExchange.RSA_PSK:
            assert len(client.encrypted_pre_master_secret) == 256  # of a key of 2048 bits


@with_psk
def test_the_info_column_has_hint_and_identity(talk: Talk, spoken: Spoken) -> None:
    assert told(HandshakeType.server_key_exchange, spoken.server) == "Server Key Exchange, PSK identity hint a hint"
    assert told(HandshakeType.client_key_exchange, spoken.client) == "Client Key Exchange, PSK identity alice"


def told(msg_type: HandshakeType, message: Any) -> str:
    return info_of(HandshakeMessage(0, None, 0, False, msg_type, message, b""))


def test_the_info_column_escapes_what_a_peer_chose_and_is_silent_where_there_is_nothing() -> None:
    escaped = told(HandshakeType.client_key_exchange, ClientKeyExchangePSK(b"\x1b[31m\xff" + b"a" * 200))
    assert escaped.startswith("Client Key Exchange, PSK identity \\x1b[31m\\xffaaa")
    assert len(escaped) < 180
    assert told(HandshakeType.server_key_exchange, ServerKeyExchangePSK(b"")) == "Server Key Exchange"


@with_srp
def test_user_and_group_of_srp_are_those_of_the_files_and_signed_as_the_version_has_it(
    talk: Talk, spoken: Spoken
) -> None:
    hello = spoken.client_hello
    assert isinstance(hello, ClientHello)
    assert hello.extension(ExtensionType.srp) == SRPExtension(b"alice")
    params = spoken.server.params
    assert isinstance(params, ServerSRPParams)
    assert (params.srp_N[:8], params.srp_N[-8:], params.srp_g) == (GROUP_BEGINS, GROUP_ENDS, b"\2")
    assert len(params.srp_N) == 256
    assert 4 <= len(params.srp_s) <= 32
    assert isinstance(spoken.client, ClientSRPPublic)
    assert all(250 < len(value) <= 256 for value in (params.srp_B, spoken.client.srp_A))
    assert spoken.client.psk_identity is None
    if spoken.exchange is KeyExchange.SRP_SHA:
        assert type(spoken.server) is ServerKeyExchangeSRP
        assert spoken.server.signature is None
    elif spoken.version is ProtocolVersion.TLSv1_2:
        assert type(spoken.server) is ServerKeyExchangeSRPSignedTLS12
        with_rsa = spoken.exchange is KeyExchange.SRP_SHA_RSA
        assert spoken.server.algorithm is (SignatureScheme.rsa_pkcs1_sha256 if with_rsa else SignatureScheme.dsa_sha1)
    else:
        assert type(spoken.server) is ServerKeyExchangeSRPSigned
        assert spoken.server.algorithm is None


def test_raw_public_keys_are_agreed_on() -> None:
    (one,) = [one for one in map(Spoken, TALKS) if one.exchange is KeyExchange.ECDHE_RSA]
    both = (CertificateType.X509, CertificateType.RawPublicKey)
    for hello, types in (
        (one.client_hello, {ClientCertificateTypes(both), ServerCertificateTypes(both[1:])}),
        (one.server_hello, {SelectedClientCertificateType(both[0]), SelectedServerCertificateType(both[1])}),
    ):
        assert isinstance(hello, ClientHello | ServerHello)
        assert types <= set(hello.extensions or ())


# What an observer makes of them


def record(content_type: ContentType, version: ProtocolVersion, fragment: bytes) -> bytes:
    return bytes([content_type]) + version.to_bytes(2, "big") + len(fragment).to_bytes(2, "big") + fragment


@pytest.mark.parametrize(("talk", "spoken"), spoken("RSA_PSK"))
def test_rsa_psk_is_not_taken_for_rsa(talk: Talk, spoken: Spoken) -> None:
    """The server's key gives half of the premaster secret; with it alone no key can be made."""
    assert not isinstance(spoken.client, EncryptedPreMasterSecret)
    connection = Connection(secrets=Secrets([RSAKey(generate_private_key(65537, 2048), "server.key")]))
    handshake, version = ContentType.handshake, spoken.version
    client_hello, client_key_exchange = spoken.raw["client"]
    connection.receive_data(0, record(handshake, version, client_hello))
    done = Handshake.decode(b"\x0e\0\0\0").encode()
    connection.receive_data(1, record(handshake, version, b"".join(spoken.raw["server"]) + done))
    changed = record(ContentType.change_cipher_spec, version, b"\1") + record(handshake, version, bytes(48))
    connection.receive_data(0, record(handshake, version, client_key_exchange) + changed)
    messages = [event.message for event in connection.events() if isinstance(event, HandshakeMessage)]
    assert messages[-1] == spoken.client
    verdict = connection.handshakes[0].client
    assert verdict.reason is Reason.key_exchange_not_rsa
    assert "RSA_PSK" in verdict.evidence["cipher_suite"]


@pytest.mark.parametrize(("talk", "spoken"), spoken("DHE_PSK"))
def test_show_finds_the_form_of_a_lone_server_key_exchange(talk: Talk, spoken: Spoken) -> None:
    """That of DHE_PSK may also be a signed one of DHE_RSA, which is likelier; with the suite known it is not."""
    raw = spoken.raw["server"][1]
    assert type(spoken.server).__name__ in str(show(raw, context=spoken.context))
    likelier = "ServerKeyExchangeDHE" if spoken.exchange is KeyExchange.DHE_PSK else "ServerKeyExchangeECDHEPSK"
    assert re.search(rf"\b{likelier}\b", str(show(raw)))
