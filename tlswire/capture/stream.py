"""One direction of a TCP connection: what came, put in the order of its sequence numbers (RFC 9293 §3.4).

Sequence numbers are unrolled: `next` counts on where the 32 bits on the wire wrap around.  What came
early waits in
`pending`, sorted and without overlap, so that of bytes sent twice the first copy counts:

         next     pending
    ......|        [=====)    [====)[==)
    told   hole             hole
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tlswire.capture.tcp import TCPConnection

SEQUENCE_MASK = 0xFFFFFFFF
HALF = 1 << 31

# Besides its bytes, a waiting piece costs a tuple, two integers and the bytes object.
PIECE_OVERHEAD = 200

SLOW = -1  # a value of `wanted` that no sequence number equals

# Start and end, unrolled, and the bytes; None for bytes that the snap length cut off.
Piece: TypeAlias = tuple[int, int, bytes | None]


class ByteStream:
    """What one side of a connection sends.

    `wanted`: the sequence number of the segment that can be passed on as it is, or `SLOW`.
    `next`: the unrolled sequence number of the next byte to tell; `started`, that this is certain,
    because the side's SYN or data was seen, and not only what the peer acknowledges.
    `start_known`: that the stream is told from its first byte on.
    `base`: the initial sequence number, or what stands for it when no SYN was seen; None before any frame.
    `acknowledges`: the last acknowledgement number that this side sent.
    `fin`: where the stream ends, unrolled; `ended`: that this was told.
    `pending`, `waiting`: what came early, and what it costs in bytes.
    """

    __slots__ = (
        "acknowledges",
        "base",
        "connection",
        "ended",
        "fin",
        "hole",
        "next",
        "peer",
        "pending",
        "side",
        "start_known",
        "started",
        "stray",
        "waiting",
        "wanted",
    )  # fmt: skip

    peer: ByteStream

    def __init__(self, connection: TCPConnection, side: int) -> None:
        self.connection = connection
        self.side = side
        self.wanted = SLOW
        self.next = 0
        self.started = False
        self.base: int | None = None
        self.start_known = False
        self.acknowledges: int | None = None
        self.fin: int | None = None
        self.ended = False
        self.pending: list[Piece] = []
        self.waiting = 0
        self.hole: tuple[int, int] | None = None  # `next`, and the count of frames when the hole was acknowledged
        self.stray: tuple[int, bytes, int] | None = None  # a segment from elsewhere: seq, bytes, missing

    def unroll(self, seq: int) -> int:
        """The unrolled sequence number nearest to `next` for one from the wire."""
        distance = (seq - self.next) & SEQUENCE_MASK
        return self.next + (distance - (1 << 32) if distance >= HALF else distance)

    def begin(self, position: int) -> None:
        """The stream is read from this sequence number on."""
        self.started = True
        self.advance(position)

    def advance(self, position: int) -> None:
        """All before `position` has been told."""
        self.next = position
        watched = self.pending or self.ended or self.fin is not None or self.connection.muted
        self.wanted = SLOW if watched else position & SEQUENCE_MASK

    def insert(self, start: int, end: int, data: bytes | None) -> int:
        """Takes in what is at `start` to `end`; gives how many bytes of it were not there before."""
        pending = self.pending
        cursor = max(start, self.next)
        index = bisect_left(pending, (cursor,))
        if index and pending[index - 1][1] > cursor:
            cursor = pending[index - 1][1]
        added = 0
        while cursor < end:
            stop = min(pending[index][0], end) if index < len(pending) else end
            if stop > cursor:
                piece = None if data is None else data[cursor - start : stop - start]
                pending.insert(index, (cursor, stop, piece))
                self.waiting += PIECE_OVERHEAD + (len(piece) if piece else 0)
                added += stop - cursor
                index += 1
            if index == len(pending):
                break
            cursor = pending[index][1]
            index += 1
        if pending:
            self.wanted = SLOW
        return added

    def take_ready(self) -> list[Piece]:
        """Takes what of `pending` follows without a hole, and moves `next` behind it."""
        pending = self.pending
        position = self.next
        count = 0
        for start, end, data in pending:
            if start > position:
                break
            position = end
            count += 1
            self.waiting -= PIECE_OVERHEAD + (len(data) if data else 0)
        ready = pending[:count]
        del pending[:count]
        self.advance(position)
        return ready

    def drop_pending(self) -> int:
        """Forgets what waits; gives how many bytes that were."""
        dropped = sum(len(data) for _, _, data in self.pending if data)
        self.pending.clear()
        self.waiting = 0
        return dropped
