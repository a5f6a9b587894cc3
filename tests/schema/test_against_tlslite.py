"""Against tlslite-ng, a TLS stack of other hands: what it writes we read, and write again to the same bytes."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from tlswire.registry import (
    AlertDescription,
    AlertLevel,
    CertificateCompressionAlgorithm,
    CertificateStatusType,
    CertificateType,
    CipherSuite,
    CompressionMethod,
    ECCurveType,
    ECPointFormat,
    ExtensionType,
    HandshakeType,
    HeartbeatMessageType,
    HeartbeatMode,
    KeyExchange,
    NamedGroup,
    ProtocolVersion,
    PskKeyExchangeMode,
    SignatureScheme,
    SSLv2CipherKind,
)
from tlswire.schema import (
    Alert,
    CertificateRequest,
    CertificateRequestSSL3,
    CertificateRequestTLS11,
    CertificateRequestTLS12,
    CertificateStatus,
    CertificateStatusRequest,
    CertificateTypes,
    CertificateVerify,
    CertificateVerifySSL3,
    CertificateVerifyTLS12,
    ClientDiffieHellmanPublic,
    ClientECDiffieHellmanPublic,
    ClientHello,
    ClientKeyExchangeRSA,
    ClientKeyExchangeRSASSL3,
    ClientSRPPublic,
    CompressCertificate,
    Cookie,
    DistinguishedName,
    ECPointFormats,
    Extension,
    Finished,
    Handshake,
    HeartbeatExtension,
    HeartbeatMessage,
    KeyShareClientHello,
    KeyShareEntry,
    KeyShareHelloRetryRequest,
    KeyShareServerHello,
    NewSessionTicketTLS10,
    NextProtocol,
    NextProtocols,
    OCSPResponse,
    OCSPStatusRequest,
    OfferedPsks,
    Padding,
    ProtocolNameList,
    PskIdentity,
    PskKeyExchangeModes,
    RecordSizeLimit,
    RenegotiationInfo,
    SelectedPsk,
    SelectedVersion,
    ServerDHParams,
    ServerECDHParams,
    ServerHello,
    ServerHelloDone,
    ServerKeyExchangeDHAnon,
    ServerKeyExchangeDHE,
    ServerKeyExchangeDHETLS12,
    ServerKeyExchangeECDHE,
    ServerKeyExchangeECDHETLS12,
    ServerKeyExchangeSRP,
    ServerKeyExchangeSRPSigned,
    ServerKeyExchangeSRPSignedTLS12,
    ServerName,
    ServerNameList,
    ServerSRPParams,
    SessionTicket,
    SignatureAlgorithms,
    SignatureAlgorithmsCert,
    SRPExtension,
    SSLv2ClientHello,
    SupportedGroups,
    SupportedVersions,
)
from tlswire.wire import Context, Message, Unresolved

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports asyncore, where Python still has that
    from tlslite import extensions as theirs
    from tlslite import messages as tlslite

SSL3, TLS10, TLS11, TLS12, TLS13 = ((3, minor) for minor in range(5))
VERSIONS = {
    SSL3: ProtocolVersion.SSLv3,
    TLS10: ProtocolVersion.TLSv1_0,
    TLS11: ProtocolVersion.TLSv1_1,
    TLS12: ProtocolVersion.TLSv1_2,
}
RANDOM = bytearray(range(32))


def suites(*codes: int) -> tuple[CipherSuite, ...]:
    return tuple(map(CipherSuite, codes))


def test_a_client_hello_without_extensions() -> None:
    hello = tlslite.ClientHello().create(SSL3, RANDOM, bytearray(b"id"), [0x0A, 0x05, 0xFF], extensions=None)
    hello.extensions = None
    assert Handshake.decode(bytes(hello.write())).body == ClientHello(
        ProtocolVersion.SSLv3,
        bytes(RANDOM),
        b"id",
        suites(0x0A, 0x05, 0xFF),
        (CompressionMethod.null,),
        None,
    )


@pytest.mark.parametrize("challenge", [16, 32])
def test_an_sslv2_compatible_hello(challenge: int) -> None:
    hello = tlslite.ClientHello(ssl2=True)
    hello.create(TLS10, RANDOM[:challenge], bytearray(b""), [0x010080, 0x00002F, 0x0000FF, 0x0700C0])
    raw = bytes(hello.write())
    read = SSLv2ClientHello.decode(raw)
    assert read == SSLv2ClientHello(
        HandshakeType.client_hello,
        ProtocolVersion.TLSv1_0,
        tuple(map(SSLv2CipherKind, (0x010080, 0x00002F, 0x0000FF, 0x0700C0))),
        b"",
        bytes(RANDOM[:challenge]),
    )
    assert read.encode() == raw
    assert read.cipher_suites == suites(0x2F, 0xFF)
    assert read.signals_renegotiation_scsv
    assert not read.signals_fallback_scsv
    assert read.random == bytes(32 - challenge) + bytes(RANDOM[:challenge])


def entry(group: int, public: bytes) -> Any:
    return theirs.KeyShareEntry().create(group, bytearray(public))


def identity(name: bytes, age: int) -> Any:
    return theirs.PskIdentity().create(bytearray(name), age)


IN_CLIENT_HELLO: list[tuple[Any, Extension]] = [
    (theirs.SRPExtension().create(bytearray(b"alice")), SRPExtension(b"alice")),
    (
        theirs.ClientCertTypeExtension().create([1, 0]),
        CertificateTypes((CertificateType.OpenPGP, CertificateType.X509)),
    ),
    (
        theirs.SNIExtension().create(bytearray(b"example.com")),
        ServerNameList((ServerName(0, b"example.com"),)),  # type: ignore[arg-type]
    ),
    (
        theirs.StatusRequestExtension().create(1, [bytearray(b"responder")], bytearray(b"\x30\x00")),
        CertificateStatusRequest(CertificateStatusType.ocsp, OCSPStatusRequest((b"responder",), b"\x30\x00")),
    ),
    (
        theirs.SupportedGroupsExtension().create([29, 23, 0x4A4A]),
        SupportedGroups(tuple(map(NamedGroup, (29, 23, 0x4A4A)))),
    ),
    (theirs.ECPointFormatsExtension().create([0, 1]), ECPointFormats(tuple(map(ECPointFormat, (0, 1))))),
    (
        theirs.SignatureAlgorithmsExtension().create([(4, 1), (8, 4)]),
        SignatureAlgorithms((SignatureScheme.rsa_pkcs1_sha256, SignatureScheme.rsa_pss_rsae_sha256)),
    ),
    (
        theirs.SignatureAlgorithmsCertExtension().create([(4, 1)]),
        SignatureAlgorithmsCert((SignatureScheme.rsa_pkcs1_sha256,)),
    ),
    (theirs.HeartbeatExtension().create(1), HeartbeatExtension(HeartbeatMode.peer_allowed_to_send)),
    (
        theirs.ALPNExtension().create([bytearray(b"h2"), bytearray(b"http/1.1")]),
        ProtocolNameList((b"h2", b"http/1.1")),
    ),
    (theirs.PaddingExtension().create(5), Padding(bytes(5))),
    (
        theirs.CompressedCertificateExtension().create([1, 2]),
        CompressCertificate(tuple(map(CertificateCompressionAlgorithm, (1, 2)))),
    ),
    (theirs.RecordSizeLimitExtension().create(16385), RecordSizeLimit(16385)),
    (theirs.SessionTicketExtension().create(bytearray(b"ticket")), SessionTicket(b"ticket")),
    (theirs.RenegotiationInfoExtension().create(bytearray(b"\x0c" * 12)), RenegotiationInfo(b"\x0c" * 12)),
    (
        theirs.SupportedVersionsExtension().create([(3, 4), (3, 3)]),
        SupportedVersions((ProtocolVersion.TLSv1_3, ProtocolVersion.TLSv1_2)),
    ),
    (theirs.CookieExtension().create(bytearray(b"cookie")), Cookie(b"cookie")),
    (
        theirs.PskKeyExchangeModesExtension().create([1, 0]),
        PskKeyExchangeModes((PskKeyExchangeMode.psk_dhe_ke, PskKeyExchangeMode.psk_ke)),
    ),
    (
        theirs.ClientKeyShareExtension().create([entry(29, b"\x01" * 32), entry(23, b"\x04" * 65)]),
        KeyShareClientHello(
            (KeyShareEntry(NamedGroup.x25519, b"\x01" * 32), KeyShareEntry(NamedGroup.secp256r1, b"\x04" * 65))
        ),
    ),
    (
        theirs.PreSharedKeyExtension().create([identity(b"ticket", 77)], [bytearray(32)]),
        OfferedPsks((PskIdentity(b"ticket", 77),), (bytes(32),)),
    ),
]
IN_SERVER_HELLO: list[tuple[Any, Extension]] = [
    (theirs.NPNExtension().create([bytearray(b"spdy/3"), bytearray(b"h2")]), NextProtocols((b"spdy/3", b"h2"))),
    (theirs.SrvSupportedVersionsExtension().create((3, 4)), SelectedVersion(ProtocolVersion.TLSv1_3)),
    (
        theirs.ServerKeyShareExtension().create(entry(29, b"\x02" * 32)),
        KeyShareServerHello(KeyShareEntry(NamedGroup.x25519, b"\x02" * 32)),
    ),
    (theirs.SrvPreSharedKeyExtension().create(3), SelectedPsk(3)),
    (theirs.HeartbeatExtension().create(2), HeartbeatExtension(HeartbeatMode.peer_not_allowed_to_send)),
    (theirs.ALPNExtension().create([bytearray(b"h2")]), ProtocolNameList((b"h2",))),
    (theirs.RenegotiationInfoExtension().create(bytearray(24)), RenegotiationInfo(bytes(24))),
]
IN_HELLO_RETRY_REQUEST: list[tuple[Any, Extension]] = [
    (theirs.SrvSupportedVersionsExtension().create((3, 4)), SelectedVersion(ProtocolVersion.TLSv1_3)),
    (theirs.HRRKeyShareExtension().create(23), KeyShareHelloRetryRequest(NamedGroup.secp256r1)),
    (theirs.CookieExtension().create(bytearray(b"cookie")), Cookie(b"cookie")),
]


def named(cases: list[tuple[Any, Extension]]) -> Any:
    return pytest.mark.parametrize(("written", "expected"), cases, ids=[type(one).__name__ for _, one in cases])


@named(IN_CLIENT_HELLO)
def test_an_extension_of_a_client_hello(written: Any, expected: Extension) -> None:
    raw = bytes(tlslite.ClientHello().create(TLS12, RANDOM, bytearray(), [0x2F], extensions=[written]).write())
    read = Handshake.decode(raw)
    assert isinstance(read.body, ClientHello)
    assert read.body.extensions == (expected,)
    assert read.body.extension(ExtensionType(written.extType)) == expected
    assert read.encode() == raw
    assert read.body.violations == ()


def server_hello(random: bytearray, written: Any) -> bytes:
    hello = tlslite.ServerHello().create(TLS12, random, bytearray(), 0x2F)
    hello.extensions = [written]  # and not what `create` makes of them
    return bytes(hello.write())


@named(IN_SERVER_HELLO)
def test_an_extension_of_a_server_hello(written: Any, expected: Extension) -> None:
    raw = server_hello(RANDOM, written)
    read = Handshake.decode(raw)
    assert isinstance(read.body, ServerHello)
    assert not read.body.is_hello_retry_request
    assert read.body.extensions == (expected,)
    assert read.encode() == raw


@named(IN_HELLO_RETRY_REQUEST)
def test_an_extension_of_a_hello_retry_request(written: Any, expected: Extension) -> None:
    raw = server_hello(bytearray(tlslite.TLS_1_3_HRR), written)
    read = Handshake.decode(raw)
    assert isinstance(read.body, ServerHello)
    assert read.body.is_hello_retry_request
    assert read.body.extensions == (expected,)
    assert read.encode() == raw


NAMES = [b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01a", b"\x30\x00", b"junk"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_request(version: tuple[int, int]) -> None:
    request = tlslite.CertificateRequest(version).create([1, 64], [bytearray(name) for name in NAMES], [(4, 1), (2, 2)])
    raw = bytes(request.write())
    read = Handshake.decode(raw, Context(VERSIONS[version]))
    authorities = tuple(map(DistinguishedName, NAMES))
    forms = {
        SSL3: CertificateRequestSSL3,
        TLS10: CertificateRequestSSL3,
        TLS11: CertificateRequestTLS11,
        TLS12: CertificateRequestTLS12,
    }
    assert isinstance(read.body, CertificateRequest)
    assert type(read.body) is forms[version]
    assert read.body.certificate_types == (1, 64)
    assert read.body.certificate_authorities == authorities
    schemes = (SignatureScheme.rsa_pkcs1_sha256, SignatureScheme(0x0202)) if version == TLS12 else None
    assert read.body.supported_signature_algorithms == schemes
    assert read.encode() == raw
    assert CertificateRequest.decode(raw[4:], Context(VERSIONS[version])) == read.body
    assert isinstance(CertificateRequest.decode(raw[4:]), Unresolved)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_verify(version: tuple[int, int]) -> None:
    verify = tlslite.CertificateVerify(version).create(bytearray(b"signature"), (4, 1) if version == TLS12 else None)
    raw = bytes(verify.write())
    read = Handshake.decode(raw, Context(VERSIONS[version]))
    assert isinstance(read.body, CertificateVerify)
    if version == TLS12:
        assert read.body == CertificateVerifyTLS12(SignatureScheme.rsa_pkcs1_sha256, b"signature")
    else:
        assert read.body == CertificateVerifySSL3(b"signature")
        assert read.body.algorithm is None
    assert read.encode() == raw


DHE_RSA, DH_ANON, ECDHE_RSA, SRP_SHA, SRP_SHA_RSA = 0x33, 0x34, 0xC013, 0xC01D, 0xC01E
DH = ServerDHParams(b"\x17", b"\x05", b"\x08")
ECDH = ServerECDHParams(ECCurveType.named_curve, NamedGroup.secp256r1, b"\x04" + bytes(64))
SRP = ServerSRPParams(b"\x17", b"\x05", b"salt", b"\x08")
SIGNED = (SignatureScheme.rsa_pkcs1_sha256, b"signature")


@pytest.mark.parametrize(
    ("suite", "version", "exchange", "expected"),
    [
        (DHE_RSA, TLS10, KeyExchange.DHE_RSA, ServerKeyExchangeDHE(DH, b"signature")),
        (DHE_RSA, TLS12, KeyExchange.DHE_RSA, ServerKeyExchangeDHETLS12(DH, *SIGNED)),
        (DH_ANON, TLS10, KeyExchange.DH_anon, ServerKeyExchangeDHAnon(DH)),
        (DH_ANON, TLS12, KeyExchange.DH_anon, ServerKeyExchangeDHAnon(DH)),
        (ECDHE_RSA, TLS11, KeyExchange.ECDHE_RSA, ServerKeyExchangeECDHE(ECDH, b"signature")),
        (ECDHE_RSA, TLS12, KeyExchange.ECDHE_RSA, ServerKeyExchangeECDHETLS12(ECDH, *SIGNED)),
        (SRP_SHA, TLS10, KeyExchange.SRP_SHA, ServerKeyExchangeSRP(SRP)),
        (SRP_SHA, TLS12, KeyExchange.SRP_SHA, ServerKeyExchangeSRP(SRP)),
        (SRP_SHA_RSA, TLS11, KeyExchange.SRP_SHA_RSA, ServerKeyExchangeSRPSigned(SRP, b"signature")),
        (SRP_SHA_RSA, TLS12, KeyExchange.SRP_SHA_RSA, ServerKeyExchangeSRPSignedTLS12(SRP, *SIGNED)),
    ],
)
def test_a_server_key_exchange(suite: int, version: tuple[int, int], exchange: KeyExchange, expected: Message) -> None:
    sent = tlslite.ServerKeyExchange(suite, version)
    if suite == ECDHE_RSA:
        sent.createECDH(3, 23, bytearray(b"\x04" + bytes(64)))
    elif exchange.is_srp:
        sent.createSRP(0x17, 5, bytearray(b"salt"), 8)
    else:
        sent.createDH(0x17, 5, 8)
    sent.signature = bytearray(b"signature")
    sent.hashAlg, sent.signAlg = 4, 1
    raw = bytes(sent.write())
    read = Handshake.decode(raw, Context(VERSIONS[version], key_exchange=exchange))
    assert read.body == expected
    assert read.encode() == raw


SECRET = bytes(range(128))


@pytest.mark.parametrize(
    ("suite", "version", "exchange", "expected"),
    [
        (0x2F, SSL3, KeyExchange.RSA, ClientKeyExchangeRSASSL3(SECRET)),
        (0x2F, TLS10, KeyExchange.RSA, ClientKeyExchangeRSA(SECRET)),
        (0x2F, TLS12, KeyExchange.RSA, ClientKeyExchangeRSA(SECRET)),
        (DHE_RSA, TLS12, KeyExchange.DHE_RSA, ClientDiffieHellmanPublic(b"\x77")),
        (ECDHE_RSA, TLS12, KeyExchange.ECDHE_RSA, ClientECDiffieHellmanPublic(b"\x04\x05")),
        (SRP_SHA, TLS10, KeyExchange.SRP_SHA, ClientSRPPublic(b"\x66")),
        (SRP_SHA_RSA, TLS12, KeyExchange.SRP_SHA_RSA, ClientSRPPublic(b"\x66")),
    ],
)
def test_a_client_key_exchange(suite: int, version: tuple[int, int], exchange: KeyExchange, expected: Message) -> None:
    sent = tlslite.ClientKeyExchange(suite, version)
    sent.createRSA(bytearray(SECRET))
    sent.createDH(0x77)
    sent.createECDH(bytearray(b"\x04\x05"))
    sent.createSRP(0x66)
    raw = bytes(sent.write())
    read = Handshake.decode(raw, Context(VERSIONS[version], key_exchange=exchange))
    assert read.body == expected
    assert read.encode() == raw


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (tlslite.ServerHelloDone().create(), ServerHelloDone()),
        (tlslite.Finished(TLS12).create(bytearray(12)), Finished(bytes(12))),
        (tlslite.Finished(SSL3).create(bytearray(36)), Finished(bytes(36))),
        (tlslite.NewSessionTicket1_0().create(300, bytearray(b"ticket")), NewSessionTicketTLS10(300, b"ticket")),
        (tlslite.NextProtocol().create(bytearray(b"h2")), NextProtocol(b"h2", bytes(28))),
        (
            tlslite.CertificateStatus().create(1, bytearray(b"\x30\x00")),
            CertificateStatus(CertificateStatusType.ocsp, OCSPResponse(b"\x30\x00")),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Message) else "",
)
def test_a_message_of_one_form(sent: Any, expected: Message) -> None:
    raw = bytes(sent.write())
    read = Handshake.decode(raw, Context(ProtocolVersion.TLSv1_2))
    assert read.body == expected
    assert read.encode() == raw


def test_an_alert_and_a_heartbeat() -> None:
    raw = bytes(tlslite.Alert().create(100, 1).write())
    assert Alert.decode(raw) == Alert(AlertLevel.warning, AlertDescription.no_renegotiation)
    heartbeat = bytes(tlslite.Heartbeat().create(1, bytearray(b"payload"), 16).write())
    read = HeartbeatMessage.decode(heartbeat)
    assert read.type == HeartbeatMessageType.heartbeat_request
    assert (read.payload, read.payload_length, len(read.padding)) == (b"payload", 7, 16)
    assert read.encode() == heartbeat
