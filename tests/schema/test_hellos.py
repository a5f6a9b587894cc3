"""Hellos: the traces of RFC 8448, tails that are absent, what is unknown or malformed, and the signals of RFC 5746."""

from __future__ import annotations

import pytest

from tlswire.errors import DecodeError, DecodeErrorKind
from tlswire.registry import (
    CipherSuite,
    CompressionMethod,
    ExtensionType,
    HandshakeType,
    NamedGroup,
    ProtocolVersion,
    PskKeyExchangeMode,
)
from tlswire.schema import (
    EXTENSIONS,
    HELLO_RETRY_REQUEST_RANDOM,
    ClientHello,
    Cookie,
    EncryptThenMAC,
    Handshake,
    HelloRequest,
    KeyShareClientHello,
    KeyShareEntry,
    KeyShareHelloRetryRequest,
    KeyShareServerHello,
    KeyShareServerHelloDraft,
    MalformedExtension,
    PskKeyExchangeModes,
    RecordSizeLimit,
    RenegotiationInfo,
    SelectedVersion,
    ServerHello,
    ServerHelloTLS13Draft,
    ServerNameAccepted,
    SessionTicket,
    SSLv2ClientHello,
    SupportedVersions,
    UnknownExtension,
)
from tlswire.wire import Message, Opaque, message, wire

# RFC 8448 §3, Simple 1-RTT Handshake
CLIENT_HELLO = bytes.fromhex(
    "010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece700000613011303130201000091"
    "0000000b0009000006736572766572ff01000100000a00140012001d0017001800190100010101020103010400230000003300"
    "260024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e"
    "040305030603020308040805080604010501060102010402050206020202002d00020101001c00024001"
)
SERVER_HELLO = bytes.fromhex(
    "020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800130100002e00330024001d0020"
    "c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304"
)
CLIENT_PUBLIC = bytes.fromhex("99381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c")
SERVER_PUBLIC = bytes.fromhex("c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f")
# RFC 8448 §5, HelloRetryRequest
HELLO_RETRY_REQUEST = bytes.fromhex(
    "020000ac0303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c00130100008400330002001700"
    "2c0074007271dcd04bb88bc3189119398a00000000eefafc76c146b823b096f8aacad365dd0030953f4edf625636e5f21bb2e23f"
    "cc654b1b5b40318d10d137abcbb87574e36e8a1f025f7dfa5d6e50781b5eda4aa15b0c8be778257d16aa3030e9e7841dd9e4c034"
    "2267e8ca0caf571fb2b7cff0f934b0002b00020304"
)


def test_the_client_hello_of_rfc_8448() -> None:
    read = Handshake.decode(CLIENT_HELLO)
    hello = read.body
    assert isinstance(hello, ClientHello)
    assert (hello.client_version, hello.session_id) == (ProtocolVersion.TLSv1_2, b"")
    assert hello.cipher_suites == (
        CipherSuite.TLS_AES_128_GCM_SHA256,
        CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        CipherSuite.TLS_AES_256_GCM_SHA384,
    )
    assert hello.server_name == "server"
    assert hello.renegotiation_info == RenegotiationInfo(b"")
    assert hello.extension(ExtensionType.session_ticket) == SessionTicket(b"")
    share = KeyShareEntry(NamedGroup.x25519, CLIENT_PUBLIC)
    assert hello.extension(ExtensionType.key_share) == KeyShareClientHello((share,))
    assert hello.extension(ExtensionType.supported_versions) == SupportedVersions((ProtocolVersion.TLSv1_3,))
    assert hello.extension(ExtensionType.psk_key_exchange_modes) == PskKeyExchangeModes(
        (PskKeyExchangeMode.psk_dhe_ke,)
    )
    assert hello.extension(ExtensionType.record_size_limit) == RecordSizeLimit(0x4001)
    assert hello.extension(ExtensionType.cookie) is None
    assert hello.violations == ()
    assert read.encode() == CLIENT_HELLO


def test_the_server_hello_of_rfc_8448() -> None:
    read = Handshake.decode(SERVER_HELLO)
    hello = read.body
    assert isinstance(hello, ServerHello)
    assert not hello.is_hello_retry_request
    assert (hello.server_version, hello.negotiated_version) == (ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3)
    assert hello.extensions == (
        KeyShareServerHello(KeyShareEntry(NamedGroup.x25519, SERVER_PUBLIC)),
        SelectedVersion(ProtocolVersion.TLSv1_3),
    )
    assert read.encode() == SERVER_HELLO


def test_the_hello_retry_request_of_rfc_8448() -> None:
    read = Handshake.decode(HELLO_RETRY_REQUEST)
    hello = read.body
    assert isinstance(hello, ServerHello)
    assert hello.is_hello_retry_request
    assert hello.random == HELLO_RETRY_REQUEST_RANDOM
    assert hello.extensions is not None
    group, cookie, version = hello.extensions
    assert group == KeyShareHelloRetryRequest(NamedGroup.secp256r1)
    assert isinstance(cookie, Cookie)
    assert (len(cookie.cookie), cookie.cookie[:4].hex()) == (0x72, "71dcd04b")
    assert version == SelectedVersion(ProtocolVersion.TLSv1_3)
    assert read.encode() == HELLO_RETRY_REQUEST


@pytest.mark.parametrize("version", ["7f12", "0304"])  # draft 18; the drafts up to 14 said 0304
def test_the_server_hello_of_the_drafts_has_no_session_id(version: str) -> None:
    # Made by hand after draft-ietf-tls-tls13-18 §4.1.3; those that peers sent are in the public captures.
    share = "001d0020" + "07" * 32  # whose extension was 40 before it became 51
    raw = bytes.fromhex("0200004e" + version + "05" * 32 + "1301" + "0028" + "00280024" + share)
    read = Handshake.decode(raw)
    assert isinstance(read.body, ServerHelloTLS13Draft)
    assert read.body.negotiated_version == read.body.server_version
    assert read.body.cipher_suite == CipherSuite.TLS_AES_128_GCM_SHA256
    entry = KeyShareEntry(NamedGroup.x25519, b"\7" * 32)
    assert read.body.extension(ExtensionType(40)) == KeyShareServerHelloDraft(entry)
    assert (read.body.session_id, read.body.is_hello_retry_request) == (b"", False)
    assert read.encode() == raw


# Absent, empty, unknown, malformed

CLIENT_BODY = bytes.fromhex("0303" + "11" * 32 + "00" + "0004002f00ff" + "0100")
SERVER_BODY = bytes.fromhex("0303" + "22" * 32 + "00" + "002f" + "00")
both_hellos = pytest.mark.parametrize(
    ("kind", "body"), [(ClientHello, CLIENT_BODY), (ServerHello, SERVER_BODY)], ids=["ClientHello", "ServerHello"]
)


@both_hellos
def test_absent_extensions_are_none_and_empty_ones_are_an_empty_list(
    kind: type[ClientHello | ServerHello], body: bytes
) -> None:
    absent, empty = kind.decode(body), kind.decode(body + b"\0\0")
    assert (absent.extensions, empty.extensions) == (None, ())
    for hello, raw in ((absent, body), (empty, body + b"\0\0")):
        assert hello.extension(ExtensionType.server_name) is None
        assert hello.renegotiation_info is None
        assert hello.encode() == raw
        assert hello.violations == ()


@both_hellos
def test_every_proper_prefix_is_refused_but_the_one_without_the_list_of_extensions(
    kind: type[ClientHello | ServerHello], body: bytes
) -> None:
    raw = body + bytes.fromhex("0009" + "ff01000100" + "00170000")
    for end in range(len(raw)):
        if end == len(body):
            assert kind.decode(raw[:end]).extensions is None
            continue
        with pytest.raises(DecodeError) as caught:
            kind.decode(raw[:end])
        assert caught.value.kind is DecodeErrorKind.truncated
        assert caught.value.offset <= end
    with pytest.raises(DecodeError) as caught:
        kind.decode(raw + b"\0")
    assert caught.value.kind is DecodeErrorKind.trailing


def hello_with(extensions: str) -> ClientHello:
    data = bytes.fromhex(extensions)
    return ClientHello.decode(CLIENT_BODY + len(data).to_bytes(2, "big") + data)


def test_grease_and_unknown_extensions_keep_their_bytes() -> None:
    hello = hello_with("0a0a0000" + "fafa000100" + "abcd0003010203")
    assert hello.extensions == (
        UnknownExtension(ExtensionType(0x0A0A), b""),
        UnknownExtension(ExtensionType(0xFAFA), b"\0"),
        UnknownExtension(ExtensionType(0xABCD), b"\1\2\3"),
    )
    assert hello.extensions[0].type.is_grease
    assert not hello.extensions[2].type.is_known


@pytest.mark.parametrize(
    ("extension", "type", "kind", "offset"),
    [
        ("ff01000102", ExtensionType.renegotiation_info, DecodeErrorKind.truncated, 1),
        ("ff0100020000", ExtensionType.renegotiation_info, DecodeErrorKind.trailing, 1),
        ("0016000100", ExtensionType.encrypt_then_mac, DecodeErrorKind.trailing, 0),
        ("000a00050004001d00", ExtensionType.supported_groups, DecodeErrorKind.truncated, 2),
        ("00000000", ExtensionType.server_name, DecodeErrorKind.truncated, 0),
        ("003300020017", ExtensionType.key_share, DecodeErrorKind.truncated, 2),
    ],
)
def test_a_malformed_extension_does_not_spoil_the_hello(
    extension: str, type: ExtensionType, kind: DecodeErrorKind, offset: int
) -> None:
    hello = hello_with(extension + "00170000")
    broken = hello.extension(type)
    assert isinstance(broken, MalformedExtension)
    assert broken.raw == bytes.fromhex(extension)[4:]
    assert (broken.error.kind, broken.error.offset) == (kind, offset)
    assert hello.extension(ExtensionType.extended_master_secret) is not None
    assert [violation.rule for violation in hello.violations] == ["malformed"]
    assert hello.renegotiation_info is None
    assert hello.server_name is None


def test_an_extension_has_the_shape_of_the_message_in_which_it_stands() -> None:
    raw = SERVER_BODY + bytes.fromhex("000c" + "00000000" + "00160000" + "00170000")
    hello = ServerHello.decode(raw)
    assert hello.extensions is not None
    assert hello.extensions[:2] == (ServerNameAccepted(), EncryptThenMAC())
    assert isinstance(hello_with("00000000").extension(ExtensionType.server_name), MalformedExtension)


def test_a_user_can_add_an_extension() -> None:
    new = ExtensionType(0xFE77)
    assert isinstance(hello_with("fe7700020161").extension(new), UnknownExtension)

    @EXTENSIONS.register(new, HandshakeType.client_hello)
    @message
    class Mine(Message):
        name: bytes = wire(Opaque(1, 255))

    try:
        read = hello_with("fe7700020161")
        assert read.extension(new) == Mine(b"a")
        assert ClientHello.decode(read.encode()) == read
    finally:
        del EXTENSIONS.at(HandshakeType.client_hello)[new]


# The signals of renegotiation (RFC 5746) and of a fallback (RFC 7507)


def test_the_signals_have_names() -> None:
    hello = ClientHello.decode(CLIENT_BODY)
    assert hello.signals_renegotiation_scsv
    assert not hello.signals_fallback_scsv
    fallback = ClientHello(
        ProtocolVersion.TLSv1_1,
        bytes(32),
        b"",
        (CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, CipherSuite.TLS_FALLBACK_SCSV),
        (CompressionMethod.null,),
    )
    assert fallback.signals_fallback_scsv
    assert not fallback.signals_renegotiation_scsv
    # RFC 5746 §3.4: "ff 01 00 01 00" in an initial handshake
    assert hello_with("ff01000100").renegotiation_info == RenegotiationInfo(b"")
    assert hello_with("ff01000d0c" + "ab" * 12).renegotiation_info == RenegotiationInfo(b"\xab" * 12)
    assert Handshake.decode(bytes(4)) == Handshake(HandshakeType.hello_request, HelloRequest())


@pytest.mark.parametrize(
    ("extension", "name"),
    [
        ("0000000700050000026162", "ab"),
        ("00000009000700000460c3bcff", "`\xfc\udcff"),
        ("0000000700050100026162", None),  # no host_name
        ("000000020000", None),  # an empty list
    ],
)
def test_the_server_name_is_text_or_none(extension: str, name: str | None) -> None:
    assert hello_with(extension).server_name == name


def test_the_suites_of_tls_in_an_sslv2_hello_are_no_violations_and_what_nobody_knows_is_one() -> None:
    specs = bytes.fromhex("00002f 0000ff 010080 00fffe")
    raw = b"\x01\x03\x01" + len(specs).to_bytes(2, "big") + b"\x00\x00\x00\x10" + specs + bytes(16)
    hello = SSLv2ClientHello.decode(raw)
    assert [violation.path for violation in hello.violations] == ["cipher_specs[3]"]
