"""Opening captures and reading pcap: every shape of the format, from every kind of source, whole, cut or no capture."""

from __future__ import annotations

import gzip
import io
import os
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlswire.capture import Frame, format_time, open_capture, open_captures
from tlswire.capture.blocks import BLOCK_SIZE
from tlswire.errors import CaptureError

FRAMES = [b"first", b"", b"x" * 1500, b"last"]


def read(data: bytes, name: str = "test") -> list[Frame]:
    with open_capture(io.BytesIO(data), name) as capture:
        return list(capture.frames())


class Dribble(io.RawIOBase):
    """A source that cannot seek and gives a few bytes at a time."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = data
        self._sizes = iter(sizes)
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        count = min(next(self._sizes, 7), size)
        piece = self._data[self._position : self._position + count]
        self._position += len(piece)
        return piece


# pcap


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("shape", [{}, {"nanoseconds": True}, {"modified": True}], ids=["micro", "nano", "modified"])
def test_pcap_in_either_byte_order(make: Any, order: str, shape: dict[str, bool]) -> None:
    frames = read(make.pcap(FRAMES, order=order, link_type=101, **shape))
    assert [frame.data for frame in frames] == FRAMES
    assert [frame.number for frame in frames] == [1, 2, 3, 4]
    assert {frame.link_type for frame in frames} == {101}
    assert {frame.file for frame in frames} == {"test"}
    per_second = 1_000_000_000 if shape.get("nanoseconds") else 1_000_000
    assert [(frame.ticks, frame.ticks_per_second) for frame in frames] == [
        (1388063031 * per_second + number, per_second) for number in range(4)
    ]


def test_the_original_length_of_a_frame_that_was_cut(make: Any) -> None:
    (frame,) = read(make.pcap([(0, b"abc", 1500)]))
    assert (frame.data, frame.original_length) == (b"abc", 1500)


def test_a_version_before_2_4_may_have_the_lengths_the_other_way(make: Any) -> None:
    data = bytearray(make.pcap([(0, b"abc", 60)], version=(2, 3)))
    data[24 + 8 : 24 + 16] = struct.pack("<LL", 60, 3)
    (frame,) = read(bytes(data))
    assert (frame.data, frame.original_length) == (b"abc", 60)


def test_the_upper_bits_of_the_link_type_are_about_the_check_sequence(make: Any) -> None:
    (frame,) = read(make.pcap([b"abc"], link_type=1 | 0x24000000))
    assert frame.link_type == 1


def test_a_capture_without_frames(make: Any) -> None:
    assert read(make.pcap([])) == []


# Sources


def test_a_path_is_the_name(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(make.pcap(FRAMES))
    with open_capture(path) as capture:
        assert (capture.name, capture.format) == (str(path), "pcap")
        assert [frame.file for frame in capture.frames()] == [str(path)] * 4
    with open_capture(str(path), "a name") as capture:
        assert capture.name == "a name"


def test_standard_input(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(make.pcap(FRAMES)))
    monkeypatch.setattr(sys, "stdin", stdin)
    with open_capture("-") as capture:
        assert capture.name == "standard input"
        assert [frame.data for frame in capture.frames()] == FRAMES
    assert not stdin.closed


def test_a_pipe_gives_frames_as_they_come(make: Any) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as source, open(writing, "wb", buffering=0) as sink:
        sink.write(make.pcap([b"one", b"two"]))
        with open_capture(source) as capture:
            frames = capture.frames()
            assert next(frames).data == b"one"
            assert next(frames).data == b"two"  # and the pipe is still open


def test_a_larger_file_than_a_pipe_holds(make: Any) -> None:
    sent = [bytes([number % 256]) * 1000 for number in range(1000)]
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as sink:
            sink.write(gzip.compress(make.pcap(sent), 0))

    writer = threading.Thread(target=write)
    writer.start()
    with open(reading, "rb") as source, open_capture(source) as capture:
        assert [frame.data for frame in capture.frames()] == sent
    writer.join()


@given(
    st.lists(st.binary(max_size=40), max_size=8),
    st.lists(st.integers(1, 60), max_size=40),
    st.sampled_from(["pcap", "pcapng", "gzip"]),
)
def test_the_sizes_in_which_a_source_is_read_do_not_matter(
    make: Any, frames: list[bytes], sizes: list[int], form: str
) -> None:
    data = make.pcapng(frames) if form == "pcapng" else make.pcap(frames)
    if form == "gzip":
        data = gzip.compress(data)
    with open_capture(Dribble(data, sizes), "dribble") as capture:
        assert [frame.data for frame in capture.frames()] == frames


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_frames_across_the_borders_of_blocks(make: Any, form: str) -> None:
    sent = [os.urandom(1 + number * 37 % 5000) for number in range(400)]
    data = make.pcap(sent) if form == "pcap" else make.pcapng(sent)
    assert len(data) > 3 * BLOCK_SIZE
    assert [frame.data for frame in read(data)] == sent


def test_raw_frames_point_into_a_block(make: Any) -> None:
    with open_capture(io.BytesIO(make.pcap(FRAMES)), "test") as capture:
        assert [block[start:end] for _, _, _, block, start, end, _ in capture.raw_frames()] == FRAMES


def test_closing_a_capture_closes_the_file_that_it_opened(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(make.pcap(FRAMES))
    capture = open_capture(path)
    capture.close()
    with pytest.raises(ValueError, match="closed"):
        # Buffered frames may still come, so far as they were read; here the whole file was, so read on.
        list(capture.frames())


def test_a_file_object_of_the_caller_stays_open(make: Any) -> None:
    source = io.BytesIO(make.pcap(FRAMES))
    open_capture(source).close()
    assert not source.closed


# gzip


def test_gzip(make: Any) -> None:
    assert [frame.data for frame in read(gzip.compress(make.pcap(FRAMES)))] == FRAMES


def test_gzip_of_several_members_and_padding(make: Any) -> None:
    data = make.pcap(FRAMES)
    packed = gzip.compress(data[:30]) + gzip.compress(b"") + gzip.compress(data[30:]) + b"\0" * 512
    assert [frame.data for frame in read(packed)] == FRAMES


def test_gzip_that_is_cut_short_gives_the_frames_before(make: Any) -> None:
    frames = [os.urandom(200) for _ in range(100)]
    packed = gzip.compress(make.pcap(frames))
    with open_capture(io.BytesIO(packed[: len(packed) // 2]), "a.pcap.gz") as capture:
        got = []
        with pytest.raises(CaptureError, match="the compressed file is cut short") as caught:
            got.extend(frame.data for frame in iterate(capture.frames(), got))
    assert 40 < len(got) < 60
    assert got == frames[: len(got)]
    assert caught.value.file == "a.pcap.gz"


def iterate(frames: Iterator[Frame], got: list[bytes]) -> Iterator[Frame]:
    for frame in frames:
        got.append(frame.data)
    yield from ()


def test_gzip_that_is_damaged(make: Any) -> None:
    packed = bytearray(gzip.compress(make.pcap([os.urandom(200) for _ in range(100)])))
    packed[-6] ^= 1  # in the check sum
    with pytest.raises(CaptureError, match="the compressed file is damaged"):
        read(bytes(packed))


def test_gzip_with_something_else_behind_it(make: Any) -> None:
    with pytest.raises(CaptureError, match="the compressed file is damaged"):
        read(gzip.compress(make.pcap(FRAMES)) + b"something else")


# Damage


def test_a_file_that_is_cut_anywhere_gives_the_frames_before(make: Any) -> None:
    frames = [b"first", b"second", b"third"]
    data = make.pcap(frames)
    ends = [24]
    for frame in frames:
        ends.append(ends[-1] + 16 + len(frame))
    for length in range(24, len(data)):
        got: list[bytes] = []
        capture = open_capture(io.BytesIO(data[:length]), "cut")
        if length in ends:
            got = [frame.data for frame in capture.frames()]
        else:
            with pytest.raises(CaptureError, match="cut short") as caught:
                list(iterate(capture.frames(), got))
            assert caught.value.frame == len(got) + 1
            assert caught.value.file_offset == ends[len(got)]
            assert caught.value.file == "cut"
        assert got == frames[: sum(end <= length for end in ends) - 1]


@pytest.mark.parametrize("length", range(4, 24))
def test_a_file_that_ends_in_its_header(make: Any, length: int) -> None:
    with pytest.raises(CaptureError, match=f"its header has {length} of 24 bytes"):
        read(make.pcap([])[:length])


@pytest.mark.parametrize("captured", [262_145, 0xFFFFFFFF])
def test_an_absurd_frame_length_is_damage(make: Any, captured: int) -> None:
    data = make.pcap([b"good"]) + struct.pack("<LLLL", 0, 0, captured, captured) + b"\0" * 300_000
    got: list[bytes] = []
    with pytest.raises(CaptureError) as caught:
        list(iterate(open_capture(io.BytesIO(data), "x.pcap").frames(), got))
    assert got == [b"good"]
    assert str(caught.value) == (
        f"x.pcap, frame 2, offset 44: the file is damaged: a frame of {captured} bytes, expected at most 262144"
    )


# What is no capture

NOT_CAPTURES = {
    "empty": (b"", "the file is empty; expected a pcap or pcapng capture"),
    "text": (b"hello world, this is text", "no capture: it begins with 68 65 6c 6c; expected a pcap or pcapng capture"),
    "short": (b"\xd4", "no capture: it begins with d4; expected a pcap or pcapng capture"),
    "network-monitor": (b"GMBU\0\x02", "this is a Microsoft Network Monitor capture; convert it with `editcap"),
    "snoop": (b"snoop\0\0\0\0\0\0\x02", "this is a snoop capture; convert it with `editcap"),
    "network-monitor-1": (b"RTSS\1\1", "this is a Microsoft Network Monitor capture; convert it with `editcap"),
    "sniffer": (b"TRSNIFF data    \x1a", "this is a Sniffer capture; convert it with `editcap"),
    "netxray": (b"XCP\x00002.001\0", "this is a NetXRay capture; convert it with `editcap"),
    "observer": (b"ObserverPktBufferVersion=15.00", "this is an Observer capture; convert it with `editcap"),
    "visual": (b"\x05VNF\x1f\0\0\0", "this is a Visual Networks capture; convert it with `editcap"),
    "5view": (b"\xaa\xaa\xaa\xaa\x20\0\0\0", "this is a 5View capture; convert it with `editcap"),
    "omnipeek": (b"\x7fver\0\0\0\x08", "this is an OmniPeek capture; convert it with `editcap"),
    "iptrace": (b"iptrace 2.0", "this is an iptrace of AIX; convert it with `editcap"),
    # The records' headers before the signature differ in length by version (Wireshark's wiretap/netscaler.c).
    "netscaler": (b"\1\0\x40\0NetScaler Performance Data", "this is a NetScaler trace; convert it with `editcap"),
    "netscaler-3.5": (b"\1\x40\0\1NetScaler V30 Performance Data", "this is a NetScaler trace; convert it with"),
    "lz4": (b"\x04\x22\x4d\x18\x64", "this is compressed with lz4; decompress it first"),
    "bzip2": (b"BZh91AY&SY", "this is compressed with bzip2; decompress it first"),
    "7-zip": (b"7z\xbc\xaf\x27\x1c\0\4", "this is a 7-Zip archive; unpack it first"),
    "cabinet": (
        b"MSCF\0\0\0\0",
        "this is a cabinet; unpack it first; of `netsh trace`, what is wanted",
    ),
    "zstd": (b"\x28\xb5\x2f\xfd\0\0", "this is compressed with zstd; decompress it first"),
    "xz": (b"\xfd7zXZ\0\0", "this is compressed with xz; decompress it first"),
    "zip": (b"PK\x03\x04\0", "this is a zip archive; unpack it first"),
    "pem": (b"-----BEGIN PRIVATE KEY-----\n", "this is a PEM file; expected a pcap or pcapng capture"),
    # A WMI buffer header, then a system trace header of version 2, type SYSTEM64 (evntrace.h, wmistr.h).
    "etl": (
        bytes.fromhex("00000100 60030000") + b"\0" * 64 + bytes.fromhex("0200 02c0"),
        "this is an event trace log (.etl); convert it with `pktmon etl2pcap` or etl2pcapng",
    ),
    "gzip-of-nothing": (gzip.compress(b""), "the file is empty"),
    "gzip-of-text": (gzip.compress(b"hello world"), "no capture: it begins with 68 65 6c 6c"),
}


@pytest.mark.parametrize(("data", "message"), NOT_CAPTURES.values(), ids=NOT_CAPTURES)
def test_what_is_no_capture_is_named(data: bytes, message: str) -> None:
    with pytest.raises(CaptureError) as caught:
        open_capture(io.BytesIO(data), "the-file")
    assert str(caught.value).startswith(f"the-file: {message}")
    assert "\n" not in str(caught.value)


def test_a_trace_log_is_known_by_its_name_too(tmp_path: Path) -> None:
    path = tmp_path / "trace.ETL"
    path.write_bytes(b"\0" * 100)
    with pytest.raises(CaptureError, match="pktmon etl2pcap"):
        open_capture(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CaptureError) as caught:
        open_capture(tmp_path / "none.pcap")
    assert str(caught.value) == f"{tmp_path / 'none.pcap'}: cannot be read: no such file or directory"


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be read: is a directory"):
        open_capture(tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything; Windows has no mode"
)
def test_a_file_that_may_not_be_read(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "secret.pcap"
    path.write_bytes(make.pcap([]))
    path.chmod(0)
    with pytest.raises(CaptureError, match="cannot be read: permission denied"):
        open_capture(path)


def test_a_path_with_a_null_in_it() -> None:
    with pytest.raises(CaptureError, match="cannot be read: embedded null"):
        open_capture("a\0b")


def test_a_source_that_fails_on_the_way(make: Any) -> None:
    class Failing(Dribble):
        def read(self, size: int = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError(5, "Input/output error")
            return data

    got: list[bytes] = []
    with pytest.raises(CaptureError, match="cannot be read: input/output error"):
        list(iterate(open_capture(Failing(make.pcap(FRAMES), []), "x").frames(), got))
    assert got == FRAMES


# Several captures


def at(seconds: int, data: bytes) -> tuple[int, bytes, int]:
    return seconds * 1_000_000, data, len(data)


def in_order(*sources: Any) -> list[bytes]:
    return [frame.data for capture in open_captures(sources) for frame in capture.frames()]


def test_several_captures_are_read_in_the_order_of_their_first_frames(make: Any, tmp_path: Path) -> None:
    late, early, empty = tmp_path / "1.pcap", tmp_path / "2.pcap", tmp_path / "3.pcap"
    late.write_bytes(make.pcap([at(20, b"c"), at(1, b"d")]))
    early.write_bytes(make.pcap([(3_000_000_000, b"a", 1), (30_000_000_000, b"b", 1)], nanoseconds=True))
    empty.write_bytes(make.pcap([]))
    assert in_order(late, empty, early) == [b"a", b"b", b"c", b"d"]


def test_file_objects_are_put_in_order_too(make: Any) -> None:
    assert in_order(io.BytesIO(make.pcap([at(2, b"b")])), io.BytesIO(make.pcap([at(1, b"a")]))) == [b"a", b"b"]


def test_captures_of_the_same_time_stay_in_their_order(make: Any) -> None:
    assert in_order(*(io.BytesIO(make.pcap([at(1, bytes([n]))])) for n in range(5))) == [bytes([n]) for n in range(5)]


def test_each_capture_counts_its_own_frames(make: Any) -> None:
    sources = [io.BytesIO(make.pcap([at(n, b""), at(n, b"")])) for n in (1, 2)]
    assert [frame.number for capture in open_captures(sources) for frame in capture.frames()] == [1, 2, 1, 2]


def test_a_capture_that_cannot_be_opened_is_told_before_any_is_read(make: Any, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"none\.pcap"):
        next(open_captures([io.BytesIO(make.pcap([at(1, b"a")])), tmp_path / "none.pcap"]))


def test_damage_in_a_first_frame_comes_when_the_capture_is_read(make: Any) -> None:
    captures = open_captures([io.BytesIO(make.pcap([at(5, b"a")])), io.BytesIO(make.pcap([at(1, b"b")])[:-1])])
    damaged = next(captures)
    with pytest.raises(CaptureError, match="cut short"):
        list(damaged.frames())
    assert [frame.data for frame in next(captures).frames()] == [b"a"]


def test_no_more_files_are_open_than_one(make: Any) -> None:
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for number in range(50):
            path = Path(directory) / f"{number}.pcap"
            path.write_bytes(make.pcap([at(number, b"")]))
            paths.append(path)
        descriptors = Path("/proc/self/fd")
        if not descriptors.exists():
            pytest.skip("open files can only be counted where /proc is")
        before = len(list(descriptors.iterdir()))
        for _ in open_captures(reversed(paths)):
            assert len(list(descriptors.iterdir())) <= before + 1


# Times


@pytest.mark.parametrize(
    ("ticks", "per_second", "text"),
    [
        (1388063031_666123, 1_000_000, "1388063031.666123"),
        (1388063031_000005, 1_000_000, "1388063031.000005"),
        (1388063031_666123001, 1_000_000_000, "1388063031.666123001"),
        (1388063031, 1, "1388063031"),
        (13880630316, 10, "1388063031.6"),
        (3, 2, "1.5"),
        (1 << 30 | 1, 1 << 20, "1024.0000009"),  # 1/1048576 is 0.00000095…
        ((5 << 32) + (1 << 31), 1 << 32, "5.5000000000"),
        (-1, 1_000_000, "-0.000001"),
        (-1_500_000, 1_000_000, "-1.500000"),
        (0, 1_000_000, "0.000000"),
    ],
)
def test_a_time_has_all_the_digits_of_its_clock(ticks: int, per_second: int, text: str) -> None:
    assert format_time(ticks, per_second) == text


@given(st.integers(0, 1 << 63), st.integers(1, 9))
def test_a_decimal_clock_is_written_exactly(ticks: int, digits: int) -> None:
    text = format_time(ticks, 10**digits)
    assert int(text.replace(".", "")) == ticks
    assert len(text.split(".")[1]) == digits


@given(st.integers(0, 1 << 40), st.integers(1, 40))
def test_a_binary_clock_keeps_its_ticks_apart(ticks: int, exponent: int) -> None:
    assert format_time(ticks, 1 << exponent) < format_time(ticks + 1, 1 << exponent) or len(
        format_time(ticks, 1 << exponent)
    ) < len(format_time(ticks + 1, 1 << exponent))
