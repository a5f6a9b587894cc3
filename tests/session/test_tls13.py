"""TLS 1.3 against OpenSSL, both peers in memory, with the key log that one of them writes."""

from __future__ import annotations

import datetime
import random
import ssl
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tlswire.analysis import key_log_entries
from tlswire.crypto import KeyLogEntry, Secrets, parse_key_log
from tlswire.schema import CertificateRequestTLS13, CertificateTLS13, EncryptedExtensions
from tlswire.session import (
    ApplicationData,
    Connection,
    DiscardedBytes,
    Event,
    FinishedCheck,
    Gap,
    HandshakeMessage,
    Malformed,
    ProtocolViolation,
    Reason,
    Record,
    Role,
    Undecryptable,
)

CLIENT, SERVER = 0, 1
LABELS = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
]
Wire = list[tuple[int, bytes]]


class Pair:
    """A client and a server of OpenSSL, what goes between them, and the client's key log."""

    def __init__(
        self, openssl_pair: Any, folder: Path, *, curve: str | None = None, post_handshake: bool = False
    ) -> None:
        pem = folder / "peer.pem"
        pem.write_bytes(certificate_and_key())
        self._key_log = folder / "keys.log"
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.keylog_filename = str(self._key_log)
        for context in (server, client):
            context.load_cert_chain(pem)
            context.load_verify_locations(pem)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        if curve is not None:
            server.set_ecdh_curve(curve)
        if post_handshake:
            client.post_handshake_auth = True
            server.verify_mode = ssl.CERT_OPTIONAL
            server.post_handshake_auth = True
        self._talk = openssl_pair(client, server)
        self.write = self._talk.write
        self.wire: Wire = self._talk.wire

    def ask_for_certificate(self) -> None:
        """The server asks after the handshake; the client answers when it next reads."""
        self._talk.peers[SERVER].verify_client_post_handshake()
        self._talk.peers[SERVER].write(b"?")
        self._talk.carry(SERVER)
        assert self._talk.peers[CLIENT].read() == b"?"
        self._talk.carry(CLIENT)
        self.write(CLIENT, b"!")

    def key_log(self) -> list[KeyLogEntry]:
        entries = list(parse_key_log(self._key_log.read_bytes().splitlines()))
        return [entry for entry in entries if isinstance(entry, KeyLogEntry)]


def certificate_and_key() -> bytes:
    """A certificate that signs itself, for either peer."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer.test")])
    then = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, then, then + datetime.timedelta(days=36500))
    certificate = made.sign(key, hashes.SHA256())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)


def conversation(pair: Pair) -> Pair:
    pair.write(CLIENT, b"GET / HTTP/1.1\r\n\r\n")
    pair.write(SERVER, bytes(40_000))
    pair.write(CLIENT, b"x")
    return pair


@pytest.fixture(scope="module")
def plain(openssl_pair: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return conversation(Pair(openssl_pair, tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def retried(openssl_pair: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return conversation(Pair(openssl_pair, tmp_path_factory.mktemp("retried"), curve="secp384r1"))


@pytest.fixture(scope="module")
def asked_later(openssl_pair: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    pair = Pair(openssl_pair, tmp_path_factory.mktemp("asked"), post_handshake=True)
    pair.write(CLIENT, b"GET / HTTP/1.1\r\n\r\n")
    pair.ask_for_certificate()
    pair.ask_for_certificate()
    pair.write(SERVER, bytes(40_000))
    return pair


every_pair = pytest.mark.parametrize("name", ["plain", "retried", "asked_later"])


def read(wire: Wire, key_log: list[KeyLogEntry]) -> tuple[Connection, list[Event]]:
    connection = Connection(Secrets(key_log=key_log))
    events: list[Event] = []
    for side, data in wire:
        connection.receive_data(side, data)
        events += connection.drain()
    for side in (CLIENT, SERVER):
        connection.receive_end(side)
    return connection, events + connection.drain()


def data_of(events: list[Event], side: int) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, ApplicationData) and event.side == side)


def by_side(events: list[Event]) -> list[list[str]]:
    return [[repr(event) for event in events if event.side == side] for side in (CLIENT, SERVER)]


def named(events: list[Event], side: int) -> list[str]:
    return [event.msg_type.name for event in events if isinstance(event, HandshakeMessage) and event.side == side]


TROUBLE = (Malformed, ProtocolViolation, Undecryptable, DiscardedBytes, Gap)


def test_a_connection_is_read_and_both_finished_are_verified(plain: Pair) -> None:
    connection, events = read(plain.wire, plain.key_log())
    assert not [event for event in events if isinstance(event, TROUBLE)]
    assert data_of(events, CLIENT) == b"GET / HTTP/1.1\r\n\r\nx"
    assert data_of(events, SERVER) == bytes(40_000)
    assert named(events, CLIENT) == ["client_hello", "finished"]
    assert named(events, SERVER) == [
        *("server_hello", "encrypted_extensions", "certificate", "certificate_verify", "finished"),
        *("new_session_ticket", "new_session_ticket"),
    ]
    (handshake,) = connection.handshakes
    assert handshake.finished_checks == dict.fromkeys(Role, FinishedCheck.verified)
    assert (str(handshake.client), str(handshake.server)) == ("decrypted", "decrypted")
    assert isinstance(handshake.message(EncryptedExtensions), EncryptedExtensions)
    certificate = handshake.server_certificate
    assert isinstance(certificate, CertificateTLS13)
    assert len(certificate.certificates) == 1


def test_another_hello_is_asked_for(retried: Pair) -> None:
    connection, events = read(retried.wire, retried.key_log())
    assert not [event for event in events if isinstance(event, TROUBLE)]
    assert named(events, CLIENT) == ["client_hello", "client_hello", "finished"]
    assert named(events, SERVER)[:3] == ["server_hello", "server_hello", "encrypted_extensions"]
    assert connection.handshakes[0].finished_checks == dict.fromkeys(Role, FinishedCheck.verified)
    assert data_of(events, SERVER) == bytes(40_000)


def test_a_certificate_is_asked_for_after_the_handshake(asked_later: Pair) -> None:
    connection, events = read(asked_later.wire, asked_later.key_log())
    assert not [event for event in events if isinstance(event, TROUBLE)]
    answer = ["certificate", "certificate_verify", "finished"]
    assert named(events, CLIENT) == ["client_hello", "finished", *answer, *answer]
    assert named(events, SERVER).count("certificate_request") == 2
    (handshake,) = connection.handshakes
    assert handshake.finished_checks == dict.fromkeys(Role, FinishedCheck.verified)
    request = handshake.certificate_request
    assert isinstance(request, CertificateRequestTLS13)
    assert request.supported_signature_algorithms
    client = handshake.client_certificate
    assert isinstance(client, CertificateTLS13)
    assert client.certificate_request_context == request.certificate_request_context != b""


@every_pair
def test_neither_chunks_nor_the_order_of_the_sides_matter(name: str, request: pytest.FixtureRequest) -> None:
    pair: Pair = request.getfixturevalue(name)
    expected = by_side(read(pair.wire, pair.key_log())[1])
    whole = {side: b"".join(data for sender, data in pair.wire if sender == side) for side in (CLIENT, SERVER)}
    orders: list[Wire] = [
        [(CLIENT, whole[CLIENT]), (SERVER, whole[SERVER])],
        [(SERVER, whole[SERVER]), (CLIENT, whole[CLIENT])],
        [(side, bytes([byte])) for side, data in pair.wire for byte in data],
    ]
    seeded = random.Random(13)
    for size in (3, 100, 1500):
        rest = dict(whole)
        order: Wire = []
        while any(rest.values()):
            side = seeded.choice([side for side in rest if rest[side]])
            order.append((side, rest[side][:size]))
            rest[side] = rest[side][size:]
        orders.append(order)
    for order in orders:
        assert by_side(read(order, pair.key_log())[1]) == expected


@every_pair
@pytest.mark.parametrize("label", LABELS)
def test_without_one_secret_its_records_alone_stay_encrypted(
    name: str, label: str, request: pytest.FixtureRequest
) -> None:
    pair: Pair = request.getfixturevalue(name)
    _, told = read(pair.wire, pair.key_log())
    connection, events = read(pair.wire, [entry for entry in pair.key_log() if entry.label != label])
    side = CLIENT if label.startswith("CLIENT") else SERVER
    closed = [event for event in events if isinstance(event, Undecryptable)]
    assert {event.reason for event in closed} == {Reason.tls13_needs_key_log}
    assert {event.side for event in closed} == {side}
    verdict = connection.handshakes[0].verdicts[side]
    assert verdict.evidence["missing"] == label
    assert verdict.records - verdict.decrypted == len(closed)
    other = by_side(events)[1 - side]
    assert [line for line in other if line.startswith("ApplicationData")] == [
        line for line in by_side(told)[1 - side] if line.startswith("ApplicationData")
    ]
    if "HANDSHAKE" in label:
        assert data_of(events, side) == data_of(told, side)
        assert named(events, side).count("finished") == named(told, side).count("finished") - 1
    else:
        assert data_of(events, side) == b""
        assert named(events, side).count("finished") == 1
    assert not [event for event in events if isinstance(event, Malformed | ProtocolViolation)]


def test_without_any_secret_of_this_client_random_each_side_says_so(plain: Pair) -> None:
    other = [KeyLogEntry(entry.label, bytes(32), entry.secret) for entry in plain.key_log()]
    connection, events = read(plain.wire, other)
    for verdict in connection.handshakes[0].verdicts:
        assert verdict.reason is Reason.tls13_needs_key_log
        assert verdict.evidence["client_random"] == plain.key_log()[0].identifier.hex()
    assert not [event for event in events if isinstance(event, ApplicationData | Malformed)]
    connection, events = read(plain.wire, [])
    assert {verdict.reason for verdict in connection.handshakes[0].verdicts} == {Reason.no_secrets}


@pytest.mark.parametrize("label", LABELS)
def test_under_a_wrong_secret_nothing_is_shown(plain: Pair, label: str) -> None:
    def changed(entry: KeyLogEntry) -> KeyLogEntry:
        return KeyLogEntry(label, entry.identifier, bytes(len(entry.secret))) if entry.label == label else entry

    _, told = read(plain.wire, plain.key_log())
    connection, events = read(plain.wire, [changed(entry) for entry in plain.key_log()])
    side = CLIENT if label.startswith("CLIENT") else SERVER
    assert connection.handshakes[0].verdicts[side].reason is Reason.mac_failed
    # Under the secret behind a wrong one, the tags prove what they always do.
    assert data_of(events, side) == (data_of(told, side) if "HANDSHAKE" in label else b"")
    assert data_of(events, 1 - side) == data_of(told, 1 - side)


@every_pair
def test_what_a_key_log_says_afterwards_opens_the_same(name: str, request: pytest.FixtureRequest) -> None:
    pair: Pair = request.getfixturevalue(name)
    connection, events = read(pair.wire, pair.key_log())
    entries = key_log_entries(connection.handshakes)
    assert sorted(entry.label for entry in entries) == sorted(LABELS)
    assert by_side(read(pair.wire, entries)[1]) == by_side(events)


@every_pair
@pytest.mark.parametrize("size", [200, 1460])
def test_a_lost_piece_loses_what_lay_in_it_and_no_more(name: str, size: int, request: pytest.FixtureRequest) -> None:
    """Each piece of `size` bytes in turn is a hole: every record outside of it is opened, and nothing is made up."""
    pair: Pair = request.getfixturevalue(name)
    _, told = read(pair.wire, pair.key_log())
    pieces = [(side, data[at : at + size]) for side, data in pair.wire for at in range(0, len(data), size)]
    offsets: list[int] = []
    ends = Counter[int]()
    for side, data in pieces:
        offsets.append(ends[side])
        ends[side] += len(data)
    for lost, ((hole_side, hole), start) in enumerate(zip(pieces, offsets, strict=True)):
        connection = Connection(Secrets(key_log=pair.key_log()))
        events: list[Event] = []
        for number, (side, data) in enumerate(pieces):
            if number == lost:
                connection.receive_gap(side, len(data))
            else:
                connection.receive_data(side, data)
            events += connection.drain()
        for side in (CLIENT, SERVER):
            connection.receive_end(side)
        events += connection.drain()
        end = start + len(hole)
        expected = outside(told, hole_side, start, end)
        found = [(event.side, event.data) for event in events if isinstance(event, ApplicationData)]
        hello = any(
            message.side == hole_side
            and message.msg_type.name.endswith("_hello")
            and record_of(told, message, start, end)
            for message in told
            if isinstance(message, HandshakeMessage)
        )
        if hello:  # without a hello, no keys
            assert [item for item in found if item not in expected] == []
        else:
            assert sorted(found) == sorted(expected), (name, lost)


def records_with_content(told: list[Event]) -> list[tuple[Record, list[Event]]]:
    """The records of both sides, each with what came out of it."""
    found: list[tuple[Record, list[Event]]] = []
    for side in (CLIENT, SERVER):
        for event in told:
            if event.side != side:
                continue
            if isinstance(event, Record):
                found.append((event, []))
            elif found:
                found[-1][1].append(event)
    return found


def overlaps(record: Record, start: int, end: int) -> bool:
    return record.offset < end and start < record.offset + record.header_length + len(record.fragment)


def outside(told: list[Event], side: int, start: int, end: int) -> list[tuple[int, bytes]]:
    """The application data of all records but those of `side` that overlap the hole."""
    return [
        (record.side, event.data)
        for record, content in records_with_content(told)
        if record.side != side or not overlaps(record, start, end)
        for event in content
        if isinstance(event, ApplicationData)
    ]


def record_of(told: list[Event], message: HandshakeMessage, start: int, end: int) -> bool:
    return any(message in content and overlaps(record, start, end) for record, content in records_with_content(told))


@pytest.mark.parametrize("first", [CLIENT, SERVER])
def test_a_capture_may_begin_behind_the_first_hello_where_another_is_asked_for(retried: Pair, first: int) -> None:
    """Nothing tells of a hole then, but the transcript lacks a hello: what Finished covers is not known."""
    assert [side for side, _ in retried.wire[:3]] == [CLIENT, SERVER, CLIENT]
    wire = sorted(retried.wire[1:], key=lambda sent: sent[0] != first)
    connection, events = read(wire, retried.key_log())
    assert not [event for event in events if isinstance(event, Undecryptable)]
    assert named(events, CLIENT) == ["client_hello", "finished"]
    assert data_of(events, CLIENT) == b"GET / HTTP/1.1\r\n\r\nx"
    assert data_of(events, SERVER) == bytes(40_000)
    assert connection.handshakes[0].finished_checks == dict.fromkeys(Role, FinishedCheck.unknown)
