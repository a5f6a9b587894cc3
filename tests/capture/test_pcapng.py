"""The pcapng format: sections, interfaces, every kind of packet block, clocks, secrets, and damage."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest

from tlswire.capture import Frame, open_capture
from tlswire.errors import CaptureError

NANO = 9
SECOND = 1_000_000


def read(data: bytes, got: list[Frame] | None = None) -> list[Frame]:
    frames: list[Frame] = [] if got is None else got
    with open_capture(io.BytesIO(data), "test") as capture:
        assert capture.format == "pcapng"
        frames.extend(capture.frames()) if got is None else [got.append(frame) for frame in capture.frames()]
    return frames


@pytest.mark.parametrize("order", ["<", ">"])
def test_enhanced_packets_in_either_byte_order(make: Any, order: str) -> None:
    data = make.section(order) + make.interface(order=order)
    data += make.packet(b"abc", 5 * SECOND, order=order) + make.packet(b"defgh", 1 << 40, length=1500, order=order)
    assert read(data) == [
        Frame(1, 5 * SECOND, SECOND, 1, b"abc", 3, "test"),
        Frame(2, 1 << 40, SECOND, 1, b"defgh", 1500, "test"),
    ]


def test_sections_of_both_byte_orders_and_interfaces_of_their_own(make: Any) -> None:
    data = b"".join(
        (
            make.section("<"),
            make.interface(1),
            make.interface(101),
            make.packet(b"a", interface=1),
            make.section(">"),
            make.interface(113, order=">"),
            make.packet(b"b", interface=0, order=">"),
            make.packet(b"c", interface=0, order=">"),
            make.section("<"),
            make.interface(0),
            make.packet(b"d"),
        )
    )
    assert [(frame.number, frame.link_type, frame.data) for frame in read(data)] == [
        (1, 101, b"a"),
        (2, 113, b"b"),
        (3, 113, b"c"),
        (4, 0, b"d"),
    ]


@pytest.mark.parametrize(
    ("resolution", "per_second"),
    [(None, 10**6), (9, 10**9), (0, 1), (3, 1000), (0x80 | 10, 1024), (0x80 | 32, 1 << 32)],
)
def test_clocks(make: Any, resolution: int | None, per_second: int) -> None:
    data = make.section() + make.interface(resolution=resolution) + make.packet(b"a", 7 * per_second)
    (frame,) = read(data)
    assert (frame.ticks, frame.ticks_per_second) == (7 * per_second, per_second)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("offset", [1_000_000_000, -3])
def test_a_time_offset_is_in_seconds(make: Any, order: str, offset: int) -> None:
    interface = make.interface(resolution=NANO, offset=offset, order=order)
    (frame,) = read(make.section(order) + interface + make.packet(b"a", 5 * 10**9 + 1, order=order))
    assert frame.ticks == (offset + 5) * 10**9 + 1


def test_an_obsolete_packet_block(make: Any) -> None:
    body = struct.pack("<HHLLLL", 0, 0, 1, 2, 3, 60) + b"abc\0"
    (frame,) = read(make.section() + make.interface(offset=1) + make.block(2, body))
    assert frame == Frame(1, (1 << 32) + 2 + SECOND, SECOND, 1, b"abc", 60, "test")


@pytest.mark.parametrize(
    ("snap_length", "original", "data"),
    [(0, 5, b"abcde"), (3, 5, b"abc"), (8, 5, b"abcde")],
    ids=["no limit", "cut", "not cut"],
)
def test_a_simple_packet_block(make: Any, snap_length: int, original: int, data: bytes) -> None:
    """It has no time, and its captured length is the interface's snap length at most."""
    packet = make.block(3, struct.pack("<L", original) + data)
    (frame,) = read(make.section() + make.interface(snap_length=snap_length) + packet)
    assert frame == Frame(1, 0, SECOND, 1, data, original, "test")


def test_other_blocks_are_passed_over(make: Any) -> None:
    data = make.section() + make.interface()
    data += make.block(4, b"\0" * 40) + make.packet(b"a") + make.block(5, b"statistics..") + make.block(0x12345, b"")
    data += make.block(0x80000001, b"x" * (1 << 20)) + make.packet(b"b")
    assert [frame.data for frame in read(data)] == [b"a", b"b"]


def test_journal_entries_and_custom_blocks_are_counted_as_wireshark_does(make: Any) -> None:
    journal = make.block(9, b"__REALTIME_TIMESTAMP=1\nMESSAGE=x\n")
    custom = make.block(0x0BAD, struct.pack("<L", 32473) + b"data")
    data = make.section() + make.interface() + make.packet(b"a") + journal + make.packet(b"b") + custom
    assert [frame.number for frame in read(data + make.packet(b"c"))] == [1, 3, 5]


def test_a_length_that_is_no_multiple_of_four_is_rounded_up(make: Any) -> None:
    """Some writers count the bytes before the padding."""
    body = struct.pack("<LLLLL", 0, 0, 0, 3, 3) + b"abc"
    unaligned = struct.pack("<LL", 6, 35) + body + b"\0" + struct.pack("<L", 35)
    data = make.section() + make.interface() + unaligned + make.packet(b"b")
    assert [frame.data for frame in read(data)] == [b"abc", b"b"]


def test_decryption_secrets_are_told_when_they_are_read(make: Any) -> None:
    told: list[tuple[int, bytes]] = []
    log = b"CLIENT_RANDOM 00 11\n"
    data = make.section(">") + make.block(10, struct.pack(">LL", 0x544C534B, len(log)) + log, ">")
    data += make.interface(order=">") + make.packet(b"a", order=">")
    with open_capture(io.BytesIO(data), on_secrets=lambda kind, secret: told.append((kind, secret))) as capture:
        assert told == []
        assert len(list(capture.frames())) == 1
    assert told == [(0x544C534B, log)]
    assert len(read(data)) == 1


def test_an_odd_option_does_no_harm(make: Any) -> None:
    options = struct.pack("<HH", 9, 0) + struct.pack("<HH", 14, 2) + b"xx\0\0" + struct.pack("<HH", 9, 9999)
    data = make.section() + make.block(1, struct.pack("<HHL", 1, 0, 0) + options) + make.packet(b"a")
    (frame,) = read(data)
    assert frame.ticks_per_second == SECOND


# Damage


def test_a_file_that_is_cut_anywhere_gives_the_frames_before(make: Any) -> None:
    pieces = [
        make.section() + make.interface(),
        make.packet(b"first"),
        make.block(5, b"x" * 20),
        make.packet(b"second"),
    ]
    data = b"".join(pieces)
    ends = [28]
    for piece in (make.interface(), *pieces[1:]):
        ends.append(ends[-1] + len(piece))
    for length in range(12, len(data)):
        got: list[Frame] = []
        if length in ends:
            read(data[:length], got)
        else:
            with pytest.raises(CaptureError, match="cut short") as caught:
                read(data[:length], got)
            assert caught.value.frame == len(got) + 1
        expected = [b"first", b"second"][: (length >= ends[2]) + (length >= ends[4])]
        assert [frame.data for frame in got] == expected


def bad_blocks(make: Any) -> dict[str, tuple[bytes, str]]:
    packet = make.packet(b"x")
    return {
        "length 8": (struct.pack("<LL", 6, 8) + b"\0" * 40, "a block of 8 bytes"),
        "length 0": (struct.pack("<LL", 5, 0) + b"\0" * 40, "a block of 0 bytes"),
        "absurd": (struct.pack("<LL", 6, 0xFFFFFFF0) + b"\0" * 40, "a block of 4294967280 bytes"),
        "absurd interface": (struct.pack("<LL", 1, 1 << 25) + b"\0" * 40, "a block of 33554432 bytes"),
        "no such interface": (make.packet(b"x", interface=7), "a frame of interface 7, which is not described"),
        "longer than its block": (
            packet[:20] + struct.pack("<L", 4000) + packet[24:],
            f"a frame of 4000 bytes in a block of {len(packet)}",
        ),
        "short packet": (make.block(6, b"\0" * 8), "a block of type 6 that is too short"),
        "short interface": (make.block(1, b"\0" * 4), "a block of type 1 that is too short"),
        "short simple packet": (make.block(3, b""), "a block of type 3 that is too short"),
        "no byte order": (make.block(0x0A0D0D0A, b"\0" * 16), "no byte-order magic where one should be"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "length 8", "length 0", "absurd", "absurd interface", "no such interface", "longer than its block",
        "short packet", "short interface", "short simple packet", "no byte order",
    ],
)  # fmt: skip
def test_a_block_that_cannot_be(make: Any, name: str) -> None:
    block, message = bad_blocks(make)[name]
    before = make.section() + make.interface() + make.packet(b"good")
    got: list[Frame] = []
    with pytest.raises(CaptureError) as caught:
        read(before + block, got)
    assert [frame.data for frame in got] == [b"good"]
    assert str(caught.value) == f"test, frame 2, offset {len(before)}: the file is damaged: {message}"


def test_the_length_of_a_block_that_is_passed_over_takes_no_memory(make: Any) -> None:
    data = make.section() + struct.pack("<LL", 0x777, 0xFFFFFFF0) + b"\0" * 1000
    with pytest.raises(CaptureError, match="cut short: the file ends in a block of 4294967280 bytes"):
        read(data)


def test_a_packet_before_any_interface(make: Any) -> None:
    with pytest.raises(CaptureError, match="interface 0, which is not described"):
        read(make.section() + make.packet(b"x"))
