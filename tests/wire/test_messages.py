"""Messages as classes: what `@message` makes, what it refuses to make, and the construct schema behind it."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import traceback
from typing import Any, ClassVar, get_type_hints

import construct
import pytest

from tlswire.errors import DecodeError, DecodeErrorKind, EncodeError
from tlswire.registry import CipherSuite, ExtensionType, HandshakeType, NamedGroup, ProtocolVersion
from tlswire.wire import (
    Context,
    Enumerated,
    Fixed,
    IfMore,
    Length,
    ListToEnd,
    MalformedBody,
    Message,
    Opaque,
    Rest,
    Select,
    SizedBy,
    Tagged,
    TagTable,
    UInt,
    UInt8,
    UInt16,
    UInt24,
    UnknownBody,
    Unresolved,
    Vector,
    Window,
    message,
    wire,
)

EXTENSIONS = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownBody, MalformedBody)


@message
class KeyShareEntry(Message):
    group: NamedGroup = wire(Enumerated(NamedGroup))
    key_exchange: bytes = wire(Opaque(1, 2**16 - 1))

    def shown(self) -> str:
        return f"{self.group} {super().__repr__()}"

    @property
    def size(self) -> int:
        return len(super().encode())

    @classmethod
    def empty(cls) -> KeyShareEntry:
        return super().decode(b"\0\0\0\0")


@message
class Hello(Message):
    version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(4))
    shares: tuple[KeyShareEntry, ...] = wire(Vector(KeyShareEntry, 0, 2**16 - 1))
    extensions: tuple[Any, ...] | None = wire(IfMore(Vector(Tagged(EXTENSIONS, 1), 0, 255)), default=None)


@message
class Heartbeat(Message):
    kind: int = wire(UInt8)
    payload_length = Length(UInt16)
    payload: bytes = wire(SizedBy("payload_length", Rest()))
    padding: bytes = wire(Rest(16))


HELLO = Hello(ProtocolVersion.TLSv1_2, b"abcd", (KeyShareEntry(NamedGroup.x25519, b"key"),))
HELLO_BYTES = bytes.fromhex("0303 61626364 0007 001d 0003 6b6579")


class TestClass:
    def test_is_a_frozen_slotted_dataclass(self):
        assert not hasattr(HELLO, "__dict__")
        with pytest.raises(dataclasses.FrozenInstanceError):
            HELLO.random = b"efgh"  # type: ignore[misc]
        assert [field.name for field in dataclasses.fields(Hello)] == [
            "version",
            "random",
            "shares",
            "extensions",
        ]
        assert dataclasses.replace(HELLO, random=b"efgh").random == b"efgh"

    def test_attributes_can_neither_be_changed_nor_added_nor_deleted(self):
        for name in ("random", "other"):
            with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
                setattr(HELLO, name, b"efgh")
            with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot delete field '{name}'"):
                delattr(HELLO, name)

    def test_a_subclass_that_is_no_message_class_may_have_attributes_of_its_own(self):
        class Noted(Hello):
            def __init__(self, note: str, *fields: Any) -> None:
                super().__init__(*fields)
                self.note = note

        noted = Noted("seen", HELLO.version, HELLO.random, HELLO.shares)
        assert (noted.note, noted.random, noted.extensions) == ("seen", HELLO.random, None)
        assert noted != HELLO
        with pytest.raises(dataclasses.FrozenInstanceError):
            noted.random = b"efgh"  # type: ignore[misc]

    def test_a_frozen_dataclass_may_inherit_from_it(self):
        @dataclasses.dataclass(frozen=True)
        class Noted(KeyShareEntry):
            note: str = ""

        assert Noted(NamedGroup.x25519, b"k", "seen").note == "seen"

    def test_is_equal_by_class_and_fields(self):
        @message
        class Other(Message):
            group: NamedGroup = wire(Enumerated(NamedGroup))
            key_exchange: bytes = wire(Opaque(1, 2**16 - 1))

        share = HELLO.shares[0]
        assert share == KeyShareEntry(NamedGroup.x25519, b"key")
        assert share != dataclasses.replace(share, key_exchange=b"other")
        assert share != Other(NamedGroup.x25519, b"key")
        assert share != (NamedGroup.x25519, b"key")
        assert len({share, KeyShareEntry(NamedGroup.x25519, b"key"), Other(NamedGroup.x25519, b"key")}) == 2

    def test_has_the_signature_of_a_dataclass(self):
        @message
        class Unused(KeyShareEntry):
            tail: bytes | None = wire(IfMore(Opaque(1, 255)), default=None)

        assert str(inspect.signature(Unused)) == (
            "(group: 'NamedGroup', key_exchange: 'bytes', tail: 'bytes | None' = None) -> None"
        )
        assert get_type_hints(KeyShareEntry)["group"] is NamedGroup
        assert Unused.__match_args__ == ("group", "key_exchange", "tail")
        assert Unused(NamedGroup.x25519, key_exchange=b"k") == Unused(NamedGroup.x25519, b"k", None)
        for wrong in ((), (1, b"k", b"t", 4)):
            with pytest.raises(TypeError, match=r"Unused\.__init__\(\)"):
                Unused(*wrong)

    def test_has_a_constructor_of_its_own_if_the_class_says_so(self):
        @message
        class Short(Message):
            number: int = wire(UInt8)

            def __init__(self, digits: str) -> None:
                object.__setattr__(self, "number", int(digits))

        assert Short("7") == Short.decode(b"\7")

    def test_matches_by_position(self):
        match HELLO.shares[0]:
            case KeyShareEntry(group, b"key"):
                assert group is NamedGroup.x25519
            case _:
                pytest.fail("no match")

    def test_decoded_and_constructed_messages_are_the_same(self):
        decoded = Hello.decode(HELLO_BYTES)
        assert decoded == HELLO
        assert hash(decoded) == hash(HELLO)
        assert type(decoded) is Hello
        assert decoded.encode() == HELLO_BYTES

    def test_can_be_copied_and_pickled(self):
        assert copy.deepcopy(HELLO) == HELLO
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(HELLO, protocol)) == HELLO

    def test_has_zero_argument_super_in_methods(self):
        share = HELLO.shares[0]
        assert share.shown() == f"x25519 {share!r}"
        assert share.size == 7
        assert KeyShareEntry.empty() == KeyShareEntry(NamedGroup(0), b"")

    def test_may_have_constants_and_methods(self):
        @message
        class WithConstant(Message):
            limit: ClassVar[int] = 3
            number: int = wire(UInt8)

        assert WithConstant(2).limit == 3

    def test_inherits_the_fields_of_another_message(self):
        @message
        class Longer(KeyShareEntry):
            more: int = wire(UInt8)

        assert Longer.decode(b"\x00\x1d\x00\x01k\x05") == Longer(NamedGroup.x25519, b"k", 5)

    def test_absent_and_empty_tails_differ(self):
        assert HELLO.encode() == HELLO_BYTES
        assert Hello.decode(HELLO_BYTES).extensions is None
        assert Hello.decode(HELLO_BYTES + b"\0").extensions == ()
        assert dataclasses.replace(HELLO, extensions=()).encode() == HELLO_BYTES + b"\0"

    def test_repr_shows_all_fields_and_cuts_long_ones(self):
        assert repr(HELLO.shares[0]) == "KeyShareEntry(group=NamedGroup.x25519, key_exchange=b'key')"
        long = KeyShareEntry(NamedGroup.x25519, bytes(range(64)))
        assert repr(long).endswith("key_exchange=<64 bytes: 000102030405060708090a0b0c0d0e0f…>)")
        many = dataclasses.replace(HELLO, shares=HELLO.shares * 30)
        assert repr(many).count("x25519") == 24
        assert "<6 more>" in repr(many)

    def test_defines_itself_in_the_presentation_language(self):
        assert Heartbeat.SCHEMA.definition() == (
            "struct {\n"
            "    uint8 kind;\n"
            "    uint16 payload_length;\n"
            "    opaque payload[payload_length];\n"
            "    opaque padding[to the end];\n"
            "} Heartbeat;"
        )


class TestLength:
    def test_is_computed(self):
        heartbeat = Heartbeat(1, b"abc", bytes(16))
        assert heartbeat.payload_length == 3
        assert heartbeat.encode() == b"\x01\x00\x03abc" + bytes(16)
        assert Heartbeat.decode(heartbeat.encode()) == heartbeat

    def test_that_oversteps_the_message_is_refused(self):
        """Heartbleed (CVE-2014-0160): a payload length that the message does not have."""
        with pytest.raises(DecodeError) as caught:
            Heartbeat.decode(bytes.fromhex("01 4000"))
        assert caught.value == DecodeError(DecodeErrorKind.truncated, "payload", 3, 0x4000, 0)

    def test_that_is_too_large_cannot_be_encoded(self):
        with pytest.raises(EncodeError) as caught:
            Heartbeat(1, bytes(2**16), b"").encode()
        assert caught.value.path == "payload"

    def test_is_itself_on_the_class(self):
        assert Heartbeat.payload_length.describe("n") == "uint16 n"


class TestErrors:
    def test_paths_lead_through_messages_in_messages(self):
        with pytest.raises(DecodeError) as caught:
            Hello.decode(HELLO_BYTES.replace(b"\x00\x03key", b"\x00\x04key"))
        assert caught.value == DecodeError(DecodeErrorKind.truncated, "shares[0].key_exchange", 12, 4, 3)
        with pytest.raises(EncodeError) as broken:
            dataclasses.replace(HELLO, shares=(KeyShareEntry(NamedGroup.x25519, "key"),)).encode()  # type: ignore[arg-type]
        assert str(broken.value) == "shares[0].key_exchange cannot be encoded: expected bytes, got str"

    def test_a_malformed_extension_does_not_refuse_the_hello(self):
        body = EXTENSIONS.register(ExtensionType.cookie, 1)(_cookie_class())
        raw = HELLO_BYTES + bytes.fromhex("0d 002c 0003 0005 61 ff01 0002 6162")
        malformed, unknown = Hello.decode(raw).extensions or ()
        assert body.type is ExtensionType.cookie
        error = DecodeError(DecodeErrorKind.truncated, "cookie", 2, 5, 1)
        assert malformed == MalformedBody(ExtensionType.cookie, b"\0\x05a", error)
        assert unknown == UnknownBody(ExtensionType.renegotiation_info, b"ab")
        assert Hello.decode(raw).encode() == raw

    def test_errors_hold_no_traceback_of_ours_and_no_construct_error(self):
        malformed = Hello.decode(HELLO_BYTES + bytes.fromhex("05 002c 0001 00")).extensions[0]  # type: ignore[index]
        assert malformed.error.__traceback__ is None
        with pytest.raises(DecodeError) as caught:
            Hello.decode(b"")
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None

    def test_no_other_exception_leaves_decode(self):
        for length in range(len(HELLO_BYTES)):
            with pytest.raises(DecodeError):
                Hello.decode(HELLO_BYTES[:length])


def _cookie_class() -> type[Message]:
    @message
    class Cookie(Message):
        cookie: bytes = wire(Opaque(1, 2**16 - 1))

    return Cookie


class TestSchema:
    def test_is_a_construct_struct_that_parses_to_the_class(self):
        assert isinstance(Hello.SCHEMA, construct.Struct)
        assert Hello.SCHEMA.parse(HELLO_BYTES) == HELLO
        assert Hello.SCHEMA.build(HELLO) == HELLO_BYTES
        assert [subcon.name for subcon in Hello.SCHEMA.subcons] == [
            "version",
            "random",
            "shares",
            "extensions",
        ]

    def test_can_be_part_of_a_users_construct(self):
        stored = construct.Struct("count" / construct.Byte, "items" / KeyShareEntry.SCHEMA[construct.this.count])
        raw = b"\x02" + HELLO_BYTES[8:] * 2
        assert stored.parse(raw)["items"] == [*HELLO.shares * 2]
        assert stored.build({"count": 2, "items": HELLO.shares * 2}) == raw

    def test_raises_constructs_errors_which_carry_ours(self):
        stored = construct.Struct("magic" / construct.Byte, "hello" / Hello.SCHEMA)
        with pytest.raises(construct.StreamError) as caught:
            stored.parse(b"\xff" + HELLO_BYTES[:5])
        assert caught.value.error == DecodeError(DecodeErrorKind.truncated, "hello.random", 3, 4, 3)
        assert caught.value.path == "(parsing) -> hello -> random"

    def test_parses_whole_messages_and_leaves_the_rest_of_a_stream(self):
        with pytest.raises(construct.TerminatedError) as caught:
            Hello.SCHEMA.parse(HELLO_BYTES + b"\0\0")
        assert caught.value.error.offset == len(HELLO_BYTES) + 1
        followed = construct.Sequence(KeyShareEntry.SCHEMA, construct.Byte)
        assert followed.parse(HELLO_BYTES[8:] + b"\x09") == [HELLO.shares[0], 9]

    def test_refuses_to_build_what_is_not_of_the_class(self):
        with pytest.raises(construct.ValidationError) as caught:
            Hello.SCHEMA.build({"version": 1})
        assert str(caught.value.error) == "message cannot be encoded: expected Hello, got dict"

    def test_takes_the_context_as_keywords(self):
        schema = construct.Struct("body" / Select("version", {ProtocolVersion.TLSv1_2: KeyShareEntry}))
        assert schema.parse(HELLO_BYTES[8:], version=ProtocolVersion.TLSv1_2).body == HELLO.shares[0]
        assert schema.parse(HELLO_BYTES[8:]).body.needs == "version"

    def test_compiled_by_construct_keeps_its_checks(self):
        compiled = construct.Struct("hello" / Hello.SCHEMA).compile()
        assert compiled.parse(HELLO_BYTES).hello == HELLO
        assert compiled.build({"hello": HELLO}) == HELLO_BYTES
        with pytest.raises(construct.StreamError):
            compiled.parse(HELLO_BYTES[:-1])


def field_after_the_end() -> None:
    @message
    class Wrong(Message):
        rest: bytes = wire(Rest())
        more: int = wire(UInt8)


def tail_after_the_end() -> None:
    @message
    class Wrong(Message):
        rest: tuple[int, ...] = wire(ListToEnd(UInt8))
        more: int | None = wire(IfMore(UInt8))


def field_after_a_tail() -> None:
    @message
    class Wrong(Message):
        more: int | None = wire(IfMore(UInt8))
        number: int = wire(UInt8)


def select_by_a_later_field() -> None:
    @message
    class Wrong(Message):
        body: object = wire(Select("kind", {1: UInt8}))
        kind: int = wire(UInt8)


def select_by_a_list() -> None:
    @message
    class Wrong(Message):
        kinds: tuple[int, ...] = wire(Vector(UInt8, 0, 255))
        body: object = wire(Select("kinds", {(1,): UInt8}))


def size_without_length() -> None:
    @message
    class Wrong(Message):
        size: int = wire(UInt8)
        body: bytes = wire(SizedBy("size", Rest()))


def length_without_field() -> None:
    @message
    class Wrong(Message):
        size = Length(UInt8)
        body: bytes = wire(Rest())


def length_of_two_fields() -> None:
    @message
    class Wrong(Message):
        size = Length(UInt8)
        one: bytes = wire(SizedBy("size", Rest()))
        two: bytes = wire(SizedBy("size", Rest()))


def sized_select() -> None:
    @message
    class Wrong(Message):
        kind: int = wire(UInt8)
        size = Length(UInt8)
        body: object = wire(SizedBy("size", Select("kind", {1: UInt8})))


def field_without_node() -> None:
    @message
    class Wrong(Message):
        number: int = wire(UInt8)
        other: int = 5


def field_without_default_after_one_with() -> None:
    @message
    class Wrong(Message):
        number: int = wire(UInt8, default=1)
        other: int = wire(UInt8)


def post_init() -> None:
    @message
    class Wrong(Message):
        number: int = wire(UInt8)

        def __post_init__(self) -> None:
            raise AssertionError


def no_message() -> None:
    @message
    class Wrong:  # type: ignore[type-var]
        number: int = wire(UInt8)


def node_that_no_code_is_generated_for() -> None:
    class Swapped(UInt):
        pass

    @message
    class Wrong(Message):
        pairs: tuple[int, ...] = wire(Vector(Swapped(2), 0, 255))


def item_that_may_be_empty() -> None:
    @message
    class Empty(Message):
        pass

    Vector(Empty, 0, 255)


def item_without_end() -> None:
    Vector(Hello, 0, 255)


@pytest.mark.parametrize(
    ("declare", "match"),
    [
        (field_after_the_end, r"Wrong\.more follows a field that goes to the end"),
        (tail_after_the_end, r"Wrong\.more follows"),
        (field_after_a_tail, r"Wrong\.number follows"),
        (select_by_a_later_field, r"Wrong\.body: kind is no earlier"),
        (select_by_a_list, r"Wrong\.body: kinds is no earlier"),
        (size_without_length, r"Wrong\.body: size is no earlier Length"),
        (length_without_field, r"Wrong: size measures no field"),
        (length_of_two_fields, r"Wrong\.two: size is no earlier Length"),
        (sized_select, r"Wrong\.body: what names earlier fields"),
        (field_without_node, r"Wrong: other not declared with wire"),
        (field_without_default_after_one_with, r"Wrong: a field without default follows one with"),
        (post_init, r"Wrong\.__post_init__ would not run"),
        (no_message, r"Wrong is no subclass of Message"),
        (node_that_no_code_is_generated_for, r"Wrong\.pairs: no code can be generated for Swapped"),
        (item_that_may_be_empty, r"Empty'> cannot be an item"),
        (item_without_end, r"Hello'> cannot be an item"),
    ],
)
def test_refuses_a_class_that_cannot_be_decoded_without_doubt(declare, match):
    with pytest.raises(TypeError, match=match):
        declare()


class TestRegistration:
    def test_a_users_extension_is_decoded_from_then_on(self):
        raw = HELLO_BYTES + bytes.fromhex("06 fe99 0002 1234")
        assert Hello.decode(raw).extensions == (UnknownBody(ExtensionType(0xFE99), b"\x12\x34"),)

        @EXTENSIONS.register(0xFE99, 1)
        @message
        class Mine(Message):
            number: int = wire(UInt16)

        assert Mine.type == 0xFE99  # type: ignore[attr-defined]
        assert Hello.decode(raw).extensions == (Mine(0x1234),)
        assert Hello.SCHEMA.parse(raw).extensions == (Mine(0x1234),)
        assert Hello.decode(raw).encode() == raw

    def test_a_users_message_is_decoded_from_then_on(self):
        bodies = Select("msg_type", {HandshakeType.client_hello: Hello}, Rest())

        @message
        class Handshake(Message):
            msg_type: HandshakeType = wire(Enumerated(HandshakeType))
            body: object = wire(Window(UInt24, bodies))

        raw = bytes.fromhex("99 000002 1234")
        assert Handshake.decode(raw).body == b"\x12\x34"

        @bodies.register(0x99)
        @message
        class Mine(Message):
            number: int = wire(UInt16)

        assert Handshake.decode(raw).body == Mine(0x1234)
        assert Handshake.decode(raw).encode() == raw

    def test_refuses_a_second_meaning(self):
        table = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownBody, MalformedBody)
        first, second = _cookie_class(), _cookie_class()
        table.register(44, 1)(first)
        with pytest.raises(TypeError, match="Cookie already"):
            table.register(44, 1)(second)
        with pytest.raises(TypeError, match="cookie already"):
            table.register(45, 2)(first)
        select = Select("msg_type", {1: first})
        with pytest.raises(TypeError, match="has 1 already"):
            select.register(1)(second)

    def test_refuses_what_would_nest_in_itself(self):
        with pytest.raises(TypeError, match="nest in itself"):
            EXTENSIONS.register(0xFE98, 1)(Hello)

        select = Select("kind", {1: UInt8}, Rest())

        @message
        class Nest(Message):
            kind: int = wire(UInt8)
            body: object = wire(Window(UInt8, select))

        with pytest.raises(TypeError, match="nest in itself"):
            select.register(2)(Nest)

    def test_refuses_what_would_change_how_a_select_is_framed(self):
        select = Select("kind", {1: UInt24})
        with pytest.raises(TypeError, match="frame"):
            select.register(2)(Heartbeat)  # goes to the end
        with pytest.raises(TypeError, match="frame"):
            select.register(2)(_cookie_class())  # may have two bytes
        select.register(2)(KeyShareEntry)


class TestContext:
    def test_what_needs_more_context_is_unresolved(self):
        @message
        class Body(Message):
            body: object = wire(Select("version", {ProtocolVersion.TLSv1_2: KeyShareEntry}))

        unresolved = Body.decode(HELLO_BYTES[8:]).body
        assert isinstance(unresolved, Unresolved)
        assert (unresolved.raw, unresolved.needs) == (HELLO_BYTES[8:], "version")
        assert repr(unresolved) == f"Unresolved(raw={HELLO_BYTES[8:]!r}, needs='version')"
        assert unresolved.violations == ()
        assert unresolved.encode() == HELLO_BYTES[8:]
        assert unresolved.resolve(Context(ProtocolVersion.TLSv1_2)) == HELLO.shares[0]
        assert unresolved.resolve(Context()) == unresolved
        assert Body.decode(HELLO_BYTES[8:]).encode() == HELLO_BYTES[8:]


class TestGeneratedCode:
    def test_can_be_read_where_it_runs(self):
        source = inspect.getsource(Hello.SCHEMA.read)
        assert "version_code, random, shares_length = unpack_H4sH(raw, position)" in source
        assert inspect.getsource(Hello.SCHEMA.write).startswith("def encode(value):")

    def test_stands_in_tracebacks(self):
        with pytest.raises(TypeError) as caught:
            Hello.SCHEMA.read(None, 0, 0, Context())  # type: ignore[arg-type]
        assert "unpack_H4sH(raw, position)" in "".join(traceback.format_exception(caught.value))

    def test_is_made_at_first_use_and_kept(self):
        @message
        class Late(Message):
            number: int = wire(UInt8)

        assert "read" not in vars(Late.SCHEMA)
        Late.decode(b"\1")
        assert Late.SCHEMA.read is Late.SCHEMA.read


# RFC 8448 §3, "Construct a ClientHello handshake message", without the handshake header's four bytes.
RFC8448_CLIENT_HELLO = bytes.fromhex(
    "0303 cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7 00 0006 130113031302 0100 0091"
    "0000000b0009000006736572766572 ff01000100 000a00140012001d0017001800190100010101020103 0104 00230000"
    "00330026 0024 001d0020 99381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c"
    "002b0003020304 000d0020001e040305030603020308040805080604010501060102010402050206020202"
    "002d00020101 001c00024001"
)


def test_reads_a_client_hello_of_rfc_8448():
    table = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownBody, MalformedBody)

    @table.register(ExtensionType.key_share, 1)
    @message
    class KeyShare(Message):
        client_shares: tuple[KeyShareEntry, ...] = wire(Vector(KeyShareEntry, 0, 2**16 - 1))

    @message
    class ClientHello(Message):
        client_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
        random: bytes = wire(Fixed(32))
        session_id: bytes = wire(Opaque(0, 32))
        cipher_suites: tuple[CipherSuite, ...] = wire(Vector(Enumerated(CipherSuite), 2, 2**16 - 2))
        compression_methods: tuple[int, ...] = wire(Vector(UInt8, 1, 2**8 - 1))
        extensions: tuple[Any, ...] | None = wire(IfMore(Vector(Tagged(table, 1), 0, 2**16 - 1)))

    hello = ClientHello.decode(RFC8448_CLIENT_HELLO)
    assert hello.cipher_suites == (
        CipherSuite.TLS_AES_128_GCM_SHA256,
        CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        CipherSuite.TLS_AES_256_GCM_SHA384,
    )
    assert [extension.type for extension in hello.extensions or ()] == [
        ExtensionType.server_name,
        ExtensionType.renegotiation_info,
        ExtensionType.supported_groups,
        ExtensionType.session_ticket,
        ExtensionType.key_share,
        ExtensionType.supported_versions,
        ExtensionType.signature_algorithms,
        ExtensionType.psk_key_exchange_modes,
        ExtensionType.record_size_limit,
    ]
    share = (hello.extensions or ())[4].client_shares[0]
    assert share.group is NamedGroup.x25519
    assert share.key_exchange.hex().startswith("99381de560e4bd43")
    assert hello.encode() == RFC8448_CLIENT_HELLO
