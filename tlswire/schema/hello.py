"""The hellos (RFC 5246 §7.4.1, RFC 8446 §4.1), and what in them signals a renegotiation (RFC 5746)."""

from __future__ import annotations

from typing import ClassVar

from tlswire.registry import CipherSuite, CompressionMethod, ExtensionType, NameType, ProtocolVersion
from tlswire.schema.extensions import (
    CLIENT_HELLO,
    EXTENSIONS,
    HELLO_RETRY_REQUEST,
    SERVER_HELLO,
    Extension,
    SelectedVersion,
    ServerNameList,
)
from tlswire.wire import (
    Enumerated,
    Fixed,
    IfMore,
    Message,
    Opaque,
    Select,
    Tagged,
    Vector,
    message,
    wire,
)

HELLO_RETRY_REQUEST_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""SHA-256 of "HelloRetryRequest", which marks a ServerHello as one (RFC 8446 §4.1.3)."""


def _extension(extensions: tuple[Extension, ...] | None, type: ExtensionType) -> Extension | None:
    return next((extension for extension in extensions or () if getattr(extension, "type", None) == type), None)


@message
class HelloRequest(Message):
    """The server asks for a renegotiation (RFC 5246 §7.4.1.1)."""


@message
class ClientHello(Message):
    """The client's offer (RFC 5246 §7.4.1.2)."""

    client_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(32))
    session_id: bytes = wire(Opaque(0, 32))
    cipher_suites: tuple[CipherSuite, ...] = wire(Vector(Enumerated(CipherSuite), 2, 2**16 - 2))
    compression_methods: tuple[CompressionMethod, ...] = wire(Vector(Enumerated(CompressionMethod), 1, 255))
    extensions: tuple[Extension, ...] | None = wire(
        IfMore(Vector(Tagged(EXTENSIONS, CLIENT_HELLO), 0, 2**16 - 1)), default=None
    )

    def extension(self, type: ExtensionType) -> Extension | None:
        """The first extension of that type, or None."""
        return _extension(self.extensions, type)

    @property
    def signals_secure_renegotiation(self) -> str | None:
        """How the client says that it knows RFC 5746: by extension or by SCSV, whose name this is; else None."""
        if self.extension(ExtensionType.renegotiation_info) is not None:
            return ExtensionType.renegotiation_info.name
        scsv = CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV
        return scsv.name if scsv in self.cipher_suites else None

    @property
    def is_fallback(self) -> bool:
        """Whether the client says that it has fallen back to a lower version (RFC 7507 §2, TLS_FALLBACK_SCSV)."""
        return CipherSuite.TLS_FALLBACK_SCSV in self.cipher_suites

    @property
    def server_name(self) -> str | None:
        """The host name that the client asks for (RFC 6066 §3), or None."""
        names = self.extension(ExtensionType.server_name)
        if isinstance(names, ServerNameList):
            for entry in names.server_name_list:
                if entry.name_type == NameType.host_name:
                    return entry.name.decode("utf-8", "surrogateescape")
        return None


@message
class ServerHello(Message):
    """The server's choice (RFC 5246 §7.4.1.3); with a random of its own, HelloRetryRequest (RFC 8446 §4.1.3)."""

    server_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(32))
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

    def extension(self, type: ExtensionType) -> Extension | None:
        """The first extension of that type, or None."""
        return _extension(self.extensions, type)

    @property
    def is_hello_retry_request(self) -> bool:
        """Whether it asks for another ClientHello (RFC 8446 §4.1.4)."""
        return self.random == HELLO_RETRY_REQUEST_RANDOM

    @property
    def negotiated_version(self) -> ProtocolVersion:
        """The version that the connection speaks from here on."""
        selected = self.extension(ExtensionType.supported_versions)
        return selected.selected_version if isinstance(selected, SelectedVersion) else self.server_version


@message
class ServerHelloTLS13Draft(Message):
    """The ServerHello of the drafts of TLS 1.3 up to 21, without session ID and compression.

    draft-ietf-tls-tls13-21 §4.1.3; `server_version` is 7f and the draft's number.
    """

    server_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(32))
    cipher_suite: CipherSuite = wire(Enumerated(CipherSuite))
    extensions: tuple[Extension, ...] | None = wire(
        IfMore(Vector(Tagged(EXTENSIONS, SERVER_HELLO), 0, 2**16 - 1)), default=None
    )

    session_id: ClassVar[bytes] = b""
    compression_method: ClassVar[CompressionMethod] = CompressionMethod.null
    is_hello_retry_request: ClassVar[bool] = False

    def extension(self, type: ExtensionType) -> Extension | None:
        """The first extension of that type, or None."""
        return _extension(self.extensions, type)

    @property
    def negotiated_version(self) -> ProtocolVersion:
        """The version that the connection speaks from here on."""
        return self.server_version
