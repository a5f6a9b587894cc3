"""What must hold for every message that is declared: generated ≡ interpreted, round trips, no prefix accepted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tlswire.schema
from tlswire.errors import DecodeError
from tlswire.registry import HandshakeType, KeyExchange, ProtocolVersion
from tlswire.schema import BODIES, Handshake, decode_body
from tlswire.testing import messages, mutants
from tlswire.wire import Context, Message, Unresolved
from tlswire.wire.source import DECODER_REFUSALS
from tlswire.wire.stream import reference, reference_bytes

DECLARED: list[type[Message]] = [
    kind
    for name in tlswire.schema.__all__
    if isinstance(kind := getattr(tlswire.schema, name), type) and issubclass(kind, Message) and hasattr(kind, "SCHEMA")
]
EMPTY = {kind for kind in DECLARED if not kind.SCHEMA.fields}
ONLY_REST = {
    kind for kind in DECLARED if len(kind.SCHEMA.fields) == 1 and kind.SCHEMA.is_open and not kind.SCHEMA.minimum
}

every_message = pytest.mark.parametrize("kind", DECLARED, ids=[kind.__name__ for kind in DECLARED])
many = settings(max_examples=60, deadline=None, derandomize=True)
NOTHING = Context()


def test_all_of_the_schema_is_tested() -> None:
    assert len(DECLARED) > 110


@every_message
def test_decoding_what_was_encoded_gives_the_message(kind: type[Message]) -> None:
    @many
    @given(messages(kind))
    def check(sent: Message) -> None:
        assert kind.decode(sent.encode()) == sent

    check()


@every_message
def test_the_generated_decoder_is_the_interpreted_schema(kind: type[Message]) -> None:
    outcomes: Counter[bool] = Counter()

    @settings(many, max_examples=120)
    @given(st.data())
    def check(data: Any) -> None:
        raw = data.draw(mutants(data.draw(messages(kind))))
        expected, error = reference(kind.SCHEMA, raw, NOTHING)
        outcomes[error is None] += 1
        try:
            fast, end = kind.SCHEMA.read(raw, 0, len(raw), NOTHING)
            fast = fast if end == len(raw) else None
        except DECODER_REFUSALS:
            fast = None
        assert fast == expected
        assert repr(fast) == repr(expected)
        if error is None:
            assert kind.decode(raw).encode() == raw
            assert reference_bytes(kind.SCHEMA, expected) == (raw, None)
        else:
            with pytest.raises(DecodeError) as caught:
                kind.decode(raw)
            assert caught.value == error

    check()
    # An empty body accepts the empty string alone, and what is only a rest accepts everything.
    if kind not in EMPTY:
        assert outcomes[True] >= 6
    if kind not in ONLY_REST:
        assert outcomes[False] >= 6


VERSIONS = (ProtocolVersion.SSLv3, ProtocolVersion.TLSv1_0, ProtocolVersion.TLSv1_1, ProtocolVersion.TLSv1_2)
CONTEXTS = [Context(version, key_exchange=exchange) for version in VERSIONS for exchange in KeyExchange]


def forms(msg_type: HandshakeType) -> dict[type[Message], Context]:
    """The classes that a handshake message of that type may be, each with a context that chooses it."""
    found: dict[type[Message], Context] = {}

    def walk(node: Any, chosen: dict[str, Any]) -> None:
        if hasattr(node, "SCHEMA"):
            node = node.SCHEMA
        if hasattr(node, "message"):
            found.setdefault(node.message, Context(**{"version": ProtocolVersion.TLSv1_2, **chosen}))
        elif hasattr(node, "table"):
            for value, option in node.table.items():
                walk(option, chosen | {node.key: value})
            if node.default is not None:
                walk(node.default, chosen)

    walk(BODIES[msg_type], {})
    return found


FORMS = [(msg_type, kind, context) for msg_type in BODIES for kind, context in forms(msg_type).items()]
every_form = pytest.mark.parametrize(
    ("msg_type", "kind", "context"), FORMS, ids=[f"{msg_type.name}-{kind.__name__}" for msg_type, kind, _ in FORMS]
)


@every_form
def test_a_framed_message_round_trips_and_no_proper_prefix_of_it_is_accepted(
    msg_type: HandshakeType, kind: type[Message], context: Context
) -> None:
    @settings(many, max_examples=25)
    @given(messages(kind))
    def check(sent: Message) -> None:
        raw = Handshake(msg_type, sent).encode()
        assert Handshake.decode(raw, context) == Handshake(msg_type, sent)
        for end in range(len(raw)):
            with pytest.raises(DecodeError):
                Handshake.decode(raw[:end], context)
        with pytest.raises(DecodeError):
            Handshake.decode(raw + b"\0", context)

    check()


# Bodies of which a proper prefix is a body again, each with the reason; the frame's length tells them apart.
PREFIX_IS_A_BODY = {
    "client_hello": "the list of extensions may be absent (RFC 5246 §7.4.1.2)",
    "server_hello": "the list of extensions may be absent (RFC 5246 §7.4.1.3)",
    "finished": "its length is the version's: 12 bytes, in SSL 3.0 36 (RFC 6101 §5.6.9)",
    "client_key_exchange": "no length in SSL 3.0 (RFC 6101 §5.6.7.1); nothing where the certificate has the key",
    "certificate_status": "a status type that is not known goes to the end",
}


@every_form
def test_a_prefix_of_a_bare_body_is_accepted_only_where_the_grammar_permits_it(
    msg_type: HandshakeType, kind: type[Message], context: Context
) -> None:
    accepted = 0

    @settings(many, max_examples=25)
    @given(messages(kind))
    def check(sent: Message) -> None:
        nonlocal accepted
        raw = sent.encode()
        for end in range(len(raw)):
            try:
                decode_body(msg_type, raw[:end], context)
            except DecodeError:
                continue
            accepted += 1

    check()
    if msg_type.name not in PREFIX_IS_A_BODY:
        assert not accepted


NEEDS = [
    (HandshakeType.server_key_exchange, "key_exchange"),
    (HandshakeType.client_key_exchange, "key_exchange"),
    (HandshakeType.certificate, "version"),
    (HandshakeType.new_session_ticket, "version"),
    (HandshakeType.certificate_request, "version"),
    (HandshakeType.certificate_verify, "version"),
]


@pytest.mark.parametrize(
    ("msg_type", "needs", "kind", "context"),
    [(msg_type, needs, kind, context) for msg_type, needs in NEEDS for kind, context in forms(msg_type).items()],
)
def test_without_the_context_that_a_message_needs_it_is_unresolved_and_can_be_resolved_later(
    msg_type: HandshakeType, needs: str, kind: type[Message], context: Context
) -> None:
    @settings(many, max_examples=10)
    @given(messages(kind))
    def check(sent: Message) -> None:
        unresolved = decode_body(msg_type, sent.encode())
        assert isinstance(unresolved, Unresolved)
        assert unresolved.needs == needs
        assert unresolved.encode() == sent.encode()
        assert unresolved.resolve(context) == sent

    check()


@pytest.mark.parametrize(
    ("msg_type", "context"),
    [
        (HandshakeType.server_key_exchange, Context(ProtocolVersion.TLSv1_2, key_exchange=KeyExchange.ECCPWD)),
        (HandshakeType.client_key_exchange, Context(ProtocolVersion.TLSv1_2, key_exchange=KeyExchange.GOSTR341001)),
        (HandshakeType.ekt_key, NOTHING),
        (HandshakeType.certificate, Context(ProtocolVersion.of(0x7F12))),
        (HandshakeType.new_session_ticket, Context(ProtocolVersion.of(0x7F11))),
    ],
)
def test_the_rarer_messages_are_unresolved_with_their_bytes(msg_type: HandshakeType, context: Context) -> None:
    found = decode_body(msg_type, b"\x00\x01\x02", context)
    assert isinstance(found, Unresolved)
    assert found.raw == found.encode() == b"\x00\x01\x02"


def test_a_type_that_nobody_knows_keeps_its_bytes() -> None:
    found = Handshake.decode(b"\xc8\x00\x00\x02ab")
    assert int(found.msg_type) == 200
    assert found.body.encode() == b"ab"
    assert found.encode() == b"\xc8\x00\x00\x02ab"
