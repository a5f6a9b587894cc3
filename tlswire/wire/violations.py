"""Violations: what the grammar forbids of a value that decoding accepted.

Floors, ceilings and unknown codes follow from the declaration; a message class may add rules of its own.
What is an object of its own (a message, an item of a list of extensions) answers for itself. Nothing is
looked at that cannot be wrong, and a vector's bytes are counted only where the number of its items does not
decide.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from tlswire.wire.choices import Select, Tagged
from tlswire.wire.composites import IfMore, ListToEnd, SizedBy, Vector, Window
from tlswire.wire.context import Violation
from tlswire.wire.nodes import Enumerated, Node, Opaque, Rest
from tlswire.wire.structure import MessageStruct


def violations(message: Any) -> Iterator[Violation]:
    """Yield the violations of a message's fields, in their order.

    Raises EncodeError if a vector must be measured and cannot be encoded.
    """
    for name, node in message.SCHEMA.fields:
        if may_violate(node):
            yield from _of(node, getattr(message, name), name, message)


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


def _of(node: Node[Any], value: Any, path: str, message: Any) -> Iterator[Violation]:
    rule = _RULES.get(type(node))
    if rule is not None:
        yield from rule(node, value, path, message)
    else:
        for violation in value.violations:
            yield violation.under(path)


def _enumerated(node: Enumerated[Any], value: Any, path: str, message: Any) -> Iterator[Violation]:
    if value not in node.enum.BY_CODE:  # which has the GREASE codes too: nothing is wrong with sending those
        yield Violation(path, "unknown", node.enum.__name__, value)


def _octets(node: Opaque | Rest, value: bytes, path: str, message: Any) -> Iterator[Violation]:
    yield from _bounds(path, len(value), node.floor, getattr(node, "ceiling", None))


def _window(node: Window[Any] | SizedBy[Any], value: Any, path: str, message: Any) -> Iterator[Violation]:
    yield from _of(node.subcon, value, path, message)


def _list(node: ListToEnd[Any], value: Any, path: str, message: Any) -> Iterator[Violation]:
    if may_violate(node.subcon):
        for index, item in enumerate(value):
            yield from _of(node.subcon, item, f"{path}[{index}]", message)


def _vector(node: Vector[Any], value: Any, path: str, message: Any) -> Iterator[Violation]:
    least = len(value) * node.item.minimum
    if least < node.floor or node.ceiling < 256**node.prefix.size - 1:
        measured = least if node.item.size is not None else len(node.subcon.encode(value))
        yield from _bounds(path, measured, node.floor, node.ceiling)
    yield from _list(node.subcon, value, path, message)


def _if_more(node: IfMore[Any], value: Any, path: str, message: Any) -> Iterator[Violation]:
    if value is not None:
        yield from _of(node.subcon, value, path, message)


def _select(node: Select, value: Any, path: str, message: Any) -> Iterator[Violation]:
    if node.by_context:  # the value is a message, Unresolved, or bytes of which nothing is known
        for violation in getattr(value, "violations", ()):
            yield violation.under(path)
    else:
        option = node.table.get(getattr(message, node.key), node.default)
        if option is not None and may_violate(option):
            yield from _of(option, value, path, message)


def _bounds(path: str, length: int, floor: int, ceiling: int | None) -> Iterator[Violation]:
    if length < floor:
        yield Violation(path, "floor", floor, length)
    if ceiling is not None and length > ceiling:
        yield Violation(path, "ceiling", ceiling, length)


_RULES: dict[type[Node[Any]], Callable[[Any, Any, str, Any], Iterator[Violation]]] = {
    Enumerated: _enumerated,
    Opaque: _octets,
    Rest: _octets,
    Window: _window,
    SizedBy: _window,
    ListToEnd: _list,
    Vector: _vector,
    IfMore: _if_more,
    Select: _select,
}
