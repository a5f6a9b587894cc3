"""The generated decoder: Python source for one declaration, straight-line, as one would write it by hand.

It answers for what is well formed and only gives up (`Refused`, IndexError, struct.error) on all else; the
reference, the interpreted schema, then says what is wrong and where. So there is one place that knows
errors, and what has to hold, and is tested, is that both accept the same bytes and make the same values of
them.

What makes it fast:
- Runs of fields of fixed size, also those of messages within messages, are one `struct` call.
- Positions only grow. A field that oversteps its window leaves the position behind the window's end, so one
  comparison at the end of each window finds any overrun: most fields need no check of their own. (Slices
  never fail, `struct` and indexing do where the bytes end; loops never begin beyond their window.)
- Objects are made by `object.__new__` and the slots' own setters: half the time of a frozen dataclass's
`__init__`.

A decoder is called with (raw, position, end, context) and returns the value and the position behind it,
which the caller compares with the end of its window.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tlswire.wire.choices import Select, Tagged
from tlswire.wire.composites import IfMore, Length, ListToEnd, SizedBy, Vector, Window
from tlswire.wire.context import Unresolved
from tlswire.wire.nodes import Decoder, Enumerated, Fixed, Node, Opaque, Rest, UInt
from tlswire.wire.source import DECODER_REFUSALS, Source
from tlswire.wire.structure import MessageStruct

_CODES = {1: "B", 2: "H", 4: "I"}


def generate(node: Node[Any]) -> Decoder:
    """Return the decoder of `node`; raises TypeError for a kind of node that is not known here."""
    source = Source("decode", "raw", "position", "end", "context")
    writer = DecoderWriter(source)
    value = writer.read(node, "value")
    writer.settle()
    source.add(f"return {value}, position")
    return source.compile()


class DecoderWriter:
    """Writes the statements that decode one node after the other.

    `read` returns the name of the variable that holds the value once `flush` has been called: fields of
    fixed size are held back until a run of them ends. The code's `position` then lags `ahead` bytes behind.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.end = "end"
        self.fields: dict[str, str] = {}
        self._ahead = 0
        self._run: list[tuple[str, str]] = []
        self._conversions: list[str] = []

    def read(self, node: Node[Any], hint: str) -> str:
        """Write what decodes `node`; return the variable with its value."""
        return DECODED[type(node)](self, node, hint)

    # Positions and runs

    def fixed(self, code: str, hint: str) -> str:
        """Hold back one item of the `struct` language; return the variable that will have it."""
        variable = self.source.local(hint)
        self._run.append((code, variable))
        return variable

    def integer(self, size: int, hint: str) -> str:
        if size in _CODES:
            return self.fixed(_CODES[size], hint)
        high, low = self.fixed("B", f"{hint}_high"), self.fixed("H", f"{hint}_low")
        variable = self.source.local(hint)
        self._conversions.append(f"{variable} = {high} << 16 | {low}")
        return variable

    def flush(self) -> None:
        """Write the run of fixed fields that was held back."""
        if self._run:
            codes = "".join(code for code, _ in self._run)
            variables = ", ".join(variable for _, variable in self._run)
            if codes == "B":
                self.source.add(f"{variables} = raw[{self.here}]")
            else:
                unpack = self.source.constant(f"unpack_{codes}", unpacker(codes))
                comma = "," if len(self._run) == 1 else ""
                self.source.add(f"{variables}{comma} = {unpack}(raw, {self.here})")
            self._ahead += struct.calcsize(f">{codes}")
            self._run = []
        self.source.add(*self._conversions)
        self._conversions = []

    @property
    def here(self) -> str:
        return f"position + {self._ahead}" if self._ahead else "position"

    def settle(self) -> None:
        """Write what is held back and bring `position` up to date."""
        self.flush()
        if self._ahead:
            self.source.add(f"position += {self._ahead}")
            self._ahead = 0

    def refuse_if(self, condition: str) -> None:
        with self.source.block(f"if {condition}:"):
            self.source.add("raise Refused")

    def slice(self, length: str, hint: str) -> str:
        """Write a slice of the next `length` bytes."""
        self.flush()
        variable, start = self.source.local(hint), self.source.local(f"{hint}_start")
        self.source.add(
            f"{start} = {self.here}", f"position = {start} + {length}", f"{variable} = raw[{start}:position]"
        )
        self._ahead = 0
        return variable

    def window(self, length: str, node: Node[Any], hint: str) -> str:
        """Write what decodes `node` in a window of the next `length` bytes."""
        if type(node) is Rest:
            return self.slice(length, hint)
        self.settle()
        outer, self.end = self.end, self.source.local(f"{hint}_end")
        self.source.add(f"{self.end} = position + {length}")
        self.refuse_if(f"{self.end} > {outer}")  # what loops or calls must not do so in vain
        if type(node) is ListToEnd and type(node.subcon) in _ROWS:
            value = self.row(node.subcon, hint)
        else:
            value = self.read(node, hint)
            self.settle()
            self.refuse_if(f"position != {self.end}")
        self.end = outer
        return value

    def construct(self, kind: type[Any], values: dict[str, str], hint: str) -> str:
        """Write what makes an object of the frozen, slotted class `kind`."""
        if not values:  # all such objects are equal, so one will do
            return self.source.constant(hint, kind())
        variable = self.source.local(hint)
        new = self.source.constant("new", object.__new__)
        self.source.add(f"{variable} = {new}({self.source.constant(kind.__name__, kind)})")
        for name, value in values.items():
            setter = self.source.constant(f"set_{name}", getattr(kind, name).__set__)
            self.source.add(f"{setter}({variable}, {value})")
        return variable

    # One method a kind of node

    def uint(self, node: UInt, hint: str) -> str:
        return self.integer(node.size, hint)

    def enumerated(self, node: Enumerated[Any], hint: str) -> str:
        code, variable = self.integer(node.size, f"{hint}_code"), self.source.local(hint)
        self._conversions.append(f"{variable} = {self.codes(node)}[{code}]")
        return variable

    def codes(self, node: Enumerated[Any]) -> str:
        return self.source.constant(f"{node.enum.__name__}_codes", node.enum.BY_CODE)

    def fixed_bytes(self, node: Fixed, hint: str) -> str:
        return self.fixed(f"{node.size}s", hint)

    def opaque(self, node: Opaque, hint: str) -> str:
        return self.slice(self.integer(node.prefix.size, f"{hint}_length"), hint)

    def rest(self, node: Rest, hint: str) -> str:
        self.settle()
        self.refuse_if(f"position > {self.end}")  # else the overrun would be forgotten here
        variable = self.source.local(hint)
        self.source.add(f"{variable} = raw[position:{self.end}]", f"position = {self.end}")
        return variable

    def prefixed(self, node: Window[Any], hint: str) -> str:
        length = self.integer(node.prefix.size, f"{hint}_length")
        return self.window(length, node.subcon, hint)

    def length(self, node: Length, hint: str) -> str:
        return self.integer(node.size, hint)

    def sized(self, node: SizedBy[Any], hint: str) -> str:
        return self.window(self.fields[node.length], node.subcon, hint)

    def list_to_end(self, node: ListToEnd[Any], hint: str) -> str:
        self.settle()
        item = node.subcon
        if type(item) in _ROWS:
            self.refuse_if(f"position > {self.end}")
            return self.row(item, hint)
        variable, items = self.source.local(hint), self.source.local("items")
        self.source.add(f"{items} = []")
        with self.source.block(f"while position < {self.end}:"):
            value = self.read(item, "item")
            self.settle()
            self.source.add(f"{items}.append({value})")
        self.source.add(f"{variable} = tuple({items})")
        return variable

    def row(self, item: UInt | Enumerated[Any] | Fixed, hint: str) -> str:
        """Write what makes the tuple of items of fixed size from `position` to the end of the window."""
        size, starts = item.size, f"range(position, {self.end}, {item.size})"
        if size > 1:
            self.refuse_if(f"({self.end} - position) % {size}")
        if isinstance(item, Fixed):
            items = f"[raw[start:start + {size}] for start in {starts}]"
        elif size == 1:
            items = f"raw[position:{self.end}]"
        elif size == 3:
            items = f"[raw[start] << 16 | raw[start + 1] << 8 | raw[start + 2] for start in {starts}]"
        else:
            runs = self.source.constant(f"unpack_{_CODES[size]}s", runs_of(_CODES[size]))
            items = f"{runs}[({self.end} - position) // {size}](raw, position)"
        if isinstance(item, Enumerated):
            member = self.source.constant(f"{item.enum.__name__}_of", item.enum.BY_CODE.__getitem__)
            items = f"map({member}, {items})"
        variable = self.source.local(hint)
        self.source.add(f"{variable} = tuple({items})", f"position = {self.end}")
        return variable

    def if_more(self, node: IfMore[Any], hint: str) -> str:
        self.settle()
        with self.source.block(f"if position < {self.end}:"):
            value = self.read(node.subcon, hint)
            self.settle()
        with self.source.block("else:"):
            self.source.add(f"{value} = None")
        return value

    def select(self, node: Select, hint: str) -> str:
        self.settle()
        variable, option = self.source.local(hint), self.source.local("option")
        key = f"context.{node.key}" if node.by_context else self.fields[node.key]
        with ExitStack() as otherwise:
            if node.by_context:
                with self.source.block(f"if {key} is None:"):
                    self.refuse_if(f"position > {self.end}")
                    self.source.add(f"{variable} = {self.unresolved(node, 'position', self.end, node.key)}")
                    self.source.add(f"position = {self.end}")
                otherwise.enter_context(self.source.block("else:"))
            table = self.source.constant(f"by_{node.key}", node.table)
            default = self.source.constant("default", node.default)
            self.source.add(f"{option} = {table}.get({key}, {default})")
            if node.default is None:
                self.refuse_if(f"{option} is None")
            self.source.add(f"{variable}, position = {option}.read(raw, position, {self.end}, context)")
        return variable

    def unresolved(self, node: Node[Any], start: str, end: str, needs: str) -> str:
        """Return the expression that keeps the bytes of `node` until it can be told what they are."""
        kind, this = self.source.constant("Unresolved", Unresolved), self.source.constant("this", node)
        return f"{kind}(raw[{start}:{end}], {needs!r}, {this})"

    def tagged(self, node: Tagged, hint: str) -> str:
        self.settle()
        table, add = node.table, self.source.add
        first, variable, start, message, stop = map(self.source.local, ("first", hint, "start", "message", "stop"))
        if node.within is None:
            add(f"{first} = position")
        code = self.integer(table.tag.size, "code")
        length = self.integer(table.prefix.size, "length")
        self.flush()
        add(f"{start} = {self.here}", f"position = {start} + {length}")
        self._ahead = 0
        self.refuse_if(f"position > {self.end}")
        with ExitStack() as otherwise:
            if node.within is None:
                with self.source.block("if context.handshake_type is None:"):
                    add(f"{variable} = {self.unresolved(node, first, 'position', 'handshake_type')}")
                otherwise.enter_context(self.source.block("else:"))
                at = self.source.constant("at", table.at)
                add(f"{message} = {at}(context.handshake_type).get({code})")
            else:
                find = self.source.constant("find", table.at(node.within).get)
                add(f"{message} = {find}({code})")
            with self.source.block(f"if {message} is None:"):
                tag, body = f"{self.codes(table.tag)}[{code}]", f"raw[{start}:position]"
                add(f"{variable} = {self.construct(table.unknown, {'type': tag, 'raw': body}, 'unknown')}")
            with self.source.block("else:"):
                with self.source.block("try:"):
                    add(f"{variable}, {stop} = {message}.SCHEMA.read(raw, {start}, position, context)")
                with self.source.block(f"except {self.source.constant('refusals', DECODER_REFUSALS)}:"):
                    add(f"{stop} = -1")
                with self.source.block(f"if {stop} != position:"):
                    reread = self.source.constant("reread", table.reread)
                    add(f"{variable} = {reread}({message}, {code}, raw[{start}:position], context)")
        return variable

    def message(self, node: MessageStruct, hint: str) -> str:
        outer, self.fields = self.fields, {}
        for name, field in node.fields:
            self.fields[name] = self.read(field, name)
        self.flush()
        values = {name: self.fields[name] for name in node.values}
        self.fields = outer
        return self.construct(node.message, values, hint)


_ROWS = (UInt, Enumerated, Fixed)
DECODED: dict[type[Node[Any]], Callable[[DecoderWriter, Any, str], str]] = {
    UInt: DecoderWriter.uint,
    Enumerated: DecoderWriter.enumerated,
    Fixed: DecoderWriter.fixed_bytes,
    Opaque: DecoderWriter.opaque,
    Rest: DecoderWriter.rest,
    Window: DecoderWriter.prefixed,
    Vector: DecoderWriter.prefixed,
    ListToEnd: DecoderWriter.list_to_end,
    Length: DecoderWriter.length,
    SizedBy: DecoderWriter.sized,
    IfMore: DecoderWriter.if_more,
    Select: DecoderWriter.select,
    Tagged: DecoderWriter.tagged,
    MessageStruct: DecoderWriter.message,
}


class Runs(dict[int, Callable[..., Any]]):
    """For each number of items, the function that unpacks so many; compiled once for the usual numbers."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    def __missing__(self, count: int) -> Callable[..., Any]:
        unpack = struct.Struct(f">{count}{self.code}").unpack_from
        if count < 256:  # the numbers are the peer's choice, and memory is not
            self[count] = unpack
        return unpack


@functools.cache
def unpacker(codes: str) -> Callable[..., Any]:
    """Return the function that unpacks one run of fields, the same for all decoders."""
    return struct.Struct(f">{codes}").unpack_from


@functools.cache
def runs_of(code: str) -> Runs:
    """Return the functions that unpack any number of items, the same for all decoders."""
    return Runs(code)
