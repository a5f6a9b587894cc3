"""Annotated bytes: which are which field, as a tree of plain text.

    0000                             record
    0000  16                           type: handshake
    0001  03 01                        version: TLSv1.0
    0003  00 2f                        length: 47
    0005                               handshake: client_hello

The tree is made of `Node`s, that know where in the input their bytes are; a message that came in several records
is in several places.  Where something does not decode, a line says what is wrong at the place where it is.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import field

from tlswire.errors import DecodeError, TLSWireError
from tlswire.escaping import escape
from tlswire.values import Struct, slotted
from tlswire.wire import Message, Span, UnknownBody, Unresolved
from tlswire.wire.choices import MalformedBody

HEX_COLUMNS = 8  # bytes a line
MOST_BYTES = 64  # of a field, that are shown
LONGEST_TEXT = 200  # characters of a value

_INDENT = "  "


@slotted
class Node(Struct):
    """A field, an item or a message, and its bytes.

    `pieces` are the places of its bytes in the input, from and to; `data` the bytes themselves; `value` says what
    they mean, safe to print; `error` what is wrong with them, where no child has it.
    """

    label: str
    pieces: tuple[tuple[int, int], ...]
    data: bytes
    value: str = ""
    children: list[Node] = field(default_factory=list)
    error: DecodeError | None = None

    def walk(self) -> Iterator[Node]:
        """Yields the node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class Tree:
    """Annotated bytes; its text is its `str` and its `repr`.

    `nodes` are the records or the messages.
    """

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    @property
    def errors(self) -> list[DecodeError]:
        """What does not decode, in the order of the bytes."""
        return [node.error for top in self.nodes for node in top.walk() if node.error is not None]

    def text(self, width: int | None = None) -> str:
        """The tree as text.

        Parameters: `width`, columns at which lines are wrapped, or None.
        """
        lines: list[str] = []
        last = max((piece[1] for node in self.nodes for piece in node.pieces), default=0)
        digits = max(4, len(f"{last:x}"))
        for node in self.nodes:
            lines.extend(_lines(node, 0, digits, width))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


class Places:
    """Where the bytes of a message lie in the input, when records have cut it into pieces.

    Parameters: `pieces`, from and to in the input, in the message's order.
    """

    def __init__(self, pieces: Sequence[tuple[int, int]]) -> None:
        self._pieces = pieces

    def locate(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """The pieces of the input that hold the message's bytes from `start` to `end`; one at least."""
        found: list[tuple[int, int]] = []
        position = 0
        for begin, stop in self._pieces:
            length = stop - begin
            low, high = max(start, position), min(end, position + length)
            if low < high or (start == end and position <= start <= position + length and not found):
                found.append((begin + low - position, begin + max(low, high) - position))
            position += length
        return tuple(found)

    def offset(self, position: int) -> int:
        """Where in the input the message's byte at `position` is."""
        return self.locate(position, position)[0][0]


def span_nodes(spans: tuple[Span, ...], raw: bytes, places: Places) -> list[Node]:
    """The nodes for the spans of a message whose bytes are `raw`."""
    return [_span_node(span, raw, places) for span in spans]


def _span_node(span: Span, raw: bytes, places: Places) -> Node:
    children = span_nodes(span.children, raw, places)
    error = span.error
    if error is not None:
        offset = places.offset(error.offset)
        error = DecodeError(error.kind, error.path, offset, error.expected, error.actual)
    where = places.locate(span.start, span.end)
    return Node(span.name, where, raw[span.start : span.end], value_text(span.value), children, error)


def value_text(value: object) -> str:
    """What a value is, in a few words that are safe to print."""
    match value:
        case None:
            return ""
        case bytes():
            return _octets_text(value)
        case tuple():
            return f"{len(value)} item{'s' * (len(value) != 1)}"
        case UnknownBody(type=code, raw=raw):
            return f"{code}, {len(raw)} bytes"
        case MalformedBody(type=code, error=error):
            return f"{code}, malformed: {error}"
        case Unresolved(needs=needs, raw=raw):
            return f"{len(raw)} bytes, not decoded: the {needs.replace('_', ' ')} is not known"
        case Message():
            return type(value).__name__
        case _:
            return escape(str(value), LONGEST_TEXT)


def _octets_text(value: bytes) -> str:
    size = f"{len(value)} byte{'s' * (len(value) != 1)}"
    if len(value) > 1 and all(0x20 <= byte < 0x7F for byte in value):
        return f'{size}, "{escape(value.decode("ascii"), LONGEST_TEXT)}"'
    return size


def _lines(node: Node, depth: int, digits: int, width: int | None) -> Iterator[str]:
    indent = " " * (digits + 2 + 3 * HEX_COLUMNS + 1) + _INDENT * depth
    text = f"{node.label}: {node.value}" if node.label and node.value else node.label or node.value
    rows = list(_hex_rows(node)) if not node.children else []
    start, digits_text = rows[0] if rows else (node.pieces[0][0] if node.pieces else 0, "")
    left = f"{start:0{digits}x}  {digits_text:<{3 * HEX_COLUMNS}} {_INDENT * depth}"
    texts = _wrap(text, width, len(indent))
    yield (left + texts[0]).rstrip()
    for number in range(1, max(len(rows), len(texts))):
        offset, digits_text = rows[number] if number < len(rows) else (None, "")
        place = " " * digits if offset is None else f"{offset:0{digits}x}"
        more = texts[number] if number < len(texts) else ""
        yield f"{place}  {digits_text:<{3 * HEX_COLUMNS}} {_INDENT * depth}  {more}".rstrip()
    for child in node.children:
        yield from _lines(child, depth + 1, digits, width)
    if node.error is not None:
        for line in _wrap(f"^^ {_error_text(node.error)}", width, len(indent)):
            yield indent + line


def _error_text(error: TLSWireError) -> str:
    return escape(str(error), LONGEST_TEXT)


def _wrap(text: str, width: int | None, used: int) -> list[str]:
    room = None if width is None else max(16, width - used - len(_INDENT))
    if room is None or len(text) <= room:
        return [text]
    return textwrap.wrap(text, room, break_on_hyphens=False) or [""]


def _hex_rows(node: Node) -> Iterator[tuple[int | None, str]]:
    """The node's bytes in rows, each with its offset in the input; a new row where another piece begins."""
    position = 0
    for begin, stop in node.pieces:
        for offset in range(begin, stop, HEX_COLUMNS):
            if position >= MOST_BYTES:
                yield None, f"({len(node.data) - position} more bytes)"
                return
            count = min(HEX_COLUMNS, stop - offset)
            yield offset, node.data[position : position + count].hex(" ")
            position += count
