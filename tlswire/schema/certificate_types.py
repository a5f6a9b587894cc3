"""What certificates are, and which need not be sent: the extensions that agree on it.

RFC 6091, RFC 7250, RFC 7924, RFC 6961, RFC 9345.  What is agreed changes the Certificate message (a raw public key, an
OpenPGP key, a hash), and no context tells that: such a Certificate is decoded as a list of X.509 certificates, and
mostly does not decode.
"""

from __future__ import annotations

from typing import ClassVar

from tlswire.registry import (
    CachedInformationType,
    CertificateStatusType,
    CertificateType,
    ExtensionType,
    SignatureScheme,
)
from tlswire.schema.extensions import (
    CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS,
    EXTENSIONS,
    SERVER_HELLO,
    OCSPStatusRequest,
)
from tlswire.wire import Enumerated, Message, Opaque, Select, UInt16, Vector, Window, message, wire


@EXTENSIONS.register(ExtensionType.cert_type, CLIENT_HELLO)
@message
class CertificateTypes(Message):
    """What both sides' certificates may be, the preferred first (RFC 6091 §3.1)."""

    type: ClassVar[ExtensionType]
    certificate_types: tuple[CertificateType, ...] = wire(Vector(Enumerated(CertificateType), 1, 2**8 - 1))


@EXTENSIONS.register(ExtensionType.cert_type, SERVER_HELLO)
@message
class SelectedCertificateType(Message):
    """What both sides' certificates are (RFC 6091 §3.2)."""

    type: ClassVar[ExtensionType]
    certificate_type: CertificateType = wire(Enumerated(CertificateType))


@EXTENSIONS.register(ExtensionType.client_certificate_type, CLIENT_HELLO)
@message
class ClientCertificateTypes(Message):
    """What the client's certificate can be, the preferred first (RFC 7250 §3)."""

    type: ClassVar[ExtensionType]
    client_certificate_types: tuple[CertificateType, ...] = wire(Vector(Enumerated(CertificateType), 1, 2**8 - 1))


@EXTENSIONS.register(ExtensionType.client_certificate_type, SERVER_HELLO, ENCRYPTED_EXTENSIONS)
@message
class SelectedClientCertificateType(Message):
    """What the client's certificate shall be (RFC 7250 §3)."""

    type: ClassVar[ExtensionType]
    client_certificate_type: CertificateType = wire(Enumerated(CertificateType))


@EXTENSIONS.register(ExtensionType.server_certificate_type, CLIENT_HELLO)
@message
class ServerCertificateTypes(Message):
    """What the client takes as the server's certificate, the preferred first (RFC 7250 §3)."""

    type: ClassVar[ExtensionType]
    server_certificate_types: tuple[CertificateType, ...] = wire(Vector(Enumerated(CertificateType), 1, 2**8 - 1))


@EXTENSIONS.register(ExtensionType.server_certificate_type, SERVER_HELLO, ENCRYPTED_EXTENSIONS)
@message
class SelectedServerCertificateType(Message):
    """What the server's certificate is (RFC 7250 §3)."""

    type: ClassVar[ExtensionType]
    server_certificate_type: CertificateType = wire(Enumerated(CertificateType))


@message
class CachedObject(Message):
    """A hash of a message that the client has from an earlier handshake (RFC 7924 §3)."""

    type: CachedInformationType = wire(Enumerated(CachedInformationType))
    hash_value: bytes = wire(Opaque(1, 255))


@EXTENSIONS.register(ExtensionType.cached_info, CLIENT_HELLO)
@message
class CachedInformation(Message):
    """What the client has from earlier handshakes (RFC 7924 §3)."""

    type: ClassVar[ExtensionType]
    cached_info: tuple[CachedObject, ...] = wire(Vector(CachedObject, 1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.cached_info, SERVER_HELLO)
@message
class CachedInformationAccepted(Message):
    """Of what the server will send a hash alone (RFC 7924 §3)."""

    type: ClassVar[ExtensionType]
    cached_info: tuple[CachedInformationType, ...] = wire(Vector(Enumerated(CachedInformationType), 1, 2**16 - 1))


@message
class CertificateStatusRequestItemV2(Message):
    """One way in which the client takes the certificates' status (RFC 6961 §2.2)."""

    status_type: CertificateStatusType = wire(Enumerated(CertificateStatusType))
    request: OCSPStatusRequest | bytes = wire(
        Select(
            "status_type",
            {
                CertificateStatusType.ocsp: Window(UInt16, OCSPStatusRequest),
                CertificateStatusType.ocsp_multi: Window(UInt16, OCSPStatusRequest),
            },
            Opaque(0, 2**16 - 1),
        )
    )


@EXTENSIONS.register(ExtensionType.status_request_v2, CLIENT_HELLO)
@message
class CertificateStatusRequestListV2(Message):
    """The client wants the certificates' status stapled, the preferred way first (RFC 6961 §2.2)."""

    type: ClassVar[ExtensionType]
    certificate_status_req_list: tuple[CertificateStatusRequestItemV2, ...] = wire(
        Vector(CertificateStatusRequestItemV2, 1, 2**16 - 1)
    )


@EXTENSIONS.register(ExtensionType.status_request_v2, SERVER_HELLO)
@message
class CertificateStatusV2Accepted(Message):
    """The server will send CertificateStatus (RFC 6961 §2.2)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.delegated_credential, CLIENT_HELLO)
@message
class DelegatedCredentialRequest(Message):
    """The signatures that the client can verify under a delegated credential (RFC 9345 §4.1.1)."""

    type: ClassVar[ExtensionType]
    supported_signature_algorithms: tuple[SignatureScheme, ...] = wire(
        Vector(Enumerated(SignatureScheme), 2, 2**16 - 2)
    )
