"""Key exchange with a pre-shared key, alone or with another (RFC 4279 §2 to §4, RFC 5489 §2).

What the other key exchange sends follows the identity, or the hint of it; no server signs it, because the key proves
who it is.  A ServerKeyExchange without a hint is not sent at all with PSK and RSA_PSK.
"""

from __future__ import annotations

from tlswire.registry import KeyExchange
from tlswire.schema.key_exchange import ClientKeyExchange, ServerDHParams, ServerECDHParams, ServerKeyExchange
from tlswire.wire import Opaque, message, wire


@ServerKeyExchange.FORMS.register(KeyExchange.PSK, KeyExchange.RSA_PSK)
@message
class ServerKeyExchangePSK(ServerKeyExchange):
    """PSK and RSA_PSK (RFC 4279 §2, §4)."""

    psk_identity_hint: bytes = wire(Opaque(0, 2**16 - 1))


@ServerKeyExchange.FORMS.register(KeyExchange.DHE_PSK)
@message
class ServerKeyExchangeDHEPSK(ServerKeyExchange):
    """DHE_PSK (RFC 4279 §3)."""

    psk_identity_hint: bytes = wire(Opaque(0, 2**16 - 1))
    params: ServerDHParams = wire(ServerDHParams)


@ServerKeyExchange.FORMS.register(KeyExchange.ECDHE_PSK)
@message
class ServerKeyExchangeECDHEPSK(ServerKeyExchange):
    """ECDHE_PSK (RFC 5489 §2, RFC 8442)."""

    psk_identity_hint: bytes = wire(Opaque(0, 2**16 - 1))
    params: ServerECDHParams = wire(ServerECDHParams)


@ClientKeyExchange.FORMS.register(KeyExchange.PSK)
@message
class ClientKeyExchangePSK(ClientKeyExchange):
    """PSK (RFC 4279 §2)."""

    psk_identity: bytes = wire(Opaque(0, 2**16 - 1))


@ClientKeyExchange.FORMS.register(KeyExchange.DHE_PSK)
@message
class ClientKeyExchangeDHEPSK(ClientKeyExchange):
    """DHE_PSK (RFC 4279 §3)."""

    psk_identity: bytes = wire(Opaque(0, 2**16 - 1))
    dh_Yc: bytes = wire(Opaque(1, 2**16 - 1))


@ClientKeyExchange.FORMS.register(KeyExchange.RSA_PSK)
@message
class ClientKeyExchangeRSAPSK(ClientKeyExchange):
    """RSA_PSK, whose premaster secret has the pre-shared key in it, too (RFC 4279 §4).

    So it is no `EncryptedPreMasterSecret`: what the server's key decrypts here makes no keys.
    """

    psk_identity: bytes = wire(Opaque(0, 2**16 - 1))
    encrypted_pre_master_secret: bytes = wire(Opaque(0, 2**16 - 1))


@ClientKeyExchange.FORMS.register(KeyExchange.ECDHE_PSK)
@message
class ClientKeyExchangeECDHEPSK(ClientKeyExchange):
    """ECDHE_PSK (RFC 5489 §2, RFC 8442)."""

    psk_identity: bytes = wire(Opaque(0, 2**16 - 1))
    ecdh_Yc: bytes = wire(Opaque(1, 255))
