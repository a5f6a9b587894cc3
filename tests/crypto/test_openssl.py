"""Against OpenSSL, both peers in memory: records open, both Finished verify, the RSA key gives the secret.

Python's ssl module drives OpenSSL; its key log says which master secret it used.  The messages are cut out of
the records by hand here, so that nothing but `crypto` is on trial.
"""

from __future__ import annotations

import contextlib
import datetime
import random
import ssl
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tlswire.crypto import (
    KeyLogEntry,
    RecordProtection,
    RSAKey,
    certificate_public_numbers,
    extended_master_secret,
    handshake_hash,
    key_block,
    master_secret,
    parse_key_log,
    record_protection,
    verify_data,
)
from tlswire.registry import CipherSuite, CipherSuiteParameters, ProtocolVersion, parameters

# Python warns of old versions; that they are old is why they are tested.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")

VERSIONS = {
    ssl.TLSVersion.TLSv1: ProtocolVersion.TLSv1_0,
    ssl.TLSVersion.TLSv1_1: ProtocolVersion.TLSv1_1,
    ssl.TLSVersion.TLSv1_2: ProtocolVersion.TLSv1_2,
}
OLD_SUITES = ("AES128-SHA", "AES256-SHA", "CAMELLIA128-SHA", "NULL-SHA", "NULL-MD5", "ECDHE-RSA-AES128-SHA")
TLS12_SUITES = (
    "AES128-SHA256", "AES256-SHA256", "ECDHE-RSA-AES256-SHA384", "AES128-GCM-SHA256", "AES256-GCM-SHA384",
    "AES128-CCM", "AES256-CCM", "AES128-CCM8", "AES256-CCM8", "CAMELLIA256-SHA256", "NULL-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
)  # fmt: skip
CASES = [(version, suite) for version in VERSIONS for suite in OLD_SUITES]
CASES += [(ssl.TLSVersion.TLSv1_2, suite) for suite in TLS12_SUITES]

# SSL_OP_NO_EXTENDED_MASTER_SECRET and SSL_OP_NO_ENCRYPT_THEN_MAC of OpenSSL 3, which ssl has no names for.
NO_EXTENDED_MASTER_SECRET = 1 << 0
NO_ENCRYPT_THEN_MAC = 1 << 19

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, CLIENT_KEY_EXCHANGE, FINISHED = 1, 2, 11, 16, 20
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET = 22, 23

REQUEST = b"GET / HTTP/1.1\r\n\r\n"
RESPONSE = random.Random(1).randbytes(40_000)  # three records


@dataclass
class Server:
    """A server's key and certificate, in memory and as files for OpenSSL."""

    key: RSAPrivateKey
    certificate: bytes
    file: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    key = generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server.test")])
    start = datetime.datetime(2020, 1, 1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start.replace(year=2045))
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    file = tmp_path_factory.mktemp("server") / "server.pem"
    file.write_bytes(certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Server(key, x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER), file)


Flights = list[tuple[str, bytes]]
"""Who sent what, in the order in which it was sent; whole records."""


def talk(server: Server, version: ssl.TLSVersion, suite: str, options: int, key_log: Path) -> Flights:
    """A connection from hello to close: the client sends REQUEST, the server RESPONSE."""
    incoming = {"client": ssl.MemoryBIO(), "server": ssl.MemoryBIO()}
    outgoing = {"client": ssl.MemoryBIO(), "server": ssl.MemoryBIO()}
    ends = {}
    for name, protocol in (("client", ssl.PROTOCOL_TLS_CLIENT), ("server", ssl.PROTOCOL_TLS_SERVER)):
        context = ssl.SSLContext(protocol)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            context.set_ciphers(f"{suite}:@SECLEVEL=0")
        except ssl.SSLError:
            pytest.skip(f"this OpenSSL was built without {suite}")
        context.minimum_version = context.maximum_version = version
        context.options |= options
        if name == "server":
            context.load_cert_chain(server.file)
        else:
            context.keylog_filename = str(key_log)
        ends[name] = context.wrap_bio(incoming[name], outgoing[name], server_side=name == "server")

    flights: Flights = []

    def step(name: str, action: Callable[[], object]) -> None:
        """Has one end do something, and carries what it sends to the other."""
        with contextlib.suppress(ssl.SSLWantReadError):
            action()
        sent = outgoing[name].read()
        if sent:
            flights.append((name, sent))
            incoming["server" if name == "client" else "client"].write(sent)

    for _ in range(2):
        for name, end in ends.items():
            step(name, end.do_handshake)
    step("client", lambda: ends["client"].write(REQUEST))
    step("server", lambda: ends["server"].read(len(REQUEST)))
    step("server", lambda: ends["server"].write(RESPONSE))
    for _ in range(0, len(RESPONSE), 2**14):  # a read gives one record's
        step("client", lambda: ends["client"].read(len(RESPONSE)))
    step("client", ends["client"].unwrap)
    step("server", ends["server"].unwrap)
    return flights


def records(flights: Flights) -> Iterator[tuple[str, int, int, bytes]]:
    """Sender, content type, version and fragment of each record."""
    for sender, sent in flights:
        while sent:
            content_type, version, length = struct.unpack_from(">BHH", sent)
            yield sender, content_type, version, sent[5 : 5 + length]
            sent = sent[5 + length :]


@dataclass
class Observer:
    """Follows a connection whose master secret it has, and checks on the way what can be checked."""

    key_log: list[KeyLogEntry]
    transcript: bytes = b""
    session_transcript: bytes = b""  # from ClientHello to ClientKeyExchange
    client_random: bytes = b""
    server_random: bytes = b""
    version: ProtocolVersion = ProtocolVersion.SSLv3
    suite: CipherSuiteParameters | None = None
    extensions: dict[int, bytes] = field(default_factory=dict)
    certificate: bytes = b""
    encrypted_premaster: bytes = b""
    finished: list[str] = field(default_factory=list)
    sent: dict[tuple[str, int], bytes] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    protections: dict[str, RecordProtection] = field(default_factory=dict)

    @property
    def parameters(self) -> CipherSuiteParameters:
        assert self.suite is not None
        return self.suite

    @property
    def master_secret(self) -> bytes:
        (secret,) = [
            entry.secret
            for entry in self.key_log
            if (entry.label, entry.identifier) == ("CLIENT_RANDOM", self.client_random)
        ]
        return secret

    def follow(self, flights: Flights) -> None:
        pending = {"client": b"", "server": b""}
        for sender, content_type, version, fragment in records(flights):
            if sender in self.protected:
                fragment = self.protections[sender].unprotect(content_type, version, fragment)
            if content_type == CHANGE_CIPHER_SPEC:
                self.change_cipher_spec(sender)
            elif content_type == HANDSHAKE:
                pending[sender] += fragment
                while pending[sender]:
                    length = 4 + int.from_bytes(pending[sender][1:4], "big")
                    message, pending[sender] = pending[sender][:length], pending[sender][length:]
                    self.message(sender, message)
            else:
                key = sender, content_type
                self.sent[key] = self.sent.get(key, b"") + fragment

    def change_cipher_spec(self, sender: str) -> None:
        if not self.protections:
            keys = key_block(self.version, self.parameters, self.master_secret, self.client_random, self.server_random)
            encrypt_then_mac = ENCRYPT_THEN_MAC in self.extensions
            for name, mac_key, key, iv in (
                ("client", keys.client_write_MAC_key, keys.client_write_key, keys.client_write_IV),
                ("server", keys.server_write_MAC_key, keys.server_write_key, keys.server_write_IV),
            ):
                self.protections[name] = record_protection(
                    self.version, self.parameters, mac_key, key, iv, encrypt_then_mac=encrypt_then_mac
                )
        self.protected.add(sender)

    def message(self, sender: str, message: bytes) -> None:
        kind, body = message[0], message[4:]
        if kind == CLIENT_HELLO:
            self.client_random = body[2:34]
        elif kind == SERVER_HELLO:
            self.server_hello(body)
        elif kind == CERTIFICATE:
            self.certificate = body[6 : 6 + int.from_bytes(body[3:6], "big")]
        elif kind == FINISHED:
            assert sender in self.protected
            assert body == verify_data(
                self.version,
                self.parameters,
                self.master_secret,
                "client" if sender == "client" else "server",
                self.transcript,
            )
            self.finished.append(sender)
        self.transcript += message
        if kind == CLIENT_KEY_EXCHANGE:
            self.encrypted_premaster = body[2:]
            self.session_transcript = self.transcript

    def server_hello(self, body: bytes) -> None:
        self.version = ProtocolVersion.of(int.from_bytes(body[:2], "big"))
        self.server_random = body[2:34]
        position = 35 + body[34]
        suite = CipherSuite.of(int.from_bytes(body[position : position + 2], "big"))
        self.suite = parameters(suite)
        position += 5  # suite, compression method, length of the extensions
        while position < len(body):
            kind, length = struct.unpack_from(">HH", body, position)
            self.extensions[kind] = body[position + 4 : position + 4 + length]
            position += 4 + length


def observed(flights: Flights, key_log: Path) -> Observer:
    with key_log.open("rb") as lines:
        entries = list(parse_key_log(lines))
    observer = Observer([entry for entry in entries if isinstance(entry, KeyLogEntry)])
    assert len(observer.key_log) == len(entries)
    observer.follow(flights)
    return observer


@pytest.mark.parametrize(
    ("version", "suite", "options"),
    [
        *((version, suite, 0) for version, suite in CASES),
        *((version, suite, NO_ENCRYPT_THEN_MAC) for version, suite in CASES),
    ],
)
def test_every_record_opens_and_both_finished_verify(
    server: Server, tmp_path: Path, version: ssl.TLSVersion, suite: str, options: int
) -> None:
    key_log = tmp_path / "keys.log"
    observer = observed(talk(server, version, suite, options, key_log), key_log)
    assert observer.version is VERSIONS[version]
    # To OpenSSL the NULL cipher is a block cipher; its records are the same either way.
    may_encrypt_then_mac = observer.parameters.cipher.kind in ("block", "null")
    assert (ENCRYPT_THEN_MAC in observer.extensions) == (may_encrypt_then_mac and not options)
    assert observer.finished == ["client", "server"]
    assert observer.sent == {
        ("client", APPLICATION_DATA): REQUEST,
        ("server", APPLICATION_DATA): RESPONSE,
        ("client", ALERT): b"\x01\x00",  # close_notify
        ("server", ALERT): b"\x01\x00",
    }


@pytest.mark.parametrize("options", [0, NO_EXTENDED_MASTER_SECRET], ids=["extended", "plain"])
@pytest.mark.parametrize(("version", "suite"), [case for case in CASES if "ECDHE" not in case[1]])
def test_the_servers_key_gives_the_master_secret_of_the_key_log(
    server: Server, tmp_path: Path, version: ssl.TLSVersion, suite: str, options: int
) -> None:
    key_log = tmp_path / "keys.log"
    observer = observed(talk(server, version, suite, options, key_log), key_log)
    key = RSAKey(server.key)
    assert certificate_public_numbers(observer.certificate) == key.public_numbers
    premaster = key.decrypt(observer.encrypted_premaster)
    assert premaster[:2] == VERSIONS[version].to_bytes(2, "big")
    assert KeyLogEntry("RSA", observer.encrypted_premaster[:8], premaster) in observer.key_log
    assert (EXTENDED_MASTER_SECRET in observer.extensions) == (not options)
    if options:
        secret = master_secret(
            observer.version, observer.parameters, premaster, observer.client_random, observer.server_random
        )
    else:
        session_hash = handshake_hash(observer.version, observer.parameters, observer.session_transcript)
        secret = extended_master_secret(observer.version, observer.parameters, premaster, session_hash)
    assert secret == observer.master_secret
