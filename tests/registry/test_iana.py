"""Completeness: each registry against IANA's of 2026-09-29, and names met in traffic that IANA never had.

The ranges are the assigned codes of IANA's "TLS Parameters", "TLS Extensions" and "TLS Compression Method
Identifiers" pages, without the reserved and the unassigned.  Names are checked by spot values, each with the
RFC that made the entry, and wholesale by `test_against_tshark`.
"""

from __future__ import annotations

import pytest

from tlswire.registry import (
    AlertDescription,
    AlertLevel,
    AuthzDataFormat,
    CachedInformationType,
    CertChainType,
    CertificateCompressionAlgorithm,
    CertificateStatusType,
    CertificateType,
    CipherSuite,
    ClientCertificateType,
    CompressionMethod,
    ContentType,
    ECCurveType,
    ECHClientHelloType,
    ECPointFormat,
    ExtensionType,
    HandshakeType,
    HashAlgorithm,
    HeartbeatMessageType,
    HeartbeatMode,
    HpkeAeadId,
    HpkeKdfId,
    IdentifierType,
    KeyUpdateRequest,
    MaxFragmentLength,
    NamedGroup,
    NameType,
    OpenEnum,
    ProtocolVersion,
    PskKeyExchangeMode,
    SignatureAlgorithm,
    SignatureScheme,
    SRTPProtectionProfile,
    SSLv2CipherKind,
    SupplementalDataType,
    TokenBindingKeyParameters,
    UserMappingType,
)

# Registry, codes registered (in hexadecimal), how many they are, how many more are not registered.
REGISTERED: list[tuple[type[OpenEnum], str, int, int]] = [
    (
        CipherSuite,
        "0-1B 1E-46 67-71 84-C7 FF 1301-1307 5600 C001-C0B5 C100-C106 CCA8-CCAE D001-D003 D005",
        356,
        75,
    ),
    (NamedGroup, "1-29 100-104 200-202 11E9-11EE 6399-639A FF01-FF02", 59, 3),
    (
        SignatureScheme,
        "201 203 401 403 420 501 503 520 601 603 620 704-70F 804-80B 81A-81C 904-906 911-91C",
        49,
        15,
    ),
    (ExtensionType, "0-27 29-2D 2F-3E FD00 FE0D FF01", 64, 13),
    (AlertDescription, "0 A 14-16 1E 28-34 3C 46 47 50 56 5A 64 6D-75 78 79", 37, 1),
    (HandshakeType, "0-6 8-11 14-1A FE", 25, 2),
    (ContentType, "14-1B", 8, 0),
    (ClientCertificateType, "1-6 14 40-44", 12, 5),
    (HashAlgorithm, "0-6 8", 8, 0),
    (SignatureAlgorithm, "0-3 7 8 40 41", 8, 0),
    (ECPointFormat, "0-2", 3, 0),
    (ECCurveType, "1-3", 3, 0),
    (CompressionMethod, "0 1 40", 3, 0),
    (HeartbeatMessageType, "1 2", 2, 0),
    (HeartbeatMode, "1 2", 2, 0),
    (PskKeyExchangeMode, "0 1", 2, 0),
    (CertificateType, "0-3", 4, 0),
    (CertificateStatusType, "1 2", 2, 0),
    (CertificateCompressionAlgorithm, "1-3", 3, 0),
    (SupplementalDataType, "0 4002", 2, 0),
    (UserMappingType, "40", 1, 0),
    (AuthzDataFormat, "0-3 40-42", 7, 0),
    (CachedInformationType, "1 2", 2, 0),
    (SRTPProtectionProfile, "1 2 5-10", 14, 0),
    (TokenBindingKeyParameters, "0-2", 3, 0),
]

SPOT_VALUES: list[tuple[type[OpenEnum], int, str]] = [
    (CipherSuite, 0x0000, "TLS_NULL_WITH_NULL_NULL"),  # RFC 5246
    (CipherSuite, 0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"),  # RFC 4346
    (CipherSuite, 0x001C, "SSL_FORTEZZA_KEA_WITH_NULL_SHA"),  # RFC 6101
    (CipherSuite, 0x002B, "TLS_KRB5_EXPORT_WITH_RC4_40_MD5"),  # RFC 2712
    (CipherSuite, 0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA"),  # RFC 5246
    (CipherSuite, 0x0060, "TLS_RSA_EXPORT1024_WITH_RC4_56_MD5"),  # draft-ietf-tls-56-bit-ciphersuites
    (CipherSuite, 0x006E, "TLS_ASCONAEAD128_ASCONHASH256"),  # NIST SP 800-232
    (CipherSuite, 0x0071, "TLS_AES_128_CCM_ASCONHASH256"),
    (CipherSuite, 0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384"),  # RFC 5288
    (CipherSuite, 0x00C7, "TLS_SM4_CCM_SM3"),  # RFC 8998
    (CipherSuite, 0x00FF, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),  # RFC 5746
    (CipherSuite, 0x1303, "TLS_CHACHA20_POLY1305_SHA256"),  # RFC 8446
    (CipherSuite, 0x1306, "TLS_AEGIS_256_SHA512"),  # draft-irtf-cfrg-aegis-aead
    (CipherSuite, 0x1307, "TLS_AEGIS_128L_SHA256"),
    (CipherSuite, 0x5600, "TLS_FALLBACK_SCSV"),  # RFC 7507
    (CipherSuite, 0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),  # RFC 5289
    (CipherSuite, 0xC0AA, "TLS_PSK_DHE_WITH_AES_128_CCM_8"),  # RFC 6655
    (CipherSuite, 0xC0B3, "TLS_ECCPWD_WITH_AES_256_CCM_SHA384"),  # RFC 8492
    (CipherSuite, 0xC0B4, "TLS_SHA256_SHA256"),  # RFC 9150
    (CipherSuite, 0xC0FF, "TLS_ECJPAKE_WITH_AES_128_CCM_8"),  # draft-cragie-tls-ecjpake
    (CipherSuite, 0xC102, "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT"),  # RFC 9189
    (CipherSuite, 0xC106, "TLS_GOSTR341112_256_WITH_MAGMA_MGM_S"),  # RFC 9367
    (
        CipherSuite,
        0xCC13,
        "OLD_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),  # draft-agl-tls-chacha20poly1305
    (CipherSuite, 0xCCA2, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_draft_00"),  # draft-ietf-tls-chacha20-poly1305-00
    (CipherSuite, 0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),  # RFC 7905
    (CipherSuite, 0xD005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256"),  # RFC 8442
    (CipherSuite, 0xFEFE, "SSL_RSA_FIPS_WITH_DES_CBC_SHA"),  # Netscape
    (CipherSuite, 0xFFE0, "SSL_RSA_OLDFIPS_WITH_3DES_EDE_CBC_SHA"),
    (NamedGroup, 0x001D, "x25519"),  # RFC 8422
    (NamedGroup, 0x001F, "brainpoolP256r1tls13"),  # RFC 8734
    (NamedGroup, 0x0028, "GC512C"),  # RFC 9189
    (NamedGroup, 0x0104, "ffdhe8192"),  # RFC 7919
    (NamedGroup, 0x0200, "MLKEM512"),  # draft-ietf-tls-mlkem
    (NamedGroup, 0x0202, "MLKEM1024"),
    (NamedGroup, 0x11EB, "SecP256r1MLKEM768"),  # RFC 10024
    (NamedGroup, 0x11EC, "X25519MLKEM768"),
    (NamedGroup, 0x11ED, "SecP384r1MLKEM1024"),
    (NamedGroup, 0x11EE, "curveSM2MLKEM768"),
    (NamedGroup, 0x6399, "X25519Kyber768Draft00"),  # draft-tls-westerbaan-xyber768d00
    (SignatureScheme, 0x0420, "rsa_pkcs1_sha256_legacy"),  # RFC 9963
    (SignatureScheme, 0x0708, "sm2sig_sm3"),  # RFC 8998
    (SignatureScheme, 0x0709, "gostr34102012_256a"),  # RFC 9367
    (SignatureScheme, 0x0804, "rsa_pss_rsae_sha256"),  # RFC 8446
    (SignatureScheme, 0x081C, "ecdsa_brainpoolP512r1tls13_sha512"),  # RFC 8734
    (SignatureScheme, 0x0904, "mldsa44"),  # draft-ietf-tls-mldsa
    (SignatureScheme, 0x0905, "mldsa65"),
    (SignatureScheme, 0x0906, "mldsa87"),
    (SignatureScheme, 0x091C, "slhdsa_shake_256f"),  # draft-reddy-tls-slhdsa
    (SignatureScheme, 0x0202, "dsa_sha1"),  # RFC 8446 App. B.3.1.3
    (ExtensionType, 0x0016, "encrypt_then_mac"),  # RFC 7366
    (ExtensionType, 0x0017, "extended_master_secret"),  # RFC 7627
    (ExtensionType, 0x0023, "session_ticket"),  # RFC 5077
    (ExtensionType, 0x0028, "key_share_draft"),
    (ExtensionType, 0x0033, "key_share"),  # RFC 8446
    (ExtensionType, 0x003D, "rrc"),  # RFC 9853
    (ExtensionType, 0x003E, "tls_flags"),  # draft-ietf-tls-tlsflags
    (ExtensionType, 0x3374, "next_protocol_negotiation"),  # draft-agl-tls-nextprotoneg
    (ExtensionType, 0x7550, "channel_id"),  # draft-balfanz-tls-channelid
    (ExtensionType, 0xCA34, "trust_anchors"),  # draft-ietf-tls-trust-anchor-ids
    (ExtensionType, 0xFD00, "ech_outer_extensions"),  # RFC 9849
    (ExtensionType, 0xFE0D, "encrypted_client_hello"),
    (ExtensionType, 0xFF01, "renegotiation_info"),  # RFC 5746
    (AlertDescription, 41, "no_certificate"),  # RFC 6101
    (AlertDescription, 100, "no_renegotiation"),  # RFC 5246
    (AlertDescription, 117, "general_error"),  # RFC 9846
    (AlertDescription, 120, "no_application_protocol"),  # RFC 7301
    (AlertDescription, 121, "ech_required"),  # RFC 9849
    (HandshakeType, 0, "hello_request"),  # RFC 5246
    (HandshakeType, 13, "certificate_request"),
    (HandshakeType, 22, "certificate_status"),  # RFC 6066
    (HandshakeType, 25, "compressed_certificate"),  # RFC 8879
    (HandshakeType, 67, "next_protocol"),  # draft-agl-tls-nextprotoneg
    (ClientCertificateType, 64, "ecdsa_sign"),  # RFC 8422
    (ClientCertificateType, 67, "gost_sign256"),  # RFC 9189
    (ContentType, 24, "heartbeat"),  # RFC 6520
    (CompressionMethod, 1, "DEFLATE"),  # RFC 3749
    (CertificateStatusType, 2, "ocsp_multi"),  # RFC 6961
    (CertificateCompressionAlgorithm, 2, "brotli"),  # RFC 8879
    (SSLv2CipherKind, 0x0700C0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"),  # the SSL 2.0 specification
    (SupplementalDataType, 16386, "authz_data"),  # RFC 5878
    (AuthzDataFormat, 65, "keynote_assertion_list_url"),  # RFC 6042
    (SRTPProtectionProfile, 7, "SRTP_AEAD_AES_128_GCM"),  # RFC 7714
    (SRTPProtectionProfile, 16, "SRTP_AEAD_ARIA_256_GCM"),  # RFC 8269
    (TokenBindingKeyParameters, 2, "ecdsap256"),  # RFC 8471
    (HpkeKdfId, 1, "HKDF_SHA256"),  # RFC 9180
    (HpkeAeadId, 3, "ChaCha20Poly1305"),
    # Fields that are no IANA registry.
    (CertChainType, 1, "pkipath"),  # RFC 6066 §5
    (IdentifierType, 3, "cert_sha1_hash"),  # RFC 6066 §6
    (ECHClientHelloType, 1, "inner"),  # RFC 9849 §5
    (AlertLevel, 2, "fatal"),  # RFC 5246 §7.2
    (KeyUpdateRequest, 1, "update_requested"),  # RFC 8446 §4.6.3
    (MaxFragmentLength, 4, "length_4096"),  # RFC 6066 §4
    (NameType, 0, "host_name"),  # RFC 6066 §3
    (ProtocolVersion, 0x0303, "TLSv1_2"),  # RFC 5246 §6.2.1
]


def codes(ranges: str) -> list[int]:
    found: list[int] = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.extend(range(int(first, 16), int(last or first, 16) + 1))
    return found


@pytest.mark.parametrize(("registry", "ranges", "registered", "others"), REGISTERED)
def test_every_registered_code_has_a_name(registry: type[OpenEnum], ranges: str, registered: int, others: int) -> None:
    assert len(codes(ranges)) == registered
    assert [hex(code) for code in codes(ranges) if not registry.of(code).is_known] == []
    assert len(registry) == registered + others


@pytest.mark.parametrize(("registry", "code", "name"), SPOT_VALUES)
def test_spot_values(registry: type[OpenEnum], code: int, name: str) -> None:
    assert registry.of(code).name == name
    assert registry[name] == code
