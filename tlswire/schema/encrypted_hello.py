"""What hides the ClientHello, or the server's name in it (RFC 9849; draft-ietf-tls-esni-06)."""

from __future__ import annotations

from typing import ClassVar

from tlswire.registry import CipherSuite, ECHClientHelloType, ExtensionType, HpkeAeadId, HpkeKdfId
from tlswire.schema.extensions import CLIENT_HELLO, EXTENSIONS, HELLO_RETRY_REQUEST
from tlswire.schema.extensions_tls13 import KeyShareEntry
from tlswire.wire import Enumerated, Fixed, Message, Opaque, Rest, Select, UInt8, message, wire


@message
class HpkeSymmetricCipherSuite(Message):
    """A key derivation function and an AEAD (RFC 9849 §4)."""

    kdf_id: HpkeKdfId = wire(Enumerated(HpkeKdfId))
    aead_id: HpkeAeadId = wire(Enumerated(HpkeAeadId))


@message
class ECHClientHelloOuter(Message):
    """The encrypted hello, as the outer one carries it; random bytes, where the client only pretends (RFC 9849 §5)."""

    cipher_suite: HpkeSymmetricCipherSuite = wire(HpkeSymmetricCipherSuite)
    config_id: int = wire(UInt8)
    enc: bytes = wire(Opaque(0, 2**16 - 1))
    payload: bytes = wire(Opaque(1, 2**16 - 1))


@message
class ECHClientHelloInner(Message):
    """Nothing: this is the inner hello (RFC 9849 §5)."""


@EXTENSIONS.register(ExtensionType.encrypted_client_hello, CLIENT_HELLO)
@message
class ECHClientHello(Message):
    """An encrypted hello in this one, or the sign that this is it (RFC 9849 §5).

    `hello_type` is what the RFC calls `type`.
    """

    type: ClassVar[ExtensionType]
    hello_type: ECHClientHelloType = wire(Enumerated(ECHClientHelloType))
    hello: ECHClientHelloOuter | ECHClientHelloInner | bytes = wire(
        Select(
            "hello_type",
            {ECHClientHelloType.outer: ECHClientHelloOuter, ECHClientHelloType.inner: ECHClientHelloInner},
            Rest(),
        )
    )


@EXTENSIONS.register(ExtensionType.encrypted_client_hello, HELLO_RETRY_REQUEST)
@message
class ECHHelloRetryRequest(Message):
    """Whether the server has read the encrypted hello, which only the client can tell (RFC 9849 §5)."""

    type: ClassVar[ExtensionType]
    confirmation: bytes = wire(Fixed(8))


@EXTENSIONS.register(ExtensionType.encrypted_server_name, CLIENT_HELLO)
@message
class ClientEncryptedSNI(Message):
    """The encrypted server name, before there was RFC 9849 (draft-ietf-tls-esni-06 §5.1)."""

    type: ClassVar[ExtensionType]
    suite: CipherSuite = wire(Enumerated(CipherSuite))
    key_share: KeyShareEntry = wire(KeyShareEntry)
    record_digest: bytes = wire(Opaque(0, 2**16 - 1))
    encrypted_sni: bytes = wire(Opaque(0, 2**16 - 1))
