"""What opens a side's records: pending and current protection, and what proves it.

`Protecting` is the first of the three layers of a `Connection`.  Protection is pending until ChangeCipherSpec makes it
current; the first record under it proves which of the candidate master secrets is the right one.  Nothing is given out
that no MAC, tag or Finished has proved; what stays encrypted is told with its reason.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from tlswire.crypto import RecordProtection, Secrets, SessionState, StreamProtection
from tlswire.errors import DecodeError, DecryptError
from tlswire.registry import (
    CompressionMethod,
    ContentType,
    HandshakeType,
    ProtocolVersion,
)
from tlswire.schema import (
    NewSessionTicket,
    SSLv2ClientHello,
)
from tlswire.session.events import (
    Event,
    Malformed,
    ProtocolViolation,
)
from tlswire.session.flow import Flow
from tlswire.session.handshake import Handshake, Role, Roles
from tlswire.session.keys import Candidate, Keys, Refusal, find_keys, named_keys
from tlswire.session.limits import Limits
from tlswire.session.reasons import Reason
from tlswire.session.records import HEADER_LENGTH
from tlswire.session.side import Inflate, Side
from tlswire.session.traffic import Stage, Traffic, TrafficKeys, find_traffic

HANDSHAKE_HEADER = 4  # bytes: msg_type and length (RFC 5246 §7.4)
MAX_LOST_RECORDS = 1024  # how far sequence numbers are tried forward behind a hole; a trial costs some 3 us
_CHANGE_LENGTH = 6  # bytes of a ChangeCipherSpec's record (RFC 5246 §7.1)
_MOST_TRIALS = 4 * MAX_LOST_RECORDS  # of one record: where many keys may be right, fewer numbers are tried with each
_MAX_FAILURES = 16  # records in a row that may fail to verify before no more are tried

Trials: TypeAlias = list[tuple[Candidate, RecordProtection]]
Opened: TypeAlias = bytes | Literal[False] | None


class Protecting:
    """The sides, the handshakes, and the protection of what the sides send."""

    __slots__ = (
        "_events", "_flow", "_keep_messages", "_requests", "_server_name", "_sides", "_version", "limits", "secrets",
    )  # fmt: skip

    def __init__(self, secrets: Secrets, limits: Limits, keep_messages: bool, client: int | None) -> None:
        self.secrets = secrets
        self.limits = limits
        self._keep_messages = keep_messages
        self._events: list[Event] = []
        self._flow = Flow(Roles(client), limits.handshakes)
        self._sides = (Side(0, limits, self._tell), Side(1, limits, self._tell))
        self._version: ProtocolVersion | None = None
        self._server_name: str | None = None
        self._requests: dict[int, int] = {}  # by the epoch that they ask for: HelloRequests that were not refused

    def _tell(self, event: Event) -> None:
        self._events.append(event)

    def _is_second_hello(self, side: Side, content_type: int, fragment: bytes) -> bool:
        """Whether a ClientHello comes in the clear behind a ChangeCipherSpec, or behind early data.

        TLS 1.3 answers a HelloRetryRequest so (RFC 8446 §4.1.2, App. D.4); where that one lies in a gap, the hello
        itself has to show it: it repeats the random of the first.
        """
        if content_type != ContentType.handshake or fragment[:1] != b"\x01":
            return False
        handshake = self._flow.handshake(side.keys_epoch)
        random = fragment[HANDSHAKE_HEADER + 2 : HANDSHAKE_HEADER + 34]
        if handshake.client_random != random or (handshake.hello_read[Role.server] and not handshake.is_tls13):
            return False
        handshake.hello_retry = True
        handshake.flight_done[Role.client] = False
        return True

    def _pass_over(self, side: Side, offset: int) -> None:
        """Takes that the next record is at `offset`; what is before it, behind the last one, cannot be opened."""
        if offset > side.passed:
            self._skip(side, offset - side.passed)

    def _skip(self, side: Side, count: int | None) -> None:
        """Takes that so many bytes of protected records are lost (None: nobody knows how many)."""
        most = MAX_LOST_RECORDS if count is None else count // HEADER_LENGTH + 1
        side.seek = min(side.seek + most, MAX_LOST_RECORDS)
        for protection in (side.protection, *(trial for _, trial in side.trials)):
            if isinstance(protection, StreamProtection):
                protection.skip(count)

    def _places(self, side: Side, trials: Trials, offset: int) -> Trials:
        """What may open the record at `offset`, whose ChangeCipherSpec was lost: `trials`, at several places.

        In the stream of a stream cipher the place has to be known: nothing was lost behind the ChangeCipherSpec; or
        the Finished was; or the ChangeCipherSpec was the first that was lost.
        """
        handshake = self._flow.handshake(side.epoch)
        keys, role = handshake.keys, side.role
        found = list(trials)
        if not isinstance(keys, Keys) or role is None or handshake.version is None:
            return found
        finished = 40 if handshake.version <= ProtocolVersion.SSLv3 else 16  # with the header (RFC 5246 §7.4.9)
        begins, before = side.hole_begins, side.protection
        for _, trial in trials:
            if not isinstance(trial, StreamProtection):
                break
            places = [HEADER_LENGTH + finished + trial.overhead]
            if begins is not None and (before is None or isinstance(before, StreamProtection)):
                change = _CHANGE_LENGTH + (0 if before is None else before.overhead)
                places.append(offset - begins - change)
            for place in places:
                for candidate, other in keys.afresh(handshake, role):
                    assert isinstance(other, StreamProtection)
                    other.skip(place)
                    found.append((candidate, other))
        return found

    def _open_pending(self, side: Side, content_type: int, version: int, fragment: bytes, offset: int) -> Opened:
        """The plaintext of a record under the keys of the handshake that runs, whose ChangeCipherSpec may lie in a gap.

        None, and nothing changed, where they do not verify it; False where they do, but its first block, which depends
        on what is lost, cannot be had.
        """
        if side.role is None or not (side.may_have_changed if side.protected else side.holed):
            return None
        if (side.protection is None) if side.protected else (side.failures >= _MAX_FAILURES):
            return None
        handshake = self._flow.handshake(side.epoch)
        if handshake.is_tls13:  # no ChangeCipherSpec means anything there
            return None
        keys = self._keys_of(side, handshake)
        if isinstance(keys, Refusal):
            if keys.reason is not Reason.premaster_invalid:
                handshake.keys = None  # what is missing may come yet
            return None
        if not side.trials:
            fresh = keys.afresh(handshake, side.role)  # those of a ChangeCipherSpec stay as they are
            side.trials = self._places(side, fresh, offset)
        for candidate, trial in side.trials:
            number = trial.sequence_number
            plaintext: Opened
            try:
                most = side.seek if side.protected else MAX_LOST_RECORDS
                most = min(most, _MOST_TRIALS // len(side.trials))
                plaintext = trial.unprotect(content_type, version, fragment, most)
            except DecryptError:
                if trial.sequence_number == number:
                    continue
                plaintext = False
            self._change(side, side.epoch)
            if side.inflate is not None:
                side.inflate.lose()
            self._settle(side, candidate, trial, content_type)
            return plaintext
        if not side.protected:
            side.failures += 1
        return None

    def _seems_protected(self, side: Side, fragment: bytes) -> bool:
        """Whether a handshake record that no key opens is protected: else it is the rest of a message in the clear.

        Where keys that are right might not open it, its bytes have to tell: half of those of a ciphertext are over 127,
        and only few of those of names, of which long messages consist.  So it is where a record's IV was lost, and
        where no long message is to come in the clear: then its keys, or their key stream, may have begun in the gap.
        """
        handshake = self._flow.handshake(side.epoch)
        done = handshake.server_hello_done if side.role is Role.server else handshake.client_key_exchange_read
        if isinstance(handshake.keys, Keys) and not (handshake.chains_records or done or handshake.resumed):
            return False
        count = len(fragment)
        high = sum(map((0x7F).__lt__, fragment))
        return (2 * high - count) ** 2 <= 16 * count  # four standard deviations

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

    def _unprotect(self, side: Side, content_type: int, version: int, fragment: bytes) -> bytes | None:
        """Tries what may open a record; None when nothing does."""
        protection = side.protection
        if side.traffic is not None:
            return self._unprotect_traffic(side, side.traffic, content_type, version, fragment)
        if protection is not None:
            number = protection.sequence_number
            try:
                plaintext = protection.unprotect(content_type, version, fragment, side.seek)
            except DecryptError:
                if protection.sequence_number != number:
                    side.seek = -1  # a MAC of the ciphertext has proved which record it is
                    self._failed(side)
                elif not self._change_to_refused(side):
                    self._failed(side)
                return None
            if side.holed and content_type == ContentType.application_data:
                self._pass_finished(side, self._flow.handshake(side.keys_epoch))  # it lies in the gap
            side.seek = side.failures = 0
            if side.lost_records:
                side.lost_records, side.trials = False, []  # so no ChangeCipherSpec was among them
            return plaintext
        most = min(side.seek, _MOST_TRIALS // max(1, len(side.trials)))
        for candidate, trial in side.trials:
            try:
                plaintext = trial.unprotect(content_type, version, fragment, most)
            except DecryptError:
                continue
            self._settle(side, candidate, trial, content_type)
            return plaintext
        guessed = all(candidate.guessed for candidate, _ in side.trials)
        if side.seek or side.failures or (side.holed and not guessed):
            self._failed(side)
        else:
            # That the certificate lies in a hole is why keys are guessed; behind the ChangeCipherSpec nothing was lost.
            tried = list(dict.fromkeys(candidate.origin for candidate, _ in side.trials))
            if guessed:
                refusal = Refusal(Reason.wrong_key, {"tried": tried, "keys": named_keys(self.secrets)})
            else:
                refusal = Refusal(Reason.mac_failed, {"tried": tried})
            self._give_up(side, refusal)
        return None

    def _unprotect_traffic(
        self, side: Side, traffic: Traffic, content_type: int, version: int, fragment: bytes
    ) -> bytes | None:
        """The same for TLS 1.3; the inner content type is that of `side.protection` then."""
        for keys in traffic.options(lossy=side.holed or side.failures > 0):
            try:
                plaintext = keys.protection.unprotect(content_type, version, fragment, side.seek)
            except DecryptError:
                continue
            if keys is not traffic.proved:
                self._settle_traffic(side, traffic, keys)
            side.seek = side.failures = 0
            side.lost_records = False
            return plaintext
        if traffic.is_known:
            self._failed(side)
        else:
            self._pass_unread(side, traffic)
        return None

    def _pass_unread(self, side: Side, traffic: Traffic | None) -> None:
        """Takes that of what a side sends in a handshake of TLS 1.3 something cannot be read, for want of a secret."""
        handshake = self._flow.handshake(side.keys_epoch)
        if side.role is None or handshake.flight_done[side.role]:
            return
        if side.role is Role.client and handshake.hello_retry and not handshake.second_hello_read:
            return  # it is early data, behind which another hello comes
        if traffic is None or not traffic.finished_may_come:
            handshake.lose(side.role)
            self._pass_finished(side, handshake)
        elif handshake.takes_early_data:
            handshake.lose(side.role)  # its end is part of the transcript

    def _settle_traffic(self, side: Side, traffic: Traffic, keys: TrafficKeys) -> None:
        """Takes that a record has verified under keys of TLS 1.3."""
        handshake = self._flow.handshake(side.keys_epoch)
        traffic.prove(keys)
        side.protection = keys.protection
        side.astray = False  # no message goes across a change of keys (RFC 8446 §5.1)
        handshake.traffic_secrets[traffic.label] = keys.logged
        if keys.stage is Stage.application:
            self._pass_finished(side, handshake)  # where it was not read, it lies in a gap

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
        side.seek = min(side.seek + 1, MAX_LOST_RECORDS)
        side.failures += 1
        if side.inflate is not None:
            side.inflate.lose()
        if side.failures >= _MAX_FAILURES:
            self._give_up(side, Refusal(Reason.gap if side.holed else Reason.mac_failed))

    def _give_up(self, side: Side, refusal: Refusal) -> None:
        """Tries nothing any more to open what a side sends in this epoch."""
        handshake = self._flow.handshake(side.keys_epoch)
        side.refusal, side.trials = self._otherwise(side) or refusal, []
        if self._sides[1 - side.index].refusal is side.refusal:
            handshake.keys = side.refusal  # nobody needs the candidates now, of which there may be hundreds
        self._pass_finished(side, handshake)

    def _otherwise(self, side: Side) -> Refusal | None:
        """Why there would be no keys but for secrets that were given for no handshake, where none has verified."""
        keys = self._flow.handshake(side.keys_epoch).keys
        return keys.otherwise if isinstance(keys, Keys) and keys.proved is None else None

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
            self.secrets.remember_session(session_state(handshake, candidate), session_id=server_hello.session_id)
        ticket = handshake.message(NewSessionTicket)
        if ticket is not None and ticket.ticket:
            self.secrets.remember_session(session_state(handshake, candidate), ticket=ticket.ticket)
        hello = handshake.client_hello
        if candidate.premaster_version is not None and hello is not None:
            offered = hello.version if isinstance(hello, SSLv2ClientHello) else hello.client_version
            if candidate.premaster_version != offered:
                self._violated(side, handshake.epoch, "the premaster secret has another version", "RFC 5246 §7.4.7.1")

    def _change(self, side: Side, epoch: int) -> None:
        """Makes pending protection current (RFC 5246 §6.1): that of the handshake `epoch`."""
        handshake = self._flow.handshake(epoch)
        if handshake.is_tls13:
            self._make_current(side, epoch)
            found = find_traffic(handshake, side.role, self.secrets)
            if isinstance(found, Refusal):
                side.refusal = found
                self._pass_unread(side, None)
            else:
                side.traffic = found
            return
        keys = self._keys_of(side, handshake)
        self._make_current(side, epoch)
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

    def _make_current(self, side: Side, epoch: int) -> None:
        """Takes away what opened a side's records until now."""
        side.protected = True
        side.passed = side.inbox.offset
        side.keys_epoch = side.epoch = epoch
        side.protection, side.trials, side.traffic, side.refusal, side.inflate = None, [], None, None, None
        side.seek = side.failures = 0
        side.unproved_mac = None

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

    def _change_to_refused(self, side: Side) -> bool:
        """Whether a record that did not verify shows that a ChangeCipherSpec was lost, to keys that nobody knows.

        That is so where no number verifies it that it can have: TCP changes no bytes.
        """
        if side.role is None or not side.lost_records:
            return False
        before = self._flow.handshake(side.keys_epoch)
        if before.chains_records and not before.encrypt_then_mac and side.behind_hole:
            return False  # the first record behind a gap never verifies
        if side.may_have_changed:
            if isinstance(self._keys_of(side, self._flow.handshake(side.epoch)), Keys):
                return False
            self._change(side, side.epoch)
            return True
        epoch = side.keys_epoch + 1
        if side.seek >= MAX_LOST_RECORDS or epoch >= self.limits.handshakes:
            return False
        # The hello of a handshake lies in the gap too.
        handshake = self._flow.handshake(epoch)
        handshake.lose(side.role)
        self._pass_finished(side, before)
        self._make_current(side, epoch)
        side.refusal = Refusal(Reason.hello_missing, {"missing": f"{side.role}_hello"})
        self._pass_finished(side, handshake)
        return True

    def _change_unread(self, side: Side) -> int:
        """Takes a ChangeCipherSpec that could not be read.

        Where there are no keys, nothing was read of the handshake that it ends, but a hello before they were refused.
        """
        epoch = min(side.keys_epoch + 1, self.limits.handshakes - 1)
        if epoch == side.keys_epoch:
            return epoch
        handshake = self._flow.handshake(epoch)
        for role in () if side.refusal is None else Role if side.role is None else (side.role,):
            handshake.hello_lost[role] = not handshake.hello_read[role]
        handshake.lose(side.role)
        self._change(side, epoch)
        return epoch

    def _pass_finished(self, side: Side, handshake: Handshake) -> None:
        """Takes that a side's Finished will not be read; nobody needs to wait for it."""
        if side.role is not None:
            handshake.flight_done[side.role] = True
            self._close(handshake)

    def _close(self, handshake: Handshake) -> None:
        if handshake.complete:
            later, suite = handshake.after, handshake.parameters
            if later is not None and later.parameters is None and suite is not None and handshake.transcript_complete:
                later.begin(suite, handshake.transcript)
            handshake.transcript = []
            if not self._keep_messages and all(
                one.protected and one.keys_epoch >= handshake.epoch for one in self._sides
            ):
                handshake.messages = []

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


def session_state(handshake: Handshake, candidate: Candidate) -> SessionState:
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
