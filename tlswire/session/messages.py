"""From the fragments of handshake records to handshake messages, and what they mean for the handshake.

`Messages` is the second of the three layers of a `Connection`: it puts messages together across records, decodes them
in the order of the transcript, sets the milestones that the other side waits for, and checks Finished.
"""

from __future__ import annotations

from tlswire.crypto import finished_verify_data, handshake_hash, message_hash, verify_data
from tlswire.errors import DecodeError, DecodeErrorKind, DecryptError
from tlswire.registry import (
    CipherSuite,
    ContentType,
    ExtensionType,
    HandshakeType,
    parameters,
)
from tlswire.schema import (
    ClientHello,
    EncryptedExtensions,
    EndOfEarlyData,
    Finished,
    KeyShareClientHello,
    KeyShareHelloRetryRequest,
    KeyUpdate,
    NewSessionTicket,
    ServerHello,
    ServerHelloTLS13Draft,
    SSLv2ClientHello,
    decode_body,
)
from tlswire.session.after import AfterHandshake
from tlswire.session.events import (
    HandshakeMessage,
    LimitReached,
    Undecryptable,
)
from tlswire.session.flow import SENDERS
from tlswire.session.handshake import FinishedCheck, Handshake, Role
from tlswire.session.keys import Keys, Refusal
from tlswire.session.protecting import HANDSHAKE_HEADER, Protecting, session_state
from tlswire.session.reasons import Reason
from tlswire.session.side import Side
from tlswire.session.traffic import Stage
from tlswire.wire import Message, Unresolved

MESSAGE_HEAD = HANDSHAKE_HEADER + 4  # bytes that show whether a message begins
_EMPTY = (HandshakeType.hello_request, HandshakeType.server_hello_done)
_MAJOR_VERSIONS = (3, 0x7F)  # the latter: drafts of TLS 1.3
_HELLOS = (HandshakeType.client_hello, HandshakeType.server_hello)


class Messages(Protecting):
    """The handshake messages of both sides."""

    __slots__ = ()

    def _lose_place(self, side: Side, expected: str) -> None:
        """Takes that handshake bytes were lost: what comes is not the rest of the message that was begun."""
        self._cut_message(side, expected)
        side.astray = True
        handshake = self._flow.known(side.epoch)
        if handshake is None or side.role is None:
            return
        if not handshake.flight_done[side.role]:
            handshake.lose(side.role)
        elif handshake.after is not None and side.role is Role.client:
            handshake.after.lose()

    def _rest_of_message(self, side: Side) -> int:
        """How many bytes are still to come of the handshake message that is being put together, as it says."""
        data = side.handshake_data
        if len(data) < HANDSHAKE_HEADER:
            return side.skip
        return int.from_bytes(data[1:HANDSHAKE_HEADER], "big") + HANDSHAKE_HEADER - len(data)

    def _take_fragment(self, side: Side, fragment: bytes, at: object, protected: bool) -> None:
        if side.skip:
            skipped = min(side.skip, len(fragment))
            side.skip -= skipped
            fragment = fragment[skipped:]
        if side.astray and fragment:
            if not self._begins_message(side, fragment[:MESSAGE_HEAD], len(fragment)):
                error = malformed("a handshake message; the beginning of this one lies in a gap", fragment[:4].hex())
                self._tell_malformed(side, ContentType.handshake, None, fragment, error, at, protected)
                return
            side.astray = False
        side.handshake_data += fragment
        side.handshake_at = at
        side.handshake_protected = protected

    def _begins_message(self, side: Side, head: bytes, whole: int) -> bool:
        """Whether a handshake message can begin so, in a fragment of `whole` bytes.

        Parameters: `head`, the first `MESSAGE_HEAD` bytes of the fragment, or as many as it has.

        Certificates and names, of which the long messages consist, are full of what could be a type and a length.  So
        the side has to be one that sends such a message, a hello has to begin with a version, a certificate list with
        its length; and a HelloRequest, four zeros, is believed only where there is nothing else.
        """
        msg_type = HandshakeType.of(head[0])
        if not msg_type.is_known or msg_type is HandshakeType.hello_retry_request or len(head) < HANDSHAKE_HEADER:
            return msg_type.is_known and whole < HANDSHAKE_HEADER
        length, body = int.from_bytes(head[1:HANDSHAKE_HEADER], "big"), head[HANDSHAKE_HEADER:]
        handshake = self._flow.known(side.epoch)
        tls13 = handshake is not None and handshake.is_tls13
        sender = SENDERS.get(msg_type, side.role)
        if tls13 and msg_type is HandshakeType.certificate_verify:
            sender = side.role  # the server sends it too (RFC 8446 §4.4.3)
        if side.role not in (None, sender) or length > self.limits.handshake_message:
            return False
        if msg_type in _EMPTY:
            return length == 0 and (whole == HANDSHAKE_HEADER or msg_type is not HandshakeType.hello_request)
        if msg_type in _HELLOS:
            return not body or body[0] in _MAJOR_VERSIONS
        if msg_type is HandshakeType.certificate and len(body) == 4:
            # In TLS 1.3 a context comes before the list, which is empty in the first handshake (RFC 8446 §4.4.2).
            answers = tls13 and self._answers_later(side) and body[0] + HANDSHAKE_HEADER <= length
            return int.from_bytes(body[:3], "big") == length - 3 or body[0] == 0 or answers
        return True

    def _answers_later(self, side: Side) -> bool:
        """Whether a side's certificate answers a request that came behind the handshake (RFC 8446 §4.6.2)."""
        return side.role is Role.client and self._flow.handshake(side.epoch).flight_done[Role.client]

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
        handshake.client_random = hello.random
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
            handshake.lose(None)
        if is_hello:
            if side.holed and epoch != side.epoch:
                self._pass_finished(side, self._flow.handshake(side.epoch))  # if it was not read, it is lost
            handshake.hello_behind_hole |= side.holed
            side.holed = side.lost_records = False
        if epoch != side.epoch:
            side.epoch = epoch
            self._count_request(epoch, 0)
        try:
            message = decode_body(msg_type, raw[HANDSHAKE_HEADER:], handshake.context())
        except DecodeError as error:
            self._add_to_transcript(side, handshake, msg_type, raw)
            self._pass_malformed(side, handshake, msg_type)
            self._tell_malformed(side, ContentType.handshake, msg_type, raw, error, at, protected)
            return
        if msg_type is HandshakeType.finished and not self._check_finished(side, handshake, message, protected):
            verdict = handshake.verdicts[side.index]
            verdict.decrypted -= 1
            side.refusal = Refusal(Reason.mac_failed, {"at": at, "offset": side.offset, "check": "Finished"})
            verdict.refuse(Reason.mac_failed, side.refusal.evidence)
            self._tell(Undecryptable(side.index, at, epoch, ContentType.handshake, len(raw), Reason.mac_failed))
            self._pass_finished(side, handshake)
            return
        self._add_to_transcript(side, handshake, msg_type, raw)
        may_begin = is_hello or msg_type is HandshakeType.hello_request
        if not may_begin and side.role is not None and not handshake.hello_read[side.role]:
            handshake.lose(side.role)
        self._tell_message(side, handshake, msg_type, message, raw, at, protected)
        self._advance_handshake(side, handshake, msg_type, message, at)
        if is_hello and handshake.is_tls13 and handshake.hello_behind_hole:
            handshake.transcript_complete = False

    def _add_to_transcript(self, side: Side, handshake: Handshake, msg_type: HandshakeType, raw: bytes) -> None:
        """Takes a message into what Finished covers (RFC 5246 §7.4.9, RFC 8446 §4.4.1)."""
        if not handshake.is_tls13:
            if msg_type is not HandshakeType.hello_request:
                handshake.transcript.append(raw)
        elif msg_type in (HandshakeType.new_session_ticket, HandshakeType.key_update):
            return
        elif side.role is None or not handshake.flight_done[side.role]:
            handshake.transcript.append(raw)
        elif handshake.after is not None:
            if side.role is Role.client:
                handshake.after.take_answer(msg_type, raw)
            elif msg_type is HandshakeType.certificate_request:
                handshake.after.take_request(raw)

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
            handshake.second_hello_read = handshake.hello_retry
            if message.extension(ExtensionType.post_handshake_auth) is not None:
                handshake.after = AfterHandshake()
            handshake.client_random = message.random
            handshake.server_name = message.server_name
            self._server_name = self._server_name or message.server_name
            scsv = CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV in message.cipher_suites
            if scsv and handshake.epoch:
                self._violated(side, handshake.epoch, "SCSV in a renegotiating ClientHello", "RFC 5746 §3.5")
        elif isinstance(message, ServerHello | ServerHelloTLS13Draft):
            if message.is_hello_retry_request:
                self._take_hello_retry(handshake, message)
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
                self.secrets.remember_session(session_state(handshake, keys.proved), ticket=message.ticket)
        elif msg_type is HandshakeType.finished and side.role is not None:
            self._change_traffic(side, Stage.application)
            handshake.flight_done[side.role] = True
            self._close(handshake)
        elif isinstance(message, EncryptedExtensions):
            handshake.takes_early_data |= message.extension(ExtensionType.early_data) is not None
        elif isinstance(message, EndOfEarlyData):
            self._change_traffic(side, Stage.handshake)
        elif isinstance(message, KeyUpdate) and side.traffic is not None and side.traffic.stage is Stage.application:
            side.traffic.update()
            self._change_traffic(side, Stage.application)

    def _take_hello_retry(self, handshake: Handshake, message: ServerHello | ServerHelloTLS13Draft) -> None:
        """Takes that the server asks for another ClientHello, which only TLS 1.3 does (RFC 8446 §4.1.4)."""
        handshake.hello_retry = True
        handshake.negotiate(message.negotiated_version)
        self._version = handshake.version
        handshake.cipher_suite = message.cipher_suite
        handshake.parameters = suite = parameters(message.cipher_suite)
        if _answers(handshake.client_hello, message):
            handshake.second_hello_read = True  # the first lies in a gap
            handshake.lose(None)
            return
        first = handshake.transcript[:-1]
        if not handshake.transcript_complete:
            handshake.server_flight_complete = False  # what the client's side has lost may be the second hello
        try:
            if suite is not None and len(first) == 1:
                handshake.transcript[:-1] = [message_hash(suite, first[0])]
                return
        except DecryptError:  # its hash is none that hashlib has; no record of it will be opened
            pass
        handshake.lose(None)

    def _change_traffic(self, side: Side, stage: Stage) -> None:
        """Takes that what a side sends from here on is under other keys of TLS 1.3 (RFC 8446 §7)."""
        if side.traffic is None:
            return
        side.traffic.advance(stage)
        if side.traffic.proved is None:
            side.protection = None
        if side.handshake_data:
            self._violated(side, side.epoch, "a handshake message across a change of keys", "RFC 8446 §5.1")
            self._cut_message(side, "the end of the message before the change of keys")

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
        requests = self._requests.get(epoch, 0) + change
        if requests:
            self._requests[epoch] = requests
        else:
            self._requests.pop(epoch, None)
        asked = self._flow.known(epoch)
        if asked is not None:
            asked.initiated_by = Role.server if requests > 0 else Role.client

    def _check_finished(self, side: Side, handshake: Handshake, message: Message | Unresolved, protected: bool) -> bool:
        """Compares a Finished with the transcript (RFC 5246 §7.4.9); False when it contradicts."""
        keys, role = handshake.keys, side.role
        if role is None or not isinstance(message, Finished):
            return True
        if handshake.is_tls13:
            return self._check_finished_tls13(side, handshake, message, role)
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

    def _check_finished_tls13(self, side: Side, handshake: Handshake, message: Finished, role: Role) -> bool:
        """The same for TLS 1.3, of whose handshake every message but the hellos is protected (RFC 8446 §4.4.4)."""
        keys = side.traffic.proved if side.traffic is not None else None
        suite, version = handshake.parameters, handshake.version
        if keys is None or suite is None or version is None:
            return True
        if handshake.flight_done[role]:
            covered = handshake.after.transcript_hash() if handshake.after is not None and role is Role.client else None
        elif handshake.covered_by_finished(role):
            covered = handshake_hash(version, suite, b"".join(handshake.transcript))
        else:
            covered = None
        if covered is None:
            handshake.finished_checks.setdefault(role, FinishedCheck.unknown)
            return True
        right = message.verify_data == finished_verify_data(version, suite, keys.secret, covered)
        hello = handshake.client_hello
        if not right and isinstance(hello, ClientHello) and hello.extension(ExtensionType.encrypted_client_hello):
            # The transcript has the inner hello, if the server has opened it (RFC 9849 §6.1).
            handshake.finished_checks[role] = FinishedCheck.unknown
            return True
        handshake.finished_checks[role] = FinishedCheck.verified if right else FinishedCheck.mismatch
        return right

    def _find_role(self, side: Side, role: Role) -> None:
        if side.role is None:
            self._flow.roles.find(side.index, role)
            side.role, self._sides[1 - side.index].role = role, role.peer


def _answers(hello: Message | None, retry: ServerHello | ServerHelloTLS13Draft) -> bool:
    """Whether a ClientHello has what a HelloRetryRequest asks for, which that before it lacks (RFC 8446 §4.1.4)."""
    if not isinstance(hello, ClientHello):
        return False
    cookie, group = retry.extension(ExtensionType.cookie), retry.extension(ExtensionType.key_share)
    shares = hello.extension(ExtensionType.key_share)
    if isinstance(group, KeyShareHelloRetryRequest) and isinstance(shares, KeyShareClientHello):
        return any(share.group == group.selected_group for share in shares.client_shares)
    return cookie is not None and hello.extension(ExtensionType.cookie) == cookie


def malformed(expected: str, actual: str) -> DecodeError:
    return DecodeError(DecodeErrorKind.malformed, "fragment", 0, expected, actual)
