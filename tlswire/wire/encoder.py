"""The generated encoder: Python source for one declaration, the mirror of the decoder.

Like the decoder it only gives up on what cannot be written, and leaves it to the reference to say what and
why. It takes nothing that the reference refuses: each value's type is looked at where `struct` and `join`
would not.

A structure behind a length is written to a buffer of its own, then its length and it to the buffer around.
"""

from __future__ import annotations

import functools
import operator
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tlswire.wire.choices import Select, Tagged, told_by_class
from tlswire.wire.composites import IfMore, Length, ListToEnd, SizedBy, Vector, Window
from tlswire.wire.context import Unresolved
from tlswire.wire.nodes import Encoder, Enumerated, Fixed, Node, Opaque, Rest, UInt
from tlswire.wire.source import Refused, Source
from tlswire.wire.structure import MessageStruct

_JOIN = b"".join
_CODES = {1: "B", 2: "H", 4: "I"}


def generate(node: Node[Any]) -> Encoder:
    """Return the encoder of `node`; raises TypeError for a kind of node that is not known here."""
    source = Source("encode", "value")
    writer = EncoderWriter(source)
    with writer.buffer() as data:
        writer.write(node, "value")
    source.add(f"return {data}")
    return source.compile()


class EncoderWriter:
    """Writes the statements that encode one node after the other to the current buffer.

    Fields of fixed size are held back until a run of them ends, and then are one `struct` call.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.fields: dict[str, str] = {}
        self._sized: dict[str, str] = {}
        self._out = ""
        self._run: list[tuple[str, str]] = []

    def write(self, node: Node[Any], value: str) -> None:
        """Write what encodes the value of the expression `value`, a variable, as `node`."""
        ENCODED[type(node)](self, node, value)

    # Buffers and runs

    @contextmanager
    def buffer(self) -> Iterator[str]:
        """Write to a buffer of its own within; give the variable that has its bytes afterwards."""
        outer, held_back = self._out, self._run
        self._out, self._run = self.source.local("parts"), []
        data = self.source.local("data")
        self.source.add(f"{self._out} = []")
        yield data
        self.flush()
        self.source.add(f"{data} = {self.source.constant('join', _JOIN)}({self._out})")
        self._out, self._run = outer, held_back

    def put(self, data: str) -> None:
        self.flush()
        self.source.add(f"{self._out}.append({data})")

    def fixed(self, code: str, value: str) -> None:
        """Hold back one item of the `struct` language."""
        self._run.append((code, value))

    def integer(self, size: int, value: str) -> None:
        if size in _CODES:
            self.fixed(_CODES[size], value)
        else:
            self.fixed("B", f"{value} >> 16")
            self.fixed("H", f"{value} & 0xFFFF")

    def flush(self) -> None:
        """Write the run of fixed fields that was held back."""
        if self._run:
            codes = "".join(code for code, _ in self._run)
            pack = self.source.constant(f"pack_{codes}", packer(codes))
            values = ", ".join(value for _, value in self._run)
            self._run = []
            self.put(f"{pack}({values})")

    def prefixed(self, size: int, data: str) -> None:
        length = self.source.local("length")
        self.source.add(f"{length} = len({data})")
        self.integer(size, length)
        self.put(data)

    def refuse_if(self, condition: str) -> None:
        with self.source.block(f"if {condition}:"):
            self.source.add("raise Refused")

    # One method a kind of node

    def uint(self, node: UInt | Enumerated[Any], value: str) -> None:
        self.integer(node.size, value)

    def fixed_bytes(self, node: Fixed, value: str) -> None:
        self.refuse_if(f"type({value}) is not bytes or len({value}) != {node.size}")
        self.fixed(f"{node.size}s", value)

    def opaque(self, node: Opaque, value: str) -> None:
        self.refuse_if(f"type({value}) is not bytes")
        self.prefixed(node.prefix.size, value)

    def rest(self, node: Rest, value: str) -> None:
        self.refuse_if(f"type({value}) is not bytes")
        self.put(value)

    def window(self, node: Window[Any], value: str) -> None:
        with self.buffer() as data:
            self.write(node.subcon, value)
        self.prefixed(node.prefix.size, data)

    def list_to_end(self, node: ListToEnd[Any], value: str) -> None:
        self.refuse_if(f"type({value}) is not tuple and type({value}) is not list")
        self.flush()
        item = node.subcon
        if isinstance(item, (UInt, Enumerated)) and item.size in _CODES:
            pack = self.source.constant("pack", struct.pack)
            self.put(f'{pack}(f">{{len({value})}}{_CODES[item.size]}", *{value})')
            return
        element = self.source.local("item")
        with self.source.block(f"for {element} in {value}:"):
            self.write(item, element)
            self.flush()

    def length(self, node: Length, value: str) -> None:
        """Write the length of a field that comes later; encode that field now and keep its bytes."""
        with self.buffer() as data:
            self.write(node.sized_node.subcon, self.fields[node.sized_field])
        self._sized[self.fields[node.sized_field]] = data
        length = self.source.local("length")
        self.source.add(f"{length} = len({data})")
        self.integer(node.size, length)

    def sized(self, node: SizedBy[Any], value: str) -> None:
        self.put(self._sized.pop(value))

    def if_more(self, node: IfMore[Any], value: str) -> None:
        self.flush()
        with self.source.block(f"if {value} is not None:"):
            self.write(node.subcon, value)
            self.flush()

    def select(self, node: Select, value: str) -> None:
        if node.by_context:
            by_class = self.source.constant("by_class", ByClass(node))
            self.put(f"{by_class}({value})")
            return
        table = self.source.constant(f"by_{node.key}", node.table)
        default = self.source.constant("default", node.default)
        self.put(f"{table}.get({self.fields[node.key]}, {default}).write({value})")

    def tagged(self, node: Tagged, value: str) -> None:
        write_tagged = self.source.constant("write_tagged", WriteTagged(node))
        self.put(f"{write_tagged}({value})")

    def message(self, node: MessageStruct, value: str) -> None:
        kind = self.source.constant(node.message.__name__, node.message)
        self.refuse_if(f"type({value}) is not {kind}")
        outer, self.fields = self.fields, {name: self.source.local(name) for name in node.values}
        self.source.add(*(f"{variable} = {value}.{name}" for name, variable in self.fields.items()))
        absent = None
        for name, field in node.fields:
            if isinstance(field, IfMore):
                if absent is not None:
                    self.refuse_if(f"{absent} is None and {self.fields[name]} is not None")
                absent = self.fields[name]
            self.write(field, self.fields.get(name, ""))
        self.fields = outer


class ByClass:
    """Encodes what the context chose when it was decoded, and what its own class tells when it is encoded."""

    def __init__(self, select: Select) -> None:
        self.select = select

    def __call__(self, value: Any) -> bytes:
        if type(value) is Unresolved:
            return raw_bytes(value)
        for option in told_by_class(self.select):
            if type(value) is (bytes if isinstance(option, Rest) else option.message):
                data: bytes = option.write(value)
                return data
        raise Refused


class WriteTagged:
    """Encodes one item of a list of extensions."""

    def __init__(self, node: Tagged) -> None:
        self.node = node
        self.raw_kinds = (node.table.unknown, node.table.malformed)

    def __call__(self, value: Any) -> bytes:
        table, kind = self.node.table, type(value)
        if kind is Unresolved:
            return raw_bytes(value)
        if kind in self.raw_kinds:
            body = raw_bytes(value)
        elif self.node.takes(kind):
            body = kind.SCHEMA.write(value)
        else:
            raise Refused
        tag: bytes = operator.index(value.type).to_bytes(table.tag.size)
        return tag + len(body).to_bytes(table.prefix.size) + body


@functools.cache
def packer(codes: str) -> Callable[..., bytes]:
    """Return the function that packs one run of fields, the same for all encoders."""
    return struct.Struct(f">{codes}").pack


def raw_bytes(value: Any) -> bytes:
    """Return the bytes of what was kept undecoded."""
    if type(value.raw) is not bytes:
        raise Refused
    return value.raw


ENCODED: dict[type[Node[Any]], Callable[[EncoderWriter, Any, str], None]] = {
    UInt: EncoderWriter.uint,
    Enumerated: EncoderWriter.uint,
    Fixed: EncoderWriter.fixed_bytes,
    Opaque: EncoderWriter.opaque,
    Rest: EncoderWriter.rest,
    Window: EncoderWriter.window,
    Vector: EncoderWriter.window,
    ListToEnd: EncoderWriter.list_to_end,
    Length: EncoderWriter.length,
    SizedBy: EncoderWriter.sized,
    IfMore: EncoderWriter.if_more,
    Select: EncoderWriter.select,
    Tagged: EncoderWriter.tagged,
    MessageStruct: EncoderWriter.message,
}
