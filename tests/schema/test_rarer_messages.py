"""Messages and extensions that are rarely met: what other hands wrote, tshark's reading, and the letter of the RFCs.

scapy wrote some of the bytes (2.8.0; the expression stands beside them); some are what clients in public captures send,
read here as tshark 4.0.17 reads them; for the rest no peer is at hand, and the RFC's section says what they are.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tlswire.analysis.info import info_of
from tlswire.errors import DecodeError
from tlswire.registry import (
    AuthzDataFormat,
    CachedInformationType,
    CertChainType,
    CertificateStatusType,
    CertificateType,
    CipherSuite,
    ECHClientHelloType,
    ExtensionType,
    HandshakeType,
    HpkeAeadId,
    HpkeKdfId,
    IdentifierType,
    KeyExchange,
    NamedGroup,
    ProtocolVersion,
    SignatureScheme,
    SRTPProtectionProfile,
    SupplementalDataType,
    TokenBindingKeyParameters,
    UserMappingType,
)
from tlswire.schema import (
    EXTENSIONS,
    ApplicationSettingsSupport,
    ApplicationSettingsSupportOld,
    CachedInformation,
    CachedInformationAccepted,
    CachedObject,
    CertificateStatusRequestItemV2,
    CertificateStatusRequestListV2,
    CertificateStatusV2Accepted,
    CertificateTypes,
    CertificateURL,
    ChannelIDExtension,
    ChannelIDExtensionOld,
    ClientAuthzFormatList,
    ClientCertificateTypes,
    ClientCertificateURL,
    ClientEncryptedSNI,
    ClientKeyExchange,
    ClientTicketRequest,
    DelegatedCredentialRequest,
    DistinguishedName,
    ECHClientHello,
    ECHClientHelloInner,
    ECHClientHelloOuter,
    ECHHelloRetryRequest,
    Extension,
    Handshake,
    HpkeSymmetricCipherSuite,
    KerberosWrapper,
    KeyShareClientHello,
    KeyShareClientHelloDraft,
    KeyShareEntry,
    KeyShareHelloRetryRequestDraft,
    KeyShareServerHelloDraft,
    MalformedExtension,
    OCSPStatusRequest,
    PreAgreed,
    SelectedCertificateType,
    SelectedClientCertificateType,
    SelectedServerCertificateType,
    ServerAuthzFormatList,
    ServerCertificateTypes,
    SRPExtension,
    SupplementalData,
    SupplementalDataEntry,
    TokenBindingParameters,
    TrustedAuthorities,
    TrustedAuthoritiesAccepted,
    TrustedAuthority,
    UpnDomainHint,
    URLAndHash,
    UserMappingData,
    UserMappingDataList,
    UserMappingTypeList,
    UseSRTPData,
)
from tlswire.session import Connection, HandshakeMessage, Role
from tlswire.wire import Context, Tagged

CLIENT, SERVER, RETRY = HandshakeType.client_hello, HandshakeType.server_hello, HandshakeType.hello_retry_request


def extension(place: HandshakeType, raw: str) -> Extension:
    return Tagged(EXTENSIONS, place).decode(bytes.fromhex(raw))


# Messages

# TLSCertificateURL(certchaintype=1, uah=[URLAndOptionalHash(url=b"http://ca.test/chain", hash=b"\xab" * 20)])
CERTIFICATE_URL = bytes.fromhex(
    "1500002e01002b0014687474703a2f2f63612e746573742f636861696e01abababababababababababababababababababab"
)
# um = SupDataEntryUM(data=[UserMappingData(version=64, data=b"\0\7a@b.tes\0\5b.tes")])
# TLSSupplementalData(sdata=[um, SupDataEntry(sdtype=16386, data=b"abc")])
SUPPLEMENTAL_DATA = bytes.fromhex("1700002300002000000015001340001000076140622e7465730005622e74657340020003616263")


def test_a_certificate_url_as_scapy_writes_it() -> None:
    read = Handshake.decode(CERTIFICATE_URL)
    there = URLAndHash(b"http://ca.test/chain", 1, b"\xab" * 20)
    assert read == Handshake(HandshakeType.certificate_url, CertificateURL(CertChainType.pkipath, (there,)))
    assert read.encode() == CERTIFICATE_URL
    assert read.body.violations == ()


def test_a_url_whose_padding_is_not_one_is_a_violation() -> None:
    """RFC 6066 §5: "The padding MUST be 0x01.\""""
    read = Handshake.decode(CERTIFICATE_URL.replace(b"chain\1", b"chain\0"))
    (violation,) = read.body.violations
    assert (violation.path, violation.rule) == ("url_and_hash_list[0].padding", "padding")
    assert (violation.expected, violation.actual) == (1, 0)


def test_a_certificate_url_comes_from_the_client_and_is_told_with_the_first_url() -> None:
    connection = Connection()
    connection.receive_data(1, b"\x16\x03\x03" + len(CERTIFICATE_URL).to_bytes(2, "big") + CERTIFICATE_URL)
    for side in (0, 1):
        connection.receive_end(side)
    (event,) = [event for event in connection.events() if isinstance(event, HandshakeMessage)]
    assert info_of(event) == "Certificate Url, http://ca.test/chain"
    assert connection.role(1) is Role.client
    several = CertificateURL(CertChainType.individual_certs, (URLAndHash(b"\x1b[1m", 1, bytes(20)),) * 3)
    assert info_of(replace(event, message=several)) == "Certificate Url, \\x1b[1m and 2 more"
    assert info_of(replace(event, message=CertificateURL(CertChainType.pkipath, ()))) == "Certificate Url, no URL"


def test_supplemental_data_as_scapy_writes_them() -> None:
    read = Handshake.decode(SUPPLEMENTAL_DATA)
    user = UserMappingData(UserMappingType.upn_domain_hint, UpnDomainHint(b"a@b.tes", b"b.tes"))
    entries = (
        SupplementalDataEntry(SupplementalDataType.user_mapping_data, UserMappingDataList((user,))),
        SupplementalDataEntry(SupplementalDataType.authz_data, b"abc"),
    )
    assert read == Handshake(HandshakeType.supplemental_data, SupplementalData(entries))
    assert read.encode() == SUPPLEMENTAL_DATA
    assert read.body.violations == ()


@pytest.mark.parametrize("whole", [CERTIFICATE_URL, SUPPLEMENTAL_DATA], ids=["certificate_url", "supplemental_data"])
def test_no_prefix_of_a_body_is_a_body(whole: bytes) -> None:
    for end in range(4, len(whole)):
        with pytest.raises(DecodeError):
            Handshake.decode(whole[:1] + (end - 4).to_bytes(3, "big") + whole[4:end])


@pytest.mark.parametrize("exchange", [KeyExchange.KRB5, KeyExchange.KRB5_EXPORT])
def test_a_kerberos_wrapper_has_lengths_of_16_bits(exchange: KeyExchange) -> None:
    """RFC 2712 §3, which leaves them out; so do OpenSSL 1.0.2 and Java, without an authenticator."""
    context = Context(ProtocolVersion.TLSv1_0, key_exchange=exchange)
    raw = bytes.fromhex("0006" + "6180deadbeef" + "0000" + "0004" + "01020304")
    read = ClientKeyExchange.decode(raw, context)
    assert read == KerberosWrapper(bytes.fromhex("6180deadbeef"), b"", b"\1\2\3\4")
    assert read.encode() == raw
    for end in range(len(raw)):
        with pytest.raises(DecodeError):
            ClientKeyExchange.decode(raw[:end], context)


# Extensions

BY_SCAPY = [
    # TLS_Ext_ClientCertURL()
    (CLIENT, "00020000", ClientCertificateURL()),
    # TLS_Ext_TrustedCAInd(ta=[TAPreAgreed(), TAKeySHA1Hash(id=b"\x11" * 20), TAX509Name(dn=…), TACertSHA1Hash(id=…)])
    (
        CLIENT,
        "0003003f003d00" + "01" + "11" * 20 + "02000f300d310b300906035504061302444b" + "03" + "22" * 20,
        TrustedAuthorities(
            (
                TrustedAuthority(IdentifierType.pre_agreed, PreAgreed()),
                TrustedAuthority(IdentifierType.key_sha1_hash, b"\x11" * 20),
                TrustedAuthority(
                    IdentifierType.x509_name, DistinguishedName(bytes.fromhex("300d310b300906035504061302444b"))
                ),
                TrustedAuthority(IdentifierType.cert_sha1_hash, b"\x22" * 20),
            )
        ),
    ),
    # TLS_Ext_UserMapping(um=[64])
    (CLIENT, "000600020140", UserMappingTypeList((UserMappingType.upn_domain_hint,))),
    # TLS_Ext_ClientCertType(ctypes=[1, 0]), TLS_Ext_ServerCertType(ctype=1)
    (CLIENT, "00090003020100", CertificateTypes((CertificateType.OpenPGP, CertificateType.X509))),
    (SERVER, "0009000101", SelectedCertificateType(CertificateType.OpenPGP)),
]

# In this order in nDPI's dazn.pcapng, arkime's tls-split-client-hello.pcap, mercury's top_100_fingerprints.pcap, zeek's
# openjdk-25.0.2-zeek.org.pcap, PcapPlusPlus's many_interfaces-1.pcapng, ja3's test2.pcap, junkie's dokuwiki.pcap.
BY_TSHARK = [
    (
        CLIENT,
        "0022000a0008" + "0403050306030203",
        DelegatedCredentialRequest(
            (
                SignatureScheme.ecdsa_secp256r1_sha256,
                SignatureScheme.ecdsa_secp384r1_sha384,
                SignatureScheme.ecdsa_secp521r1_sha512,
                SignatureScheme.ecdsa_sha1,
            )
        ),
    ),
    (CLIENT, "44690005" + "0003026832", ApplicationSettingsSupportOld((b"h2",))),
    (
        CLIENT,
        "00180006" + "001003020100",
        TokenBindingParameters(
            0,
            16,
            (
                TokenBindingKeyParameters.ecdsap256,
                TokenBindingKeyParameters.rsa2048_pss,
                TokenBindingKeyParameters.rsa2048_pkcs1_5,
            ),
        ),
    ),
    (
        CLIENT,
        "00110009" + "000702000400000000",
        CertificateStatusRequestListV2(
            (CertificateStatusRequestItemV2(CertificateStatusType.ocsp_multi, OCSPStatusRequest((), b"")),)
        ),
    ),
    (CLIENT, "75500000", ChannelIDExtension()),
    (SERVER, "75500000", ChannelIDExtension()),
    (CLIENT, "754f0000", ChannelIDExtensionOld()),
]

SHARE = KeyShareEntry(NamedGroup.x25519, b"\x55" * 32)
RAW_SHARE = "001d0020" + "55" * 32

BY_THE_LETTER = [
    (SERVER, "00030000", TrustedAuthoritiesAccepted()),  # RFC 6066 §6
    (CLIENT, "0007000403000240", ClientAuthzFormatList(tuple(map(AuthzDataFormat, (0, 2, 64))))),  # RFC 5878 §2.1
    (SERVER, "000800020101", ServerAuthzFormatList((AuthzDataFormat.saml_assertion,))),
    (CLIENT, "000c000605616c696365", SRPExtension(b"alice")),  # RFC 5054 §2.8.1
    (
        CLIENT,  # RFC 5764 §4.1.1
        "000e0007" + "0004" + "00070001" + "00",
        UseSRTPData(
            (SRTPProtectionProfile.SRTP_AEAD_AES_128_GCM, SRTPProtectionProfile.SRTP_AES128_CM_HMAC_SHA1_80), b""
        ),
    ),
    (SERVER, "000e0006" + "00020001" + "0161", UseSRTPData((SRTPProtectionProfile(1),), b"a")),
    (SERVER, "00110000", CertificateStatusV2Accepted()),  # RFC 6961 §2.2
    (
        CLIENT,  # a status type that nobody knows
        "001100080006" + "63" + "0003616263",
        CertificateStatusRequestListV2((CertificateStatusRequestItemV2(CertificateStatusType(99), b"abc"),)),
    ),
    (CLIENT, "00130003020002", ClientCertificateTypes((CertificateType.X509, CertificateType.RawPublicKey))),
    (SERVER, "0013000102", SelectedClientCertificateType(CertificateType.RawPublicKey)),  # RFC 7250 §3
    (CLIENT, "001400020102", ServerCertificateTypes((CertificateType.RawPublicKey,))),
    (SERVER, "0014000100", SelectedServerCertificateType(CertificateType.X509)),
    (
        CLIENT,  # RFC 7924 §3
        "001900060004" + "01" + "02abcd",
        CachedInformation((CachedObject(CachedInformationType.cert, b"\xab\xcd"),)),
    ),
    (SERVER, "0019000400020102", CachedInformationAccepted(tuple(map(CachedInformationType, (1, 2))))),
    (CLIENT, "003a00020401", ClientTicketRequest(4, 1)),  # RFC 9149 §3
    (CLIENT, "44cd0005" + "0003026832", ApplicationSettingsSupport((b"h2",))),  # draft-vvv-tls-alps-01 §4
    (
        CLIENT,  # RFC 9849 §5
        "fe0d0010" + "00" + "00010003" + "2a" + "0002abcd" + "0004deadbeef",
        ECHClientHello(
            ECHClientHelloType.outer,
            ECHClientHelloOuter(
                HpkeSymmetricCipherSuite(HpkeKdfId.HKDF_SHA256, HpkeAeadId.ChaCha20Poly1305),
                42,
                b"\xab\xcd",
                b"\xde\xad\xbe\xef",
            ),
        ),
    ),
    (CLIENT, "fe0d000101", ECHClientHello(ECHClientHelloType.inner, ECHClientHelloInner())),
    (RETRY, "fe0d0008" + "0102030405060708", ECHHelloRetryRequest(bytes(range(1, 9)))),
    (
        CLIENT,  # draft-ietf-tls-esni-06 §5.1
        "ffce002d" + "1301" + RAW_SHARE + "0002aaaa" + "0001bb",
        ClientEncryptedSNI(CipherSuite.TLS_AES_128_GCM_SHA256, SHARE, b"\xaa\xaa", b"\xbb"),
    ),
    (CLIENT, "00280026" + "0024" + RAW_SHARE, KeyShareClientHelloDraft((SHARE,))),  # draft-ietf-tls-tls13-22 §4.2.7
    (SERVER, "00280024" + RAW_SHARE, KeyShareServerHelloDraft(SHARE)),
    (RETRY, "002800020017", KeyShareHelloRetryRequestDraft(NamedGroup.secp256r1)),
]

RARER = [*BY_SCAPY, *BY_TSHARK, *BY_THE_LETTER]
rarer = pytest.mark.parametrize(("place", "raw", "value"), RARER, ids=[type(value).__name__ for _, _, value in RARER])


@rarer
def test_an_extension_reads_and_is_written_again(place: HandshakeType, raw: str, value: Extension) -> None:
    read = extension(place, raw)
    assert read == value
    assert type(read) is type(value)
    assert Tagged(EXTENSIONS, place).encode(read) == bytes.fromhex(raw)
    assert [violation for violation in read.violations if violation.rule != "unknown"] == []


@rarer
def test_an_extension_cut_short_is_malformed(place: HandshakeType, raw: str, value: Extension) -> None:
    body = bytes.fromhex(raw)[4:]
    for end in range(len(body)):
        cut = bytes.fromhex(raw)[:2] + end.to_bytes(2, "big") + body[:end]
        read = Tagged(EXTENSIONS, place).decode(cut)
        assert isinstance(read, MalformedExtension)
        assert read.type is value.type
        assert read.raw == body[:end]


@rarer
def test_an_extension_with_more_behind_it_is_malformed(place: HandshakeType, raw: str, value: Extension) -> None:
    body = bytes.fromhex(raw)[4:] + b"\0"
    longer = bytes.fromhex(raw)[:2] + len(body).to_bytes(2, "big") + body
    assert isinstance(Tagged(EXTENSIONS, place).decode(longer), MalformedExtension)


def test_the_key_share_of_the_drafts_is_a_key_share() -> None:
    assert isinstance(extension(CLIENT, "00280026" + "0024" + RAW_SHARE), KeyShareClientHello)
    assert KeyShareClientHelloDraft.type is ExtensionType.key_share_draft
    assert KeyShareClientHello.type is ExtensionType.key_share


def test_an_encrypted_hello_of_no_known_kind_keeps_its_bytes() -> None:
    read = extension(CLIENT, "fe0d000402616263")
    assert read == ECHClientHello(ECHClientHelloType(2), b"abc")
