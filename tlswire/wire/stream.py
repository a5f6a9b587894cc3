"""The interpreted schema's side of things: where it reads, and how it says what was wrong.

construct passes a stream and a path ("(parsing) -> extensions[2] -> raw") down its tree. A window (a length
and exactly that many bytes) is parsed from a stream of its own, so that nothing inside can read past it;
that stream knows where it lies in the whole, which is what gives errors their offset. Errors are
construct's own, as whoever composes a schema into his own constructs expects, and carry ours.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import construct  # type: ignore[import-untyped]

from tlswire.errors import DecodeError, DecodeErrorKind, EncodeError
from tlswire.wire.context import CONTEXT_KEYS

if TYPE_CHECKING:
    from tlswire.wire.context import Context
    from tlswire.wire.spans import Trace

TOP = "(parsing)"  # what construct calls the root of a path


class SchemaError(construct.ConstructError):  # type: ignore[misc]
    """A construct error while parsing that carries `error`, the DecodeError that tlswire makes of it."""

    def __init__(self, error: DecodeError, path: str) -> None:
        super().__init__(str(error), path)
        self.error = error


class TruncatedError(SchemaError, construct.StreamError):  # type: ignore[misc]
    """construct's StreamError for `DecodeErrorKind.truncated`."""


class TrailingError(SchemaError, construct.TerminatedError):  # type: ignore[misc]
    """construct's TerminatedError for `DecodeErrorKind.trailing`."""


class MalformedError(SchemaError, construct.MappingError):  # type: ignore[misc]
    """construct's MappingError for `DecodeErrorKind.malformed`."""


class BuildError(construct.ValidationError):  # type: ignore[misc]
    """construct's ValidationError for a value that cannot be written; carries the EncodeError as `error`."""

    def __init__(self, error: EncodeError, path: str) -> None:
        super().__init__(str(error), path)
        self.error = error


class WindowStream(io.BytesIO):
    """The bytes of one window, from offset `base` of the whole on; `trace` takes down what lies where."""

    def __init__(self, data: bytes, base: int = 0, trace: Trace | None = None) -> None:
        super().__init__(data)
        self.base = base
        self.trace = trace


def dotted(path: str) -> str:
    """Return construct's path as ours: "(parsing) -> names[2] -> raw" is "names[2].raw"."""
    return path.partition(")")[2].removeprefix(" -> ").replace(" -> ", ".")


def offset(stream: BinaryIO) -> int:
    """Return the position of `stream`, in bytes from the start of the whole."""
    position: int = stream.tell() + getattr(stream, "base", 0)
    return position


def take(stream: BinaryIO, count: int, path: str) -> bytes:
    """Read exactly `count` bytes; if there are fewer, read none and raise TruncatedError."""
    data = stream.read(count)
    if len(data) < count:
        stream.seek(-len(data), io.SEEK_CUR)
        raise TruncatedError(
            DecodeError(DecodeErrorKind.truncated, dotted(path), offset(stream), count, len(data)), path
        )
    return data


def at_end(stream: BinaryIO) -> bool:
    """Say whether nothing is left in `stream`."""
    if not stream.read(1):
        return True
    stream.seek(-1, io.SEEK_CUR)
    return False


def finish(stream: BinaryIO, path: str) -> None:
    """Raise TrailingError if anything is left in `stream`."""
    if not at_end(stream):
        position, spare = offset(stream), len(stream.read())
        stream.seek(-spare, io.SEEK_CUR)
        error = DecodeError(DecodeErrorKind.trailing, dotted(path), position, 0, spare)
        trace: Trace | None = getattr(stream, "trace", None)
        if trace is not None:
            trace.trailing(stream, path, error)
        raise TrailingError(error, path)


def parse_step(node: Any, stream: BinaryIO, context: Any, path: str, label: str = "") -> Any:
    """Parse `node` as one step of the structure around it, which is one span of a trace.

    `label` names the span where it is no field or item of its own, such as a length.
    """
    trace: Trace | None = getattr(stream, "trace", None)
    if trace is None:
        return node._parsereport(stream, context, path)
    return trace.step(node, stream, context, path, label)


def open_window(node: Any, stream: BinaryIO, length: int, context: Any, path: str) -> WindowStream:
    """Return a stream of the next `length` bytes; if there are fewer, trace what they show of `node` and raise."""
    base = offset(stream)
    trace: Trace | None = getattr(stream, "trace", None)
    try:
        return WindowStream(take(stream, length, path), base, trace)
    except TruncatedError:
        if trace is not None:
            trace.glimpse(node, WindowStream(stream.read(), base, trace), context, path)
        raise


def parse_window(node: Any, stream: BinaryIO, length: int, context: Any, path: str) -> Any:
    """Parse the next `length` bytes of `stream`, all of them, as one `node`."""
    return parse_whole(node, open_window(node, stream, length, context, path), context, path)


def parse_whole(node: Any, stream: BinaryIO, context: Any, path: str) -> Any:
    """Parse all of `stream` as one `node`."""
    value = node._parsereport(stream, context, path)
    finish(stream, path)
    return value


def cannot_build(path: str, expected: object, actual: object) -> BuildError:
    """Return the error for a value that cannot be written at `path`."""
    return BuildError(EncodeError(dotted(path), expected, actual), path)


def reference(node: Any, raw: bytes, context: Context) -> tuple[Any, DecodeError | None]:
    """Parse all of `raw` with the interpreted schema; return the value or the error, and None for the other.

    The error is returned and not raised, so that it holds neither a traceback nor its frames.
    """
    stream = WindowStream(raw)
    try:
        value = node.parse_stream(stream, **context_keywords(context))
        finish(stream, TOP)
    except SchemaError as failure:
        return None, failure.error
    return value, None


def reference_bytes(node: Any, value: Any) -> tuple[bytes, EncodeError | None]:
    """Build `value` with the interpreted schema; return the bytes and None, or b"" and the error."""
    try:
        return node.build(value), None
    except BuildError as failure:
        return b"", failure.error


def context_keywords(context: Context) -> dict[str, Any]:
    """Return `context` as the keywords that construct hands down its tree."""
    return {key: getattr(context, key) for key in CONTEXT_KEYS}
