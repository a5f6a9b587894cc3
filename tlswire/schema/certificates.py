"""Certificates, and who asks for them (RFC 5246 §7.4.2, §7.4.4, §7.4.6, §7.4.8; RFC 6066 §8).

Certificates and names are kept as their DER bytes and read on demand: many are odd, and few are looked at.
"""

from __future__ import annotations

from functools import lru_cache

from tlswire.errors import DecodeError
from tlswire.registry import CertificateStatusType, ClientCertificateType, ProtocolVersion, SignatureScheme
from tlswire.schema.der import read_element
from tlswire.schema.forms import UNDECLARED, Forms, by_version
from tlswire.schema.names import DistinguishedName
from tlswire.wire import (
    Enumerated,
    Message,
    Opaque,
    Rest,
    Select,
    Vector,
    message,
    wire,
)


@message
class Certificate(Message):
    """A certificate chain, the sender's own first, each in DER; a client may send none (RFC 5246 §7.4.2)."""

    certificate_list: tuple[bytes, ...] = wire(Vector(Opaque(1, 2**24 - 1), 0, 2**24 - 1))


class CertificateRequest(Forms):
    """The server asks for a certificate; its forms are the subclasses (RFC 5246 §7.4.4)."""

    __slots__ = ()

    certificate_types: tuple[ClientCertificateType, ...]
    supported_signature_algorithms: tuple[SignatureScheme, ...] | None = None
    """What TLS 1.2 adds: the signatures that the server can verify."""
    certificate_authorities: tuple[DistinguishedName, ...]


@message
class CertificateRequestSSL3(CertificateRequest):
    """In SSL 3.0 and TLS 1.0, with at least one authority (RFC 6101 §5.6.4, RFC 2246 §7.4.4)."""

    certificate_types: tuple[ClientCertificateType, ...] = wire(Vector(Enumerated(ClientCertificateType), 1, 2**8 - 1))
    certificate_authorities: tuple[DistinguishedName, ...] = wire(Vector(DistinguishedName, 3, 2**16 - 1))


@message
class CertificateRequestTLS11(CertificateRequest):
    """In TLS 1.1, where no authority means that any certificate will do (RFC 4346 §7.4.4)."""

    certificate_types: tuple[ClientCertificateType, ...] = wire(Vector(Enumerated(ClientCertificateType), 1, 2**8 - 1))
    certificate_authorities: tuple[DistinguishedName, ...] = wire(Vector(DistinguishedName, 0, 2**16 - 1))


@message
class CertificateRequestTLS12(CertificateRequest):
    """In TLS 1.2, where no authority means that any certificate will do (RFC 5246 §7.4.4)."""

    certificate_types: tuple[ClientCertificateType, ...] = wire(Vector(Enumerated(ClientCertificateType), 1, 2**8 - 1))
    supported_signature_algorithms: tuple[SignatureScheme, ...] = wire(
        Vector(Enumerated(SignatureScheme), 2, 2**16 - 2)
    )
    certificate_authorities: tuple[DistinguishedName, ...] = wire(Vector(DistinguishedName, 0, 2**16 - 1))


CertificateRequest.FORMS = Select(
    "version",
    {
        ProtocolVersion.SSLv3: CertificateRequestSSL3,
        ProtocolVersion.TLSv1_0: CertificateRequestSSL3,
        ProtocolVersion.TLSv1_1: CertificateRequestTLS11,
        ProtocolVersion.TLSv1_2: CertificateRequestTLS12,
    },
    UNDECLARED,
)


class CertificateVerify(Forms):
    """The client's proof that it has the certificate's key; its forms are the subclasses (RFC 5246 §7.4.8)."""

    __slots__ = ()

    algorithm: SignatureScheme | None = None
    """What TLS 1.2 adds; before, it follows from the kind of the certificate's key."""
    signature: bytes


@message
class CertificateVerifySSL3(CertificateVerify):
    """In SSL 3.0 to TLS 1.1 (RFC 6101 §5.6.8, RFC 4346 §7.4.8)."""

    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class CertificateVerifyTLS12(CertificateVerify):
    """In TLS 1.2 (RFC 5246 §7.4.8)."""

    algorithm: SignatureScheme = wire(Enumerated(SignatureScheme))
    signature: bytes = wire(Opaque(0, 2**16 - 1))


CertificateVerify.FORMS = by_version(CertificateVerifySSL3, CertificateVerifyTLS12)


@message
class OCSPResponse(Message):
    """An OCSP response in DER (RFC 6066 §8)."""

    ocsp_response: bytes = wire(Opaque(1, 2**24 - 1))


@message
class OCSPResponseList(Message):
    """OCSP responses for the certificates of the chain, in its order; empty where there is none (RFC 6961 §2.2)."""

    ocsp_response_list: tuple[bytes, ...] = wire(Vector(Opaque(0, 2**24 - 1), 1, 2**24 - 1))


@message
class CertificateStatus(Message):
    """The status of the server's certificates, stapled (RFC 6066 §8, RFC 6961 §2.2)."""

    status_type: CertificateStatusType = wire(Enumerated(CertificateStatusType))
    response: OCSPResponse | OCSPResponseList | bytes = wire(
        Select(
            "status_type",
            {CertificateStatusType.ocsp: OCSPResponse, CertificateStatusType.ocsp_multi: OCSPResponseList},
            Rest(),
        )
    )


@lru_cache(maxsize=64)  # a server sends the same certificate to all
def certificate_subject(der: bytes) -> str | None:
    """The subject of a certificate as a string (RFC 4514); None where the DER cannot be read so far.

    Parameters: `der`, the certificate.  `DistinguishedName` reads the name, which takes what `cryptography` refuses.
    """
    try:
        name = _subject(der)
    except DecodeError:
        return None
    return str(DistinguishedName(name))


def _subject(der: bytes) -> bytes:
    """The sixth field of a TBSCertificate, or the fifth where there is no version (RFC 5280 §4.1)."""
    certificate = read_element(der, 0, len(der))
    tbs = read_element(der, certificate.start, certificate.end)
    position = tbs.start
    field = read_element(der, position, tbs.end)
    for _ in range(5 if field.tag == 0xA0 else 4):
        field = read_element(der, field.end, tbs.end)
    return der[field.offset : field.end]
