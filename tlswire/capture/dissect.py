"""From a frame to its TCP segment, by offsets.

A dissector gets a block, where in it a frame begins and ends, and to where the frame reached on the wire.
It gives a `Segment`; or a `Fragment`, which the caller puts together with others; or the reason why there is
neither: a short word, which the caller counts.  Nothing is copied but the payload and the addresses.

How long a segment is, the IP header says (RFC 791 §3.1, RFC 8200 §3): what lies behind it in the frame is
padding, and what should be there and is not was cut by the snap length.  Where segmentation offload left
the length 0, the frame's length on the wire stands for it.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TypeAlias

from tlswire.capture.datagrams import datagram_kind
from tlswire.capture.tunnels import ETHERNET, IPV4, IPV6, PPP, inside_ethertype, inside_protocol
from tlswire.values import Value, frozen

# flow, seq, ack, flags, payload, missing (RFC 9293 §3.1).
# `flow` is source address, destination address, source port, destination port, as they are in the packet:
# 12 bytes with IPv4, 36 with IPv6.  `missing` is the number of payload bytes cut off behind `payload`.
Segment: TypeAlias = tuple[bytes, int, int, int, bytes, int]


@frozen
class Fragment(Value):
    """A fragment of an IP packet.

    `key`, which datagram it is of: addresses, identification and, with IPv4, protocol; `head`, the headers that the
    whole has if this is its first fragment, with a length yet to be set; `start` and `end`, the bytes behind the
    headers that it has; `data`, these, or as many as the snap length left; `last`, that none comes behind it.
    """

    key: bytes
    head: bytes
    start: int
    end: int
    data: bytes
    last: bool


Found: TypeAlias = Segment | Fragment | str
Dissector: TypeAlias = Callable[[bytes, int, int, int], Found]

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

NOT_IP = "not_ip"
NOT_TCP = "not_tcp"
CUT = "header_cut"
MALFORMED = "malformed_header"
IP_FRAGMENT = "ip_fragment"  # of a datagram that was not put together
TOO_DEEP = "nested_too_deep"
LINK_TYPE = "link_type_"  # and its number, of one that is not read

# Tags and tunnels inside each other: a frame could hold thousands, to exhaust the stack.
MAX_DEPTH = 16

_PKTAP_PACKET = 1
_TCP = 6
_UDP = 17
_FRAGMENT = 44
_AUTHENTICATION = 51
_EXTENSION_HEADERS = (0, 43, 60, 135, 139, 140)  # of the form of RFC 6564: next header, length in 8 bytes

_ipv4_tcp = Struct("!BxH2xHxB2x12sLLBB").unpack_from
_ethernet_ipv4_tcp = Struct("!12xHBxH2xHxB2x12sLLBB").unpack_from
_pktap = Struct("<LLL").unpack_from
_ipv6 = Struct("!BxxxHB").unpack_from
_tcp = Struct("!LLBB").unpack_from


def dissector(link_type: int) -> Dissector:
    """The dissector for a LINKTYPE_ number; for one that is not read, a function that says so."""
    known = _LINK_TYPES.get(link_type)
    if known is not None:
        return known
    reason = f"{LINK_TYPE}{link_type}"

    def not_read(block: bytes, start: int, end: int, wire_end: int) -> str:
        return reason

    return not_read


# Link layers


def ethernet(block: bytes, start: int, end: int, wire_end: int, depth: int = 0) -> Found:
    """LINKTYPE_ETHERNET."""
    if end - start < 14:
        return CUT
    if end - start >= 54:
        # Nearly every frame is this: the beginning of `ipv4`, in 0.78 instead of 0.90 us.
        ethertype, version_ihl, total_length, fragment, protocol, flow, seq, ack, offset, flags = _ethernet_ipv4_tcp(
            block, start
        )
        payload = start + 34 + (offset >> 4 << 2)
        stop = start + 14 + total_length
        if (
            version_ihl == 0x45
            and ethertype == IPV4
            and protocol == _TCP
            and payload <= stop <= end
            and offset >= 0x50
            and not fragment & 0x3FFF
        ):
            return flow, seq, ack, flags, block[payload:stop], 0
    ethertype = block[start + 12] << 8 | block[start + 13]
    return _inner(ethertype, block, start + 14, end, wire_end, depth)


def _inner(ethertype: int, block: bytes, start: int, end: int, wire_end: int, depth: int) -> Found:
    """Reads what an EtherType says that it is."""
    if ethertype == IPV4:
        return ipv4(block, start, end, wire_end, depth)
    if ethertype == IPV6:
        return ipv6(block, start, end, wire_end, depth)
    if depth == MAX_DEPTH:
        return TOO_DEEP
    if ethertype == ETHERNET:
        return ethernet(block, start, end, wire_end, depth + 1)
    inside = inside_ethertype(ethertype, block, start, end)
    if inside is None:
        return NOT_IP
    return _inner(inside[0], block, inside[1], end, wire_end, depth + 1)


def linux_cooked(block: bytes, start: int, end: int, wire_end: int) -> Found:
    """LINKTYPE_LINUX_SLL: 16 bytes, the protocol in the last two."""
    if end - start < 16:
        return CUT
    return _inner(block[start + 14] << 8 | block[start + 15], block, start + 16, end, wire_end, 0)


def linux_cooked_2(block: bytes, start: int, end: int, wire_end: int) -> Found:
    """LINKTYPE_LINUX_SLL2: 20 bytes, the protocol in the first two."""
    if end - start < 20:
        return CUT
    return _inner(block[start] << 8 | block[start + 1], block, start + 20, end, wire_end, 0)


def ppp(block: bytes, start: int, end: int, wire_end: int) -> Found:
    """LINKTYPE_PPP, LINKTYPE_PPP_HDLC."""
    return _inner(PPP, block, start, end, wire_end, 0)


def raw_ip(block: bytes, start: int, end: int, wire_end: int) -> Found:
    """LINKTYPE_RAW, LINKTYPE_IPV4, LINKTYPE_IPV6: the frame is the IP packet."""
    if start >= end:
        return CUT
    version = block[start] >> 4
    if version == 4:
        return ipv4(block, start, end, wire_end)
    if version == 6:
        return ipv6(block, start, end, wire_end)
    return NOT_IP


def loopback(block: bytes, start: int, end: int, wire_end: int) -> Found:
    """LINKTYPE_NULL, LINKTYPE_LOOP: 4 bytes of address family.

    In either byte order, and the number for IPv6 differs between the BSDs and macOS: so the version in the
    packet itself is asked.
    """
    return raw_ip(block, start + 4, end, wire_end)


def pktap(block: bytes, start: int, end: int, wire_end: int) -> Found:
    """LINKTYPE_PKTAP, of macOS: a header that says its length, and the link type of what is behind it (bsd/net/pktap.h
    of Apple's XNU: pth_length, pth_type_next, pth_dlt, all of the host's byte order, which is little-endian today)."""
    if end - start < 12:
        return CUT
    length, kind, link_type = _pktap(block, start)
    inner = _LINK_TYPES.get(link_type)
    if kind != _PKTAP_PACKET or length < 12 or inner is None or inner is pktap:
        return MALFORMED if inner is not None else f"{LINK_TYPE}{link_type}"
    return inner(block, start + length, end, wire_end) if length <= end - start else CUT


_LINK_TYPES: dict[int, Dissector] = {
    0: loopback,
    1: ethernet,
    9: ppp,
    12: raw_ip,  # DLT_RAW where LINKTYPE_RAW should be: most BSDs and Linux
    14: raw_ip,  # the same, OpenBSD
    50: ppp,
    101: raw_ip,
    108: loopback,
    113: linux_cooked,
    228: raw_ip,
    229: raw_ip,
    258: pktap,
    276: linux_cooked_2,
}


# IP


def ipv4(block: bytes, start: int, end: int, wire_end: int, depth: int = 0) -> Found:
    """Reads the IPv4 packet at block[start:end]."""
    if end - start < 40:
        return _uncommon_ipv4(block, start, end, wire_end, depth)
    version_ihl, total_length, fragment, protocol, flow, seq, ack, offset, flags = _ipv4_tcp(block, start)
    stop = start + total_length if total_length else wire_end
    payload = start + 20 + (offset >> 4 << 2)
    if version_ihl == 0x45 and protocol == _TCP and not fragment & 0x3FFF and payload <= stop <= end and offset >= 0x50:
        return flow, seq, ack, flags, block[payload:stop], 0
    return _uncommon_ipv4(block, start, end, wire_end, depth)


def _uncommon_ipv4(block: bytes, start: int, end: int, wire_end: int, depth: int) -> Found:
    """A packet with options, cut short, fragmented, or not TCP (RFC 791 §3.1)."""
    if end - start < 20:
        return CUT
    position = start + (block[start] & 15) * 4
    if block[start] >> 4 != 4 or position < start + 20:
        return MALFORMED
    total_length = block[start + 2] << 8 | block[start + 3]
    stop = min(start + total_length, wire_end) if total_length else wire_end
    fragment = block[start + 6] << 8 | block[start + 7]
    if fragment & 0x3FFF:
        head = block[start : start + 6] + b"\0\0" + block[start + 8 : position]
        key = block[start + 12 : start + 20] + block[start + 9 : start + 10] + block[start + 4 : start + 6]
        return _fragment(key, head, (fragment & 0x1FFF) * 8, fragment & 0x2000 != 0, block, position, end, stop)
    if block[start + 9] != _TCP:
        return _other_protocol(block[start + 9], block, position, end, wire_end, depth)
    return _segment(block[start + 12 : start + 20], block, position, end, stop)


def ipv6(block: bytes, start: int, end: int, wire_end: int, depth: int = 0) -> Found:
    """Reads the IPv6 packet at block[start:end]; extension headers (RFC 8200 §4, RFC 4302) are passed over."""
    if end - start < 40:
        return CUT
    version, payload_length, next_header = _ipv6(block, start)
    if version >> 4 != 6:
        return MALFORMED
    position = start + 40
    # 0 is a jumbogram (RFC 2675), which does not occur, or segmentation offload, which does.
    stop = min(position + payload_length, wire_end) if payload_length else wire_end
    if next_header != _TCP:
        return _extended_ipv6(next_header, block, start, end, wire_end, stop, depth)
    return _segment(block[start + 8 : start + 40], block, position, end, stop)


def _extended_ipv6(next_header: int, block: bytes, start: int, end: int, wire_end: int, stop: int, depth: int) -> Found:
    """A packet that reaches to `stop` and has extension headers, or is not TCP."""
    position = start + 40
    named = start + 6  # where it says what is at `position`
    while next_header != _TCP:
        if next_header not in _EXTENSION_HEADERS and next_header not in (_FRAGMENT, _AUTHENTICATION):
            return _other_protocol(next_header, block, position, end, wire_end, depth)
        if end - position < 8:
            return CUT
        if next_header == _FRAGMENT:
            fragment = block[position + 2] << 8 | block[position + 3]
            if fragment & 0xFFF9:
                head = block[start:named] + block[position : position + 1] + block[named + 1 : position]
                key = block[start + 8 : start + 40] + block[position + 4 : position + 8]
                return _fragment(key, head, fragment & 0xFFF8, fragment & 1 != 0, block, position + 8, end, stop)
            length = 8
        elif next_header == _AUTHENTICATION:
            length = (block[position + 1] + 2) * 4  # RFC 4302 §2.2
        else:
            length = (block[position + 1] + 1) * 8
        next_header = block[position]
        named = position
        position += length
    return _segment(block[start + 8 : start + 40], block, position, end, stop)


def _fragment(
    key: bytes, head: bytes, offset: int, more: bool, block: bytes, start: int, end: int, stop: int
) -> Fragment | str:
    """The fragment whose bytes begin at `start`, of a packet that was captured to `end` and reached to `stop`."""
    length = stop - start
    if start > end:
        return CUT
    # All but the last are of units of 8 bytes (RFC 8200 §4.5).
    if length <= 0 or (more and length % 8):
        return MALFORMED
    return Fragment(key, head, offset, offset + length, block[start : min(end, stop)], not more)


def _other_protocol(protocol: int, block: bytes, start: int, end: int, wire_end: int, depth: int) -> Found:
    """What an IP packet holds besides TCP: perhaps a tunnel."""
    inside = inside_protocol(protocol, block, start, end)
    if inside is None:
        return (datagram_kind(block, start, end) if protocol == _UDP else None) or NOT_TCP
    if depth == MAX_DEPTH:
        return TOO_DEEP
    segment = _inner(inside[0], block, inside[1], end, wire_end, depth + 1)
    return NOT_TCP if segment is NOT_IP else segment


# TCP


def _segment(addresses: bytes, block: bytes, start: int, end: int, stop: int) -> Found:
    """The segment whose header begins at `start`, of a packet that was captured to `end` and reached to `stop`."""
    if end - start < 20 or stop - start < 20:
        return CUT if end < stop else MALFORMED
    seq, ack, offset, flags = _tcp(block, start + 4)
    payload = start + (offset >> 4 << 2)
    if offset < 0x50 or payload > stop:
        return MALFORMED
    flow = addresses + block[start : start + 4]
    if stop <= end:
        return flow, seq, ack, flags, block[payload:stop], 0
    return flow, seq, ack, flags, block[payload:end], stop - max(end, payload)
