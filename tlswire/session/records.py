"""Records out of a byte stream that may have holes in it, and may not be TLS all the way.

The reader looks before it takes, since a record may have to wait for what the other side says.  It is in step as
long as one plausible header follows the other.  Out of step (after a hole, or at bytes that are no header) it
searches: a header is believed when another one follows the record that it announces, or the run of bytes ends
there.  Whatever is passed over is told as `DiscardedBytes`, in pieces whose borders do not depend on how the
bytes were chunked.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from struct import Struct

from tlswire.registry import ContentType
from tlswire.session.events import DiscardedBytes, EndOfStream, Event, Gap, Record
from tlswire.session.inbox import Inbox
from tlswire.session.limits import Limits

HEADER_LENGTH = 5
SSLV2_HEADER_LENGTH = 2
MAX_FRAGMENT = (1 << 14) + 2048  # RFC 5246 §6.2.3

_FIRST_TYPE, _LAST_TYPE = ContentType.change_cipher_spec, ContentType.heartbeat
_unpack_header = Struct(">BHH").unpack_from
# What `take_run` may take.
APPLICATION_DATA = frozenset({int(ContentType.application_data)})
ANY_CONTENT = frozenset(range(_FIRST_TYPE, _LAST_TYPE + 1))
_HEADER = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]", re.DOTALL)


class Look(enum.Enum):
    """What is at the front of a side's bytes."""

    need_data = enum.auto()
    record = enum.auto()
    hole = enum.auto()
    end = enum.auto()


class RecordReader:
    """Splits what an `Inbox` holds into records.

    After `look` gave `Look.record`, `content_type`, `version`, `header_length` and `length` describe the record
    at the front; `take` takes it.  After `Look.hole`, `take_hole` takes the hole.
    """

    __slots__ = (
        "_emit", "_end_told", "_inbox", "_limits", "_lost", "_scanned", "_side", "_tail", "_why",
        "content_type", "header_length", "length", "version",
    )  # fmt: skip

    def __init__(self, side: int, inbox: Inbox, limits: Limits, emit: Callable[[Event], None]) -> None:
        self._side = side
        self._inbox = inbox
        self._limits = limits
        self._emit = emit
        self._lost = False
        self._why = ""
        self._scanned = 0  # bytes at the front in which no believable header begins
        self._tail = 0  # bytes behind a hole that still belong to the record that it cut
        self._end_told = False
        self.content_type = 0
        self.version = 0
        self.header_length = HEADER_LENGTH
        self.length = 0

    def look(self) -> Look:
        """Says what is at the front, after passing over what is no record."""
        inbox = self._inbox
        inbox.enough = 0
        while True:
            if self._tail and inbox.size:
                count = min(self._tail, inbox.size)
                if count < self._tail and not inbox.run_is_closed:
                    return Look.need_data  # so that the piece does not depend on the chunking
                self._discard(count, "end of a record that lies in a gap")
                self._tail -= count
            if self._lost and not self._search():
                return self._run_out() if inbox.run_is_closed else Look.need_data
            if inbox.size < HEADER_LENGTH:
                return self._run_out() if inbox.run_is_closed else self._wait_for(HEADER_LENGTH)
            run, position = inbox.peek(HEADER_LENGTH)
            if self._read_header(run, position):
                whole = self.header_length + self.length
                if inbox.size >= whole:
                    return Look.record
                return self._run_out() if inbox.run_is_closed else self._wait_for(whole)
            self._lose("no record header where one should be")

    def head(self, count: int) -> bytes:
        """The first `count` bytes of the fragment at the front, or as many as it has."""
        run, position = self._inbox.peek(self.header_length + self.length)
        position += self.header_length
        return bytes(run[position : position + min(count, self.length)])

    def take(self) -> tuple[bytes, int, object]:
        """Takes the record at the front: its fragment, its offset, and the `at` of its last byte."""
        inbox = self._inbox
        total = self.header_length + self.length
        offset = inbox.offset
        run, position = inbox.peek(total)
        fragment = run[position + self.header_length : position + total]
        return (fragment if isinstance(fragment, bytes) else bytes(fragment)), offset, inbox.skip(total)

    def take_run(self, wanted: frozenset[int], epoch: int, protected: bool) -> list[Record]:
        """Takes the whole records at the front that follow each other, as far as they are `wanted`.

        Parameters: `wanted`, `APPLICATION_DATA` or `ANY_CONTENT`; `epoch` and `protected`, of the records.

        All that is bulk comes this way, so it is one loop over local names: a call for each record costs more than all
        that is done for it here.  What it leaves, `look` looks at.
        """
        taken: list[Record] = []
        inbox = self._inbox
        if self._lost or self._tail or inbox.size < HEADER_LENGTH or inbox.size < inbox.enough:
            return taken
        run, position = inbox.peek(inbox.size)
        if not isinstance(run, bytes):
            return taken
        side, marks, end = self._side, inbox.marks, position + inbox.size
        ahead = inbox.offset - position
        mark = inbox.mark
        covered, at = marks[mark]
        covered -= ahead  # up to there it is `at` that bytes come from
        enough, last = HEADER_LENGTH, end - HEADER_LENGTH
        while position <= last:
            content_type, version, length = _unpack_header(run, position)
            if content_type not in wanted or version >> 8 != 3 or length > MAX_FRAGMENT:
                enough = 0
                break
            start = position + HEADER_LENGTH
            stop = start + length
            if stop > end:
                enough = HEADER_LENGTH + length
                break
            while covered < stop:
                mark += 1
                covered, at = marks[mark]
                covered -= ahead
            fragment = run[start:stop]
            offset = position + ahead
            taken.append(Record(side, at, offset, HEADER_LENGTH, content_type, version, fragment, epoch, protected))
            position = stop
        inbox.move(position, mark)
        inbox.enough = enough
        return taken

    def take_hole(self) -> tuple[Gap, bool, int | None]:
        """Takes the hole at the front; what it cut off is discarded.

        Tells whether whole records may lie in it, and the offset of the first of them, where that is known.
        """
        inbox = self._inbox
        missing: int | None = None  # bytes up to the end of the record that the hole cut
        begins = inbox.offset if not (self._lost or inbox.size or self._tail) else None
        if inbox.size:
            if not self._lost and inbox.size >= HEADER_LENGTH:
                missing = self.header_length + self.length - inbox.size
            self._discard(inbox.size, "record cut by a gap")
        elif self._tail:
            missing = self._tail
        hole = inbox.take_hole()
        gap = Gap(self._side, hole.at, inbox.offset - (hole.length or 0), hole.length)
        self._tail = 0
        if missing is not None:
            begins = gap.offset + missing
        if missing is None or hole.length is None or hole.length > missing:
            self._lose("no record begins here")
            return gap, True, begins
        self._tail = missing - hole.length
        self._lost = False
        return gap, False, begins

    def _wait_for(self, size: int) -> Look:
        self._inbox.enough = size
        return Look.need_data

    def _run_out(self) -> Look:
        """Nothing more can come to the run."""
        inbox = self._inbox
        if inbox.at_hole():
            return Look.hole
        if inbox.size:
            self._discard(inbox.size, "no whole record before the end of the stream")
        if not self._end_told:
            self._end_told = True
            self._emit(EndOfStream(self._side, inbox.end_at))
        return Look.end

    def _read_header(self, run: bytes | bytearray, position: int) -> bool:
        content_type = run[position]
        if _FIRST_TYPE <= content_type <= _LAST_TYPE and run[position + 1] == 3:
            length = run[position + 3] << 8 | run[position + 4]
            if length <= MAX_FRAGMENT:
                self.content_type = content_type
                self.version = 0x300 | run[position + 2]
                self.header_length = HEADER_LENGTH
                self.length = length
                return True
        elif content_type & 0x80 and self._inbox.offset == 0 and run[position + 2] == 1:
            # An SSLv2-compatible hello (RFC 5246 App. E.2): 15 bits of length, then msg_type 1, then the version.
            version = run[position + 3] << 8 | run[position + 4]
            if version == 2 or 0x300 <= version <= 0x303:
                self.content_type = ContentType.handshake
                self.version = 2
                self.header_length = SSLV2_HEADER_LENGTH
                self.length = (content_type & 0x7F) << 8 | run[position + 1]
                return True
        return False

    # Out of step

    def _lose(self, why: str) -> None:
        self._lost = True
        self._why = why
        self._scanned = 0

    def _search(self) -> bool:
        """Looks for a header to believe; False while there is none in what has come."""
        inbox = self._inbox
        run, position = inbox.peek(inbox.size) if inbox.size else (b"", 0)
        start, end = position, position + inbox.size
        position += self._scanned
        while True:
            found = _HEADER.search(run, position, end)
            if found is None:
                # The last two bytes may be the beginning of a header.
                self._scanned = max(self._scanned, end - start if inbox.run_is_closed else end - start - 2)
                break
            position = found.start()
            self._scanned = position - start
            believed = self._believe(run, position, end)
            if believed:
                self._discard_scanned()
                self._lost = False
                return True
            if believed is None:
                break
            position += 1
        while self._scanned >= self._limits.discard_block:
            self._discard(self._limits.discard_block, self._why)
            self._scanned -= self._limits.discard_block
        if inbox.run_is_closed:
            self._scanned = 0
        return False

    def _believe(self, run: bytes | bytearray, position: int, end: int) -> bool | None:
        """Whether a record begins at `position`; None while that cannot be told yet."""
        closed = self._inbox.run_is_closed
        if end - position < HEADER_LENGTH:
            return False if closed else None
        length = run[position + 3] << 8 | run[position + 4]
        if not 0 < length <= MAX_FRAGMENT:
            return False
        following = position + HEADER_LENGTH + length
        if following + 3 <= end:
            return _HEADER.match(run, following) is not None
        if not closed:
            return None
        return following == end

    def _discard_scanned(self) -> None:
        while self._scanned:
            count = min(self._scanned, self._limits.discard_block)
            self._discard(count, self._why)
            self._scanned -= count

    def _discard(self, count: int, why: str) -> None:
        block = self._limits.discard_block
        while count:
            offset = self._inbox.offset
            data, at = self._inbox.take(min(count, block))
            self._emit(DiscardedBytes(self._side, at, offset, data, why))
            count -= len(data)


def read_records(data: bytes, *, side: int = 0, at: object = None) -> list[Record | DiscardedBytes]:
    """The records of one direction's bytes, from their beginning to their end (RFC 5246 §6.2).

    Parameters: `data`, of any length; `side` and `at`, to be given back with the events.

    Nothing is opened, and nothing raised: what is no whole record is told as DiscardedBytes.
    """
    told: list[Record | DiscardedBytes] = []

    def tell(event: Event) -> None:
        if isinstance(event, DiscardedBytes):  # the end of the stream is no news here
            told.append(event)

    inbox = Inbox()
    if data:
        inbox.add(bytes(data), at)
    inbox.ended, inbox.end_at = True, at
    reader = RecordReader(side, inbox, Limits(), tell)
    while True:
        told += reader.take_run(ANY_CONTENT, 0, False)
        if reader.look() is not Look.record:
            return told
        fragment, offset, _ = reader.take()
        told.append(
            Record(side, at, offset, reader.header_length, reader.content_type, reader.version, fragment, 0, False)
        )
