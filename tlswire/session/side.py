"""What a `Connection` knows of one of its two sides."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from tlswire.crypto import RecordProtection
from tlswire.session.events import Event, Record
from tlswire.session.handshake import Role
from tlswire.session.inbox import Inbox
from tlswire.session.keys import Candidate, Refusal
from tlswire.session.limits import Limits
from tlswire.session.records import RecordReader
from tlswire.session.traffic import Traffic

MAX_PLAINTEXT = 1 << 14  # bytes, RFC 5246 §6.2.1


class Side:
    """The bytes, the protection and the unfinished handshake message of one side.

    The protection is one of five: none yet (`protected` is False); `trials`, of which the first record will prove
    one; `protection`, proved; `unproved_mac`, where nothing is encrypted; or `refusal`, which says why there is none.
    In TLS 1.3 `traffic` has what may come in the place of `trials`, and goes on beside `protection`.
    """

    __slots__ = (
        "astray", "at", "behind_hole", "blocked", "epoch", "failures", "finished_due", "forced", "fresh", "gave_up",
        "handshake_at", "handshake_data", "handshake_protected", "hole_begins", "holed", "inbox", "index", "inflate",
        "keys_epoch", "lost_records", "offset", "passed", "protected", "protection", "reader", "refusal", "role",
        "seek", "skip", "taken", "traffic", "trials", "unproved_mac",
    )  # fmt: skip

    def __init__(self, index: int, limits: Limits, emit: Callable[[Event], None]) -> None:
        self.index = index
        self.inbox = Inbox()
        self.reader = RecordReader(index, self.inbox, limits, emit)
        self.role: Role | None = None
        self.epoch = 0  # of the handshake that the side is in, or was in last
        self.keys_epoch = 0  # of the handshake whose keys protect what the side sends
        self.protected = False
        self.protection: RecordProtection | None = None
        self.trials: list[tuple[Candidate, RecordProtection]] = []
        self.traffic: Traffic | None = None
        self.refusal: Refusal | None = None
        self.at: object = None  # of the record that was taken last
        self.offset = 0  # of the same, where it was not one of a run
        self.finished_due = False  # nothing but a Finished shows that the cipher is NULL
        self.unproved_mac: int | None = None  # bytes; where nothing is encrypted and no key proves the MAC
        self.inflate: Inflate | None = None
        self.handshake_data = bytearray()  # of messages that are not taken yet
        self.handshake_at: object = None
        self.handshake_protected = False
        self.astray = False  # a hole has cut the handshake messages: where the next one begins is not known
        self.skip = 0  # bytes still to come of a message that is too long
        self.holed = False  # bytes were lost since the handshake began
        self.lost_records = False  # whole records, a ChangeCipherSpec perhaps, since the handshake began
        self.behind_hole = False  # nothing was read since the last hole
        self.hole_begins: int | None = None  # offset of the first record in the hole just passed, where it is known
        self.passed = 0  # offset behind the ChangeCipherSpec, or the last record that was to be opened
        self.seek = 0  # how many records may have been lost before the next one that verifies
        self.failures = 0  # records in a row that did not verify
        self.taken: list[Record] = []  # records that follow, the last first, of which nothing is read yet
        self.fresh = False  # something came that was not looked at
        self.blocked = False  # it waits for the other side
        self.forced = False  # it shall not wait with what comes next
        self.gave_up = False  # it has reached its limit, and waits no more

    @property
    def exhausted(self) -> bool:
        """True when all that the side will ever send was looked at."""
        return self.inbox.exhausted and not self.blocked

    @property
    def is_steady(self) -> bool:
        """True when nothing is in doubt: the keys are proved, nothing was lost, and no message is begun."""
        return (
            self.protection is not None
            and self.refusal is None
            and self.inflate is None
            and not (self.holed or self.lost_records or self.seek or self.failures or self.handshake_data or self.taken)
        )

    @property
    def may_have_changed(self) -> bool:
        """True when the ChangeCipherSpec of the handshake that runs may lie in a gap."""
        return self.lost_records and self.epoch > self.keys_epoch


class Inflate:
    """DEFLATE decompression of one direction (RFC 3749), each record bounded to 2^14 bytes (RFC 5246 §6.2.2)."""

    __slots__ = ("_lost", "_stream")

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()
        self._lost = False

    def lose(self) -> None:
        """Takes that a record was lost: what comes refers to bytes that are not known."""
        self._lost = True

    def __call__(self, compressed: bytes) -> bytes | None:
        """The plaintext of a record; None when it is no DEFLATE or unfolds to more than a record may hold."""
        if self._lost:
            return None
        try:
            plaintext = self._stream.decompress(compressed, MAX_PLAINTEXT + 1)
        except zlib.error:
            return None
        if len(plaintext) > MAX_PLAINTEXT or self._stream.unconsumed_tail:
            return None
        return plaintext
