"""Extensions, each by its type and by the message in which it stands (RFC 6066 and what the classes name).

`EXTENSIONS` is the table; it is open: `@EXTENSIONS.register(type, places…)` above a message class adds one.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tlswire.registry import (
    ExtensionType,
    HandshakeType,
    NameType,
    ProtocolVersion,
)
from tlswire.wire import (
    Enumerated,
    MalformedBody,
    Message,
    Opaque,
    Rest,
    Select,
    TagTable,
    UInt16,
    UnknownBody,
    Vector,
    IfMore,
    message,
    wire,
)


class UnknownExtension(UnknownBody):
    """An extension whose type has no meaning in its place, GREASE included, with its bytes."""

    __slots__ = ()


class MalformedExtension(MalformedBody):
    """A known extension whose body does not decode, with its bytes and the error."""

    __slots__ = ()


CLIENT_HELLO = HandshakeType.client_hello
SERVER_HELLO = HandshakeType.server_hello
HELLO_RETRY_REQUEST = HandshakeType.hello_retry_request

EXTENSIONS = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownExtension, MalformedExtension)


@message
class ServerName(Message):
    """A name of a server (RFC 6066 §3)."""

    name_type: NameType = wire(Enumerated(NameType))
    name: bytes = wire(Opaque(1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.server_name, CLIENT_HELLO)
@message
class ServerNameList(Message):
    """The names under which the client looks for the server (RFC 6066 §3)."""

    type: ClassVar[ExtensionType]
    server_name_list: tuple[ServerName, ...] = wire(Vector(ServerName, 1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.renegotiation_info, CLIENT_HELLO, SERVER_HELLO)
@message
class RenegotiationInfo(Message):
    """The verify_data of the handshake before (RFC 5746 §3.2)."""

    type: ClassVar[ExtensionType]
    renegotiated_connection: bytes = wire(Opaque(0, 255))


@EXTENSIONS.register(ExtensionType.session_ticket, CLIENT_HELLO, SERVER_HELLO)
@message
class SessionTicket(Message):
    """The ticket of a session to resume; empty to ask for one (RFC 5077 §3.2)."""

    type: ClassVar[ExtensionType]
    ticket: bytes = wire(Rest())


@EXTENSIONS.register(ExtensionType.supported_versions, CLIENT_HELLO)
@message
class SupportedVersions(Message):
    """The versions that the client speaks (RFC 8446 §4.2.1)."""

    type: ClassVar[ExtensionType]
    versions: tuple[ProtocolVersion, ...] = wire(Vector(Enumerated(ProtocolVersion), 2, 254))


@EXTENSIONS.register(ExtensionType.supported_versions, SERVER_HELLO, HELLO_RETRY_REQUEST)
@message
class SelectedVersion(Message):
    """The version that the server chose (RFC 8446 §4.2.1)."""

    type: ClassVar[ExtensionType]
    selected_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))


@EXTENSIONS.register(ExtensionType.extended_master_secret, CLIENT_HELLO, SERVER_HELLO)
@message
class ExtendedMasterSecret(Message):
    """The master secret shall depend on the whole handshake (RFC 7627 §5.1)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.encrypt_then_mac, CLIENT_HELLO, SERVER_HELLO)
@message
class EncryptThenMAC(Message):
    """The MAC shall cover the ciphertext (RFC 7366 §2)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.truncated_hmac, CLIENT_HELLO, SERVER_HELLO)
@message
class TruncatedHMAC(Message):
    """The MAC shall be cut to ten bytes (RFC 6066 §7)."""

    type: ClassVar[ExtensionType]


Extension = Message | UnknownExtension | MalformedExtension
