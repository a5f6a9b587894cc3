"""The record layer and the small protocols on it (RFC 5246 §6.2, §7.1, §7.2; RFC 6520; RFC 5246 App. E.2)."""

from __future__ import annotations

from tlswire.registry import (
    AlertDescription,
    AlertLevel,
    CipherSuite,
    ContentType,
    HandshakeType,
    HeartbeatMessageType,
    ProtocolVersion,
    SSLv2CipherKind,
)
from tlswire.wire import (
    Enumerated,
    Length,
    ListToEnd,
    Message,
    Opaque,
    Rest,
    SizedBy,
    UInt8,
    UInt16,
    message,
    wire,
)

RANDOM_LENGTH = 32  # bytes, RFC 5246 §7.4.1.2


@message
class TLSPlaintext(Message):
    """A record before protection (RFC 5246 §6.2.1)."""

    type: ContentType = wire(Enumerated(ContentType))
    version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    fragment: bytes = wire(Opaque(0, 2**16 - 1))


@message
class TLSCiphertext(Message):
    """A protected record (RFC 5246 §6.2.3)."""

    type: ContentType = wire(Enumerated(ContentType))
    version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    fragment: bytes = wire(Opaque(0, 2**16 - 1))


@message
class ChangeCipherSpec(Message):
    """The change to the pending protection; `type` is 1 (RFC 5246 §7.1)."""

    type: int = wire(UInt8)


@message
class Alert(Message):
    """An alert (RFC 5246 §7.2)."""

    level: AlertLevel = wire(Enumerated(AlertLevel))
    description: AlertDescription = wire(Enumerated(AlertDescription))


@message
class HeartbeatMessage(Message):
    """A heartbeat request or response (RFC 6520 §4)."""

    type: HeartbeatMessageType = wire(Enumerated(HeartbeatMessageType))
    payload_length = Length(UInt16)
    payload: bytes = wire(SizedBy("payload_length", Rest()))
    padding: bytes = wire(Rest(16))


@message
class SSLv2ClientHello(Message):
    """A ClientHello in the form of SSL 2.0, without its two bytes of record length (RFC 5246 App. E.2)."""

    msg_type: HandshakeType = wire(Enumerated(HandshakeType))
    version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    cipher_spec_length = Length(UInt16)
    session_id_length = Length(UInt16)
    challenge_length = Length(UInt16)
    cipher_specs: tuple[SSLv2CipherKind, ...] = wire(
        SizedBy("cipher_spec_length", ListToEnd(Enumerated(SSLv2CipherKind)))
    )
    session_id: bytes = wire(SizedBy("session_id_length", Rest()))
    challenge: bytes = wire(SizedBy("challenge_length", Rest(16)))

    @property
    def random(self) -> bytes:
        """What the key derivation takes for ClientHello.random: the challenge, padded on the left to 32 bytes."""
        return self.challenge[-RANDOM_LENGTH:].rjust(RANDOM_LENGTH, b"\0")

    @property
    def cipher_suites(self) -> tuple[CipherSuite, ...]:
        """The cipher suites of SSL 3.0 and TLS among the cipher specs."""
        return tuple(spec.cipher_suite for spec in self.cipher_specs if spec.cipher_suite is not None)
