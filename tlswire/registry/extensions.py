"""The codes of extensions, and those inside extensions that have no file of their own."""

from __future__ import annotations

from tlswire.registry.open_enum import OpenEnum


class ExtensionType(OpenEnum, size=2, grease=True):
    """What an extension is (RFC 5246 §7.4.1.4, RFC 8446 §4.2, the IANA registry)."""

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
    extended_master_secret = 23
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
    next_protocol_negotiation = 0x3374  # draft-agl-tls-nextprotoneg
    ech_outer_extensions = 0xFD00
    encrypted_client_hello = 0xFE0D
    renegotiation_info = 0xFF01


class CertificateStatusType(OpenEnum, size=1):
    """How a certificate's status is told (RFC 6066 §8, RFC 6961 §2.2)."""

    ocsp = 1
    ocsp_multi = 2


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
