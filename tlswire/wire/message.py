"""Messages: typed dataclasses whose fields carry nodes, and the construct schema that a class makes of them.

`@message` reads the declaration once. It makes the class a frozen, slotted dataclass, its `SCHEMA` a real
`construct.Struct` that parses to the class and builds from it, and refuses, when the class is made,
whatever could not be decoded without doubt.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from tlswire.values import Value, frozen
from tlswire.wire.choices import Select, names_fields, own_terms
from tlswire.wire.composites import IfMore, Length, SizedBy, as_node
from tlswire.wire.context import NO_CONTEXT, Context, Violation
from tlswire.wire.decoder import DECODED
from tlswire.wire.encoder import ENCODED
from tlswire.wire.nodes import Enumerated, Fixed, Node, Opaque, UInt
from tlswire.wire.spans import Span, spans
from tlswire.wire.structure import MessageStruct
from tlswire.wire.violations import violations

T = TypeVar("T")
M = TypeVar("M", bound="Message")

_NODE = "tlswire.wire"


def wire(term: Node[T] | type[T], *, default: Any = dataclasses.MISSING) -> T:
    """Declare a field of a message: `random: bytes = wire(Fixed(32))`.

    Parameters: `term`, a node or message class; `default`, the value when none is given to the constructor.
    """
    field: Any = dataclasses.field(default=default, metadata={_NODE: as_node(term)})
    return field  # type: ignore[no-any-return]


class Message(Value):
    """The base of all messages; `@message` makes a subclass one."""

    __slots__ = ()

    SCHEMA: ClassVar[MessageStruct]
    """The declaration as a `construct.Struct` that parses to this class and builds from it.

    `SCHEMA.parse(raw, version=…, handshake_type=…, key_exchange=…)` takes the context as keywords and raises
    construct's errors.
    """

    has_rules: ClassVar[bool] = False
    """Whether the class has rules of its own (`_violations`)."""

    def __init_subclass__(cls) -> None:
        cls.has_rules = cls._violations is not Message._violations

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

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What a specification forbids and decoding accepted, in the order of the fields.

        Raises EncodeError if the message cannot be encoded.
        """
        found = tuple(violations(self))
        return (*found, *self._violations()) if self.has_rules else found

    def _violations(self) -> Iterator[Violation]:
        """Yield what the specification forbids beyond floors, ceilings and unknown codes; for subclasses."""
        yield from ()

    @classmethod
    def spans(cls, raw: bytes, context: Context = NO_CONTEXT) -> tuple[Span, ...]:
        """Return which bytes of `raw` are which field, in order and without holes.

        Never raises for what the bytes are: what does not decode is a span too, and the innermost one where
        it went wrong has the DecodeError as `error`.
        """
        return spans(cls.SCHEMA, raw, context)

    def __repr__(self) -> str:
        values = (f"{name}={short(getattr(self, name))}" for name in self.SCHEMA.values)
        return f"{type(self).__name__}({', '.join(values)})"


@dataclass_transform(frozen_default=True, field_specifiers=(wire,))
def message(cls: type[M]) -> type[M]:
    """Make a subclass of `Message` whose fields are declared with `wire` a frozen, slotted dataclass with a
    schema.

    Raises TypeError for a declaration that could not be decoded without doubt.
    """
    if not issubclass(cls, Message):
        raise TypeError(f"{cls.__name__} is no subclass of Message")
    if hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__}.__post_init__ would not run when a message is decoded")
    fields = list(_declared(cls))
    made = frozen(cls)
    _keep_super_working(cls, made)
    undeclared: set[str] = set(made.__slots__) - {name for name, _ in fields}
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
    """Raise TypeError if the fields cannot be decoded without doubt; tell each length what it measures."""
    lengths: dict[str, Length] = {}
    keys: set[str] = set()
    open_field = None
    for name, node in fields:
        if open_field is not None and not (isinstance(node, IfMore) and isinstance(open_field, IfMore)):
            raise TypeError(f"{owner}.{name} follows a field that goes to the end")
        for term in own_terms(node):
            if type(term) not in DECODED or type(term) not in ENCODED:
                raise TypeError(f"{owner}.{name}: no code can be generated for {type(term).__name__}")
            if isinstance(term, Select) and not term.by_context and term.key not in keys:
                raise TypeError(f"{owner}.{name}: {term.key} is no earlier number or bytes")
            if isinstance(term, SizedBy):
                if term.length not in lengths or term is not node:
                    raise TypeError(f"{owner}.{name}: {term.length} is no earlier Length of its own")
                if any(names_fields(part) for part in own_terms(term.subcon)):
                    raise TypeError(f"{owner}.{name}: what names earlier fields must be a message")
                length = lengths.pop(term.length)
                length.sized_field, length.sized_node = name, term
        if isinstance(node, Length):
            lengths[name] = node
        open_field = node if node.is_open else None
        if isinstance(node, (UInt, Enumerated, Fixed, Opaque)):
            keys.add(name)
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


def short(value: object) -> str:
    """Return the repr of a field's value, with long bytes and long lists cut."""
    if isinstance(value, bytes) and len(value) > 32:
        return f"<{len(value)} bytes: {value[:16].hex()}…>"
    if isinstance(value, tuple):
        items = [short(item) for item in value[:24]]
        if len(value) > 24:
            items.append(f"<{len(value) - 24} more>")
        return f"({', '.join(items)}{',' if len(value) == 1 else ''})"
    return repr(value)
