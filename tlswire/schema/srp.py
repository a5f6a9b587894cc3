"""Key exchange with a password, by SRP (RFC 5054 §2.8); the client's name is in its hello.

SRP_SHA has no certificate and no signature; SRP_SHA_RSA and SRP_SHA_DSS sign as the version has it.
"""

from __future__ import annotations

from typing import ClassVar

from tlswire.registry import ExtensionType, KeyExchange, SignatureScheme
from tlswire.schema.extensions import CLIENT_HELLO, EXTENSIONS
from tlswire.schema.forms import by_version
from tlswire.schema.key_exchange import ClientKeyExchange, ServerKeyExchange
from tlswire.wire import Enumerated, Message, Opaque, message, wire


@EXTENSIONS.register(ExtensionType.srp, CLIENT_HELLO)
@message
class SRPExtension(Message):
    """The user's name, as UTF-8 (RFC 5054 §2.8.1); the server answers with nothing."""

    type: ClassVar[ExtensionType]
    srp_I: bytes = wire(Opaque(1, 2**8 - 1))


@message
class ServerSRPParams(Message):
    """The group, the salt of the user's password, and the server's public value (RFC 5054 §2.8.2)."""

    srp_N: bytes = wire(Opaque(1, 2**16 - 1))
    srp_g: bytes = wire(Opaque(1, 2**16 - 1))
    srp_s: bytes = wire(Opaque(1, 2**8 - 1))
    srp_B: bytes = wire(Opaque(1, 2**16 - 1))


@ServerKeyExchange.FORMS.register(KeyExchange.SRP_SHA)
@message
class ServerKeyExchangeSRP(ServerKeyExchange):
    """SRP_SHA, where the password alone proves who the server is (RFC 5054 §2.8.2)."""

    params: ServerSRPParams = wire(ServerSRPParams)


@message
class ServerKeyExchangeSRPSigned(ServerKeyExchange):
    """SRP_SHA_RSA and SRP_SHA_DSS up to TLS 1.1 (RFC 5054 §2.8.2, RFC 4346 §7.4.3)."""

    params: ServerSRPParams = wire(ServerSRPParams)
    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class ServerKeyExchangeSRPSignedTLS12(ServerKeyExchange):
    """SRP_SHA_RSA and SRP_SHA_DSS in TLS 1.2 (RFC 5054 §2.8.2, RFC 5246 §7.4.3)."""

    params: ServerSRPParams = wire(ServerSRPParams)
    algorithm: SignatureScheme = wire(Enumerated(SignatureScheme))
    signature: bytes = wire(Opaque(0, 2**16 - 1))


ServerKeyExchange.FORMS.table.update(
    dict.fromkeys(
        (KeyExchange.SRP_SHA_RSA, KeyExchange.SRP_SHA_DSS),
        by_version(ServerKeyExchangeSRPSigned, ServerKeyExchangeSRPSignedTLS12),
    )
)


@ClientKeyExchange.FORMS.register(KeyExchange.SRP_SHA, KeyExchange.SRP_SHA_RSA, KeyExchange.SRP_SHA_DSS)
@message
class ClientSRPPublic(ClientKeyExchange):
    """The client's public value (RFC 5054 §2.8.3)."""

    srp_A: bytes = wire(Opaque(1, 2**16 - 1))
