"""What must hold of every declaration, over messages and over bytes near to a message.

The declarations here use every kind of node. Each property runs over all of them; where it compares
outcomes, a count makes sure that both acceptance and refusal were common.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlswire.errors import DecodeError, EncodeError
from tlswire.registry import (
    CipherSuite,
    CompressionMethod,
    ExtensionType,
    HandshakeType,
    HeartbeatMessageType,
    KeyExchange,
    NamedGroup,
    ProtocolVersion,
)
from tlswire.testing import STRATEGIES, messages, mutants
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
from tlswire.wire.decoder import DECODED
from tlswire.wire.encoder import ENCODED
from tlswire.wire.source import DECODER_REFUSALS, ENCODER_REFUSALS
from tlswire.wire.stream import reference, reference_bytes

EXTENSIONS = TagTable("Extension", Enumerated(ExtensionType), UInt16, UnknownBody, MalformedBody)
CLIENT, SERVER = HandshakeType.client_hello, HandshakeType.server_hello


@EXTENSIONS.register(ExtensionType.encrypt_then_mac, CLIENT, SERVER)
@message
class EncryptThenMac(Message):
    pass


@EXTENSIONS.register(ExtensionType.supported_groups, CLIENT)
@message
class SupportedGroups(Message):
    named_group_list: tuple[NamedGroup, ...] = wire(Vector(Enumerated(NamedGroup), 2, 2**16 - 1))


@message
class KeyShareEntry(Message):
    group: NamedGroup = wire(Enumerated(NamedGroup))
    key_exchange: bytes = wire(Opaque(1, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.key_share, CLIENT)
@message
class KeyShareClientHello(Message):
    client_shares: tuple[KeyShareEntry, ...] = wire(Vector(KeyShareEntry, 0, 2**16 - 1))


@EXTENSIONS.register(ExtensionType.key_share, SERVER)
@message
class KeyShareServerHello(Message):
    server_share: KeyShareEntry = wire(KeyShareEntry)


@message
class ClientHello(Message):
    client_version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    random: bytes = wire(Fixed(32))
    session_id: bytes = wire(Opaque(0, 32))
    cipher_suites: tuple[CipherSuite, ...] = wire(Vector(Enumerated(CipherSuite), 2, 2**16 - 2))
    compression_methods: tuple[CompressionMethod, ...] = wire(Vector(Enumerated(CompressionMethod), 1, 2**8 - 1))
    extensions: tuple[Any, ...] | None = wire(IfMore(Vector(Tagged(EXTENSIONS, CLIENT), 0, 2**16 - 1)))


@message
class Extensions(Message):
    extensions: tuple[Any, ...] = wire(Vector(Tagged(EXTENSIONS, CLIENT), 0, 2**16 - 1))


@message
class ExtensionOfSomeHello(Message):
    extension: Any = wire(Tagged(EXTENSIONS))


@message
class ServerHello(Message):
    random: bytes = wire(Fixed(2))
    extensions: Any = wire(
        IfMore(
            Select(
                "random",
                {b"\xcf\x21": Vector(Tagged(EXTENSIONS, SERVER), 0, 2**8 - 1)},
                Vector(Tagged(EXTENSIONS, CLIENT), 0, 2**16 - 1),
            )
        )
    )


@message
class SSLv2ClientHello(Message):
    version: ProtocolVersion = wire(Enumerated(ProtocolVersion))
    cipher_spec_length = Length(UInt16)
    session_id_length = Length(UInt8)
    cipher_specs: tuple[int, ...] = wire(SizedBy("cipher_spec_length", ListToEnd(UInt24)))
    session_id: bytes = wire(SizedBy("session_id_length", Rest()))
    challenge: bytes = wire(Rest(16))


@message
class HeartbeatMessage(Message):
    type: HeartbeatMessageType = wire(Enumerated(HeartbeatMessageType))
    payload_length = Length(UInt16)
    payload: bytes = wire(SizedBy("payload_length", Rest()))
    padding: bytes = wire(Rest(16))


@message
class RSAParams(Message):
    rsa_modulus: bytes = wire(Opaque(1, 2**16 - 1))


@message
class NamedCurve(Message):
    curve: NamedGroup = wire(Enumerated(NamedGroup))


@message
class ECParameters(Message):
    curve_type: int = wire(UInt8)
    parameters: Any = wire(Select("curve_type", {1: Opaque(1, 255), 2: UInt32, 3: NamedCurve}))
    signature: bytes = wire(Opaque(0, 2**16 - 1))


@message
class NextProtocol(Message):
    protocols: tuple[bytes, ...] = wire(ListToEnd(Opaque(1, 255)))


@message
class Handshake(Message):
    msg_type: HandshakeType = wire(Enumerated(HandshakeType))
    body: Any = wire(
        Window(
            UInt24,
            Select(
                "msg_type",
                {
                    HandshakeType.hello_request: EncryptThenMac,
                    HandshakeType.client_hello: ClientHello,
                    HandshakeType.server_key_exchange: Select(
                        "key_exchange",
                        {
                            KeyExchange.RSA_EXPORT: RSAParams,
                            KeyExchange.ECDHE_RSA: Select(
                                "version", {ProtocolVersion.TLSv1_2: ECParameters}, NamedCurve
                            ),
                        },
                        Rest(),
                    ),
                },
                Rest(),
            ),
        )
    )


@message
class Rows(Message):
    """Every kind of item of fixed size, and items in items."""

    bytes_1: tuple[int, ...] = wire(Vector(UInt8, 0, 255))
    numbers_2: tuple[int, ...] = wire(Vector(UInt16, 0, 255))
    numbers_3: tuple[int, ...] = wire(Vector(UInt24, 0, 255))
    numbers_4: tuple[int, ...] = wire(Vector(UInt32, 0, 2**16 - 1))
    hashes: tuple[bytes, ...] = wire(Vector(Fixed(5), 0, 2**24 - 1))
    pairs: tuple[tuple[int, ...], ...] = wire(Vector(Window(UInt8, ListToEnd(UInt16)), 0, 2**16 - 1))
    nested: tuple[NextProtocol, ...] = wire(Vector(Window(UInt8, NextProtocol), 0, 255))
    opaques: tuple[bytes, ...] = wire(Vector(Opaque(0, 2**24 - 1), 0, 2**16 - 1))


@message
class Tails(Message):
    number: int = wire(UInt24)
    first: int | None = wire(IfMore(UInt16), default=None)
    second: tuple[int, ...] | None = wire(IfMore(Vector(UInt8, 0, 255)), default=None)
    third: KeyShareEntry | None = wire(IfMore(KeyShareEntry), default=None)


NOTHING = Context()
IN_SERVER_HELLO = Context(handshake_type=SERVER)
ECDHE = Context(key_exchange=KeyExchange.ECDHE_RSA)
ECDHE_12 = Context(key_exchange=KeyExchange.ECDHE_RSA, version=ProtocolVersion.TLSv1_2)
EXPORT = Context(key_exchange=KeyExchange.RSA_EXPORT, version=ProtocolVersion.TLSv1_0)
OTHER = Context(key_exchange=KeyExchange.SRP_SHA, version=ProtocolVersion.SSLv3)

CASES = [
    (ClientHello, NOTHING),
    (Extensions, NOTHING),
    (ExtensionOfSomeHello, NOTHING),
    (ExtensionOfSomeHello, IN_SERVER_HELLO),
    (ServerHello, NOTHING),
    (SSLv2ClientHello, NOTHING),
    (HeartbeatMessage, NOTHING),
    (ECParameters, NOTHING),
    (NextProtocol, NOTHING),
    (Handshake, NOTHING),
    (Handshake, ECDHE),
    (Handshake, ECDHE_12),
    (Handshake, EXPORT),
    (Handshake, OTHER),
    (Rows, NOTHING),
    (Tails, NOTHING),
]
every_case = pytest.mark.parametrize(
    ("kind", "context"), CASES, ids=[f"{kind.__name__}-{index}" for index, (kind, _) in enumerate(CASES)]
)
many = settings(max_examples=100, deadline=None, derandomize=True)


def generated(kind: type[Message], raw: bytes, context: Context) -> Message | None:
    """Return what the generated decoder itself makes of `raw`, or None if it gives up."""
    try:
        value, end = kind.SCHEMA.read(raw, 0, len(raw), context)
    except DECODER_REFUSALS:
        return None
    return value if end == len(raw) else None


@every_case
def test_encoding_then_decoding_gives_the_message(kind, context):
    @many
    @given(messages(kind, context))
    def check(sent):
        assert kind.decode(sent.encode(), context) == sent

    check()


@every_case
def test_generated_and_interpreted_encoder_agree(kind, context):
    @many
    @given(messages(kind, context))
    def check(sent):
        assert kind.SCHEMA.write(sent) == kind.SCHEMA.build(sent)

    check()


@every_case
def test_generated_and_interpreted_decoder_agree(kind, context):
    outcomes: Counter[object] = Counter()

    @settings(many, max_examples=200)
    @given(st.data())
    def check(data):
        raw = data.draw(mutants(data.draw(messages(kind, context)), context))
        fast = generated(kind, raw, context)
        expected, error = reference(kind.SCHEMA, raw, context)
        assert fast == expected
        assert repr(fast) == repr(expected)  # types too, which == does not tell of an enum and its number
        outcomes[error is None] += 1
        if error is not None:
            outcomes[error.kind] += 1
            with pytest.raises(DecodeError) as caught:
                kind.decode(raw, context)
            assert caught.value == error
        else:
            assert kind.decode(raw, context) == expected

    check()
    total = outcomes[True] + outcomes[False]
    assert outcomes[True] > total / 10
    assert outcomes[False] > total / 10


def test_generated_and_interpreted_decoder_agree_on_bodies_of_extensions():
    outcomes: Counter[bool] = Counter()

    @settings(many, max_examples=200)
    @given(st.data())
    def check(data):
        kind = data.draw(st.sampled_from((SupportedGroups, KeyShareClientHello)))
        body = data.draw(mutants(data.draw(messages(kind))))
        item = int(kind.type).to_bytes(2, "big") + len(body).to_bytes(2, "big") + body
        raw = len(item).to_bytes(2, "big") + item
        expected, error = reference(Extensions.SCHEMA, raw, NOTHING)
        assert error is None
        assert repr(generated(Extensions, raw, NOTHING)) == repr(expected)
        assert expected.encode() == raw
        outcomes[isinstance(expected.extensions[0], MalformedBody)] += 1

    check()
    assert min(outcomes[True], outcomes[False]) > 20


@every_case
def test_decoding_then_encoding_gives_the_bytes(kind, context):
    accepted = 0

    @many
    @given(st.data())
    def check(data):
        nonlocal accepted
        raw = data.draw(mutants(data.draw(messages(kind, context)), context))
        decoded = generated(kind, raw, context)
        if decoded is not None:
            accepted += 1
            assert decoded.encode() == raw
            assert reference_bytes(kind.SCHEMA, decoded) == (raw, None)

    check()
    assert accepted > 15


@every_case
def test_spans_cover_every_byte_in_order_and_tell_the_error(kind, context):
    @many
    @given(st.data())
    def check(data):
        raw = data.draw(mutants(data.draw(messages(kind, context)), context))
        spans = kind.spans(raw, context)
        assert_cover(spans, 0, len(raw))
        _, error = reference(kind.SCHEMA, raw, context)
        told = [span.error for top in spans for span in top.walk() if span.error is not None]
        assert error is None or error in told

    check()


def assert_cover(spans, start, end):
    for span in spans:
        assert span.start == start
        start = span.end
        if span.children:
            assert_cover(span.children, span.start, span.end)
    assert start == end


@every_case
def test_messages_of_the_grammar_violate_at_most_by_unknown_codes(kind, context):
    @many
    @given(messages(kind, context))
    def check(sent):
        assert {violation.rule for violation in sent.violations} <= {"unknown"}

    check()


JUNK = [
    None,
    -1,
    2**40,
    1.5,
    "text",
    b"",
    b"x" * 300,
    bytearray(b"ab"),
    (),
    [],
    (None,),
    [1, 2],
    {3: 4},
    object,
]
JUNK += [
    True,
    NamedGroup.x25519,
    NamedCurve(1),
    UnknownBody(7, None),
    UnknownBody("7", b""),
    (UnknownBody(7, b""),),
]
JUNK += [Unresolved(None, "version", Handshake.SCHEMA), Unresolved(b"ab", "version", Handshake.SCHEMA)]


@every_case
def test_generated_and_interpreted_encoder_agree_on_what_cannot_be_written(kind, context):
    outcomes: Counter[bool] = Counter()

    @settings(many, max_examples=150)
    @given(messages(kind, context), st.data())
    def check(sent, data):
        broken = spoil(data.draw, sent)
        try:
            fast = kind.SCHEMA.write(broken)
        except ENCODER_REFUSALS:
            fast = b""
        expected, error = reference_bytes(kind.SCHEMA, broken)
        outcomes[error is None] += 1
        if error is None:
            assert fast in (expected, b"")
            assert broken.encode() == expected
        else:
            assert fast == b""
            with pytest.raises(EncodeError) as caught:
                broken.encode()
            assert caught.value.args == error.args

    check()
    assert outcomes[False] > 30


def spoil(draw, value):
    """Return `value` with junk in place of a part of it that was drawn."""
    if isinstance(value, Message) and value.SCHEMA.values:
        name = draw(st.sampled_from(value.SCHEMA.values))
        return dataclasses.replace(value, **{name: spoil(draw, getattr(value, name))})
    if isinstance(value, tuple) and value and draw(st.booleans()):
        index = draw(st.integers(0, len(value) - 1))
        return (*value[:index], spoil(draw, value[index]), *value[index + 1 :])
    return draw(st.sampled_from(JUNK))


def test_every_proper_prefix_of_a_framed_message_is_refused():
    @many
    @given(messages(Handshake, ECDHE_12))
    def check(sent):
        raw = sent.encode()
        for length in range(len(raw)):
            with pytest.raises(DecodeError):
                Handshake.decode(raw[:length], ECDHE_12)

    check()


def test_every_kind_of_node_has_a_decoder_an_encoder_and_a_strategy():
    assert DECODED.keys() == ENCODED.keys() == STRATEGIES.keys() | {Length}


def test_every_kind_of_node_is_among_the_declarations_tested_here():
    waiting = [kind.SCHEMA for kind, _ in CASES]
    seen = set()
    while waiting:
        node = waiting.pop()
        seen.add(type(node))
        waiting.extend(node.parts)
    assert seen == DECODED.keys()


def test_what_the_context_leaves_open_is_resolved_later():
    @many
    @given(messages(Handshake, ECDHE_12))
    def check(sent):
        early = Handshake.decode(sent.encode())
        if sent.msg_type is HandshakeType.server_key_exchange:
            assert isinstance(early.body, Unresolved)
            assert early.body.needs == "key_exchange"
            assert early.body.resolve(Context(key_exchange=KeyExchange.ECDHE_RSA)).needs == "version"
            assert early.body.resolve(ECDHE_12) == sent.body
        else:
            assert early == sent

    check()
