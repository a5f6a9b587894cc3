"""From an IP packet to its TCP segment, by offsets.

How long a segment is, the IP header says (RFC 791 §3.1, RFC 8200 §3): what lies behind it in the frame is
padding, and what should be there and is not was cut by the snap length.  Where segmentation offload left
the length 0, the frame's length on the wire stands for it.
"""

from __future__ import annotations

from struct import Struct
from typing import TypeAlias

# flow, seq, ack, flags, payload, missing (RFC 9293 §3.1).
# `flow` is source address, destination address, source port, destination port, as they are in the packet:
# 12 bytes with IPv4, 36 with IPv6.  `missing` is the number of payload bytes that the capture cut off
# behind `payload`.
Segment: TypeAlias = tuple[bytes, int, int, int, bytes, int]

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

NOT_IP = "not_ip"
NOT_TCP = "not_tcp"
CUT = "header_cut"
MALFORMED = "malformed_header"
FRAGMENT = "ip_fragment"

_TCP = 6
_FRAGMENT = 44
_AUTHENTICATION = 51
_EXTENSION_HEADERS = (0, 43, 60, 135, 139, 140)  # all of the form of RFC 6564: next header, length in 8 bytes

_ipv4_tcp = Struct("!BxH2xHxB2x12sLLBB").unpack_from
_ipv4 = Struct("!BxH2xHxB").unpack_from
_ipv6 = Struct("!BxxxHB").unpack_from
_tcp = Struct("!LLBB").unpack_from


def ip(block: bytes, start: int, end: int, wire_end: int) -> Segment | str:
    """Reads a packet of either version."""
    if start >= end:
        return CUT
    version = block[start] >> 4
    if version == 4:
        return ipv4(block, start, end, wire_end)
    if version == 6:
        return ipv6(block, start, end, wire_end)
    return NOT_IP


def ipv4(block: bytes, start: int, end: int, wire_end: int) -> Segment | str:
    """Reads an IPv4 packet at block[start:end], which reached to `wire_end` before the capture cut it."""
    if end - start < 40:
        return _short_ipv4(block, start, end, wire_end)
    version_ihl, total_length, fragment, protocol, flow, seq, ack, offset, flags = _ipv4_tcp(block, start)
    if protocol != _TCP:
        return NOT_TCP
    if fragment & 0x3FFF:
        return FRAGMENT
    if version_ihl != 0x45:
        return _ipv4_with_options(block, start, end, wire_end)
    stop = start + total_length if total_length else wire_end
    payload = start + 20 + (offset >> 4 << 2)
    if offset >= 0x50 and payload <= stop <= end:
        return flow, seq, ack, flags, block[payload:stop], 0
    return _uncommon(flow, block, start + 20, end, min(stop, wire_end))


def _short_ipv4(block: bytes, start: int, end: int, wire_end: int) -> Segment | str:
    """A packet of which fewer bytes than two plain headers were captured."""
    if end - start < 20:
        return CUT
    if block[start] >> 4 != 4:
        return MALFORMED
    if block[start + 9] != _TCP:
        return NOT_TCP
    return MALFORMED if wire_end <= end else CUT


def _ipv4_with_options(block: bytes, start: int, end: int, wire_end: int) -> Segment | str:
    version_ihl, total_length, _, _ = _ipv4(block, start)
    header_length = (version_ihl & 15) * 4
    if version_ihl >> 4 != 4 or header_length < 20:
        return MALFORMED
    stop = start + total_length if total_length else wire_end
    tcp = start + header_length
    if end - tcp < 20:
        return CUT
    return _uncommon(
        block[start + 12 : start + 20] + block[tcp : tcp + 4], block, tcp, end, min(stop, wire_end)
    )


def ipv6(block: bytes, start: int, end: int, wire_end: int) -> Segment | str:
    """Reads an IPv6 packet; extension headers (RFC 8200 §4, RFC 4302) are passed over."""
    if end - start < 40:
        return CUT
    version, payload_length, next_header = _ipv6(block, start)
    if version >> 4 != 6:
        return MALFORMED
    position = start + 40
    # 0 is a jumbogram (RFC 2675), which does not occur, or segmentation offload, which does.
    stop = min(position + payload_length, wire_end) if payload_length else wire_end
    while next_header != _TCP:
        if next_header not in _EXTENSION_HEADERS and next_header not in (_FRAGMENT, _AUTHENTICATION):
            return NOT_TCP
        if end - position < 8:
            return CUT
        if next_header == _FRAGMENT:
            if (block[position + 2] << 8 | block[position + 3]) & 0xFFF9:
                return FRAGMENT
            length = 8
        elif next_header == _AUTHENTICATION:
            length = (block[position + 1] + 2) * 4  # RFC 4302 §2.2
        else:
            length = (block[position + 1] + 1) * 8
        next_header = block[position]
        position += length
    if end - position < 20:
        return CUT
    return _uncommon(
        block[start + 8 : start + 40] + block[position : position + 4], block, position, end, stop
    )


def _uncommon(flow: bytes, block: bytes, tcp: int, end: int, stop: int) -> Segment | str:
    """The segment whose TCP header is at `tcp`, captured to `end`, of a packet that reached to `stop`."""
    seq, ack, offset, flags = _tcp(block, tcp + 4)
    payload = tcp + (offset >> 4 << 2)
    if offset < 0x50 or payload > stop:
        return MALFORMED
    if stop <= end:
        return flow, seq, ack, flags, block[payload:stop], 0
    return flow, seq, ack, flags, block[payload:end], stop - max(end, payload)
