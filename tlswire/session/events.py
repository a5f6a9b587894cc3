"""What a `Connection` tells: one small slotted class per kind of event.

Three kinds together account for every byte that was received: `Record`, `Gap` and `DiscardedBytes`.
The others say what the records held.  Events of one side come in the order in which that side sent them;
a record comes before its contents.

Every event has `side`, 0 or 1, the side that sent it, and `at`, whatever object the caller gave with the
bytes: that of the chunk which brought the last byte.
"""

from __future__ import annotations

from tlswire.errors import DecodeError
from tlswire.registry import ContentType, HandshakeType
from tlswire.schema import Alert, HeartbeatMessage
from tlswire.session.reasons import Reason
from tlswire.values import Struct, slotted
from tlswire.wire import Message, Unresolved


@slotted
class Event(Struct):
    """The common part of all events."""

    side: int
    at: object


@slotted
class Record(Event):
    """A record as it came, TLSPlaintext or TLSCiphertext (RFC 5246 §6.2).

    `offset` is that of the record's first byte in the side's stream; `header_length` is 5 bytes, or 2 for
    the record of an SSLv2-compatible hello; `fragment` is what follows the header, as it came;
    `protected` tells whether the side had changed its cipher spec.
    """

    offset: int
    header_length: int
    content_type: int
    version: int
    fragment: bytes
    epoch: int
    protected: bool


@slotted
class HandshakeMessage(Event):
    """A handshake message, put together from its records and decoded (RFC 5246 §7.4).

    `message` is an `Unresolved` where the context lacks what its structure depends on; `raw` is the message
    with its header, as the transcript has it; `epoch` is the number of the handshake it belongs to.
    """

    epoch: int
    protected: bool
    msg_type: HandshakeType
    message: Message | Unresolved
    raw: bytes


@slotted
class ChangeCipherSpecMessage(Event):
    """The side protects what follows with the keys of handshake `epoch` (RFC 5246 §7.1)."""

    epoch: int
    protected: bool
    raw: bytes


@slotted
class AlertMessage(Event):
    """An alert (RFC 5246 §7.2)."""

    epoch: int
    protected: bool
    alert: Alert


@slotted
class Heartbeat(Event):
    """A heartbeat request or response (RFC 6520)."""

    epoch: int
    protected: bool
    message: HeartbeatMessage


@slotted
class ApplicationData(Event):
    """The plaintext of one record of application data; `data` may be empty."""

    epoch: int
    protected: bool
    data: bytes


@slotted
class Undecryptable(Event):
    """A record that stayed encrypted.

    `length` is the record's, in bytes, without its header; `reason` says why, and the verdict of the epoch's
    direction has the evidence.
    """

    epoch: int
    content_type: ContentType
    length: int
    reason: Reason


@slotted
class Malformed(Event):
    """A message that does not decode: its bytes, and the error.

    `msg_type` is set for handshake messages, whose `raw` then has the header; the transcript has them too.
    """

    epoch: int
    protected: bool
    content_type: ContentType
    msg_type: HandshakeType | None
    raw: bytes
    error: DecodeError


@slotted
class ProtocolViolation(Event):
    """Something that the RFCs forbid, though it can be read: `rule` says what, `section` where."""

    epoch: int
    rule: str
    section: str


@slotted
class Gap(Event):
    """Bytes that were sent but not received; `length` in bytes, None where it is not known."""

    offset: int
    length: int | None


@slotted
class DiscardedBytes(Event):
    """Bytes that belong to no whole record: cut by a gap, or nothing that is TLS; `why` says which."""

    offset: int
    data: bytes
    why: str


@slotted
class LimitReached(Event):
    """A limit of `Limits` was reached: `limit` names it, `value` is its setting; `dropped` counts the bytes
    that are not looked at because of it (0 where only waiting was given up)."""

    limit: str
    value: int
    dropped: int


@slotted
class EndOfStream(Event):
    """The side sends no more."""
