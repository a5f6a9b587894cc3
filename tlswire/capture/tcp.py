"""TCP connections out of a capture's frames, each a pair of byte streams with holes (RFC 9293).

A segment is found by its `flow`, the bytes of both addresses and ports, in one look-up.  Nearly every
segment then is the one that its stream wants next, and is passed on as it is; all else (reordering,
repetition, holes, the ends) takes the slower way through `ByteStream`.

A hole is given up, and told as a gap, when its bytes cannot come any more: the receiver has acknowledged them
and the capture went on for a while without them; or what waits behind it has reached its limit; or the
connection is over.  Until then it may be filled: reordering is the normal case.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Protocol

from tlswire.capture.dissect import ACK, FIN, RST, SYN
from tlswire.capture.frames import Provenance, RawFrame
from tlswire.capture.limits import CaptureLimits
from tlswire.capture.others import Others
from tlswire.capture.stream import HALF, PIECE_OVERHEAD, SEQUENCE_MASK, SLOW, ByteStream

# A segment farther from the stream than this is not of it, or bytes are missing that nobody can account for.
# The largest window (RFC 7323 §2.3) is 1 GiB, but no sender has this much in flight; and the nearer the line,
# the sooner a connection whose ports were reused unseen is told from the one before.
PLAUSIBLE_DISTANCE = 64 << 20
# Two segments from elsewhere that are this near to each other are where the stream has gone.
STRAYS_DISTANCE = 1 << 20

# The idle time is measured in so many steps, each of which takes some frame: so one wrong time stamp
# cannot end all connections.
IDLE_STEPS = 8

_new = tuple.__new__


class TCPConnection:
    """A TCP connection; side 0 is the sender of its first frame.

    `number` counts from 0 by first frames; `opener` is the side that sent SYN without ACK, if seen;
    `reset_by` a side that sent RST; `context` belongs to the consumer.
    """

    __slots__ = (
        "_assembler", "closed", "closing", "context", "flow", "last_frame", "muted", "number", "opener", "reset_by",
        "streams",
    )  # fmt: skip

    def __init__(self, assembler: TCPAssembler, number: int, flow: bytes) -> None:
        self._assembler = assembler
        self.number = number
        self.flow = flow
        self.opener: int | None = None
        self.reset_by: int | None = None
        self.context: object = None
        self.muted = False
        self.closing = False
        self.closed = False
        self.last_frame = 0
        first, second = ByteStream(self, 0), ByteStream(self, 1)
        first.peer, second.peer = second, first
        self.streams = (first, second)

    def __repr__(self) -> str:
        return f"TCPConnection({self.number}, {self.endpoint(0)}, {self.endpoint(1)})"

    def address(self, side: int) -> str:
        """The IP address of a side."""
        if len(self.flow) == 12:
            return ".".join(map(str, self.flow[side * 4 : side * 4 + 4]))  # 10 times as fast as `ip_address`
        return str(ip_address(self.flow[side * 16 : side * 16 + 16]))

    def port(self, side: int) -> int:
        """The port of a side."""
        ports = self.flow[-4:]
        return int.from_bytes(ports[side * 2 : side * 2 + 2], "big")

    def endpoint(self, side: int) -> str:
        """Address and port: "10.10.10.15:443", "[2001:db8::1]:443"."""
        address = self.address(side)
        return f"[{address}]:{self.port(side)}" if ":" in address else f"{address}:{self.port(side)}"

    def start_seen(self, side: int) -> bool:
        """True when the side's stream is told from its first byte on: its SYN or the answer was seen."""
        return self.streams[side].start_known

    def mute(self) -> None:
        """The consumer wants nothing more of this connection: it is only kept apart from others."""
        self.muted = True
        for stream in self.streams:
            self._assembler.drop_waiting(stream)
            stream.wanted = SLOW


def reverse(flow: bytes) -> bytes:
    """The flow of the other direction."""
    size = 4 if len(flow) == 12 else 16
    return flow[size : 2 * size] + flow[:size] + flow[-2:] + flow[-4:-2]


class Consumer(Protocol):
    """Who gets the streams.  `at` is the frame that made the bytes readable in TCP order."""

    def opened(self, connection: TCPConnection, at: Provenance) -> None:
        """A connection was seen for the first time."""

    def data(self, connection: TCPConnection, side: int, data: bytes, at: Provenance) -> None:
        """The next bytes that a side sent."""

    def gap(self, connection: TCPConnection, side: int, length: int | None, at: Provenance) -> None:
        """The next `length` bytes (None: unknown) that a side sent are not in the capture."""

    def end(self, connection: TCPConnection, side: int, at: Provenance) -> None:
        """The side sends no more, or nothing more of it will be told."""

    def closed(self, connection: TCPConnection, at: Provenance) -> None:
        """The connection is over; both ends were told."""

    def limit_reached(
        self, limit: str, value: int, connection: TCPConnection | None, dropped: int, at: Provenance
    ) -> None:
        """A limit of `CaptureLimits` was reached at a connection (None: at IP fragments); `dropped` bytes were let go
        for it."""


class TCPAssembler:
    """Puts the segments of frames together, and tells a `Consumer`.

    `connections` counts the connections; `others` has the frames in which there is no whole TCP segment; `counts` the
    bytes that were left out of the streams: "repeated", "after_end", or "unrelated" to the stream.
    `waiting` is the memory that waits behind holes, in bytes.
    """

    def __init__(self, consumer: Consumer, limits: CaptureLimits | None = None) -> None:
        self._limits = limits or CaptureLimits()
        self._consumer = consumer
        self._data = consumer.data
        self._streams: dict[bytes, ByteStream] = {}
        self._open: dict[int, TCPConnection] = {}
        self._closing: deque[TCPConnection] = deque()
        self._closed: deque[TCPConnection] = deque()
        self.waiting = 0
        self._frames = 0  # over all captures
        self._frame: RawFrame | None = None
        self._ticks_per_second = 0
        self._step = (0, 0)  # the seconds between which no step of the idle time ends; the same in ticks:
        self._step_from = self._step_at = 0
        self._steps: deque[int] = deque(maxlen=IDLE_STEPS)  # counts of frames
        self.connections = 0
        self.others = Others(self._limits, self._fragments_given_up)
        self.counts: Counter[str] = Counter()

    @property
    def frames(self) -> int:
        """How many frames were received."""
        return self._frames

    def receive_all(self, frames: Iterable[RawFrame]) -> None:
        """Receives frames one after the other."""
        receive = self.receive
        for frame in frames:
            receive(frame)

    def receive(self, frame: RawFrame) -> TCPConnection | None:
        """Receives a frame; gives the connection that it is of, None when there is no TCP in it."""
        number, ticks, interface, block, start, end, length = frame
        self._frame = frame
        self._frames += 1
        ticks_per_second = interface.ticks_per_second
        if ticks_per_second != self._ticks_per_second or not self._step_from <= ticks < self._step_at:
            self._watch_clock(ticks, ticks_per_second)
        found = interface.dissect(block, start, end, start + length)
        if not isinstance(found, tuple):
            whole = self.others.receive(found, frame)
            if whole is None:
                return None
            found = whole
        flow, seq, ack, flags, payload, missing = found
        stream = self._streams.get(flow)
        if stream is None or flags & SYN or stream.base is None:
            stream = self._begin(stream, flow, seq, flags)
            if flags & SYN:
                seq = (seq + 1) & SEQUENCE_MASK
        connection = stream.connection
        connection.last_frame = self._frames
        if payload or missing:
            if seq == stream.wanted and not missing:
                stream.next = position = stream.next + len(payload)
                stream.wanted = position & SEQUENCE_MASK
                at = _new(Provenance, (number, ticks, ticks_per_second, interface.file))
                self._data(connection, stream.side, payload, at)
            elif not connection.muted:
                stream = self._place(stream, seq, payload, missing)
        if flags & ACK:
            stream.acknowledges = ack
            peer = stream.peer
            if not peer.started or 0 < (ack - peer.next) & SEQUENCE_MASK < HALF:
                self._acknowledge(peer, ack, flags)
        if flags & (FIN | RST):
            self._finish(stream, seq + len(payload) + missing, flags)
        return stream.connection

    @property
    def not_read(self) -> Counter[str]:
        """The frames in which no TCP segment could be read, by reason."""
        return self.others.not_read

    def find(self, flow: bytes) -> ByteStream | None:
        """The direction of a connection that a segment with this flow belongs to, as things stand."""
        return self._streams.get(flow)

    def finish(self) -> None:
        """The captures have been read: every connection is over."""
        self.others.finish()
        for connection in list(self._open.values()):
            self._close(connection)

    def drop_waiting(self, stream: ByteStream) -> int:
        """Lets go of what waits behind holes of a stream; gives how many bytes that were."""
        self.waiting -= stream.waiting
        return stream.drop_pending()

    # Beginnings

    def _begin(self, stream: ByteStream | None, flow: bytes, seq: int, flags: int) -> ByteStream:
        """A frame that is the first of a stream, or has SYN: gives the stream that it belongs to."""
        opening = flags & (SYN | ACK) == SYN
        if stream is not None and opening and self._is_reused(stream, seq):
            self._close(stream.connection)
            stream = None
        if stream is None:
            stream = self._new_connection(flow).streams[0]
        if stream.base is None:
            stream.base = seq if flags & SYN else (seq - 1) & SEQUENCE_MASK
        if flags & SYN and seq == stream.base:
            if opening:
                stream.connection.opener = stream.side
            if not stream.started:
                stream.start_known = True
                stream.begin(seq + 1)
        return stream

    @staticmethod
    def _is_reused(stream: ByteStream, seq: int) -> bool:
        """Whether a SYN opens a new connection between the same ports, and is not a repetition."""
        return stream.base is not None and seq != stream.base

    def _new_connection(self, flow: bytes) -> TCPConnection:
        if len(self._open) >= self._limits.open_connections:
            self._close_silent()
        connection = TCPConnection(self, self.connections, flow)
        self.connections += 1
        connection.last_frame = self._frames
        self._open[connection.number] = connection
        first, second = connection.streams
        self._streams[reverse(flow)] = second
        self._streams[flow] = first
        self._consumer.opened(connection, self._at())
        return connection

    # Segments that are not the next one

    def _place(self, stream: ByteStream, seq: int, data: bytes, missing: int) -> ByteStream:
        """Puts a segment where it belongs, and gives the stream that it is of."""
        if stream.pending and not missing and self._reorder(stream, seq, data):
            return stream
        connection = stream.connection
        if connection.closed and abs(stream.unroll(seq) - stream.next) > PLAUSIBLE_DISTANCE:
            # The ports were reused, and the SYN was not captured.
            flow = connection.flow if stream.side == 0 else reverse(connection.flow)
            stream = self._begin(None, flow, seq, ACK)
        if stream.ended:
            self.counts["after_end"] += len(data)
        elif stream.started or self._start(stream, seq, len(data) + missing):
            position = stream.unroll(seq)
            if abs(position - stream.next) > PLAUSIBLE_DISTANCE:
                self._follow(stream, seq, data, missing)
            else:
                self._insert(stream, position, data, missing)
                self._deliver(stream)
        return stream

    def _reorder(self, stream: ByteStream, seq: int, data: bytes) -> bool:
        """Puts a segment between those that wait, or into the hole at the front; False when it does not just fit.

        Nearly all that comes out of order does, and needs none of the questions that `_place` asks.
        """
        pending = stream.pending
        position = stream.unroll(seq)
        end = position + len(data)
        index = bisect_left(pending, (position,))
        if index < len(pending) and pending[index][0] < end:
            return False
        if index:
            if pending[index - 1][1] > position or position - stream.next > PLAUSIBLE_DISTANCE:
                return False
        elif position < stream.next:
            return False
        pending.insert(index, (position, end, data))
        cost = PIECE_OVERHEAD + len(data)
        stream.waiting += cost
        self.waiting += cost
        limits = self._limits
        if (
            position == stream.next
            or stream.waiting > limits.reassembly_window
            or self.waiting > limits.reassembly_total
        ):
            self._deliver(stream)
        return True

    def _start(self, stream: ByteStream, seq: int, size: int) -> bool:
        """Begins a stream whose SYN was not seen, with its first data; False when that is a mere keep-alive.

        What the peer has acknowledged before may be the better beginning, if data is missing from there on.
        """
        hint = stream.next
        if hint:
            distance = stream.unroll(seq) - hint
            if distance == -1 and size <= 1:  # a keep-alive repeats the last byte (RFC 9293 §3.8.4)
                return False
            if 0 <= distance <= PLAUSIBLE_DISTANCE:
                seq = hint
        self._tell_unknown_start(stream)
        stream.begin(seq)
        return True

    def _tell_unknown_start(self, stream: ByteStream) -> None:
        if not stream.start_known and not stream.connection.muted:
            self._consumer.gap(stream.connection, stream.side, None, self._at())

    def _follow(self, stream: ByteStream, seq: int, data: bytes, missing: int) -> None:
        """A segment from elsewhere: the stream goes on there when a second one says the same."""
        stray = stream.stray
        if stray is None or (seq - stray[0]) & SEQUENCE_MASK > STRAYS_DISTANCE:
            if stray is not None:
                self.counts["unrelated"] += len(stray[1])
            stream.stray = (seq, data, missing)
            return
        stream.stray = None
        self._give_up_all(stream)
        self._consumer.gap(stream.connection, stream.side, None, self._at())
        stream.begin(stray[0])
        self._insert(stream, stray[0], stray[1], stray[2])
        self._insert(stream, stream.unroll(seq), data, missing)
        self._deliver(stream)

    def _insert(self, stream: ByteStream, position: int, data: bytes, missing: int) -> None:
        before = stream.waiting
        end = position + len(data)
        added = stream.insert(position, end, data) if data else 0
        if missing:
            added += stream.insert(end, end + missing, None)
        self.waiting += stream.waiting - before
        if added < len(data) + missing:
            self.counts["repeated"] += len(data) + missing - added

    def _deliver(self, stream: ByteStream) -> None:
        """Tells what can be told; gives up holes where too much waits; tells the end where it is reached."""
        self._tell_ready(stream)
        while stream.pending:
            if stream.waiting > self._limits.reassembly_window:
                limit, value = "reassembly_window", self._limits.reassembly_window
            elif self.waiting > self._limits.reassembly_total:
                limit, value = "reassembly_total", self._limits.reassembly_total
            else:
                break
            self._consumer.limit_reached(limit, value, stream.connection, 0, self._at())
            self._give_up(stream, stream.pending[0][0])
        if stream.fin is not None and stream.next >= stream.fin and not stream.ended:
            self._end(stream)
            if stream.peer.ended:
                self._close(stream.connection)

    def _tell_ready(self, stream: ByteStream) -> None:
        if not stream.pending or stream.pending[0][0] > stream.next:
            return
        before = stream.waiting
        ready = stream.take_ready()
        self.waiting += stream.waiting - before
        connection, side, at = stream.connection, stream.side, self._at()
        for start, end, data in ready:
            if connection.muted:
                break
            if data is None:
                self._consumer.gap(connection, side, end - start, at)
            else:
                self._data(connection, side, data, at)

    # Holes

    def _acknowledge(self, stream: ByteStream, ack: int, flags: int) -> None:
        """The peer has acknowledged bytes of a stream that were not told yet."""
        if stream.ended or stream.connection.muted:
            return
        if not stream.started and not stream.next:
            stream.next = ack
            if flags & SYN:
                stream.start_known = True
            elif stream.base is None:
                stream.base = (ack - 1) & SEQUENCE_MASK
            return
        acknowledged = stream.unroll(ack)
        if stream.pending:
            acknowledged = min(acknowledged, stream.pending[0][0])
        elif stream.fin is not None:
            acknowledged = min(acknowledged, stream.fin)
        elif acknowledged == stream.next + 1:
            return  # a FIN that was not captured, most likely
        if not 0 < acknowledged - stream.next <= PLAUSIBLE_DISTANCE:
            return
        hole = stream.hole
        if hole is None or hole[0] != stream.next:
            stream.hole = (stream.next, self._frames)
        elif self._frames - hole[1] > self._limits.acknowledged_patience:
            self._give_up(stream, acknowledged)
            self._deliver(stream)

    def _give_up(self, stream: ByteStream, position: int) -> None:
        """The bytes up to `position` will not come."""
        if not stream.started:
            self._tell_unknown_start(stream)
        if not stream.connection.muted:
            self._consumer.gap(stream.connection, stream.side, position - stream.next, self._at())
        stream.begin(position)
        self._tell_ready(stream)

    def _give_up_all(self, stream: ByteStream) -> None:
        while stream.pending:
            self._give_up(stream, stream.pending[0][0])

    # Ends

    def _finish(self, stream: ByteStream, seq: int, flags: int) -> None:
        """A FIN or RST, the sequence number of which is `seq`."""
        connection = stream.connection
        if connection.closed:
            return
        if flags & RST:
            connection.reset_by = stream.side
        if flags & FIN and stream.fin is None:
            if not stream.started:
                self._start(stream, seq, 0)
            position = stream.unroll(seq)
            if connection.muted or 0 <= position - stream.next <= PLAUSIBLE_DISTANCE:
                stream.fin = position
                stream.wanted = SLOW
                if not connection.muted:
                    self._deliver(stream)
        over = connection.reset_by is not None or (stream.fin is not None and stream.peer.fin is not None)
        if over and not connection.closing and not connection.closed:
            connection.closing = True
            self._closing.append(connection)
            if len(self._closing) > self._limits.closing_connections:
                self._close(self._closing.popleft())

    def _end(self, stream: ByteStream) -> None:
        dropped = self.drop_waiting(stream)
        if dropped:
            self.counts["after_end"] += dropped
        stream.ended = True
        stream.wanted = SLOW
        stream.next += 1  # FIN has a sequence number too
        if not stream.connection.muted:
            self._consumer.end(stream.connection, stream.side, self._at())

    def _close(self, connection: TCPConnection) -> None:
        """Tells what is left of a connection, and keeps no more of it than its addresses."""
        if connection.closed:
            return
        for stream in connection.streams:
            if not stream.ended:
                self._give_up_all(stream)
                self._tell_lost_tail(stream)
                self._end(stream)
            if stream.stray is not None:
                self.counts["unrelated"] += len(stream.stray[1])
                stream.stray = None
        connection.closed = True
        del self._open[connection.number]
        self._consumer.closed(connection, self._at())
        connection.context = None
        self._closed.append(connection)
        if len(self._closed) > self._limits.closed_connections:
            self._forget(self._closed.popleft())

    def _tell_lost_tail(self, stream: ByteStream) -> None:
        """What was sent last may be known from FIN or the peer's acknowledgement alone."""
        if stream.fin is not None:
            lost = stream.fin - stream.next
        elif stream.next and stream.peer.acknowledges is not None:
            lost = stream.unroll(stream.peer.acknowledges) - stream.next
            if lost == 1:  # a FIN that was not captured
                lost = 0
        else:
            lost = 0
        if 0 < lost <= PLAUSIBLE_DISTANCE and not stream.connection.muted:
            self._consumer.gap(stream.connection, stream.side, lost, self._at())

    def _forget(self, connection: TCPConnection) -> None:
        first, second = connection.streams
        for flow, stream in ((connection.flow, first), (reverse(connection.flow), second)):
            if self._streams.get(flow) is stream:
                del self._streams[flow]

    # Silence

    def _watch_clock(self, ticks: int, ticks_per_second: int) -> None:
        """The capture's clock has left a step of the idle time, or a clock of another pace is being read."""
        if ticks_per_second != self._ticks_per_second:
            self._ticks_per_second = ticks_per_second
            self._step_from, self._step_at = (seconds * ticks_per_second for seconds in self._step)
            if self._step_from <= ticks < self._step_at:
                return
        if ticks >= self._step_at:
            if len(self._steps) == IDLE_STEPS:
                self._close_idle(self._steps[0])
            self._steps.append(self._frames)
        length = self._limits.idle_seconds // IDLE_STEPS or 1
        now = ticks // ticks_per_second
        self._step = (now - length, now + length)
        self._step_from, self._step_at = (seconds * ticks_per_second for seconds in self._step)

    def _close_idle(self, since: int) -> None:
        for connection in [c for c in self._open.values() if c.last_frame < since]:
            self._tell_limit("idle_seconds", connection)
            self._close(connection)

    def _close_silent(self) -> None:
        """Closes a sixteenth of the open connections, those that have been silent the longest."""
        silent = sorted(self._open.values(), key=lambda connection: connection.last_frame)
        for connection in silent[: len(silent) // 16 + 1]:
            self._tell_limit("open_connections", connection)
            self._close(connection)

    def _tell_limit(self, limit: str, connection: TCPConnection) -> None:
        if not connection.muted:
            value: int = getattr(self._limits, limit)
            self._consumer.limit_reached(limit, value, connection, 0, self._at())

    def _fragments_given_up(self, limit: str, value: int, dropped: int, at: Provenance) -> None:
        self._consumer.limit_reached(limit, value, None, dropped, at)

    def _at(self) -> Provenance:
        assert self._frame is not None
        number, ticks, interface = self._frame[:3]
        return Provenance(number, ticks, interface.ticks_per_second, interface.file)
