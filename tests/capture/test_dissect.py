"""From frames to TCP segments: link layers, tags and tunnels, IPv4 and IPv6, lengths that are not true.

Packets are written here by the RFCs' pictures; that tshark reads the same from them is tested in
`test_against_tools.py`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlswire.capture.dissect import Fragment, Segment, dissector

A, B = "10.10.10.16", "10.10.10.15"
A6, B6 = "2001:db8::16", "2001:db8::15"
FLOW = socket.inet_aton(A) + socket.inet_aton(B) + struct.pack("!HH", 49685, 443)
FLOW6 = socket.inet_pton(socket.AF_INET6, A6) + socket.inet_pton(socket.AF_INET6, B6) + struct.pack("!HH", 49685, 443)
SEGMENT = (FLOW, 1000, 2000, 0x18, b"payload", 0)
SEGMENT6 = (FLOW6, *SEGMENT[1:])


PKTAP = struct.pack("<LLL", 108, 1, 1) + b"en0".ljust(24, b"\0") + bytes(72)


def dissect(link_type: int, frame: bytes, length: int | None = None) -> Segment | Fragment | str:
    """Reads a frame in the midst of a block of other bytes, which it must not look at, and at its end."""
    length = len(frame) if length is None else length
    found = [
        dissector(link_type)(filler * 100 + frame + filler * behind, 100, 100 + len(frame), 100 + length)
        for filler, behind in ((b"\0", 100), (b"\xff", 100), (b"\x45", 100), (b"\0", 0))
    ]
    assert found[0] == found[1] == found[2] == found[3]
    return found[0]


@pytest.fixture(scope="module")
def packet(make: Any) -> bytes:
    return make.ipv4(A, B, make.tcp(49685, 443, 1000, 2000, 0x18, b"payload"))


@pytest.fixture(scope="module")
def packet6(make: Any) -> bytes:
    return make.ipv6(A6, B6, make.tcp(49685, 443, 1000, 2000, 0x18, b"payload"))


# Link layers


@pytest.mark.parametrize(
    ("link_type", "head"),
    [
        (1, b"\x02" * 12 + b"\x08\0"),
        (12, b""),
        (14, b""),
        (101, b""),
        (228, b""),
        (0, b"\x02\0\0\0"),
        (0, b"\0\0\0\x02"),
        (108, b"\0\0\0\x02"),
        (113, b"\0\0\0\x01\0\x06\x02\x02\x02\x02\x02\x02\0\0\x08\0"),
        (276, b"\x08\0\0\0\0\0\0\x02\0\x01\x00\x06\x02\x02\x02\x02\x02\x02\0\0"),
        (9, b"\0\x21"),
        (9, b"\xff\x03\0\x21"),
        (50, b"\xff\x03\x21"),
        (258, PKTAP + b"\x02" * 12 + b"\x08\0"),
        (258, struct.pack("<LLL", 156, 1, 1).ljust(156, b"\xff") + b"\x02" * 12 + b"\x08\0"),  # of later versions
        (258, struct.pack("<LLL", 108, 1, 101).ljust(108, b"\0")),
        (258, struct.pack("<LLL", 108, 1, 0).ljust(108, b"\0") + b"\x02\0\0\0"),
    ],
)
def test_link_layers(packet: bytes, link_type: int, head: bytes) -> None:
    assert dissect(link_type, head + packet) == SEGMENT


@pytest.mark.parametrize(
    ("link_type", "head"),
    [
        (1, b"\x02" * 12 + b"\x86\xdd"),
        (101, b""),
        (229, b""),
        (0, b"\x1e\0\0\0"),  # macOS
        (0, b"\x18\0\0\0"),  # NetBSD
        (0, b"\0\0\0\x1c"),  # FreeBSD
        (113, b"\0\0\0\x01\0\x06\x02\x02\x02\x02\x02\x02\0\0\x86\xdd"),
        (276, b"\x86\xdd\0\0\0\0\0\x02\0\x01\x00\x06\x02\x02\x02\x02\x02\x02\0\0"),
        (9, b"\0\x57"),
    ],
)
def test_link_layers_with_ipv6(packet6: bytes, link_type: int, head: bytes) -> None:
    assert dissect(link_type, head + packet6) == SEGMENT6


def test_a_link_type_that_is_not_read_is_named(packet: bytes) -> None:
    assert dissect(105, packet) == "link_type_105"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ((108, 1, 105), "link_type_105"),
        ((108, 0, 1), "malformed_header"),  # no packet follows
        ((11, 1, 1), "malformed_header"),
        ((108, 1, 258), "malformed_header"),  # in itself, without end
        ((0xFFFFFFFF, 1, 1), "header_cut"),
    ],
)
def test_a_header_of_pktap_that_leads_nowhere(packet: bytes, head: tuple[int, int, int], reason: str) -> None:
    frame = struct.pack("<LLL", *head).ljust(108, b"\0") + b"\x02" * 12 + b"\x08\0" + packet
    assert dissect(258, frame) == reason
    assert dissect(258, frame[:11]) == "header_cut"


def test_tags_and_tunnels(packet: bytes, wrapping: Callable[[bytes], bytes]) -> None:
    assert dissect(1, wrapping(packet)) == SEGMENT


def test_ethernet_in_mpls(make: Any, packet: bytes) -> None:
    """A pseudowire with a control word (RFC 4448 §4.6); tshark reads it only where it is told that it is one."""
    inner = bytes.fromhex("8847 00010140 00000000") + make.ethernet(packet)
    assert dissect(1, b"\x02" * 12 + inner) == SEGMENT


def test_ipv6_in_mpls(packet6: bytes) -> None:
    assert dissect(1, b"\x02" * 12 + bytes.fromhex("8848 00010140") + packet6) == SEGMENT6


def test_padding_is_cut_off_by_the_packet_s_length(make: Any) -> None:
    packet = make.ipv4(A, B, make.tcp(49685, 443, 1000, 2000, 0x10))
    assert dissect(1, make.ethernet(packet).ljust(60, b"\xaa")) == (FLOW, 1000, 2000, 0x10, b"", 0)


def udp(port: int, data: bytes) -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(data), 0) + data


def test_ipv6_in_ipv4(make: Any, packet6: bytes) -> None:
    assert dissect(101, make.ipv4("192.0.2.1", "192.0.2.2", packet6, protocol=41)) == SEGMENT6


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        (17, udp(443, b"\x45" + b"\0" * 60)),  # QUIC, say
        (17, udp(4789, b"\x45" + b"\0" * 60)),
        (17, udp(6081, b"\x80" + b"\0" * 60)),
        (17, udp(2152, bytes.fromhex("30 01 0000 00000001") + b"\0" * 40)),  # an echo request
        (17, udp(2152, bytes.fromhex("34 ff 003b 00000001 0000 00 85 00"))),
        (47, bytes.fromhex("0005 0800")),
        (47, bytes.fromhex("0000 0806")),
        (1, bytes.fromhex("0301 0000 00000000") + b"\x45\0"),  # ICMP, with a packet in it that was sent before
        (6 + 100, b""),
    ],
)
def test_what_is_no_tunnel_is_not_tcp(make: Any, protocol: int, data: bytes) -> None:
    assert dissect(101, make.ipv4(A, B, data, protocol=protocol)) == "not_tcp"


def test_tunnels_in_tunnels_without_end(make: Any, packet: bytes) -> None:
    for _ in range(2000):
        packet = make.ipv4(A, B, packet, protocol=4, total_length=0)
    assert dissect(101, packet) == "nested_too_deep"
    assert dissect(1, b"\x02" * 12 + bytes.fromhex("8100 0018") * 5000 + b"\x08\0") == "nested_too_deep"


# IPv4


def test_options(make: Any) -> None:
    segment = make.tcp(49685, 443, 1000, 2000, 0x18, b"payload", options=b"\x01" * 12)
    assert dissect(101, make.ipv4(A, B, segment)) == SEGMENT
    assert dissect(101, make.ipv4(A, B, segment, options=b"\x94\x04\0\0")) == SEGMENT
    assert dissect(101, make.ipv4(A, B, segment, options=b"\x01" * 40)) == SEGMENT


def test_a_total_length_of_zero_is_from_segmentation_offload(make: Any) -> None:
    payload = b"x" * 64_000
    packet = make.ipv4(A, B, make.tcp(49685, 443, 1000, 2000, 0x18, payload), total_length=0)
    assert dissect(101, packet) == (FLOW, 1000, 2000, 0x18, payload, 0)
    assert dissect(101, packet[:1500]) == (FLOW, 1000, 2000, 0x18, payload[:1460], 0)
    assert dissect(101, packet[:1500], len(packet)) == (FLOW, 1000, 2000, 0x18, payload[:1460], len(payload) - 1460)


@pytest.mark.parametrize("kept", range(4))
def test_the_snap_length_cuts_a_payload(make: Any, packet: bytes, kept: int) -> None:
    assert dissect(101, packet[: 40 + kept], len(packet)) == (*SEGMENT[:4], b"payload"[:kept], 7 - kept)


def test_the_snap_length_cuts_options(make: Any) -> None:
    """The payload's length is known all the same."""
    packet = make.ipv4(A, B, make.tcp(49685, 443, 1000, 2000, 0x18, b"payload", options=b"\x01" * 12))
    for kept in range(40, 52):
        assert dissect(101, packet[:kept], len(packet)) == (*SEGMENT[:4], b"", 7)


@pytest.mark.parametrize("kept", range(40))
def test_the_snap_length_cuts_a_header(packet: bytes, packet6: bytes, kept: int) -> None:
    assert dissect(101, packet[:kept], len(packet)) == "header_cut"
    assert dissect(101, packet6[: kept + 20], len(packet6)) == "header_cut"


def test_a_packet_that_claims_more_than_was_on_the_wire(packet: bytes) -> None:
    """What the frame had is believed; if more was sent, the sequence numbers will show it."""
    assert dissect(101, packet[:-3]) == (*SEGMENT[:4], b"payl", 0)


def test_do_not_fragment_is_no_fragment(make: Any) -> None:
    packet = make.ipv4(A, B, make.tcp(49685, 443, 1000, 2000, 0x18, b"payload"), fragment=0x4000)
    assert dissect(101, packet) == SEGMENT


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (0, 0x44),  # IPv4 header of 16 bytes
        (0, 0x4F),  # and of 60
        (3, 39),  # total length that ends in the TCP header
        (32, 0x40),  # TCP header of 16 bytes
        (32, 0xF0),  # and of 60
    ],
)
def test_headers_that_cannot_be(packet: bytes, position: int, value: int) -> None:
    assert dissect(101, packet[:position] + bytes([value]) + packet[position + 1 :]) == "malformed_header"


def test_no_ip(make: Any, packet: bytes) -> None:
    assert dissect(1, make.ethernet(b"\0" * 46, 0x0806)) == "not_ip"
    assert dissect(1, make.ethernet(packet, 0x0806)) == "not_ip"
    assert dissect(101, b"\x50" + packet[1:]) == "not_ip"
    assert dissect(1, make.ethernet(b"\x55" + packet[1:])) == "malformed_header"
    assert dissect(1, make.ethernet(b"\x45" + packet[1:], 0x86DD)) == "malformed_header"
    assert dissect(1, make.ethernet(b"\x11\x09" + b"\0" * 10, 0x8864)) == "not_ip"  # PPPoE discovery
    assert dissect(1, make.ethernet(b"\x11\0\0\x01\0\x0a\xc0\x21" + b"\0" * 30, 0x8864)) == "not_ip"  # LCP
    assert dissect(1, make.ethernet(bytes.fromhex("00010040") * 20, 0x8847)) == "not_ip"  # no bottom of the stack
    assert dissect(1, make.ethernet(bytes.fromhex("00010140 50000000"), 0x8847)) == "not_ip"
    assert dissect(1, make.ethernet(bytes.fromhex("0201 0001 0002 0800") + packet, 0x8909)) == "not_ip"


# IPv6

CHAINS = {
    "hop-by-hop": "00:00 01 0400000000",
    "routing": "2b:02 04 00" + "00" * 20,
    "destination options": "3c:00 0104 00000000",
    "atomic fragment": "2c:00 0000 00000001",
    "authentication header": "33:04 0000 00000001 00000002" + "00" * 12,
    "mobility": "87:00 0000 00000000",
}


def chained(names: list[str], segment: bytes) -> tuple[int, bytes]:
    """Extension headers in this order before a segment: the first next header, and the bytes."""
    next_header, data = 6, segment
    for name in reversed(names):
        number, body = CHAINS[name].split(":")
        data = bytes([next_header]) + bytes.fromhex(body) + data
        next_header = int(number, 16)
    return next_header, data


@given(st.lists(st.sampled_from(list(CHAINS)), max_size=6))
def test_extension_headers(make: Any, names: list[str]) -> None:
    next_header, data = chained(names, make.tcp(49685, 443, 1000, 2000, 0x18, b"payload"))
    packet = make.ipv6(A6, B6, data, next_header=next_header)
    assert dissect(101, packet) == SEGMENT6
    assert dissect(101, packet + b"padding") == SEGMENT6
    assert dissect(101, packet[:-3], len(packet)) == (*SEGMENT6[:4], b"payl", 3)
    assert dissect(101, packet[: len(packet) - 7 - 1], len(packet)) == "header_cut"


def test_ipv6_offload(make: Any) -> None:
    packet = make.ipv6(A6, B6, make.tcp(49685, 443, 1000, 2000, 0x18, b"payload"), length=0)
    assert dissect(101, packet) == SEGMENT6


def test_ipv6_without_tcp(make: Any) -> None:
    assert dissect(101, make.ipv6(A6, B6, b"\0" * 40, next_header=17)) == "not_tcp"
    assert dissect(101, make.ipv6(A6, B6, b"", next_header=59)) == "not_tcp"
    assert dissect(101, make.ipv6(A6, B6, b"\0" * 7, next_header=0)) == "header_cut"


# Anything

_START = st.sampled_from(
    [
        b"",
        b"\x02" * 12,
        b"\x02" * 12 + b"\x08\0\x45\0\0\x40\0\0\0\0\x40\x06",
        b"\x02" * 12 + b"\x08\0\x45\0\0\x40\0\0\0\0\x40\x11" + b"\0" * 12 + b"\x12\xb5",
        b"\x02" * 12 + b"\x86\xdd\x60\0\0\0\0\x40\0",
        b"\x02" * 12 + b"\x88\x47",
        b"\x02" * 12 + b"\x88\x64\x11\0",
        PKTAP[:12],
    ]
)


@given(
    st.sampled_from([0, 1, 9, 12, 101, 108, 113, 228, 229, 258, 276, 999]),
    _START,
    st.binary(max_size=200),
    st.integers(0, 99),
)
def test_any_bytes_give_a_segment_within_the_frame_or_a_reason(
    link_type: int, start: bytes, rest: bytes, missing: int
) -> None:
    frame = start + rest
    found = dissect(link_type, frame, len(frame) + missing)
    if isinstance(found, Fragment):
        assert found.data in frame
        assert 0 <= found.start < found.end
        assert len(found.data) <= found.end - found.start <= len(frame) + missing
    elif not isinstance(found, str):
        flow, seq, ack, flags, payload, cut = found
        assert len(flow) in (12, 36)
        assert max(seq, ack) < 1 << 32
        assert flags < 256
        assert payload in frame
        assert 0 <= cut <= missing
