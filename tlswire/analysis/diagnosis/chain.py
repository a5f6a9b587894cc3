"""Certificates as a diagnosis looks at them: what can be read of each, and nothing raised for what cannot."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tlswire.registry import ClientCertificateType, SignatureScheme
from tlswire.schema import DistinguishedName, certificate_key_types, certificate_names

CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string
E = TypeVar("E", bound=x509.ExtensionType)

# What `cryptography` raises for extensions that are not there, or not as they should be.
_UNREADABLE = (
    ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
)  # fmt: skip
_ANY_PURPOSE = "2.5.29.37.0"

# What can sign with each kind of key, by the code points of TLS 1.2 and 1.3 (RFC 5246 §7.4.1.4.1, RFC 8446 §4.2.3).
_RSA = tuple(
    SignatureScheme.of(code)
    for code in (0x0101, 0x0201, 0x0301, 0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B)
)
_DSA = tuple(SignatureScheme.of(code) for code in (0x0102, 0x0202, 0x0302, 0x0402, 0x0502, 0x0602))
_ECDSA = tuple(SignatureScheme.of(code) for code in (0x0103, 0x0203, 0x0303, 0x0403, 0x0503, 0x0603))


class ReadCertificate:
    """A certificate, as far as it can be read: `der`, and what follows from it on demand."""

    def __init__(self, der: bytes) -> None:
        self.der = der
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is odd about a peer's certificate is no news on standard error
                self.parsed: x509.Certificate | None = x509.load_der_x509_certificate(der)
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            self.parsed = None
        names = certificate_names(der)
        self.issuer: DistinguishedName | None = names[0] if names is not None else None
        self.subject: DistinguishedName | None = names[1] if names is not None else None

    @property
    def is_self_signed(self) -> bool:
        """Whether issuer and subject are the same name: a root, as far as a name can tell."""
        return self.subject is not None and self.issuer is not None and self.subject.der == self.issuer.der

    @property
    def validity(self) -> tuple[datetime.datetime, datetime.datetime] | None:
        """From when and until when it is valid, UTC; None where that cannot be read."""
        if self.parsed is None:
            return None
        try:
            return self.parsed.not_valid_before_utc, self.parsed.not_valid_after_utc
        except ValueError:
            return None

    @property
    def public_key(self) -> object | None:
        """The key; None where `cryptography` cannot read it."""
        if self.parsed is None:
            return None
        try:
            return self.parsed.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return None

    @property
    def key_type(self) -> str | None:
        """`RSA`, `DSA`, `EC`, `Ed25519`, `Ed448`; None where that cannot be read."""
        key = self.public_key
        return next((name for name, kind in _KEYS.items() if isinstance(key, kind)), None)

    @property
    def certificate_types(self) -> tuple[ClientCertificateType, ...]:
        """The types of RFC 5246 §7.4.4 under which it can be used; none where its key cannot be read."""
        return certificate_key_types(self.der)

    @property
    def signature_schemes(self) -> tuple[SignatureScheme, ...]:
        """What its key can sign with; none where it cannot be read."""
        return _SCHEMES.get(self.key_type or "", ())

    @property
    def signed_with(self) -> SignatureScheme | None:
        """What its issuer signed it with; None where that has no code point in TLS."""
        if self.parsed is None:
            return None
        code = _SIGNED.get(self.parsed.signature_algorithm_oid.dotted_string)
        return None if code is None else SignatureScheme.of(code)

    @property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """The OIDs of its extended key usage; None where it has none, or cannot be read (RFC 5280 §4.2.1.12)."""
        found = self._extension(x509.ExtendedKeyUsage)
        return None if found is None else tuple(usage.dotted_string for usage in found)

    @property
    def allows_client_auth(self) -> bool:
        """False when its extended key usage has neither clientAuth nor any purpose."""
        usage = self.extended_key_usage
        return usage is None or CLIENT_AUTH in usage or _ANY_PURPOSE in usage

    @property
    def allows_signatures(self) -> bool:
        """False when its key usage lacks digitalSignature, which CertificateVerify needs (RFC 5246 §7.4.6)."""
        usage = self._extension(x509.KeyUsage)
        return usage is None or bool(usage.digital_signature)

    def _extension(self, kind: type[E]) -> E | None:
        if self.parsed is None:
            return None
        try:
            return self.parsed.extensions.get_extension_for_class(kind).value
        except _UNREADABLE:
            return None


_KEYS = {
    "RSA": rsa.RSAPublicKey,
    "DSA": dsa.DSAPublicKey,
    "EC": ec.EllipticCurvePublicKey,
    "Ed25519": ed25519.Ed25519PublicKey,
    "Ed448": ed448.Ed448PublicKey,
}
# RFC 8017 App. A.2.4, RFC 5758 §3, RFC 8410 §3.
_SIGNED = {
    "1.2.840.113549.1.1.4": 0x0101,
    "1.2.840.113549.1.1.5": 0x0201,
    "1.2.840.113549.1.1.14": 0x0301,
    "1.2.840.113549.1.1.11": 0x0401,
    "1.2.840.113549.1.1.12": 0x0501,
    "1.2.840.113549.1.1.13": 0x0601,
    "1.2.840.10040.4.3": 0x0202,
    "2.16.840.1.101.3.4.3.2": 0x0402,
    "1.2.840.10045.4.1": 0x0203,
    "1.2.840.10045.4.3.1": 0x0303,
    "1.2.840.10045.4.3.2": 0x0403,
    "1.2.840.10045.4.3.3": 0x0503,
    "1.2.840.10045.4.3.4": 0x0603,
    "1.3.101.112": 0x0807,
    "1.3.101.113": 0x0808,
}
_SCHEMES = {
    "RSA": _RSA,
    "DSA": _DSA,
    "EC": _ECDSA,
    "Ed25519": (SignatureScheme.ed25519,),
    "Ed448": (SignatureScheme.ed448,),
}


@lru_cache(maxsize=256)  # the same client comes again and again
def read_certificate(der: bytes) -> ReadCertificate:
    """What can be read of a certificate."""
    return ReadCertificate(der)


def chain_of(certificates: Sequence[bytes]) -> list[ReadCertificate]:
    """A chain, the client's own certificate first."""
    return [read_certificate(der) for der in certificates]


def ordered(certificates: Sequence[bytes]) -> list[bytes]:
    """Certificates from files, in any order, as a chain: first the one that has issued none of the others.

    What does not belong to the chain of that one comes behind it, in the order given.
    """
    rest = chain_of(list(dict.fromkeys(certificates)))
    leaf = next((one for one in rest if not any(_issued(one, other) for other in rest if other is not one)), None)
    chain: list[ReadCertificate] = []
    while leaf is not None:
        chain.append(leaf)
        rest.remove(leaf)
        leaf = next((one for one in rest if _issued(one, chain[-1])), None)
    return [one.der for one in (*chain, *rest)]


def continued(chain: list[ReadCertificate], others: Sequence[ReadCertificate]) -> list[ReadCertificate]:
    """A chain with those of the others that stand above its end, one above the other."""
    chain = list(chain)
    while not chain[-1].is_self_signed:
        above = next((one for one in others if _issued(one, chain[-1]) and one not in chain), None)
        if above is None:
            break
        chain.append(above)
    return chain


def _issued(one: ReadCertificate, other: ReadCertificate) -> bool:
    """Whether the names say that `one` has issued `other`."""
    return one.subject is not None and other.issuer is not None and one.subject.der == other.issuer.der
