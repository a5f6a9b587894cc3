"""What spares certificates: their URLs instead, and the authorities that the client trusts (RFC 6066 §5 and §6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tlswire.registry import CertChainType, ExtensionType, IdentifierType
from tlswire.schema.extensions import CLIENT_HELLO, EXTENSIONS, SERVER_HELLO
from tlswire.schema.names import DistinguishedName
from tlswire.wire import Enumerated, Fixed, Message, Opaque, Select, UInt8, Vector, Violation, message, wire

SHA1_LENGTH = 20  # bytes


@EXTENSIONS.register(ExtensionType.client_certificate_url, CLIENT_HELLO, SERVER_HELLO)
@message
class ClientCertificateURL(Message):
    """The client can send CertificateURL in place of Certificate; the server takes it (RFC 6066 §5)."""

    type: ClassVar[ExtensionType]


@message
class URLAndHash(Message):
    """Where a certificate or a chain of them lies, and its SHA-1 (RFC 6066 §5)."""

    url: bytes = wire(Opaque(1, 2**16 - 1))
    padding: int = wire(UInt8)
    SHA1Hash: bytes = wire(Fixed(SHA1_LENGTH))

    def _violations(self) -> Iterator[Violation]:
        if self.padding != 1:  # in RFC 4366 §3.3 it said whether there is a hash
            yield Violation("padding", "padding", 1, self.padding)


@message
class CertificateURL(Message):
    """Where the client's certificates lie; it stands in place of Certificate (RFC 6066 §5)."""

    type: CertChainType = wire(Enumerated(CertChainType))
    url_and_hash_list: tuple[URLAndHash, ...] = wire(Vector(URLAndHash, 1, 2**16 - 1))


@message
class PreAgreed(Message):
    """Nothing: both sides know which authority it is (RFC 6066 §6)."""


@message
class TrustedAuthority(Message):
    """An authority, by its name or by a SHA-1 (RFC 6066 §6)."""

    identifier_type: IdentifierType = wire(Enumerated(IdentifierType))
    identifier: PreAgreed | DistinguishedName | bytes = wire(
        Select(
            "identifier_type",
            {
                IdentifierType.pre_agreed: PreAgreed,
                IdentifierType.key_sha1_hash: Fixed(SHA1_LENGTH),
                IdentifierType.x509_name: DistinguishedName,
                IdentifierType.cert_sha1_hash: Fixed(SHA1_LENGTH),
            },
        )
    )


@EXTENSIONS.register(ExtensionType.trusted_ca_keys, CLIENT_HELLO)
@message
class TrustedAuthorities(Message):
    """The authorities that the client trusts (RFC 6066 §6)."""

    type: ClassVar[ExtensionType]
    trusted_authorities_list: tuple[TrustedAuthority, ...] = wire(Vector(TrustedAuthority, 0, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.trusted_ca_keys, SERVER_HELLO)
@message
class TrustedAuthoritiesAccepted(Message):
    """The server has chosen its certificate by them (RFC 6066 §6)."""

    type: ClassVar[ExtensionType]
