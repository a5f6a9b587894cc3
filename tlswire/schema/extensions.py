"""Extensions, each by its type and by the message in which it stands; those of RFC 8446 are in `extensions_tls13`.

`EXTENSIONS` is the table.  It is open: `@EXTENSIONS.register(type, places…)` above a message class adds one, and
hellos decode it from then on.  A type that a place does not have, GREASE included, is an `UnknownExtension`; a body
that is not what its type says, a `MalformedExtension`.  Both keep the bytes, and the hello decodes all the same.
"""

from __future__ import annotations

from typing import ClassVar

from tlswire.registry import (
    CertificateCompressionAlgorithm,
    CertificateStatusType,
    ECPointFormat,
    ExtensionType,
    HandshakeType,
    HeartbeatMode,
    MaxFragmentLength,
    NamedGroup,
    NameType,
    SignatureScheme,
)
from tlswire.wire import (
    Enumerated,
    ListToEnd,
    MalformedBody,
    Message,
    Opaque,
    Rest,
    Select,
    TagTable,
    UInt16,
    UnknownBody,
    Vector,
    message,
    wire,
)

CLIENT_HELLO = HandshakeType.client_hello
SERVER_HELLO = HandshakeType.server_hello
HELLO_RETRY_REQUEST = HandshakeType.hello_retry_request
ENCRYPTED_EXTENSIONS = HandshakeType.encrypted_extensions
CERTIFICATE = HandshakeType.certificate
CERTIFICATE_REQUEST = HandshakeType.certificate_request
NEW_SESSION_TICKET = HandshakeType.new_session_ticket


class UnknownExtension(UnknownBody):
    """An extension whose type has no meaning in its place, GREASE included: `type` and the bytes, `raw`."""

    __slots__ = ()


class MalformedExtension(MalformedBody):
    """A known extension whose body does not decode: `type`, the bytes, `raw`, and the `error`."""

    __slots__ = ()


EXTENSIONS = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownExtension, MalformedExtension)
"""What each extension type is, in each message: open for more."""

Extension = Message | UnknownExtension | MalformedExtension


class Extended(Message):
    """A structure with extensions."""

    __slots__ = ()

    extensions: tuple[Extension, ...] | None

    def extension(self, type: ExtensionType) -> Extension | None:
        """The first extension of that type, or None."""
        for extension in self.extensions or ():
            if getattr(extension, "type", None) == type:
                return extension
        return None


# RFC 6066


@message
class ServerName(Message):
    """One name of the server (RFC 6066 §3)."""

    name_type: NameType = wire(Enumerated(NameType))
    name: bytes = wire(Opaque(1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.server_name, CLIENT_HELLO)
@message
class ServerNameList(Message):
    """The names by which the client looks for the server (RFC 6066 §3)."""

    type: ClassVar[ExtensionType]
    server_name_list: tuple[ServerName, ...] = wire(Vector(ServerName, 1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.server_name, SERVER_HELLO, ENCRYPTED_EXTENSIONS)
@message
class ServerNameAccepted(Message):
    """The server has used the name (RFC 6066 §3)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.max_fragment_length, CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS)
@message
class MaxFragmentLengthNegotiation(Message):
    """The longest plaintext of a record (RFC 6066 §4)."""

    type: ClassVar[ExtensionType]
    max_fragment_length: MaxFragmentLength = wire(Enumerated(MaxFragmentLength))


@EXTENSIONS.register(ExtensionType.truncated_hmac, CLIENT_HELLO, SERVER_HELLO)
@message
class TruncatedHMAC(Message):
    """The MAC is cut to ten bytes (RFC 6066 §7)."""

    type: ClassVar[ExtensionType]


@message
class OCSPStatusRequest(Message):
    """Which responders the client trusts, and what to ask them (RFC 6066 §8)."""

    responder_id_list: tuple[bytes, ...] = wire(Vector(Opaque(1, 2**16 - 1), 0, 2**16 - 1))
    request_extensions: bytes = wire(Opaque(0, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.status_request, CLIENT_HELLO)
@message
class CertificateStatusRequest(Message):
    """The client wants the certificate's status stapled (RFC 6066 §8)."""

    type: ClassVar[ExtensionType]
    status_type: CertificateStatusType = wire(Enumerated(CertificateStatusType))
    request: OCSPStatusRequest | bytes = wire(
        Select("status_type", {CertificateStatusType.ocsp: OCSPStatusRequest}, Rest())
    )


@EXTENSIONS.register(ExtensionType.status_request, SERVER_HELLO)
@message
class CertificateStatusAccepted(Message):
    """The server will send CertificateStatus (RFC 6066 §8)."""

    type: ClassVar[ExtensionType]


# RFC 8422


@EXTENSIONS.register(ExtensionType.supported_groups, CLIENT_HELLO, ENCRYPTED_EXTENSIONS)
@message
class SupportedGroups(Message):
    """The groups for key exchange, the preferred first (RFC 8422 §5.1.1, RFC 7919 §2, RFC 8446 §4.2.7)."""

    type: ClassVar[ExtensionType]
    named_group_list: tuple[NamedGroup, ...] = wire(Vector(Enumerated(NamedGroup), 2, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.ec_point_formats, CLIENT_HELLO, SERVER_HELLO)
@message
class ECPointFormats(Message):
    """How points on curves are written (RFC 8422 §5.1.2)."""

    type: ClassVar[ExtensionType]
    ec_point_format_list: tuple[ECPointFormat, ...] = wire(Vector(Enumerated(ECPointFormat), 1, 2**8 - 1))


# RFC 5246 and RFC 8446: signatures


@EXTENSIONS.register(ExtensionType.signature_algorithms, CLIENT_HELLO, CERTIFICATE_REQUEST)
@message
class SignatureAlgorithms(Message):
    """The signatures that the sender can verify (RFC 5246 §7.4.1.4.1, RFC 8446 §4.2.3)."""

    type: ClassVar[ExtensionType]
    supported_signature_algorithms: tuple[SignatureScheme, ...] = wire(
        Vector(Enumerated(SignatureScheme), 2, 2**16 - 2)
    )


@EXTENSIONS.register(ExtensionType.signature_algorithms_cert, CLIENT_HELLO, CERTIFICATE_REQUEST)
@message
class SignatureAlgorithmsCert(Message):
    """The signatures that the sender can verify in certificates (RFC 8446 §4.2.3)."""

    type: ClassVar[ExtensionType]
    supported_signature_algorithms: tuple[SignatureScheme, ...] = wire(
        Vector(Enumerated(SignatureScheme), 2, 2**16 - 2)
    )


# RFC 6520, 7301, 6962, 7685, 7366, 7627, 5077, 8879, 8449, 5746


@EXTENSIONS.register(ExtensionType.heartbeat, CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS)
@message
class HeartbeatExtension(Message):
    """Whether the peer may send heartbeat requests (RFC 6520 §2)."""

    type: ClassVar[ExtensionType]
    mode: HeartbeatMode = wire(Enumerated(HeartbeatMode))


@EXTENSIONS.register(
    ExtensionType.application_layer_protocol_negotiation, CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS
)
@message
class ProtocolNameList(Message):
    """The protocols that the client offers; the one that the server chose (RFC 7301 §3.1)."""

    type: ClassVar[ExtensionType]
    protocol_name_list: tuple[bytes, ...] = wire(Vector(Opaque(1, 2**8 - 1), 2, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.signed_certificate_timestamp, CLIENT_HELLO, CERTIFICATE_REQUEST)
@message
class SignedCertificateTimestampRequest(Message):
    """The sender wants certificate timestamps (RFC 6962 §3.3.1)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.signed_certificate_timestamp, SERVER_HELLO, CERTIFICATE)
@message
class SignedCertificateTimestampList(Message):
    """Certificate timestamps, each as its bytes (RFC 6962 §3.3)."""

    type: ClassVar[ExtensionType]
    sct_list: tuple[bytes, ...] = wire(Vector(Opaque(1, 2**16 - 1), 1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.padding, CLIENT_HELLO)
@message
class Padding(Message):
    """Bytes that make the ClientHello longer (RFC 7685 §3)."""

    type: ClassVar[ExtensionType]
    padding: bytes = wire(Rest())


@EXTENSIONS.register(ExtensionType.encrypt_then_mac, CLIENT_HELLO, SERVER_HELLO)
@message
class EncryptThenMAC(Message):
    """The MAC covers the ciphertext of block ciphers (RFC 7366 §2)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.extended_master_secret, CLIENT_HELLO, SERVER_HELLO)
@message
class ExtendedMasterSecret(Message):
    """The master secret depends on the whole handshake (RFC 7627 §5.1)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.compress_certificate, CLIENT_HELLO, CERTIFICATE_REQUEST)
@message
class CompressCertificate(Message):
    """How certificates may be compressed (RFC 8879 §3)."""

    type: ClassVar[ExtensionType]
    algorithms: tuple[CertificateCompressionAlgorithm, ...] = wire(
        Vector(Enumerated(CertificateCompressionAlgorithm), 2, 2**8 - 2)
    )


@EXTENSIONS.register(ExtensionType.record_size_limit, CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS)
@message
class RecordSizeLimit(Message):
    """The longest record that the sender takes, in bytes (RFC 8449 §4)."""

    type: ClassVar[ExtensionType]
    record_size_limit: int = wire(UInt16)


@EXTENSIONS.register(ExtensionType.session_ticket, CLIENT_HELLO, SERVER_HELLO)
@message
class SessionTicket(Message):
    """The ticket of a session to resume; empty to ask for one, or to promise one (RFC 5077 §3.2)."""

    type: ClassVar[ExtensionType]
    ticket: bytes = wire(Rest())


@EXTENSIONS.register(ExtensionType.renegotiation_info, CLIENT_HELLO, SERVER_HELLO)
@message
class RenegotiationInfo(Message):
    """The verify_data of the handshake before: the client's, then in ServerHello the server's (RFC 5746 §3.2)."""

    type: ClassVar[ExtensionType]
    renegotiated_connection: bytes = wire(Opaque(0, 2**8 - 1))


# draft-agl-tls-nextprotoneg-04


@EXTENSIONS.register(ExtensionType.next_protocol_negotiation, CLIENT_HELLO)
@message
class NextProtocolNegotiation(Message):
    """The client can choose a protocol (draft-agl-tls-nextprotoneg-04 §3)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.next_protocol_negotiation, SERVER_HELLO)
@message
class NextProtocols(Message):
    """The protocols that the server speaks (draft-agl-tls-nextprotoneg-04 §3)."""

    type: ClassVar[ExtensionType]
    protocols: tuple[bytes, ...] = wire(ListToEnd(Opaque(1, 2**8 - 1)))
