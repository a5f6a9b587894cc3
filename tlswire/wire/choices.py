"""The terms whose structure is chosen while decoding: by an earlier field, by the context, by a type code.

Tables are data, and open: what a user registers in a `Select` or a `TagTable` is decoded from then on. Since
a message is encoded without context, what the context chose must be told by the value's own class.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from tlswire.errors import DecodeError, DecodeErrorKind
from tlswire.values import Value, frozen
from tlswire.wire.composites import SizedBy, as_node, built
from tlswire.wire.context import CONTEXT_KEYS, Context, Unresolved, Violation
from tlswire.wire.nodes import Enumerated, Node, Rest, UInt, integer, length_prefix, octets
from tlswire.wire.stream import (
    MalformedError,
    SchemaError,
    cannot_build,
    dotted,
    offset,
    open_window,
    parse_step,
    parse_whole,
    reference,
)

if TYPE_CHECKING:
    from tlswire.wire.message import Message

M = TypeVar("M", bound="type[Message]")

REST = Rest()


class Select(Node[Any]):
    """One of several structures, by the value of `key`: `select (key)` of RFC 5246 §4.6.1.

    Parameters: `key`, "version", "handshake_type" or "key_exchange" for the context, else the name of an
    earlier field of the same message; `table`, from the key's values to nodes or message classes;
    `default`, for all other values (None: they are malformed). By the context, the structure goes to the
    end of what is around it and the options are message classes; without that context it is `Unresolved`.
    """

    def __init__(
        self,
        key: str,
        table: Mapping[Any, Node[Any] | type[Any]],
        default: Node[Any] | type[Any] | None = None,
    ) -> None:
        super().__init__()
        self.key = key
        self.table: dict[Any, Node[Any]] = {value: as_node(term) for value, term in table.items()}
        self.default = None if default is None else as_node(default)
        self.by_context = key in CONTEXT_KEYS
        self.is_open = self.by_context or any(option.is_open for option in self.options)
        self.minimum = min(option.minimum for option in self.options)
        if self.by_context:
            tuple(told_by_class(self))
        if any(names_fields(node) for option in self.options for node in own_terms(option)):
            raise TypeError(f"select ({key}): an option that names earlier fields must be a message")

    @property
    def options(self) -> tuple[Node[Any], ...]:
        """What can be selected."""
        return (*self.table.values(), *(() if self.default is None else (self.default,)))

    @property
    def parts(self) -> tuple[Node[Any], ...]:
        return self.options

    def register(self, *values: Any) -> Callable[[M], M]:
        """Return a class decorator that makes a message class the option for each of `values`.

        Raises TypeError if one has an option already, or if the class would change how a select is framed
        that declarations have been checked with: if it is the first that goes to the end, if it is shorter
        than any other, or if it could hold this select and so nest in itself.
        """

        def decorate(message: M) -> M:
            schema = message.SCHEMA
            if known := [value for value in values if value in self.table]:
                raise TypeError(f"select ({self.key}) has {known[0]!r} already")
            if (schema.is_open and not self.is_open) or schema.minimum < self.minimum:
                raise TypeError(f"{message.__name__} would change the frame of select ({self.key})")
            if self in reachable(schema):
                raise TypeError(f"{message.__name__} would nest in itself by way of select ({self.key})")
            self.table.update(dict.fromkeys(values, schema))
            return message

        return decorate

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> Any:
        value = (context._params if self.by_context else context).get(self.key)
        if value is None:
            return Unresolved(stream.read(), self.key, self)
        option = self.table.get(value, self.default)
        if option is None:
            where = dotted(path), offset(stream)
            error = DecodeError(DecodeErrorKind.malformed, *where, f"a known {self.key}", str(value))
            raise MalformedError(error, path)
        return option._parsereport(stream, context, path)

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        if self.by_context:
            if isinstance(value, Unresolved):
                return REST._build(value.raw, stream, context, path)
            option = next((option for option in self.options if fits(option, value)), None)
            if option is None:
                raise cannot_build(path, f"what some {self.key} selects", type(value).__name__)
        else:
            option = self.table.get(context[self.key], self.default)
            if option is None:
                raise cannot_build(path, f"nothing for this {self.key}", str(context[self.key]))
        return option._build(value, stream, context, path)

    def describe(self, name: str = "") -> str:
        cases = [f"case {value}: {option.describe()};" for value, option in self.table.items()]
        if self.default is not None:
            cases.append(f"default: {self.default.describe()};")
        return f"select ({self.key}) {{ {' '.join(cases)} }} {name}".rstrip()


@frozen
class UnknownBody(Value):
    """The item of a list of extensions whose type has no meaning in its place.

    Parameters: `type`, the code; `raw`, the body.
    """

    type: Any
    raw: bytes

    def encode(self) -> bytes:
        """Return the body."""
        return self.raw

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Nothing, as nothing is known of the body."""
        return ()


@frozen
class MalformedBody(Value):
    """The item of a list of extensions whose body is not what its type says.

    Parameters: `type`, the code; `raw`, the body; `error`, the DecodeError, with path and offset from the
    start of `raw`.
    """

    type: Any
    raw: bytes
    error: DecodeError

    def encode(self) -> bytes:
        """Return the body."""
        return self.raw

    @property
    def violations(self) -> tuple[Violation, ...]:
        """That the body is malformed, with the error as `actual`."""
        return (Violation(self.error.path, "malformed", self.error.expected, self.error),)


class TagTable:
    """An open table of what a type code means, place by place; `Tagged` decodes and encodes by it.

    Parameters: `name`, what an item is called in declarations ("Extension"); `tag` and `prefix`, the types
    of the code and of the length behind it; `unknown(type, raw)` and `malformed(type, raw, error)`, the
    classes of the objects for types that the place does not have and for bodies that do not decode. `error`
    is a DecodeError with path and offset from the start of `raw`.
    """

    def __init__(
        self,
        name: str,
        tag: Enumerated[Any],
        prefix: UInt,
        unknown: type[UnknownBody],
        malformed: type[MalformedBody],
    ) -> None:
        self.name = name
        self.tag = tag
        self.prefix = prefix
        self.unknown = unknown
        self.malformed = malformed
        self.places: dict[Hashable, dict[int, type[Message]]] = {}

    def register(self, tag: int, *places: Hashable) -> Callable[[M], M]:
        """Return a class decorator that makes a message class the meaning of `tag` in each of `places`.

        The class gets the code as its attribute `type`. Raises TypeError if a place has the code already,
        and if the message could hold items of this same table: how deep those nest would be the peer's
        choice.
        """
        code = self.tag.enum.of(tag)

        def decorate(message: M) -> M:
            if any(isinstance(node, Tagged) and node.table is self for node in reachable(message.SCHEMA)):
                raise TypeError(f"{message.__name__} would nest in itself by way of {self.name}")
            if vars(message).get("type", code) != code:
                raise TypeError(f"{message.__name__} is {message.type!r} already")  # type: ignore[attr-defined]
            for place in places:
                if (other := self.at(place).get(code)) is not None:
                    raise TypeError(f"{code!r} in {place!r} is {other.__name__} already")
            for place in places:
                self.at(place)[code] = message
            message.type = code  # type: ignore[attr-defined]
            return message

        return decorate

    def at(self, place: Hashable) -> dict[int, type[Message]]:
        """Return the classes by code of one place, in a dictionary that later registrations change."""
        return self.places.setdefault(place, {})

    def reread(self, message: type[Message], code: int, body: bytes, context: Context) -> Any:
        """Decode once more, with the reference, a `body` that is not of `message`, to learn why not."""
        value, error = reference(message.SCHEMA, body, context)
        return value if error is None else self.malformed(self.tag.enum.of(code), body, error)


class Tagged(Node[Any]):
    """A type code and a window with what that type is: one item of a list of extensions (RFC 5246 §7.4.1.4).

    It decodes to an object of the class that `table` has for the type; to the table's `unknown` if it has
    none, to its `malformed` if the body is not of that class. Parameters: `table`; `within`, the message in
    which it stands, or None for the context's `handshake_type` (without which the item is `Unresolved`).
    """

    def __init__(self, table: TagTable, within: Hashable = None) -> None:
        super().__init__()
        self.table = table
        self.within = within
        self.minimum = table.tag.minimum + table.prefix.minimum

    @property
    def parts(self) -> tuple[Node[Any], ...]:
        return tuple(message.SCHEMA for place in self.places() for message in place.values())

    def places(self) -> list[dict[int, type[Message]]]:
        """Return the classes by code of the places in which an item may stand."""
        return list(self.table.places.values()) if self.within is None else [self.table.at(self.within)]

    def takes(self, kind: type[Any]) -> bool:
        """Say whether an item may be of the message class `kind`."""
        code: Any = getattr(kind, "type", None)
        return any(place.get(code) is kind for place in self.places())

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> Any:
        table, start = self.table, stream.tell()
        place = context._params.get("handshake_type") if self.within is None else self.within
        tag = parse_step(table.tag, stream, context, path, "type")
        length = parse_step(table.prefix, stream, context, path, "length")
        message = None if place is None else table.at(place).get(tag)
        window = open_window(REST if message is None else message.SCHEMA, stream, length, context, path)
        if place is None:
            stream.seek(start)
            return Unresolved(stream.read(self.minimum + length), "handshake_type", self)
        body = window.getvalue()
        if message is None:
            return table.unknown(tag, body)
        try:
            return parse_whole(message.SCHEMA, window, context, path)
        except SchemaError as failure:
            return table.malformed(tag, body, seen_from(failure.error, dotted(path), window.base))

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        if isinstance(value, Unresolved):
            return REST._build(value.raw, stream, context, path)
        table, kind = self.table, type(value)
        if kind in (table.unknown, table.malformed):
            body = octets(value.raw, path)
        elif self.takes(kind):
            body = built(kind.SCHEMA, value, context, path)
        else:
            raise cannot_build(path, self._known(), kind.__name__)
        stream.write(integer(value.type, table.tag.size, path))
        stream.write(length_prefix(body, table.prefix.size, path))
        stream.write(body)
        return value

    def _known(self) -> str:
        return self.table.name if self.within is None else f"{self.table.name} of {self.within}"

    def describe(self, name: str = "") -> str:
        return f"{self.table.name} {name}".rstrip()


def reachable(node: Node[Any]) -> Iterator[Node[Any]]:
    """Yield `node` and every node that it is made of, each once."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting.extend(node.parts)


def own_terms(node: Node[Any]) -> Iterator[Node[Any]]:
    """Yield `node` and the nodes in it that see the same fields: those of other messages are left out."""
    yield node
    if not hasattr(node, "message") and not isinstance(node, Tagged):
        for part in node.parts:
            yield from own_terms(part)


def names_fields(node: Node[Any]) -> bool:
    """Say whether `node` refers to an earlier field of the message that it stands in."""
    return isinstance(node, SizedBy) or (isinstance(node, Select) and not node.by_context)


def told_by_class(select: Select) -> Iterator[Any]:
    """Yield the options of `select` and of those in it, each of which a value's class tells.

    Raises TypeError for an option that the class of a value does not tell: a value that the context chose
    when it was decoded has no context when it is encoded.
    """
    for option in select.options:
        if isinstance(option, Select) and option.by_context:
            yield from told_by_class(option)
        elif isinstance(option, Rest) or hasattr(option, "message"):
            yield option
        else:
            raise TypeError(f"select ({select.key}): the class of a value does not tell {option!r}")


def fits(option: Node[Any], value: object) -> bool:
    """Say whether `value` is of `option`, an option of a select by the context."""
    if isinstance(option, Select):
        return isinstance(value, Unresolved) or any(fits(inner, value) for inner in option.options)
    return isinstance(value, bytes if isinstance(option, Rest) else option.message)


def seen_from(error: DecodeError, path: str, base: int) -> DecodeError:
    """Return `error` as it is seen from the structure at `path` that begins at offset `base`."""
    inner = error.path.removeprefix(path).removeprefix(".")
    return DecodeError(error.kind, inner, error.offset - base, error.expected, error.actual)
