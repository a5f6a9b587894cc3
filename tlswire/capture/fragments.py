"""IP fragments put together (RFC 791 §3.2, RFC 8200 §4.5).

A datagram is complete when its fragments cover it from its first byte to the end of the one that says it is the last.
It is then written as if it had never been in pieces, so that it is read as every other packet is:

    frame 7   | head | more, 0 to 1480 |
    frame 9   | head | last, 2960 to 3100 |            `receive` gives the packet with frame 8
    frame 8   | head | more, 1480 to 2960 |     ->     | head | 0 ........ 3100 |

What comes twice is dropped.  What overlaps in any other way ends its datagram, as RFC 5722 demands and as Linux does
with IPv4 too (since 4.19): receivers differ in which copy they take, so nobody can say what this one took.

    waiting   the datagrams in the order of their first frames; time and memory are taken back from the front
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from tlswire.capture.dissect import Fragment
from tlswire.capture.frames import Provenance
from tlswire.capture.limits import CaptureLimits

# Besides its bytes, a fragment costs a tuple, two integers and the bytes object.
PIECE_OVERHEAD = 200

_MAX_LENGTH = 0xFFFF
_IPV6_HEADER = 40


class _Datagram:
    """What has come of a datagram: `pieces`, by their place; `frames`, how many frames that were, the first at `at`,
    of the second `since`; `came` and `total`, of its bytes; `cost`, of memory.

    It is `over` when it was put together, or is not to be: what comes of it then is a repetition, or too late.
    """

    __slots__ = ("at", "came", "cost", "frames", "head", "over", "pieces", "since", "spoiled", "total")

    def __init__(self, at: Provenance, since: int) -> None:
        self.at = at
        self.since = since
        self.frames = 0
        self.came = 0
        self.total: int | None = None
        self.head = b""
        self.pieces: list[tuple[int, int, bytes]] = []
        self.cost = PIECE_OVERHEAD
        self.over = False
        self.spoiled = False

    def add(self, fragment: Fragment) -> bool:
        """Takes a fragment in; False when it contradicts what has come."""
        start, end = fragment.start, fragment.end
        index = bisect_left(self.pieces, (start,))
        if (index and self.pieces[index - 1][1] > start) or (index < len(self.pieces) and self.pieces[index][0] < end):
            return False
        if fragment.last:
            if self.total is not None or (self.pieces and self.pieces[-1][1] > end):
                return False
            self.total = end
        elif self.total is not None and end > self.total:
            return False
        if not start:
            self.head = fragment.head
        self.pieces.insert(index, (start, end, fragment.data))
        self.came += end - start
        return True

    def has(self, fragment: Fragment) -> bool:
        """Whether just this has come before."""
        piece = fragment.start, fragment.end, fragment.data
        index = bisect_left(self.pieces, piece)
        return index < len(self.pieces) and self.pieces[index] == piece

    def whole(self) -> tuple[bytes, int] | None:
        """The packet, as far as it was captured, and its length on the wire; None when that is more than can be."""
        assert self.total is not None
        head = bytearray(self.head)
        length = len(head) + self.total
        is_ipv4 = head[0] >> 4 == 4
        said = length if is_ipv4 else length - _IPV6_HEADER
        if said > _MAX_LENGTH:
            return None
        place = 2 if is_ipv4 else 4
        head[place : place + 2] = said.to_bytes(2, "big")
        parts = [bytes(head)]
        for start, end, data in self.pieces:
            parts.append(data)
            if len(data) < end - start:
                break  # what is behind bytes that were cut off has no place in a segment
        return b"".join(parts), length


class Fragments:
    """Puts fragments together.

    Parameters: `limits`; `give_up(limit, value, frames, dropped, at)`, called when a datagram is let go of which so
    many frames, the first at `at`, and so many bytes were held: for a limit, or for None at the end of the capture or
    because its fragments contradict each other.

    `waiting` is the memory that is held, in bytes.
    """

    def __init__(self, limits: CaptureLimits, give_up: Callable[[str | None, int, int, int, Provenance], None]) -> None:
        self._limits = limits
        self._give_up = give_up
        self._datagrams: dict[bytes, _Datagram] = {}
        self.waiting = 0

    def receive(self, fragment: Fragment, seconds: int, at: Provenance) -> tuple[bytes, int] | None:
        """Takes a fragment of a frame that was captured in a second, `at` some place.

        Gives the packet that is complete with it, as far as it was captured, and its length on the wire.
        """
        self._expire(seconds)
        datagram = self._datagrams.get(fragment.key)
        if datagram is not None and datagram.has(fragment):
            return None
        if datagram is not None and datagram.over and not datagram.spoiled:
            self._drop(fragment.key, None, 0)  # the identification came round (RFC 4963)
            datagram = None
        if datagram is None:
            datagram = self._datagrams[fragment.key] = _Datagram(at, seconds)
            self.waiting += datagram.cost
        datagram.frames += 1
        if datagram.over:
            return None
        if not datagram.add(fragment):
            self._spoil(datagram)
            return None
        cost = PIECE_OVERHEAD + len(fragment.data) + (0 if fragment.start else len(fragment.head))
        datagram.cost += cost
        self.waiting += cost
        packet = None
        if datagram.came == datagram.total:
            packet = datagram.whole()
            datagram.over = True
            if packet is None:
                self._spoil(datagram)
        while self.waiting > self._limits.fragments_total:
            self._drop(next(iter(self._datagrams)), "fragments_total", self._limits.fragments_total)
        return packet

    def finish(self) -> None:
        """The captures have been read: what is not complete will not be."""
        for key in list(self._datagrams):
            self._drop(key, None, 0)

    def _expire(self, seconds: int) -> None:
        patience = self._limits.fragment_seconds
        while self._datagrams:
            key, oldest = next(iter(self._datagrams.items()))
            # A clock that was set back does not make an old datagram live on.
            if abs(seconds - oldest.since) <= patience:
                break
            self._drop(key, "fragment_seconds", patience)

    def _spoil(self, datagram: _Datagram) -> None:
        """Its fragments contradict each other: only that it was there is kept, so that what is left of it is known."""
        datagram.over = datagram.spoiled = True
        datagram.pieces.clear()
        self.waiting -= datagram.cost - PIECE_OVERHEAD
        datagram.cost = PIECE_OVERHEAD

    def _drop(self, key: bytes, limit: str | None, value: int) -> None:
        datagram = self._datagrams.pop(key)
        self.waiting -= datagram.cost
        if datagram.spoiled:
            self._give_up(None, 0, datagram.frames, 0, datagram.at)
        elif not datagram.over:
            dropped = sum(len(data) for _, _, data in datagram.pieces)
            self._give_up(limit, value, datagram.frames, dropped, datagram.at)
