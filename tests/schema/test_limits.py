"""The limits of every declaration, against the RFCs' own lines in the presentation language (RFC 5246 §4).

Width, order and choice show in the bytes, so that real traffic tests them.  Floors and ceilings do not: they refuse
nothing, and only `violations` tells of them.  Hence they are compared with what the RFCs print, copied from there;
only the names of opaque items (`ASN.1Cert`, `ResponderID`, …) are replaced by what they stand for.
"""

from __future__ import annotations

import pytest

import tlswire.schema as schema
from tlswire.schema import HELLO_RETRY_REQUEST_RANDOM, Finished, HeartbeatMessage, SSLv2ClientHello
from tlswire.wire import Message, Violation

SIGNATURE = "opaque signature<0..2^16-1>"  # digitally-signed, RFC 5246 §4.7
POINT = "opaque base<1..2^8-1>; opaque order<1..2^8-1>; opaque cofactor<1..2^8-1>"  # RFC 4492 §5.4
CERTIFICATE_TYPES = "ClientCertificateType certificate_types<1..2^8-1>"  # RFC 5246 §7.4.4
HINT = "opaque psk_identity_hint<0..2^16-1>"  # RFC 4279 §2
IDENTITY = "opaque psk_identity<0..2^16-1>"

PRINTED = {
    # RFC 5246 §6.2.1 and §6.2.3: a length that "MUST NOT exceed 2^14", "2^14 + 2048"
    "TLSPlaintext": "ContentType type; ProtocolVersion version; opaque fragment<0..16384>",
    "TLSCiphertext": "ContentType type; ProtocolVersion version; opaque fragment<0..18432>",
    # RFC 5246 §7.4.1.2, §7.4.1.3, and draft-ietf-tls-tls13-21 §4.1.3 without session_id
    "ClientHello": "ProtocolVersion client_version; opaque random[32]; opaque session_id<0..32>; "
    "CipherSuite cipher_suites<2..2^16-2>; CompressionMethod compression_methods<1..2^8-1>; "
    "select (more) { Extension extensions<0..2^16-1>; }",
    "ServerHello": "ProtocolVersion server_version; opaque random[32]; opaque session_id<0..32>; "
    "CipherSuite cipher_suite; CompressionMethod compression_method; select (more) { select (random) "
    f"{{ case {HELLO_RETRY_REQUEST_RANDOM!r}: Extension <0..2^16-1>; default: Extension <0..2^16-1>; }} extensions; }}",
    "ServerHelloTLS13Draft": "ProtocolVersion server_version; opaque random[32]; CipherSuite cipher_suite; "
    "select (more) { Extension extensions<0..2^16-1>; }",
    # RFC 5246 §7.4.1.4.1, and RFC 8446 §4.2.3 with the same limits
    "SignatureAlgorithms": "SignatureScheme supported_signature_algorithms<2..2^16-2>",
    "SignatureAlgorithmsCert": "SignatureScheme supported_signature_algorithms<2..2^16-2>",
    # RFC 5246 §7.4.2
    "CertificateSSL3": "opaque <1..2^24-1> certificate_list<0..2^24-1>",
    # RFC 2246 §7.4.3, RFC 5246 §7.4.3
    "ServerRSAParams": "opaque rsa_modulus<1..2^16-1>; opaque rsa_exponent<1..2^16-1>",
    "ServerDHParams": "opaque dh_p<1..2^16-1>; opaque dh_g<1..2^16-1>; opaque dh_Ys<1..2^16-1>",
    "ServerKeyExchangeRSA": f"ServerRSAParams params; {SIGNATURE}",
    "ServerKeyExchangeRSATLS12": f"ServerRSAParams params; SignatureScheme algorithm; {SIGNATURE}",
    "ServerKeyExchangeDHE": f"ServerDHParams params; {SIGNATURE}",
    "ServerKeyExchangeDHETLS12": f"ServerDHParams params; SignatureScheme algorithm; {SIGNATURE}",
    "ServerKeyExchangeECDHE": f"ServerECDHParams params; {SIGNATURE}",
    "ServerKeyExchangeECDHETLS12": f"ServerECDHParams params; SignatureScheme algorithm; {SIGNATURE}",
    # RFC 6101 §5.6.4 and RFC 2246 §7.4.4; RFC 4346 §7.4.4; RFC 5246 §7.4.4, whose `<2^16-1>` for the algorithms is a
    # slip: the extension's limits are meant (the section refers to it)
    "DistinguishedName": "opaque der<1..2^16-1>",
    "CertificateRequestSSL3": f"{CERTIFICATE_TYPES}; DistinguishedName certificate_authorities<3..2^16-1>",
    "CertificateRequestTLS11": f"{CERTIFICATE_TYPES}; DistinguishedName certificate_authorities<0..2^16-1>",
    "CertificateRequestTLS12": f"{CERTIFICATE_TYPES}; SignatureScheme supported_signature_algorithms<2..2^16-2>; "
    "DistinguishedName certificate_authorities<0..2^16-1>",
    # RFC 5246 §7.4.7.1, §7.4.7.2, §7.4.8
    "ClientKeyExchangeRSA": "opaque encrypted_pre_master_secret<0..2^16-1>",
    "ClientDiffieHellmanPublic": "select (more) { opaque dh_Yc<1..2^16-1>; }",
    "CertificateVerifySSL3": SIGNATURE,
    "CertificateVerifyTLS12": f"SignatureScheme algorithm; {SIGNATURE}",
    # RFC 4492 §5.4, §5.7 and RFC 8422 §5.1.1, §5.1.2
    "ECCurve": "opaque a<1..2^8-1>; opaque b<1..2^8-1>",
    "ExplicitPrime": f"opaque prime_p<1..2^8-1>; ECCurve curve; {POINT}",
    "Trinomial": "opaque k<1..2^8-1>",
    "Pentanomial": "opaque k1<1..2^8-1>; opaque k2<1..2^8-1>; opaque k3<1..2^8-1>",
    "ExplicitChar2": "uint16 m; uint8 basis; select (basis) { case 1: Trinomial; case 2: Pentanomial; } exponents; "
    f"ECCurve curve; {POINT}",
    "ServerECDHParams": "ECCurveType curve_type; select (curve_type) { case explicit_prime: ExplicitPrime; "
    "case explicit_char2: ExplicitChar2; case named_curve: NamedGroup; } curve; opaque public<1..2^8-1>",
    "ClientECDiffieHellmanPublic": "select (more) { opaque ecdh_Yc<1..2^8-1>; }",
    "SupportedGroups": "NamedGroup named_group_list<2..2^16-1>",
    "ECPointFormats": "ECPointFormat ec_point_format_list<1..2^8-1>",
    # RFC 5077 §3.3, RFC 5746 §3.2
    "NewSessionTicketTLS10": "uint32 ticket_lifetime_hint; opaque ticket<0..2^16-1>",
    "RenegotiationInfo": "opaque renegotiated_connection<0..2^8-1>",
    # RFC 6066 §3, §8; RFC 6961 §2.2
    "ServerName": "NameType name_type; opaque name<1..2^16-1>",
    "ServerNameList": "ServerName server_name_list<1..2^16-1>",
    "OCSPStatusRequest": "opaque <1..2^16-1> responder_id_list<0..2^16-1>; opaque request_extensions<0..2^16-1>",
    "OCSPResponse": "opaque ocsp_response<1..2^24-1>",
    "OCSPResponseList": "opaque <0..2^24-1> ocsp_response_list<1..2^24-1>",
    # RFC 6962 §3.3, RFC 7301 §3.1, RFC 8879 §3, draft-agl-tls-nextprotoneg-04 §3
    "SignedCertificateTimestampList": "opaque <1..2^16-1> sct_list<1..2^16-1>",
    "ProtocolNameList": "opaque <1..2^8-1> protocol_name_list<2..2^16-1>",
    "CompressCertificate": "CertificateCompressionAlgorithm algorithms<2..2^8-2>",
    "NextProtocols": "opaque <1..2^8-1> protocols[to the end]",
    "NextProtocol": "opaque selected_protocol<0..2^8-1>; opaque padding<0..2^8-1>",
    # RFC 8446 §4.2.1, §4.2.2, §4.2.4, §4.2.5, §4.2.8, §4.2.9, §4.2.11
    "SupportedVersions": "ProtocolVersion versions<2..2^8-2>",
    "Cookie": "opaque cookie<1..2^16-1>",
    "KeyShareEntry": "NamedGroup group; opaque key_exchange<1..2^16-1>",
    "KeyShareClientHello": "KeyShareEntry client_shares<0..2^16-1>",
    "CertificateAuthorities": "DistinguishedName authorities<3..2^16-1>",
    "OIDFilter": "opaque certificate_extension_oid<1..2^8-1>; opaque certificate_extension_values<0..2^16-1>",
    "OIDFilterExtension": "OIDFilter filters<0..2^16-1>",
    "PskKeyExchangeModes": "PskKeyExchangeMode ke_modes<1..2^8-1>",
    "PskIdentity": "opaque identity<1..2^16-1>; uint32 obfuscated_ticket_age",
    "OfferedPsks": "PskIdentity identities<7..2^16-1>; opaque <32..2^8-1> binders<33..2^16-1>",
    # RFC 8446 §4.3.1, §4.3.2, §4.4.2, §4.6.1 (whose `Extension extensions<0..2^16-2>` is no slip of ours), RFC 8879 §4
    "EncryptedExtensions": "Extension extensions<0..2^16-1>",
    "CertificateRequestTLS13": "opaque certificate_request_context<0..2^8-1>; Extension extensions<2..2^16-1>",
    "CertificateEntry": "opaque cert_data<1..2^24-1>; Extension extensions<0..2^16-1>",
    "CertificateTLS13": "opaque certificate_request_context<0..2^8-1>; CertificateEntry certificate_list<0..2^24-1>",
    # draft-ietf-tls-tls13-20 §4.6.1
    "NewSessionTicketTLS13Draft": "uint32 ticket_lifetime; uint32 ticket_age_add; opaque ticket<1..2^16-1>; "
    "Extension extensions<0..2^16-2>",
    "NewSessionTicketTLS13": "uint32 ticket_lifetime; uint32 ticket_age_add; opaque ticket_nonce<0..2^8-1>; "
    "opaque ticket<1..2^16-1>; Extension extensions<0..2^16-2>",
    "CompressedCertificate": "CertificateCompressionAlgorithm algorithm; uint24 uncompressed_length; "
    "opaque compressed_certificate_message<1..2^24-1>",
    # RFC 4279 §2 to §4, RFC 5489 §2
    "ServerKeyExchangePSK": HINT,
    "ServerKeyExchangeDHEPSK": f"{HINT}; ServerDHParams params",
    "ServerKeyExchangeECDHEPSK": f"{HINT}; ServerECDHParams params",
    "ClientKeyExchangePSK": IDENTITY,
    "ClientKeyExchangeDHEPSK": f"{IDENTITY}; opaque dh_Yc<1..2^16-1>",
    "ClientKeyExchangeRSAPSK": f"{IDENTITY}; opaque encrypted_pre_master_secret<0..2^16-1>",
    "ClientKeyExchangeECDHEPSK": f"{IDENTITY}; opaque ecdh_Yc<1..2^8-1>",
    # RFC 5054 §2.8
    "SRPExtension": "opaque srp_I<1..2^8-1>",
    "ServerSRPParams": "opaque srp_N<1..2^16-1>; opaque srp_g<1..2^16-1>; opaque srp_s<1..2^8-1>; "
    "opaque srp_B<1..2^16-1>",
    "ServerKeyExchangeSRPSigned": f"ServerSRPParams params; {SIGNATURE}",
    "ServerKeyExchangeSRPSignedTLS12": f"ServerSRPParams params; SignatureScheme algorithm; {SIGNATURE}",
    "ClientSRPPublic": "opaque srp_A<1..2^16-1>",
    # RFC 2712 §3, where the lengths are missing
    "KerberosWrapper": "opaque ticket<0..2^16-1>; opaque authenticator<0..2^16-1>; "
    "opaque encrypted_pre_master_secret<0..2^16-1>",
    # RFC 6066 §5, §6
    "URLAndHash": "opaque url<1..2^16-1>; uint8 padding; opaque SHA1Hash[20]",
    "CertificateURL": "CertChainType type; URLAndHash url_and_hash_list<1..2^16-1>",
    "TrustedAuthorities": "TrustedAuthority trusted_authorities_list<0..2^16-1>",
    # RFC 4680 §2, RFC 4681 §2 and §3, RFC 5878 §2.1; a length and what it is of stand apart in the RFCs
    "SupplementalData": "SupplementalDataEntry supp_data<1..2^24-1>",
    "SupplementalDataEntry": "SupplementalDataType supp_data_type; select (supp_data_type) { case user_mapping_data: "
    "uint16 length; UserMappingDataList; default: opaque <0..2^16-1>; } data",
    "UserMappingTypeList": "UserMappingType user_mapping_types<1..2^8-1>",
    "UserMappingDataList": "UserMappingData user_mapping_data_list<1..2^16-1>",
    "UserMappingData": "UserMappingType user_mapping_version; select (user_mapping_version) { case upn_domain_hint: "
    "uint16 length; UpnDomainHint; default: opaque <0..2^16-1>; } mapping_data",
    "UpnDomainHint": "opaque user_principal_name<0..2^16-1>; opaque domain_name<0..2^16-1>",
    "ClientAuthzFormatList": "AuthzDataFormat authz_format_list<1..2^8-1>",
    "ServerAuthzFormatList": "AuthzDataFormat authz_format_list<1..2^8-1>",
    # RFC 6091 §3.1, RFC 7250 §3, RFC 7924 §3, RFC 6961 §2.2, RFC 9345 §4.1.1
    "CertificateTypes": "CertificateType certificate_types<1..2^8-1>",
    "ClientCertificateTypes": "CertificateType client_certificate_types<1..2^8-1>",
    "ServerCertificateTypes": "CertificateType server_certificate_types<1..2^8-1>",
    "CachedObject": "CachedInformationType type; opaque hash_value<1..2^8-1>",
    "CachedInformation": "CachedObject cached_info<1..2^16-1>",
    "CachedInformationAccepted": "CachedInformationType cached_info<1..2^16-1>",
    "CertificateStatusRequestItemV2": "CertificateStatusType status_type; select (status_type) { case ocsp: "
    "uint16 length; OCSPStatusRequest; case ocsp_multi: uint16 length; OCSPStatusRequest; "
    "default: opaque <0..2^16-1>; } request",
    "CertificateStatusRequestListV2": "CertificateStatusRequestItemV2 certificate_status_req_list<1..2^16-1>",
    "DelegatedCredentialRequest": "SignatureScheme supported_signature_algorithms<2..2^16-2>",
    # RFC 5764 §4.1.1, RFC 8472 §2, draft-vvv-tls-alps-01 §4, draft-ietf-tls-tls13-22 §4.2.7
    "UseSRTPData": "SRTPProtectionProfile SRTPProtectionProfiles<2..2^16-1>; opaque srtp_mki<0..2^8-1>",
    "TokenBindingParameters": "uint8 major; uint8 minor; TokenBindingKeyParameters key_parameters_list<1..2^8-1>",
    "ApplicationSettingsSupport": "opaque <1..2^8-1> supported_protocols<2..2^16-1>",
    "ApplicationSettingsSupportOld": "opaque <1..2^8-1> supported_protocols<2..2^16-1>",
    "KeyShareClientHelloDraft": "KeyShareEntry client_shares<0..2^16-1>",
    # RFC 9849 §5, draft-ietf-tls-esni-06 §5.1
    "ECHClientHelloOuter": "HpkeSymmetricCipherSuite cipher_suite; uint8 config_id; opaque enc<0..2^16-1>; "
    "opaque payload<1..2^16-1>",
    "ClientEncryptedSNI": "CipherSuite suite; KeyShareEntry key_share; opaque record_digest<0..2^16-1>; "
    "opaque encrypted_sni<0..2^16-1>",
}


def declared(kind: type[Message]) -> str:
    return "; ".join(node.describe(name) for name, node in kind.SCHEMA.fields)


DECLARED: dict[str, str] = {
    name: declared(kind)
    for name in schema.__all__
    if isinstance(kind := getattr(schema, name), type) and issubclass(kind, Message) and hasattr(kind, "SCHEMA")
}


@pytest.mark.parametrize("name", PRINTED)
def test_a_declaration_is_what_the_rfc_prints(name: str) -> None:
    assert DECLARED[name] == PRINTED[name]


def test_every_declaration_with_limits_is_compared() -> None:
    assert {name for name, declaration in DECLARED.items() if ".." in declaration} == set(PRINTED)


def test_finished_has_at_least_12_bytes() -> None:
    """RFC 5246 §7.4.9; SSL 3.0 has 36 (RFC 6101 §5.6.9)."""
    assert Finished.decode(bytes(11)).violations == (Violation("verify_data", "floor", 12, 11),)
    assert Finished.decode(bytes(12)).violations == ()
    assert Finished.decode(bytes(36)).violations == ()


def test_a_heartbeat_has_at_least_16_bytes_of_padding() -> None:
    """RFC 6520 §4."""
    assert HeartbeatMessage.decode(b"\1\0\1x" + bytes(15)).violations == (Violation("padding", "floor", 16, 15),)
    assert HeartbeatMessage.decode(b"\1\0\1x" + bytes(16)).violations == ()


def sslv2_hello(challenge: bytes) -> SSLv2ClientHello:
    lengths = b"\0\3" + b"\0\0" + len(challenge).to_bytes(2, "big")
    return SSLv2ClientHello.decode(b"\1\3\1" + lengths + b"\1\0\x80" + challenge)


def test_an_sslv2_challenge_has_at_least_16_bytes() -> None:
    """RFC 5246 App. E.2."""
    assert sslv2_hello(bytes(15)).violations == (Violation("challenge", "floor", 16, 15),)
    assert sslv2_hello(bytes(16)).violations == ()


@pytest.mark.parametrize(
    ("length", "random"),
    [(16, bytes(16) + bytes(range(16))), (32, bytes(range(32))), (40, bytes(range(8, 40)))],
    ids=["padded", "whole", "the last 32 bytes of a longer one"],
)
def test_the_random_of_an_sslv2_hello_is_its_challenge(length: int, random: bytes) -> None:
    """RFC 5246 App. E.2: left-padded with zeros; of more than 32 bytes, the last 32."""
    assert sslv2_hello(bytes(range(length))).random == random
