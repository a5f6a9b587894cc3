"""Against OpenSSL, both peers in memory: every message that it sends in the clear reads as what it says of itself.

Python's ssl module drives it.  The records are cut with `TLSPlaintext`, the messages put together here; what OpenSSL
thinks of the connection (suite, protocol, session) is asked from the ssl module.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tlswire.registry import (
    CipherSuite,
    ContentType,
    ExtensionType,
    HandshakeType,
    NamedGroup,
    ProtocolVersion,
    parameters,
)
from tlswire.schema import (
    CertificateRequest,
    CertificateSSL3,
    ClientHello,
    ClientKeyExchange,
    EncryptedPreMasterSecret,
    Handshake,
    KeyShareClientHello,
    KeyShareHelloRetryRequest,
    MalformedExtension,
    NewSessionTicket,
    OfferedPsks,
    ProtocolNameList,
    SelectedVersion,
    ServerHello,
    ServerKeyExchange,
    SessionTicket,
    TLSPlaintext,
    UnknownExtension,
    certificate_subject,
)
from tlswire.wire import Context, Unresolved

# Python warns of old versions; that they are old is why they are tested.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")

VERSIONS = {
    ssl.TLSVersion.TLSv1: ProtocolVersion.TLSv1_0,
    ssl.TLSVersion.TLSv1_1: ProtocolVersion.TLSv1_1,
    ssl.TLSVersion.TLSv1_2: ProtocolVersion.TLSv1_2,
    ssl.TLSVersion.TLSv1_3: ProtocolVersion.TLSv1_3,
}
# RFC 7919 App. A.1
FFDHE2048 = int(
    "FFFFFFFFFFFFFFFFADF85458A2BB4A9AAFDC5620273D3CF1D8B9C583CE2D3695A9E13641146433FBCC939DCE249B3EF9"
    "7D2FE363630C75D8F681B202AEC4617AD3DF1ED5D5FD65612433F51F5F066ED0856365553DED1AF3B557135E7F57C935"
    "984F0C70E0E68B77E2A689DAF3EFE8721DF158A136ADE73530ACCA4F483A797ABC0AB182B324FB61D108A94BB2C8E3FB"
    "B96ADAB760D7F4681D4F42A3DE394DF4AE56EDE76372BB190B07A7C8EE0A6D709E02FCE1CDF7E2ECC03404CD28342F61"
    "9172FE9CE98583FF8E4F1232EEF28183C3FE3B1B4C6FAD733BB5FCBC2EC22005C58EF1837D1683B2C6F34A26C1B2EFFA"
    "886B423861285C97FFFFFFFFFFFFFFFF",
    16,
)


@dataclass
class Files:
    """What OpenSSL reads from files."""

    server: Path
    dh_params: Path
    certificate: bytes


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("openssl")
    key = generate_private_key(65537, 2048)
    start = datetime.datetime(2020, 1, 1)

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server.test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start.replace(year=2045))
    own = builder.sign(key, SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(own.public_bytes(Encoding.PEM) + private)
    # PKCS #3: a sequence of the prime (257 bytes, the first is zero) and the generator
    group = b"\x30\x82\x01\x08\x02\x82\x01\x01" + FFDHE2048.to_bytes(257) + b"\x02\x01\x02"
    pem = ["-----BEGIN DH PARAMETERS-----", base64.b64encode(group).decode(), "-----END DH PARAMETERS-----", ""]
    (folder / "dh.pem").write_text("\n".join(pem), encoding="ascii")
    return Files(folder / "server.pem", folder / "dh.pem", own.public_bytes(Encoding.DER))


@dataclass
class Talk:
    """One connection: what each side sent, and what OpenSSL says of it."""

    sent: dict[str, bytes] = field(default_factory=lambda: {"client": b"", "server": b""})
    suite: CipherSuite | None = None
    version: ProtocolVersion | None = None
    session: ssl.SSLSession | None = None

    def messages(self, side: str) -> list[bytes]:
        """The handshake messages that one side sent in the clear, each with its header."""
        stream, handshake = self.sent[side], b""
        while stream:
            length = 5 + int.from_bytes(stream[3:5])
            record = TLSPlaintext.decode(stream[:length])
            assert record.encode() == stream[:length]
            stream = stream[length:]
            if record.type is ContentType.change_cipher_spec and self.version is not ProtocolVersion.TLSv1_3:
                break  # what follows is encrypted
            if record.type is ContentType.handshake:
                handshake += record.fragment
        found = []
        while handshake:
            length = 4 + int.from_bytes(handshake[1:4])
            found.append(handshake[:length])
            handshake = handshake[length:]
        return found

    def decoded(self, side: str) -> dict[HandshakeType, Handshake]:
        suite = parameters(self.suite)
        assert suite is not None
        context = Context(self.version, key_exchange=suite.key_exchange)
        found = {}
        for raw in self.messages(side):
            read = Handshake.decode(raw, context)
            assert read.encode() == raw
            assert not isinstance(read.body, Unresolved)
            empty_list = read.msg_type is HandshakeType.certificate_request and self.version is ProtocolVersion.TLSv1_0
            assert [violation.rule for violation in read.body.violations] == ["floor"] * empty_list
            for extension in getattr(read.body, "extensions", None) or ():
                assert not isinstance(extension, MalformedExtension)
            found[read.msg_type] = read
        return found


def talk(
    files: Files,
    version: ssl.TLSVersion,
    suite: str | None = None,
    *,
    ask: bool = False,
    server_group: str | None = None,
    session_of: tuple[ssl.SSLContext, ssl.SSLContext, Talk] | None = None,
) -> tuple[ssl.SSLContext, ssl.SSLContext, Talk]:
    """Both peers shake hands and exchange a little data; with `session_of`, inside the session of another talk."""
    if session_of is None:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        for context in (client, server):
            context.minimum_version = context.maximum_version = version
            context.set_alpn_protocols(["h2", "http/1.1"])
            if suite is not None:
                try:
                    context.set_ciphers(f"{suite}:@SECLEVEL=0")
                except ssl.SSLError:
                    pytest.skip(f"this OpenSSL was built without {suite}")
        server.load_cert_chain(files.server)
        server.load_dh_params(files.dh_params)
        if ask:
            server.verify_mode = ssl.CERT_OPTIONAL
        if server_group is not None:
            server.set_ecdh_curve(server_group)
    else:
        client, server = session_of[:2]
    wires = {side: ssl.MemoryBIO() for side in ("client", "server")}
    inbox = {side: ssl.MemoryBIO() for side in ("client", "server")}
    session = session_of[2].session if session_of is not None else None
    ends = {
        "client": client.wrap_bio(inbox["client"], wires["client"], server_hostname="server.test", session=session),
        "server": server.wrap_bio(inbox["server"], wires["server"], server_side=True),
    }
    done = Talk()
    for action in ("do_handshake", "do_handshake", "do_handshake", "data"):
        for side, end in ends.items():
            with contextlib.suppress(ssl.SSLWantReadError):
                if action == "data":  # after which TLS 1.3 has sent its tickets
                    end.write(b"data")
                    end.read(4)
                else:
                    end.do_handshake()
            sent = wires[side].read()
            done.sent[side] += sent
            inbox["server" if side == "client" else "client"].write(sent)
    with contextlib.suppress(ssl.SSLWantReadError):
        ends["client"].read(4)
    cipher = ends["client"].cipher()
    assert cipher is not None
    shared = next(one for one in client.get_ciphers() if one["name"] == cipher[0])
    done.suite = CipherSuite(shared["id"] & 0xFFFF)
    done.version = VERSIONS[version]
    done.session = ends["client"].session
    return client, server, done


SUITES = ["AES128-SHA", "DHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ADH-AES128-SHA", "AECDH-AES128-SHA"]


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("version", list(VERSIONS)[:3], ids=lambda version: version.name)
def test_every_message_of_a_handshake_reads_as_openssl_has_it(
    files: Files, version: ssl.TLSVersion, suite: str
) -> None:
    anonymous = suite.startswith("A") and suite != "AES128-SHA"
    _, _, done = talk(files, version, suite, ask=not anonymous)
    client, server = done.decoded("client"), done.decoded("server")

    hello = client[HandshakeType.client_hello].body
    assert isinstance(hello, ClientHello)
    assert hello.server_name == "server.test"
    assert hello.signals_renegotiation_scsv
    assert not hello.signals_fallback_scsv
    assert hello.extension(ExtensionType.session_ticket) == SessionTicket(b"")
    assert hello.extension(ExtensionType.application_layer_protocol_negotiation) == ProtocolNameList(
        (b"h2", b"http/1.1")
    )

    answer = server[HandshakeType.server_hello].body
    assert isinstance(answer, ServerHello)
    assert (answer.cipher_suite, answer.negotiated_version) == (done.suite, VERSIONS[version])
    assert answer.renegotiation_info is not None
    assert answer.renegotiation_info.renegotiated_connection == b""

    exchange = client[HandshakeType.client_key_exchange].body
    assert isinstance(exchange, ClientKeyExchange)
    if suite == "AES128-SHA":
        assert isinstance(exchange, EncryptedPreMasterSecret)
        assert len(exchange.encrypted_pre_master_secret) == 256
        assert HandshakeType.server_key_exchange not in server
    else:
        own = server[HandshakeType.server_key_exchange].body
        assert isinstance(own, ServerKeyExchange)
        assert (own.signature is None) == anonymous
        assert (own.algorithm is None) == (anonymous or version != ssl.TLSVersion.TLSv1_2)
        if "DHE" not in suite and "ADH" not in suite:
            assert own.params.curve in NamedGroup.__members__.values()
        elif "EC" not in suite:
            assert int.from_bytes(own.params.dh_p) == FFDHE2048

    if not anonymous:
        certificate = server[HandshakeType.certificate].body
        assert certificate == CertificateSSL3((files.certificate,))
        assert certificate_subject(files.certificate) == "CN=server.test"
        request = server[HandshakeType.certificate_request].body
        assert isinstance(request, CertificateRequest)
        assert request.certificate_authorities == ()  # for which Python has no setting
        assert (request.supported_signature_algorithms is None) == (version != ssl.TLSVersion.TLSv1_2)
        assert client[HandshakeType.certificate].body == CertificateSSL3(())


def test_a_session_ticket_is_sent_and_comes_back(files: Files) -> None:
    first = talk(files, ssl.TLSVersion.TLSv1_2, "AES128-SHA")
    ticket = first[2].decoded("server")[HandshakeType.new_session_ticket].body
    assert isinstance(ticket, NewSessionTicket)
    _, _, second = talk(files, ssl.TLSVersion.TLSv1_2, session_of=first)
    hello = second.decoded("client")[HandshakeType.client_hello].body
    assert isinstance(hello, ClientHello)
    assert hello.extension(ExtensionType.session_ticket) == SessionTicket(ticket.ticket)


def test_the_clear_part_of_tls13_with_a_hello_retry_request_and_a_resumption(files: Files) -> None:
    first = talk(files, ssl.TLSVersion.TLSv1_3, server_group="secp521r1")
    hellos = [Handshake.decode(raw).body for raw in first[2].messages("client")]
    assert [type(hello) for hello in hellos] == [ClientHello, ClientHello]
    for hello in hellos:
        share = hello.extension(ExtensionType.key_share)
        assert isinstance(share, KeyShareClientHello)
    assert [entry.group for entry in share.client_shares] == [NamedGroup.secp521r1]

    retry, answer = (Handshake.decode(raw).body for raw in first[2].messages("server"))
    assert isinstance(retry, ServerHello)
    assert isinstance(answer, ServerHello)
    assert [retry.is_hello_retry_request, answer.is_hello_retry_request] == [True, False]
    assert retry.extension(ExtensionType.key_share) == KeyShareHelloRetryRequest(NamedGroup.secp521r1)
    for hello in (retry, answer):
        assert hello.extension(ExtensionType.supported_versions) == SelectedVersion(ProtocolVersion.TLSv1_3)
        assert (hello.server_version, hello.negotiated_version) == (ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3)
        assert hello.cipher_suite == first[2].suite
        assert not [extension for extension in hello.extensions or () if isinstance(extension, UnknownExtension)]

    _, _, second = talk(files, ssl.TLSVersion.TLSv1_3, session_of=first)
    resuming = Handshake.decode(second.messages("client")[0]).body
    assert isinstance(resuming, ClientHello)
    offered = resuming.extension(ExtensionType.pre_shared_key)
    assert isinstance(offered, OfferedPsks)
    assert len(offered.identities) == len(offered.binders) == 1
    assert resuming.extensions is not None
    assert resuming.extensions[-1] is offered  # RFC 8446 §4.2.11
