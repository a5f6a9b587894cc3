"""The project's own captures, replayed: what was decrypted against what the endpoints wrote and saw.

`tests/captures/README.md` says how they were made and what their `capture.json` means.  Every figure in it is in an
endpoint's words; nothing there was made by tlswire.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tlswire.capture import CaptureReader, TCPAssembler, TLSStream, open_capture
from tlswire.capture.tcp import TCPConnection
from tlswire.crypto import KeyLogEntry, RSAKey, Secrets, parse_key_log
from tlswire.schema import CertificateRequest, CertificateRequestTLS12
from tlswire.session import (
    AlertMessage,
    ApplicationData,
    Binding,
    ChangeCipherSpecMessage,
    Connection,
    DiscardedBytes,
    Event,
    FinishedCheck,
    Gap,
    HandshakeMessage,
    Malformed,
    Reason,
    Record,
    Role,
    Undecryptable,
)

CAPTURES = Path(__file__).parents[1] / "captures"
NAMES = sorted(path.parent.name for path in CAPTURES.glob("*/capture.json"))
assert NAMES, "the captures that are committed with the tests are missing"


def truth_of(name: str) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((CAPTURES / name / "capture.json").read_text(encoding="utf-8"))
    return truth


# Those that nobody here can decrypt, whatever is known of their secrets
UNDECRYPTABLE = [name for name in NAMES if truth_of(name).get("undecryptable")]


def server_key(path: Path) -> RSAKey:
    key = load_pem_private_key(path.read_bytes(), None)
    return RSAKey(key, path.name)  # type: ignore[arg-type]


def secrets_of(name: str) -> Secrets:
    truth = truth_of(name)
    secrets = Secrets([server_key(CAPTURES / name / truth["key"])])
    if truth["keylog"] is not None:
        lines = (CAPTURES / name / truth["keylog"]).read_bytes().splitlines()
        secrets.add_key_log(entry for entry in parse_key_log(lines) if isinstance(entry, KeyLogEntry))
    return secrets


@dataclass
class Told:
    """What a reader told of one stream."""

    stream: TLSStream
    events: list[Event] = field(default_factory=list)

    def messages(self, role: Role) -> list[tuple[str, int]]:
        return [
            (event.msg_type.name if isinstance(event, HandshakeMessage) else "change_cipher_spec", event.epoch)
            for event in self.events
            if isinstance(event, HandshakeMessage | ChangeCipherSpecMessage) and self.stream.role(event.side) is role
        ]

    def data(self, role: Role) -> bytes:
        return b"".join(
            event.data
            for event in self.events
            if isinstance(event, ApplicationData) and self.stream.role(event.side) is role
        )


def read(name: str, secrets: Secrets | None) -> list[Told]:
    return read_files([CAPTURES / name / truth_of(name)["file"]], secrets)


def read_files(paths: list[Path], secrets: Secrets | None) -> list[Told]:
    told: dict[TLSStream, Told] = {}
    for stream, event in CaptureReader(paths, secrets=secrets, keep_messages=True):
        if event is not None:
            told.setdefault(stream, Told(stream)).events.append(event)
    return sorted(told.values(), key=lambda one: one.stream.number)


@pytest.fixture(scope="module", params=[name for name in NAMES if name not in UNDECRYPTABLE])
def case(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any], list[Told]]:
    name: str = request.param
    return name, truth_of(name), read(name, secrets_of(name))


Case = tuple[str, dict[str, Any], list[Told]]


def test_the_streams_are_those_of_the_endpoints(case: Case) -> None:
    _, truth, told = case
    found = [(one.stream.number, one.stream.tcp_stream, str(one.stream.version)) for one in told]
    assert found == [(one["stream"], one["tcp_stream"], one["protocol"]) for one in truth["streams"]]
    assert [int(one.stream.client.rsplit(":")[-1]) for one in told] == [one["client_port"] for one in truth["streams"]]


def test_the_plaintext_is_byte_for_byte_what_the_endpoints_wrote(case: Case) -> None:
    name, truth, told = case
    for one, expected in zip(told, truth["streams"], strict=True):
        for role in Role:
            data = one.data(role)
            assert (len(data), hashlib.sha256(data).hexdigest()) == (
                expected[role]["bytes"],
                expected[role]["sha256"],
            )
            file = expected[role].get("file")
            if file is not None:
                assert data == (CAPTURES / name / file).read_bytes()


def test_the_handshakes_are_those_of_the_endpoints_in_order_with_their_epochs(case: Case) -> None:
    _, truth, told = case
    for one, expected in zip(told, truth["streams"], strict=True):
        for role in Role:
            seen = [(name, epoch) for sender, name, epoch in expected["messages"] if sender == role]
            assert one.messages(role) == seen


def test_the_alerts_are_those_of_the_endpoints(case: Case) -> None:
    _, truth, told = case
    for one, expected in zip(told, truth["streams"], strict=True):
        for role in Role if expected["alerts"] is not None else ():
            found = [
                event.alert.description.name
                for event in one.events
                if isinstance(event, AlertMessage) and one.stream.role(event.side) is role
            ]
            assert found == [name for sender, name in expected["alerts"] if sender == role]


def test_the_epochs_are_what_the_endpoints_negotiated(case: Case) -> None:
    _, truth, told = case
    for one, expected in zip(told, truth["streams"], strict=True):
        handshakes = one.stream.handshakes
        read_epochs = [
            {
                "initiated_by": handshake.initiated_by.value,
                "cipher_suite": handshake.cipher_suite.name if handshake.cipher_suite is not None else None,
                "resumed": handshake.resumed,
                "extended_master_secret": handshake.extended_master_secret,
            }
            for handshake in handshakes
            if handshake.cipher_suite is not None
        ]
        expected_epochs = [
            {key: epoch[key] for key in ("initiated_by", "cipher_suite", "resumed", "extended_master_secret")}
            for epoch in expected["epochs"]
            if epoch["cipher_suite"] is not None
        ]
        assert read_epochs == expected_epochs


def test_every_finished_verifies_and_the_binding_of_each_handshake_is_proved(case: Case) -> None:
    _, truth, told = case
    for one, expected in zip(told, truth["streams"], strict=True):
        for handshake, epoch in zip(one.stream.handshakes, expected["epochs"], strict=False):
            if handshake.flight_done[Role.client] or handshake.flight_done[Role.server]:
                assert handshake.finished is FinishedCheck.verified
            if epoch["cipher_suite"] is not None and expected["protocol"] != "TLSv1.3":
                wanted = Binding.verified if epoch["secure_renegotiation"] else Binding.missing
                assert handshake.secure_renegotiation is wanted, handshake.secure_renegotiation_why


def test_every_name_of_a_certificate_request_comes_out_in_order_byte_for_byte(case: Case) -> None:
    name, truth, told = case
    for one, expected in zip(told, truth["streams"], strict=True):
        requests = {
            event.epoch: event.message
            for event in one.events
            if isinstance(event, HandshakeMessage)
            and isinstance(event.message, CertificateRequest | CertificateRequestTLS12)
        }
        for epoch, known in enumerate(expected["epochs"]):
            asked = known["certificate_request"]
            assert (epoch in requests) == (asked is not None)
            if asked is None:
                continue
            ders = [authority.der for authority in requests[epoch].certificate_authorities]
            assert len(ders) == asked["names"]
            listed = b"".join(ders)
            assert hashlib.sha256(listed).hexdigest() == asked["sha256"]
            if asked.get("file"):
                assert listed == (CAPTURES / name / asked["file"]).read_bytes()


def test_nothing_is_malformed_discarded_or_missing(case: Case) -> None:
    _, _, told = case
    for one in told:
        assert not [event for event in one.events if isinstance(event, Malformed | DiscardedBytes | Gap)]
        assert not [event for event in one.events if isinstance(event, Undecryptable)]
        for handshake in one.stream.handshakes:
            assert [verdict.reason for verdict in handshake.verdicts] == [None, None]


@pytest.mark.parametrize("name", UNDECRYPTABLE)
def test_what_cannot_be_decrypted_is_told_with_its_reason_and_the_rest_as_ever(name: str) -> None:
    truth = truth_of(name)
    for one, expected in zip(read(name, secrets_of(name)), truth["streams"], strict=True):
        encrypted = [tuple(missed) for missed in truth["tshark_misses"]]
        for role in Role:
            clear = [tuple(told) for told in expected["messages"] if tuple(told) not in encrypted]
            assert one.messages(role) == [(name, epoch) for sender, name, epoch in clear if sender == role]
            assert expected[role]["bytes"]
            assert one.data(role) == b""
        (handshake,) = one.stream.handshakes
        assert handshake.cipher_suite is not None
        assert handshake.cipher_suite.name == expected["epochs"][0]["cipher_suite"]
        assert [str(verdict.reason) for verdict in handshake.verdicts] == 2 * [truth["undecryptable"]]


@pytest.mark.parametrize("name", NAMES)
def test_with_a_key_of_another_server_nothing_is_decrypted_and_the_reason_says_so(name: str) -> None:
    for one in read(name, Secrets([server_key(CAPTURES / "keys" / "unrelated.pem")])):
        for event in one.events:
            if isinstance(event, Undecryptable):
                assert event.reason in (
                    Reason.wrong_key,
                    Reason.tls13_needs_key_log,
                    Reason.key_exchange_not_rsa,
                    Reason.previous_epoch_encrypted,
                    Reason.resumed_session_unknown,
                )
            if isinstance(event, ApplicationData | HandshakeMessage | AlertMessage):
                assert not event.protected


@pytest.mark.parametrize("name", NAMES)
def test_without_any_secret_what_came_encrypted_stays_so(name: str) -> None:
    told = read(name, None)
    for one in told:
        for event in one.events:
            if isinstance(event, Undecryptable):
                assert event.reason in (Reason.no_secrets, Reason.previous_epoch_encrypted)
            if isinstance(event, ApplicationData):
                # Only where the cipher is NULL is there anything to see.
                assert one.stream.handshakes[event.epoch].encrypts_nothing


# A capture that was rotated

RESUMED = [
    name
    for name in NAMES
    if name.endswith(("resumed", "resumed-id", "resumed-ticket"))
    and truth_of(name)["file"] == "capture.pcap"
    and len(truth_of(name)["streams"]) > 1
    and truth_of(name)["streams"][0]["protocol"] != "TLSv1.3"  # where each connection has its own line in the key log
]


def pcap_frames(capture: bytes) -> list[bytes]:
    """The frames of a pcap file (little-endian), each with its header."""
    frames, offset = [], 24
    while offset < len(capture):
        (length,) = struct.unpack_from("<I", capture, offset + 8)
        frames.append(capture[offset : offset + 16 + length])
        offset += 16 + length
    return frames


def test_there_are_resumed_captures_with_and_without_the_extended_master_secret() -> None:
    epochs = [epoch for name in RESUMED for stream in truth_of(name)["streams"] for epoch in stream["epochs"]]
    assert {epoch["extended_master_secret"] for epoch in epochs if epoch["resumed"]} == {True, False}


@pytest.mark.parametrize("name", RESUMED)
def test_a_session_is_known_in_the_files_after_the_one_in_which_it_began(name: str, tmp_path: Path) -> None:
    capture = (CAPTURES / name / truth_of(name)["file"]).read_bytes()
    frames = pcap_frames(capture)
    whole = read(name, secrets_of(name))
    assert sum(one.stream.handshakes[0].resumed is True for one in whole)
    paths = [tmp_path / "trace_00001.pcap", tmp_path / "trace_00002.pcap"]
    for cut in range(1, len(frames), 3):
        for path, part in zip(paths, (frames[:cut], frames[cut:]), strict=True):
            path.write_bytes(capture[:24] + b"".join(part))
        rotated = read_files(paths, secrets_of(name))
        assert len(rotated) == len(whole)
        for one, other in zip(rotated, whole, strict=True):
            for role in Role:
                assert one.messages(role) == other.messages(role)
                assert one.data(role) == other.data(role)


@pytest.mark.parametrize("name", RESUMED)
def test_a_session_that_began_in_a_file_that_is_not_given_is_told_to_be_unknown(name: str, tmp_path: Path) -> None:
    capture = (CAPTURES / name / truth_of(name)["file"]).read_bytes()
    frames = pcap_frames(capture)
    port = truth_of(name)["streams"][0]["client_port"].to_bytes(2)
    path = tmp_path / "trace_00002.pcap"
    path.write_bytes(capture[:24] + b"".join(frame for frame in frames if port not in frame[16 + 34 : 16 + 38]))
    for one in read_files([path], secrets_of(name)):
        assert one.stream.handshakes[0].resumed is True
        assert [verdict.reason for verdict in one.stream.handshakes[0].verdicts] == 2 * [Reason.resumed_session_unknown]
        assert one.data(Role.client) == one.data(Role.server) == b""


# The order of arrival


@dataclass
class Streams:
    """Both directions of the TCP connections of a capture, as the assembler hands them on."""

    sides: dict[int, tuple[bytearray, bytearray]] = field(default_factory=dict)

    def opened(self, connection: TCPConnection, at: object) -> None:
        self.sides[connection.number] = (bytearray(), bytearray())

    def data(self, connection: TCPConnection, side: int, data: bytes, at: object) -> None:
        self.sides[connection.number][side].extend(data)

    def gap(self, connection: TCPConnection, side: int, length: int | None, at: object) -> None:
        raise AssertionError("the captures lost nothing")

    def end(self, connection: TCPConnection, side: int, at: object) -> None: ...

    def closed(self, connection: TCPConnection, at: object) -> None: ...

    def limit_reached(self, limit: str, value: int, connection: TCPConnection, dropped: int, at: object) -> None:
        raise AssertionError(f"{limit} was reached")


def streams_of(name: str) -> dict[int, tuple[bytearray, bytearray]]:
    streams = Streams()
    assembler = TCPAssembler(streams)
    with open_capture(CAPTURES / name / truth_of(name)["file"]) as capture:
        assembler.receive_all(capture.raw_frames())
    assembler.finish()
    return streams.sides


def per_side(secrets: Secrets, steps: list[tuple[int, bytes]]) -> tuple[list[Event], list[Event]]:
    """The events of each side when the bytes come in that order."""
    connection = Connection(secrets)
    told: tuple[list[Event], list[Event]] = ([], [])
    for side, data in steps:
        connection.receive_data(side, data)
        for event in connection.events():
            told[event.side].append(event)
    for side in (0, 1):
        connection.receive_end(side)
    for event in connection.events():
        told[event.side].append(event)
    return told


def chunks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


SMALL = [name for name in NAMES if (CAPTURES / name / truth_of(name)["file"]).stat().st_size < 30_000]


@pytest.mark.parametrize("name", SMALL)
def test_the_events_of_a_side_do_not_depend_on_chunking_or_interleaving(name: str) -> None:
    for number, (first, second) in streams_of(name).items():
        if not any(one["tcp_stream"] == number for one in truth_of(name)["streams"]):
            continue
        one, other = bytes(first), bytes(second)
        whole = per_side(secrets_of(name), [(0, one), (1, other)])
        assert per_side(secrets_of(name), [(1, other), (0, one)]) == whole
        assert (
            per_side(secrets_of(name), [(0, c) for c in chunks(one, 1)] + [(1, c) for c in chunks(other, 1)]) == whole
        )
        shuffled = random.Random(name)  # a fixed seed: a failure can be repeated
        for size in (1, 7, 100, 1460):
            queues = [chunks(one, size), chunks(other, size)]
            steps = []
            while queues[0] or queues[1]:
                side = shuffled.randrange(2) if queues[0] and queues[1] else int(not queues[0])
                steps.append((side, queues[side].pop(0)))
            assert per_side(secrets_of(name), steps) == whole


@pytest.mark.parametrize("name", SMALL)
def test_every_byte_is_in_one_record_gap_or_discarded_piece(name: str) -> None:
    for first, second in streams_of(name).values():
        told = per_side(secrets_of(name), [(0, bytes(first)), (1, bytes(second))])
        for data, events in zip((first, second), told, strict=True):
            counted = Counter[str]()
            for event in events:
                if isinstance(event, Record):
                    counted["record"] += event.header_length + len(event.fragment)
                elif isinstance(event, DiscardedBytes):
                    counted["discarded"] += len(event.data)
            assert counted.total() == len(data)
