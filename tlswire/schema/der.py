"""The least of DER that names and certificates need: one element at a time, by offsets, without recursion.

Lengths may be in any form of BER but the indefinite one, since old certificates have them so; whoever holds the
bytes keeps them as they are.
"""

from __future__ import annotations

from typing import NamedTuple

from tlswire.errors import DecodeError, DecodeErrorKind


class Element(NamedTuple):
    """An element of DER by its place: `tag` is the identifier octet; it begins at `offset`, its contents reach from
    `start` to `end`."""

    tag: int
    offset: int
    start: int
    end: int


def read_element(data: bytes, offset: int, end: int, path: str = "") -> Element:
    """The element at `offset`, which must not reach over `end` (X.690 §8.1).

    Parameters: `path`, what the element is called in errors.  Raises DecodeError with the offset at which it stopped.
    """
    if end - offset < 2:
        raise DecodeError(DecodeErrorKind.truncated, path, offset, 2, max(0, end - offset))
    tag, length = data[offset], data[offset + 1]
    start = offset + 2
    if tag & 0x1F == 0x1F:
        raise DecodeError(DecodeErrorKind.malformed, path, offset, "a tag below 31", f"{tag:#04x}")
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count <= 4:
            raise DecodeError(DecodeErrorKind.malformed, path, offset + 1, "a length of 1 to 4 bytes", f"{count}")
        if end - start < count:
            raise DecodeError(DecodeErrorKind.truncated, path, start, count, end - start)
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    if end - start < length:
        raise DecodeError(DecodeErrorKind.truncated, path, start, length, end - start)
    return Element(tag, offset, start, start + length)


def expect_element(data: bytes, offset: int, end: int, tag: int, path: str = "") -> Element:
    """The same, of an element that must have this tag."""
    element = read_element(data, offset, end, path)
    if element.tag != tag:
        raise DecodeError(DecodeErrorKind.malformed, path, offset, f"tag {tag:#04x}", f"{element.tag:#04x}")
    return element
