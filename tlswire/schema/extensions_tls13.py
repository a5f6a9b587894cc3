"""The extensions of TLS 1.3 (RFC 8446 §4.2); those that it shares with older versions are in `extensions`."""

from __future__ import annotations

from typing import ClassVar

from tlswire.registry import ExtensionType, NamedGroup, ProtocolVersion, PskKeyExchangeMode
from tlswire.schema.extensions import (
    CERTIFICATE_REQUEST,
    CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS,
    EXTENSIONS,
    HELLO_RETRY_REQUEST,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
)
from tlswire.wire import Enumerated, Message, Opaque, UInt16, UInt32, Vector, message, wire


@EXTENSIONS.register(ExtensionType.supported_versions, CLIENT_HELLO)
@message
class SupportedVersions(Message):
    """The versions that the client speaks, the preferred first (RFC 8446 §4.2.1)."""

    type: ClassVar[ExtensionType]
    versions: tuple[ProtocolVersion, ...] = wire(Vector(Enumerated(ProtocolVersion), 2, 2**8 - 2))


@EXTENSIONS.register(ExtensionType.supported_versions, SERVER_HELLO, HELLO_RETRY_REQUEST)
@message
class SelectedVersion(Message):
    """The version that the server chose (RFC 8446 §4.2.1)."""

    type: ClassVar[ExtensionType]
    selected_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))


@EXTENSIONS.register(ExtensionType.cookie, CLIENT_HELLO, HELLO_RETRY_REQUEST)
@message
class Cookie(Message):
    """What the server wants repeated in the second ClientHello (RFC 8446 §4.2.2)."""

    type: ClassVar[ExtensionType]
    cookie: bytes = wire(Opaque(1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.psk_key_exchange_modes, CLIENT_HELLO)
@message
class PskKeyExchangeModes(Message):
    """How the client uses pre-shared keys (RFC 8446 §4.2.9)."""

    type: ClassVar[ExtensionType]
    ke_modes: tuple[PskKeyExchangeMode, ...] = wire(Vector(Enumerated(PskKeyExchangeMode), 1, 2**8 - 1))


@message
class KeyShareEntry(Message):
    """A group and a public value in it (RFC 8446 §4.2.8)."""

    group: NamedGroup = wire(Enumerated(NamedGroup))
    key_exchange: bytes = wire(Opaque(1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.key_share, CLIENT_HELLO)
@message
class KeyShareClientHello(Message):
    """The client's public values (RFC 8446 §4.2.8)."""

    type: ClassVar[ExtensionType]
    client_shares: tuple[KeyShareEntry, ...] = wire(Vector(KeyShareEntry, 0, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.key_share, SERVER_HELLO)
@message
class KeyShareServerHello(Message):
    """The server's public value (RFC 8446 §4.2.8)."""

    type: ClassVar[ExtensionType]
    server_share: KeyShareEntry = wire(KeyShareEntry)


@EXTENSIONS.register(ExtensionType.key_share, HELLO_RETRY_REQUEST)
@message
class KeyShareHelloRetryRequest(Message):
    """The group in which the server wants a public value (RFC 8446 §4.2.8)."""

    type: ClassVar[ExtensionType]
    selected_group: NamedGroup = wire(Enumerated(NamedGroup))


@message
class PskIdentity(Message):
    """A pre-shared key's name, and how old the ticket is, in milliseconds, obfuscated (RFC 8446 §4.2.11)."""

    identity: bytes = wire(Opaque(1, 2**16 - 1))
    obfuscated_ticket_age: int = wire(UInt32)


@EXTENSIONS.register(ExtensionType.pre_shared_key, CLIENT_HELLO)
@message
class OfferedPsks(Message):
    """The pre-shared keys that the client offers, and a proof that it has each (RFC 8446 §4.2.11)."""

    type: ClassVar[ExtensionType]
    identities: tuple[PskIdentity, ...] = wire(Vector(PskIdentity, 7, 2**16 - 1))
    binders: tuple[bytes, ...] = wire(Vector(Opaque(32, 255), 33, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.pre_shared_key, SERVER_HELLO)
@message
class SelectedPsk(Message):
    """The number of the pre-shared key that the server chose, from 0 (RFC 8446 §4.2.11)."""

    type: ClassVar[ExtensionType]
    selected_identity: int = wire(UInt16)


@EXTENSIONS.register(ExtensionType.early_data, CLIENT_HELLO, ENCRYPTED_EXTENSIONS)
@message
class EarlyDataIndication(Message):
    """The client sends data before it has heard from the server; the server has taken it (RFC 8446 §4.2.10)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.early_data, NEW_SESSION_TICKET)
@message
class MaxEarlyDataSize(Message):
    """How many bytes of early data the ticket allows (RFC 8446 §4.2.10)."""

    type: ClassVar[ExtensionType]
    max_early_data_size: int = wire(UInt32)


@EXTENSIONS.register(ExtensionType.post_handshake_auth, CLIENT_HELLO)
@message
class PostHandshakeAuth(Message):
    """The client can be asked for a certificate after the handshake (RFC 8446 §4.2.6)."""

    type: ClassVar[ExtensionType]


@message
class OIDFilter(Message):
    """An extension that the client's certificate shall have, and its values, both in DER (RFC 8446 §4.2.5)."""

    certificate_extension_oid: bytes = wire(Opaque(1, 2**8 - 1))
    certificate_extension_values: bytes = wire(Opaque(0, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.oid_filters, CERTIFICATE_REQUEST)
@message
class OIDFilterExtension(Message):
    """What the client's certificate shall have (RFC 8446 §4.2.5)."""

    type: ClassVar[ExtensionType]
    filters: tuple[OIDFilter, ...] = wire(Vector(OIDFilter, 0, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.status_request, CERTIFICATE_REQUEST)
@message
class ClientCertificateStatusRequest(Message):
    """The server wants the status of the client's certificate stapled (RFC 8446 §4.4.2.1)."""

    type: ClassVar[ExtensionType]
