"""What peers tell of themselves beyond certificates: SupplementalData, and the extensions that agree on it.

RFC 4680 has the message, RFC 4681 the names of users in it, RFC 5878 authorizations, whose data are kept as bytes.
"""

from __future__ import annotations

from typing import ClassVar

from tlswire.registry import AuthzDataFormat, ExtensionType, SupplementalDataType, UserMappingType
from tlswire.schema.extensions import CLIENT_HELLO, EXTENSIONS, SERVER_HELLO
from tlswire.wire import Enumerated, Message, Opaque, Select, UInt16, Vector, Window, message, wire


@EXTENSIONS.register(ExtensionType.user_mapping, CLIENT_HELLO, SERVER_HELLO)
@message
class UserMappingTypeList(Message):
    """How the client can name its user; which of it the server takes (RFC 4681 §2)."""

    type: ClassVar[ExtensionType]
    user_mapping_types: tuple[UserMappingType, ...] = wire(Vector(Enumerated(UserMappingType), 1, 2**8 - 1))


@EXTENSIONS.register(ExtensionType.client_authz, CLIENT_HELLO, SERVER_HELLO)
@message
class ClientAuthzFormatList(Message):
    """The authorization data that the client can send; which of it the server takes (RFC 5878 §2.1, §2.2)."""

    type: ClassVar[ExtensionType]
    authz_format_list: tuple[AuthzDataFormat, ...] = wire(Vector(Enumerated(AuthzDataFormat), 1, 2**8 - 1))


@EXTENSIONS.register(ExtensionType.server_authz, CLIENT_HELLO, SERVER_HELLO)
@message
class ServerAuthzFormatList(Message):
    """The authorization data that the client takes; which of it the server will send (RFC 5878 §2.1, §2.2)."""

    type: ClassVar[ExtensionType]
    authz_format_list: tuple[AuthzDataFormat, ...] = wire(Vector(Enumerated(AuthzDataFormat), 1, 2**8 - 1))


@message
class UpnDomainHint(Message):
    """A user principal name (user@domain) and a domain, in UTF-8, of which one may be empty (RFC 4681 §3)."""

    user_principal_name: bytes = wire(Opaque(0, 2**16 - 1))
    domain_name: bytes = wire(Opaque(0, 2**16 - 1))


@message
class UserMappingData(Message):
    """One name of the user (RFC 4681 §3)."""

    user_mapping_version: UserMappingType = wire(Enumerated(UserMappingType))
    mapping_data: UpnDomainHint | bytes = wire(
        Select(
            "user_mapping_version",
            {UserMappingType.upn_domain_hint: Window(UInt16, UpnDomainHint)},
            Opaque(0, 2**16 - 1),
        )
    )


@message
class UserMappingDataList(Message):
    """The names of the user (RFC 4681 §3)."""

    user_mapping_data_list: tuple[UserMappingData, ...] = wire(Vector(UserMappingData, 1, 2**16 - 1))


@message
class SupplementalDataEntry(Message):
    """One piece of supplemental data (RFC 4680 §2)."""

    supp_data_type: SupplementalDataType = wire(Enumerated(SupplementalDataType))
    data: UserMappingDataList | bytes = wire(
        Select(
            "supp_data_type",
            {SupplementalDataType.user_mapping_data: Window(UInt16, UserMappingDataList)},
            Opaque(0, 2**16 - 1),
        )
    )


@message
class SupplementalData(Message):
    """What a peer tells of itself, before its certificate (RFC 4680 §2)."""

    supp_data: tuple[SupplementalDataEntry, ...] = wire(Vector(SupplementalDataEntry, 1, 2**24 - 1))
