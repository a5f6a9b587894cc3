"""Whatever the network does to a stream, what is told is that stream: every byte in its place, or in a gap."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tlswire.capture import CaptureLimits

FIN = 0x01
ENDLESS = 1 << 30
STREAM = bytes(range(256)) * 40  # each position can be told from its neighbours


@st.composite
def segments(draw: st.DrawFn, length: int) -> list[tuple[int, int]]:
    """A stream's segments, some of them sent again with other borders: starts and ends, in the order of sending."""
    cuts = sorted({0, length, *draw(st.lists(st.integers(0, length), max_size=25))})
    pieces = list(pairwise(cuts))
    again = draw(st.lists(st.tuples(st.integers(0, length), st.integers(0, 300)), max_size=8))
    for start, size in again:
        pieces.insert(draw(st.integers(0, len(pieces))), (start, min(start + size, length)))
    return [(start, end) for start, end in pieces if start < end]


def shuffled(draw: st.DrawFn, items: list[Any]) -> list[Any]:
    """Each item up to a few places from where it was."""
    keys = [number + draw(st.integers(0, 6)) for number in range(len(items))]
    return [item for _, _, item in sorted(zip(keys, range(len(items)), items, strict=True))]


isns = st.sampled_from([0, 1, 1000, 0x7FFFFF00, 0xFFFFFF00, 0xFFFFFFFF]) | st.integers(0, 0xFFFFFFFF)


@given(st.data(), isns, st.integers(1, 3000), st.booleans())
def test_any_splitting_reordering_repetition_and_overlap(
    talk: Any, hear: Any, data: st.DataObject, isn: int, length: int, opened: bool
) -> None:
    stream = STREAM[:length]
    pieces = data.draw(segments(length))
    order = shuffled(data.draw, pieces) if opened else [pieces[0], *shuffled(data.draw, pieces[1:])]
    t = talk(isn=(isn, 77)).open()
    if not opened:  # then the first data is where the stream begins, so it has to be its beginning
        t.frames.clear()
        order.sort(key=lambda piece: piece[0] != 0)
    for start, end in order:
        t.at(0, isn + 1 + start, stream[start:end])
        if data.draw(st.booleans()):
            t.next[0] = isn + 1 + length
            t.send(1)
    heard, assembler = hear(t.frames)
    assert heard.stream() == ([] if opened else [("gap", None)]) + [stream, "end"]
    assert assembler.counts["repeated"] == sum(end - start for start, end in pieces) - length
    assert heard.at[0, 0] == sorted(heard.at[0, 0])


def told(what: list[Any]) -> Iterator[tuple[int, bytes | None]]:
    position = 0
    for item in what:
        if isinstance(item, bytes):
            yield position, item
            position += len(item)
        elif item != "end":
            yield position, None
            position += item[1]
    yield position, b""


@given(
    st.data(),
    isns,
    st.integers(1, 3000),
    st.sampled_from([0, 1, 5, 20, ENDLESS]),
    st.sampled_from([300, 2000, ENDLESS]),
)
def test_lost_segments_are_gaps_to_the_byte(
    talk: Any, hear: Any, data: st.DataObject, isn: int, length: int, patience: int, window: int
) -> None:
    """Each byte that is told is in its place, and what is not told lies in a gap; a byte that came and is in a gap
    came after the gap was given up."""
    stream = STREAM[:length]
    pieces = data.draw(segments(length))
    kept = [piece for piece in shuffled(data.draw, pieces) if data.draw(st.integers(0, 4))]
    t = talk(isn=(isn, 77)).open()
    for start, end in kept:
        t.at(0, isn + 1 + start, stream[start:end])
        if data.draw(st.booleans()):
            t.next[0] = isn + 1 + data.draw(st.integers(start, end))
            t.send(1)
    t.next[0] = isn + 1 + length
    t.send(0, flags=FIN)
    heard, assembler = hear(
        t.frames, CaptureLimits(acknowledged_patience=patience, reassembly_window=window, closing_connections=1)
    )
    covered = 0
    for position, item in told(heard.stream()):
        if item is not None:
            assert stream[position : position + len(item)] == item
            covered += len(item)
        end = position
    assert end == length
    came = sum(end - start for start, end in kept)
    assert covered + assembler.counts["repeated"] + assembler.counts["after_end"] == came
    if patience == window == ENDLESS:
        assert covered == len({byte for start, end in kept for byte in range(start, end)})


@given(st.data(), st.integers(1, 2000), st.integers(40, 120))
def test_what_a_snap_length_cuts_is_accounted_for(
    make: Any, talk: Any, hear: Any, data: st.DataObject, length: int, snap_length: int
) -> None:
    stream = STREAM[:length]
    t = talk().open()
    for start, end in data.draw(segments(length)):
        t.at(0, 1001 + start, stream[start:end])
    frames = [(number, frame[: 14 + snap_length], len(frame)) for number, frame in enumerate(t.frames)]
    heard, _ = hear(make.pcap(frames))
    for position, item in told(heard.stream()):
        assert item is None or stream[position : position + len(item)] == item
        end = position
    assert end == length
