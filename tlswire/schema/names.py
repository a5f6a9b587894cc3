"""Distinguished names as certificates and CertificateRequest hold them (RFC 5280 §4.1.2.4, RFC 4514)."""

from __future__ import annotations

from tlswire.wire import Message, Opaque, message, wire


@message
class DistinguishedName(Message):
    """The name of an authority, in DER (RFC 5246 §7.4.4)."""

    der: bytes = wire(Opaque(1, 2**16 - 1))
