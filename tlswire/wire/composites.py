"""The terms that hold other terms: windows, vectors, lists, lengths ahead of their data, optional tails.

A declaration that could not be decoded without doubt is refused when it is made: an item that may be empty
or has no end of its own, a tail behind something that already goes to the end.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO, TypeVar, overload

import construct  # type: ignore[import-untyped]

from tlswire.wire.nodes import Node, UInt, bounds, length_prefix, prefix_size
from tlswire.wire.stream import at_end, cannot_build, parse_step, parse_window

T = TypeVar("T")


def as_node(term: Node[T] | type[T]) -> Node[T]:
    """Return the node that `term` is, or the schema of the message class that it is.

    Raises TypeError for all else, construct's own classes among it: they are not strict.
    """
    node: Any = getattr(term, "SCHEMA", None) if isinstance(term, type) else term
    if not isinstance(node, Node):
        raise TypeError(f"{term!r} is neither a node of tlswire.wire nor a message class")
    return node


class Wrapper(Node[T], construct.Subconstruct):  # type: ignore[misc]
    """A node around one `term`, a node or message class."""

    def __init__(self, term: Node[Any] | type[Any]) -> None:
        construct.Subconstruct.__init__(self, as_node(term))

    @property
    def parts(self) -> tuple[Node[Any], ...]:
        return (self.subcon,)


class Window(Wrapper[T]):
    """A length and exactly that many bytes, which are one `term`; spare bytes refuse.

    Parameters: `prefix`, the length's type (UInt8, …); `term`, a node or message class.
    """

    def __init__(self, prefix: UInt, term: Node[T] | type[T]) -> None:
        super().__init__(term)
        self.prefix = prefix
        self.minimum = prefix.size + self.subcon.minimum

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> T:
        length = parse_step(self.prefix, stream, context, path, "length")
        value: T = parse_window(self.subcon, stream, length, context, path)
        return value

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        data = built(self.subcon, value, context, path)
        stream.write(length_prefix(data, self.prefix.size, path))
        stream.write(data)
        return value

    def describe(self, name: str = "") -> str:
        return f"{self.prefix.describe()} length; {self.subcon.describe(name)}"


class ListToEnd(Wrapper[tuple[T, ...]]):
    """Items of one type to the end of the structure around them."""

    is_open = True

    def __init__(self, item: Node[T] | type[T]) -> None:
        super().__init__(item)
        if self.subcon.is_open or not self.subcon.minimum:
            raise TypeError(f"{item!r} cannot be an item: it may be empty, or nothing tells its end")

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> tuple[T, ...]:
        items: list[T] = []
        while not at_end(stream):
            items.append(parse_step(self.subcon, stream, context, f"{path}[{len(items)}]"))
        return tuple(items)

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        if not isinstance(value, (tuple, list)):
            raise cannot_build(path, "a tuple", type(value).__name__)
        for index, item in enumerate(value):
            self.subcon._build(item, stream, context, f"{path}[{index}]")
        return value

    def describe(self, name: str = "") -> str:
        return f"{self.subcon.describe()} {name}[to the end]"


class Vector(Window[tuple[T, ...]]):
    """Items of one type behind their length in bytes: `T name<floor..ceiling>` (RFC 5246 §4.3).

    Parameters: `item`, a node or message class; `floor` and `ceiling`, in bytes; the ceiling decides the
    length's width.
    """

    def __init__(self, item: Node[T] | type[T], floor: int, ceiling: int) -> None:
        super().__init__(UInt(prefix_size(floor, ceiling)), ListToEnd(item))
        self.item: Node[T] = self.subcon.subcon
        self.floor = floor
        self.ceiling = ceiling

    def describe(self, name: str = "") -> str:
        return f"{self.item.describe()} {name}<{bounds(self.floor, self.ceiling)}>"


class Length(Node[int]):
    """A length that stands ahead of the field that it measures, with other fields between.

    It is on the wire and no field of the dataclass: written without annotation (`payload_length =
    Length(UInt16)`) and named by the field's `SizedBy("payload_length", …)`, it is computed when it is read
    or encoded, so that a message whose length and data disagree cannot be made.
    """

    sized_field: str
    sized_node: SizedBy[Any]

    def __init__(self, prefix: UInt) -> None:
        super().__init__()
        self.flagbuildnone = True
        self.prefix = prefix
        self.size: int = prefix.size
        self.minimum = prefix.size

    @overload
    def __get__(self, message: None, owner: type) -> Length: ...
    @overload
    def __get__(self, message: object, owner: type) -> int: ...
    def __get__(self, message: object | None, owner: type) -> Length | int:
        if message is None:
            return self
        return len(self.sized_node.subcon.encode(getattr(message, self.sized_field)))

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> int:
        return self.prefix._parse(stream, context, path)

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        path = f"{path.rpartition(' -> ')[0]} -> {self.sized_field}"
        data = built(self.sized_node.subcon, context[self.sized_field], context, path)
        stream.write(length_prefix(data, self.size, path))
        return len(data)

    def describe(self, name: str = "") -> str:
        return self.prefix.describe(name)


class SizedBy(Wrapper[T]):
    """One `term` of as many bytes as the `Length` named `length` said before (SSLv2 hello, Heartbeat)."""

    def __init__(self, length: str, term: Node[T] | type[T]) -> None:
        super().__init__(term)
        self.length = length
        self.minimum = self.subcon.minimum

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> T:
        value: T = parse_window(self.subcon, stream, context[self.length], context, path)
        return value

    def describe(self, name: str = "") -> str:
        return f"{self.subcon.describe(name).partition('[')[0]}[{self.length}]"


class IfMore(Wrapper[T | None]):
    """A tail that may be absent: None if the structure around it has ended."""

    is_open = True

    def __init__(self, term: Node[T] | type[T]) -> None:
        super().__init__(term)
        if not self.subcon.minimum:
            raise TypeError(f"{term!r} may be empty: absent and empty would look the same")

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> T | None:
        return None if at_end(stream) else self.subcon._parsereport(stream, context, path)

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        return value if value is None else self.subcon._build(value, stream, context, path)

    def describe(self, name: str = "") -> str:
        return f"select (more) {{ {self.subcon.describe(name)}; }}"


def built(node: Node[Any], value: Any, context: Any, path: str) -> bytes:
    """Return what `node` builds of `value`, apart from the stream."""
    stream = io.BytesIO()
    node._build(value, stream, context, path)
    return stream.getvalue()
