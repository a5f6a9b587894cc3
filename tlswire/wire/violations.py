"""Violations: what the grammar forbids of a value that decoding accepted.

Floors, ceilings and unknown codes follow from the declaration; a message class may add rules of its own. What
is an object of its own (a message, an item of a list of extensions) answers for itself. Nothing is looked at
that cannot be wrong, a vector's bytes are counted only where the number of its items does not decide, and
paths are put together only for what is found: nearly every message is as it should be.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tlswire.wire.choices import Select, Tagged
from tlswire.wire.composites import IfMore, ListToEnd, SizedBy, Vector, Window
from tlswire.wire.context import Violation
from tlswire.wire.nodes import Enumerated, Node, Opaque, Rest
from tlswire.wire.structure import MessageStruct

# What a rule takes: the node, the value, the message around; what it gives: paths begin at the value.
Rule = Callable[[Any, Any, Any], Iterable[Violation]]


def violations(message: Any) -> Iterator[Violation]:
    """Yield the violations of a message's fields, in their order.

    Raises EncodeError if a vector must be measured and cannot be encoded.
    """
    for name, node, rule in _suspects(message.SCHEMA):
        for violation in rule(node, getattr(message, name), message):
            yield violation.under(name)


@functools.cache
def may_violate(node: Node[Any]) -> bool:
    """Say whether any value of `node` that fits its length is a violation."""
    if isinstance(node, (Opaque, Vector)) and (node.floor > 0 or node.ceiling < 256**node.prefix.size - 1):
        return True
    if isinstance(node, Rest):
        return node.floor > 0
    if isinstance(node, (Window, ListToEnd, SizedBy, IfMore)):
        return may_violate(node.subcon)
    if isinstance(node, MessageStruct):
        return node.message.has_rules or any(may_violate(field) for field in node.parts)
    return isinstance(node, (Enumerated, Select, Tagged))


@functools.cache
def _suspects(schema: MessageStruct) -> tuple[tuple[str, Node[Any], Rule], ...]:
    """Return the fields that may violate something, each with the rule of its kind of node."""
    return tuple((name, node, _rule(node)) for name, node in schema.fields if may_violate(node))


def _rule(node: Node[Any]) -> Rule:
    return _RULES.get(type(node), _object)


def _object(node: Node[Any], value: Any, message: Any) -> Iterable[Violation]:
    found: Iterable[Violation] = value.violations
    return found


def _enumerated(node: Enumerated[Any], value: Any, message: Any) -> Iterable[Violation]:
    if value in node.enum.BY_CODE:  # which has the GREASE codes too: nothing is wrong with sending those
        return ()
    return (Violation("", "unknown", node.enum.__name__, value),)


def _octets(node: Opaque | Rest, value: bytes, message: Any) -> Iterable[Violation]:
    return _bounds(len(value), node.floor, node.ceiling if isinstance(node, Opaque) else None)


def _wrapped(node: Window[Any] | SizedBy[Any] | IfMore[Any], value: Any, message: Any) -> Iterable[Violation]:
    return _rule(node.subcon)(node.subcon, value, message)


def _list(node: ListToEnd[Any], value: Any, message: Any) -> Iterator[Violation]:
    item_node = node.subcon
    if not may_violate(item_node):
        return
    if isinstance(item_node, Enumerated) and all(map(item_node.enum.BY_CODE.__contains__, value)):
        return
    rule = _rule(item_node)
    for index, item in enumerate(value):
        for violation in rule(item_node, item, message):
            yield violation.under(f"[{index}]")


def _vector(node: Vector[Any], value: Any, message: Any) -> Iterator[Violation]:
    least = len(value) * node.item.minimum
    if least < node.floor or node.ceiling < 256**node.prefix.size - 1:
        measured = least if node.item.size is not None else len(node.subcon.encode(value))
        yield from _bounds(measured, node.floor, node.ceiling)
    yield from _list(node.subcon, value, message)


def _if_more(node: IfMore[Any], value: Any, message: Any) -> Iterable[Violation]:
    return () if value is None else _wrapped(node, value, message)


def _select(node: Select, value: Any, message: Any) -> Iterable[Violation]:
    if node.by_context:  # the value is a message, Unresolved, or bytes of which nothing is known
        found: Iterable[Violation] = getattr(value, "violations", ())
        return found
    option = node.table.get(getattr(message, node.key), node.default)
    return _rule(option)(option, value, message) if option is not None and may_violate(option) else ()


def _bounds(length: int, floor: int, ceiling: int | None) -> Iterable[Violation]:
    if length < floor:
        return (Violation("", "floor", floor, length),)
    if ceiling is not None and length > ceiling:
        return (Violation("", "ceiling", ceiling, length),)
    return ()


_RULES: dict[type[Node[Any]], Rule] = {
    Enumerated: _enumerated,
    Opaque: _octets,
    Rest: _octets,
    Window: _wrapped,
    SizedBy: _wrapped,
    ListToEnd: _list,
    Vector: _vector,
    IfMore: _if_more,
    Select: _select,
}
