"""Where in a TCP connection TLS begins, whatever the port: at once, or behind STARTTLS, CONNECT, SOCKS, a
wrapper.

One direction shows it, by a hello or by records that follow each other; then the other one is TLS as
well, from its first record on:

    side 0   EHLO .. STARTTLS      | ClientHello ..
    side 1   220 .. 250 .. 220 ..  | ServerHello ..
             prelude, dropped      | handed on

A hello is believed anywhere; a header alone is little proof (bulk data holds one by chance every 2
million bytes), so where there is no hello, two of them must follow each other, or the record end where
the segment does. What cannot be the beginning of TLS is dropped as it comes; in a stream whose beginning
is missing, it may be the rest of a record, and is kept for a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from tlswire.capture.limits import CaptureLimits

_HEADER_LENGTH = 5
_MAX_FRAGMENT = (1 << 14) + 2048  # RFC 5246 §6.2.3

_HEADER = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]")
# A handshake record with a ClientHello or a ServerHello, up to its version (RFC 5246 §7.4.1; the drafts
# of TLS 1.3 had 7f there).
_HELLO = re.compile(rb"\x16\x03[\x00-\x04]..[\x01\x02]\x00..(?:\x03[\x00-\x04]|\x7f)", re.DOTALL)
_HELLO_LENGTH = 11
_HELLO_OF_SERVER = re.compile(rb"\x16\x03...\x02", re.DOTALL)
_ALERT = re.compile(rb"\x15\x03[\x00-\x04]\x00\x02[\x01\x02]")
_SESSION_ID = 43  # where in the record the session ID's length is
# Version, random, an empty session ID, one cipher suite and compression: RFC 5246 §7.4.1.3.
_MIN_HELLO = 38

# An SSLv2-compatible hello's head: 2 bytes of length, msg_type, version, three lengths (RFC 5246 App. E.2).
_SSLV2_HELLO = re.compile(rb"[\x80-\xff].\x01(?:\x03[\x00-\x03]|\x00\x02)", re.DOTALL)
_SSLV2_LENGTH = 11
# The head of its answer where SSL 2.0 itself is spoken: length, msg_type, session_id_hit, certificate_type, version.
_SSLV2_SERVER_HELLO = re.compile(rb"[\x80-\xff].\x04[\x00\x01][\x00\x01]\x00\x02", re.DOTALL)


class Receiver(Protocol):
    """What the streams are handed on to: `tlswire.session.Connection`."""

    def receive_data(self, side: int, data: bytes, at: object = None) -> object:
        """The next bytes that a side sent."""

    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None:
        """The next `length` bytes (None: unknown) are missing."""

    def receive_end(self, side: int, at: object = None) -> None:
        """The side sends no more."""


class _Side:
    """What is known of a direction: `run` holds the bytes since the last gap that may be TLS, `chunks`
    where in it each chunk begins, and its `at`."""

    __slots__ = ("chunks", "ended", "gap", "open", "prelude", "run", "scanned", "seen")

    def __init__(self) -> None:
        self.run = bytearray()
        self.chunks: list[tuple[int, object]] = []
        self.gap: tuple[int | None, object] | None = None  # in front of the run
        self.prelude = 0
        self.scanned = 0  # no TLS begins before this position in the run
        self.seen = 0
        self.open = False
        self.ended: object | None = None

    def drop(self, count: int) -> None:
        """The first `count` bytes of the run are not TLS."""
        if not count:
            return
        self.prelude += count
        self.gap = None
        self.scanned = 0
        del self.run[:count]
        moved = [(start - count, at) for start, at in self.chunks]
        following = next((index for index, (start, _) in enumerate(moved) if start > 0), len(moved))
        # What is left of a chunk begins before the run, so it is not taken for a chunk's beginning.
        self.chunks = moved[following - 1 :] if self.run else []


class Recogniser:
    """Holds the streams of a TCP connection back until it is known where TLS begins, and hands them on
    from there.

    Parameters: `begin`, called once, when TLS was found, gives the `Receiver` to hand on to; `limit`, in
    bytes per direction, how far into the connection TLS may begin.

    `receiver` is None until TLS was found; `passed_over` tells that it is not TLS, and nothing is held
    any more;
    `settled`, that both directions are handed on, so that the caller may go to the receiver directly;
    `prelude`, how many bytes of each side were before TLS; `sslv2`, where a server chose SSL 2.0, which nobody reads.
    """

    __slots__ = ("_all_is_tls", "_begin", "_limit", "_sides", "passed_over", "receiver", "settled", "sslv2")

    def __init__(self, begin: Callable[[], Receiver], limit: int = CaptureLimits().prelude) -> None:
        self._begin = begin
        self._limit = limit
        self._all_is_tls = False  # both sides, from their first byte on
        self._sides = (_Side(), _Side())
        self.receiver: Receiver | None = None
        self.passed_over = False
        self.settled = False
        self.sslv2: object = None

    @property
    def prelude(self) -> tuple[int, int]:
        """The number of bytes of side 0 and side 1 that came before TLS."""
        return self._sides[0].prelude, self._sides[1].prelude

    def receive_data(self, side: int, data: bytes, at: object = None) -> None:
        """The next bytes that a side sent, of any length."""
        state = self._sides[side]
        if state.open:
            assert self.receiver is not None
            self.receiver.receive_data(side, data, at)
        elif data and not self.passed_over:
            state.chunks.append((len(state.run), at))
            state.run += data
            state.seen += len(data)
            self._look(side, closed=False)

    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None:
        """The next `length` bytes (None: unknown) that a side sent are missing."""
        state = self._sides[side]
        if not state.open and not self.passed_over:
            self._look(side, closed=True)
        if state.open:
            assert self.receiver is not None
            self.receiver.receive_gap(side, length, at)
        elif not self.passed_over:
            state.drop(len(state.run))
            before = state.gap
            if before is not None:
                length = None if before[0] is None or length is None else before[0] + length
            state.gap = (length, at)

    def receive_end(self, side: int, at: object = None) -> None:
        """The side sends no more."""
        state = self._sides[side]
        if not state.open and not self.passed_over:
            state.ended = at if at is not None else True
            self._look(side, closed=True)
        elif state.open:
            assert self.receiver is not None
            self.receiver.receive_end(side, at)
        if self.receiver is None and self._sides[0].ended is not None and self._sides[1].ended is not None:
            self._pass_over()

    # Where it begins

    def _look(self, side: int, *, closed: bool) -> None:
        """Looks for the beginning of TLS in what a side has sent; `closed`: nothing follows what has come."""
        state = self._sides[side]
        if self.receiver is None:
            start = self._find(state, closed)
            if start is not None:
                self._begin_at(side, start)
            elif state.seen > self._limit:
                self._pass_over()
            return
        start = self._find_first(state, closed)
        if start is None and (state.ended is not None or state.seen > self._limit):
            start = len(state.run)
        if start is not None:
            self._open(side, start)

    def _find(self, state: _Side, closed: bool) -> int | None:
        """The position where TLS begins, as far as this side shows it; drops what cannot be TLS."""
        found = _find_hello(state)
        if found is not None:
            return found
        found, keep = _find_records(state, closed)
        if found is not None:
            return found
        state.scanned = keep
        if state.gap is None:
            state.drop(keep)
        return None

    def _find_first(self, state: _Side, closed: bool) -> int | None:
        """The position where TLS begins in a side, when the other one has shown that the connection is TLS."""
        if not state.run:
            return None
        if not state.prelude and state.gap is None and _SSLV2_SERVER_HELLO.match(state.run):
            self.sslv2 = state.chunks[0][1]
            return 0
        lost = state.gap is not None and state.gap[0] is not None  # TLS may have begun in the gap
        if lost or (self._all_is_tls and not state.prelude):
            enough = closed or len(state.run) >= _HELLO_LENGTH or _ALERT.match(state.run)
            return 0 if enough else None
        start = _find_first_record(state)
        if start is None and state.gap is not None:
            start, _ = _find_records(state, closed)
        return start

    def _begin_at(self, side: int, start: int) -> None:
        """A side has shown that the connection is TLS: from `start` in its run."""
        state = self._sides[side]
        self.receiver = self._begin()
        # Where the client began with TLS, so does the server, whatever it says.
        answers = _HELLO_OF_SERVER.match(state.run, start) or _ALERT.match(state.run, start)
        self._all_is_tls = start == 0 and not state.prelude and not answers
        self._open(side, start)
        self._look(1 - side, closed=self._sides[1 - side].ended is not None)

    def _open(self, side: int, start: int) -> None:
        """Hands a side on, from `start` in its run."""
        assert self.receiver is not None
        state = self._sides[side]
        run = bytes(state.run)
        chunks = state.chunks
        gap = state.gap
        state.open = True
        state.prelude += start
        state.run.clear()
        state.chunks = []
        # What is missing before a hello is not of the session, unless the other side began with TLS at once.
        other = self._sides[1 - side]
        at_once = other.open and not other.prelude and other.gap is None
        if gap is not None and (at_once or not _is_hello(run, start)):
            self.receiver.receive_gap(side, gap[0], gap[1])
        for index, (begin, at) in enumerate(chunks):
            end = chunks[index + 1][0] if index + 1 < len(chunks) else len(run)
            if end > start:
                self.receiver.receive_data(side, run[max(begin, start) : end], at)
        if state.ended is not None:
            self.receiver.receive_end(side, None if state.ended is True else state.ended)
        self.settled = all(state.open for state in self._sides)

    def _pass_over(self) -> None:
        self.passed_over = True
        self._sides = (_Side(), _Side())


def _find_records(state: _Side, closed: bool) -> tuple[int | None, int]:
    """The first of records that follow each other, if any; and the position before which there are none.

    In a stream whose beginning is missing they are looked for everywhere, else at the beginnings of chunks.
    """
    run = state.run
    mid_stream = state.gap is not None
    keep = len(run) - _HELLO_LENGTH + 1
    for place in _HEADER.finditer(run, state.scanned) if mid_stream else _at_chunks(state):
        start = place.start()
        headers, end = _follow(run, start)
        if headers > 1 or (headers and mid_stream and start == 0 and (closed or end == len(run))):
            return start, keep
        if headers:
            keep = min(keep, start)
    return None, max(keep, 0)


def _at_chunks(state: _Side) -> list[re.Match[bytes]]:
    """The headers at the beginnings of chunks."""
    matches = (_HEADER.match(state.run, start) for start, _ in state.chunks if start >= 0)
    return [match for match in matches if match is not None]


def _find_hello(state: _Side) -> int | None:
    """The position of the first hello, also an SSLv2-compatible one at the beginning of a chunk."""
    run = state.run
    position = state.scanned
    while True:
        match = _HELLO.search(run, position)
        if match is None:
            break
        if _is_hello(run, match.start()):
            return match.start()
        position = match.start() + 1
    for start, _ in state.chunks:
        if start >= state.scanned and _is_sslv2_hello(run, start):
            return start
    # At the very beginning less will do: a hello in pieces, or an alert in answer to what was no hello.
    if state.chunks and state.chunks[0][0] == 0 and not state.prelude and _follow(run, 0)[0]:
        if run[0] == 0x16 and len(run) > _HEADER_LENGTH and run[_HEADER_LENGTH] in (1, 2):
            return 0
        if _ALERT.match(run):
            return 0
    return None


def _find_first_record(state: _Side) -> int | None:
    """The first record in a direction of a connection that is known to be TLS."""
    run = state.run
    found = _find_hello(state)
    if found is not None:
        return found
    alert = _ALERT.search(run)
    if alert is not None:
        return alert.start()
    return next((place.start() for place in _at_chunks(state) if _follow(run, place.start())[0]), None)


def _is_hello(run: bytes | bytearray, start: int) -> bool:
    """Whether a record at `start` holds the beginning of a hello with lengths that agree."""
    if not _HELLO.match(run, start):
        return _is_sslv2_hello(run, start)
    record = run[start + 3] << 8 | run[start + 4]
    hello = run[start + 7] << 8 | run[start + 8]
    if hello < _MIN_HELLO or not _HELLO_LENGTH - _HEADER_LENGTH <= record <= _MAX_FRAGMENT:
        return False
    if run[start + 5] == 1 and record > hello + 4:  # nothing else is in the record of a ClientHello
        return False
    session_id = start + _SESSION_ID
    return session_id >= len(run) or run[session_id] <= 32


def _is_sslv2_hello(run: bytes | bytearray, start: int) -> bool:
    if len(run) - start < _SSLV2_LENGTH or not _SSLV2_HELLO.match(run, start):
        return False
    length = (run[start] & 0x7F) << 8 | run[start + 1]
    suites, session_id, challenge = (run[start + n] << 8 | run[start + n + 1] for n in (5, 7, 9))
    return (
        length == 9 + suites + session_id + challenge
        and suites > 0
        and suites % 3 == 0
        and session_id in (0, 16, 32)
        and 16 <= challenge <= 32
    )


def _follow(run: bytes | bytearray, start: int) -> tuple[int, int]:
    """Follows record headers from `start`: how many there are, and where the last record ends.

    None, when one that is there is no header.
    """
    count = 0
    while start < len(run):
        if len(run) - start < _HEADER_LENGTH:
            # The beginning of a header, or else no header at all.
            if run[start] not in range(0x14, 0x19) or (len(run) - start > 1 and run[start + 1] != 3):
                return 0, start
            return count, start
        length = run[start + 3] << 8 | run[start + 4]
        if not _HEADER.match(run, start) or not 0 < length <= _MAX_FRAGMENT:
            return 0, start
        count += 1
        start += _HEADER_LENGTH + length
    return count, start
