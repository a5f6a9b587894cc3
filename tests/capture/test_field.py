"""Captures as the field has them: real ones, changed by what mirror ports, routers, cards and rotation do to them.

Whatever it is, the connection must come out as it does of the capture that it was made from.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import CaptureReader, Frame, Trace, load_server_keys, open_capture, open_trace
from tlswire.capture.dissect import ACK, dissector
from tlswire.crypto import Secrets
from tlswire.session import HandshakeMessage, Record

CAPTURES = Path(__file__).parents[1] / "captures"
KEY = CAPTURES / "keys" / "server.pem"
NAMES = ["apache-tls12-3-names", "apache-tls12-ipv6", "apache-tls10-response-90k"]


def capture_of(name: str) -> Path:
    return next((CAPTURES / name).glob("capture.pcap*"))


def frames_of(name: str) -> list[Frame]:
    with open_capture(capture_of(name)) as capture:
        return list(capture.frames())


def micro(frame: Frame) -> int:
    return frame.ticks * 1_000_000 // frame.ticks_per_second


def whole(frame: Frame) -> tuple[int, bytes, int]:
    """A frame as `make.pcap` takes it."""
    return micro(frame), frame.data, frame.original_length


def assert_same(trace: Trace, name: str, times: int = 1) -> None:
    """The trace has the connection of a capture, so many times, wholly decrypted."""
    assert len(trace.connections) == times
    assert trace.not_read == []
    for connection in trace.connections:
        assert connection.outcome == "decrypted"
        assert len(connection.handshakes) == 2
        for side in ("client", "server"):
            original = open_trace(capture_of(name), keys=[KEY]).connections[0].application_data(side)
            assert original
            assert connection.application_data(side) == original


def read(data: bytes) -> Trace:
    return open_trace(io.BytesIO(data), keys=[KEY])


# Mirror ports


def same(frame: bytes) -> bytes:
    return frame


def tagged(frame: bytes) -> bytes:
    """The other copy has its VLAN's tag still."""
    return frame[:12] + bytes.fromhex("81000018") + frame[12:]


def routed(frame: bytes) -> bytes:
    """The other copy was seen behind the router: other MAC addresses, one hop less."""
    hops = 14 + (8 if frame[12:14] == b"\x08\0" else 7)
    return b"\x06" * 12 + frame[12:hops] + bytes([frame[hops] - 1]) + frame[hops + 1 :]


def tunnelled(frame: bytes) -> bytes:
    """The other copy came by ERSPAN or the like: in GRE."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 24 + len(frame), 1, 0, 64, 47, 0, b"\xc0\0\2\1", b"\xc0\0\2\2")
    return frame[:12] + b"\x08\0" + head + bytes.fromhex("00006558") + frame


@pytest.mark.parametrize("copy", [same, tagged, routed, tunnelled], ids=lambda copy: copy.__name__)
@pytest.mark.parametrize("late", [0, 1, 5])
@pytest.mark.parametrize("name", NAMES)
def test_doubled_frames_of_a_mirror_port(make: Any, name: str, late: int, copy: Callable[[bytes], bytes]) -> None:
    """Each frame twice, the second time at once or some frames later."""
    frames = [frame.data for frame in frames_of(name)]
    doubled = [
        one
        for place in range(len(frames) + late)
        for one in [
            *frames[place : place + 1],
            *([copy(frames[place - late])] if late <= place < len(frames) + late else []),
        ]
    ]
    assert len(doubled) == 2 * len(frames)
    assert_same(read(make.pcap(doubled)), name)


@pytest.mark.parametrize("name", NAMES)
def test_two_directions_whose_clocks_differ(make: Any, name: str) -> None:
    """The frames of the server, from another port of the switch, all come three frames late."""
    frames = frames_of(name)
    client = frames[0].data[6:12]
    order = sorted(enumerate(frames), key=lambda one: one[0] + (0 if one[1].data[6:12] == client else 3.5))
    assert [place for place, _ in order] != sorted(place for place, _ in order)
    assert_same(read(make.pcap([frame.data for _, frame in order])), name)


# Ports


def moved(frame: Frame, seconds: int, distance: int) -> tuple[int, bytes, int]:
    """A frame some seconds later, with sequence numbers as of other initial ones."""
    data = bytearray(frame.data)
    tcp = 14 + (20 if data[12:14] == b"\x08\0" else 40)
    for place in (tcp + 4, tcp + 8):
        (number,) = struct.unpack_from("!L", data, place)
        if number:
            struct.pack_into("!L", data, place, number + distance & 0xFFFFFFFF)
    return micro(frame) + seconds * 1_000_000, bytes(data), frame.original_length


@pytest.mark.parametrize("distance", [1 << 16, 1 << 30, 1 << 31, 0xF0000000])
@pytest.mark.parametrize("cut", [0, 2], ids=["ended", "the end was not captured"])
@pytest.mark.parametrize("name", NAMES)
def test_ports_that_are_used_again(make: Any, name: str, distance: int, cut: int) -> None:
    frames = frames_of(name)
    first = [whole(frame) for frame in frames[: len(frames) - cut]]
    assert_same(read(make.pcap(first + [moved(frame, 60, distance) for frame in frames])), name, times=2)


# Rotation


def story(sources: list[Path]) -> list[tuple[str, int, int]]:
    reader = CaptureReader(sources, secrets=Secrets(load_server_keys(KEY)))
    told = [
        (type(event).__name__, *reader.place(event.at))
        for _, event in reader
        if isinstance(event, HandshakeMessage | Record)
    ]
    assert told
    return told


@pytest.mark.parametrize("name", NAMES)
def test_a_connection_that_spans_two_files(make: Any, tmp_path: Path, name: str) -> None:
    frames = frames_of(name)
    together = tmp_path / "whole.pcap"
    together.write_bytes(make.pcap(map(whole, frames)))
    expected = story([together])
    for cut in range(1, len(frames), max(1, len(frames) // 12)):
        first, second = tmp_path / "2-first.pcap", tmp_path / "1-second.pcap"
        first.write_bytes(make.pcap(map(whole, frames[:cut])))
        second.write_bytes(make.pcap(map(whole, frames[cut:])))
        sources = [second, first]  # which is not their order
        assert_same(open_trace(*sources, keys=[KEY]), name)
        assert story(sources) == [
            (what, *((0, frame) if frame <= cut else (1, frame - cut))) for what, _, frame in expected
        ]


def test_a_file_a_frame(make: Any, tmp_path: Path) -> None:
    sources = []
    for number, frame in enumerate(frames_of(NAMES[0])):
        sources.append(tmp_path / f"{number}.pcap")
        sources[-1].write_bytes(make.pcap([whole(frame)]))
    assert_same(open_trace(*sources, keys=[KEY]), NAMES[0])


def test_files_that_overlap(make: Any, tmp_path: Path) -> None:
    """The last frames of the first file are the first ones of the second."""
    frames = frames_of(NAMES[0])
    middle = len(frames) // 2
    first, second = tmp_path / "first.pcap", tmp_path / "second.pcap"
    first.write_bytes(make.pcap(map(whole, frames[: middle + 3])))
    second.write_bytes(make.pcap(map(whole, frames[middle - 3 :])))
    assert_same(open_trace(first, second, keys=[KEY]), NAMES[0])


# Offload


def joined(make: Any, name: str, limit: int, *, length: int | None) -> list[bytes]:
    """The frames of a capture as a sender's kernel has them: segments of a side that follow each other are one, up to
    a limit of bytes, and acknowledged at the end; `length`, what the IP header says then."""
    made: list[bytes] = []
    held: list[tuple[bytes, int, int, int, bytes]] = []  # flow, seq, ack, flags, payload

    def flush() -> None:
        if held:
            flow, seq, _, _, _ = held[0]
            _, _, ack, flags, _ = held[-1]
            payload = b"".join(one[4] for one in held)
            tcp = make.tcp(
                int.from_bytes(flow[8:10], "big"), int.from_bytes(flow[10:], "big"), seq, ack, flags, payload
            )
            source, destination = (".".join(map(str, flow[place : place + 4])) for place in (0, 4))
            long = len(tcp) > 1480
            made.append(make.ethernet(make.ipv4(source, destination, tcp, total_length=length if long else None)))
            held.clear()

    for frame in frames_of(name):
        found = dissector(1)(frame.data, 0, len(frame.data), frame.original_length)
        assert isinstance(found, tuple)
        flow, seq, ack, flags, payload, _ = found
        if flags == ACK and not payload and len(made) > 3:
            continue
        follows = held and held[0][0] == flow and held[-1][1] + len(held[-1][4]) == seq and flags & 7 == 0
        if not follows or sum(len(one[4]) for one in held) + len(payload) > limit or not held[-1][4]:
            flush()
        held.append((flow, seq, ack, flags, payload))
    flush()
    return made


@pytest.mark.parametrize("length", [None, 0], ids=["with its length", "total length 0"])
@pytest.mark.parametrize("limit", [8_000, 65_000])
def test_frames_of_64_kb_from_segmentation_offload(make: Any, limit: int, length: int | None) -> None:
    name = "apache-tls10-response-90k"
    frames = joined(make, name, limit, length=length)
    assert max(map(len, frames)) > limit * 0.7
    assert_same(read(make.pcap(frames)), name)


def test_frames_longer_than_an_ip_length_can_say(make: Any) -> None:
    """BIG TCP, and receive offload: the length is 0 because 16 bits do not hold it."""
    name = "apache-tls10-response-90k"
    frames = joined(make, name, 200_000, length=0)
    assert max(map(len, frames)) > 0xFFFF
    assert_same(read(make.pcap(frames)), name)
