"""IP fragments: of real networks, of a script that cuts packets up, and such as nobody sends in good faith.

`fragments/` has captures of networks that fragment; `make_fragments.py` made them.  Where tshark is installed, it says
which segments are whole in which frames.
"""

from __future__ import annotations

import io
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlswire.capture import CaptureLimits, CaptureReader, TCPAssembler, open_capture, open_trace
from tlswire.capture.dissect import Fragment, dissector

HERE = Path(__file__).parent
CAPTURES = HERE.parent / "captures"
KEY = CAPTURES / "keys" / "server.pem"
REAL = [HERE / "fragments" / f"{name}.pcap" for name in ("ipv4", "vxlan")]
REQUEST = bytes(48 + number % 43 for number in range(2999))

A, B = "10.10.10.16", "10.10.10.15"
A6, B6 = "2001:db8::16", "2001:db8::15"
PAYLOAD = bytes(range(256)) * 10


def fragments(packet: bytes, size: int, identification: int = 7) -> list[bytes]:
    """An IP packet in fragments of so many bytes each (RFC 791 §2.3, RFC 8200 §4.5)."""
    assert size % 8 == 0
    length = len(packet) - head_length(packet)
    starts = range(0, length, size)
    return [fragment(packet, start, start + size, start + size < length, identification) for start in starts]


def head_length(packet: bytes) -> int:
    return (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40


def fragment(packet: bytes, start: int, end: int, more: bool, identification: int = 7) -> bytes:
    """The bytes from `start` to `end` of an IP packet as a fragment."""
    head, piece = packet[: head_length(packet)], packet[head_length(packet) :][start:end]
    if packet[0] >> 4 == 4:
        length = len(head) + len(piece)
        return head[:2] + struct.pack("!HHH", length, identification, more << 13 | start >> 3) + head[8:] + piece
    header = struct.pack("!BBHL", head[6], 0, start | more, identification)
    return head[:4] + struct.pack("!HB", 8 + len(piece), 44) + head[7:] + header + piece


@pytest.fixture(scope="module", params=[4, 6], ids=["ipv4", "ipv6"])
def packet(make: Any, request: pytest.FixtureRequest) -> bytes:
    segment = make.tcp(49685, 443, 1000, 2000, 0x18, PAYLOAD, options=b"\1" * 12)
    return make.ipv4(A, B, segment) if request.param == 4 else make.ipv6(A6, B6, segment)


@pytest.fixture(scope="module")
def packet4(make: Any) -> bytes:
    return make.ipv4(A, B, make.tcp(49685, 443, 1000, 2000, 0x18, PAYLOAD))


Hear = Callable[..., Any]


@pytest.fixture(scope="module")
def told(make: Any, hear: Hear) -> Callable[..., Any]:
    """What comes of IP packets in a capture: what was said, and the assembler."""

    def told(packets: Iterable[bytes | tuple[int, bytes, int]], limits: CaptureLimits | None = None) -> Any:
        heard, assembler = hear(make.pcap(packets, link_type=101), limits)
        assert assembler.others.waiting == 0
        return heard, assembler

    return told


# Real networks


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_what_real_networks_have_cut_up_is_read(path: Path) -> None:
    trace = open_trace(path, keys=[KEY])
    (connection,) = trace.connections
    assert connection.outcome == "decrypted"
    assert connection.application_data("client") == REQUEST + b"\n"
    assert connection.application_data("server") == REQUEST[::-1] + b"\n"


def segments(path: Path) -> list[tuple[str, ...]]:
    """Frame, sequence number and payload length of each segment."""
    rows = []
    reader = CaptureReader([path], segments=True)
    for _ in reader.batches():
        segment = reader.segment
        if segment is not None:
            rows.append((str(segment.at.frame), str(segment.seq), str(segment.length)))
    return rows


def by_tshark(path: Path) -> list[tuple[str, ...]]:
    fields = ("frame.number", "tcp.seq_raw", "tcp.len")
    options = ("ip.defragment:TRUE", "ipv6.defragment:TRUE", "tcp.relative_sequence_numbers:FALSE")
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp", "-T", "fields"]
    command += [part for field in fields for part in ("-e", field)]
    command += [part for option in options for part in ("-o", option)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


@needs_tshark
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_segment_is_of_the_frame_that_tshark_says(path: Path) -> None:
    assert segments(path) == by_tshark(path)


# A capture cut up by a script

CUT_UP = ["apache-tls12-250-names", "apache-tls12-ipv6"]


def in_order(pieces: list[bytes], source: random.Random) -> list[bytes]:
    return pieces


def backwards(pieces: list[bytes], source: random.Random) -> list[bytes]:
    return pieces[::-1]


def shuffled(pieces: list[bytes], source: random.Random) -> list[bytes]:
    return source.sample(pieces, len(pieces))


def doubled(pieces: list[bytes], source: random.Random) -> list[bytes]:
    return [piece for piece in pieces for _ in range(2)]


def doubled_at_the_end(pieces: list[bytes], source: random.Random) -> list[bytes]:
    return pieces + pieces


ORDERS = [in_order, backwards, shuffled, doubled, doubled_at_the_end]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
@pytest.mark.parametrize("name", CUT_UP)
def test_a_capture_that_a_script_has_cut_up_reads_as_before(
    make: Any, tmp_path: Path, name: str, order: Callable[[list[bytes], random.Random], list[bytes]]
) -> None:
    source = random.Random(7)
    folder = CAPTURES / name
    frames = []
    with open_capture(next(folder.glob("capture.pcap*"))) as capture:
        for number, frame in enumerate(capture.frames()):
            for piece in order(fragments(frame.data[14:], 256, number), source):
                frames.append(frame.data[:14] + piece)
    path = tmp_path / "cut.pcap"
    path.write_bytes(make.pcap(frames))
    trace = open_trace(path, keys=[KEY])
    assert trace.connections
    for number, connection in enumerate(trace.connections):
        assert connection.outcome == "decrypted"
        for side in ("client", "server"):
            assert connection.application_data(side) == (folder / f"stream-{number}.{side}.bin").read_bytes()
    # tshark takes the repetitions of a datagram that is whole for segments again, and reads them twice.
    if shutil.which("tshark") is not None and order is not doubled_at_the_end and order is not doubled:
        assert segments(path) == by_tshark(path)


@given(st.data())
def test_the_cuts_and_their_order_do_not_matter(packet: bytes, told: Any, data: st.DataObject) -> None:
    pieces = fragments(packet, data.draw(st.integers(1, 200)) * 8)
    order = data.draw(st.permutations(pieces + data.draw(st.lists(st.sampled_from(pieces), max_size=5))))
    heard, assembler = told(order)
    assert heard.stream() == [("gap", None), PAYLOAD, "end"]
    missing = set(pieces)
    for frame, piece in enumerate(order, 1):
        missing.discard(piece)
        if not missing:
            assert heard.at[0, 0][1] == frame
            break
    assert not assembler.not_read


def test_datagrams_between_each_other(make: Any, told: Any) -> None:
    pieces = []
    for number in range(3):
        segment = make.tcp(49685, 443, 1000 + 600 * number, 2000, 0x18, bytes([number]) * 600)
        pieces.append(fragments(make.ipv4(A, B, segment), 216, number))
    heard, _ = told([piece for same in zip(*pieces, strict=True) for piece in same])
    assert heard.stream() == [("gap", None), b"".join(bytes([n]) * 600 for n in range(3)), "end"]


@pytest.mark.parametrize("other", [{"protocol": 17}, {"source": "10.10.10.17"}, {"identification": 8}])
def test_fragments_are_of_one_datagram_by_address_protocol_and_identification(
    make: Any, told: Any, other: dict[str, Any]
) -> None:
    segment = make.tcp(49685, 443, 1000, 2000, 0x18, PAYLOAD)
    first, *rest = fragments(make.ipv4(A, B, segment), 800)
    changed = make.ipv4(other.get("source", A), B, segment, protocol=other.get("protocol", 6))
    heard, assembler = told([first, *fragments(changed, 800, other.get("identification", 7))[1:]])
    assert not heard.connections
    assert assembler.not_read == {"ip_fragment": 1 + len(rest)}


def test_fragments_inside_tags_and_tunnels(
    make: Any, hear: Hear, packet4: bytes, wrapping: Callable[[bytes], bytes]
) -> None:
    heard, _ = hear([wrapping(piece) for piece in fragments(packet4, 504)])
    assert heard.stream() == [("gap", None), PAYLOAD, "end"]


@pytest.mark.parametrize("name", ["ip in ip", "gre", "vxlan", "geneve", "gtp"])
def test_tunnels_whose_packets_are_in_fragments_that_hold_fragments(
    make: Any, hear: Hear, packet4: bytes, wrappings: dict[str, Callable[[bytes], bytes]], name: str
) -> None:
    outer = [wrappings[name](piece)[14:] for piece in fragments(packet4, 1000)]
    frames = [
        make.ethernet(piece) for number, whole in enumerate(outer) for piece in fragments(whole, 400, 100 + number)
    ]
    heard, assembler = hear(frames)
    assert heard.stream() == [("gap", None), PAYLOAD, "end"]
    assert not assembler.not_read


def test_pieces_in_pieces_without_end(make: Any, told: Any, packet: bytes) -> None:
    """Each packet but the last is one half of a fragment, around the one before."""
    pending = []
    for number in range(40):
        half, rest = fragments(packet, 8, number)[:2] if number else fragments(packet, 2000, number)[:2]
        pending.append(rest)
        packet = make.ipv4(A, B, half, protocol=4)
        first, second = fragments(packet, (len(packet) // 2 + 7) // 8 * 8, 1000 + number)
        pending.append(second)
        packet = first
    heard, assembler = told([*pending, packet])
    assert not heard.connections
    assert sum(assembler.not_read.values()) > 0


def test_ipv6_extension_headers_around_the_fragment_header(make: Any, told: Any) -> None:
    segment = make.tcp(49685, 443, 1000, 2000, 0x18, PAYLOAD)
    options = bytes.fromhex("0600 0104 00000000")  # destination options, then TCP
    frames = []
    for piece in fragments(make.ipv6(A6, B6, options + segment, next_header=60), 800):
        hop_by_hop = bytes([piece[6]]) + bytes.fromhex("00 0104 00000000")
        length = struct.pack("!HB", len(piece) - 40 + 8, 0)
        frames.append(piece[:4] + length + piece[7:40] + hop_by_hop + piece[40:])
    heard, _ = told(frames)
    assert heard.stream() == [("gap", None), PAYLOAD, "end"]


def test_what_the_snap_length_cut_off_is_missing(make: Any, told: Any, packet: bytes) -> None:
    """Also where the fragments behind it are whole: of a segment, only the end can be missing."""
    headers = (20 if packet[0] >> 4 == 4 else 48) + 32  # IP, TCP with its options
    first, *rest = fragments(packet, 1000)
    heard, _ = told([(0, first[: headers + 100], len(first)), *((0, piece, len(piece)) for piece in rest)])
    assert heard.stream() == [("gap", None), PAYLOAD[:100], ("gap", len(PAYLOAD) - 100), "end"]


# What is not put together


def test_the_rest_of_a_datagram_that_was_not_captured(packet: bytes, told: Any) -> None:
    pieces = fragments(packet, 800)
    for lost in range(len(pieces)):
        heard, assembler = told(pieces[:lost] + pieces[lost + 1 :])
        assert not heard.connections
        assert assembler.not_read == {"ip_fragment": len(pieces) - 1}
        assert assembler.others.first["ip_fragment"].frame == 1


def overlapping(packet: bytes) -> dict[str, list[bytes]]:
    """Fragments that contradict each other (RFC 5722, RFC 3128)."""
    changed = packet[:-1500] + b"?" + packet[-1499:]
    larger, smaller, other = fragments(packet, 800), fragments(packet, 400), fragments(changed, 800)
    longer = fragments(packet + b"more of it", 800)
    shorter = fragments(packet[:-10], 800)

    def at(start: int, *, last: bool = False) -> bytes:
        return fragment(packet, start, start + 400, not last)

    return {
        # In each of these as many bytes come as the datagram has, before or with the last one.
        "over the end of one, a hole behind": [at(0), at(400), at(600), at(1200, last=True)],
        "over the beginning of one, a hole before": [at(0), at(400), at(1200, last=True), at(1000)],
        "behind the end, a hole before": [at(0), at(400), at(1200, last=True), at(1600)],
        "an end before what was there": [at(0), at(400), at(1600), at(1200, last=True)],
        "two ends": [at(0), at(400), at(1200, last=True), at(1600, last=True), at(800)],
        "the same place, other bytes": [*larger[:2], *other[1:]],
        "a part of what was there, in the same words": [larger[0], smaller[1], *larger[1:]],
        "around what was there": [smaller[1], *larger],
        "across the end of what was there": [larger[1], *fragments(packet, 1200)],
        "another end": [larger[0], longer[-1], larger[-1], *larger[1:-1]],
        "behind the end": [shorter[-1], larger[-1], *larger[:-1]],
        "before what was there already": [larger[-1], fragments(packet[:1000], 800)[-1], *larger[:-1]],
    }


@pytest.mark.parametrize("name", overlapping(b"\x45" + bytes(3000)))
def test_fragments_that_contradict_each_other_end_their_datagram(packet: bytes, told: Any, name: str) -> None:
    pieces = overlapping(packet)[name]
    heard, assembler = told(pieces)
    assert not heard.connections
    assert assembler.not_read == {"ip_fragment": len(pieces)}


def test_an_identification_that_comes_round_is_a_new_datagram(make: Any, told: Any) -> None:
    packets = [
        make.ipv4(A, B, make.tcp(49685, 443, 1000 + 600 * number, 2000, 0x18, bytes([number]) * 600))
        for number in range(5)
    ]
    heard, assembler = told([piece for packet in packets for piece in fragments(packet, 320)])
    assert heard.stream() == [("gap", None), b"".join(bytes([n]) * 600 for n in range(5)), "end"]
    assert not assembler.not_read


@pytest.mark.parametrize(("seconds", "read"), [(0, True), (30, True), (31, False), (-31, False)])
def test_a_datagram_waits_for_some_seconds(packet: bytes, told: Any, seconds: int, read: bool) -> None:
    first, *rest = fragments(packet, 800)
    frames = [(1_000_000_000, first, len(first))]
    frames += [(1_000_000_000 + seconds * 1_000_000, piece, len(piece)) for piece in rest]
    heard, assembler = told(frames, CaptureLimits(fragment_seconds=30))
    assert bool(heard.connections) is read
    assert heard.limits == ([] if read else [("fragment_seconds", None)])
    assert assembler.not_read == ({} if read else {"ip_fragment": 1 + len(rest)})


def test_what_waits_is_bounded_and_the_oldest_goes_first(told: Any, packet: bytes) -> None:
    """Of a hundred first fragments, those of a dozen are held; the last of these get their rest."""
    pieces = [fragments(packet, 1000, number) for number in range(100)]
    frames = [same[0] for same in pieces] + [piece for same in pieces[-3:] for piece in same[1:]]
    heard, assembler = told(frames, CaptureLimits(fragments_total=20_000))
    assert heard.stream() == [("gap", None), PAYLOAD, "end"]
    assert assembler.counts["repeated"] == 2 * len(PAYLOAD)
    assert assembler.not_read == {"ip_fragment": 97}
    assert set(heard.limits) == {("fragments_total", None)}
    assert 80 < len(heard.limits) < 97


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40), st.integers(1, 9), st.booleans()), max_size=200))
def test_the_bound_holds_whatever_comes(make: Any, hear: Hear, said: list[tuple[int, int, int, bool]]) -> None:
    """Fragments of any place, length and datagram: never more is held, and in the end every frame was accounted for."""
    limits = CaptureLimits(fragments_total=5_000)
    assembler = TCPAssembler(hear([])[0], limits)
    frames = []
    for number, place, length, more in said:
        packet = make.ipv4(A, B, bytes(8 * length), fragment=more << 13 | place)
        if place or more:
            frames.append(packet[:4] + struct.pack("!H", number) + packet[6:])
    with open_capture(io.BytesIO(make.pcap(frames, link_type=101))) as capture:
        for frame in capture.raw_frames():
            assembler.receive(frame)
            assert assembler.others.waiting <= limits.fragments_total
    assembler.finish()
    assert assembler.others.waiting == 0
    assert sum(assembler.not_read.values()) <= len(frames)


# One fragment


@pytest.mark.parametrize("family", [4, 6])
def test_a_fragment_as_the_dissector_gives_it(make: Any, family: int) -> None:
    segment = make.tcp(49685, 443, 1000, 2000, 0x18, PAYLOAD)
    packet = make.ipv4(A, B, segment) if family == 4 else make.ipv6(A6, B6, segment)
    piece = fragments(packet, 1000)[1]
    found = dissector(101)(b"??" + piece + b"padding", 2, 2 + len(piece) + 7, 2 + len(piece) + 7)
    assert isinstance(found, Fragment)
    assert (found.start, found.end, found.last) == (1000, 2000, False)
    assert found.data == segment[1000:2000]
    assert len(found.head) == (20 if family == 4 else 40)


@pytest.mark.parametrize(
    ("fragment", "size", "reason"),
    [(0x2000, 27, "malformed_header"), (0x2010, 0, "malformed_header"), (0x0010, 0, "malformed_header")],
)
def test_fragments_that_cannot_be(make: Any, fragment: int, size: int, reason: str) -> None:
    packet = make.ipv4(A, B, b"x" * size, fragment=fragment)
    assert dissector(101)(packet, 0, len(packet), len(packet)) == reason


def test_a_datagram_longer_than_one_can_be_is_given_up(make: Any, told: Any) -> None:
    """65,528 bytes and more behind a header of 20, as the ping of death had them."""
    body = make.tcp(49685, 443, 1000, 2000, 0x18, b"x" * 65_516)
    packet = make.ipv4(A, B, body[:1000])
    frames = []
    for start in range(0, len(body), 8192):
        piece, more = body[start : start + 8192], start + 8192 < len(body)
        head = packet[:2] + struct.pack("!HHH", 20 + len(piece), 7, more << 13 | start >> 3) + packet[8:20]
        frames.append(head + piece)
    heard, assembler = told(frames)
    assert not heard.connections
    assert assembler.not_read == {"ip_fragment": len(frames)}
