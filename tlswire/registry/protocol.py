"""The codes of the record layer, the handshake, alerts and heartbeats.

One open enum a registry, complete with IANA's as of 2026-09-29, in the RFCs' spelling.  Names that IANA has
since marked `_RESERVED`, because TLS 1.3 does without them, keep the names that traffic knows them by.
"""

from __future__ import annotations

from tlswire.registry.open_enum import OpenEnum


class ContentType(OpenEnum, size=1):
    """What a record carries (RFC 5246 §6.2.1, RFC 8446 §5.1)."""

    change_cipher_spec = 20
    alert = 21
    handshake = 22
    application_data = 23
    heartbeat = 24  # RFC 6520
    tls12_cid = 25  # RFC 9146
    ACK = 26  # RFC 9147
    return_routability_check = 27  # RFC 9853


class ProtocolVersion(OpenEnum, size=2, grease=True):
    """A protocol version as it stands in records and hellos (RFC 5246 §6.2.1, RFC 8446 §4.2.1).

    Versions compare as numbers: for SSL and TLS, drafts of TLS 1.3 included, that is their order.
    """

    SSLv2 = 0x0002
    TLCPv1_1 = 0x0101  # GB/T 38636-2020, the Chinese standard after TLS 1.1
    SSLv3 = 0x0300
    TLSv1_0 = 0x0301
    TLSv1_1 = 0x0302
    TLSv1_2 = 0x0303
    TLSv1_3 = 0x0304
    TLSv1_3_fb23 = 0xFB17  # Facebook's variants of drafts 23 and 26
    TLSv1_3_fb26 = 0xFB1A
    DTLSv1_3 = 0xFEFC  # RFC 9147
    DTLSv1_2 = 0xFEFD
    DTLSv1_0 = 0xFEFF

    @property
    def is_tls13(self) -> bool:
        """Whether this is TLS 1.3 or a draft of it (draft-ietf-tls-tls13-28 §4.2.1.1: 0x7F00 + number)."""
        return self.name.startswith("TLSv1_3")

    @classmethod
    def _pseudo_name(cls, code: int) -> str:
        return f"TLSv1_3_draft{code & 0xFF}" if code >> 8 == 0x7F else super()._pseudo_name(code)

    def __str__(self) -> str:
        """Return the customary spelling: "SSLv3", "TLSv1.2", "TLSv1.3-draft28"."""
        if not self.name.startswith(("TLS", "DTLS", "TLCP")):
            return self.name
        major, minor, *variant = self.name.split("_")
        return "-".join([f"{major}.{minor}", *variant])


class HandshakeType(OpenEnum, size=1):
    """What a handshake message is (RFC 5246 §7.4, RFC 8446 §4)."""

    hello_request = 0
    client_hello = 1
    server_hello = 2
    hello_verify_request = 3  # RFC 6347
    new_session_ticket = 4  # RFC 5077
    end_of_early_data = 5
    hello_retry_request = 6  # drafts of TLS 1.3; since then it is a server_hello
    encrypted_extensions = 8
    request_connection_id = 9  # RFC 9147
    new_connection_id = 10  # RFC 9147
    certificate = 11
    server_key_exchange = 12
    certificate_request = 13
    server_hello_done = 14
    certificate_verify = 15
    client_key_exchange = 16
    client_certificate_request = 17  # RFC 9261
    finished = 20
    certificate_url = 21  # RFC 6066
    certificate_status = 22  # RFC 6066
    supplemental_data = 23  # RFC 4680
    key_update = 24
    compressed_certificate = 25  # RFC 8879
    ekt_key = 26  # RFC 8870
    next_protocol = 67  # draft-agl-tls-nextprotoneg-04; not registered
    channel_id = 203  # draft-balfanz-tls-channelid-01; not registered
    message_hash = 254


class AlertLevel(OpenEnum, size=1):
    """How grave an alert is (RFC 5246 §7.2)."""

    warning = 1
    fatal = 2


class AlertDescription(OpenEnum, size=1):
    """What an alert says (RFC 5246 §7.2, RFC 8446 §6)."""

    close_notify = 0
    end_of_early_data = 1  # drafts of TLS 1.3; not registered
    unexpected_message = 10
    bad_record_mac = 20
    decryption_failed = 21
    record_overflow = 22
    decompression_failure = 30
    handshake_failure = 40
    no_certificate = 41  # SSL 3.0
    bad_certificate = 42
    unsupported_certificate = 43
    certificate_revoked = 44
    certificate_expired = 45
    certificate_unknown = 46
    illegal_parameter = 47
    unknown_ca = 48
    access_denied = 49
    decode_error = 50
    decrypt_error = 51
    too_many_cids_requested = 52  # RFC 9147
    export_restriction = 60  # RFC 2246
    protocol_version = 70
    insufficient_security = 71
    internal_error = 80
    inappropriate_fallback = 86  # RFC 7507
    user_canceled = 90
    no_renegotiation = 100
    missing_extension = 109
    unsupported_extension = 110
    certificate_unobtainable = 111  # RFC 6066
    unrecognized_name = 112  # RFC 6066
    bad_certificate_status_response = 113  # RFC 6066
    bad_certificate_hash_value = 114  # RFC 6066
    unknown_psk_identity = 115  # RFC 4279
    certificate_required = 116
    general_error = 117  # RFC 9846
    no_application_protocol = 120  # RFC 7301
    ech_required = 121  # RFC 9849


class CompressionMethod(OpenEnum, size=1):
    """How records are compressed (RFC 3749 §2, RFC 3943)."""

    null = 0
    DEFLATE = 1
    LZS = 64


class HeartbeatMessageType(OpenEnum, size=1):
    """Whether a heartbeat asks or answers (RFC 6520 §3)."""

    heartbeat_request = 1
    heartbeat_response = 2


class HeartbeatMode(OpenEnum, size=1):
    """Whether a peer takes heartbeat requests (RFC 6520 §2)."""

    peer_allowed_to_send = 1
    peer_not_allowed_to_send = 2


class KeyUpdateRequest(OpenEnum, size=1):
    """Whether a KeyUpdate asks for one in return (RFC 8446 §4.6.3)."""

    update_not_requested = 0
    update_requested = 1
