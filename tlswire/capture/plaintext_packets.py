"""Plaintext as frames of a capture: each connection is told anew, as if its sides had spoken TCP without TLS.

    opener                      other
    SYN           ->
                  <-            SYN ACK
    ACK           ->
    data          ->                            a segment for each piece, at most `MOST_DATA` bytes of it
                  <-            ACK             at once: tools wait for it before they look at the data
    FIN ACK       ->
                  <-            ACK

Sequence numbers count the bytes of plaintext; where some are missing they leave a hole, and no bytes stand in for it.
The file is pcap with nanoseconds, which every program on libpcap 1.5 (2013) or later reads, as all of Wireshark; so no
capture loses digits of its times, whatever its clocks.  The link layer is Ethernet, the one that all tools take.

A record is a segment, up to 16 KB: its boundaries and its time stay visible, and there are a tenth of the frames that
1,460 bytes would make.  Frames of that size are what segmentation offload shows in any capture of today.
"""

from __future__ import annotations

from struct import Struct

from tlswire.capture.dissect import ACK, FIN, SYN
from tlswire.capture.frames import MAX_FRAME_LENGTH, NANOSECONDS, Provenance
from tlswire.capture.stream import SEQUENCE_MASK
from tlswire.capture.tcp import reverse

_PSH = 0x08
_LINKTYPE_ETHERNET = 1
PCAP_HEADER = Struct("<LHHlLLL").pack(0xA1B23C4D, 2, 4, 0, 0, MAX_FRAME_LENGTH, _LINKTYPE_ETHERNET)

MOST_DATA = 1 << 14  # bytes: a record's (RFC 5246 §6.2.1). IP's length of 16 bits has room for them and the headers
# Two sequence numbers that are farther apart than this cannot be told from one going back (RFC 7323 §2.3).
LARGEST_HOLE = 1 << 30

_LATEST = (1 << 32) - 1  # seconds: pcap has 32 bits, and a clock may be wrong
_FRAME = Struct("<LLLL")
_IPV4 = Struct("!BBHHHBBH")
_IPV6 = Struct("!LHBB")
_TCP = Struct("!4sLLHHHH")
_MODULUS = (1 << 16) - 1  # of the Internet checksum
_TTL = 64
_TCP_PROTOCOL = 6
_DONT_FRAGMENT = 0x4000  # with it the identification may be 0 (RFC 6864 §4.1)
_IPV4_SUM = 0x4500 + _DONT_FRAGMENT + (_TTL << 8 | _TCP_PROTOCOL)
_WINDOW = 0xFFFF
_MSS_OPTION = Struct("!BBH").pack(2, 4, MOST_DATA)  # without it segments have 536 bytes (RFC 9293 §3.7.1)
_ETHERTYPE_IPV4, _ETHERTYPE_IPV6 = b"\x08\x00", b"\x86\xdd"
# Addresses that are administered locally, as no vendor has them (IEEE 802, U/L bit): the opener's, and the other's.
_MACS = (b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02")
# Connections between the same ports begin elsewhere, or tools would take one for the repetition of another. An odd
# number gives all of 2**32 other places before it comes back to one.
_BETWEEN_STARTS = 0x9E3779B1


class PlaintextConnection:
    """A TCP connection that is told anew; what its methods give are frames of a pcap file.

    Parameters: `flow`, the bytes of both IP addresses (side 0, side 1), then of both ports; `opener`, the side that
    opens it; `number`, of the connection among those of the file.

    `is_open` says that it was opened; `left_out` counts the sequence numbers of its holes.
    """

    __slots__ = ("_opener", "_sides", "is_open", "left_out")

    def __init__(self, flow: bytes, opener: int, number: int) -> None:
        start = (number + 1) * _BETWEEN_STARTS & SEQUENCE_MASK  # tshark takes an acknowledgement of 0 for one before
        mine, others = _MACS[opener], _MACS[1 - opener]
        self._sides = (_Sender(others + mine, flow, start), _Sender(mine + others, reverse(flow), ~start))
        self._opener = opener
        self.is_open = False
        self.left_out = 0

    def data(self, side: int, data: bytes, at: Provenance) -> bytes:
        """The next bytes that a side sent, acknowledged; the first ones open the connection."""
        sender, receiver = self._sides[side], self._sides[1 - side]
        frames = [] if self.is_open else self._open()
        self.left_out += sender.leave_hole()
        for start in range(0, len(data), MOST_DATA):
            piece = data[start : start + MOST_DATA]
            flags = ACK | _PSH if start + MOST_DATA >= len(data) else ACK
            frames += sender.segment(flags, receiver.next, piece), receiver.segment(ACK, sender.next)
        return _stamped(frames, at)

    def missing(self, side: int, length: int | None) -> None:
        """The next bytes that a side sent are missing: `length` of them; None where that is unknown, which takes one
        sequence number."""
        sender = self._sides[side]
        sender.hole = min(sender.hole + (1 if length is None else length), LARGEST_HOLE)

    def end(self, side: int, at: Provenance) -> bytes:
        """The side sends no more; nothing, where the connection was never opened."""
        if not self.is_open:
            return b""
        sender, receiver = self._sides[side], self._sides[1 - side]
        self.left_out += sender.leave_hole()
        return _stamped([sender.segment(FIN | ACK, receiver.next), receiver.segment(ACK, sender.next)], at)

    def _open(self) -> list[bytes]:
        self.is_open = True
        opener, other = self._sides[self._opener], self._sides[1 - self._opener]
        return [
            opener.segment(SYN, None),
            other.segment(SYN | ACK, opener.next),
            opener.segment(ACK, other.next),
        ]


class _Sender:
    """One side: the parts of its headers that stay the same; `next`, its next sequence number; `hole`, how many bytes
    are missing from there."""

    __slots__ = ("_addresses", "_link", "_ports", "_sum", "hole", "next")

    def __init__(self, macs: bytes, flow: bytes, start: int) -> None:
        self._addresses, self._ports = flow[:-4], flow[-4:]
        self._sum = _sum(self._addresses)
        self._link = macs + (_ETHERTYPE_IPV4 if len(self._addresses) == 8 else _ETHERTYPE_IPV6)
        self.next = start & SEQUENCE_MASK
        self.hole = 0

    def leave_hole(self) -> int:
        """Takes that what was missing lies before what comes next; gives its length."""
        length, self.hole = self.hole, 0
        self.next = self.next + length & SEQUENCE_MASK
        return length

    def segment(self, flags: int, acknowledges: int | None, data: bytes = b"") -> bytes:
        """The next segment, as an Ethernet frame; `acknowledges` is None without ACK."""
        number, acknowledged = self.next, acknowledges or 0
        options = _MSS_OPTION if flags & SYN else b""
        header = _TCP.size + len(options)
        length = header + len(data)
        place = header << 10 | flags  # the header's length in words of four bytes, in the upper four bits
        if len(self._addresses) == 8:
            total = _IPV4.size + 8 + length
            checksum = -(self._sum + _IPV4_SUM + total) % _MODULUS
            network = _IPV4.pack(0x45, 0, total, 0, _DONT_FRAGMENT, _TTL, _TCP_PROTOCOL, checksum)
        else:
            network = _IPV6.pack(6 << 28, length, _TCP_PROTOCOL, _TTL)
        # The addresses, the protocol and the length are the pseudo-header (RFC 9293 §3.1).
        covered = self._sum + _TCP_PROTOCOL + length + _sum(self._ports) + number + acknowledged + place + _WINDOW
        checksum = -(covered + _sum(options) + _sum(data)) % _MODULUS
        self.next = number + len(data) + bool(flags & (SYN | FIN)) & SEQUENCE_MASK
        transport = _TCP.pack(self._ports, number, acknowledged, place, _WINDOW, checksum, 0)
        return b"".join((self._link, network, self._addresses, transport, options, data))


def _sum(data: bytes) -> int:
    """What the Internet checksum (RFC 1071) makes of bytes: a number that is their sum modulo 2**16 - 1.

    The sum of 16-bit words with end-around carry is the remainder of the whole number, or of its parts' sum, by
    2**16 - 1: 16 KB take 30 us, where a loop over the words takes a millisecond.
    """
    return int.from_bytes(data, "big") << (8 if len(data) % 2 else 0)


def _stamped(frames: list[bytes], at: Provenance) -> bytes:
    """Frames with their pcap headers, all of one time."""
    time = at.ticks * NANOSECONDS // at.ticks_per_second
    seconds, fraction = divmod(max(time, 0), NANOSECONDS)
    stamp = min(seconds, _LATEST), fraction
    return b"".join(part for frame in frames for part in (_FRAME.pack(*stamp, len(frame), len(frame)), frame))
