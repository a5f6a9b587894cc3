"""The schema of a message class: a real `construct.Struct`, which can be part of anyone's own constructs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

import construct  # type: ignore[import-untyped]

from tlswire.wire.composites import IfMore, Length
from tlswire.wire.nodes import Node
from tlswire.wire.stream import cannot_build, finish, parse_step

if TYPE_CHECKING:
    from tlswire.wire.message import Message


class Field(construct.Renamed):  # type: ignore[misc]
    """A named field of a schema."""

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> Any:
        return parse_step(self.subcon, stream, context, f"{path} -> {self.name}")


class MessageStruct(Node[Any], construct.Struct):  # type: ignore[misc]
    """The schema of one message class: a `construct.Struct` that parses to it and builds from it.

    `parse` takes whole messages: bytes left over are an error, unlike in construct; `parse_stream`, and a
    schema that is part of another construct, leave what follows.
    """

    def __init__(self, message: type[Message], fields: Iterable[tuple[str, Node[Any]]]) -> None:
        self.fields = tuple(fields)
        construct.Struct.__init__(self, *(Field(node, name) for name, node in self.fields))
        self.message = message
        nodes = self.parts
        self.minimum = sum(0 if isinstance(node, IfMore) else node.minimum for node in nodes)
        sizes = [node.size for node in nodes]
        self.size = None if None in sizes else self.minimum
        self.is_open = any(node.is_open for node in nodes)
        self.values = tuple(name for name, node in self.fields if not isinstance(node, Length))

    @property
    def parts(self) -> tuple[Node[Any], ...]:
        return tuple(node for _, node in self.fields)

    def parse(self, data: bytes, **contextkw: Any) -> Any:
        return Whole(self).parse(data, **contextkw)

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> Any:
        container = construct.Struct._parse(self, stream, context, path)
        return self.message(*(container[name] for name in self.values))

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        if not isinstance(value, self.message):
            raise cannot_build(path, self.message.__name__, type(value).__name__)
        value = {name: getattr(value, name) for name in self.values}
        tail = [name for name, node in self.fields if isinstance(node, IfMore)]
        for before, name in itertools.pairwise(tail):
            if value[before] is None and value[name] is not None:
                raise cannot_build(f"{path} -> {name}", f"nothing, as {before} is absent", "a value")
        return construct.Struct._build(self, value, stream, context, path)

    def _emitparse(self, code: Any) -> str:
        raise NotImplementedError  # so that construct's compiler calls _parse

    def _emitbuild(self, code: Any) -> str:
        raise NotImplementedError

    def describe(self, name: str = "") -> str:
        return f"{self.message.__name__} {name}".rstrip()

    def definition(self) -> str:
        """Return the `struct` of the presentation language of RFC 5246 §4.5 that declares the message."""
        lines = [f"    {node.describe(name)};" for name, node in self.fields]
        return "\n".join(["struct {", *lines, f"}} {self.message.__name__};"])


class Whole(construct.Subconstruct):  # type: ignore[misc]
    """`subcon` and then the end of the stream."""

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> Any:
        value = self.subcon._parsereport(stream, context, path)
        finish(stream, path)
        return value
