"""What a peer, or a capture with one side only, cannot make a Connection do: hold much, work long, or lose count.

Work is counted, not timed: calls of functions, and bytes copied when chunks are joined.
"""

from __future__ import annotations

import sys
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tlswire.crypto import Secrets
from tlswire.registry import CipherSuite, HandshakeType
from tlswire.session import (
    ApplicationData,
    Connection,
    DiscardedBytes,
    Event,
    FinishedCheck,
    HandshakeMessage,
    LimitReached,
    Limits,
    Malformed,
    Reason,
    Record,
)
from tlswire.session.inbox import Inbox
from tlswire.session.side import Inflate

CLIENT, SERVER = 0, 1


def record(content_type: int, fragment: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


def limits_reached(events: list[Event]) -> list[tuple[int, str, int, int]]:
    return [
        (event.side, event.limit, event.value, event.dropped) for event in events if isinstance(event, LimitReached)
    ]


# Limits


@pytest.mark.parametrize("alone", [CLIENT, SERVER])
def test_a_side_that_is_alone_waits_no_longer_than_the_limit(peers: Any, alone: int) -> None:
    pair = peers()
    pair.full()
    for _ in range(200):
        pair.data(alone, bytes(1000))
    limits = Limits(buffered_bytes=20_000)
    connection = Connection(Secrets([pair.key]), limits=limits)
    events: list[Event] = []
    for one in pair.sent:
        if one.side == alone:
            connection.receive_data(alone, one.data)
            events += connection.events()
            assert connection._sides[alone].inbox.buffered <= limits.buffered_bytes + len(one.data)
    assert limits_reached(events) == [(alone, "buffered_bytes", 20_000, 0)]
    records = [event for event in events if isinstance(event, Record)]
    sent = [one.data for one in pair.sent if one.side == alone]
    assert sum(event.header_length + len(event.fragment) for event in records) == sum(map(len, sent))
    assert not any(isinstance(event, ApplicationData) for event in events)
    assert connection.handshakes[0].verdicts[alone].reason is Reason.hello_missing


def test_a_handshake_message_that_is_too_long_is_passed_over(peers: Any) -> None:
    pair = peers()
    pair.client_hello()
    pair.server_hello()
    raw = b"\x0b" + (100_000).to_bytes(3, "big") + bytes(100_000)
    pair.transcript += raw
    for at in range(0, len(raw), 16_384):
        pair.record(SERVER, 22, raw[at : at + 16_384], "long", 0)
    pair.message(SERVER, "server_hello_done", b"")
    pair.exchange()
    pair.finish()
    pair.data(SERVER, b"goes on")
    connection, events = pair.read(limits=replace(Limits(), handshake_message=50_000))
    assert limits_reached(events) == [(SERVER, "handshake_message", 50_000, len(raw))]
    assert [event.data for event in events if isinstance(event, ApplicationData)] == [b"goes on"]
    assert connection.handshakes[0].finished is FinishedCheck.unknown
    connection, events = pair.read()
    assert not limits_reached(events)
    assert connection.handshakes[0].finished is FinishedCheck.verified


def test_what_unfolds_to_more_than_a_record_may_hold_is_not_unfolded(peers: Any) -> None:
    pair = peers()
    pair.full(compression=1)
    pair.data(CLIENT, bytes(16_384))
    pair.data(CLIENT, bytes(16_385))
    pair.data(CLIENT, b"behind it")
    pair.data(SERVER, b"the other side goes on")
    pair.full(compression=1)
    pair.data(CLIENT, b"a new state")
    connection, events = pair.read()
    found = [event.data for event in events if isinstance(event, ApplicationData)]
    assert found == [bytes(16_384), b"the other side goes on"]
    verdict = connection.handshakes[0].client
    assert verdict.reason is Reason.mac_failed
    assert verdict.evidence["check"] == "DEFLATE"


def test_what_unfolds_without_end_takes_no_memory() -> None:
    bomb = zlib.compress(bytes(1 << 24))
    assert len(bomb) < 17_000
    inflate = Inflate()
    tracemalloc.start()
    try:
        assert inflate(bomb) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 17


@pytest.mark.parametrize("size", [100, 1000])
def test_discarded_bytes_come_in_blocks(size: int) -> None:
    connection = Connection(limits=replace(Limits(), discard_block=size))
    connection.receive_data(0, b"\xff" * 10_050)
    connection.receive_end(0)
    found = [len(event.data) for event in connection.events() if isinstance(event, DiscardedBytes)]
    assert max(found) == size
    assert sum(found) == 10_050


def test_what_is_held_is_bounded(peers: Any) -> None:
    """A header that announces the longest record, a message header that announces the longest message, and no more."""
    connection = Connection()
    for _ in range(20):
        connection.receive_data(0, record(22, b"\x0b\x03\xff\xfc" + bytes(16_000)) * 4)
        connection.receive_data(0, b"\x16\x03\x03\x48\x00" + bytes(1000))
        list(connection.events())
        side = connection._sides[0]
        chunk = 70_000
        assert len(side.handshake_data) <= Limits().handshake_message + (1 << 14)
        assert side.inbox.buffered <= Limits().buffered_bytes + chunk


def test_messages_of_a_handshake_that_is_over_are_not_collected(peers: Any) -> None:
    pair = peers()
    pair.full()
    for _ in range(50):
        pair.hello_request()
    connection, events = pair.read(keep_messages=False)
    assert sum(isinstance(event, HandshakeMessage) for event in events) >= 50
    assert not connection.handshakes[0].messages


# Work


def work(run: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How many functions are called, and how many bytes are joined."""
    calls = copied = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    join = Inbox._join

    def counted(inbox: Inbox) -> None:
        nonlocal copied
        before = inbox._run
        added = sum(map(len, inbox._chunks))
        join(inbox)
        copied += added if inbox._run is before else len(inbox._run)

    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "_join", counted)
        sys.setprofile(count)
        try:
            run()
        finally:
            sys.setprofile(None)
    return calls, copied


def read(chunks: list[tuple[int, bytes]], secrets: Secrets | None = None) -> None:
    connection = Connection(secrets, keep_messages=False)
    for side, chunk in chunks:
        connection.receive_data(side, chunk)
        for _ in connection.events():
            pass
        _ = connection.version, connection.server_name, connection.waits_since, connection.client_side
    for side in (0, 1):
        connection.receive_end(side)
    list(connection.events())


def hello(peers: Any) -> bytes:
    pair = peers()
    pair.client_hello()
    data: bytes = pair.sent[0].data
    return data


def server_hello(peers: Any) -> bytes:
    pair = peers()
    pair.server_hello()
    data: bytes = pair.sent[0].data
    return data


def bytewise(data: bytes) -> list[tuple[int, bytes]]:
    return [(0, data[at : at + 1]) for at in range(len(data))]


INPUTS: dict[str, Callable[[Any, int], list[tuple[int, bytes]]]] = {
    "records of one byte": lambda peers, n: [(0, record(22, b"\x0e") * 4 * n)],
    "one message in records of one byte": lambda peers, n: [
        (0, record(22, b"\x0b" + (4 * n).to_bytes(3, "big")) + record(22, b"x") * 4 * n)
    ],
    "empty fragments": lambda peers, n: [(0, record(22, b"") * 4 * n)],
    "chunks of one byte": lambda peers, n: bytewise(record(22, b"\x0c\0\x3e\x7c" + bytes(15_996)) * (n // 500)),
    "noise in chunks of one byte": lambda peers, n: bytewise(b"\xff" * 20 * n),
    "almost headers in chunks of one byte": lambda peers, n: bytewise(b"\x16\x03\x03\x01\x00" * 4 * n),
    "many tiny messages in a record": lambda peers, n: [(0, record(22, b"\x0e\0\0\0" * 4000) * (n // 500))],
    "many tiny messages of a handshake": lambda peers, n: [
        (0, hello(peers) + record(22, b"\x16\0\0\0" * 1000) * (n // 500)),
    ],
    "many ClientHellos": lambda peers, n: [(0, hello(peers) * n)],
    "many hellos of both": lambda peers, n: [(0, hello(peers) * n), (1, server_hello(peers) * n)],
    "many Finished": lambda peers, n: [
        (0, hello(peers)), (1, server_hello(peers) + record(22, b"\x14\0\0\x0c" + bytes(12)) * n),
    ],
    "many ChangeCipherSpecs": lambda peers, n: [(0, hello(peers) + record(20, b"\1") * n), (1, server_hello(peers))],
    "many alerts": lambda peers, n: [(0, hello(peers) + record(21, b"\1\x64" * 1000) * (n // 500))],
    "many refusals of the server": lambda peers, n: [
        (0, hello(peers)), (1, server_hello(peers) + record(21, b"\1\x64" * 1000) * (n // 500)),
    ],
    "many cut records": lambda peers, n: [(0, b"\x17\x03\x03\0\x05abc") for _ in range(n)],
}  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_twice_the_input_is_twice_the_work(peers: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    sizes = (1000, 2000)
    inputs = [INPUTS[name](peers, size) for size in sizes]
    read(INPUTS[name](peers, 500))  # what is made once is made now
    once, twice = (work(lambda chunks=chunks: read(chunks), monkeypatch) for chunks in inputs)  # type: ignore[misc]
    received = [sum(len(chunk) for _, chunk in chunks) for chunks in inputs]
    assert received[1] > 1.9 * received[0]
    assert twice[0] < 2.1 * once[0] + 100
    assert twice[1] < 2.1 * once[1] + 100
    assert twice[1] <= 40 * received[1]


def test_twice_the_protected_records_are_twice_the_work(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    for size in (100, 100, 200):
        pair = peers(suite=CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256)
        pair.full()
        for _ in range(size):
            pair.data(CLIENT, b"x")
            pair.data(SERVER, b"")
        chunks = [(one.side, one.data) for one in pair.sent]
        counted.append(work(lambda chunks=chunks, pair=pair: read(chunks, Secrets([pair.key])), monkeypatch)[0])  # type: ignore[misc]
    assert counted[2] < 2.1 * counted[1]


def test_records_that_never_verify_behind_a_hole_stop_being_tried(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    for size in (100, 100, 200):
        pair = peers()
        pair.full()
        connection = Connection(Secrets([pair.key]))
        for one in pair.sent:
            connection.receive_data(one.side, one.data)
        connection.receive_gap(CLIENT, None)
        connection.receive_data(CLIENT, record(23, bytes(48)) * size)
        counted.append(work(lambda connection=connection: list(connection.events()), monkeypatch)[0])  # type: ignore[misc]
        assert connection.handshakes[0].client.records == size + 1
    assert counted[2] - counted[1] < 100 * 50  # what any record costs


def test_clear_records_behind_a_hole_stop_being_tried(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys are known, and the ChangeCipherSpec may lie in the hole."""
    counted = []
    for size in (100, 100, 200):
        pair = peers(suite=CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256)
        pair.client_hello()
        pair.server_hello()
        pair.message(SERVER, "server_hello_done", b"")
        pair.exchange()
        connection = Connection(Secrets([pair.key]))
        for one in pair.sent:
            connection.receive_data(one.side, one.data)
        list(connection.events())
        connection.receive_gap(CLIENT, 100)
        connection.receive_data(CLIENT, record(22, b"\x17\0\0\x2c" + bytes(44)) * size)
        told: list[Event] = []
        counted.append(work(lambda connection=connection, told=told: told.extend(connection.events()), monkeypatch)[0])  # type: ignore[misc]
        assert sum(isinstance(event, Record) for event in told) == size
    assert counted[2] - counted[1] < 100 * 200  # what any message costs; to try all numbers, thousands


def test_an_event_is_given_once(peers: Any) -> None:
    pair = peers()
    pair.full()
    connection, events = pair.read()
    assert events
    assert not list(connection.events())
    assert not any(isinstance(event, Malformed) for event in events)
    assert [event.msg_type for event in events if isinstance(event, HandshakeMessage)].count(
        HandshakeType.finished
    ) == 2


def test_where_a_side_waits_is_told_without_going_through_all_it_holds() -> None:
    class Marks(list[tuple[int, object]]):
        asked = 0

        def __getitem__(self, index: Any) -> Any:
            assert isinstance(index, int)
            self.asked += 1
            return super().__getitem__(index)

    inbox = Inbox()
    for number in range(1_000):
        inbox.add(b"x", number)
    inbox.take(10)
    marks = inbox.marks = Marks(inbox.marks)
    assert inbox.next_at == 10
    assert marks.asked < 10
