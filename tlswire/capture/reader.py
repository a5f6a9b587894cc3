"""From capture files to the events of TLS connections.

`CaptureReader` is the whole path: frames, TCP streams, those among them that speak TLS, and a
`Connection` for each. It reads as it is iterated over, keeps only what is open, and gives `(stream,
event)` pairs in the order in which they could be told.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tlswire.capture.dissect import ACK, Fragment
from tlswire.capture.files import Capture, CaptureSource, open_captures
from tlswire.capture.frames import Provenance, RawFrame
from tlswire.capture.limits import CaptureLimits
from tlswire.capture.not_read import SSLV2, NotRead, not_read
from tlswire.capture.openvpn import OpenVPN
from tlswire.capture.pcapng import TLS_KEY_LOG
from tlswire.capture.recognise import Receiver, Recogniser
from tlswire.capture.rsa_process import RSAProcess
from tlswire.capture.stream import SEQUENCE_MASK
from tlswire.capture.tcp import TCPAssembler, TCPConnection
from tlswire.capture.tds import TDS
from tlswire.capture.wrapping import Wrapping
from tlswire.crypto import KeyLogEntry, Secrets, parse_key_log
from tlswire.errors import CaptureError
from tlswire.registry import ProtocolVersion
from tlswire.session import Connection, Event, Handshake, Limits, Record, Role
from tlswire.values import Value, frozen


@frozen
class TCPSegment(Value):
    """A TCP segment as it came (RFC 9293 §3.1).

    `seq` and `ack` are the numbers on the wire, `relative_seq` and `relative_ack` count from the start of each
    direction, as far as that is known; `ack` is None without the ACK flag; `length` is the payload's, in bytes.
    """

    at: Provenance
    tcp_stream: int
    source: str
    destination: str
    flags: int
    seq: int
    ack: int | None
    relative_seq: int
    relative_ack: int | None
    length: int


class TLSStream:
    """A TCP connection that speaks TLS.

    `number` counts TLS connections from 0 in the order in which their first record was complete;
    `tcp_stream` is the TCP connection's number, as Wireshark counts; `addresses` are those of side 0 and
    side 1, with ports; `flow` is the same in bytes: both IP addresses, then both ports; `opener` is the side that sent
    SYN, None where that was not seen;
    `connection` is what the session knows.
    """

    __slots__ = ("_recogniser", "_tcp", "addresses", "connection", "flow", "number", "opener", "tcp_stream")

    def __init__(self, tcp: TCPConnection, connection: Connection, recogniser: Recogniser) -> None:
        self.number = -1  # until the first record
        self.tcp_stream = tcp.number
        self.addresses = (tcp.endpoint(0), tcp.endpoint(1))
        self.flow = tcp.flow
        self.opener = tcp.opener
        self.connection = connection
        self._recogniser = recogniser
        self._tcp = tcp

    def __repr__(self) -> str:
        return f"<TLSStream {self.number}: {self.client} → {self.server}, {self.connection!r}>"

    def role(self, side: int) -> Role:
        """What a side is: what its messages show, else the sender of SYN is the client, else the higher port."""
        return Role.client if self.connection.client_side == side else Role.server

    @property
    def client(self) -> str:
        """The client's address and port."""
        return self.addresses[self.connection.client_side or 0]

    @property
    def server(self) -> str:
        """The server's address and port."""
        return self.addresses[1 - (self.connection.client_side or 0)]

    @property
    def prelude(self) -> tuple[int, int]:
        """How many bytes side 0 and side 1 sent before TLS began: STARTTLS, CONNECT and the like."""
        return self._recogniser.prelude

    @property
    def reset_by(self) -> Role | None:
        """Who has sent a RST, as far as that was seen."""
        return None if self._tcp.reset_by is None else self.role(self._tcp.reset_by)

    @property
    def handshakes(self) -> list[Handshake]:
        """The connection's handshakes, by epoch."""
        return self.connection.handshakes

    @property
    def version(self) -> ProtocolVersion | None:
        """The negotiated version."""
        return self.connection.version

    @property
    def server_name(self) -> str | None:
        """The server name that the client asked for."""
        return self.connection.server_name


class _Watched:
    """A TCP connection in which TLS may be, or is."""

    __slots__ = ("dirty", "held", "receiver", "recogniser", "settled", "stream")

    def __init__(self, begin: Callable[[], Connection], limit: int) -> None:
        self.recogniser = Recogniser(begin, limit)
        # In turn: what looks for a wrapping, what looks for TLS, and the connection, once both directions are its.
        self.receiver: Receiver = OpenVPN(TDS(self.recogniser))
        self.settled = False
        self.stream: TLSStream | None = None
        self.held: list[Event] = []  # what was told before the first record
        self.dirty = False


class CaptureReader:
    """Reads captures as one and follows every TLS connection in them.

    Parameters: `sources`, paths, "-" for standard input, or binary file objects, read one after the other in the order
    of their first frames; `secrets`, what may decrypt; `limits` of the TCP side, and `session_limits` of each
    connection; `keep_messages`, whether handshakes keep their messages when they are over; `segments`, whether
    `segment` shall hold the TCP segment of each frame: `batches` then gives one, perhaps empty, for each of them;
    `both_cores`, whether a forked process may do RSA while this one reads, where that can be had.

    Iterating gives `(stream, event)`; an event of None says that the stream is over.  Raises CaptureError when a
    source cannot be opened; while it is iterated over, where one cannot be read to its end, after everything before
    that was given.
    """

    def __init__(
        self,
        sources: Iterable[CaptureSource],
        *,
        secrets: Secrets | None = None,
        limits: CaptureLimits | None = None,
        session_limits: Limits | None = None,
        keep_messages: bool = False,
        segments: bool = False,
        both_cores: bool = False,
    ) -> None:
        self.segment: TCPSegment | None = None
        self._segments = segments
        self._both_cores = both_cores
        self.secrets = secrets if secrets is not None else Secrets()
        self.notices: Counter[str] = Counter()  # limits of the TCP side that were reached, and how often
        self._session_limits = session_limits
        self._keep_messages = keep_messages
        self._limits = limits if limits is not None else CaptureLimits()
        self._assembler = TCPAssembler(self, self._limits)
        self._sources = list(sources)
        self._files: dict[str, int] = {}
        self._capture: Capture | None = None
        self._bytes_before = 0
        self._told: list[tuple[TLSStream, list[Event] | None]] = []
        self._dirty: list[_Watched] = []
        self._waiting: dict[TLSStream, None] = {}
        self._streams = 0

    def __iter__(self) -> Iterator[tuple[TLSStream, Event | None]]:
        for batch in self.batches():
            for stream, events in batch:
                if events is None:
                    yield stream, None
                else:
                    for event in events:
                        yield stream, event

    def batches(self) -> Iterator[list[tuple[TLSStream, list[Event] | None]]]:
        """The same, together what one frame has made known: streams, and the events of each."""
        if self._both_cores:
            with RSAProcess(self.secrets) as process:
                yield from self._batches(process)
        else:
            yield from self._batches(None)

    def _batches(self, process: RSAProcess | None) -> Iterator[list[tuple[TLSStream, list[Event] | None]]]:
        damage: CaptureError | None = None
        receive, told = self._assembler.receive, self._told
        for capture in open_captures(self._sources, on_secrets=self._add_secrets):
            self._capture, before = capture, self._bytes_before
            if process is not None:
                capture.watch(process.look_at)
            self._files.setdefault(capture.name, len(self._files))
            try:
                for frame in capture.raw_frames():
                    receive(frame)
                    if self._dirty:
                        self._collect()
                    if self._segments:
                        self.segment = self._segment_of(frame)
                    if told or self.segment is not None:
                        yield told[:]
                        told.clear()
            except CaptureError as error:
                damage = damage or error
            self._bytes_before = before + capture.bytes_read
            self._capture = None
        self.segment = None
        self._assembler.finish()
        self._collect()
        if told:
            yield told[:]
            told.clear()
        if damage is not None:
            raise damage

    @property
    def frames(self) -> int:
        """How many frames have been read so far."""
        return self._assembler.frames

    @property
    def not_read(self) -> list[NotRead]:
        """What was seen so far and is not read, in the order in which it was seen first."""
        return sorted(not_read(self._assembler.others), key=lambda one: self.place(one.first))

    @property
    def bytes_read(self) -> int:
        """How many bytes of the sources have been read so far, as they are stored."""
        return self._bytes_before + (self._capture.bytes_read if self._capture is not None else 0)

    @property
    def total_bytes(self) -> int | None:
        """How many bytes the sources have; None where one is no file."""
        total = 0
        for source in self._sources:
            if not isinstance(source, str | os.PathLike) or os.fspath(source) == "-" or not os.path.isfile(source):
                return None
            total += os.path.getsize(source)
        return total

    def settled_before(self) -> tuple[int, int] | None:
        """File and frame (`place`) before which nothing more can be told; None when nothing waits."""
        return min((self.place(at) for stream in self._waiting for at in stream.connection.waits_since), default=None)

    def place(self, at: object) -> tuple[int, int]:
        """Where in the order of the captures a frame stands: the number of its file, and its own."""
        assert isinstance(at, Provenance)
        return self._files[at.file], at.frame

    def _add_secrets(self, secrets_type: int, data: bytes) -> None:
        """Takes what a pcapng file carries of secrets itself (pcapng §4.7)."""
        if secrets_type == TLS_KEY_LOG:
            entries = parse_key_log(data.splitlines())
            self.secrets.add_key_log(entry for entry in entries if isinstance(entry, KeyLogEntry))

    def _segment_of(self, frame: RawFrame) -> TCPSegment | None:
        number, ticks, interface, block, start, end, length = frame
        dissected = interface.dissect(block, start, end, start + length)
        if isinstance(dissected, Fragment):
            dissected = self._assembler.others.whole or dissected
        if not isinstance(dissected, tuple):
            return None
        flow, seq, ack, flags, payload, missing = dissected
        stream = self._assembler.find(flow)
        if stream is None:
            return None
        connection, side = stream.connection, stream.side
        acknowledges = ack if flags & ACK else None
        return TCPSegment(
            Provenance(number, ticks, interface.ticks_per_second, interface.file),
            connection.number,
            connection.endpoint(side),
            connection.endpoint(1 - side),
            flags,
            seq,
            acknowledges,
            _relative(seq, stream.base),
            None if acknowledges is None else _relative(acknowledges, stream.peer.base),
            len(payload) + missing,
        )

    def _collect(self) -> None:
        """Asks the connections that got something what they have to tell."""
        for watched in self._dirty:
            watched.dirty = False
            stream = watched.stream
            if stream is None:
                continue
            events = stream.connection.drain()
            if stream.number < 0:
                events = self._number(watched, stream, events)
            if events:
                self._told.append((stream, events))
            if stream.connection.is_waiting:
                self._waiting[stream] = None
            else:
                self._waiting.pop(stream, None)
        self._dirty.clear()

    def _number(self, watched: _Watched, stream: TLSStream, events: list[Event]) -> list[Event]:
        """Gives a stream its number with its first record; what is told before that is held until then."""
        watched.held += events
        if not any(isinstance(event, Record) for event in events):
            return []
        stream.number = self._streams
        self._streams += 1
        held, watched.held = watched.held, []
        return held

    # What the TCP side says

    def opened(self, connection: TCPConnection, at: Provenance) -> None:
        """A connection was seen for the first time: TLS may be in it."""

        def begin() -> Connection:
            made = Connection(
                self.secrets,
                limits=self._session_limits,
                keep_messages=self._keep_messages,
                client=_likely_client(connection),
            )
            watched.stream = TLSStream(connection, made, watched.recogniser)
            return made

        watched = _Watched(begin, self._limits.prelude)
        connection.context = watched

    def data(self, connection: TCPConnection, side: int, data: bytes, at: Provenance) -> None:
        """The next bytes of a side."""
        watched = connection.context
        assert isinstance(watched, _Watched)
        news = watched.receiver.receive_data(side, data, at)
        if news or not watched.settled:
            self._touch(connection, watched)

    def gap(self, connection: TCPConnection, side: int, length: int | None, at: Provenance) -> None:
        """The next bytes of a side are missing."""
        watched = connection.context
        assert isinstance(watched, _Watched)
        watched.receiver.receive_gap(side, length, at)
        self._touch(connection, watched)

    def end(self, connection: TCPConnection, side: int, at: Provenance) -> None:
        """A side sends no more."""
        watched = connection.context
        assert isinstance(watched, _Watched)
        watched.receiver.receive_end(side, at)
        self._touch(connection, watched)

    def closed(self, connection: TCPConnection, at: Provenance) -> None:
        """The connection is over."""
        watched = connection.context
        assert isinstance(watched, _Watched)
        self._collect()
        stream = watched.stream
        if watched.recogniser.sslv2 is not None:
            assert isinstance(watched.recogniser.sslv2, Provenance)
            self._assembler.others.count(SSLV2, 1, watched.recogniser.sslv2)
        if stream is not None and stream.number >= 0:
            self._told.append((stream, None))

    def limit_reached(
        self, limit: str, value: int, connection: TCPConnection | None, dropped: int, at: Provenance
    ) -> None:
        """A limit of the TCP side was reached."""
        self.notices[limit] += 1

    def _touch(self, connection: TCPConnection, watched: _Watched) -> None:
        if not watched.settled:
            self._settle(connection, watched)
        if not watched.dirty:
            watched.dirty = True
            self._dirty.append(watched)

    @staticmethod
    def _settle(connection: TCPConnection, watched: _Watched) -> None:
        """Takes out of the way of the bytes what has found what it looked for."""
        recogniser = watched.recogniser
        while isinstance(watched.receiver, Wrapping) and watched.receiver.decided and not watched.receiver.found:
            watched.receiver = watched.receiver.target
        if recogniser.passed_over:
            connection.mute()
            watched.settled = True
        elif recogniser.settled and watched.receiver is recogniser:
            assert watched.stream is not None
            watched.receiver = watched.stream.connection
            watched.settled = True


def _relative(number: int, base: int | None) -> int:
    return number if base is None else (number - base) & SEQUENCE_MASK


def _likely_client(connection: TCPConnection) -> int:
    """Who is the client until a hello shows it: the sender of SYN, else the higher port."""
    if connection.opener is not None:
        return connection.opener
    return 0 if connection.port(0) > connection.port(1) else 1
