"""Spans: which bytes are which field, taken down while the interpreted schema parses.

Every step of the parser (a field, an item, a length) is a span. The spans of a step lie in it, in order and
without holes, so the outermost ones cover the whole message, also one that does not decode: the error then
stands in the span where it happened, and what could not be read after it is a span too.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from tlswire.errors import DecodeError
from tlswire.values import Value, frozen
from tlswire.wire.context import Context, join_path
from tlswire.wire.stream import TOP, SchemaError, WindowStream, context_keywords, dotted, finish, offset


@frozen
class Span(Value):
    """The bytes of one field, item or length.

    Parameters: `path`, the dotted path from the message; `start` and `end`, in bytes from the message's
    start; `value`, what they decode to (the bytes themselves where nothing decodes them; None after an
    error); `declaration`, in the presentation language of RFC 5246 §4; `children`, the spans in it, which
    cover it if there are any; `error`, what went wrong here and not in a child.
    """

    path: str
    start: int
    end: int
    value: object
    declaration: str = ""
    children: tuple[Span, ...] = ()
    error: DecodeError | None = None

    @property
    def name(self) -> str:
        """The last part of the path: "named_group_list", or "[3]" for an item."""
        return self.path[self.path.rfind("[") :] if self.path.endswith("]") else self.path.rpartition(".")[2]

    def walk(self) -> Iterator[Span]:
        """Yield the span and all within it, outer before inner, by their start."""
        yield self
        for child in self.children:
            yield from child.walk()


def spans(schema: Any, raw: bytes, context: Context) -> tuple[Span, ...]:
    """Return the spans of `raw` as one message of `schema`, the bytes that do not decode among them."""
    trace = Trace()
    stream = WindowStream(raw, 0, trace)
    try:
        schema.parse_stream(stream, **context_keywords(context))
        finish(stream, TOP)
    except SchemaError:
        stream.seek(0, io.SEEK_END)
        trace.fill(stream, "undecoded")
    return tuple(trace.level)


class Trace:
    """Takes down the spans while a schema parses; `level` has those of the step that is under way."""

    def __init__(self) -> None:
        self.level: list[Span] = []
        self._reported: DecodeError | None = None
        self._is_cut = False

    def step(self, node: Any, stream: BinaryIO, context: Any, path: str, label: str) -> Any:
        """Parse `node` as one span, called `label` if it is no field or item of its own."""
        start = offset(stream)
        outer, self.level = self.level, []
        value = error = None
        try:
            value = node._parsereport(stream, context, path)
        except SchemaError as failure:
            error = self._report(failure.error)
            if error is not None or not self.level:
                stream.seek(0, io.SEEK_END)  # here it went wrong: nothing more can be read in this window
            raise
        finally:
            where = join_path(dotted(path), label)
            self.fill(stream, join_path(where, "data"))
            name = label or where.rpartition(".")[2]
            declaration = node.describe("" if name.endswith("]") else name)
            outer.append(Span(where, start, offset(stream), value, declaration, tuple(self.level), error))
            self.level = outer
        return value

    def glimpse(self, node: Any, stream: BinaryIO, context: Any, path: str) -> None:
        """Take down what is there of a window that was cut short: the cut is the error, not what follows."""
        was_cut, self._is_cut = self._is_cut, True
        with contextlib.suppress(SchemaError):
            node._parsereport(stream, context, path)
        self._is_cut = was_cut

    def trailing(self, stream: BinaryIO, path: str, error: DecodeError) -> None:
        """Take down the bytes that are left over in `stream`."""
        start = offset(stream)
        spare = stream.read()
        where = join_path(dotted(path), "trailing")
        self.level.append(Span(where, start, offset(stream), spare, error=self._report(error)))

    def fill(self, stream: BinaryIO, path: str) -> None:
        """Cover with one more span what those of this level leave before the position of `stream`."""
        if self.level and (length := offset(stream) - self.level[-1].end):
            stream.seek(-length, io.SEEK_CUR)
            start = offset(stream)
            self.level.append(Span(path, start, start + length, stream.read(length)))

    def _report(self, error: DecodeError) -> DecodeError | None:
        """Return `error` the first time, for the innermost span; None on its way outward."""
        if self._is_cut or error is self._reported:
            return None
        self._reported = error
        return error
