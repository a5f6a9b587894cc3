"""What a packet may be wrapped in: tags, labels and tunnels, one function a header.

Each gets a block and where in it the header begins, and gives the EtherType of what is inside and where that
begins; None where there is nothing that could be read.  EtherTypes also stand for what has no other number:
`ETHERNET` (Transparent Ethernet Bridging), `PPP`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Inner: TypeAlias = tuple[int, int]  # EtherType, position

IPV4 = 0x0800
IPV6 = 0x86DD
ETHERNET = 0x6558
PPP = 0x880B

_LONGEST = 48  # bytes that a function may look at; fewer are a header that was cut


def _vlan(block: bytes, start: int) -> Inner:
    """IEEE 802.1Q, 802.1ad, and the numbers in use before 802.1ad."""
    return block[start + 2] << 8 | block[start + 3], start + 4


def _cisco_metadata(block: bytes, start: int) -> Inner | None:
    """Security group tags of Cisco TrustSec: version, length, one option and its value."""
    if block[start : start + 2] != b"\x01\x01":
        return None
    return block[start + 6] << 8 | block[start + 7], start + 8


def _pppoe_session(block: bytes, start: int) -> Inner | None:
    """RFC 2516 §4."""
    if block[start : start + 2] != b"\x11\x00":
        return None
    return PPP, start + 6


def _ppp(block: bytes, start: int) -> Inner | None:
    """RFC 1661 §2: the protocol, of which a compressed field is one byte; before it the HDLC header of RFC 1662."""
    if block[start : start + 2] == b"\xff\x03":
        start += 2
    if block[start] & 1:
        protocol, start = block[start], start + 1
    else:
        protocol, start = block[start] << 8 | block[start + 1], start + 2
    ethertype = {0x21: IPV4, 0x57: IPV6, 0x281: 0x8847}.get(protocol)
    return None if ethertype is None else (ethertype, start)


def _mpls(block: bytes, start: int) -> Inner | None:
    """RFC 3032 §2.1: labels to the bottom of the stack; what is below has no number (RFC 4928 §3)."""
    for position in range(start, start + _LONGEST - 4, 4):
        if block[position + 2] & 1:
            version = block[position + 4] >> 4
            if version in (4, 6):
                return (IPV4 if version == 4 else IPV6), position + 4
            # A pseudowire's control word (RFC 4448 §4.6), and Ethernet.
            return (ETHERNET, position + 8) if version == 0 else None
    return None


def _gre(block: bytes, start: int) -> Inner | None:
    """RFC 2784, RFC 2890, and with version 1 PPTP (RFC 2637 §4.1)."""
    flags = block[start] << 8 | block[start + 1]
    version = flags & 7
    length = 4
    if version == 0:
        length += 4 * sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
    elif version == 1:
        length += 4 + 4 * sum(bool(flags & bit) for bit in (0x1000, 0x0080))
    else:
        return None
    return block[start + 2] << 8 | block[start + 3], start + length


def _udp(block: bytes, start: int) -> Inner | None:
    """The tunnels that are known by their port."""
    tunnel = _UDP_TUNNELS.get(block[start + 2] << 8 | block[start + 3])
    return tunnel(block, start + 8) if tunnel is not None else None


def _vxlan(block: bytes, start: int) -> Inner | None:
    """RFC 7348 §5."""
    return (ETHERNET, start + 8) if block[start] == 0x08 else None


def _geneve(block: bytes, start: int) -> Inner | None:
    """RFC 8926 §3.4."""
    if block[start] >> 6:
        return None
    options = (block[start] & 0x3F) * 4
    return block[start + 2] << 8 | block[start + 3], start + 8 + options


def _gtp(block: bytes, start: int) -> Inner | None:
    """3GPP TS 29.281 §5: user data (message type 255) of version 1, with its extension headers."""
    flags = block[start]
    if flags >> 4 != 3 or block[start + 1] != 255:
        return None
    position = start + 8
    if flags & 7:
        extension = block[position + 3]
        position += 4
        while extension and position < start + _LONGEST - 12:
            length = block[position] * 4
            if not length:
                return None
            extension = block[position + length - 1]
            position += length
    version = block[position] >> 4
    if version not in (4, 6):
        return None
    return (IPV4 if version == 4 else IPV6), position


_UDP_TUNNELS: dict[int, Callable[[bytes, int], Inner | None]] = {
    2152: _gtp,
    4789: _vxlan,
    6081: _geneve,
    8472: _vxlan,  # Linux's default before the port was assigned
}

_BY_ETHERTYPE: dict[int, Callable[[bytes, int], Inner | None]] = {
    0x8100: _vlan,
    0x8847: _mpls,
    0x8848: _mpls,
    0x8864: _pppoe_session,
    0x88A8: _vlan,
    0x8909: _cisco_metadata,
    0x9100: _vlan,
    0x9200: _vlan,
    PPP: _ppp,
}

_BY_PROTOCOL: dict[int, Callable[[bytes, int], Inner | None]] = {
    4: lambda block, start: (IPV4, start),  # RFC 2003
    17: _udp,
    41: lambda block, start: (IPV6, start),  # RFC 4213
    47: _gre,
}


def inside_ethertype(ethertype: int, block: bytes, start: int, end: int) -> Inner | None:
    """What is inside the header of this EtherType at block[start:end]."""
    return _inside(_BY_ETHERTYPE.get(ethertype), block, start, end)


def inside_protocol(protocol: int, block: bytes, start: int, end: int) -> Inner | None:
    """What is inside the header of this IP protocol at block[start:end]."""
    return _inside(_BY_PROTOCOL.get(protocol), block, start, end)


def _inside(tunnel: Callable[[bytes, int], Inner | None] | None, block: bytes, start: int, end: int) -> Inner | None:
    if tunnel is None:
        return None
    # Behind the frame's end the functions read zeros, never the next frame.
    header = block[start : min(end, start + _LONGEST)].ljust(_LONGEST, b"\0")
    inner = tunnel(header, 0)
    if inner is None:
        return None
    ethertype, length = inner
    return (ethertype, start + length) if start + length < end else None
