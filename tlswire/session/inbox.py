"""What one side has sent and nobody has looked at yet: bytes, holes, the end, and where each came from.

Chunks are kept as they come and joined only when a whole record is there, so that a record is copied once; where
the reader is out of step and looks at every chunk, they are appended.  So drip-fed bytes cost linear time.  Only the
run of bytes before the first hole is open to the reader; a hole is taken when the reader has done with the run.

    chunks   |ab|cdef|gh|          |ijkl|mn|
    items    data .. .. ..  Hole   (waiting behind the hole)
             ^ run                 ^ becomes the run when the hole is taken
"""

from __future__ import annotations

from collections import deque
from typing import Any

from tlswire.values import Struct, slotted

_NOTHING: deque[Any] = deque()  # never added to; an empty deque takes 0.7 KB, and hardly any side needs one
_MANY = 64  # marks that count no more; with more than that, they are deleted now and then
_MUCH = 8  # times as much as is added: a copy of it costs no more than that for each byte


@slotted
class Hole(Struct):
    """`length` bytes, or an unknown number of them (None), that are missing."""

    length: int | None
    at: object


class Inbox:
    """A byte stream with holes.  `offset` is the stream offset of the next byte, holes of known length counted."""

    __slots__ = (
        "_behind",
        "_chunks",
        "_run",
        "end_at",
        "ended",
        "enough",
        "mark",
        "marks",
        "offset",
        "position",
        "size",
        "waiting",
    )

    def __init__(self) -> None:
        self._run: bytes | bytearray = b""  # joined bytes of the run
        self.position = 0  # of the next byte in _run
        self._chunks: list[bytes] = []  # bytes of the run that are not joined yet
        self.size = 0  # bytes of the run that are not taken
        self.enough = 0  # with less than that in the run, there is nothing new for the reader
        self.offset = 0
        self.marks: list[tuple[int, object]] = []  # (offset behind the chunk, its `at`), for the run
        self.mark = 0  # the first of them that counts
        self._behind: deque[tuple[bytes, object] | Hole] = _NOTHING  # from the first hole on
        self.waiting = 0  # bytes behind the first hole
        self.ended = False
        self.end_at: object = None

    def add(self, data: bytes, at: object) -> None:
        """Takes in a chunk of any size."""
        if self._behind:
            self._behind.append((data, at))
            self.waiting += len(data)
            return
        self._chunks.append(data)
        self.size += len(data)
        self.marks.append((self.offset + self.size, at))

    def add_hole(self, length: int | None, at: object) -> None:
        """Takes in a hole."""
        if self._behind is _NOTHING:
            self._behind = deque()
        self._behind.append(Hole(length, at))

    @property
    def exhausted(self) -> bool:
        """True when the side has ended and all of it was taken."""
        return self.ended and not self.size and not self._behind

    @property
    def buffered(self) -> int:
        """The number of bytes held."""
        return self.size + self.waiting

    @property
    def next_at(self) -> object:
        """The `at` of the next byte of the run; None when there is none."""
        marks = self.marks
        return next((marks[mark][1] for mark in range(self.mark, len(marks)) if marks[mark][0] > self.offset), None)

    @property
    def run_is_closed(self) -> bool:
        """True when no more bytes can come to the run: a hole or the end is behind it."""
        return bool(self._behind) or self.ended

    def at_hole(self) -> bool:
        """True when a hole is behind the run."""
        return bool(self._behind)

    def peek(self, count: int) -> tuple[bytes | bytearray, int]:
        """A buffer and the position in it from which at least `count` bytes of the run can be read.

        The caller has checked that `size` is at least `count`.
        """
        if len(self._run) - self.position < count:
            if self.position == len(self._run) and len(self._chunks) == 1:
                self._run, self.position = self._chunks.pop(), 0
            else:
                self._join()
        return self._run, self.position

    def _join(self) -> None:
        rest = len(self._run) - self.position
        if self.size - rest < rest // _MUCH:
            # Little is added to much, again and again: that has to be appended in place.
            if not isinstance(self._run, bytearray):
                self._run = bytearray(self._run)
            if self.position > rest:
                del self._run[: self.position]
                self.position = 0
            for chunk in self._chunks:
                self._run += chunk
        else:
            self._run = b"".join((self._run[self.position :], *self._chunks))
            self.position = 0
        self._chunks.clear()

    def move(self, position: int, mark: int) -> None:
        """Moves to `position` in what was peeked at; `mark` is the number of the mark that covers what is before it."""
        count = position - self.position
        self.position = position
        self.size -= count
        self.offset += count
        self.mark = mark
        if not self.size:
            self._run, self.position = b"", 0  # most connections are idle most of the time
            self.marks.clear()
            self.mark = 0
        elif mark > _MANY and mark > len(self.marks) // 2:
            del self.marks[:mark]
            self.mark = 0

    def skip(self, count: int) -> object:
        """Moves over `count` bytes that were peeked at, and gives the `at` of the last of them."""
        marks, mark, end = self.marks, self.mark, self.offset + count
        while marks[mark][0] < end:
            mark += 1
        at = marks[mark][1]
        self.move(self.position + count, mark)
        return at

    def take(self, count: int) -> tuple[bytes, object]:
        """The next `count` bytes of the run, and the `at` of the last of them."""
        run, position = self.peek(count)
        taken = run[position : position + count]
        return (taken if isinstance(taken, bytes) else bytes(taken)), self.skip(count)

    def take_hole(self) -> Hole:
        """Takes the hole behind the run, which has been read to its end; what is behind it is the new run."""
        self._run, self.position = b"", 0
        self.marks.clear()
        self.mark = 0
        behind, self._behind = self._behind, _NOTHING
        hole = behind.popleft()
        assert isinstance(hole, Hole)
        self.offset += hole.length or 0
        while behind and not isinstance(behind[0], Hole):
            data, at = behind.popleft()  # type: ignore[misc]
            self.waiting -= len(data)
            self.add(data, at)
        self._behind = behind
        return hole
