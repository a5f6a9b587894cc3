"""Messages: typed dataclasses whose fields carry nodes, and the construct schema that a class makes of them.

`@message` reads the declaration once.  It makes the class a frozen, slotted dataclass, its `SCHEMA` a real
`construct.Struct` that parses to the class and builds from it, and refuses, when the class is made,
whatever could not be decoded without doubt.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, ClassVar, Self, TypeVar, dataclass_transform

import construct  # type: ignore[import-untyped]

from tlswire.wire.choices import Select, own_terms
from tlswire.wire.composites import IfMore, Length, SizedBy, as_node
from tlswire.wire.context import NO_CONTEXT, Context, Violation
from tlswire.wire.nodes import Node
from tlswire.wire.stream import cannot_build, finish, parse_step

T = TypeVar("T")
M = TypeVar("M", bound="Message")

_NODE = "tlswire.wire"


def wire(term: Node[T] | type[T], *, default: Any = dataclasses.MISSING) -> T:
    """Declare a field of a message: `random: bytes = wire(Fixed(32))`.

    Parameters: `term`, a node or message class; `default`, the value when none is given to the constructor.
    """
    field: Any = dataclasses.field(default=default, metadata={_NODE: as_node(term)})
    return field  # type: ignore[no-any-return]


class Message:
    """The base of all messages; `@message` makes a subclass one."""

    __slots__ = ()

    SCHEMA: ClassVar[MessageStruct]
    """The declaration as a `construct.Struct` that parses to this class and builds from it.

    `SCHEMA.parse(raw, version=…, handshake_type=…, key_exchange=…)` takes the context as keywords and raises
    construct's errors.
    """

    @classmethod
    def decode(cls, raw: bytes, context: Context = NO_CONTEXT) -> Self:
        """Decode the whole of `raw`, one message of this class.

        Parameters: `context`, what the bytes do not tell. Raises DecodeError, whose path and offset (in
        bytes from the start of `raw`) tell where decoding stopped.
        """
        value: Self = cls.SCHEMA.decode(raw, context)
        return value

    def encode(self) -> bytes:
        """Return the message's bytes; raises EncodeError, whose path tells what cannot be written."""
        return self.SCHEMA.encode(self)

    def _violations(self) -> Iterator[Violation]:
        """Yield what the specification forbids beyond floors, ceilings and unknown codes; for subclasses."""
        yield from ()


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
        self.parts = tuple(node for _, node in self.fields)
        self.minimum = sum(0 if isinstance(node, IfMore) else node.minimum for node in self.parts)
        sizes = [node.size for node in self.parts]
        self.size = None if None in sizes else self.minimum
        self.is_open = any(node.is_open for node in self.parts)
        self.values = tuple(name for name, node in self.fields if not isinstance(node, Length))

    def parse(self, data: bytes, **contextkw: Any) -> Any:
        return Whole(self).parse(data, **contextkw)

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> Any:
        container = construct.Struct._parse(self, stream, context, path)
        return self.message(*(container[name] for name in self.values))

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        if not isinstance(value, dict):
            if not isinstance(value, self.message):
                raise cannot_build(path, self.message.__name__, type(value).__name__)
            value = {name: getattr(value, name) for name in self.values}
        tail = [name for name, node in self.fields if isinstance(node, IfMore)]
        for before, name in zip(tail, tail[1:], strict=False):
            if value[before] is None and value[name] is not None:
                raise cannot_build(f"{path} -> {name}", f"nothing, as {before} is absent", "a value")
        return construct.Struct._build(self, value, stream, context, path)

    def _emitparse(self, code: Any) -> str:
        raise NotImplementedError  # construct's compiler then calls _parse; its own code would make no message

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


@dataclass_transform(frozen_default=True, field_specifiers=(wire,))
def message(cls: type[M]) -> type[M]:
    """Make a subclass of `Message` whose fields are declared with `wire` a frozen, slotted dataclass with a
    schema.

    Raises TypeError for a declaration that could not be decoded without doubt.
    """
    if not issubclass(cls, Message):
        raise TypeError(f"{cls.__name__} is no subclass of Message")
    fields = list(_declared(cls))
    made = dataclasses.dataclass(frozen=True, slots=True, repr=False)(cls)
    _keep_super_working(cls, made)
    undeclared = {field.name for field in dataclasses.fields(made)} - {name for name, _ in fields}
    if undeclared:
        raise TypeError(f"{cls.__name__}: {', '.join(sorted(undeclared))} not declared with wire()")
    _check(cls.__name__, fields)
    made.SCHEMA = MessageStruct(made, fields)
    return made


def _declared(cls: type[Message]) -> Iterator[tuple[str, Node[Any]]]:
    """Yield the fields on the wire in their order: those of the message class below, then the class's own."""
    inherited = getattr(cls, "SCHEMA", None)
    if inherited is not None:
        yield from inherited.fields
    for name, value in vars(cls).items():
        if isinstance(value, dataclasses.Field) and _NODE in value.metadata:
            yield name, value.metadata[_NODE]
        elif isinstance(value, Length):
            yield name, value


def _check(owner: str, fields: list[tuple[str, Node[Any]]]) -> None:
    """Raise TypeError if the fields cannot be decoded, one after the other, without doubt; join lengths to data."""
    lengths: dict[str, Length] = {}
    before: list[str] = []
    open_field = None
    for name, node in fields:
        if open_field is not None and not (isinstance(node, IfMore) and isinstance(open_field, IfMore)):
            raise TypeError(f"{owner}.{name} follows a field that goes to the end")
        for term in own_terms(node):
            if isinstance(term, Select) and not term.by_context and term.key not in before:
                raise TypeError(f"{owner}.{name}: {term.key} is no earlier field")
            if isinstance(term, SizedBy):
                if term.length not in lengths or term is not node:
                    raise TypeError(f"{owner}.{name}: {term.length} is no earlier Length of its own")
                length = lengths.pop(term.length)
                length.sized_field, length.sized_node = name, term
        if isinstance(node, Length):
            lengths[name] = node
        open_field = node if node.is_open else None
        before.append(name)
    if lengths:
        raise TypeError(f"{owner}: {', '.join(lengths)} measures no field")


def _keep_super_working(cls: type, made: type) -> None:
    """Let zero-argument `super()` in the methods of `cls` find `made`, the class that slots=True put in its
    place.

    Python 3.14 does that itself; before, the methods' `__class__` cell keeps the class without slots.
    """
    for value in vars(made).values():
        for function in (value, getattr(value, "__func__", None), getattr(value, "fget", None)):
            if isinstance(function, types.FunctionType):
                for cell in function.__closure__ or ():
                    if cell.cell_contents is cls:
                        cell.cell_contents = made


