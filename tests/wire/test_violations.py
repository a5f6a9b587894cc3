"""Violations: values that are accepted, kept, and named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlswire.errors import DecodeError, DecodeErrorKind
from tlswire.registry import CipherSuite, ExtensionType, KeyExchange, NamedGroup
from tlswire.wire import (
    Context,
    Enumerated,
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
    UnknownBody,
    Vector,
    Violation,
    Window,
    message,
    wire,
)

EXTENSIONS = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownBody, MalformedBody)


@EXTENSIONS.register(ExtensionType.supported_groups, 1)
@message
class SupportedGroups(Message):
    named_group_list: tuple[NamedGroup, ...] = wire(Vector(Enumerated(NamedGroup), 2, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.max_fragment_length, 1)
@message
class MaxFragmentLength(Message):
    """A message with a rule of its own."""

    max_fragment_length: int = wire(UInt8)

    def _violations(self) -> Iterator[Violation]:
        if not 1 <= self.max_fragment_length <= 4:
            yield Violation("max_fragment_length", "value", "1 to 4", self.max_fragment_length)


@message
class Hello(Message):
    session_id: bytes = wire(Opaque(0, 32))
    cipher_suites: tuple[CipherSuite, ...] = wire(Vector(Enumerated(CipherSuite), 2, 2**16 - 2))
    extensions: tuple[Any, ...] | None = wire(IfMore(Vector(Tagged(EXTENSIONS, 1), 0, 2**16 - 1)), default=None)


SUITES = (CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA,)


def test_of_a_regular_message_are_none():
    assert Hello(b"", SUITES, (SupportedGroups((NamedGroup.x25519,)), MaxFragmentLength(1))).violations == ()


def test_of_lengths_count_bytes():
    hello = Hello.decode(b"\x21" + bytes(33) + b"\0\0")
    assert hello.violations == (
        Violation("session_id", "ceiling", 32, 33),
        Violation("cipher_suites", "floor", 2, 0),
    )


def test_of_unknown_codes_leave_out_those_of_rfc_8701():
    hello = Hello.decode(bytes.fromhex("00 0006 0a0a 002f eeee"))
    assert hello.violations == (Violation("cipher_suites[2]", "unknown", "CipherSuite", CipherSuite(0xEEEE)),)


def test_of_extensions_have_the_path_from_the_message():
    raw = bytes.fromhex("00 0002 002f 0014  000a 0002 0000  0001 0001 09  000a 0001 00  fe99 0000")
    assert Hello.decode(raw).violations == (
        Violation("extensions[0].named_group_list", "floor", 2, 0),
        Violation("extensions[1].max_fragment_length", "value", "1 to 4", 9),
        Violation(
            "extensions[2].named_group_list",
            "malformed",
            2,
            DecodeError(DecodeErrorKind.truncated, "named_group_list", 0, 2, 1),
        ),
    )


def test_of_vectors_of_items_without_fixed_size():
    @message
    class Names(Message):
        names: tuple[bytes, ...] = wire(Vector(Opaque(1, 255), 4, 6))

    assert Names((b"abc",)).violations == ()
    assert Names((b"ab",)).violations == (Violation("names", "floor", 4, 3),)
    assert Names((b"abc", b"")).violations == (Violation("names[1]", "floor", 1, 0),)
    assert Names((b"abc", b"abc")).violations == (Violation("names", "ceiling", 6, 8),)


def test_of_rests_windows_and_lists():
    @message
    class Parts(Message):
        window: bytes = wire(Window(UInt8, Rest(3)))
        groups: tuple[NamedGroup, ...] = wire(ListToEnd(Enumerated(NamedGroup)))

    assert Parts.decode(bytes.fromhex("01 61 eeee")).violations == (
        Violation("window", "floor", 3, 1),
        Violation("groups[0]", "unknown", "NamedGroup", NamedGroup(0xEEEE)),
    )


def test_of_what_was_selected():
    @message
    class ByField(Message):
        kind: int = wire(UInt8)
        body: Any = wire(Select("kind", {1: Opaque(2, 255), 2: SupportedGroups}, Rest()))

    assert ByField.decode(b"\1\1x").violations == (Violation("body", "floor", 2, 1),)
    assert ByField.decode(b"\2\0\0").violations == (Violation("body.named_group_list", "floor", 2, 0),)
    assert ByField.decode(b"\3").violations == ()

    @message
    class ByContext(Message):
        body: Any = wire(Select("key_exchange", {KeyExchange.RSA: SupportedGroups}, Rest()))

    rsa, psk = Context(key_exchange=KeyExchange.RSA), Context(key_exchange=KeyExchange.PSK)
    assert ByContext.decode(b"\0\0", rsa).violations == (Violation("body.named_group_list", "floor", 2, 0),)
    assert ByContext.decode(b"\0\0", psk).violations == ()
    assert ByContext.decode(b"\0\0").violations == ()
