"""The terms that declarations are made of: those that hold no other term.

Each is a construct: it parses and builds, strictly, and so is the reference for the generated code
(`decoder`, `encoder`), which knows each by its exact class. `floor` and `ceiling` never refuse: a message
reports them as violations. What refuses is framing alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar

import construct  # type: ignore[import-untyped]

from tlswire.wire.context import NO_CONTEXT, Context
from tlswire.wire.source import DECODER_REFUSALS, ENCODER_REFUSALS
from tlswire.wire.stream import cannot_build, parse_step, reference, reference_bytes, take

if TYPE_CHECKING:
    from tlswire.registry.open_enum import OpenEnum

Decoder = Callable[[bytes, int, int, Context], tuple[Any, int]]
Encoder = Callable[[Any], bytes]

T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound="OpenEnum")


class Node(construct.Construct, Generic[T_co]):  # type: ignore[misc]
    """A term of a declaration.

    `minimum` is the fewest bytes that it takes on the wire; `size`, how many it always takes, or None;
    `is_open`, whether it goes to the end of the structure around it, so that nothing may follow; `parts`,
    the terms in it.
    """

    minimum: int = 0
    size: int | None = None
    is_open: bool = False

    @property
    def parts(self) -> tuple[Node[Any], ...]:
        """The terms that this one is made of."""
        return ()

    def decode(self, raw: bytes, context: Context = NO_CONTEXT) -> T_co:
        """Decode the whole of `raw`.

        Raises DecodeError, whose path and offset (in bytes from the start of `raw`) tell where decoding
        stopped.
        """
        value: T_co
        if type(raw) is not bytes:
            raw = bytes(memoryview(raw))
        read = self.read
        try:
            value, end = read(raw, 0, len(raw), context)
            if end == len(raw):
                return value
        except DECODER_REFUSALS:
            pass  # and the reference says why
        value, error = reference(self, raw, context)
        if error is not None:
            raise error
        return value

    def encode(self, value: Any) -> bytes:
        """Encode `value`; raises EncodeError, whose path tells what cannot be written."""
        write = self.write
        try:
            return write(value)
        except ENCODER_REFUSALS:
            pass  # and the reference says why
        data, error = reference_bytes(self, value)
        if error is not None:
            raise error
        return data

    @cached_property
    def read(self) -> Decoder:
        """The generated decoder, made at first use."""
        from tlswire.wire.decoder import generate  # which knows all nodes, and so comes after them

        return generate(self)

    @cached_property
    def write(self) -> Encoder:
        """The generated encoder, made at first use."""
        from tlswire.wire.encoder import generate

        return generate(self)

    def describe(self, name: str = "") -> str:
        """Return the declaration of a field of this type in the presentation language of RFC 5246 §4."""
        raise NotImplementedError

    def _sizeof(self, context: Any, path: str) -> int:
        if self.size is None:
            raise construct.SizeofError(f"{type(self).__name__} has no fixed size", path=path)
        return self.size

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.describe()}>"


class UInt(Node[int]):
    """An unsigned integer of `size` bytes, most significant first (RFC 5246 §4.4)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size: int = size
        self.minimum = size

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> int:
        return int.from_bytes(take(stream, self.size, path))

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        stream.write(integer(value, self.size, path))
        return value

    def describe(self, name: str = "") -> str:
        return f"uint{8 * self.size} {name}".rstrip()


UInt8, UInt16, UInt24, UInt32 = UInt(1), UInt(2), UInt(3), UInt(4)


class Enumerated(Node[E]):
    """A code of an open enum, in the `SIZE` bytes that the enum states; unknown codes survive."""

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum
        self.size: int = enum.SIZE
        self.minimum = enum.SIZE

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> E:
        return self.enum.of(int.from_bytes(take(stream, self.size, path)))

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        stream.write(integer(value, self.size, path))
        return value

    def describe(self, name: str = "") -> str:
        return f"{self.enum.__name__} {name}".rstrip()


class Fixed(Node[bytes]):
    """Exactly `size` bytes: `opaque name[size]` (RFC 5246 §4.3)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size: int = size
        self.minimum = size

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> bytes:
        return take(stream, self.size, path)

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        if len(octets(value, path)) != self.size:
            raise cannot_build(path, self.size, len(value))
        stream.write(value)
        return value

    def describe(self, name: str = "") -> str:
        return f"opaque {name}[{self.size}]"


class Opaque(Node[bytes]):
    """Bytes behind their length: `opaque name<floor..ceiling>` (RFC 5246 §4.3).

    Parameters: `floor` and `ceiling`, in bytes; the ceiling decides the length's width.
    """

    def __init__(self, floor: int, ceiling: int) -> None:
        super().__init__()
        self.floor = floor
        self.ceiling = ceiling
        self.prefix = UInt(prefix_size(floor, ceiling))
        self.minimum = self.prefix.size

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> bytes:
        return take(stream, parse_step(self.prefix, stream, context, path, "length"), path)

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        stream.write(length_prefix(octets(value, path), self.prefix.size, path))
        stream.write(value)
        return value

    def describe(self, name: str = "") -> str:
        return f"opaque {name}<{bounds(self.floor, self.ceiling)}>"


class Rest(Node[bytes]):
    """All bytes to the end of the structure around it, at least `floor` of them."""

    is_open = True

    def __init__(self, floor: int = 0) -> None:
        super().__init__()
        self.floor = floor

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> bytes:
        return stream.read()

    def _build(self, value: Any, stream: BinaryIO, context: Any, path: str) -> Any:
        stream.write(octets(value, path))
        return value

    def describe(self, name: str = "") -> str:
        return f"opaque {name}[to the end]"


def prefix_size(floor: int, ceiling: int) -> int:
    """Return how many bytes hold the length of a vector of `floor` to `ceiling` bytes (RFC 5246 §4.3)."""
    if not 0 <= floor <= ceiling or ceiling < 1:
        raise TypeError(f"no vector has {floor} to {ceiling} bytes")
    return (ceiling.bit_length() + 7) // 8


def integer(value: Any, size: int, path: str) -> bytes:
    """Return `value` as `size` bytes, or raise the BuildError that says why not."""
    try:
        return operator.index(value).to_bytes(size)
    except TypeError:
        raise cannot_build(path, "an integer", type(value).__name__) from None
    except OverflowError:
        raise cannot_build(path, f"0..2^{8 * size}-1", str(value)) from None


def octets(value: Any, path: str) -> bytes:
    """Return `value` if it is bytes, else raise BuildError."""
    if not isinstance(value, bytes):
        raise cannot_build(path, "bytes", type(value).__name__)
    return value


def length_prefix(data: bytes, size: int, path: str) -> bytes:
    """Return the length of `data` in `size` bytes; raises BuildError if they cannot hold it."""
    if len(data) >= 256**size:
        raise cannot_build(path, f"at most {256**size - 1} bytes", len(data))
    return len(data).to_bytes(size)


def bounds(floor: int, ceiling: int) -> str:
    """Return `floor..ceiling` as the RFCs write it: "1..2^16-1"."""
    for bits in (8, 16, 24):
        if 0 < 2**bits - ceiling <= 4:
            return f"{floor}..2^{bits}-{2**bits - ceiling}"
    return f"{floor}..{ceiling}"
