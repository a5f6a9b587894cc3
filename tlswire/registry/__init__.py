"""The registries of TLS: what the codes on the wire are called, and what cipher suites are made of."""

from tlswire.registry.cipher_parameters import (
    BulkCipher,
    CipherSuiteParameters,
    KeyExchange,
    MACAlgorithm,
    PRFHash,
    parameters,
)
from tlswire.registry.cipher_suites import CipherSuite
from tlswire.registry.extensions import (
    CertificateCompressionAlgorithm,
    CertificateStatusType,
    CertificateType,
    ExtensionType,
    MaxFragmentLength,
    NameType,
    PskKeyExchangeMode,
)
from tlswire.registry.groups import ECCurveType, ECPointFormat, NamedGroup
from tlswire.registry.open_enum import OpenEnum
from tlswire.registry.protocol import (
    AlertDescription,
    AlertLevel,
    CompressionMethod,
    ContentType,
    HandshakeType,
    HeartbeatMessageType,
    HeartbeatMode,
    KeyUpdateRequest,
    ProtocolVersion,
)
from tlswire.registry.signatures import (
    ClientCertificateType,
    HashAlgorithm,
    SignatureAlgorithm,
    SignatureScheme,
)
from tlswire.registry.sslv2 import SSLv2CipherKind

__all__ = [
    "AlertDescription",
    "AlertLevel",
    "BulkCipher",
    "CertificateCompressionAlgorithm",
    "CertificateStatusType",
    "CertificateType",
    "CipherSuite",
    "CipherSuiteParameters",
    "ClientCertificateType",
    "CompressionMethod",
    "ContentType",
    "ECCurveType",
    "ECPointFormat",
    "ExtensionType",
    "HandshakeType",
    "HashAlgorithm",
    "HeartbeatMessageType",
    "HeartbeatMode",
    "KeyExchange",
    "KeyUpdateRequest",
    "MACAlgorithm",
    "MaxFragmentLength",
    "NameType",
    "NamedGroup",
    "OpenEnum",
    "PRFHash",
    "ProtocolVersion",
    "PskKeyExchangeMode",
    "SSLv2CipherKind",
    "SignatureAlgorithm",
    "SignatureScheme",
    "parameters",
]
