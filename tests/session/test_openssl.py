"""Against OpenSSL, both peers in memory: what they wrote is what is read, or the reason why not."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from tlswire.crypto import RSAKey, Secrets
from tlswire.registry import ProtocolVersion
from tlswire.session import (
    ApplicationData,
    Binding,
    Connection,
    Event,
    FinishedCheck,
    HandshakeMessage,
    ProtocolViolation,
    Reason,
)

KEYS = Path(__file__).parents[1] / "captures" / "keys"
REQUESTS = [b"GET / HTTP/1.1\r\n\r\n", bytes(40_000), b"x"]

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")


def server_bundle() -> tuple[Any, bytes]:
    """The server's key, and key and certificate as PEM."""
    bundle = load_pkcs12((KEYS / "server.p12").read_bytes(), b"renegotiate")
    assert bundle.cert is not None
    assert bundle.key is not None
    pem = bundle.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return bundle.key, pem + bundle.cert.certificate.public_bytes(Encoding.PEM)


def contexts(folder: Path, version: ssl.TLSVersion, suites: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Those of a client and a server that speak one version."""
    pem = folder / "server.pem"
    pem.write_bytes(server_bundle()[1])
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(pem)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for context in (server, client):
        context.minimum_version = context.maximum_version = version
        if version != ssl.TLSVersion.TLSv1_3:
            context.set_ciphers(f"{suites}:@SECLEVEL=0")
    return client, server


def data_of(events: list[Event], side: int) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, ApplicationData) and event.side == side)


@pytest.mark.parametrize("suite", ["AES128-SHA", "AES256-GCM-SHA384", "NULL-SHA256", "AES128-CCM8"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2], ids=str)
def test_what_openssl_writes_is_read(
    tmp_path: Path, openssl_pair: Any, feed: Any, version: ssl.TLSVersion, suite: str
) -> None:
    if version != ssl.TLSVersion.TLSv1_2 and suite != "AES128-SHA":
        suite = "AES256-SHA"  # the others are of TLS 1.2 alone
    pair = openssl_pair(*contexts(tmp_path, version, suite))
    for request in REQUESTS:
        pair.write(0, request)
        pair.write(1, request[::-1])
    connection = Connection(Secrets([RSAKey(server_bundle()[0])]))
    events = feed(connection, [*pair.wire, (0, "end"), (1, "end")])
    assert data_of(events, 0) == b"".join(REQUESTS)
    assert data_of(events, 1) == b"".join(request[::-1] for request in REQUESTS)
    (handshake,) = connection.handshakes
    assert handshake.finished is FinishedCheck.verified
    assert handshake.secure_renegotiation is Binding.verified
    assert handshake.extended_master_secret
    assert connection.server_name == "server.test"
    assert not any(isinstance(event, ProtocolViolation) for event in events)


def test_tls13_needs_a_key_log(tmp_path: Path, openssl_pair: Any, feed: Any) -> None:
    pair = openssl_pair(*contexts(tmp_path, ssl.TLSVersion.TLSv1_3, ""))
    pair.write(0, b"hidden")
    for secrets, reason in (
        (Secrets([RSAKey(server_bundle()[0])]), Reason.tls13_needs_key_log),
        (Secrets(), Reason.no_secrets),
    ):
        connection = Connection(secrets)
        events = feed(connection, [*pair.wire, (0, "end"), (1, "end")])
        assert connection.version is ProtocolVersion.TLSv1_3
        handshake = connection.handshakes[0]
        assert handshake.resumed is False  # no pre_shared_key (RFC 8446 §4.2.11)
        assert handshake.secure_renegotiation is Binding.unknown  # TLS 1.3 has no renegotiation to bind
        assert {verdict.reason for verdict in connection.handshakes[0].verdicts} == {reason}
        assert not any(isinstance(event, ApplicationData) for event in events)
        names = [event.msg_type.name for event in events if isinstance(event, HandshakeMessage)]
        assert names == ["client_hello", "server_hello"]
        assert len(connection.handshakes) == 1
