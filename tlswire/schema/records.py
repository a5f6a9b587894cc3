"""The record layer and the small protocols on it (RFC 5246 §6.2, §7.1, §7.2; RFC 6520)."""

from __future__ import annotations

from collections.abc import Iterator

from tlswire.registry import AlertDescription, AlertLevel, ContentType, HeartbeatMessageType, ProtocolVersion
from tlswire.wire import Enumerated, Length, Message, Opaque, Rest, SizedBy, UInt8, UInt16, Violation, message, wire

LONGEST_PLAINTEXT = 2**14  # bytes, RFC 5246 §6.2.1
LONGEST_CIPHERTEXT = 2**14 + 2048  # bytes, RFC 5246 §6.2.3
CHANGE_CIPHER_SPEC = 1  # the only type of that message, RFC 5246 §7.1


@message
class TLSPlaintext(Message):
    """A record before protection (RFC 5246 §6.2.1)."""

    type: ContentType = wire(Enumerated(ContentType))
    version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    fragment: bytes = wire(Opaque(0, LONGEST_PLAINTEXT))


@message
class TLSCiphertext(Message):
    """A protected record (RFC 5246 §6.2.3)."""

    type: ContentType = wire(Enumerated(ContentType))
    version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    fragment: bytes = wire(Opaque(0, LONGEST_CIPHERTEXT))


@message
class ChangeCipherSpec(Message):
    """The change to the pending protection; `type` is 1 (RFC 5246 §7.1)."""

    type: int = wire(UInt8)

    def _violations(self) -> Iterator[Violation]:
        if self.type != CHANGE_CIPHER_SPEC:
            yield Violation("type", "unknown", CHANGE_CIPHER_SPEC, self.type)


@message
class Alert(Message):
    """An alert (RFC 5246 §7.2)."""

    level: AlertLevel = wire(Enumerated(AlertLevel))
    description: AlertDescription = wire(Enumerated(AlertDescription))


@message
class HeartbeatMessage(Message):
    """A heartbeat request or response (RFC 6520 §4).

    One whose payload is longer than the message, as in the Heartbleed attack, does not decode.
    """

    type: HeartbeatMessageType = wire(Enumerated(HeartbeatMessageType))
    payload_length = Length(UInt16)
    payload: bytes = wire(SizedBy("payload_length", Rest()))
    padding: bytes = wire(Rest(16))
