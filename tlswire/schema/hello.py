"""The hellos (RFC 5246 §7.4.1, RFC 8446 §4.1)."""

from __future__ import annotations

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
from tlswire.wire import Enumerated, Fixed, IfMore, Message, Opaque, Select, Tagged, UInt16, Vector, message, wire

HELLO_RETRY_REQUEST_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""SHA-256 of "HelloRetryRequest", which marks a ServerHello as one (RFC 8446 §4.1.3)."""


def _extension(extensions: tuple[Extension, ...] | None, type: ExtensionType) -> Extension | None:
    return next((extension for extension in extensions or () if extension.type == type), None)


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
class DraftServerHello(Message):
    """The ServerHello of the drafts 18 to 21 of TLS 1.3: without session ID and compression."""

    server_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(32))
    cipher_suite: CipherSuite = wire(Enumerated(CipherSuite))
    extensions: tuple[Extension, ...] | None = wire(
        IfMore(Vector(Tagged(EXTENSIONS, SERVER_HELLO), 0, 2**16 - 1)), default=None
    )
