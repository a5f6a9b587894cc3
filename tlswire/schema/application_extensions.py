"""Extensions that serve what TLS carries: SRTP, Token Binding, Channel ID, ALPS, tickets; and one that was renumbered.

Channel ID, ALPS and the key_share of the drafts are not registered with IANA, but often met.
"""

from __future__ import annotations

from typing import ClassVar

from tlswire.registry import ExtensionType, SRTPProtectionProfile, TokenBindingKeyParameters
from tlswire.schema.extensions import (
    CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS,
    EXTENSIONS,
    HELLO_RETRY_REQUEST,
    SERVER_HELLO,
)
from tlswire.schema.extensions_tls13 import KeyShareClientHello, KeyShareHelloRetryRequest, KeyShareServerHello
from tlswire.wire import Enumerated, Message, Opaque, UInt8, Vector, message, wire


@EXTENSIONS.register(ExtensionType.use_srtp, CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS)
@message
class UseSRTPData(Message):
    """How SRTP packets may be protected; in the answer, how they are (RFC 5764 §4.1.1)."""

    type: ClassVar[ExtensionType]
    SRTPProtectionProfiles: tuple[SRTPProtectionProfile, ...] = wire(
        Vector(Enumerated(SRTPProtectionProfile), 2, 2**16 - 1)
    )
    srtp_mki: bytes = wire(Opaque(0, 255))


@EXTENSIONS.register(ExtensionType.token_binding, CLIENT_HELLO, SERVER_HELLO)
@message
class TokenBindingParameters(Message):
    """The version of Token Binding, and the kinds of keys, the preferred first; the server's choice (RFC 8472 §2)."""

    type: ClassVar[ExtensionType]
    major: int = wire(UInt8)
    minor: int = wire(UInt8)
    key_parameters_list: tuple[TokenBindingKeyParameters, ...] = wire(
        Vector(Enumerated(TokenBindingKeyParameters), 1, 2**8 - 1)
    )


@EXTENSIONS.register(ExtensionType.ticket_request, CLIENT_HELLO)
@message
class ClientTicketRequest(Message):
    """How many tickets the client wants, if the session is new, and if it is resumed (RFC 9149 §3)."""

    type: ClassVar[ExtensionType]
    new_session_count: int = wire(UInt8)
    resumption_count: int = wire(UInt8)


@EXTENSIONS.register(ExtensionType.channel_id, CLIENT_HELLO, SERVER_HELLO)
@message
class ChannelIDExtension(Message):
    """The client can prove that it has the key of earlier connections (draft-balfanz-tls-channelid-01 §3)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.channel_id_old, CLIENT_HELLO, SERVER_HELLO)
@message
class ChannelIDExtensionOld(Message):
    """The same, under the number of the first draft (draft-balfanz-tls-channelid-00 §3)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.application_settings, CLIENT_HELLO)
@message
class ApplicationSettingsSupport(Message):
    """The protocols for which the client takes settings in the handshake (draft-vvv-tls-alps-01 §4)."""

    type: ClassVar[ExtensionType]
    supported_protocols: tuple[bytes, ...] = wire(Vector(Opaque(1, 2**8 - 1), 2, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.application_settings_old, CLIENT_HELLO)
@message
class ApplicationSettingsSupportOld(ApplicationSettingsSupport):
    """The same, under the number that Chrome used before version 133 (draft-vvv-tls-alps-01 §4)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.key_share_draft, CLIENT_HELLO)
@message
class KeyShareClientHelloDraft(KeyShareClientHello):
    """The client's public values, under the number of the drafts up to 22 (draft-ietf-tls-tls13-22 §4.2.7)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.key_share_draft, SERVER_HELLO)
@message
class KeyShareServerHelloDraft(KeyShareServerHello):
    """The server's public value, under the number of the drafts up to 22 (draft-ietf-tls-tls13-22 §4.2.7)."""

    type: ClassVar[ExtensionType]


@EXTENSIONS.register(ExtensionType.key_share_draft, HELLO_RETRY_REQUEST)
@message
class KeyShareHelloRetryRequestDraft(KeyShareHelloRetryRequest):
    """The group wanted, under the number of the drafts up to 22 (draft-ietf-tls-tls13-22 §4.2.7)."""

    type: ClassVar[ExtensionType]
