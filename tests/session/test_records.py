"""Records out of byte streams: framing, holes, bytes that are no TLS; and that no byte is lost without a word."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlswire.session.events import DiscardedBytes, EndOfStream, Event, Gap
from tlswire.session.inbox import Inbox
from tlswire.session.limits import Limits
from tlswire.session.records import MAX_FRAGMENT, Look, RecordReader

Step = bytes | int | None  # data; a hole of that length; a hole of unknown length


def record(content_type: int, fragment: bytes, version: bytes = b"\x03\x03") -> bytes:
    return bytes([content_type]) + version + len(fragment).to_bytes(2, "big") + fragment


def read(steps: list[Step], *, limits: Limits | None = None, end: bool = True) -> list[tuple[str, int, bytes]]:
    """What a reader tells of the steps: kind, offset, bytes (of a gap: none)."""
    told: list[tuple[str, int, bytes]] = []

    def emit(event: Event) -> None:
        if isinstance(event, DiscardedBytes):
            told.append(("discarded", event.offset, event.data))
        else:
            assert isinstance(event, EndOfStream)
            told.append(("end", -1, b""))

    inbox = Inbox()
    reader = RecordReader(0, inbox, limits or Limits(), emit)

    def run() -> None:
        while True:
            look = reader.look()
            if look is Look.record:
                header_length = reader.header_length
                fragment, offset, _ = reader.take()
                told.append(("record", offset, bytes(header_length) + fragment))
            elif look is Look.hole:
                gap, _, _ = reader.take_hole()
                assert isinstance(gap, Gap)
                told.append(("gap", gap.offset, b"" if gap.length is None else bytes(gap.length)))
            else:
                return

    for step in steps:
        if isinstance(step, bytes):
            inbox.add(step, None) if step else None
        else:
            inbox.add_hole(step, None)
        run()
    if end:
        inbox.ended = True
        run()
    return told


def kinds(told: list[tuple[str, int, bytes]]) -> list[str]:
    return [kind for kind, _, _ in told]


def test_records_in_one_chunk_and_byte_by_byte() -> None:
    stream = record(22, b"hello") + record(23, b"") + record(21, b"\x01\x00")
    whole = read([stream])
    assert kinds(whole) == ["record", "record", "record", "end"]
    assert read([stream[index : index + 1] for index in range(len(stream))]) == whole


def test_a_record_of_the_greatest_length_is_read_and_a_longer_one_is_no_record() -> None:
    assert kinds(read([record(23, bytes(MAX_FRAGMENT))])) == ["record", "end"]
    assert "record" not in kinds(read([record(23, bytes(MAX_FRAGMENT + 1))]))


def test_clear_text_before_and_after_is_discarded_and_the_records_between_are_read() -> None:
    before, after = b"220 mail ready\r\n250 STARTTLS\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"
    told = read([before + record(22, b"one") + record(22, b"two") + after])
    assert [entry for entry in told if entry[0] == "record"] == [
        ("record", len(before), bytes(5) + b"one"),
        ("record", len(before) + 8, bytes(5) + b"two"),
    ]
    assert b"".join(data for kind, _, data in told if kind == "discarded") == before + after


def test_a_hole_inside_a_record_loses_that_record_alone() -> None:
    stream = record(23, b"a" * 50) + record(23, b"b" * 50) + record(23, b"c" * 50)
    told = read([stream[:70], 20, stream[90:]])
    assert [data[5:6] for kind, _, data in told if kind == "record"] == [b"a", b"c"]


def test_a_hole_of_unknown_length_is_passed_by_finding_the_next_header() -> None:
    stream = record(23, b"a" * 50) + record(23, b"b" * 50) + record(23, b"c" * 50) + record(23, b"d" * 50)
    told = read([stream[:70], None, stream[90:]])
    assert [data[5:6] for kind, _, data in told if kind == "record"] == [b"a", b"c", b"d"]


def test_an_sslv2_hello_is_a_record_at_the_start_of_the_stream_only() -> None:
    hello = bytes.fromhex("802e0103010015000000100000") + bytes(35)
    told = read([hello])
    assert told[0] == ("record", 0, bytes(2) + hello[2:])
    assert kinds(read([record(22, b"x") + hello]))[1] != "record"


def test_what_a_stream_ends_with_that_is_no_whole_record_is_told() -> None:
    told = read([record(23, b"whole") + record(23, b"cut")[:-1]])
    assert kinds(told) == ["record", "discarded", "end"]


def test_discarded_bytes_come_in_pieces_of_a_bounded_size() -> None:
    told = read([b"\xff" * 100_000], limits=replace(Limits(), discard_block=1000))
    assert max(len(data) for _, _, data in told) == 1000
    assert sum(len(data) for _, _, data in told) == 100_000


RECORDS = st.builds(record, st.integers(20, 24), st.binary(max_size=60))
NOISE = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.binary(max_size=30).map(lambda tail: b"\x16\x03\x01" + tail),  # what looks like a header and is none
)
STREAMS = st.lists(st.one_of(RECORDS, RECORDS, NOISE), max_size=8).map(b"".join)


@st.composite
def chunked(draw: st.DrawFn) -> tuple[list[Step], list[Step]]:
    """The same stream with the same holes, in two chunkings."""
    parts: list[Step] = []
    for piece in draw(st.lists(STREAMS, min_size=1, max_size=4)):
        if parts:
            parts.append(draw(st.one_of(st.none(), st.integers(1, 100))))
        parts.append(piece)

    def chunk(stream: bytes) -> list[Step]:
        cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=6)))
        borders = [0, *cuts, len(stream)]
        return [stream[start:stop] for start, stop in pairwise(borders)]

    def chunks() -> list[Step]:
        steps: list[Step] = []
        for part in parts:
            steps += chunk(part) if isinstance(part, bytes) else [part]
        return steps

    return chunks(), chunks()


@given(chunked())
def test_what_is_told_does_not_depend_on_the_chunking(both: tuple[list[Step], list[Step]]) -> None:
    first, second = both
    assert read(first) == read(second)


@given(chunked())
def test_every_byte_is_in_one_record_gap_or_discarded_piece(both: tuple[list[Step], list[Step]]) -> None:
    steps, _ = both
    told = [entry for entry in read(steps) if entry[0] != "end"]
    position = 0
    received = b"".join(step if isinstance(step, bytes) else bytes(step or 0) for step in steps)
    for kind, offset, data in told:
        assert offset == position
        position += len(data)
        if kind == "discarded":
            assert data == received[offset:position]
    assert position == len(received)


@pytest.mark.parametrize("length", [0, 1, 5, 17])
def test_drip_fed_noise_is_held_no_longer_than_a_record(length: int) -> None:
    inbox = Inbox()
    events: list[Event] = []
    reader = RecordReader(0, inbox, Limits(), events.append)
    noise = b"\x16\x03\x01\x40\x00" + bytes(length)
    for _ in range(3000):
        for index in range(len(noise)):
            inbox.add(noise[index : index + 1], None)
            if reader.look() is Look.record:
                reader.take()
        assert inbox.size <= MAX_FRAGMENT + 2 * Limits().discard_block
