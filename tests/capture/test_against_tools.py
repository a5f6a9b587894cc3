"""The same captures read by tlswire and by other programs: Wireshark's tools and tcpdump, where they are installed.

What the other tests expect of tags, tunnels, clocks, frame numbers and reused ports is here shown to be what tshark
says too, and what the tools write is read.
"""

from __future__ import annotations

import io
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import format_time, open_capture
from tlswire.errors import CaptureError

FIN, SYN, RST = 0x01, 0x02, 0x04


def tool(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def tshark(path: Path, *fields: str) -> list[list[str]]:
    """A row a frame; more than one value in a field (a packet in a packet) are joined by commas."""
    chosen = [part for field in fields for part in ("-e", field)]
    output = run("tshark", "-n", "-r", path, "-o", "tcp.relative_sequence_numbers:FALSE", "-T", "fields", *chosen)
    return [line.split("\t") for line in output.splitlines()]


def frames_of(source: Path | bytes) -> list[tuple[str, bytes, int]]:
    """Time, bytes and original length of every frame."""
    with open_capture(io.BytesIO(source) if isinstance(source, bytes) else source) as capture:
        return [
            (format_time(frame.ticks, frame.ticks_per_second), frame.data, frame.original_length)
            for frame in capture.frames()
        ]


@pytest.fixture
def traffic(make: Any, talk: Any) -> bytes:
    t = talk().open()
    for number in range(20):
        t.send(0, bytes([number]) * number * 70)
        t.send(1)
    return make.pcap(t.close().frames)


# What the tools write


@tool("editcap")
@pytest.mark.parametrize("form", ["pcap", "nsecpcap", "modpcap", "pcapng"])
def test_formats_that_editcap_writes(traffic: bytes, tmp_path: Path, form: str) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(traffic)
    run("editcap", "-F", form, before, after)
    digits = "000" if form == "nsecpcap" else ""
    assert frames_of(after) == [(time + digits, data, length) for time, data, length in frames_of(traffic)]


@tool("editcap")
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_frames_that_editcap_cuts(traffic: bytes, tmp_path: Path, form: str) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(traffic)
    run("editcap", "-F", form, "-s", 60, before, after)
    assert frames_of(after) == [(time, data[:60], length) for time, data, length in frames_of(traffic)]


@tool("editcap")
def test_compressed_captures_of_editcap(traffic: bytes, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after.pcapng.gz"
    before.write_bytes(traffic)
    run("editcap", "-F", "pcapng", before, after)
    packed = tmp_path / "packed"
    with packed.open("wb") as out:
        subprocess.run(["gzip", "-c", str(after)], stdout=out, check=True)
    assert frames_of(packed) == frames_of(traffic)


# Wireshark's names of formats that hold Ethernet and that it can write and read back, and what they are called here.
OTHER_FORMATS = {
    "5views": "5View",
    "netmon1": "Network Monitor",
    "netmon2": "Network Monitor",
    "ngsniffer": "Sniffer",
    "ngwsniffer_1_1": "NetXRay",
    "ngwsniffer_2_0": "NetXRay",
    "snoop": "snoop",
    "visual": "Visual Networks",
}


@tool("editcap")
@pytest.mark.parametrize("form", OTHER_FORMATS)
def test_what_is_refused_is_named_and_its_remedy_works(traffic: bytes, tmp_path: Path, form: str) -> None:
    before, after, remedied = tmp_path / "before", tmp_path / "after", tmp_path / "remedied"
    before.write_bytes(traffic)
    run("editcap", "-F", form, before, after)
    with pytest.raises(CaptureError, match=OTHER_FORMATS[form]) as caught:
        open_capture(after)
    remedy = re.search("`(.*)`", str(caught.value))
    assert remedy is not None
    run(*(word.replace("IN", str(after)).replace("OUT", str(remedied)) for word in remedy[1].split()))
    assert [data for _, data, _ in frames_of(remedied)] == [data for _, data, _ in frames_of(traffic)]


@tool("mergecap")
def test_a_merged_capture_of_two_clocks(make: Any, talk: Any, tmp_path: Path) -> None:
    """mergecap makes one file of several interfaces."""
    frames = talk().open().frames
    micro, nano, raw = (tmp_path / name for name in ("micro", "nano", "raw"))
    micro.write_bytes(make.pcap([(1_000_001 + 2_000_000 * n, frame, len(frame)) for n, frame in enumerate(frames)]))
    nano.write_bytes(
        make.pcap(
            [(2_000_000_001 + 2_000_000_000 * n, frame, len(frame)) for n, frame in enumerate(frames)], nanoseconds=True
        )
    )
    raw.write_bytes(make.pcap([(500_000, frames[0][14:], len(frames[0]) - 14)], link_type=101))
    merged = tmp_path / "merged"
    run("mergecap", "-F", "pcapng", "-w", merged, micro, nano, raw)
    with open_capture(merged) as capture:
        found = [(frame.link_type, format_time(frame.ticks, frame.ticks_per_second)) for frame in capture.frames()]
    assert [(link, time.ljust(11, "0")) for link, time in found] == [
        (101, "0.500000000"),
        (1, "1.000001000"),
        (1, "2.000000001"),
        (1, "3.000001000"),
        (1, "4.000000001"),
        (1, "5.000001000"),
        (1, "6.000000001"),
    ]


@tool("tcpdump")
@pytest.mark.parametrize("precision", ["micro", "nano"])
def test_captures_that_tcpdump_writes(traffic: bytes, tmp_path: Path, precision: str) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(traffic)
    run("tcpdump", f"--time-stamp-precision={precision}", "-r", before, "-w", after)
    digits = "000" if precision == "nano" else ""
    assert frames_of(after) == [(time + digits, data, length) for time, data, length in frames_of(traffic)]


# What tshark reads

# Header length, packet, Ethernet; "en0", flags, IPv4, lengths before and behind the frame, a process; bsd/net/pktap.h.
PKTAP = "6c000000 01000000 01000000" + b"en0".ljust(24, b"\0").hex() + "02000000 02000000 0e000000 00000000" + "00" * 56


@tool("tshark")
def test_frame_numbers_and_times(make: Any, tmp_path: Path) -> None:
    """Of packets of every kind, a journal entry, a custom block and clocks of many paces."""
    data = make.section()
    for resolution in (None, 0, 3, 6, 9, 0x80 | 10, 0x80 | 20):
        data += make.interface(101, resolution=resolution)
    data += make.interface(101, resolution=9, offset=1_000_000_000)
    seconds = 1_388_063_031
    for index, per_second in enumerate((10**6, 1, 10**3, 10**6, 10**9, 1 << 10, 1 << 20, 10**9)):
        data += make.packet(b"x" * 40, seconds * per_second + per_second * 3 // 4, interface=index)
    data += make.block(9, b"__REALTIME_TIMESTAMP=1388063031666123\nMESSAGE=x\n")
    data += make.packet(b"x" * 40, 5)
    data += make.block(0x0BAD, struct.pack("<L", 32473) + b"data")
    data += make.packet(b"x" * 40, 6)
    data += (
        make.block(0x40000BAD, struct.pack("<L", 32473) + b"data") + make.block(0x0BAE, b"") + make.block(5, b"\0" * 12)
    )
    data += make.block(2, struct.pack("<HHLLLL", 0, 0, 0, 7, 3, 60) + b"abc\0")
    data += make.section(">") + make.interface(101, order=">") + make.packet(b"x" * 40, 8, order=">")
    path = tmp_path / "many.pcapng"
    path.write_bytes(data)
    read = tshark(path, "frame.number", "frame.time_epoch", "frame.len", "frame.cap_len")
    expected = {number: (f"{float(time or 0):.6f}", length, captured) for number, time, length, captured in read}
    with open_capture(path) as capture:
        frames = list(capture.frames())
    assert len(frames) == 12
    for frame in frames:
        time = format_time(frame.ticks, frame.ticks_per_second)
        found = (f"{float(time):.6f}", str(frame.original_length), str(len(frame.data)))
        assert expected.pop(str(frame.number)) == found
    assert len(expected) == 3  # the journal entry and the custom blocks


@tool("tshark")
def test_tags_and_tunnels(make: Any, tmp_path: Path, wrapping: Callable[[bytes], bytes]) -> None:
    packet = make.ipv4("10.10.10.16", "10.10.10.15", make.tcp(49685, 443, 1000, 2000, 0x18, b"payload"))
    path = tmp_path / "wrapped.pcap"
    path.write_bytes(make.pcap([wrapping(packet)]))
    (row,) = tshark(path, "ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.ack", "tcp.payload")
    assert [field.split(",")[-1] for field in row] == [
        "10.10.10.16", "10.10.10.15", "49685", "443", "1000", "2000", b"payload".hex(),
    ]  # fmt: skip


@tool("tshark")
@pytest.mark.parametrize(
    ("link_type", "head"),
    [
        (0, "02000000"),
        (0, "00000002"),
        (108, "00000002"),
        (9, "ff030021"),
        (50, "ff030021"),
        (101, ""),
        (228, ""),
        (113, "000000010006020202020202 00000800"),
        (276, "0800000000000002000100060202020202020000"),
        (258, PKTAP + "0202020202020202020202020800"),
    ],
)
def test_link_layers(make: Any, tmp_path: Path, link_type: int, head: str) -> None:
    packet = make.ipv4("10.10.10.16", "10.10.10.15", make.tcp(49685, 443, 1000, 2000, 0x18, b"payload"))
    path = tmp_path / "link.pcap"
    path.write_bytes(make.pcap([bytes.fromhex(head) + packet], link_type=link_type))
    assert tshark(path, "tcp.srcport", "tcp.payload") == [["49685", b"payload".hex()]]


# Reused ports: the frames of one or more connections between the same endpoints.


def finished(talk: Any, isn: tuple[int, int] = (1000, 5000)) -> list[bytes]:
    t = talk(isn=isn).open()
    t.send(0, b"abc")
    t.send(1, b"def")
    return t.close().frames


def reset(talk: Any) -> list[bytes]:
    t = talk().open()
    t.send(0, b"abc")
    t.send(1, flags=RST)
    return t.frames


REUSES: dict[str, Callable[[Any], list[bytes]]] = {
    "closed, another ISN": lambda talk: finished(talk) + finished(talk, (9000, 99000)),
    "closed, the same ISN": lambda talk: finished(talk) + finished(talk),
    "closed, the client's same ISN": lambda talk: finished(talk) + finished(talk, (1000, 99000)),
    "reset, another ISN": lambda talk: reset(talk) + finished(talk, (9000, 99000)),
    "reset, the same ISN": lambda talk: reset(talk) + reset(talk),
    "open, another ISN": lambda talk: finished(talk)[:5] + finished(talk, (9000, 99000)),
    "open, SYN repeated": lambda talk: finished(talk)[:5] + finished(talk)[:1] + finished(talk)[5:],
    "SYN three times": lambda talk: finished(talk)[:1] * 3,
    "SYN-ACK of another ISN": lambda talk: finished(talk)[:5] + finished(talk, (9000, 99000))[1:],
    "SYN-ACK before SYN": lambda talk: [finished(talk)[n] for n in (1, 0, 2, 3, 4)],
    "new SYN-ACK before its SYN": lambda talk: finished(talk) + [finished(talk, (9000, 99000))[n] for n in (1, 0, 2)],
    "from the midst, then SYN": lambda talk: finished(talk)[3:5] + finished(talk, (9000, 99000)),
    "from the midst, then its own SYN": lambda talk: finished(talk)[3:] + finished(talk)[:1],
    "server first, then a SYN": lambda talk: finished(talk)[4:5] + finished(talk)[:1],
    "server first, then a SYN it acknowledged": lambda talk: finished(talk)[4:5] + finished(talk, (1003, 1))[:1],
    "the server opens": lambda talk: [*finished(talk)[:5], talk(isn=(1, 7777)).send(1, flags=SYN, ack=False)],
    "late segments": lambda talk: finished(talk) + finished(talk)[-3:],
}


@tool("tshark")
@pytest.mark.parametrize("frames", REUSES.values(), ids=REUSES)
def test_connections_are_numbered_as_wireshark_does(
    make: Any, talk: Any, hear: Any, tmp_path: Path, frames: Callable[[Any], list[bytes]]
) -> None:
    path = tmp_path / "reused.pcap"
    path.write_bytes(make.pcap(frames(talk)))
    _, assembler = hear([])
    numbers = []
    with open_capture(path) as capture:
        for frame in capture.raw_frames():
            connection = assembler.receive(frame)
            assert connection is not None
            numbers.append([str(connection.number)])
    assert numbers == tshark(path, "tcp.stream")
