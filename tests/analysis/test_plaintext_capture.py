"""A capture of the plaintext, as other programs read it: what the endpoints wrote, byte for byte, as TCP.

Three readers say so: a small parser below, which checks every header and counts sequence numbers itself; the
project's own TCP reader; and tshark, where it is installed.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlswire.analysis.explain import explain
from tlswire.analysis.order import FrameOrder
from tlswire.analysis.plaintext import Plaintext
from tlswire.analysis.plaintext_capture import PlaintextCapture
from tlswire.analysis.story import Row
from tlswire.capture import (
    CaptureReader,
    Provenance,
    TCPAssembler,
    TCPConnection,
    load_key_log,
    load_server_keys,
    open_capture,
)
from tlswire.capture.plaintext_packets import LARGEST_HOLE, MOST_DATA, PCAP_HEADER, PlaintextConnection
from tlswire.crypto import Secrets
from tlswire.errors import CaptureError

CAPTURES = Path(__file__).parents[1] / "captures"
# Those that can be decrypted: `cryptography` lacks the cipher of some.
NAMES = sorted(
    path.parent.name
    for path in CAPTURES.glob("*/capture.json")
    if json.loads(path.read_text(encoding="utf-8")).get("undecryptable") is None
)
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
MASK = 0xFFFFFFFF
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


# An independent reader


@dataclass
class Side:
    address: str
    port: int
    start: int  # the initial sequence number
    next: int
    data: bytearray = field(default_factory=bytearray)
    holes: list[tuple[int, int]] = field(default_factory=list)  # offset in the data, length
    over: bool = False


@dataclass
class Read:
    """A connection, as it was read: the opener's side first; times as digits, with the length of their data."""

    sides: list[Side]
    times: list[tuple[str, int, int]] = field(default_factory=list)  # time, side, bytes


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071, word by word."""
    total = 0
    for (word,) in struct.iter_unpack("!H", data + bytes(len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def segments(pcap: bytes) -> Iterator[tuple[str, str, int, str, int, int, int, int, bytes, bytes]]:
    """Time, source, port, destination, port, seq, ack, flags, options and data of each frame."""
    assert struct.unpack("<LHHlLLL", pcap[:24]) == (0xA1B23C4D, 2, 4, 0, 0, 262144, 1)
    position = 24
    while position < len(pcap):
        seconds, nanoseconds, captured, original = struct.unpack_from("<LLLL", pcap, position)
        frame = pcap[position + 16 : position + 16 + captured]
        position += 16 + captured
        assert len(frame) == captured == original
        assert nanoseconds < 10**9
        assert frame[0] == frame[6] == 2
        assert frame[:6] != frame[6:12]
        packet = frame[14:]
        if frame[12:14] == b"\x08\x00":
            assert packet[0] == 0x45
            assert ones_complement_sum(packet[:20]) == 0xFFFF
            total, protocol, tcp = int.from_bytes(packet[2:4], "big"), packet[9], packet[20:]
            assert total == len(packet)
            addresses = packet[12:20]
        else:
            assert frame[12:14] == b"\x86\xdd"
            assert packet[0] >> 4 == 6
            length, protocol, tcp = int.from_bytes(packet[4:6], "big"), packet[6], packet[40:]
            assert length == len(tcp)
            addresses = packet[8:40]
        assert protocol == 6
        pseudo = addresses + struct.pack("!LL", len(tcp), protocol)
        assert ones_complement_sum(pseudo + tcp) == 0xFFFF
        source, destination, seq, ack, offset, flags, window, checksum, urgent = struct.unpack_from("!HHLLBBHHH", tcp)
        assert (window, urgent) == (0xFFFF, 0)
        assert checksum != 0xFFFF  # the other zero, which RFC 1624 forbids
        header = offset >> 2
        half = len(addresses) // 2
        family = socket.AF_INET if half == 4 else socket.AF_INET6
        sender, receiver = (socket.inet_ntop(family, one) for one in (addresses[:half], addresses[half:]))
        time = f"{seconds}.{nanoseconds:09d}"
        yield time, sender, source, receiver, destination, seq, ack, flags, tcp[20:header], tcp[header:]


def read(pcap: bytes) -> list[Read]:
    """The connections of a capture; every rule of RFC 9293 that they must keep is asserted on the way."""
    connections: list[Read] = []
    current: dict[tuple[str, int, str, int], tuple[Read, int]] = {}
    opening: dict[tuple[str, int, str, int], tuple[int, int]] = {}
    for time, source, port, destination, its_port, seq, ack, flags, options, data in segments(pcap):
        key, other = (source, port, destination, its_port), (destination, its_port, source, port)
        if flags & SYN:
            assert options == struct.pack("!BBH", 2, 4, MOST_DATA)
            if flags == SYN:
                assert ack == 0
                assert all(side.over for read, _ in [current[key]] for side in read.sides) if key in current else True
                opening[key] = (seq, -1)
            else:
                start, _ = opening.pop(other)
                assert flags == SYN | ACK
                assert ack == (start + 1) & MASK
                sides = [Side(destination, its_port, start, ack), Side(source, port, seq, (seq + 1) & MASK)]
                connections.append(Read(sides))
                current[other], current[key] = (connections[-1], 0), (connections[-1], 1)
            continue
        assert options == b""
        connection, index = current[key]
        side, peer = connection.sides[index], connection.sides[1 - index]
        hole = (seq - side.next) & MASK
        if hole:
            assert data or flags & FIN, "a mere acknowledgement does not leave a hole"
            assert hole <= LARGEST_HOLE
            side.holes.append((len(side.data), hole))
        assert flags & ACK
        assert ack == peer.next
        assert not flags & RST
        assert not (side.over and (data or flags & FIN))
        side.next = (seq + len(data) + bool(flags & FIN)) & MASK
        side.data += data
        side.over = side.over or bool(flags & FIN)
        if data or flags & FIN:
            connection.times.append((time, index, len(data)))
    assert not opening
    return connections


# What is put in comes out


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, int, list[tuple[str, int, Any]]]:
    size = draw(st.sampled_from([4, 16]))
    ends = st.tuples(st.binary(min_size=size, max_size=size), st.binary(min_size=2, max_size=2))
    (first, port), (second, its_port) = draw(st.lists(ends, min_size=2, max_size=2, unique=True))
    flow = first + second + port + its_port
    sizes = st.one_of(st.integers(1, 40), st.sampled_from([MOST_DATA, MOST_DATA + 1, 2 * MOST_DATA + 3]))
    said = st.tuples(st.just("data"), st.integers(0, 1), st.tuples(st.integers(0, 255), sizes))
    lost = st.tuples(st.just("missing"), st.integers(0, 1), st.one_of(st.none(), st.integers(0, 1 << 32)))
    return flow, draw(st.integers(0, 1)), draw(st.lists(st.one_of(said, lost), max_size=12))


@given(conversations(), st.integers(0, 1 << 20), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_conversation_is_read_as_it_was_held(
    conversation: tuple[bytes, int, list[tuple[str, int, Any]]], number: int, first_ends: bool
) -> None:
    flow, opener, steps = conversation
    connection = PlaintextConnection(flow, opener, number)
    at = Provenance(1, 5, 1, "a.pcap")
    sent = (bytearray(), bytearray())
    holes: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    waiting = [0, 0]
    pcap = PCAP_HEADER
    for kind, side, value in steps:
        if kind == "missing":
            connection.missing(side, value)
            waiting[side] = min(LARGEST_HOLE, waiting[side] + (1 if value is None else value))
            continue
        octet, size = value
        data = bytes((octet + index) % 256 for index in range(size))
        if waiting[side]:
            holes[side].append((len(sent[side]), waiting[side]))
            waiting[side] = 0
        sent[side].extend(data)
        pcap += connection.data(side, data, at)
    for side in (0, 1) if first_ends else (1, 0):
        if waiting[side]:
            holes[side].append((len(sent[side]), waiting[side]))
        pcap += connection.end(side, at)
    found = read(pcap)
    if not any(sent):
        assert pcap == PCAP_HEADER
        return
    (one,) = found
    sides = one.sides if opener == 0 else one.sides[::-1]
    size = (len(flow) - 4) // 2
    for index, side in enumerate(sides):
        family = socket.AF_INET if size == 4 else socket.AF_INET6
        assert side.address == socket.inet_ntop(family, flow[index * size : (index + 1) * size])
        assert side.port == int.from_bytes(flow[2 * (size + index) :][:2], "big")
        assert side.data == sent[index]
        assert side.holes == holes[index]
        assert side.over
    assert connection.left_out == sum(length for side in holes for _, length in side)


@pytest.mark.parametrize(
    ("ticks", "per_second", "time"),
    [
        (1388063031_666123, 10**6, "1388063031.666123000"),
        (1388063031_666123789, 10**9, "1388063031.666123789"),
        (1388063031_666123789_999, 10**12, "1388063031.666123789"),
        (7, 1, "7.000000000"),
        (3 * (1 << 20) // 2, 1 << 20, "1.500000000"),
        (-1, 10**6, "0.000000000"),
        ((1 << 40) * 10**6, 10**6, "4294967295.000000000"),
    ],
)
def test_times_keep_the_digits_that_a_capture_has(ticks: int, per_second: int, time: str) -> None:
    connection = PlaintextConnection(bytes(12), 0, 0)
    pcap = PCAP_HEADER + connection.data(0, b"x", Provenance(1, ticks, per_second, "a.pcap"))
    assert [found[0] for found in segments(pcap)] == [time] * 5


def both_after_each_other() -> bytes:
    """Two connections between the same ports, one after the other."""
    at = Provenance(1, 0, 1, "a.pcap")
    flow = bytes([10, 0, 0, 1, 10, 0, 0, 2]) + struct.pack("!HH", 40000, 443)
    pcap = PCAP_HEADER
    for number, said in enumerate((b"first", b"second")):
        connection = PlaintextConnection(flow, 0, number)
        pcap += connection.data(0, said, at) + connection.data(1, said.upper(), at)
        pcap += connection.end(1, at) + connection.end(0, at)
    return pcap


def test_ports_that_are_used_again_are_another_connection() -> None:
    pcap = both_after_each_other()
    for streams in (own_reading(pcap), [[bytes(side.data) for side in one.sides] for one in read(pcap)]):
        assert streams == [[b"first", b"FIRST"], [b"second", b"SECOND"]]


# What the endpoints wrote


class Collector:
    """A consumer of the project's own TCP reader."""

    def __init__(self) -> None:
        self.streams: list[list[bytes]] = []
        self.gaps: list[int | None] = []

    def opened(self, connection: TCPConnection, at: Provenance) -> None:
        assert connection.number == len(self.streams)
        self.streams.append([b"", b""])

    def data(self, connection: TCPConnection, side: int, data: bytes, at: Provenance) -> None:
        assert connection.opener == 0
        self.streams[connection.number][side] += data

    def gap(self, connection: TCPConnection, side: int, length: int | None, at: Provenance) -> None:
        self.gaps.append(length)

    def end(self, connection: TCPConnection, side: int, at: Provenance) -> None:
        assert connection.streams[side].fin is not None

    def closed(self, connection: TCPConnection, at: Provenance) -> None:
        pass

    def limit_reached(self, limit: str, value: int, connection: TCPConnection, dropped: int, at: Provenance) -> None:
        pytest.fail(limit)


def own_reading(pcap: bytes) -> list[list[bytes]]:
    collector = Collector()
    assembler = TCPAssembler(collector)
    with open_capture(io.BytesIO(pcap)) as capture:
        assembler.receive_all(capture.raw_frames())
    assembler.finish()
    assert not assembler.not_read
    assert collector.gaps == []
    return collector.streams


def capture_of(name: str) -> Path:
    (capture,) = (CAPTURES / name).glob("capture.pcap*")
    return capture


def reader_of(name: str, capture: Path | io.BytesIO | None = None) -> CaptureReader:
    secrets = Secrets(load_server_keys(CAPTURES / "keys" / "server.pem"))
    key_log = CAPTURES / name / "keylog.txt"
    if key_log.exists():
        secrets.add_key_log(load_key_log(key_log).entries)
    return CaptureReader([capture or capture_of(name)], secrets=secrets)


def pcap_of(name: str) -> bytes:
    return b"".join(PlaintextCapture(reader_of(name)).pieces())


def truth_of(name: str) -> list[list[tuple[int, str]]]:
    """Bytes and SHA-256 of client and server for each connection in which anything was said."""
    streams = json.loads((CAPTURES / name / "capture.json").read_text())["streams"]
    sides = [[(stream[side]["bytes"], stream[side]["sha256"]) for side in ("client", "server")] for stream in streams]
    return [stream for stream in sides if any(size for size, _ in stream)]


def digested(sides: list[bytes]) -> list[tuple[int, str]]:
    return [(len(data), hashlib.sha256(data).hexdigest()) for data in sides]


@pytest.mark.parametrize("name", NAMES)
def test_every_connection_has_the_bytes_that_the_endpoints_wrote(name: str) -> None:
    capture = PlaintextCapture(reader_of(name))
    pcap = b"".join(capture.pieces())
    connections = read(pcap)
    found = [digested([bytes(side.data) for side in one.sides]) for one in connections]
    truth = truth_of(name)
    assert sorted(found) == sorted(truth)
    assert [digested(sides) for sides in own_reading(pcap)] == found
    assert not any(side.holes for one in connections for side in one.sides)
    assert all(side.over for one in connections for side in one.sides)
    assert (capture.connections, capture.size) == (len(truth), sum(size for both in truth for size, _ in both))
    assert (capture.left_out, capture.encrypted) == (0, False)


@pytest.mark.parametrize("name", NAMES)
def test_addresses_times_and_order_are_those_of_the_records(name: str) -> None:
    rows = [
        (row.source, row.destination, row.time, row.length)
        for row in explain(reader_of(name))
        if isinstance(row, Row) and row.name == "application_data" and row.length
    ]
    pcap = pcap_of(name)
    found = []
    times = []
    for time, source, port, destination, its_port, _, _, _, _, data in segments(pcap):
        times.append(float(time))
        if data:
            ends = [
                f"[{one}]:{n}" if ":" in one else f"{one}:{n}" for one, n in ((source, port), (destination, its_port))
            ]
            found.append((*ends, time, len(data)))
    assert [(*row[:2], row[2].ljust(len(row[2].partition(".")[0]) + 10, "0"), row[3]) for row in rows] == found
    assert times == sorted(times)


def tshark(pcap: Path, *arguments: str) -> str:
    command = ["tshark", "-n", "-r", str(pcap), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


def fields(pcap: Path, *names: str) -> list[tuple[str, ...]]:
    chosen = [word for name in names for word in ("-e", name)]
    return [tuple(line.split("\t")) for line in tshark(pcap, "-T", "fields", *chosen).splitlines()]


def follow(pcap: Path, number: int) -> list[bytes]:
    """What tshark gives of a connection: node 0 sent first, node 1's lines begin with a tab."""
    sides = [b"", b""]
    for line in tshark(pcap, "-q", "-z", f"follow,tcp,raw,{number}").splitlines():
        octets = line.strip()
        if octets and not set(octets) - set("0123456789abcdef"):
            sides[line.startswith("\t")] += bytes.fromhex(octets)
    return sides


@needs_tshark
@pytest.mark.parametrize("name", NAMES)
def test_tshark_follows_every_connection_and_has_nothing_to_object(name: str, tmp_path: Path) -> None:
    path = tmp_path / "plain.pcap"
    path.write_bytes(pcap_of(name))
    told = fields(path, "tcp.stream", "ip.checksum.status", "tcp.checksum.status", "tcp.analysis.flags", "ipv6.src")
    assert {row[2] for row in told} <= {"1"}  # good
    assert all(row[1] == "1" or row[4] for row in told)
    assert {row[3] for row in told} <= {""}
    count = len({row[0] for row in told})
    found = [sorted(digested(follow(path, number))) for number in range(count)]
    assert sorted(found) == sorted(map(sorted, truth_of(name)))


@needs_tshark
def test_tshark_has_another_number_for_ports_that_are_used_again(tmp_path: Path) -> None:
    path = tmp_path / "reused.pcap"
    path.write_bytes(both_after_each_other())
    assert [follow(path, number) for number in (0, 1)] == [[b"first", b"FIRST"], [b"second", b"SECOND"]]
    told = fields(path, "tcp.analysis.flags", "tcp.analysis.lost_segment", "tcp.analysis.retransmission")
    assert {row[1:] for row in told} == {("", "")}


@needs_tshark
@pytest.mark.parametrize(
    ("name", "requests"),
    [
        ("apache-tls12-3-names", ["GET /1.aspx"]),
        ("apache-tls12-ipv6", ["GET /1.aspx"]),
        ("apache-tls12-post-100k", ["POST /cgi/1.aspx?500"]),
        ("apache-tls12-two-requests", ["GET /index.html", "GET /1.aspx"]),
    ],
)
def test_tsharks_http_dissector_reads_what_was_encrypted(name: str, requests: list[str], tmp_path: Path) -> None:
    path = tmp_path / "plain.pcap"
    path.write_bytes(pcap_of(name))
    for how in ([], ["-d", "tcp.port==443,http"]):
        seen = tshark(
            path, *how, "-Y", "http.request", "-T", "fields", "-e", "http.request.method", "-e", "http.request.uri"
        )
        assert [line.replace("\t", " ") for line in seen.splitlines()] == requests
        assert "200" in tshark(path, *how, "-Y", "http.response", "-T", "fields", "-e", "http.response.code")


# What is missing


def without_frames(capture: Path, dropped: set[int]) -> io.BytesIO:
    """The frames of a capture but some, as pcap."""
    out = io.BytesIO()
    with open_capture(capture) as opened:
        for frame in opened.frames():
            if not out.tell():
                out.write(struct.pack("<LHHlLLL", 0xA1B23C4D, 2, 4, 0, 0, 262144, frame.link_type))
            seconds, ticks = divmod(frame.ticks, frame.ticks_per_second)
            if frame.number not in dropped:
                nanoseconds = ticks * 10**9 // frame.ticks_per_second
                out.write(struct.pack("<LLLL", seconds, nanoseconds, len(frame.data), frame.original_length))
                out.write(frame.data)
    out.seek(0)
    return out


def data_frames(name: str) -> list[int]:
    """The frames with which application data became readable."""
    return sorted(
        {row.at.frame for row in explain(reader_of(name)) if isinstance(row, Row) and row.name == "application_data"}
    )


@pytest.mark.parametrize("name", ["apache-tls10-response-90k", "apache-tls12-post-100k"])
@pytest.mark.parametrize("place", [1, 2, -1])
def test_lost_bytes_are_holes_in_the_sequence_numbers(name: str, place: int, tmp_path: Path) -> None:
    lost = data_frames(name)[place]
    reading = reader_of(name, without_frames(capture_of(name), {lost}))
    written: list[bytearray] = [bytearray(), bytearray()]
    sides = [Plaintext(0, written[0].extend), Plaintext(1, written[1].extend)]
    for _, event in reading:
        for plaintext in sides:
            plaintext.receive([event] if event is not None else [])
    missing = [[(one.offset, one.wire_bytes) for one in side.missing] for side in sides]
    assert any(missing)
    expected = []
    for side in missing:  # several ranges at one place are one hole
        holes: dict[int, int] = {}
        for offset, length in side:
            assert length is not None
            holes[offset] = holes.get(offset, 0) + length
        expected.append(sorted(holes.items()))
    capture = PlaintextCapture(reader_of(name, without_frames(capture_of(name), {lost})))
    path = tmp_path / "plain.pcap"
    path.write_bytes(b"".join(capture.pieces()))
    (found,) = read(path.read_bytes())
    assert [bytes(side.data) for side in found.sides] == list(map(bytes, written))
    assert [side.holes for side in found.sides] == expected
    assert capture.left_out == sum(length for side in expected for _, length in side)
    if shutil.which("tshark") is not None:
        flagged = [row for row in fields(path, "tcp.analysis.lost_segment") if row[0]]
        assert len(flagged) == sum(map(len, expected))


def test_a_connection_of_which_nothing_is_readable_is_not_there() -> None:
    capture = PlaintextCapture(CaptureReader([capture_of("apache-tls12-3-names")]))
    assert b"".join(capture.pieces()) == PCAP_HEADER
    assert (capture.connections, capture.encrypted) == (0, True)


# Beginnings, ends and order


def test_a_capture_that_cannot_be_read_gives_not_even_a_header(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be read"):
        next(PlaintextCapture(CaptureReader([tmp_path / "missing.pcap"])).pieces())


def test_what_came_before_the_damage_is_given_before_the_error() -> None:
    name = "apache-tls10-session-refused"
    whole = capture_of(name).read_bytes()
    capture = PlaintextCapture(reader_of(name, io.BytesIO(whole[: len(whole) * 3 // 4])))
    pieces: list[bytes] = []
    with pytest.raises(CaptureError, match="cut short"):
        pieces.extend(capture.pieces())
    before = b"".join(pieces)
    assert len(PCAP_HEADER) < len(before) < len(pcap_of(name))
    assert read(before)


def test_the_sender_of_syn_opens_the_connection_also_where_it_is_the_tls_server() -> None:
    """As in FTP's active mode: here SYN and its answer are told the other way around."""
    name = "apache-tls12-3-names"
    swapped = bytearray(without_frames(capture_of(name), set()).getvalue())
    position = 24
    while position < len(swapped):
        (captured,) = struct.unpack_from("<L", swapped, position + 8)
        frame = position + 16
        assert swapped[frame + 12 : frame + 15] == b"\x08\x00\x45"
        flags = frame + 14 + 20 + 13
        if swapped[flags] & SYN:
            swapped[flags] ^= ACK
        position = frame + captured
    (found,) = read(b"".join(PlaintextCapture(reader_of(name, io.BytesIO(swapped))).pieces()))
    assert [side.port == 443 for side in found.sides] == [True, False]
    assert bytes(found.sides[1].data).startswith(b"GET /1.aspx")


def test_packets_are_given_while_the_capture_is_read() -> None:
    reader = reader_of("apache-tls12-post-100k")
    pieces = PlaintextCapture(reader).pieces()
    assert next(pieces) == PCAP_HEADER
    assert next(pieces)
    before = reader.frames
    assert sum(1 for _ in pieces) > 5
    assert 0 < before < reader.frames // 2


def test_a_connection_that_waits_holds_back_what_came_later() -> None:
    """What the server of the first connection said is put behind all else: only then its client can be read."""
    name = "apache-tls12-interleaved"
    first = json.loads((CAPTURES / name / "capture.json").read_text())["streams"][0]["client_port"]
    with open_capture(capture_of(name)) as opened:
        frames = [frame.data for frame in opened.frames()]
    late = [frame for frame in frames if frame[34:38] == struct.pack("!HH", 443, first)]
    assert len(frames) > len(late) > 3
    moved = io.BytesIO()
    moved.write(PCAP_HEADER)
    for number, frame in enumerate([frame for frame in frames if frame not in late] + late):
        moved.write(struct.pack("<LLLL", number, 0, len(frame), len(frame)) + frame)
    moved.seek(0)
    pcap = b"".join(PlaintextCapture(reader_of(name, moved)).pieces())
    times = [float(found[0]) for found in segments(pcap)]
    assert times == sorted(times)
    found = [digested([bytes(side.data) for side in one.sides]) for one in read(pcap)]
    assert sorted(found) == sorted(truth_of(name))
    assert len(found) == 2


def test_what_is_held_is_given_in_the_order_of_places_and_never_too_much_of_it() -> None:
    order: FrameOrder[str] = FrameOrder(10)
    order.put((0, 5), "e", 4)
    order.put((0, 2), "b", 4)
    order.put((0, 5), "f", 1)
    assert order.ready((0, 2)) == []
    assert order.ready((0, 3)) == ["b"]
    order.put((0, 4), "d", 4)
    order.put((1, 1), "g", 4)
    assert order.ready((0, 1)) == ["d"]  # 13 are held, of which 10 may be
    assert order.ready(None) == ["e", "f", "g"]
    assert order.ready(None) == []
