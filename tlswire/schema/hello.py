"""The hellos (RFC 5246 §7.4.1, RFC 8446 §4.1, §4.3.1), and what in them signals a renegotiation (RFC 5746)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tlswire.registry import (
    CipherSuite,
    CompressionMethod,
    ExtensionType,
    HandshakeType,
    NameType,
    ProtocolVersion,
    SSLv2CipherKind,
)
from tlswire.schema.extensions import (
    CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS,
    EXTENSIONS,
    HELLO_RETRY_REQUEST,
    SERVER_HELLO,
    Extended,
    Extension,
    RenegotiationInfo,
    ServerNameList,
)
from tlswire.schema.extensions_tls13 import SelectedVersion
from tlswire.wire import (
    Enumerated,
    Fixed,
    IfMore,
    Length,
    ListToEnd,
    Message,
    Opaque,
    Rest,
    Select,
    SizedBy,
    Tagged,
    UInt16,
    Vector,
    message,
    wire,
)

RANDOM_LENGTH = 32  # bytes, RFC 5246 §7.4.1.2
HELLO_RETRY_REQUEST_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""SHA-256 of "HelloRetryRequest", which marks a ServerHello as one (RFC 8446 §4.1.3)."""


class Hello(Extended):
    """What both sides' hellos have in common."""

    __slots__ = ()

    @property
    def renegotiation_info(self) -> RenegotiationInfo | None:
        """What ties this handshake to the one before it (RFC 5746 §3.2); None where it is absent or malformed."""
        found = self.extension(ExtensionType.renegotiation_info)
        return found if isinstance(found, RenegotiationInfo) else None


class Offer(Message):
    """A client's hello, in what it signals by cipher suites that are none."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def cipher_suites(self) -> tuple[CipherSuite, ...]: ...

    @property
    def signals_renegotiation_scsv(self) -> bool:
        """Whether TLS_EMPTY_RENEGOTIATION_INFO_SCSV stands for an empty `renegotiation_info` (RFC 5746 §3.3)."""
        return CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV in self.cipher_suites

    @property
    def signals_fallback_scsv(self) -> bool:
        """Whether TLS_FALLBACK_SCSV says that the client has fallen back to a lower version (RFC 7507 §2)."""
        return CipherSuite.TLS_FALLBACK_SCSV in self.cipher_suites


@message
class HelloRequest(Message):
    """The server asks for a renegotiation (RFC 5246 §7.4.1.1)."""


@message
class ClientHello(Offer, Hello):
    """The client's offer (RFC 5246 §7.4.1.2)."""

    client_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(RANDOM_LENGTH))
    session_id: bytes = wire(Opaque(0, 32))
    cipher_suites: tuple[CipherSuite, ...] = wire(Vector(Enumerated(CipherSuite), 2, 2**16 - 2))
    compression_methods: tuple[CompressionMethod, ...] = wire(Vector(Enumerated(CompressionMethod), 1, 255))
    extensions: tuple[Extension, ...] | None = wire(
        IfMore(Vector(Tagged(EXTENSIONS, CLIENT_HELLO), 0, 2**16 - 1)), default=None
    )

    @property
    def server_name(self) -> str | None:
        """The host name that the client asks for (RFC 6066 §3), or None.  Bytes that are no UTF-8 are escaped as
        surrogates (PEP 383)."""
        names = self.extension(ExtensionType.server_name)
        if isinstance(names, ServerNameList):
            for entry in names.server_name_list:
                if entry.name_type == NameType.host_name:
                    return entry.name.decode("utf-8", "surrogateescape")
        return None


@message
class SSLv2ClientHello(Offer):
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


@message
class ServerHello(Hello):
    """The server's choice (RFC 5246 §7.4.1.3); with a random of its own, HelloRetryRequest (RFC 8446 §4.1.3)."""

    server_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(RANDOM_LENGTH))
    session_id: bytes = wire(Opaque(0, 32))
    cipher_suite: CipherSuite = wire(Enumerated(CipherSuite))
    compression_method: CompressionMethod = wire(Enumerated(CompressionMethod))
    extensions: tuple[Extension, ...] | None = wire(
        IfMore(
            Select(
                "random",
                {HELLO_RETRY_REQUEST_RANDOM: Vector(Tagged(EXTENSIONS, HELLO_RETRY_REQUEST), 0, 2**16 - 1)},
                Vector(Tagged(EXTENSIONS, SERVER_HELLO), 0, 2**16 - 1),
            )
        ),
        default=None,
    )

    @property
    def is_hello_retry_request(self) -> bool:
        """Whether it asks for another ClientHello (RFC 8446 §4.1.4)."""
        return self.random == HELLO_RETRY_REQUEST_RANDOM

    @property
    def negotiated_version(self) -> ProtocolVersion:
        """The version that the connection speaks from here on: of `supported_versions`, or `server_version`."""
        selected = self.extension(ExtensionType.supported_versions)
        return selected.selected_version if isinstance(selected, SelectedVersion) else self.server_version


@message
class ServerHelloTLS13Draft(Hello):
    """The ServerHello of the drafts of TLS 1.3 up to 21, without session ID and compression.

    draft-ietf-tls-tls13-21 §4.1.3; `server_version` is 7f and the draft's number, or 0304.
    """

    server_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(RANDOM_LENGTH))
    cipher_suite: CipherSuite = wire(Enumerated(CipherSuite))
    extensions: tuple[Extension, ...] | None = wire(
        IfMore(Vector(Tagged(EXTENSIONS, SERVER_HELLO), 0, 2**16 - 1)), default=None
    )

    session_id: ClassVar[bytes] = b""
    compression_method: ClassVar[CompressionMethod] = CompressionMethod.null
    is_hello_retry_request: ClassVar[bool] = False

    @property
    def negotiated_version(self) -> ProtocolVersion:
        """The version that the connection speaks from here on."""
        return self.server_version


@message
class EncryptedExtensions(Extended):
    """What the server answers to the client's extensions, under encryption (RFC 8446 §4.3.1)."""

    extensions: tuple[Extension, ...] = wire(Vector(Tagged(EXTENSIONS, ENCRYPTED_EXTENSIONS), 0, 2**16 - 1))
