"""Messages whose form the context chooses, curves that are spelled out, the small protocols, the record layer."""

from __future__ import annotations

import pytest

from tlswire.errors import DecodeError, DecodeErrorKind, EncodeError
from tlswire.registry import (
    CertificateStatusType,
    ContentType,
    ECCurveType,
    HandshakeType,
    KeyExchange,
    ProtocolVersion,
    SignatureScheme,
)
from tlswire.schema import (
    BODIES,
    Alert,
    Certificate,
    CertificateRequest,
    CertificateRequestSSL3,
    CertificateRequestTLS11,
    CertificateSSL3,
    CertificateStatus,
    CertificateTLS13,
    CertificateVerify,
    ChangeCipherSpec,
    ClientDiffieHellmanPublic,
    ClientECDiffieHellmanPublic,
    ClientKeyExchange,
    ClientKeyExchangeRSA,
    ClientKeyExchangeRSASSL3,
    ECCurve,
    EncryptedPreMasterSecret,
    ExplicitChar2,
    ExplicitPrime,
    Finished,
    Handshake,
    HeartbeatMessage,
    OCSPResponseList,
    Pentanomial,
    ServerECDHParams,
    ServerKeyExchange,
    ServerKeyExchangeECDHAnon,
    ServerKeyExchangeRSA,
    ServerKeyExchangeRSATLS12,
    TLSCiphertext,
    TLSPlaintext,
    Trinomial,
    UnknownHandshake,
    decode_body,
)
from tlswire.wire import Context, Message, Opaque, Unresolved, message, wire

SSL3, TLS10, TLS11, TLS12, TLS13 = (ProtocolVersion(0x0300 + minor) for minor in range(5))
DRAFT18 = ProtocolVersion.of(0x7F12)


# What the context decides


def test_the_class_of_a_message_with_forms_decodes_the_right_one() -> None:
    body = b"\x01\x01\x00\x00"
    assert CertificateRequest.decode(body, Context(SSL3)) == CertificateRequestSSL3((1,), ())  # type: ignore[arg-type]
    assert CertificateRequest.decode(body, Context(TLS10)) == CertificateRequestSSL3((1,), ())  # type: ignore[arg-type]
    assert CertificateRequest.decode(body, Context(TLS11)) == CertificateRequestTLS11((1,), ())  # type: ignore[arg-type]
    with pytest.raises(DecodeError):
        CertificateRequest.decode(body, Context(TLS12))
    unresolved = CertificateRequest.decode(body)
    assert isinstance(unresolved, Unresolved)
    assert unresolved.needs == "version"
    assert unresolved.resolve(Context(TLS11)) == CertificateRequestTLS11((1,), ())  # type: ignore[arg-type]
    assert isinstance(unresolved.resolve(Context(DRAFT18)), Unresolved)
    assert CertificateRequest.spans(body, Context(TLS11)) == CertificateRequestTLS11.spans(body)
    assert CertificateRequest.spans(body) == ()


def test_no_names_is_a_violation_up_to_tls10_alone() -> None:
    body = b"\x01\x01\x00\x00"
    rules = {
        version: [violation.rule for violation in CertificateRequest.decode(body, Context(version)).violations]
        for version in (SSL3, TLS10, TLS11)
    }
    assert rules == {SSL3: ["floor"], TLS10: ["floor"], TLS11: []}


@pytest.mark.parametrize(
    ("kind", "msg_type"),
    [
        (CertificateRequest, HandshakeType.certificate_request),
        (CertificateVerify, HandshakeType.certificate_verify),
        (ServerKeyExchange, HandshakeType.server_key_exchange),
        (ClientKeyExchange, HandshakeType.client_key_exchange),
    ],
)
def test_a_body_without_context_is_unresolved_and_stays_so_until_there_is_enough(
    kind: type[Message], msg_type: HandshakeType
) -> None:
    for unresolved in (kind.decode(b"\0\0\0\0"), decode_body(msg_type, b"\0\0\0\0")):
        assert isinstance(unresolved, Unresolved)
        again = unresolved.resolve(Context())
        assert isinstance(again, Unresolved)
        assert (again.raw, again.needs) == (unresolved.raw, unresolved.needs)
        undeclared = unresolved.resolve(Context(DRAFT18, key_exchange=KeyExchange.ECCPWD))
        assert isinstance(undeclared, Unresolved)
        assert undeclared.raw == b"\0\0\0\0"
        assert undeclared.needs == "declaration"


def test_an_encrypted_premaster_secret_has_a_length_in_tls_and_none_in_ssl3() -> None:
    body = b"\x00\x03abc"
    assert EncryptedPreMasterSecret.decode(body, Context(SSL3)) == ClientKeyExchangeRSASSL3(body)
    for version in (TLS10, TLS11, TLS12):
        context = Context(version, key_exchange=KeyExchange.RSA)
        assert ClientKeyExchange.decode(body, context) == ClientKeyExchangeRSA(b"abc")
    with pytest.raises(DecodeError):
        EncryptedPreMasterSecret.decode(b"abc", Context(TLS10))


@pytest.mark.parametrize("exchange", [KeyExchange.RSA, KeyExchange.RSA_EXPORT])
def test_a_temporary_rsa_key_is_signed_as_the_version_has_it(exchange: KeyExchange) -> None:
    params = "0040" + "c1" * 64 + "0003010001"
    old, new = bytes.fromhex(params + "000273 67"), bytes.fromhex(params + "0401" + "00027367")
    read = ServerKeyExchange.decode(old, Context(TLS10, key_exchange=exchange))
    assert isinstance(read, ServerKeyExchangeRSA)
    assert (read.params.rsa_modulus, read.params.rsa_exponent) == (b"\xc1" * 64, b"\1\0\1")
    read = ServerKeyExchange.decode(new, Context(TLS12, key_exchange=exchange))
    assert isinstance(read, ServerKeyExchangeRSATLS12)
    assert (read.algorithm, read.signature) == (SignatureScheme.rsa_pkcs1_sha256, b"sg")


@pytest.mark.parametrize("exchange", [KeyExchange.DHE_RSA, KeyExchange.DH_anon, KeyExchange.DH_RSA, KeyExchange.DH_DSS])
def test_a_client_whose_certificate_has_its_dh_key_sends_nothing(exchange: KeyExchange) -> None:
    context = Context(TLS12, key_exchange=exchange)
    assert decode_body(16, b"", context) == ClientDiffieHellmanPublic()
    assert decode_body(16, b"\0\1\7", context) == ClientDiffieHellmanPublic(b"\7")
    assert ClientDiffieHellmanPublic().encode() == b""


@pytest.mark.parametrize("exchange", [KeyExchange.ECDHE_ECDSA, KeyExchange.ECDH_anon, KeyExchange.ECDH_RSA])
def test_a_client_whose_certificate_has_its_ecdh_key_sends_nothing(exchange: KeyExchange) -> None:
    context = Context(TLS12, key_exchange=exchange)
    assert decode_body(16, b"", context) == ClientECDiffieHellmanPublic()
    assert decode_body(16, b"\2\4\7", context) == ClientECDiffieHellmanPublic(b"\4\7")


UNDECLARED = (KeyExchange.ECCPWD, KeyExchange.ECJPAKE, KeyExchange.FORTEZZA_KEA, KeyExchange.ECDHE_SM2)


@pytest.mark.parametrize("exchange", [*UNDECLARED, *(one for one in KeyExchange if "GOST" in one)])
def test_the_rarer_key_exchanges_are_unresolved_with_their_bytes(exchange: KeyExchange) -> None:
    context = Context(TLS12, key_exchange=exchange)
    for msg_type in (HandshakeType.server_key_exchange, HandshakeType.client_key_exchange):
        found = decode_body(msg_type, b"\0\1\2", context)
        assert isinstance(found, Unresolved)
        assert found.encode() == b"\0\1\2"


# Curves that are spelled out: built by the letter of RFC 4492 §5.4, as no peer known sends them


def test_a_curve_over_a_prime_field() -> None:
    raw = bytes.fromhex("01" + "0117" + "0101" + "0102" + "03040506" + "0113" + "0101" + "03040809")
    read = ServerKeyExchange.decode(raw, Context(TLS12, key_exchange=KeyExchange.ECDH_anon))
    curve = ExplicitPrime(b"\x17", ECCurve(b"\1", b"\2"), b"\4\5\6", b"\x13", b"\1")
    assert read == ServerKeyExchangeECDHAnon(ServerECDHParams(ECCurveType.explicit_prime, curve, b"\4\x08\x09"))
    assert read.encode() == raw


@pytest.mark.parametrize(
    ("basis", "exponents"),
    [("01" + "0109", Trinomial(b"\x09")), ("02" + "0103" + "0105" + "0107", Pentanomial(b"\3", b"\5", b"\7"))],
)
def test_a_curve_over_a_field_of_characteristic_2(basis: str, exponents: Trinomial | Pentanomial) -> None:
    raw = bytes.fromhex("02" + "00a3" + basis + "0101" + "0102" + "03040506" + "0113" + "0102" + "03040809")
    read = ServerKeyExchange.decode(raw, Context(TLS12, key_exchange=KeyExchange.ECDH_anon))
    curve = ExplicitChar2(163, int(basis[:2]), exponents, ECCurve(b"\1", b"\2"), b"\4\5\6", b"\x13", b"\2")
    assert read == ServerKeyExchangeECDHAnon(ServerECDHParams(ECCurveType.explicit_char2, curve, b"\4\x08\x09"))
    assert read.encode() == raw


@pytest.mark.parametrize("raw", [b"\x07\x00\x17\x01\x04", b"\x02\x00\xa3\x03\x01\x09"])
def test_a_curve_of_no_known_kind_cannot_be_framed(raw: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        ServerECDHParams.decode(raw)
    assert caught.value.kind is DecodeErrorKind.malformed


# Certificates and their status


def test_the_certificates_of_tls13_have_extensions_and_those_before_have_none() -> None:
    body = bytes.fromhex("00000a" + "00000401020304" + "000000")
    assert decode_body(11, body, Context(TLS12)) == CertificateSSL3((b"\1\2\3\4", b""))
    assert [violation.path for violation in CertificateSSL3.decode(body).violations] == ["certificate_list[1]"]
    with pytest.raises(DecodeError):
        decode_body(11, body, Context(TLS13))
    body = bytes.fromhex("00" + "000009" + "00000401020304" + "0000")
    read = decode_body(11, body, Context(TLS13))
    assert isinstance(read, CertificateTLS13)
    assert read.certificates == (b"\1\2\3\4",)
    assert isinstance(Certificate.decode(body), Unresolved)


def test_the_statuses_of_a_chain_may_be_missing() -> None:
    body = bytes.fromhex("02" + "000009" + "0000033003aa" + "000000")
    read = CertificateStatus.decode(body)
    assert read == CertificateStatus(CertificateStatusType.ocsp_multi, OCSPResponseList((b"\x30\x03\xaa", b"")))
    assert read.encode() == body
    assert read.violations == ()
    assert CertificateStatus.decode(b"\x07abc").response == b"abc"


# The frame of handshake messages


def test_the_frame_is_told_in_errors() -> None:
    with pytest.raises(DecodeError) as caught:
        Handshake.decode(bytes.fromhex("02000003030303"))
    assert (caught.value.path, caught.value.offset) == ("body.random", 6)
    for raw in (b"\x0e\0\0", b"\x0e\0\0\1", b"\x0e\0\0\0\0"):
        with pytest.raises(DecodeError):
            Handshake.decode(raw)


def test_a_body_of_16_megabytes_cannot_be_framed() -> None:
    with pytest.raises(EncodeError):
        Handshake(HandshakeType(200), UnknownHandshake(bytes(1 << 24))).encode()


def test_any_bytes_like_object_is_taken() -> None:
    for raw in (bytearray(b"\x06\0\0\1a"), memoryview(b"\x06\0\0\1a")):
        found = Handshake.decode(raw)  # type: ignore[arg-type]
        assert isinstance(found.body, Unresolved)
        assert found.body.raw == b"a"
    assert decode_body(20, bytearray(12)) == Finished(bytes(12))  # type: ignore[arg-type]


def test_a_user_can_add_a_handshake_message() -> None:
    kind = HandshakeType(199)

    @message
    class Mine(Message):
        name: bytes = wire(Opaque(1, 255))

    unresolved = decode_body(HandshakeType.ekt_key, b"\1a")
    assert isinstance(unresolved, Unresolved)
    BODIES[kind] = BODIES[HandshakeType.ekt_key] = Mine
    try:
        assert decode_body(kind, b"\1a") == Mine(b"a")
        assert unresolved.resolve(Context()) == Mine(b"a")
    finally:
        del BODIES[kind], BODIES[HandshakeType.ekt_key]


def test_a_user_can_add_a_form() -> None:
    context = Context(TLS12, key_exchange=KeyExchange.ECJPAKE)
    unresolved = decode_body(HandshakeType.server_key_exchange, b"\0\4keys", context)
    assert isinstance(unresolved, Unresolved)

    @ServerKeyExchange.FORMS.register(KeyExchange.ECJPAKE)
    @message
    class ServerKeyExchangeECJPAKE(ServerKeyExchange):
        key_kp: bytes = wire(Opaque(0, 2**16 - 1))

    try:
        found = decode_body(HandshakeType.server_key_exchange, b"\0\4keys", context)
        assert found == ServerKeyExchangeECJPAKE(b"keys")
        assert isinstance(found, ServerKeyExchange)
        assert unresolved.resolve(context) == found
        assert ServerKeyExchange.decode(b"\0\4keys", context) == found
    finally:
        del ServerKeyExchange.FORMS.table[KeyExchange.ECJPAKE]


# The record layer and what is small


def test_a_record_over_its_limit_is_kept_and_a_violation() -> None:
    longest = TLSPlaintext(ContentType.application_data, TLS12, bytes(2**14))
    assert longest.violations == ()
    longer = TLSPlaintext.decode(b"\x17\x03\x03\x40\x01" + bytes(2**14 + 1))
    assert [violation.rule for violation in longer.violations] == ["ceiling"]
    protected = TLSCiphertext(ContentType.application_data, TLS12, bytes(2**14 + 2048))
    assert protected.violations == ()
    assert TLSCiphertext.decode(protected.encode()) == protected


def test_a_change_cipher_spec_has_one_type() -> None:
    assert ChangeCipherSpec.decode(b"\1").violations == ()
    odd = ChangeCipherSpec.decode(b"\2")
    assert [violation.path for violation in odd.violations] == ["type"]


def test_an_alert_of_no_known_kind_is_kept() -> None:
    odd = Alert.decode(b"\x03\xee")
    assert odd.encode() == b"\x03\xee"
    assert [violation.path for violation in odd.violations] == ["level", "description"]


def test_a_heartbeat_that_asks_for_more_than_it_sends_does_not_decode() -> None:
    # What exploits of CVE-2014-0160 send: one byte of type, and a payload of 16,384 bytes that is not there.
    with pytest.raises(DecodeError) as caught:
        HeartbeatMessage.decode(bytes.fromhex("014000"))
    assert (caught.value.kind, caught.value.path) == (DecodeErrorKind.truncated, "payload")
    short = HeartbeatMessage.decode(bytes.fromhex("010001" + "aa" + "00" * 15))
    assert [violation.path for violation in short.violations] == ["padding"]
