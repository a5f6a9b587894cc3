"""Hypothesis strategies for the messages of tlswire, walked from their declarations; needs the extra `test`.

    @given(messages(ClientHello))
    def test_my_parser(hello):
        assert my_parser(hello.encode()).session_id == hello.session_id

`messages` gives what the grammar permits. `mutants` gives bytes near to a message's, of which many are
still one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

try:
    from hypothesis import strategies as st
except ImportError as missing:
    raise ImportError("tlswire.testing needs hypothesis: pip install tlswire[test]") from missing

from tlswire.errors import EncodeError
from tlswire.wire.choices import Select, Tagged, own_terms
from tlswire.wire.composites import IfMore, Length, ListToEnd, SizedBy, Vector, Window
from tlswire.wire.context import NO_CONTEXT, Context, Unresolved
from tlswire.wire.message import Message
from tlswire.wire.nodes import Enumerated, Fixed, Node, Opaque, Rest, UInt
from tlswire.wire.structure import MessageStruct

M = TypeVar("M", bound=Message)

Strategy = st.SearchStrategy[Any]
Fields = Mapping[str, Any]

MOST_BYTES = 40  # more of a field than its floor; what matters is in the structure, not in the size
MOST_ITEMS = 4


def messages(kind: type[M], context: Context = NO_CONTEXT) -> st.SearchStrategy[M]:
    """Return a strategy for messages of the class `kind` that its grammar permits.

    Parameters: `context`, in which they will be decoded; what needs more of it is `Unresolved`.
    """
    return _values(kind.SCHEMA, context, {}).filter(_is_within_limits)


@st.composite
def mutants(draw: st.DrawFn, sent: Message, context: Context = NO_CONTEXT) -> bytes:
    """Return a strategy for bytes that differ from those of `sent` in one or two places.

    They are cut, are longer, or have some bytes changed, often where a field or a length begins, so that both
    what still decodes and what does not is common. Parameters: `context`, in which they will be decoded.
    """
    raw = sent.encode()
    starts = sorted({span.start for top in sent.spans(raw, context) for span in top.walk()})
    places = st.integers(0, len(raw))
    if starts:
        places |= st.sampled_from(starts)
    for _ in range(draw(st.integers(1, 2))):
        start = min(draw(places), len(raw))
        end = min(len(raw), start + draw(st.integers(0, 3)))
        change = draw(st.sampled_from(("replace", "step", "insert", "delete", "cut", "repeat")))
        if change == "replace":
            raw = raw[:start] + draw(st.binary(min_size=end - start, max_size=end - start)) + raw[end:]
        elif change == "step" and start < len(raw):  # where a length is, one more or one less
            raw = raw[:start] + bytes([(raw[start] + draw(st.sampled_from((1, -1)))) % 256]) + raw[start + 1 :]
        elif change == "insert":
            raw = raw[:start] + draw(st.binary(min_size=1, max_size=3)) + raw[start:]
        elif change == "delete":
            raw = raw[:start] + raw[end:]
        elif change == "cut":
            raw = raw[:start]
        else:
            raw = raw[:end] + raw[start:]
    return raw


def _is_within_limits(sent: Message) -> bool:
    """Say whether the items drawn are not too large for the lengths and ceilings around them."""
    try:
        sent.encode()
    except EncodeError:
        return False
    return not any(violation.rule in ("floor", "ceiling") for violation in sent.violations)


def _values(node: Node[Any], context: Context, fields: Fields) -> Strategy:
    """Return a strategy for the values of `node` in a message that has drawn `fields` so far."""
    return STRATEGIES[type(node)](node, context, fields)


@st.composite
def _messages(draw: st.DrawFn, schema: MessageStruct, context: Context, _: Fields) -> Message:
    fields: dict[str, Any] = {}
    ended = False
    for name, node in schema.fields:
        if isinstance(node, Length):
            continue
        value = None if ended else draw(_keys_for(schema, name, _values(node, context, fields)))
        ended = ended or (isinstance(node, IfMore) and value is None)
        fields[name] = value
    return schema.message(**fields)


def _keys_for(schema: MessageStruct, name: str, others: Strategy) -> Strategy:
    """Return a strategy for a field that may select others: what their tables have, `others` if allowed."""
    for node in schema.parts:
        for term in own_terms(node):
            if isinstance(term, Select) and term.key == name:
                known = st.sampled_from(sorted(term.table))
                return known if term.default is None else known | others
    return others


def _enumerated(node: Enumerated[Any], context: Context, fields: Fields) -> Strategy:
    codes = st.integers(0, 256**node.enum.SIZE - 1).map(node.enum.of)
    return st.sampled_from(list(node.enum.__members__.values())) | codes


def _opaque(node: Opaque, context: Context, fields: Fields) -> Strategy:
    return st.binary(min_size=node.floor, max_size=min(node.ceiling, node.floor + MOST_BYTES))


def _rest(node: Rest, context: Context, fields: Fields) -> Strategy:
    return st.binary(min_size=node.floor, max_size=node.floor + MOST_BYTES)


def _vector(node: Vector[Any], context: Context, fields: Fields) -> Strategy:
    least = -(-node.floor // node.item.minimum)
    most = max(least, min(node.ceiling // node.item.minimum, least + MOST_ITEMS))
    return st.lists(_values(node.item, context, fields), min_size=least, max_size=most).map(tuple)


def _list(node: ListToEnd[Any], context: Context, fields: Fields) -> Strategy:
    return st.lists(_values(node.subcon, context, fields), max_size=MOST_ITEMS).map(tuple)


def _wrapped(node: Window[Any] | SizedBy[Any], context: Context, fields: Fields) -> Strategy:
    return _values(node.subcon, context, fields)


def _if_more(node: IfMore[Any], context: Context, fields: Fields) -> Strategy:
    return st.none() | _values(node.subcon, context, fields)


def _select(node: Select, context: Context, fields: Fields) -> Strategy:
    key = getattr(context, node.key) if node.by_context else fields[node.key]
    if key is None:
        return st.binary(max_size=MOST_BYTES).map(lambda raw: Unresolved(raw, node.key, node))
    option = node.table.get(key, node.default)
    return st.nothing() if option is None else _values(option, context, fields)


def _tagged(node: Tagged, context: Context, fields: Fields) -> Strategy:
    table = node.table
    place = context.handshake_type if node.within is None else node.within
    codes = st.integers(0, 256**table.tag.size - 1).map(table.tag.enum.of)
    bodies = st.binary(max_size=MOST_BYTES)
    if place is None:
        items = st.builds(table.unknown, codes, bodies)
        return items.map(lambda item: Unresolved(node.encode(item), "handshake_type", node))
    known = table.at(place)
    unknown = st.builds(table.unknown, codes.filter(lambda code: code not in known), bodies)
    return st.one_of(unknown, *(_values(kind.SCHEMA, context, {}) for kind in known.values()))


STRATEGIES: dict[type[Node[Any]], Callable[[Any, Context, Fields], Strategy]] = {
    UInt: lambda node, context, fields: st.integers(0, 256**node.size - 1),
    Enumerated: _enumerated,
    Fixed: lambda node, context, fields: st.binary(min_size=node.size, max_size=node.size),
    Opaque: _opaque,
    Rest: _rest,
    Window: _wrapped,
    Vector: _vector,
    ListToEnd: _list,
    SizedBy: _wrapped,
    IfMore: _if_more,
    Select: _select,
    Tagged: _tagged,
    MessageStruct: _messages,
}
"""How values are made of each kind of node; a `Length` has none of its own."""
