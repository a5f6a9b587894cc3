"""The traces of RFC 8448: what its peers said is told, in each order of arrival, as far as the key log goes.

The traces, and where they come from: rfc8448.json beside this file.  What is expected of a key log follows from the
traces alone: a record is read when the secret that protects it is there, whatever else is not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tlswire.crypto import (
    KeyLogEntry,
    Secrets,
    finished_verify_data,
    next_traffic_secret,
    parse_key_log,
    traffic_protection,
)
from tlswire.registry import CipherSuite, ContentType, HandshakeType, ProtocolVersion, parameters
from tlswire.session import (
    AlertMessage,
    ApplicationData,
    ChangeCipherSpecMessage,
    Connection,
    EndOfStream,
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

TRACES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("rfc8448.json").read_text())["traces"]
SENDERS = ("client", "server")
EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
Step = tuple[int, Any]
Told = tuple[Any, ...]


def name_of(trace: dict[str, Any]) -> str:
    return f"{trace['section']}, {trace['title']}"


each_trace = pytest.mark.parametrize("trace", TRACES, ids=name_of)


def client_random(trace: dict[str, Any]) -> str:
    random: str = trace["records"][0]["record"][22:86]
    return random


def secret_of(trace: dict[str, Any], label: str) -> str:
    secret: str = trace["secrets"][label]["secret"]
    return secret


def secrets(trace: dict[str, Any], *labels: str) -> Secrets:
    """A key log with the secrets of those labels, of all where none is named."""
    lines = [
        f"{label} {client_random(trace)} {secret['secret']}".encode()
        for label, secret in trace["secrets"].items()
        if not labels or label in labels
    ]
    entries = list(parse_key_log(lines))
    assert all(isinstance(entry, KeyLogEntry) for entry in entries)
    return Secrets(key_log=[entry for entry in entries if isinstance(entry, KeyLogEntry)])


# In which order the bytes may come


def as_they_came(trace: dict[str, Any]) -> list[Step]:
    return [(SENDERS.index(record["sender"]), bytes.fromhex(record["record"])) for record in trace["records"]]


def in_bytes(trace: dict[str, Any]) -> list[Step]:
    return [(side, bytes([octet])) for side, data in as_they_came(trace) for octet in data]


def client_first(trace: dict[str, Any]) -> list[Step]:
    steps = as_they_came(trace)
    return [(side, b"".join(data for sender, data in steps if sender == side)) for side in (0, 1)]


def server_first(trace: dict[str, Any]) -> list[Step]:
    return client_first(trace)[::-1]


def server_first_in_bytes(trace: dict[str, Any]) -> list[Step]:
    return [(side, bytes([octet])) for side, data in server_first(trace) for octet in data]


def a_byte_of_each(trace: dict[str, Any]) -> list[Step]:
    streams = [data for _, data in client_first(trace)]
    return [
        (side, streams[side][at : at + 1])
        for at in range(max(map(len, streams)))
        for side in (1, 0)
        if at < len(streams[side])
    ]


def in_odd_chunks(trace: dict[str, Any]) -> list[Step]:
    """37 bytes of the server, then 11 of the client: no chunk ends where a record does."""
    streams = {1: (client_first(trace)[1][1], 37), 0: (client_first(trace)[0][1], 11)}
    return [
        (side, data[turn * size : (turn + 1) * size])
        for turn in range(200)
        for side, (data, size) in streams.items()
        if data[turn * size :]
    ]


ORDERS = [as_they_came, in_bytes, client_first, server_first, server_first_in_bytes, a_byte_of_each, in_odd_chunks]
each_order = pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
as_other_sides = pytest.mark.parametrize("swapped", [False, True], ids=["", "sides swapped"])


def read(
    feed: Any, steps: list[Step], given: Secrets, *, swapped: bool, greedy: bool
) -> tuple[Connection, list[Event]]:
    connection = Connection(given)
    steps = [*steps, (0, "end"), (1, "end")]
    events = feed(connection, [(side ^ swapped, data) for side, data in steps], greedy=greedy)
    return connection, events


# What is to be told, and what was told


def expected(trace: dict[str, Any], sender: str, labels: set[str]) -> Iterator[Told]:
    """What a sender says, as far as it can be read with the secrets of those labels."""
    for record in trace["records"]:
        if record["sender"] == sender:
            raw = bytes.fromhex(record["record"])
            yield "record", raw
            yield from contents(record, raw, labels)
    yield ("end",)


def contents(record: dict[str, Any], raw: bytes, labels: set[str]) -> Iterator[Told]:
    if "secret" not in record:
        yield ("change_cipher_spec" if raw[0] == 20 else "handshake"), False, raw[5:]
    elif record["secret"] not in labels:
        yield "undecryptable", len(raw) - 5, Reason.tls13_needs_key_log
    else:
        name = ContentType(record["content_type"]).name
        yield from ((name, True, bytes.fromhex(plaintext)) for plaintext in record["plaintext"])


def told(events: list[Event], side: int) -> Iterator[Told]:
    for event in events:
        if event.side != side:
            continue
        match event:
            case Record(content_type=content_type, version=version, fragment=fragment):
                head = bytes([content_type]) + version.to_bytes(2, "big") + len(fragment).to_bytes(2, "big")
                yield "record", head + fragment
            case HandshakeMessage(protected=protected, raw=raw, message=message):
                assert raw == bytes([event.msg_type]) + (len(raw) - 4).to_bytes(3, "big") + message.encode()
                yield "handshake", protected, raw
            case ApplicationData(protected=protected, data=data):
                yield "application_data", protected, data
            case AlertMessage(protected=protected, alert=alert):
                yield "alert", protected, alert.encode()
            case ChangeCipherSpecMessage(protected=protected, raw=raw):
                yield "change_cipher_spec", protected, raw
            case Undecryptable(reason=reason, length=length):
                yield "undecryptable", length, reason
            case Gap(length=length):
                yield "gap", length
            case EndOfStream():
                yield ("end",)
            case _:
                yield (event,)  # no other kind is expected at all


def handshake_records(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """The protected records whose messages a Finished covers."""
    return [
        record
        for record in trace["records"]
        if record.get("content_type") == ContentType.handshake and not record["secret"].endswith("_0")
    ]


def finished_checks(trace: dict[str, Any], unread: list[dict[str, Any]]) -> dict[Role, FinishedCheck]:
    """Which Finished are read, and whether all that they cover was: that is what came before them."""
    checks: dict[Role, FinishedCheck] = {}
    complete = True
    for record in handshake_records(trace):
        if record in unread:
            complete = False
        elif record["plaintext"][-1].startswith("14"):
            checks[Role(record["sender"])] = FinishedCheck.verified if complete else FinishedCheck.unknown
    return checks


@each_trace
@each_order
@as_other_sides
@pytest.mark.parametrize("greedy", [True, False], ids=["asked at each step", "asked at the end"])
def test_all_is_read_with_the_whole_key_log(
    trace: dict[str, Any], order: Any, swapped: bool, greedy: bool, feed: Any
) -> None:
    connection, events = read(feed, order(trace), secrets(trace), swapped=swapped, greedy=greedy)
    for number, sender in enumerate(SENDERS):
        assert list(told(events, number ^ swapped)) == list(expected(trace, sender, set(trace["secrets"])))
        assert connection.role(number ^ swapped) is Role(sender)
    (handshake,) = connection.handshakes
    assert handshake.finished_checks == {Role.client: FinishedCheck.verified, Role.server: FinishedCheck.verified}
    assert handshake.finished is FinishedCheck.verified
    assert handshake.version == connection.version == ProtocolVersion(int(trace["version"], 16))
    assert handshake.cipher_suite is CipherSuite.TLS_AES_128_GCM_SHA256
    assert handshake.resumed is (trace["section"] == "4")
    assert connection.server_name == "server"
    assert {label: secret.hex() for label, secret in handshake.traffic_secrets.items()} == {
        label: secret["secret"] for label, secret in trace["secrets"].items()
    }
    for sender, verdict in ((0, handshake.client), (1, handshake.server)):
        protected = [one for one in trace["records"] if one["sender"] == SENDERS[sender] and "secret" in one]
        assert (verdict.verdict, verdict.records, verdict.decrypted) == ("decrypted", len(protected), len(protected))
    assert not connection.is_waiting


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("3", "client_hello server_hello encrypted_extensions certificate certificate_verify finished finished "
              "new_session_ticket"),
        ("4", "client_hello server_hello encrypted_extensions finished end_of_early_data finished"),
        ("5", "client_hello server_hello client_hello server_hello encrypted_extensions certificate certificate_verify "
              "finished finished"),
        ("6", "client_hello server_hello encrypted_extensions certificate_request certificate certificate_verify "
              "finished certificate certificate_verify finished"),
        ("7", "client_hello server_hello encrypted_extensions certificate certificate_verify finished finished"),
    ],
)  # fmt: skip
@each_order
def test_the_messages_come_in_the_order_of_the_transcript(section: str, names: str, order: Any, feed: Any) -> None:
    (trace,) = [trace for trace in TRACES if trace["section"] == section]
    _, events = read(feed, order(trace), secrets(trace), swapped=False, greedy=True)
    found = [event.msg_type for event in events if isinstance(event, HandshakeMessage)]
    if order is as_they_came or order is in_bytes:
        assert [msg_type.name for msg_type in found] == names.split()
    else:  # what follows the handshake waits for nobody
        found = [msg_type for msg_type in found if msg_type is not HandshakeType.new_session_ticket]
        assert [msg_type.name for msg_type in found] == names.removesuffix("new_session_ticket").split()


def selections(trace: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    labels = list(trace["secrets"])
    for count in range(1, len(labels)):
        yield from combinations(labels, count)


@pytest.mark.parametrize(
    ("trace", "labels"),
    [
        pytest.param(trace, labels, id=f"{name_of(trace)}: {', '.join(labels)}")
        for trace in TRACES
        for labels in selections(trace)
    ],
)
@each_order
@as_other_sides
def test_exactly_what_has_no_secret_stays_encrypted(
    trace: dict[str, Any], labels: tuple[str, ...], order: Any, swapped: bool, feed: Any
) -> None:
    connection, events = read(feed, order(trace), secrets(trace, *labels), swapped=swapped, greedy=True)
    known = set(labels)
    for number, sender in enumerate(SENDERS):
        assert list(told(events, number ^ swapped)) == list(expected(trace, sender, known))
    (handshake,) = connection.handshakes
    unread = [record for record in trace["records"] if "secret" in record and record["secret"] not in known]
    assert handshake.finished_checks == finished_checks(trace, unread)
    assert set(handshake.traffic_secrets) == known
    for sender, verdict in zip(SENDERS, (handshake.client, handshake.server), strict=True):
        protected = [one for one in trace["records"] if one["sender"] == sender and "secret" in one]
        decrypted = [one for one in protected if one["secret"] in known]
        assert (verdict.records, verdict.decrypted) == (len(protected), len(decrypted))
        missing = [one["secret"] for one in protected if one["secret"] not in known]
        assert verdict.reason is (Reason.tls13_needs_key_log if missing else None)
        if missing:
            assert verdict.evidence["client_random"] == client_random(trace)
            assert verdict.evidence.get("missing", missing[0]) == missing[0]
    assert not connection.is_waiting


@each_trace
@each_order
def test_the_key_log_of_another_connection_opens_nothing(trace: dict[str, Any], order: Any, feed: Any) -> None:
    other = TRACES[TRACES.index(trace) - 1]
    _, events = read(feed, order(trace), secrets(other), swapped=False, greedy=True)
    for number, sender in enumerate(SENDERS):
        assert list(told(events, number)) == list(expected(trace, sender, set()))


each_protected = pytest.mark.parametrize(
    ("trace", "number"),
    [
        pytest.param(trace, number, id=f"{name_of(trace)}, {number}")
        for trace in TRACES
        for number, record in enumerate(trace["records"])
        if "secret" in record
    ],
)


@each_protected
@pytest.mark.parametrize("greedy", [True, False], ids=["asked at each step", "asked at the end"])
def test_a_record_that_was_changed_is_lost_alone(trace: dict[str, Any], number: int, greedy: bool, feed: Any) -> None:
    """Also where it is the one behind which there are other keys."""
    steps = as_they_came(trace)
    side, raw = steps[number]
    changed = raw[:-1] + bytes([raw[-1] ^ 1])
    steps[number] = side, changed
    connection, events = read(feed, steps, secrets(trace), swapped=False, greedy=greedy)
    record = trace["records"][number]
    for other, sender in enumerate(SENDERS):
        said = list(expected(trace, sender, set(trace["secrets"])))
        if other == side:
            at = said.index(("record", raw))
            lost = [("record", changed), ("undecryptable", len(raw) - 5, Reason.mac_failed)]
            said[at : at + 1 + len(record["plaintext"])] = lost
        assert list(told(events, other)) == said
    (handshake,) = connection.handshakes
    if record["secret"] != EARLY:  # in what does not open, an EndOfEarlyData may have been
        assert handshake.finished_checks == finished_checks(trace, [record])
    assert FinishedCheck.mismatch not in handshake.finished_checks.values()


@each_protected
@pytest.mark.parametrize("known", [True, False], ids=["length known", "length unknown"])
@pytest.mark.parametrize("first", [None, 0, 1], ids=["as they came", "client first", "server first"])
@pytest.mark.parametrize("greedy", [True, False], ids=["asked at each step", "asked at the end"])
def test_a_record_in_a_hole_is_lost_alone(
    trace: dict[str, Any], number: int, known: bool, first: int | None, greedy: bool, feed: Any
) -> None:
    steps = as_they_came(trace)
    side, raw = steps[number]
    steps[number] = side, len(raw) if known else None
    if first is not None:
        steps.sort(key=lambda step: step[0] != first)
    connection, events = read(feed, steps, secrets(trace), swapped=False, greedy=greedy)
    record = trace["records"][number]
    for other, sender in enumerate(SENDERS):
        said = list(expected(trace, sender, set(trace["secrets"])))
        if other == side:
            at = said.index(("record", raw))
            said[at : at + 1 + len(record["plaintext"])] = [("gap", len(raw) if known else None)]
        assert list(told(events, other)) == said
    (handshake,) = connection.handshakes
    if record["secret"] == EARLY:  # where data is missing, an EndOfEarlyData may be
        assert handshake.finished_checks == {Role.client: FinishedCheck.unknown, Role.server: FinishedCheck.verified}
    else:
        assert handshake.finished_checks == finished_checks(trace, [record])


@pytest.mark.parametrize("first", [None, 0, 1], ids=["as they came", "client first", "server first"])
@pytest.mark.parametrize("greedy", [True, False], ids=["asked at each step", "asked at the end"])
@pytest.mark.parametrize("lost", [0, 2])
def test_no_finished_verifies_without_both_client_hellos(lost: int, first: int | None, greedy: bool, feed: Any) -> None:
    (trace,) = [trace for trace in TRACES if trace["section"] == "5"]
    steps = as_they_came(trace)
    steps[lost] = 0, len(steps[lost][1])
    if first is not None:
        steps.sort(key=lambda step: step[0] != first)
    connection, events = read(feed, steps, secrets(trace), swapped=False, greedy=greedy)
    (handshake,) = connection.handshakes
    assert handshake.finished_checks == {Role.client: FinishedCheck.unknown, Role.server: FinishedCheck.unknown}
    assert list(told(events, 1)) == list(expected(trace, "server", set(trace["secrets"])))
    assert len([event for event in events if isinstance(event, AlertMessage)]) == 2


def test_a_second_client_hello_is_known_by_its_cookie(feed: Any) -> None:
    """The first lies in a hole, and the HelloRetryRequest asks for no group: it has its key_share cut out."""
    (trace,) = [trace for trace in TRACES if trace["section"] == "5"]
    steps = as_they_came(trace)
    retry = steps[1][1]
    assert retry[49:55].hex() == "003300020017"
    retry = retry[:49] + retry[55:]
    lengths = [(3, 2), (6, 3), (47, 2)]  # of the record, the message and the extensions: where, and in how many bytes
    for at, count in lengths:
        shorter = int.from_bytes(retry[at : at + count], "big") - 6
        retry = retry[:at] + shorter.to_bytes(count, "big") + retry[at + count :]
    steps[:2] = [(0, len(steps[0][1])), (1, retry)]
    connection = Connection(secrets(trace))
    feed(connection, [*steps[:5], (0, steps[5][1][:5])])  # behind a hole, a record shows by the next one's header
    assert connection.handshakes[0].server_hello is not None  # it waits for no other ClientHello
    connection, events = read(feed, steps, secrets(trace), swapped=False, greedy=True)
    assert set(connection.handshakes[0].finished_checks.values()) == {FinishedCheck.unknown}
    assert len([event for event in events if isinstance(event, AlertMessage)]) == 2
    assert not any(isinstance(event, Undecryptable | Malformed | ProtocolViolation) for event in events)


@each_trace
def test_nothing_is_held_back(trace: dict[str, Any], feed: Any) -> None:
    """A stream that comes in two chunks, cut in and around each record, is read to its end before it is said to end."""
    streams = client_first(trace)
    for side, stream in streams:
        ends = [0]
        for sender, data in as_they_came(trace):
            if sender == side:
                ends.append(ends[-1] + len(data))
        cuts = {end + by for end in ends for by in (-20, -1, 0, 1, 5, 20)} & set(range(len(stream)))
        for cut in cuts:
            connection = Connection(secrets(trace))
            events = feed(connection, [streams[1 - side], (side, stream[:cut]), (side, stream[cut:])])
            for other, sender in enumerate(SENDERS):
                assert [*told(events, other), ("end",)] == list(expected(trace, sender, set(trace["secrets"])))
            assert not connection.is_waiting


def test_nobody_waits_for_a_finished_that_cannot_be_read(feed: Any) -> None:
    (trace,) = [trace for trace in TRACES if trace["section"] == "4"]
    labels = {"SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"}
    connection = Connection(secrets(trace, *labels))
    feed(connection, as_they_came(trace)[:4])  # of the client, there was early data; the server's Finished is the last
    assert connection.handshakes[0].complete
    connection = Connection(secrets(trace, *labels, "CLIENT_HANDSHAKE_TRAFFIC_SECRET"))
    feed(connection, as_they_came(trace)[:5])
    assert not connection.handshakes[0].complete  # the client's Finished can be read
    feed(connection, as_they_came(trace)[5:6])
    assert connection.handshakes[0].complete


@each_protected
def test_a_change_cipher_spec_means_nothing(trace: dict[str, Any], number: int, feed: Any) -> None:
    """It may come at any time (RFC 8446 §5), also behind records that are protected."""
    steps = as_they_came(trace)
    side, raw = steps[number]
    change = bytes.fromhex("140303000101")
    steps.insert(number, (side, change))
    connection, events = read(feed, steps, secrets(trace), swapped=False, greedy=True)
    for other, sender in enumerate(SENDERS):
        said = list(expected(trace, sender, set(trace["secrets"])))
        if other == side:
            at = said.index(("record", raw))
            said[at:at] = [("record", change), ("change_cipher_spec", False, b"\1")]
        assert list(told(events, other)) == said
    assert connection.handshakes[0].finished is FinishedCheck.verified


@each_trace
@each_order
def test_a_finished_that_contradicts_is_not_believed(trace: dict[str, Any], order: Any, feed: Any) -> None:
    """The ServerHello was changed: the keys in the key log are right, and the transcript is another."""
    records = [dict(record) for record in trace["records"]]
    hello = [record for record in records if record["sender"] == "server" and "secret" not in record
             and record["record"].startswith("16")][-1]  # fmt: skip
    raw = bytearray.fromhex(hello["record"])
    raw[5 + 4 + 2] ^= 1  # the first byte of its random
    hello["record"] = raw.hex()
    connection, events = read(feed, order({**trace, "records": records}), secrets(trace), swapped=False, greedy=True)
    (handshake,) = connection.handshakes
    assert handshake.finished_checks == {Role.client: FinishedCheck.mismatch, Role.server: FinishedCheck.mismatch}
    assert handshake.client.reason is handshake.server.reason is Reason.mac_failed
    data = [event.data for event in events if isinstance(event, ApplicationData)]
    assert data == ([b"ABCDEF"] if trace["section"] == "4" else [])  # early data comes before any Finished
    assert HandshakeType.finished not in [event.msg_type for event in events if isinstance(event, HandshakeMessage)]


# What the traces do not have, written with their keys


def writer(trace: dict[str, Any], label: str, generation: int = 0) -> Any:
    """What a peer writes with: that it writes as the RFC's peers do, is shown in tests/crypto."""
    version, suite = ProtocolVersion.TLSv1_3, parameters(CipherSuite.TLS_AES_128_GCM_SHA256)
    assert suite is not None
    secret = bytes.fromhex(secret_of(trace, label))
    for _ in range(generation):
        secret = next_traffic_secret(version, suite, secret)
    return traffic_protection(version, suite, secret)


def record(protection: Any, content_type: int, plaintext: bytes) -> bytes:
    fragment: bytes = protection.protect(content_type, 0x0303, plaintext)
    return b"\x17\x03\x03" + len(fragment).to_bytes(2, "big") + fragment


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_a_finished_does_not_verify_without_a_part_of_the_flight(lost: int, feed: Any) -> None:
    """The server's flight, a record for each message; one of them lies in a hole."""
    (trace,) = [trace for trace in TRACES if trace["section"] == "3"]
    protection = writer(trace, "SERVER_HANDSHAKE_TRAFFIC_SECRET")
    messages = [bytes.fromhex(message) for message in trace["records"][2]["plaintext"]]
    flight: list[Step] = [(1, record(protection, 22, message)) for message in messages]
    flight[lost] = 1, len(flight[lost][1])
    steps = as_they_came(trace)
    connection, events = read(feed, [*steps[:2], *flight, *steps[3:]], secrets(trace), swapped=False, greedy=True)
    found = [event.raw for event in events if isinstance(event, HandshakeMessage) and event.side == 1]
    assert found[1:-1] == messages[:lost] + messages[lost + 1 :]  # between ServerHello and NewSessionTicket
    assert set(connection.handshakes[0].finished_checks.values()) == {FinishedCheck.unknown}
    assert [event.data for event in events if isinstance(event, ApplicationData)] == [bytes(range(50))] * 2


KEY_UPDATE = bytes.fromhex("1800000100")


@pytest.mark.parametrize("whole", [True, False], ids=["in one chunk", "record by record"])
@pytest.mark.parametrize("updates", [[3], [1, 1], [0, 2, 0, 0, 5], [70, 1, 200]], ids=str)
def test_data_around_key_updates_is_read(updates: list[int], whole: bool, feed: Any) -> None:
    """Parameter: `updates`, how many records of data come before each KeyUpdate."""
    (trace,) = [trace for trace in TRACES if trace["section"] == "3"]
    steps = as_they_came(trace)[:5]  # up to the NewSessionTicket
    records, data = [], []
    for generation, count in enumerate([*updates, 4]):
        protection = writer(trace, "CLIENT_TRAFFIC_SECRET_0", generation)
        for number in range(count):
            data.append(b"%d of %d" % (number, generation))
            records.append(record(protection, 23, data[-1]))
        if generation < len(updates):
            records.append(record(protection, 22, KEY_UPDATE))
    steps += [(0, b"".join(records))] if whole else [(0, one) for one in records]
    connection, events = read(feed, steps, secrets(trace), swapped=False, greedy=True)
    assert [event.data for event in events if isinstance(event, ApplicationData) and event.side == 0] == data
    found = [event.raw for event in events if isinstance(event, HandshakeMessage) and event.side == 0]
    assert found[2:] == [KEY_UPDATE] * len(updates)
    (handshake,) = connection.handshakes
    assert handshake.client.verdict == "decrypted"
    assert handshake.traffic_secrets["CLIENT_TRAFFIC_SECRET_0"].hex() == secret_of(trace, "CLIENT_TRAFFIC_SECRET_0")
    assert not any(isinstance(event, Undecryptable | Malformed | ProtocolViolation) for event in events)


def test_what_follows_a_key_update_is_not_held_back(feed: Any) -> None:
    """Cut in two at each place; the record behind the KeyUpdate is shorter than it."""
    (trace,) = [trace for trace in TRACES if trace["section"] == "3"]
    before, behind = (writer(trace, "CLIENT_TRAFFIC_SECRET_0", generation) for generation in (0, 1))
    stream = record(before, 23, b"data") + record(before, 22, KEY_UPDATE) + record(behind, 23, b"x")
    for cut in range(len(stream)):
        steps = [*as_they_came(trace)[:5], (0, stream[:cut]), (0, stream[cut:])]
        connection = Connection(secrets(trace))
        events = feed(connection, steps)
        assert [event.data for event in events if isinstance(event, ApplicationData)] == [b"data", b"x"]


@pytest.mark.parametrize("whole", [True, False], ids=["in one chunk", "record by record"])
@pytest.mark.parametrize("early", [1, 3, 70])
def test_early_data_that_was_refused_ends_without_a_message(early: int, whole: bool, feed: Any) -> None:
    """The server passes over it, and the client goes on with its Finished (RFC 8446 §4.2.10)."""
    (trace,) = [trace for trace in TRACES if trace["section"] == "4"]
    suite = parameters(CipherSuite.TLS_AES_128_GCM_SHA256)
    assert suite is not None
    hellos = [bytes.fromhex(one["record"])[5:] for one in trace["records"] if "secret" not in one]
    flight = bytes.fromhex("".join(handshake_records(trace)[0]["plaintext"]))
    covered = hashlib.sha256(b"".join(hellos) + flight).digest()
    secret = bytes.fromhex(secret_of(trace, "CLIENT_HANDSHAKE_TRAFFIC_SECRET"))
    finished = b"\x14\0\0\x20" + finished_verify_data(ProtocolVersion.TLSv1_3, suite, secret, covered)
    protection = writer(trace, EARLY)
    records = [record(protection, 23, b"early") for _ in range(early)]
    records.append(record(writer(trace, "CLIENT_HANDSHAKE_TRAFFIC_SECRET"), 22, finished))
    records.append(record(writer(trace, "CLIENT_TRAFFIC_SECRET_0"), 23, b"late"))
    server = client_first(trace)[1]
    steps = [as_they_came(trace)[0], *([(0, b"".join(records))] if whole else [(0, one) for one in records]), server]
    connection, events = read(feed, steps, secrets(trace), swapped=False, greedy=True)
    data = [event.data for event in events if isinstance(event, ApplicationData) and event.side == 0]
    assert data == [*[b"early"] * early, b"late"]
    (handshake,) = connection.handshakes
    assert handshake.finished_checks == {Role.client: FinishedCheck.verified, Role.server: FinishedCheck.verified}
    assert not any(isinstance(event, Undecryptable | Malformed | ProtocolViolation) for event in events)
