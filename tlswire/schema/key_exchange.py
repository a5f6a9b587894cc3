"""Key exchange: ServerKeyExchange and ClientKeyExchange (RFC 5246 §7.4.3, §7.4.7; RFC 8422 §5.4, §5.7).

Both are chosen by the negotiated key exchange, and a signature's form by the version; so each form is a class of
its own.  Here are those with certificates or none; `psk`, `srp` and `kerberos` register theirs in the same tables.
Without declaration, and so `Unresolved`, are GOST, whose message is DER (RFC 9189 §4.2.4), Fortezza, ECCPWD, ECJPAKE,
CECPQ1 and the Chinese suites.
"""

from __future__ import annotations

from typing import Any

from tlswire.registry import ECCurveType, KeyExchange, NamedGroup, ProtocolVersion, SignatureScheme
from tlswire.schema.forms import Form, Forms, by_key_exchange, by_version
from tlswire.wire import Enumerated, IfMore, Message, Opaque, Rest, Select, UInt8, UInt16, message, wire


@message
class ServerRSAParams(Message):
    """The temporary RSA key of an export suite (RFC 2246 §7.4.3)."""

    rsa_modulus: bytes = wire(Opaque(1, 2**16 - 1))
    rsa_exponent: bytes = wire(Opaque(1, 2**16 - 1))


@message
class ServerDHParams(Message):
    """The server's Diffie-Hellman group and public value (RFC 5246 §7.4.3)."""

    dh_p: bytes = wire(Opaque(1, 2**16 - 1))
    dh_g: bytes = wire(Opaque(1, 2**16 - 1))
    dh_Ys: bytes = wire(Opaque(1, 2**16 - 1))


@message
class ECCurve(Message):
    """The coefficients of a curve (RFC 4492 §5.4)."""

    a: bytes = wire(Opaque(1, 255))
    b: bytes = wire(Opaque(1, 255))


@message
class ExplicitPrime(Message):
    """A curve over a prime field, spelled out (RFC 4492 §5.4)."""

    prime_p: bytes = wire(Opaque(1, 255))
    curve: ECCurve = wire(ECCurve)
    base: bytes = wire(Opaque(1, 255))
    order: bytes = wire(Opaque(1, 255))
    cofactor: bytes = wire(Opaque(1, 255))


@message
class Trinomial(Message):
    """The exponent of a trinomial basis (RFC 4492 §5.4)."""

    k: bytes = wire(Opaque(1, 255))


@message
class Pentanomial(Message):
    """The exponents of a pentanomial basis (RFC 4492 §5.4)."""

    k1: bytes = wire(Opaque(1, 255))
    k2: bytes = wire(Opaque(1, 255))
    k3: bytes = wire(Opaque(1, 255))


@message
class ExplicitChar2(Message):
    """A curve over a field of characteristic 2, spelled out (RFC 4492 §5.4)."""

    m: int = wire(UInt16)
    basis: int = wire(UInt8)  # ec_basis_trinomial is 1, ec_basis_pentanomial 2
    exponents: Trinomial | Pentanomial = wire(Select("basis", {1: Trinomial, 2: Pentanomial}))
    curve: ECCurve = wire(ECCurve)
    base: bytes = wire(Opaque(1, 255))
    order: bytes = wire(Opaque(1, 255))
    cofactor: bytes = wire(Opaque(1, 255))


@message
class ServerECDHParams(Message):
    """The server's curve and public point (RFC 8422 §5.4)."""

    curve_type: ECCurveType = wire(Enumerated(ECCurveType))
    curve: NamedGroup | ExplicitPrime | ExplicitChar2 = wire(
        Select(
            "curve_type",
            {
                ECCurveType.explicit_prime: ExplicitPrime,
                ECCurveType.explicit_char2: ExplicitChar2,
                ECCurveType.named_curve: Enumerated(NamedGroup),
            },
        )
    )
    public: bytes = wire(Opaque(1, 255))


class ServerKeyExchange(Forms):
    """What the server adds to its certificate for the key exchange; its forms are the subclasses (RFC 5246 §7.4.3)."""

    __slots__ = ()

    psk_identity_hint: bytes | None = None
    """Which pre-shared key the client should take; other key exchanges have none (RFC 4279 §2)."""
    params: Any = None
    """The public values: ServerRSAParams, ServerDHParams, ServerECDHParams or ServerSRPParams; none with PSK alone."""
    algorithm: SignatureScheme | None = None
    """The kind of signature, in TLS 1.2; before, it follows from the suite."""
    signature: bytes | None = None
    """The signature over both randoms and the public values; anonymous servers sign nothing."""


@message
class ServerKeyExchangeRSA(ServerKeyExchange):
    """RSA_EXPORT, up to TLS 1.1, where these suites end (RFC 2246 §7.4.3)."""

    params: ServerRSAParams = wire(ServerRSAParams)
    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class ServerKeyExchangeRSATLS12(ServerKeyExchange):
    """RSA_EXPORT in TLS 1.2, which no longer has it, but which OpenSSL before 1.1.0 sends (cf. RFC 5246 §7.4.3)."""

    params: ServerRSAParams = wire(ServerRSAParams)
    algorithm: SignatureScheme = wire(Enumerated(SignatureScheme))
    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class ServerKeyExchangeDHE(ServerKeyExchange):
    """DHE_RSA and DHE_DSS up to TLS 1.1 (RFC 4346 §7.4.3)."""

    params: ServerDHParams = wire(ServerDHParams)
    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class ServerKeyExchangeDHETLS12(ServerKeyExchange):
    """DHE_RSA and DHE_DSS in TLS 1.2 (RFC 5246 §7.4.3)."""

    params: ServerDHParams = wire(ServerDHParams)
    algorithm: SignatureScheme = wire(Enumerated(SignatureScheme))
    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class ServerKeyExchangeDHAnon(ServerKeyExchange):
    """DH_anon (RFC 5246 §7.4.3)."""

    params: ServerDHParams = wire(ServerDHParams)


@message
class ServerKeyExchangeECDHE(ServerKeyExchange):
    """ECDHE_RSA and ECDHE_ECDSA up to TLS 1.1 (RFC 4492 §5.4)."""

    params: ServerECDHParams = wire(ServerECDHParams)
    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class ServerKeyExchangeECDHETLS12(ServerKeyExchange):
    """ECDHE_RSA and ECDHE_ECDSA in TLS 1.2 (RFC 8422 §5.4)."""

    params: ServerECDHParams = wire(ServerECDHParams)
    algorithm: SignatureScheme = wire(Enumerated(SignatureScheme))
    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class ServerKeyExchangeECDHAnon(ServerKeyExchange):
    """ECDH_anon (RFC 8422 §5.4)."""

    params: ServerECDHParams = wire(ServerECDHParams)


def _server_form(exchange: KeyExchange) -> Form | None:
    if exchange.is_rsa:
        return by_version(ServerKeyExchangeRSA, ServerKeyExchangeRSATLS12)
    if exchange.is_dhe:
        if exchange.is_anonymous:
            return ServerKeyExchangeDHAnon
        return by_version(ServerKeyExchangeDHE, ServerKeyExchangeDHETLS12)
    if exchange.is_ecdhe:
        if exchange.is_anonymous:
            return ServerKeyExchangeECDHAnon
        return by_version(ServerKeyExchangeECDHE, ServerKeyExchangeECDHETLS12)
    return None


ServerKeyExchange.FORMS = by_key_exchange(
    {exchange: form for exchange in KeyExchange if (form := _server_form(exchange)) is not None}
)


class ClientKeyExchange(Forms):
    """The client's part of the key exchange; its forms are the subclasses (RFC 5246 §7.4.7)."""

    __slots__ = ()

    psk_identity: bytes | None = None
    """Which pre-shared key the client takes; other key exchanges have none (RFC 4279 §2)."""


class EncryptedPreMasterSecret(ClientKeyExchange):
    """The premaster secret, encrypted to the server's RSA key; its forms are the subclasses (RFC 5246 §7.4.7.1)."""

    __slots__ = ()

    encrypted_pre_master_secret: bytes


@message
class ClientKeyExchangeRSASSL3(EncryptedPreMasterSecret):
    """The form of SSL 3.0, without a length (RFC 6101 §5.6.7.1; RFC 5246 §7.4.7.1 tells the history)."""

    encrypted_pre_master_secret: bytes = wire(Rest())


@message
class ClientKeyExchangeRSA(EncryptedPreMasterSecret):
    """The form of TLS, behind a length (RFC 5246 §7.4.7.1)."""

    encrypted_pre_master_secret: bytes = wire(Opaque(0, 2**16 - 1))


EncryptedPreMasterSecret.FORMS = Select(
    "version", {ProtocolVersion.SSLv3: ClientKeyExchangeRSASSL3}, ClientKeyExchangeRSA
)


@message
class ClientDiffieHellmanPublic(ClientKeyExchange):
    """The client's Diffie-Hellman value; nothing, when its certificate holds it (RFC 5246 §7.4.7.2)."""

    dh_Yc: bytes | None = wire(IfMore(Opaque(1, 2**16 - 1)), default=None)


@message
class ClientECDiffieHellmanPublic(ClientKeyExchange):
    """The client's point; nothing, when its certificate holds it (RFC 8422 §5.7)."""

    ecdh_Yc: bytes | None = wire(IfMore(Opaque(1, 255)), default=None)


def _client_form(exchange: KeyExchange) -> Form | None:
    if exchange.is_rsa:
        return EncryptedPreMasterSecret.FORMS
    if exchange.is_dhe or exchange.is_fixed_dh:
        return ClientDiffieHellmanPublic
    if exchange.is_ecdhe or exchange.is_fixed_ecdh:
        return ClientECDiffieHellmanPublic
    return None


ClientKeyExchange.FORMS = by_key_exchange(
    {exchange: form for exchange in KeyExchange if (form := _client_form(exchange)) is not None}
)
