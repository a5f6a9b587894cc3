"""The codes of extensions, and those inside extensions that have no file of their own.

Complete with IANA's registries as of 2026-09-29, in their spelling.
"""

from __future__ import annotations

from tlswire.registry.open_enum import OpenEnum


class ExtensionType(OpenEnum, size=2, grease=True):
    """What an extension is (RFC 5246 §7.4.1.4, RFC 8446 §4.2)."""

    server_name = 0
    max_fragment_length = 1
    client_certificate_url = 2
    trusted_ca_keys = 3
    truncated_hmac = 4
    status_request = 5
    user_mapping = 6
    client_authz = 7
    server_authz = 8
    cert_type = 9
    supported_groups = 10
    ec_point_formats = 11
    srp = 12
    signature_algorithms = 13
    use_srtp = 14
    heartbeat = 15
    application_layer_protocol_negotiation = 16
    status_request_v2 = 17
    signed_certificate_timestamp = 18
    client_certificate_type = 19
    server_certificate_type = 20
    padding = 21
    encrypt_then_mac = 22
    extended_master_secret = 23  # RFC 7627's name; IANA has extended_main_secret since RFC 9846
    token_binding = 24
    cached_info = 25
    tls_lts = 26
    compress_certificate = 27
    record_size_limit = 28
    pwd_protect = 29
    pwd_clear = 30
    password_salt = 31
    ticket_pinning = 32
    tls_cert_with_extern_psk = 33
    delegated_credential = 34
    session_ticket = 35
    TLMSP = 36
    TLMSP_proxying = 37
    TLMSP_delegate = 38
    supported_ekt_ciphers = 39
    pre_shared_key = 41
    early_data = 42
    supported_versions = 43
    cookie = 44
    psk_key_exchange_modes = 45
    certificate_authorities = 47
    oid_filters = 48
    post_handshake_auth = 49
    signature_algorithms_cert = 50
    key_share = 51
    transparency_info = 52
    connection_id_deprecated = 53
    connection_id = 54
    external_id_hash = 55
    external_session_id = 56
    quic_transport_parameters = 57
    ticket_request = 58
    dnssec_chain = 59
    sequence_number_encryption_algorithms = 60
    rrc = 61
    tls_flags = 62
    ech_outer_extensions = 0xFD00
    encrypted_client_hello = 0xFE0D
    renegotiation_info = 0xFF01

    # Never registered, but met on the wire.
    key_share_draft = 40  # TLS 1.3 before draft 23
    ticket_early_data_info = 46  # TLS 1.3 before draft 19
    server_padding = 0x12E0  # BoringSSL's experiment
    next_protocol_negotiation = 0x3374  # draft-agl-tls-nextprotoneg-04
    application_settings_old = 0x4469  # draft-vvv-tls-alps-01, Chrome before 133
    application_settings = 0x44CD  # draft-vvv-tls-alps-01
    channel_id_old = 0x754F  # draft-balfanz-tls-channelid-00
    channel_id = 0x7550  # draft-balfanz-tls-channelid-01
    pake = 0x8A3B  # draft-bmw-tls-pake13
    trust_anchors = 0xCA34  # draft-ietf-tls-trust-anchor-ids, until it has a registered code
    short_record_header = 0xFF03  # BoringSSL's experiment of 2017
    quic_transport_parameters_draft = 0xFFA5  # QUIC before draft 33
    encrypted_server_name = 0xFFCE  # draft-ietf-tls-esni-00 to -06


class CertificateStatusType(OpenEnum, size=1):
    """How a certificate's status is told (RFC 6066 §8, RFC 6961 §2.2)."""

    ocsp = 1
    ocsp_multi = 2


class CertificateType(OpenEnum, size=1):
    """What a certificate is, in the extensions that negotiate it (RFC 7250 §3, RFC 6091 §3.1, RFC 8902)."""

    X509 = 0
    OpenPGP = 1
    RawPublicKey = 2
    IEEE1609Dot2 = 3  # "1609Dot2", which is no identifier in Python


class MaxFragmentLength(OpenEnum, size=1):
    """How long plaintext fragments may be, as a power of two bytes (RFC 6066 §4)."""

    length_512 = 1
    length_1024 = 2
    length_2048 = 3
    length_4096 = 4


class NameType(OpenEnum, size=1):
    """What a server name is (RFC 6066 §3)."""

    host_name = 0


class PskKeyExchangeMode(OpenEnum, size=1, grease=True):
    """How a pre-shared key may be used (RFC 8446 §4.2.9)."""

    psk_ke = 0
    psk_dhe_ke = 1


class CertificateCompressionAlgorithm(OpenEnum, size=2):
    """How a certificate message is compressed (RFC 8879 §3)."""

    zlib = 1
    brotli = 2
    zstd = 3


class CertChainType(OpenEnum, size=1):
    """What lies at the URLs of a CertificateURL (RFC 6066 §5)."""

    individual_certs = 0
    pkipath = 1


class IdentifierType(OpenEnum, size=1):
    """How an authority is named in trusted_ca_keys (RFC 6066 §6)."""

    pre_agreed = 0
    key_sha1_hash = 1
    x509_name = 2
    cert_sha1_hash = 3


class SupplementalDataType(OpenEnum, size=2):
    """What an entry of SupplementalData is (RFC 4680 §2)."""

    user_mapping_data = 0  # RFC 4681
    authz_data = 16386  # RFC 5878


class UserMappingType(OpenEnum, size=1):
    """How a user is named (RFC 4681 §2)."""

    upn_domain_hint = 64


class AuthzDataFormat(OpenEnum, size=1):
    """What authorization data is (RFC 5878 §3)."""

    x509_attr_cert = 0
    saml_assertion = 1
    x509_attr_cert_url = 2
    saml_assertion_url = 3
    keynote_assertion_list = 64  # RFC 6042
    keynote_assertion_list_url = 65
    dtcp_authorization = 66  # RFC 7562


class SRTPProtectionProfile(OpenEnum, size=2):
    """How SRTP protects its packets (RFC 5764 §4.1.2)."""

    SRTP_AES128_CM_HMAC_SHA1_80 = 0x0001
    SRTP_AES128_CM_HMAC_SHA1_32 = 0x0002
    SRTP_NULL_HMAC_SHA1_80 = 0x0005
    SRTP_NULL_HMAC_SHA1_32 = 0x0006
    SRTP_AEAD_AES_128_GCM = 0x0007  # RFC 7714
    SRTP_AEAD_AES_256_GCM = 0x0008
    DOUBLE_AEAD_AES_128_GCM_AEAD_AES_128_GCM = 0x0009  # RFC 8723
    DOUBLE_AEAD_AES_256_GCM_AEAD_AES_256_GCM = 0x000A
    SRTP_ARIA_128_CTR_HMAC_SHA1_80 = 0x000B  # RFC 8269
    SRTP_ARIA_128_CTR_HMAC_SHA1_32 = 0x000C
    SRTP_ARIA_256_CTR_HMAC_SHA1_80 = 0x000D
    SRTP_ARIA_256_CTR_HMAC_SHA1_32 = 0x000E
    SRTP_AEAD_ARIA_128_GCM = 0x000F
    SRTP_AEAD_ARIA_256_GCM = 0x0010


class CachedInformationType(OpenEnum, size=1):
    """What the client has from an earlier handshake (RFC 7924 §3)."""

    cert = 1
    cert_req = 2


class TokenBindingKeyParameters(OpenEnum, size=1):
    """What key a token is bound to (RFC 8471 §3.1)."""

    rsa2048_pkcs1_5 = 0  # "rsa2048_pkcs1.5", which is no identifier in Python
    rsa2048_pss = 1
    ecdsap256 = 2


class ECHClientHelloType(OpenEnum, size=1):
    """Which of the two ClientHellos this is (RFC 9849 §5)."""

    outer = 0
    inner = 1


class HpkeKdfId(OpenEnum, size=2):
    """The key derivation function of HPKE, as far as RFC 9180 §7.2 has them."""

    HKDF_SHA256 = 1
    HKDF_SHA384 = 2
    HKDF_SHA512 = 3


class HpkeAeadId(OpenEnum, size=2):
    """The AEAD of HPKE, as far as RFC 9180 §7.3 has them."""

    AES_128_GCM = 1
    AES_256_GCM = 2
    ChaCha20Poly1305 = 3
    Export_only = 0xFFFF
