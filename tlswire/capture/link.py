"""From a frame to its TCP segment: the link layers, each a function by offsets.

A dissector gets a block, where in it the frame begins and ends, and the length that the frame had on the
wire. It gives a `Segment`, or the reason why there is none: a short word, which the caller counts.
Nothing is copied but the payload and the addresses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from tlswire.capture.ip import Segment, ip, ipv4, ipv6

Dissector: TypeAlias = Callable[[bytes, int, int, int], Segment | str]

NOT_IP = "not_ip"
CUT = "header_cut"

# EtherTypes
_IPV4 = 0x0800
_IPV6 = 0x86DD
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)  # IEEE 802.1Q, 802.1ad, and what came before 802.1ad


def dissector(link_type: int) -> Dissector:
    """The dissector for a LINKTYPE_ number; for one that is not read, a function that says so."""
    known = _DISSECTORS.get(link_type)
    if known is not None:
        return known
    reason = f"link_type_{link_type}"

    def not_read(block: bytes, start: int, end: int, length: int) -> str:
        return reason

    return not_read


def ethernet(block: bytes, start: int, end: int, length: int) -> Segment | str:
    """LINKTYPE_ETHERNET: IEEE 802.3 with any number of VLAN tags."""
    if end - start < 14:
        return CUT
    return _ethertype(block[start + 12] << 8 | block[start + 13], block, start + 14, end, start + length)


def _ethertype(ethertype: int, block: bytes, start: int, end: int, wire_end: int) -> Segment | str:
    if ethertype == _IPV4:
        return ipv4(block, start, end, wire_end)
    while ethertype in _VLAN_TAGS:
        if end - start < 4:
            return CUT
        ethertype = block[start + 2] << 8 | block[start + 3]
        start += 4
    if ethertype == _IPV4:
        return ipv4(block, start, end, wire_end)
    if ethertype == _IPV6:
        return ipv6(block, start, end, wire_end)
    return NOT_IP


def linux_cooked(block: bytes, start: int, end: int, length: int) -> Segment | str:
    """LINKTYPE_LINUX_SLL: 16 bytes, the protocol in the last two."""
    if end - start < 16:
        return CUT
    return _ethertype(block[start + 14] << 8 | block[start + 15], block, start + 16, end, start + length)


def linux_cooked_2(block: bytes, start: int, end: int, length: int) -> Segment | str:
    """LINKTYPE_LINUX_SLL2: 20 bytes, the protocol in the first two."""
    if end - start < 20:
        return CUT
    return _ethertype(block[start] << 8 | block[start + 1], block, start + 20, end, start + length)


def raw_ip(block: bytes, start: int, end: int, length: int) -> Segment | str:
    """LINKTYPE_RAW, LINKTYPE_IPV4, LINKTYPE_IPV6: the frame is the IP packet."""
    return ip(block, start, end, start + length)


def loopback(block: bytes, start: int, end: int, length: int) -> Segment | str:
    """LINKTYPE_NULL, LINKTYPE_LOOP: 4 bytes of address family.

    In either byte order, and the numbers for IPv6 differ between the BSDs and macOS: so the version nibble of
    the packet itself is asked.
    """
    if end - start < 4:
        return CUT
    return ip(block, start + 4, end, start + length)


_DISSECTORS: dict[int, Dissector] = {
    0: loopback,
    1: ethernet,
    12: raw_ip,  # DLT_RAW where LINKTYPE_RAW should be: most BSDs and Linux
    14: raw_ip,  # the same, OpenBSD
    101: raw_ip,
    108: loopback,
    113: linux_cooked,
    228: raw_ip,
    229: raw_ip,
    276: linux_cooked_2,
}
