"""Spans: the tree of fields over the bytes, whole and broken."""

from __future__ import annotations

from typing import Any

from tlswire.errors import DecodeError, DecodeErrorKind
from tlswire.registry import CipherSuite, ExtensionType, NamedGroup
from tlswire.wire import (
    Enumerated,
    Fixed,
    IfMore,
    Length,
    MalformedBody,
    Message,
    Opaque,
    Rest,
    SizedBy,
    Span,
    Tagged,
    TagTable,
    UInt8,
    UInt16,
    UnknownBody,
    Vector,
    message,
    wire,
)

EXTENSIONS = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownBody, MalformedBody)


@EXTENSIONS.register(ExtensionType.supported_groups, 1)
@message
class SupportedGroups(Message):
    named_group_list: tuple[NamedGroup, ...] = wire(Vector(Enumerated(NamedGroup), 2, 2**16 - 1))


@message
class Hello(Message):
    random: bytes = wire(Fixed(2))
    session_id: bytes = wire(Opaque(0, 32))
    cipher_suites: tuple[CipherSuite, ...] = wire(Vector(Enumerated(CipherSuite), 2, 2**16 - 2))
    extensions: tuple[Any, ...] | None = wire(IfMore(Vector(Tagged(EXTENSIONS, 1), 0, 2**16 - 1)))


WHOLE = bytes.fromhex("6162 02 7879 0002 002f 000d  000a 0004 0002 001d  ff01 0001 00")


def rows(spans: tuple[Span, ...], depth: int = 0) -> list[str]:
    """Return the tree as lines of offsets and names, errors marked."""
    lines = []
    for span in spans:
        mark = "" if span.error is None else f" !{span.error.kind}"
        lines.append(f"{'  ' * depth}{span.start}-{span.end} {span.name}{mark}")
        lines += rows(span.children, depth + 1)
    return lines


def test_of_a_whole_message():
    assert rows(Hello.spans(WHOLE)) == [
        "0-2 random",
        "2-5 session_id",
        "  2-3 length",
        "  3-5 data",
        "5-9 cipher_suites",
        "  5-7 length",
        "  7-9 [0]",
        "9-24 extensions",
        "  9-11 length",
        "  11-19 [0]",
        "    11-13 type",
        "    13-15 length",
        "    15-19 named_group_list",
        "      15-17 length",
        "      17-19 [0]",
        "  19-24 [1]",
        "    19-21 type",
        "    21-23 length",
        "    23-24 data",
    ]


def test_have_path_value_and_declaration():
    by_path = {span.path: span for top in Hello.spans(WHOLE) for span in top.walk()}
    group = by_path["extensions[0].named_group_list[0]"]
    assert group.value is NamedGroup.x25519
    assert group.declaration == "NamedGroup"
    assert by_path["session_id"].value == b"xy"
    assert by_path["session_id"].declaration == "opaque session_id<0..32>"
    assert by_path["session_id.length"].value == 2
    assert by_path["session_id.length"].declaration == "uint8 length"
    assert by_path["extensions[0].type"].value is ExtensionType.supported_groups
    assert by_path["extensions[1].data"].value == b"\0"


def test_of_a_message_that_ends_early_show_what_is_there_and_where_it_ends():
    spans = Hello.spans(WHOLE[:18])
    assert rows(spans) == [
        "0-2 random",
        "2-5 session_id",
        "  2-3 length",
        "  3-5 data",
        "5-9 cipher_suites",
        "  5-7 length",
        "  7-9 [0]",
        "9-18 extensions !truncated",
        "  9-11 length",
        "  11-18 [0]",
        "    11-13 type",
        "    13-15 length",
        "    15-18 named_group_list",
        "      15-17 length",
        "      17-18 [0]",
    ]
    assert spans[-1].error == DecodeError(DecodeErrorKind.truncated, "extensions", 11, 13, 7)


def test_of_a_message_with_an_error_inside_go_on_behind_it():
    broken = bytearray(WHOLE)
    broken[6] = 1  # cipher_suites: one byte
    assert rows(Hello.spans(bytes(broken)))[4:] == [
        "5-8 cipher_suites",
        "  5-7 length",
        "  7-8 [0] !truncated",
        "8-24 undecoded",
    ]


def test_of_a_malformed_extension_mark_the_place_within_it():
    broken = bytearray(WHOLE)
    broken[16] = 1  # named_group_list: one byte, and one left over
    spans = Hello.spans(bytes(broken))
    assert rows(spans)[9:] == [
        "  11-19 [0]",
        "    11-13 type",
        "    13-15 length",
        "    15-18 named_group_list",
        "      15-17 length",
        "      17-18 [0] !truncated",
        "    18-19 data",
        "  19-24 [1]",
        "    19-21 type",
        "    21-23 length",
        "    23-24 data",
    ]
    assert isinstance(spans[3].children[1].value, MalformedBody)


def test_of_bytes_left_over():
    assert rows(Hello.spans(WHOLE + b"\0\0"))[-2:] == ["    23-24 data", "24-26 trailing !trailing"]


def test_of_nothing():
    assert rows(Hello.spans(b"")) == ["0-0 random !truncated"]


def test_of_lengths_ahead_of_their_data():
    @message
    class Heartbeat(Message):
        kind: int = wire(UInt8)
        payload_length = Length(UInt16)
        payload: bytes = wire(SizedBy("payload_length", Rest()))
        padding: bytes = wire(Rest(16))

    assert rows(Heartbeat.spans(b"\1\0\3abc")) == [
        "0-1 kind",
        "1-3 payload_length",
        "3-6 payload",
        "6-6 padding",
    ]
    assert rows(Heartbeat.spans(b"\1\x40\0abc"))[2:] == ["3-6 payload !truncated"]
