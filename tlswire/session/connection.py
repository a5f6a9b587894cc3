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

A wait ends also when the other side has ended, when both wait for each other (bytes were lost: the client goes
first), and when a side holds more than `Limits.buffered_bytes`.

Protection is pending until ChangeCipherSpec makes it current; the first record under it proves which of the
candidate master secrets is the right one.  Nothing is shown that no MAC, tag or Finished has proved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tlswire.crypto import RecordProtection, Secrets, SessionState, verify_data
from tlswire.errors import DecodeError, DecodeErrorKind, DecryptError
from tlswire.registry import (
    AlertDescription,
    CipherSuite,
    CompressionMethod,
    ContentType,
    HandshakeType,
    ProtocolVersion,
)
from tlswire.schema import (
    Alert,
    ClientHello,
    Finished,
    HeartbeatMessage,
    NewSessionTicket,
    ServerHello,
    ServerHelloTLS13Draft,
    SSLv2ClientHello,
    decode_body,
)
from tlswire.session.events import (
    AlertMessage,
    ApplicationData,
    ChangeCipherSpecMessage,
    Event,
    HandshakeMessage,
    Heartbeat,
    LimitReached,
    Malformed,
    ProtocolViolation,
    Record,
    Undecryptable,
)
from tlswire.session.flow import SENDERS, Flow
from tlswire.session.handshake import FinishedCheck, Handshake, Role, Roles
from tlswire.session.keys import Candidate, Keys, Refusal, find_keys
from tlswire.session.limits import Limits
from tlswire.session.reasons import Reason
from tlswire.session.records import SSLV2_HEADER_LENGTH, Look
from tlswire.session.side import Inflate, Side
from tlswire.wire import Message, Unresolved

_HANDSHAKE_HEADER = 4  # bytes: msg_type and length (RFC 5246 §7.4)
_MAX_LOST_RECORDS = 1024  # how far sequence numbers are tried forward behind a hole; a trial costs some 3 us
_MAX_FAILURES = 16  # records in a row that may fail to verify before no more are tried


class Connection:
    """Reads both directions of one TLS connection, and follows it through renegotiations.

    Parameters: `secrets`, what may open it, shared among connections; `limits`; `keep_messages`, whether the
    handshakes keep their messages when they are over; `client`, the side to be taken for the client until a
    message shows the roles, or None.

    Never raises on what the peers sent: what cannot be decoded becomes an event that holds the bytes.
    """

    def __init__(
        self,
        secrets: Secrets | None = None,
        *,
        limits: Limits | None = None,
        keep_messages: bool = True,
        client: int | None = None,
    ) -> None:
        self.secrets = secrets if secrets is not None else Secrets()
        self.limits = limits if limits is not None else Limits()
        self._keep_messages = keep_messages
        self._events: list[Event] = []
        self._flow = Flow(Roles(client), self.limits.handshakes)
        self._sides = (Side(0, self.limits, self._tell), Side(1, self.limits, self._tell))
        self._version: ProtocolVersion | None = None
        self._server_name: str | None = None
        self._requests = Counter[int]()  # by the epoch that they ask for: HelloRequests that were not refused

    def __repr__(self) -> str:
        name = f" to {self.server_name!r}" if self.server_name else ""
        count = len(self.handshakes)
        return f"<Connection{name}: {self.version or 'version unknown'}, {count} handshake{'s' * (count != 1)}>"

    # What goes in

    def receive_data(self, side: int, data: bytes, at: object = None) -> None:
        """Stores bytes that `side` (0 or 1) sent.

        Parameters: `data`, of any length; `at`, any object that says where they come from, given back with the
        events.
        """
        if data:
            self._sides[_checked(side)].inbox.add(bytes(data), at)

    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None:
        """Stores that bytes of `side` are missing: `length` of them, or an unknown number (None)."""
        if length is not None and length < 0:
            raise ValueError(f"a gap of {length} bytes")
        self._sides[_checked(side)].inbox.add_hole(length, at)

    def receive_end(self, side: int, at: object = None) -> None:
        """Stores that `side` sends no more."""
        inbox = self._sides[_checked(side)].inbox
        if not inbox.ended:
            inbox.ended, inbox.end_at = True, at

    # What comes out

    def events(self) -> Iterator[Event]:
        """What can be told now; each event is given once."""
        self._run()
        events = self._events[:]
        self._events.clear()
        return iter(events)

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

    # Taking turns

    def _tell(self, event: Event) -> None:
        self._events.append(event)

    def _run(self) -> None:
        first, second = self._sides
        while True:
            over = first.exhausted, second.exhausted
            moved = self._advance(first)
            moved = self._advance(second) or moved
            if moved or over != (first.exhausted, second.exhausted):
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

        That is the client, unless it is behind its hello, and the server's is still to be read.
        """
        first, second = self._sides
        waiting = [side.handshake_data[0] if side.handshake_data else None for side in self._sides]
        if HandshakeType.server_hello in waiting and HandshakeType.client_hello not in waiting:
            return self._sides[waiting.index(HandshakeType.server_hello)]
        return second if second.role is Role.client else first

    def _advance(self, side: Side) -> bool:
        """Reads a side as far as it goes; tells whether anything was taken."""
        moved = False
        while self._step(side):
            moved = True
            side.forced = False
        return moved

    def _step(self, side: Side) -> bool:
        """Takes one message or one record of a side; False when there is none, or it has to wait."""
        side.blocked = False
        data = side.handshake_data
        if len(data) >= _HANDSHAKE_HEADER:
            length = int.from_bytes(data[1:_HANDSHAKE_HEADER], "big") + _HANDSHAKE_HEADER
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

    # Records

    def _take_record(self, side: Side, changed: bool) -> None:
        reader = side.reader
        content_type, version, header_length = reader.content_type, reader.version, reader.header_length
        fragment, offset, at = reader.take()
        side.at = at
        index = side.index
        if changed:
            self._change(side, self._flow.target(side, None))
            if side.holed:
                side.seek = _MAX_LOST_RECORDS
                if side.inflate is not None:
                    side.inflate.lose()
        elif side.refusal is not None and self._is_second_hello(side, content_type, fragment):
            side.protected, side.refusal = False, None
        opened = self._open_pending(side, content_type, version, fragment) if side.lost_records else None
        protected = side.protected
        self._tell(
            Record(index, at, offset, header_length, content_type, version, fragment, side.keys_epoch, protected)
        )
        plaintext: bytes | None = fragment
        if side.unproved_mac is not None:
            protected = False
            plaintext = self._read_unproved(side, content_type, fragment, offset, at, side.unproved_mac)
        elif protected:
            if content_type == ContentType.change_cipher_spec and self._flow.handshake(side.keys_epoch).is_tls13:
                protected = False  # RFC 8446 §5: it comes in the clear, and means nothing
            else:
                plaintext = self._open(side, content_type, version, fragment, offset, at, opened)
        if plaintext is None:
            return
        if content_type == ContentType.application_data:
            if side.protected:
                self._tell(ApplicationData(index, at, side.keys_epoch, protected, plaintext))
            else:
                error = _malformed("a ChangeCipherSpec before application data", "none")
                self._tell_malformed(side, ContentType.application_data, None, plaintext, error, at, protected)
        elif content_type == ContentType.handshake:
            if header_length == SSLV2_HEADER_LENGTH:
                self._take_sslv2_hello(side, plaintext, at)
            else:
                self._take_fragment(side, plaintext, at, protected)
        elif content_type == ContentType.change_cipher_spec:
            self._take_change_cipher_spec(side, plaintext, at, protected)
        elif content_type == ContentType.alert:
            self._take_alerts(side, plaintext, at, protected)
        else:
            self._take_heartbeat(side, plaintext, at, protected)

    def _has_changed(self, side: Side) -> bool:
        """Whether the record at the front of a side that has sent no ChangeCipherSpec is protected all the same.

        In TLS 1.3, and where the ChangeCipherSpec was lost or sent before the capture began.
        """
        content_type = side.reader.content_type
        handshake = self._flow.known(side.epoch)
        if handshake is not None and handshake.is_tls13:
            return content_type == ContentType.application_data
        whole = handshake is not None and side.role is not None and handshake.hello_read[side.role]
        if whole and not side.lost_records:
            return False
        if content_type == ContentType.handshake and side.reader.length and not side.handshake_data:
            return not self._begins_message(side.reader.head(_HANDSHAKE_HEADER), side.reader.length)
        if content_type == ContentType.alert:
            return side.reader.length != 2
        return content_type == ContentType.application_data

    def _is_second_hello(self, side: Side, content_type: int, fragment: bytes) -> bool:
        """Whether a ClientHello comes in the clear behind a ChangeCipherSpec.

        TLS 1.3 answers a HelloRetryRequest so (RFC 8446 §4.1.2, App. D.4); where that one lies in a gap, the hello
        itself has to show it: it repeats the random of the first.
        """
        if content_type != ContentType.handshake or fragment[:1] != b"\x01":
            return False
        handshake = self._flow.handshake(side.keys_epoch)
        first = handshake.client_hello
        random = fragment[_HANDSHAKE_HEADER + 2 : _HANDSHAKE_HEADER + 34]
        if first is None or handshake.hello_read[Role.server] or first.random != random:
            return False
        handshake.hello_retry = True
        handshake.flight_done[Role.client] = False
        return True

    def _take_hole(self, side: Side) -> None:
        rest = self._rest_of_message(side) - side.inbox.size
        gap, lost_records = side.reader.take_hole()
        if gap.length is not None and gap.length < rest:
            lost_records = False  # at most the middle of a message, and no ChangeCipherSpec behind it
        self._lose_place(side, "the end of the message; it lies in a gap")
        self._tell(gap)
        side.holed = True
        side.lost_records = side.lost_records or lost_records
        if side.inflate is not None:
            side.inflate.lose()
        if side.unproved_mac is not None and lost_records:
            self._distrust(side, self._flow.handshake(side.keys_epoch))
        if side.protected:
            most = _MAX_LOST_RECORDS if gap.length is None else gap.length // 5 + 1
            side.seek = min(side.seek + most, _MAX_LOST_RECORDS)

    def _lose_place(self, side: Side, expected: str) -> None:
        """Takes that handshake bytes were lost: what comes is not the rest of the message that was begun."""
        self._cut_message(side, expected)
        side.astray = True
        handshake = self._flow.known(side.epoch)
        if handshake is not None and side.role is not None and not handshake.flight_done[side.role]:
            handshake.lose(side.role)

    def _rest_of_message(self, side: Side) -> int:
        """How many bytes are still to come of the handshake message that is being put together, as it says."""
        data = side.handshake_data
        if len(data) < _HANDSHAKE_HEADER:
            return side.skip
        return int.from_bytes(data[1:_HANDSHAKE_HEADER], "big") + _HANDSHAKE_HEADER - len(data)

    # Protection

    def _open_pending(self, side: Side, content_type: int, version: int, fragment: bytes) -> bytes | None:
        """The plaintext of a record under the keys of the handshake that runs, whose ChangeCipherSpec may lie in a gap.

        None, and nothing changed, where they do not verify it.
        """
        if side.protection is None or side.role is None or not side.may_have_changed:
            return None
        handshake = self._flow.handshake(side.epoch)
        keys = self._keys_of(side, handshake)
        if isinstance(keys, Refusal):
            return None
        if not side.trials:
            side.trials = keys.afresh(handshake, side.role)  # those of a ChangeCipherSpec stay as they are
        for candidate, trial in side.trials:
            try:
                plaintext = trial.unprotect(content_type, version, fragment, side.seek)
            except DecryptError:
                continue
            self._change(side, side.epoch)
            if side.inflate is not None:
                side.inflate.lose()
            self._settle(side, candidate, trial, content_type)
            return plaintext
        return None

    def _open(
        self,
        side: Side,
        content_type: int,
        version: int,
        fragment: bytes,
        offset: int,
        at: object,
        opened: bytes | None,
    ) -> bytes | None:
        """The plaintext of a protected record; None, after telling why, when there is none."""
        verdict = self._flow.handshake(side.keys_epoch).verdicts[side.index]
        verdict.records += 1
        if side.refusal is None:
            plaintext = opened if opened is not None else self._unprotect(side, content_type, version, fragment)
            if plaintext is not None and side.inflate is not None:
                plaintext = side.inflate(plaintext)
                if plaintext is None:  # its state is lost until the next epoch
                    side.refusal = Refusal(Reason.gap if side.holed else Reason.mac_failed, {"check": "DEFLATE"})
            if plaintext is not None:
                verdict.decrypted += 1
                return plaintext
        if side.refusal is not None:
            refusal = side.refusal
        elif side.holed:
            refusal = Refusal(Reason.gap)
        else:
            refusal = Refusal(Reason.mac_failed)
        verdict.refuse(refusal.reason, {"at": at, "offset": offset, **refusal.evidence})
        epoch = side.keys_epoch
        if content_type == ContentType.change_cipher_spec and self._is_to_change(side):
            epoch = self._change_unread(side)
        elif side.refusal is None:
            self._lose_place(side, "the end of the message; it did not verify")
        self._tell(Undecryptable(side.index, at, epoch, ContentType.of(content_type), len(fragment), refusal.reason))
        return None

    def _distrust(self, side: Side, handshake: Handshake) -> None:
        """Takes that the records of a NULL suite without a key cannot be told from encrypted ones any more."""
        assert isinstance(handshake.keys, Refusal)
        side.unproved_mac, side.refusal = None, handshake.keys
        self._pass_finished(side, handshake)

    def _is_to_change(self, side: Side) -> bool:
        """Whether a record that is no readable ChangeCipherSpec, and says in the clear that it is one, may be one.

        Where all before it was read and no handshake has begun, its header was changed on the way.
        """
        if side.refusal is not None or side.holed:
            return True
        begun = self._flow.known(side.keys_epoch + 1)
        return begun is not None and side.role is not None and begun.hello_read[side.role]

    def _read_unproved(
        self, side: Side, content_type: int, fragment: bytes, offset: int, at: object, mac_length: int
    ) -> bytes | None:
        """What a record holds whose cipher is NULL, where no key proves its MAC: nothing was hidden."""
        plaintext: bytes | None = fragment[: max(0, len(fragment) - mac_length)]
        if plaintext is not None and side.inflate is not None:
            plaintext = side.inflate(plaintext)
        if side.finished_due:
            # That nothing is encrypted, the Finished has to show; the suite itself was not proved by anything.
            side.finished_due = False
            if content_type != ContentType.handshake or not _reads_as_finished(plaintext):
                handshake = self._flow.handshake(side.keys_epoch)
                self._distrust(side, handshake)
                return self._open(side, content_type, 0, fragment, offset, at, None)
        if plaintext is None:
            error = _malformed("DEFLATE of at most 2^14 bytes (RFC 3749)", f"{len(fragment)} bytes")
            self._tell_malformed(side, ContentType.of(content_type), None, fragment, error, at, protected=False)
        return plaintext

    def _unprotect(self, side: Side, content_type: int, version: int, fragment: bytes) -> bytes | None:
        """Tries what may open a record; None when nothing does."""
        protection = side.protection
        if protection is not None:
            try:
                plaintext = protection.unprotect(content_type, version, fragment, side.seek)
            except DecryptError:
                self._failed(side)
                return None
            if side.holed and content_type == ContentType.application_data:
                self._pass_finished(side, self._flow.handshake(side.keys_epoch))  # it lies in the gap
            side.seek = side.failures = 0
            if side.lost_records:
                side.lost_records, side.trials = False, []  # so no ChangeCipherSpec was among them
            return plaintext
        for candidate, trial in side.trials:
            try:
                plaintext = trial.unprotect(content_type, version, fragment, side.seek)
            except DecryptError:
                continue
            self._settle(side, candidate, trial, content_type)
            return plaintext
        if side.holed:
            self._failed(side)
        else:
            handshake = self._flow.handshake(side.keys_epoch)
            guessed = all(candidate.guessed for candidate, _ in side.trials)
            side.refusal = Refusal(
                Reason.wrong_key if guessed else Reason.mac_failed,
                {"tried": [candidate.origin for candidate, _ in side.trials]},
            )
            self._pass_finished(side, handshake)
        return None

    def _settle(self, side: Side, candidate: Candidate, protection: RecordProtection, content_type: int) -> None:
        """Takes that a record was verified: so these are a side's keys."""
        side.protection, side.trials = protection, []
        side.seek = side.failures = 0
        side.lost_records = False
        self._prove(side, candidate)
        if content_type == ContentType.application_data:
            self._pass_finished(side, self._flow.handshake(side.keys_epoch))  # it lies in a gap

    def _failed(self, side: Side) -> None:
        """Notes that a record did not verify: it may have counted for the sender, or not."""
        side.seek = min(side.seek + 1, _MAX_LOST_RECORDS)
        side.failures += 1
        if side.inflate is not None:
            side.inflate.lose()
        if side.failures >= _MAX_FAILURES:
            side.refusal = Refusal(Reason.gap if side.holed else Reason.mac_failed)
            self._pass_finished(side, self._flow.handshake(side.keys_epoch))

    def _prove(self, side: Side, candidate: Candidate) -> None:
        """Takes that a record was verified under a candidate; its session can be resumed from now on."""
        handshake = self._flow.handshake(side.keys_epoch)
        keys = handshake.keys
        assert isinstance(keys, Keys)
        if keys.proved is not None:
            return
        keys.prove(candidate)
        server_hello = handshake.server_hello
        if server_hello is not None and server_hello.session_id:
            self.secrets.remember_session(_session(handshake, candidate), session_id=server_hello.session_id)
        ticket = handshake.message(NewSessionTicket)
        if ticket is not None and ticket.ticket:
            self.secrets.remember_session(_session(handshake, candidate), ticket=ticket.ticket)
        hello = handshake.client_hello
        if candidate.premaster_version is not None and hello is not None:
            offered = hello.version if isinstance(hello, SSLv2ClientHello) else hello.client_version
            if candidate.premaster_version != offered:
                self._violated(side, handshake.epoch, "the premaster secret has another version", "RFC 5246 §7.4.7.1")

    def _take_change_cipher_spec(self, side: Side, raw: bytes, at: object, protected: bool) -> None:
        epoch = self._flow.target(side, None)
        handshake = self._flow.handshake(epoch) if epoch == side.epoch or side.holed else self._flow.known(epoch)
        if raw != b"\x01":
            error = _malformed("the byte 1", raw[:16].hex() or "nothing")
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
        self._change(side, epoch)

    def _change(self, side: Side, epoch: int) -> None:
        """Makes pending protection current (RFC 5246 §6.1): that of the handshake `epoch`."""
        handshake = self._flow.handshake(epoch)
        keys = self._keys_of(side, handshake)
        side.protected = True
        side.keys_epoch = side.epoch = epoch
        side.protection, side.trials, side.refusal, side.inflate = None, [], None, None
        side.seek = side.failures = 0
        side.unproved_mac = None
        if handshake.compression_method == CompressionMethod.DEFLATE:
            side.inflate = Inflate()
        if isinstance(keys, Refusal) and handshake.encrypts_nothing and not side.lost_records:
            mac = handshake.parameters.mac if handshake.parameters is not None else None
            side.unproved_mac = mac.length if mac is not None else 0
            side.finished_due = True
            return
        if isinstance(keys, Refusal):
            side.refusal = keys
            self._pass_finished(side, handshake)
            return
        assert side.role is not None
        side.trials = keys.of(side.role)

    def _keys_of(self, side: Side, handshake: Handshake) -> Keys | Refusal:
        """The keys of a handshake, at the ChangeCipherSpec of one of its sides at the latest."""
        if handshake.resumed is None:
            if handshake.client_key_exchange_read or handshake.server_hello_done:
                handshake.resumed = False
            elif not side.holed:
                handshake.resumed = handshake.hello_read[Role.server]
            else:
                handshake.resumed = _same_session(handshake)
        if handshake.keys is None:
            handshake.keys = find_keys(handshake, self.secrets, self._flow.before(handshake.epoch))
        return handshake.keys

    def _change_unread(self, side: Side) -> int:
        """Takes a ChangeCipherSpec that came encrypted: of the handshake that it ends nothing was read."""
        epoch = min(side.keys_epoch + 1, self.limits.handshakes - 1)
        if epoch == side.keys_epoch:
            return epoch
        handshake = self._flow.handshake(epoch)
        for role in Role if side.role is None else (side.role,):
            handshake.hello_lost[role] = not handshake.hello_read[role]
        handshake.lose(side.role)
        self._change(side, epoch)
        return epoch

    def _pass_finished(self, side: Side, handshake: Handshake) -> None:
        """Takes that a side's Finished will not be read; nobody needs to wait for it."""
        if side.role is not None:
            handshake.flight_done[side.role] = True
            self._close(handshake)

    # Handshake messages

    def _take_fragment(self, side: Side, fragment: bytes, at: object, protected: bool) -> None:
        if side.skip:
            skipped = min(side.skip, len(fragment))
            side.skip -= skipped
            fragment = fragment[skipped:]
        if side.astray and fragment:
            if not self._begins_message(fragment, len(fragment)):
                error = _malformed("a handshake message; the beginning of this one lies in a gap", fragment[:4].hex())
                self._tell_malformed(side, ContentType.handshake, None, fragment, error, at, protected)
                return
            side.astray = False
        side.handshake_data += fragment
        side.handshake_at = at
        side.handshake_protected = protected

    def _begins_message(self, head: bytes, whole: int) -> bool:
        """Whether a handshake message can begin so, in a fragment of `whole` bytes.

        A HelloRequest, four zeros, is believed only where there is nothing else: other messages are full of them.
        """
        length = int.from_bytes(head[1:_HANDSHAKE_HEADER], "big") if len(head) >= _HANDSHAKE_HEADER else 0
        msg_type = HandshakeType.of(head[0])
        if msg_type is HandshakeType.hello_request and whole != _HANDSHAKE_HEADER:
            return False
        return msg_type.is_known and length <= self.limits.handshake_message

    def _drop_message(self, side: Side, length: int) -> None:
        """Passes over a message that is longer than the limit."""
        data = side.handshake_data
        side.skip = max(0, length - len(data))
        del data[:length]
        limit = self.limits.handshake_message
        self._tell(LimitReached(side.index, side.handshake_at, "handshake_message", limit, length))
        self._flow.handshake(side.epoch).lose(side.role)

    def _cut_message(self, side: Side, expected: str) -> None:
        """Gives up a message whose end will not come."""
        raw = bytes(side.handshake_data)
        side.handshake_data.clear()
        side.skip = 0
        if not raw:
            return
        error = DecodeError(DecodeErrorKind.truncated, "handshake", len(raw), expected)
        msg_type = HandshakeType.of(raw[0])
        at, protected = side.handshake_at, side.handshake_protected
        self._tell_malformed(side, ContentType.handshake, msg_type, raw, error, at, protected)

    def _take_sslv2_hello(self, side: Side, body: bytes, at: object) -> None:
        self._find_role(side, Role.client)
        handshake = self._flow.handshake(side.epoch)
        # It is hashed without its two bytes of length (RFC 5246 App. E.2).
        handshake.transcript.append(body)
        try:
            hello = SSLv2ClientHello.decode(body)
        except DecodeError as error:
            self._tell_malformed(
                side, ContentType.handshake, HandshakeType.client_hello, body, error, at, protected=False
            )
            return
        handshake.hello_read[Role.client] = True
        self._tell_message(side, handshake, HandshakeType.client_hello, hello, body, at, protected=False)

    def _take_message(self, side: Side, msg_type: HandshakeType, raw: bytes) -> None:
        at, protected = side.handshake_at, side.handshake_protected
        sender = SENDERS.get(msg_type)
        if side.role is None and sender is not None:
            self._find_role(side, sender)
        epoch = self._flow.target(side, msg_type)
        handshake = self._flow.handshake(epoch)
        is_hello = msg_type in (HandshakeType.client_hello, HandshakeType.server_hello)
        if is_hello and epoch == side.epoch == self.limits.handshakes - 1:
            # One handshake more than are kept apart: it takes the place of the last.
            self._tell(LimitReached(side.index, at, "handshakes", self.limits.handshakes, 0))
            handshake.messages = []
            handshake.transcript = []
            handshake.transcript_complete = False
        if is_hello:
            side.holed = side.lost_records = False
        if epoch != side.epoch:
            side.epoch = epoch
            self._count_request(epoch, 0)
        try:
            message = decode_body(msg_type, raw[_HANDSHAKE_HEADER:], handshake.context())
        except DecodeError as error:
            if msg_type is not HandshakeType.hello_request:
                handshake.transcript.append(raw)
            self._pass_malformed(side, handshake, msg_type)
            self._tell_malformed(side, ContentType.handshake, msg_type, raw, error, at, protected)
            return
        if msg_type is HandshakeType.finished and not self._check_finished(side, handshake, message, protected):
            verdict = handshake.verdicts[side.index]
            verdict.decrypted -= 1
            side.refusal = Refusal(Reason.mac_failed, {"at": at, "check": "Finished"})
            verdict.refuse(Reason.mac_failed, side.refusal.evidence)
            self._tell(Undecryptable(side.index, at, epoch, ContentType.handshake, len(raw), Reason.mac_failed))
            self._pass_finished(side, handshake)
            return
        if msg_type is not HandshakeType.hello_request:
            handshake.transcript.append(raw)
            if not is_hello and side.role is not None and not handshake.hello_read[side.role]:
                handshake.lose(side.role)
        self._tell_message(side, handshake, msg_type, message, raw, at, protected)
        self._advance_handshake(side, handshake, msg_type, message, at)

    def _tell_message(
        self,
        side: Side,
        handshake: Handshake,
        msg_type: HandshakeType,
        message: Message | Unresolved,
        raw: bytes,
        at: object,
        protected: bool,
    ) -> None:
        event = HandshakeMessage(side.index, at, handshake.epoch, protected, msg_type, message, raw)
        if self._keep_messages or not handshake.complete:
            handshake.messages.append(event)
        self._tell(event)

    def _advance_handshake(
        self,
        side: Side,
        handshake: Handshake,
        msg_type: HandshakeType,
        message: Message | Unresolved,
        at: object,
    ) -> None:
        """Draws from a message what the rest of the handshake depends on."""
        if isinstance(message, ClientHello):
            handshake.hello_read[Role.client] = True
            handshake.server_name = message.server_name
            self._server_name = self._server_name or message.server_name
            scsv = CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV in message.cipher_suites
            if scsv and handshake.epoch:
                self._violated(side, handshake.epoch, "SCSV in a renegotiating ClientHello", "RFC 5746 §3.5")
        elif isinstance(message, ServerHello | ServerHelloTLS13Draft):
            if message.is_hello_retry_request:
                handshake.hello_retry = True
                self._version = handshake.version = message.negotiated_version  # only TLS 1.3 has this message
                return
            handshake.hello_read[Role.server] = True
            handshake.read_server_hello(message)
            self._version = handshake.version
            handshake.check_binding(self._flow.before(handshake.epoch))
        elif msg_type is HandshakeType.hello_request:
            self._take_hello_request(side)
        elif msg_type is HandshakeType.server_hello_done:
            handshake.server_hello_done = True
            handshake.resumed = False
        elif msg_type is HandshakeType.client_key_exchange:
            handshake.client_key_exchange_read = True
            handshake.session_hash_length = len(handshake.transcript)
            handshake.session_hash_complete = handshake.transcript_complete
            handshake.resumed = False
        elif isinstance(message, NewSessionTicket):
            keys = handshake.keys
            if isinstance(keys, Keys) and keys.proved is not None and message.ticket:
                self.secrets.remember_session(_session(handshake, keys.proved), ticket=message.ticket)
        elif msg_type is HandshakeType.finished and side.role is not None:
            handshake.flight_done[side.role] = True
            self._close(handshake)

    def _pass_malformed(self, side: Side, handshake: Handshake, msg_type: HandshakeType) -> None:
        """Takes from a message that does not decode what its type alone says, so that nobody waits for it."""
        if msg_type is HandshakeType.server_hello_done:
            handshake.server_hello_done = True
        elif msg_type is HandshakeType.finished:
            self._pass_finished(side, handshake)

    def _take_hello_request(self, side: Side) -> None:
        handshake = self._flow.known(side.epoch)
        runs = handshake is not None and handshake.hello_read[Role.server] and not handshake.flight_done[Role.server]
        if not runs:  # while a handshake runs, the client ignores it (RFC 5246 §7.4.1.1)
            self._count_request(self._flow.target(side, HandshakeType.server_hello), 1)

    def _count_request(self, epoch: int, change: int) -> None:
        """Counts HelloRequests (1) and their refusals (-1), which may be read in either order."""
        self._requests[epoch] += change
        asked = self._flow.known(epoch)
        if asked is not None:
            asked.initiated_by = Role.server if self._requests[epoch] > 0 else Role.client

    def _check_finished(self, side: Side, handshake: Handshake, message: Message | Unresolved, protected: bool) -> bool:
        """Compares a Finished with the transcript (RFC 5246 §7.4.9); False when it contradicts."""
        keys, role = handshake.keys, side.role
        if role is None or not isinstance(message, Finished):
            return True
        handshake.verify_data[role] = message.verify_data
        if not protected or not isinstance(keys, Keys) or keys.proved is None:
            return True
        if not handshake.covered_by_finished(role):
            handshake.finished_checks[role] = FinishedCheck.unknown
            return True
        assert handshake.version is not None
        assert handshake.parameters is not None
        secret, transcript = keys.proved.master_secret, b"".join(handshake.transcript)
        expected = verify_data(handshake.version, handshake.parameters, secret, role.value, transcript)
        right = message.verify_data == expected
        handshake.finished_checks[role] = FinishedCheck.verified if right else FinishedCheck.mismatch
        return right

    def _close(self, handshake: Handshake) -> None:
        if handshake.complete:
            handshake.transcript = []
            if not self._keep_messages:
                handshake.messages = []

    def _find_role(self, side: Side, role: Role) -> None:
        if side.role is None:
            self._flow.roles.find(side.index, role)
            side.role, self._sides[1 - side.index].role = role, role.peer

    # The rest

    def _take_alerts(self, side: Side, raw: bytes, at: object, protected: bool) -> None:
        if not raw or len(raw) % 2:
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

    def _tell_malformed(
        self,
        side: Side,
        content_type: ContentType,
        msg_type: HandshakeType | None,
        raw: bytes,
        error: DecodeError,
        at: object,
        protected: bool,
    ) -> None:
        epoch = side.epoch if content_type == ContentType.handshake else side.keys_epoch
        self._tell(Malformed(side.index, at, epoch, protected, content_type, msg_type, raw, error))

    def _violated(self, side: Side, epoch: int, rule: str, section: str) -> None:
        self._tell(ProtocolViolation(side.index, side.at, epoch, rule, section))


def _checked(side: int) -> int:
    if side not in (0, 1):
        raise ValueError(f"a connection has the sides 0 and 1, not {side!r}")
    return side


def _reads_as_finished(plaintext: bytes | None) -> bool:
    """Whether a record holds a Finished and nothing else: 12 bytes, in SSL 3.0 36 (RFC 5246 §7.4.9)."""
    return plaintext is not None and (plaintext[:4], len(plaintext)) in (
        (b"\x14\x00\x00\x0c", 16),
        (b"\x14\x00\x00\x24", 40),
    )


def _malformed(expected: str, actual: str) -> DecodeError:
    return DecodeError(DecodeErrorKind.malformed, "fragment", 0, expected, actual)


def _session(handshake: Handshake, candidate: Candidate) -> SessionState:
    assert handshake.version is not None
    assert handshake.cipher_suite is not None
    return SessionState(
        version=handshake.version,
        cipher_suite=handshake.cipher_suite,
        master_secret=candidate.master_secret,
        extended_master_secret=handshake.extended_master_secret,
    )


def _same_session(handshake: Handshake) -> bool:
    """Whether the server echoed a session ID (RFC 5246 §7.4.1.3): all there is to go by where bytes are missing."""
    client_hello, server_hello = handshake.client_hello, handshake.server_hello
    if client_hello is None or server_hello is None:
        return False
    return bool(server_hello.session_id) and server_hello.session_id == client_hello.session_id
