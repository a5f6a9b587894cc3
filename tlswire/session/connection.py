"""A TLS connection as an observer sees it: bytes of both directions in, events out.

Strategy.  Each side is read on its own, as far as it goes without the other: records, then the messages in
them.  Where the meaning of what comes next depends on the other side, the side waits for a milestone of the
handshake; milestones are set once and never taken back, so that it does not matter in which order the bytes of
the two directions come.  The waits also put the messages into the order of the transcript.

    client                                   server
    ClientHello            waits for   ->    the end of the server's flight of the handshake before
    anything that follows  waits for   ->    ServerHelloDone, or the server's Finished (resumption)
                                             ServerHello            waits for   <-  ClientHello
                                             what follows its Done  waits for   <-  the client's Finished

In TLS 1.3 the client's second flight waits for the server's Finished, and for nothing else the server.

A wait ends also when the other side has ended, when both wait for each other (bytes were lost: the client goes
first), and when a side holds more than `Limits.buffered_bytes`.

A connection is made in three layers, a file each: the protection of what the sides send (`protecting`), the handshake
messages (`messages`), and here the turns that the sides take, and the records.
"""

from __future__ import annotations

from collections.abc import Iterator

from tlswire.crypto import Secrets, TrafficProtection
from tlswire.errors import DecodeError, DecodeErrorKind, DecryptError
from tlswire.registry import (
    AlertDescription,
    AlertLevel,
    ContentType,
    HandshakeType,
    ProtocolVersion,
)
from tlswire.schema import (
    Alert,
    HeartbeatMessage,
)
from tlswire.session.events import (
    AlertMessage,
    ApplicationData,
    ChangeCipherSpecMessage,
    Event,
    Heartbeat,
    LimitReached,
    Record,
    Undecryptable,
)
from tlswire.session.handshake import Handshake, Role
from tlswire.session.keys import Refusal
from tlswire.session.limits import Limits
from tlswire.session.messages import MESSAGE_HEAD, Messages, malformed
from tlswire.session.protecting import HANDSHAKE_HEADER, MAX_LOST_RECORDS, Opened
from tlswire.session.reasons import Reason
from tlswire.session.records import APPLICATION_DATA, SSLV2_HEADER_LENGTH, Look
from tlswire.session.side import Side

_APPLICATION_DATA = int(ContentType.application_data)
_SIDES = (0, 1)


class Connection(Messages):
    """Reads both directions of one TLS connection, and follows it through renegotiations.

    Parameters: `secrets`, what may open it, shared among connections; `limits`; `keep_messages`, whether the
    handshakes keep their messages when they are over; `client`, the side to be taken for the client until a
    message shows the roles, or None.

    Never raises on what the peers sent: what cannot be decoded becomes an event that holds the bytes.
    """

    __slots__ = ("__weakref__",)

    def __init__(
        self,
        secrets: Secrets | None = None,
        *,
        limits: Limits | None = None,
        keep_messages: bool = True,
        client: int | None = None,
    ) -> None:
        super().__init__(
            secrets if secrets is not None else Secrets(),
            limits if limits is not None else Limits(),
            keep_messages,
            client,
        )

    def __repr__(self) -> str:
        name = f" to {self.server_name!r}" if self.server_name else ""
        count = len(self.handshakes)
        return f"<Connection{name}: {self.version or 'version unknown'}, {count} handshake{'s' * (count != 1)}>"

    # What goes in

    def receive_data(self, side: int, data: bytes, at: object = None) -> bool:
        """Stores bytes that `side` (0 or 1) sent; False when `events` has nothing new to tell after that.

        Parameters: `data`, of any length; `at`, any object that says where they come from, given back with the
        events.
        """
        if side not in _SIDES:
            raise _no_side(side)
        receiver = self._sides[side]
        inbox = receiver.inbox
        receiver.fresh = True
        if data:
            inbox.add(data if type(data) is bytes else bytes(data), at)
        return inbox.size >= inbox.enough or receiver.blocked

    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None:
        """Stores that bytes of `side` are missing: `length` of them, or an unknown number (None)."""
        if length is not None and length < 0:
            raise ValueError(f"a gap of {length} bytes")
        if side not in _SIDES:
            raise _no_side(side)
        receiver = self._sides[side]
        receiver.fresh = True
        receiver.inbox.add_hole(length, at)

    def receive_end(self, side: int, at: object = None) -> None:
        """Stores that `side` sends no more."""
        if side not in _SIDES:
            raise _no_side(side)
        receiver = self._sides[side]
        receiver.fresh = True
        inbox = receiver.inbox
        if not inbox.ended:
            inbox.ended, inbox.end_at = True, at

    # What comes out

    def events(self) -> Iterator[Event]:
        """What can be told now; each event is given once."""
        return iter(self.drain())

    def drain(self) -> list[Event]:
        """The same as `events`, as a list."""
        self._run()
        events, self._events = self._events, []
        return events

    @property
    def handshakes(self) -> list[Handshake]:
        """The handshakes: 0 is the initial one, n the n-th renegotiation."""
        return self._flow.handshakes

    def role(self, side: int) -> Role | None:
        """What `side` is, as far as messages have shown it."""
        return self._flow.roles[side]

    @property
    def client_side(self) -> int | None:
        """Which side is the client: what messages have shown, or else what was to be assumed."""
        return self._flow.roles.side(Role.client)

    def keys_epoch(self, side: int) -> int:
        """The epoch whose keys protect what `side` sends now; 0 also while nothing is protected."""
        return self._sides[side].keys_epoch

    @property
    def version(self) -> ProtocolVersion | None:
        """The version of the last handshake that negotiated one."""
        return self._version

    @property
    def server_name(self) -> str | None:
        """The server name that the client asked for first (RFC 6066 §3)."""
        return self._server_name

    @property
    def waits_since(self) -> list[object]:
        """The `at` of what each waiting side waits with; empty when nothing waits."""
        return [
            side.handshake_at if side.handshake_data else side.inbox.next_at for side in self._sides if side.blocked
        ]

    @property
    def is_waiting(self) -> bool:
        """True when a side waits with something for the other one."""
        return self._sides[0].blocked or self._sides[1].blocked

    # Taking turns

    def _run(self) -> None:
        first, second = self._sides
        over_before = None
        while True:
            # A side that does not wait for the other one moves by what it got itself.
            moved = False
            for side in self._sides:
                if side.fresh or side.blocked:
                    side.fresh = False
                    moved = self._advance(side) or moved
            if not (first.blocked or second.blocked):
                return
            over = first.exhausted, second.exhausted
            if moved or over != over_before:
                over_before = over
                continue
            if first.blocked and second.blocked:
                # Each waits for what the other has not sent: bytes are missing.
                self._next_in_protocol().forced = True
                continue
            overfull = [
                side for side in self._sides if side.blocked and side.inbox.buffered > self.limits.buffered_bytes
            ]
            if not overfull:
                return
            for side in overfull:
                limit = self.limits.buffered_bytes
                self._tell(LimitReached(side.index, side.inbox.next_at, "buffered_bytes", limit, 0))
                side.gave_up = True

    def _next_in_protocol(self) -> Side:
        """Which of two sides that wait for each other goes on without: the one that speaks first in the protocol.

        That is the client, unless it is behind its hello, and the server's of the same handshake is still to be read.
        """
        first, second = self._sides
        waiting = [side.handshake_data[0] if side.handshake_data else None for side in self._sides]
        if HandshakeType.server_hello in waiting and HandshakeType.client_hello not in waiting:
            server = self._sides[waiting.index(HandshakeType.server_hello)]
            if self._flow.target(server, HandshakeType.server_hello) <= self._sides[1 - server.index].epoch:
                return server
        return second if second.role is Role.client else first

    def _advance(self, side: Side) -> bool:
        """Reads a side as far as it goes; tells whether anything was taken."""
        moved = False
        inbox = side.inbox
        while True:
            if side.is_steady and self._take_run(side):
                if inbox.size < inbox.enough and not (inbox.run_is_closed or side.handshake_data or side.taken):
                    side.blocked = side.forced = False
                    return True
            elif not self._step(side):
                return moved
            moved = True
            side.forced = False

    def _step(self, side: Side) -> bool:
        """Takes one message or one record of a side; False when there is none, or it has to wait."""
        side.blocked = False
        data = side.handshake_data
        if len(data) >= HANDSHAKE_HEADER:
            length = int.from_bytes(data[1:HANDSHAKE_HEADER], "big") + HANDSHAKE_HEADER
            if length > self.limits.handshake_message:
                self._drop_message(side, length)
                return True
            if len(data) >= length:
                msg_type = HandshakeType.of(data[0])
                if not (self._flow.message_may_go_on(side, msg_type) or self._waits_no_more(side)):
                    side.blocked = True
                    return False
                raw = bytes(data[:length])
                del data[:length]
                self._take_message(side, msg_type, raw)
                return True
        if side.taken:
            record = side.taken.pop()
            side.at, side.offset = record.at, record.offset
            self._tell(record)
            self._read_record(side, record, None)
            return True
        inbox = side.inbox
        if inbox.size < inbox.enough and not inbox.run_is_closed:
            return False
        look = side.reader.look()
        if look is Look.record:
            content_type = side.reader.content_type
            changed = not side.protected and self._has_changed(side)
            if not (self._flow.record_may_go_on(side, content_type, changed=changed) or self._waits_no_more(side)):
                side.blocked = True
                return False
            self._take_record(side, changed)
            return True
        if look is Look.hole:
            self._take_hole(side)
            return True
        if look is Look.end and data:
            self._cut_message(side, "the end of the message before the end of the stream")
            return True
        return False

    def _waits_no_more(self, side: Side) -> bool:
        return side.forced or side.gave_up or self._sides[1 - side.index].exhausted

    # Records, and what is in them

    def _take_run(self, side: Side) -> bool:
        """Takes the application data at the front of a side of which nothing is in doubt; False when there is none.

        It is the same that `_step` does for each record, without the questions whose answers are known.
        """
        assert side.protection is not None
        unprotect = side.protection.unprotect
        inner = side.protection if isinstance(side.protection, TrafficProtection) else None
        index, epoch = side.index, side.keys_epoch
        records = side.reader.take_run(APPLICATION_DATA, epoch, True)
        if not records:
            return False
        if records[0].offset != side.passed:  # something before them was no record
            self._pass_over(side, records[0].offset)
            side.passed = side.inbox.offset
            side.taken = records[::-1]
            return True
        side.passed = side.inbox.offset
        plaintexts: list[bytes] = []
        other: bytes | None = None  # what the first record holds that has other content, as those of TLS 1.3 may
        try:
            for record in records:
                plaintext = unprotect(_APPLICATION_DATA, record.version, record.fragment)
                if inner is not None and inner.content_type != _APPLICATION_DATA:
                    other = plaintext
                    break
                plaintexts.append(plaintext)
        except DecryptError:
            pass
        opened = len(plaintexts)
        verdict = self._flow.handshakes[epoch].verdicts[index]
        verdict.records += opened
        verdict.decrypted += opened
        tell = self._events.append
        for record, plaintext in zip(records, plaintexts, strict=False):
            tell(record)
            tell(ApplicationData(index, record.at, epoch, True, plaintext))
        if opened < len(records) and inner is not None and other is None:
            side.taken = records[opened:][::-1]  # it may be under the next keys
        elif opened < len(records):
            first = records[opened]
            side.at = first.at
            side.taken = records[:opened:-1]
            self._tell(first)
            if other is not None:
                self._read_record(side, first, other)
            else:
                self._failed(side)
                verdict.records += 1
                self._stays_encrypted(side, first)
        else:
            side.at = records[-1].at
        return True

    def _take_record(self, side: Side, changed: bool) -> None:
        reader = side.reader
        content_type, version, header_length = reader.content_type, reader.version, reader.header_length
        fragment, offset, at = reader.take()
        side.at, side.offset = at, offset
        if side.protected or side.trials:
            self._pass_over(side, offset)
        opened: Opened = None
        if side.lost_records or (changed and content_type == ContentType.handshake):
            opened = self._open_pending(side, content_type, version, fragment, offset)
            if opened is not None:
                changed = False
            elif changed and content_type == ContentType.handshake:
                changed = self._seems_protected(side, fragment)
        if changed:
            tried = side.trials
            self._change(side, self._flow.target(side, None))
            if side.holed:
                side.seek = MAX_LOST_RECORDS
                if side.inflate is not None:
                    side.inflate.lose()
            if tried and side.refusal is None:
                side.trials, opened = tried, False
                self._failed(side)
        elif side.protected and self._is_second_hello(side, content_type, fragment):
            side.protected, side.protection, side.traffic, side.refusal = False, None, None, None
        side.passed, side.hole_begins = side.inbox.offset, None
        epoch, protected = side.keys_epoch, side.protected
        record = Record(side.index, at, offset, header_length, content_type, version, fragment, epoch, protected)
        self._tell(record)
        self._read_record(side, record, opened)
        side.behind_hole = False

    def _read_record(self, side: Side, record: Record, opened: Opened) -> None:
        """Tells what is in a record; `opened` is what `_open_pending` gave."""
        at, content_type, protected = record.at, record.content_type, record.protected
        plaintext: bytes | None = record.fragment
        if side.unproved_mac is not None:
            protected = False
            plaintext = self._read_unproved(side, record, side.unproved_mac)
        elif protected:
            current = self._flow.handshake(side.keys_epoch)
            if content_type == ContentType.change_cipher_spec and current.is_tls13:
                protected = False  # RFC 8446 §5: it comes in the clear, and means nothing
            elif content_type == ContentType.change_cipher_spec and current.may_be_tls13 and plaintext == b"\x01":
                # No ServerHello was read; but this is not encrypted, so it is TLS 1.3.
                self._tell(ChangeCipherSpecMessage(side.index, at, side.keys_epoch, False, plaintext))
                return
            else:
                plaintext = self._open(side, record, opened)
                if isinstance(side.protection, TrafficProtection):
                    content_type = side.protection.content_type
        if plaintext is None:
            return
        if content_type == ContentType.application_data:
            if side.protected:
                self._tell(ApplicationData(side.index, at, side.keys_epoch, protected, plaintext))
            else:
                error = malformed("a ChangeCipherSpec before application data", "none")
                self._tell_malformed(side, ContentType.application_data, None, plaintext, error, at, protected)
        elif content_type == ContentType.handshake:
            if record.header_length == SSLV2_HEADER_LENGTH:
                self._take_sslv2_hello(side, plaintext, at)
            else:
                self._take_fragment(side, plaintext, at, protected)
        elif content_type == ContentType.change_cipher_spec:
            self._take_change_cipher_spec(side, plaintext, at, protected)
        elif content_type == ContentType.alert:
            self._take_alerts(side, plaintext, at, protected)
        elif content_type == ContentType.heartbeat:
            self._take_heartbeat(side, plaintext, at, protected)
        else:  # what TLS 1.3 has hidden is none that is known, or nothing but padding (RFC 8446 §5.4)
            error = malformed("a content type", str(content_type))
            self._tell_malformed(side, ContentType.of(content_type), None, plaintext, error, at, protected)

    def _has_changed(self, side: Side) -> bool:
        """Whether the record at the front of a side that has sent no ChangeCipherSpec is protected all the same.

        In TLS 1.3, and where the ChangeCipherSpec was lost or sent before the capture began.
        """
        content_type = side.reader.content_type
        if side.reader.header_length == SSLV2_HEADER_LENGTH:
            return False
        handshake = self._flow.known(side.epoch)
        if handshake is not None and handshake.is_tls13:
            return content_type == ContentType.application_data
        if content_type == ContentType.application_data and handshake is not None and handshake.may_be_tls13:
            return True
        whole = handshake is not None and side.role is not None and handshake.hello_read[side.role]
        if whole and not side.lost_records:
            return False
        if content_type == ContentType.handshake and side.reader.length and not side.handshake_data:
            return not self._begins_message(side, side.reader.head(MESSAGE_HEAD), side.reader.length)
        if content_type == ContentType.alert:
            return side.reader.length != 2
        if content_type == ContentType.change_cipher_spec:
            return side.reader.length != 1 and side.holed
        return content_type == ContentType.application_data

    def _take_hole(self, side: Side) -> None:
        rest = self._rest_of_message(side) - side.inbox.size
        gap, lost_records, begins = side.reader.take_hole()
        if side.hole_begins is None:
            side.hole_begins = begins
        if gap.length is not None and gap.length < rest:
            lost_records = False  # at most the middle of a message, and no ChangeCipherSpec behind it
        self._lose_place(side, "the end of the message; it lies in a gap")
        self._tell(gap)
        side.holed = side.behind_hole = True
        side.lost_records = side.lost_records or lost_records
        if side.inflate is not None:
            side.inflate.lose()
        if side.unproved_mac is not None and lost_records:
            self._distrust(side, self._flow.handshake(side.keys_epoch))
        if side.protected and gap.length is None:
            self._skip(side, None)

    def _open(self, side: Side, record: Record, opened: Opened) -> bytes | None:
        """The plaintext of a protected record; None, after telling why, when there is none."""
        plaintext = None if opened is False else opened
        if side.refusal is None and opened is None:
            plaintext = self._unprotect(side, record.content_type, record.version, record.fragment)
        verdict = self._flow.handshake(side.keys_epoch).verdicts[side.index]
        verdict.records += 1
        if side.refusal is None:
            if plaintext is not None and side.inflate is not None:
                plaintext = side.inflate(plaintext)
                if plaintext is None:  # its state is lost until the next epoch
                    side.refusal = Refusal(Reason.gap if side.holed else Reason.mac_failed, {"check": "DEFLATE"})
            if plaintext is not None:
                verdict.decrypted += 1
                return plaintext
        self._stays_encrypted(side, record)
        return None

    def _stays_encrypted(self, side: Side, record: Record) -> None:
        """Tells why a record has no plaintext."""
        at, content_type, epoch = record.at, record.content_type, side.keys_epoch
        if side.refusal is not None:
            refusal = side.refusal
        elif side.traffic is not None and not side.traffic.is_known:
            refusal = side.traffic.refusal()
        else:
            refusal = self._otherwise(side) or Refusal(Reason.gap if side.holed else Reason.mac_failed)
        verdict = self._flow.handshake(epoch).verdicts[side.index]
        verdict.refuse(refusal.reason, {"at": at, "offset": record.offset, **refusal.evidence})
        if content_type == ContentType.change_cipher_spec and self._is_to_change(side):
            epoch = self._change_unread(side)
        elif side.refusal is None:
            self._lose_place(side, "the end of the message; it did not verify")
        length = len(record.fragment)
        self._tell(Undecryptable(side.index, at, epoch, ContentType.of(content_type), length, refusal.reason))

    def _read_unproved(self, side: Side, record: Record, mac_length: int) -> bytes | None:
        """What a record holds whose cipher is NULL, where no key proves its MAC: nothing was hidden."""
        content_type, fragment = record.content_type, record.fragment
        plaintext: bytes | None = fragment[: max(0, len(fragment) - mac_length)]
        if plaintext is not None and side.inflate is not None:
            plaintext = side.inflate(plaintext)
        if side.finished_due:
            # That nothing is encrypted, the Finished has to show; the suite itself was not proved by anything.
            side.finished_due = False
            if content_type != ContentType.handshake or not _reads_as_finished(plaintext):
                self._distrust(side, self._flow.handshake(side.keys_epoch))
                return self._open(side, record, None)
        if plaintext is None:
            error = malformed("DEFLATE of at most 2^14 bytes (RFC 3749)", f"{len(fragment)} bytes")
            self._tell_malformed(side, ContentType.of(content_type), None, fragment, error, record.at, protected=False)
        return plaintext

    def _take_change_cipher_spec(self, side: Side, raw: bytes, at: object, protected: bool) -> None:
        epoch = self._flow.target(side, None)
        handshake = self._flow.handshake(epoch) if epoch == side.epoch or side.holed else self._flow.known(epoch)
        if raw != b"\x01":
            error = malformed("the byte 1", raw[:16].hex() or "nothing")
            self._tell_malformed(side, ContentType.change_cipher_spec, None, raw, error, at, protected)
            return
        self._tell(ChangeCipherSpecMessage(side.index, at, epoch, protected, raw))
        if handshake is None or (side.protected and not side.holed and epoch != side.epoch):
            self._violated(side, side.epoch, "ChangeCipherSpec outside of a handshake", "RFC 5246 §7.1")
            return
        if handshake.is_tls13:
            return
        if side.handshake_data:
            self._violated(side, epoch, "ChangeCipherSpec inside a handshake message", "RFC 5246 §7.1")
            self._cut_message(side, "the end of the message before ChangeCipherSpec")
        if side.protected:
            self._pass_finished(side, self._flow.handshake(side.keys_epoch))  # if it was not read, it is lost
        self._change(side, epoch)

    def _take_alerts(self, side: Side, raw: bytes, at: object, protected: bool) -> None:
        # Where the ChangeCipherSpec of a NULL suite was lost, a MAC is behind the alert.
        if not raw or len(raw) % 2 or (len(raw) > 2 and not all(AlertLevel.of(level).is_known for level in raw[::2])):
            error = DecodeError(DecodeErrorKind.truncated, "alert", len(raw), 2, len(raw) % 2)
            self._tell_malformed(side, ContentType.alert, None, raw, error, at, protected)
            return
        for position in range(0, len(raw), 2):
            alert = Alert.decode(raw[position : position + 2])
            self._tell(AlertMessage(side.index, at, side.keys_epoch, protected, alert))
            if alert.description is AlertDescription.no_renegotiation:
                self._take_refusal(side)

    def _take_refusal(self, side: Side) -> None:
        """Takes that a side will not renegotiate (RFC 5246 §7.2.2)."""
        if side.role is Role.server:
            self._flow.refuse(side)
        else:
            self._count_request(self._flow.target(side, HandshakeType.client_hello), -1)

    def _take_heartbeat(self, side: Side, raw: bytes, at: object, protected: bool) -> None:
        try:
            message = HeartbeatMessage.decode(raw)
        except DecodeError as error:
            self._tell_malformed(side, ContentType.heartbeat, None, raw, error, at, protected)
            return
        self._tell(Heartbeat(side.index, at, side.keys_epoch, protected, message))


def _no_side(side: int) -> ValueError:
    return ValueError(f"a connection has the sides 0 and 1, not {side!r}")


def _reads_as_finished(plaintext: bytes | None) -> bool:
    """Whether a record holds a Finished and nothing else: 12 bytes, in SSL 3.0 36 (RFC 5246 §7.4.9)."""
    return plaintext is not None and (plaintext[:4], len(plaintext)) in (
        (b"\x14\x00\x00\x0c", 16),
        (b"\x14\x00\x00\x24", 40),
    )
