"""Each node by example: what it reads, what it writes, and how it says that bytes or a value are not its own.

Every example runs against the reference (the interpreted schema) and against the generated code.
"""

from __future__ import annotations

import contextlib
from typing import Any

import construct
import pytest

from tlswire.errors import DecodeError, DecodeErrorKind, EncodeError
from tlswire.registry import CipherSuite, CompressionMethod, ExtensionType, KeyExchange, ProtocolVersion
from tlswire.wire import (
    Context,
    Enumerated,
    Fixed,
    IfMore,
    ListToEnd,
    MalformedBody,
    Message,
    Opaque,
    Rest,
    Select,
    Tagged,
    TagTable,
    UInt8,
    UInt16,
    UInt24,
    UInt32,
    UnknownBody,
    Unresolved,
    Vector,
    Window,
    message,
    wire,
)
from tlswire.wire.source import DECODER_REFUSALS, ENCODER_REFUSALS
from tlswire.wire.stream import reference, reference_bytes

TRUNCATED, TRAILING, MALFORMED = (
    DecodeErrorKind.truncated,
    DecodeErrorKind.trailing,
    DecodeErrorKind.malformed,
)


@message
class Pair(Message):
    first: int = wire(UInt8)
    second: int = wire(UInt16)


@message
class Single(Message):
    only: int = wire(UInt8)


EXTENSIONS = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownBody, MalformedBody)
EXTENSIONS.register(ExtensionType.heartbeat, "hello")(Pair)

BY_KEY_EXCHANGE = Select("key_exchange", {KeyExchange.RSA: Single, KeyExchange.DHE_RSA: Pair})
RSA, DHE, PSK = (Context(key_exchange=name) for name in (KeyExchange.RSA, KeyExchange.DHE_RSA, KeyExchange.PSK))
BODY_CUT_SHORT = DecodeError(TRUNCATED, "second", 1, 2, 1)

# node, context, bytes, value
VALUES: list[tuple[Any, Context, str, Any]] = [
    (UInt8, RSA, "ff", 255),
    (UInt16, RSA, "0102", 0x0102),
    (UInt24, RSA, "010203", 0x010203),
    (UInt32, RSA, "01020304", 0x01020304),
    (Enumerated(ProtocolVersion), RSA, "0303", ProtocolVersion.TLSv1_2),
    (Enumerated(ProtocolVersion), RSA, "0309", ProtocolVersion(0x0309)),
    (Fixed(3), RSA, "616263", b"abc"),
    (Opaque(0, 255), RSA, "00", b""),
    (Opaque(0, 255), RSA, "03616263", b"abc"),
    (Opaque(0, 256), RSA, "0003616263", b"abc"),
    (Opaque(1, 2**24 - 1), RSA, "000003616263", b"abc"),
    (Opaque(4, 8), RSA, "03616263", b"abc"),  # below the floor: a violation, not an error
    (Opaque(0, 2), RSA, "03616263", b"abc"),  # above the ceiling
    (Rest(), RSA, "616263", b"abc"),
    (Rest(9), RSA, "", b""),
    # RFC 5246 §4.3: "uint16 longer<0..800>; /* zero to 400 16-bit unsigned integers */"
    (Vector(UInt16, 0, 800), RSA, "0004 0001 ffff", (1, 0xFFFF)),
    (Vector(UInt8, 0, 255), RSA, "03 01 02 03", (1, 2, 3)),
    (Vector(UInt24, 0, 255), RSA, "06 000001 ff0000", (1, 0xFF0000)),
    (
        Vector(Enumerated(CompressionMethod), 1, 255),
        RSA,
        "02 00 dd",
        (CompressionMethod(0), CompressionMethod(0xDD)),
    ),
    (
        Vector(Enumerated(CipherSuite), 2, 2**16 - 2),
        RSA,
        "0002 002f",
        (CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA,),
    ),
    (Vector(Fixed(2), 0, 255), RSA, "04 6162 6364", (b"ab", b"cd")),
    (Vector(Opaque(1, 255), 0, 2**16 - 1), RSA, "0006 02 6832 02 6833", (b"h2", b"h3")),
    (Vector(Pair, 0, 255), RSA, "06 01 0002 03 0004", (Pair(1, 2), Pair(3, 4))),
    (Window(UInt16, Rest()), RSA, "0003 616263", b"abc"),
    (Window(UInt24, Pair), RSA, "000003 01 0002", Pair(1, 2)),
    (ListToEnd(Opaque(0, 255)), RSA, "00 01 61", (b"", b"a")),
    (ListToEnd(UInt16), RSA, "", ()),
    (IfMore(Vector(UInt8, 0, 255)), RSA, "", None),
    (IfMore(Vector(UInt8, 0, 255)), RSA, "00", ()),
    (BY_KEY_EXCHANGE, RSA, "07", Single(7)),
    (BY_KEY_EXCHANGE, DHE, "07 0008", Pair(7, 8)),
    (BY_KEY_EXCHANGE, Context(), "0708", Unresolved(b"\x07\x08", "key_exchange", BY_KEY_EXCHANGE)),
    (Select("version", {ProtocolVersion.TLSv1_2: Pair}, Rest()), Context(ProtocolVersion.SSLv3), "61", b"a"),
    (Tagged(EXTENSIONS, "hello"), RSA, "000f 0003 01 0002", Pair(1, 2)),
    (Tagged(EXTENSIONS, "hello"), RSA, "000e 0001 61", UnknownBody(ExtensionType(14), b"a")),
    (Tagged(EXTENSIONS, "elsewhere"), RSA, "000f 0001 61", UnknownBody(ExtensionType.heartbeat, b"a")),
    (
        Tagged(EXTENSIONS, "hello"),
        RSA,
        "000f 0002 0101",
        MalformedBody(ExtensionType.heartbeat, b"\1\1", BODY_CUT_SHORT),
    ),
]
each_value = pytest.mark.parametrize(("node", "context", "raw", "value"), VALUES)


@each_value
def test_decodes(node, context, raw, value):
    raw = bytes.fromhex(raw)
    assert reference(node, raw, context) == (value, None)
    assert node.read(raw, 0, len(raw), context) == (value, len(raw))
    assert node.decode(raw, context) == value


@each_value
def test_decodes_in_the_midst_of_other_bytes(node, context, raw, value):
    raw = bytes.fromhex(raw)
    assert node.read(b"\xff\xff" + raw + b"\xff", 2, 2 + len(raw), context) == (value, 2 + len(raw))


@each_value
def test_encodes(node, context, raw, value):
    raw = bytes.fromhex(raw)
    assert reference_bytes(node, value) == (raw, None)
    assert node.write(value) == raw
    assert node.encode(value) == raw


# node, context, bytes, kind, path, offset, expected, actual
ERRORS: list[tuple[Any, Context, str, DecodeErrorKind, str, int, Any, Any]] = [
    (UInt16, RSA, "01", TRUNCATED, "", 0, 2, 1),
    (UInt16, RSA, "010203", TRAILING, "", 2, 0, 1),
    (Enumerated(ProtocolVersion), RSA, "", TRUNCATED, "", 0, 2, 0),
    (Fixed(3), RSA, "6162", TRUNCATED, "", 0, 3, 2),
    (Opaque(0, 255), RSA, "036162", TRUNCATED, "", 1, 3, 2),
    (Opaque(0, 255), RSA, "0061", TRAILING, "", 1, 0, 1),
    (Opaque(0, 256), RSA, "00", TRUNCATED, "", 0, 2, 1),
    (Vector(UInt16, 0, 800), RSA, "0003 000100", TRUNCATED, "[1]", 4, 2, 1),
    (Vector(UInt16, 0, 800), RSA, "0004 0001", TRUNCATED, "", 2, 4, 2),
    (Vector(UInt24, 0, 255), RSA, "05 0000010000", TRUNCATED, "[1]", 4, 3, 2),
    (Vector(Fixed(2), 0, 255), RSA, "03 616263", TRUNCATED, "[1]", 3, 2, 1),
    (Vector(Opaque(1, 255), 0, 2**16 - 1), RSA, "0004 02 6832 02 6833", TRUNCATED, "[1]", 6, 2, 0),
    (Vector(Pair, 0, 255), RSA, "05 01 0002 03 00", TRUNCATED, "[1].second", 5, 2, 1),
    (Window(UInt16, Pair), RSA, "0004 01 0002 ff", TRAILING, "", 5, 0, 1),
    (ListToEnd(UInt16), RSA, "000102", TRUNCATED, "[1]", 2, 2, 1),
    (IfMore(UInt16), RSA, "01", TRUNCATED, "", 0, 2, 1),
    (BY_KEY_EXCHANGE, PSK, "07", MALFORMED, "", 0, "a known key_exchange", "PSK"),
    (BY_KEY_EXCHANGE, RSA, "0708", TRAILING, "", 1, 0, 1),
    (Tagged(EXTENSIONS, "hello"), RSA, "000f 0003 01", TRUNCATED, "", 4, 3, 1),
    (Tagged(EXTENSIONS, "hello"), RSA, "000f00", TRUNCATED, "", 2, 2, 1),
]


@pytest.mark.parametrize(("node", "context", "raw", "kind", "path", "offset", "expected", "actual"), ERRORS)
def test_refuses_bytes(node, context, raw, kind, path, offset, expected, actual):
    raw = bytes.fromhex(raw)
    with pytest.raises(DecodeError) as caught:
        node.decode(raw, context)
    assert caught.value == DecodeError(kind, path, offset, expected, actual)
    with contextlib.suppress(DECODER_REFUSALS):
        assert node.read(raw, 0, len(raw), context)[1] != len(raw)


# node, value, path, expected, actual
UNWRITABLE: list[tuple[Any, Any, str, Any, Any]] = [
    (UInt8, 256, "", "0..2^8-1", "256"),
    (UInt24, -1, "", "0..2^24-1", "-1"),
    (UInt16, "1", "", "an integer", "str"),
    (UInt16, None, "", "an integer", "NoneType"),
    (Enumerated(ProtocolVersion), 2**16, "", "0..2^16-1", "65536"),
    (Fixed(3), b"ab", "", 3, 2),
    (Fixed(3), "abc", "", "bytes", "str"),
    (Opaque(0, 32), b"x" * 256, "", "at most 255 bytes", 256),
    (Opaque(0, 32), [1], "", "bytes", "list"),
    (Rest(), None, "", "bytes", "NoneType"),
    (Vector(UInt16, 0, 800), 5, "", "a tuple", "int"),
    (Vector(UInt16, 0, 800), (1, 2**16), "[1]", "0..2^16-1", "65536"),
    (Vector(UInt16, 0, 800), (1, "2"), "[1]", "an integer", "str"),
    (Vector(UInt8, 0, 255), b"abc", "", "a tuple", "bytes"),
    (Vector(UInt16, 0, 254), (0,) * 128, "", "at most 255 bytes", 256),
    (Vector(Pair, 0, 255), (Pair(1, 2), Pair(1, 2**16)), "[1].second", "0..2^16-1", "65536"),
    (Vector(Pair, 0, 255), (Single(1),), "[0]", "Pair", "Single"),
    (Window(UInt8, Rest()), b"x" * 256, "", "at most 255 bytes", 256),
    (BY_KEY_EXCHANGE, b"abc", "", "what some key_exchange selects", "bytes"),
    (BY_KEY_EXCHANGE, Unresolved("abc", "key_exchange", BY_KEY_EXCHANGE), "", "bytes", "str"),  # type: ignore[arg-type]
    (Tagged(EXTENSIONS, "hello"), Single(1), "", "Extension of hello", "Single"),
    (Tagged(EXTENSIONS, "elsewhere"), Pair(1, 2), "", "Extension of elsewhere", "Pair"),
    (Tagged(EXTENSIONS), Single(1), "", "Extension", "Single"),
    (Tagged(EXTENSIONS, "hello"), UnknownBody(2**16, b""), "", "0..2^16-1", "65536"),
    (Tagged(EXTENSIONS, "hello"), UnknownBody(1, b"x" * 2**16), "", "at most 65535 bytes", 2**16),
]


@pytest.mark.parametrize(("node", "value", "path", "expected", "actual"), UNWRITABLE)
def test_refuses_values(node, value, path, expected, actual):
    with pytest.raises(ENCODER_REFUSALS):
        node.write(value)
    with pytest.raises(EncodeError) as caught:
        node.encode(value)
    assert (caught.value.path, caught.value.expected, caught.value.actual) == (path, expected, actual)


def test_whatever_has_the_bytes_of_an_integer_or_a_list_is_written():
    assert Enumerated(ProtocolVersion).encode(0x0303) == b"\x03\x03"
    assert Vector(UInt8, 0, 255).encode([1, 2]) == b"\x02\x01\x02"


def test_a_subclass_of_bytes_is_written():
    class Name(bytes):
        pass

    assert Opaque(0, 255).encode(Name(b"ab")) == b"\x02ab"


def test_decodes_any_buffer():
    assert Fixed(2).decode(bytearray(b"ab")) == b"ab"  # type: ignore[arg-type]
    assert Fixed(2).decode(memoryview(b"xab")[1:]) == b"ab"  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Fixed(2).decode("ab")  # type: ignore[arg-type]


def test_an_item_without_place_is_unresolved_until_there_is_one():
    node = Tagged(EXTENSIONS)
    raw = bytes.fromhex("000f 0003 01 0002")
    item = node.decode(raw)
    assert item == Unresolved(raw, "handshake_type", node)
    assert node.encode(item) == raw
    assert item.resolve(Context(handshake_type="hello")) == Pair(1, 2)


def test_a_vector_of_any_number_of_items_is_read():
    node = Vector(UInt16, 0, 2**16 - 1)
    for count in (0, 1, 255, 256, 30_000):
        assert node.decode(node.encode((7,) * count)) == (7,) * count


def test_an_item_kept_undecoded_is_its_body():
    assert UnknownBody(ExtensionType.heartbeat, b"ab").encode() == b"ab"
    assert UnknownBody(ExtensionType.heartbeat, b"ab").violations == ()
    assert MalformedBody(ExtensionType.heartbeat, b"a", BODY_CUT_SHORT).encode() == b"a"


def test_a_length_in_the_bytes_makes_nobody_work_for_it():
    """A vector that announces 16 MB in 5 bytes is refused before anything is done 16 million times."""
    for item in (UInt8, UInt16, UInt24, Fixed(1), Opaque(0, 255)):
        with pytest.raises(DecodeError) as caught:
            Vector(item, 0, 2**24 - 1).decode(b"\xff\xff\xff\x00\x00")
        assert caught.value.actual == 2


@pytest.mark.parametrize(
    ("node", "declaration"),
    [
        (UInt24, "uint24 field"),
        (Enumerated(CipherSuite), "CipherSuite field"),
        (Fixed(32), "opaque field[32]"),
        (Opaque(0, 32), "opaque field<0..32>"),
        (Opaque(1, 2**24 - 1), "opaque field<1..2^24-1>"),
        (Vector(Enumerated(CipherSuite), 2, 2**16 - 2), "CipherSuite field<2..2^16-2>"),
        (Vector(Pair, 0, 255), "Pair field<0..2^8-1>"),
        (Rest(), "opaque field[to the end]"),
        (ListToEnd(Pair), "Pair field[to the end]"),
        (Window(UInt16, Pair), "uint16 length; Pair field"),
        (IfMore(UInt8), "select (more) { uint8 field; }"),
        (BY_KEY_EXCHANGE, "select (key_exchange) { case RSA: Single; case DHE_RSA: Pair; } field"),
        (Tagged(EXTENSIONS, "hello"), "Extension field"),
    ],
)
def test_describes_itself_in_the_presentation_language(node, declaration):
    assert node.describe("field") == declaration


def test_is_a_construct():
    for node, *_ in VALUES:
        assert isinstance(node, construct.Construct)
    assert construct.Struct("a" / UInt8, "b" / Opaque(0, 255)).parse(b"\x01\x02ab").b == b"ab"
    assert construct.Array(2, Vector(UInt16, 0, 255)).build([(1,), ()]) == b"\x02\x00\x01\x00"


def test_knows_its_size_where_it_has_one():
    assert UInt24.sizeof() == 3
    assert Pair.SCHEMA.sizeof() == 3
    with pytest.raises(construct.SizeofError):
        Opaque(0, 255).sizeof()


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Opaque(2, 1),
        lambda: Opaque(0, 0),
        lambda: Vector(Rest(), 0, 255),
        lambda: Vector(IfMore(UInt8), 0, 255),
        lambda: ListToEnd(ListToEnd(UInt8)),
        lambda: IfMore(Rest()),
        lambda: Vector(construct.Byte, 0, 255),
        lambda: Vector(bytes, 0, 255),
        lambda: Select("version", {ProtocolVersion.SSLv3: UInt8}),
        lambda: Select("a", {1: Select("b", {2: UInt8})}),
    ],
)
def test_refuses_declarations_that_cannot_be_decoded_without_doubt(declare):
    with pytest.raises(TypeError):
        declare()
