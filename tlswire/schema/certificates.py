"""Certificates, and who asks for them (RFC 5246 §7.4.2, §7.4.4, §7.4.6, §7.4.8; RFC 6066 §8; RFC 8446 §4.3.2, §4.4).

Certificates and names are kept as their DER bytes and read on demand: many are odd, and few are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from tlswire.errors import DecodeError
from tlswire.registry import (
    CertificateCompressionAlgorithm,
    CertificateStatusType,
    ClientCertificateType,
    ExtensionType,
    ProtocolVersion,
    SignatureScheme,
)
from tlswire.schema.der import read_element
from tlswire.schema.extensions import (
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CLIENT_HELLO,
    EXTENSIONS,
    Extended,
    Extension,
    SignatureAlgorithms,
)
from tlswire.schema.forms import TLS13_SINCE_DRAFT_19, UNDECLARED, UP_TO_TLS12, Forms, by_version
from tlswire.schema.names import DistinguishedName
from tlswire.schema.x509 import read_certificate, subject_public_key_info
from tlswire.wire import (
    Enumerated,
    Message,
    Opaque,
    Rest,
    Select,
    Tagged,
    UInt24,
    Vector,
    message,
    wire,
)


class Certificate(Forms):
    """A certificate chain; its forms are the subclasses (RFC 5246 §7.4.2, RFC 8446 §4.4.2)."""

    __slots__ = ()

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificates in DER, the sender's own first; a client may send none."""
        raise NotImplementedError


@message
class CertificateSSL3(Certificate):
    """In SSL 3.0 to TLS 1.2, each certificate in DER (RFC 6101 §5.6.2, RFC 5246 §7.4.2)."""

    certificate_list: tuple[bytes, ...] = wire(Vector(Opaque(1, 2**24 - 1), 0, 2**24 - 1))

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificates in DER, the sender's own first; a client may send none."""
        return self.certificate_list


@message
class CertificateEntry(Extended):
    """A certificate in DER, and what is said about it (RFC 8446 §4.4.2)."""

    cert_data: bytes = wire(Opaque(1, 2**24 - 1))
    extensions: tuple[Extension, ...] = wire(Vector(Tagged(EXTENSIONS, CERTIFICATE), 0, 2**16 - 1))


@message
class CertificateTLS13(Certificate):
    """In TLS 1.3 (RFC 8446 §4.4.2).

    `certificate_request_context` is that of the request after the handshake which it answers; else empty.
    """

    certificate_request_context: bytes = wire(Opaque(0, 2**8 - 1))
    certificate_list: tuple[CertificateEntry, ...] = wire(Vector(CertificateEntry, 0, 2**24 - 1))

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificates in DER, the sender's own first; a client may send none."""
        return tuple(entry.cert_data for entry in self.certificate_list)


Certificate.FORMS = Select(
    "version",
    {**dict.fromkeys(UP_TO_TLS12, CertificateSSL3), **dict.fromkeys(TLS13_SINCE_DRAFT_19, CertificateTLS13)},
    UNDECLARED,
)


@message
class CompressedCertificate(Message):
    """A Certificate message of TLS 1.3, compressed (RFC 8879 §4); `uncompressed_length` in bytes."""

    algorithm: CertificateCompressionAlgorithm = wire(Enumerated(CertificateCompressionAlgorithm))
    uncompressed_length: int = wire(UInt24)
    compressed_certificate_message: bytes = wire(Opaque(1, 2**24 - 1))


class CertificateRequest(Forms):
    """The server asks for a certificate; its forms are the subclasses (RFC 5246 §7.4.4)."""

    __slots__ = ()

    supported_signature_algorithms: tuple[SignatureScheme, ...] | None = None
    """What TLS 1.2 adds: the signatures that the server can verify."""

    if TYPE_CHECKING:

        @property
        def certificate_types(self) -> tuple[ClientCertificateType, ...]: ...
        @property
        def certificate_authorities(self) -> tuple[DistinguishedName, ...]: ...

    def accepts(self, certificate_chain: Sequence[bytes]) -> bool:
        """Whether a client may answer with that chain, by the types and the names that the server lists.

        Parameters: `certificate_chain`, the certificates in DER, the client's own first, each issued by the next.

        The own key must be of one of `certificate_types` (TLS 1.3 has none), and the issuer of some certificate of the
        chain among `certificate_authorities`, byte for byte; where no authority is listed, any will do (RFC 5246
        §7.4.4, §7.4.6; RFC 8446 §4.2.4).  A key or an issuer that cannot be read is no reason against the type, but is
        no listed name.  No chain is never accepted.  Nothing is verified: no signature, no date, no purpose.
        """
        if not certificate_chain:
            return False
        types = certificate_key_types(certificate_chain[0])
        if self.certificate_types and types and not set(types) & set(self.certificate_types):
            return False
        listed = {name.der for name in self.certificate_authorities}
        chain_names = (certificate_names(der) for der in certificate_chain)
        return not listed or any(names is not None and names[0].der in listed for names in chain_names)


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


@EXTENSIONS.register(ExtensionType.certificate_authorities, CLIENT_HELLO, CERTIFICATE_REQUEST)
@message
class CertificateAuthorities(Message):
    """The names of the authorities that the sender trusts (RFC 8446 §4.2.4)."""

    type: ClassVar[ExtensionType]
    authorities: tuple[DistinguishedName, ...] = wire(Vector(DistinguishedName, 3, 2**16 - 1))


@message
class CertificateRequestTLS13(Extended, CertificateRequest):
    """In TLS 1.3, where all is in extensions (RFC 8446 §4.3.2).

    `certificate_request_context` tells requests after the handshake apart; in the handshake it is empty.
    """

    certificate_request_context: bytes = wire(Opaque(0, 2**8 - 1))
    extensions: tuple[Extension, ...] = wire(Vector(Tagged(EXTENSIONS, CERTIFICATE_REQUEST), 2, 2**16 - 1))

    @property
    def certificate_types(self) -> tuple[ClientCertificateType, ...]:
        """None: TLS 1.3 does not say, but by the signatures."""
        return ()

    @property
    def supported_signature_algorithms(self) -> tuple[SignatureScheme, ...] | None:  # type: ignore[override]
        """The signatures that the server can verify; None where it does not say (RFC 8446 §4.2.3)."""
        found = self.extension(ExtensionType.signature_algorithms)
        return found.supported_signature_algorithms if isinstance(found, SignatureAlgorithms) else None

    @property
    def certificate_authorities(self) -> tuple[DistinguishedName, ...]:
        """The names of the accepted authorities; none where the server does not say (RFC 8446 §4.2.4)."""
        found = self.extension(ExtensionType.certificate_authorities)
        return found.authorities if isinstance(found, CertificateAuthorities) else ()


CertificateRequest.FORMS = Select(
    "version",
    {
        ProtocolVersion.SSLv3: CertificateRequestSSL3,
        ProtocolVersion.TLSv1_0: CertificateRequestSSL3,
        ProtocolVersion.TLSv1_1: CertificateRequestTLS11,
        ProtocolVersion.TLSv1_2: CertificateRequestTLS12,
        **dict.fromkeys(TLS13_SINCE_DRAFT_19, CertificateRequestTLS13),
    },
    UNDECLARED,
)


class CertificateVerify(Forms):
    """The proof that the sender has the certificate's key; its forms are the subclasses (RFC 5246 §7.4.8)."""

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
    """In TLS 1.2 and 1.3, where servers send it too (RFC 5246 §7.4.8, RFC 8446 §4.4.3)."""

    algorithm: SignatureScheme = wire(Enumerated(SignatureScheme))
    signature: bytes = wire(Opaque(0, 2**16 - 1))


CertificateVerify.FORMS = by_version(CertificateVerifySSL3, CertificateVerifyTLS12, tls13=CertificateVerifyTLS12)


@message
class OCSPResponse(Message):
    """An OCSP response in DER (RFC 6066 §8)."""

    ocsp_response: bytes = wire(Opaque(1, 2**24 - 1))


@message
class OCSPResponseList(Message):
    """OCSP responses for the certificates of the chain, in its order; empty where there is none (RFC 6961 §2.2)."""

    ocsp_response_list: tuple[bytes, ...] = wire(Vector(Opaque(0, 2**24 - 1), 1, 2**24 - 1))


@EXTENSIONS.register(ExtensionType.status_request, CERTIFICATE)
@message
class CertificateStatus(Message):
    """The status of the server's certificates, stapled; in TLS 1.3 an extension of the certificate.

    RFC 6066 §8, RFC 6961 §2.2, RFC 8446 §4.4.2.1.
    """

    status_type: CertificateStatusType = wire(Enumerated(CertificateStatusType))
    response: OCSPResponse | OCSPResponseList | bytes = wire(
        Select(
            "status_type",
            {CertificateStatusType.ocsp: OCSPResponse, CertificateStatusType.ocsp_multi: OCSPResponseList},
            Rest(),
        )
    )


@lru_cache(maxsize=64)  # a server sends the same certificate to all
def certificate_names(der: bytes) -> tuple[DistinguishedName, DistinguishedName] | None:
    """The issuer and the subject of a certificate (RFC 5280 §4.1); None where the DER cannot be read so far.

    Parameters: `der`, the certificate.  `DistinguishedName` reads the names, which takes what `cryptography` refuses.
    """
    fields = read_certificate(der)
    if fields.issuer is None or fields.subject is None:
        return None
    return fields.issuer, fields.subject


# The OIDs of public keys (RFC 3279 §2.3, RFC 4055 §1.2, RFC 5480 §2.1, RFC 8410 §3), as DER has them, and the types
# under which a client can use them (RFC 5246 §7.4.4, RFC 8422 §5.5).
_RSA_TYPES = (ClientCertificateType.rsa_sign,)
_KEY_TYPES: dict[bytes, tuple[ClientCertificateType, ...]] = {
    bytes.fromhex("2a864886f70d010101"): _RSA_TYPES,
    bytes.fromhex("2a864886f70d01010a"): _RSA_TYPES,
    bytes.fromhex("2a8648ce380401"): (ClientCertificateType.dss_sign,),
    bytes.fromhex("2a8648ce3d0201"): (
        ClientCertificateType.ecdsa_sign,
        ClientCertificateType.rsa_fixed_ecdh,
        ClientCertificateType.ecdsa_fixed_ecdh,
    ),
    bytes.fromhex("2b6570"): (ClientCertificateType.ecdsa_sign,),
    bytes.fromhex("2b6571"): (ClientCertificateType.ecdsa_sign,),
}


def certificate_key_types(der: bytes) -> tuple[ClientCertificateType, ...]:
    """The types under which a client can use a certificate, by its key; none where the key is of no known kind.

    Parameters: `der`, the certificate.  RFC 5246 §7.4.4, RFC 8422 §5.5.
    """
    try:
        key_info = subject_public_key_info(der)
        algorithm = read_element(der, key_info.start, key_info.end)
        oid = read_element(der, algorithm.start, algorithm.end)
    except DecodeError:
        return ()
    return _KEY_TYPES.get(der[oid.start : oid.end], ())


def certificate_subject(der: bytes) -> str | None:
    """The subject of a certificate as a string (RFC 4514); None where the DER cannot be read so far.

    Parameters: `der`, the certificate.
    """
    names = certificate_names(der)
    return None if names is None else str(names[1])
