"""Bytes as people write them: hex in its many spellings, dumps with offsets, base64.

Nothing is guessed away: what is no spelling of bytes is refused with the place where it stops being one.
"""

from __future__ import annotations

import base64
import binascii
import re
from itertools import pairwise

from tlswire.errors import DecodeError, DecodeErrorKind

# What may stand between bytes: blanks, and the signs of C arrays, MAC addresses and Python literals.
_BETWEEN = re.compile(r"[\s:;,_{}\[\]()-]+")
_DIGITS = re.compile(r"(?:0x|\\x)?[0-9A-Fa-f]+", re.IGNORECASE)
MAX_LINE = 64  # bytes that a line of a dump has at most
_ESCAPES = re.compile(r"\\x([0-9A-Fa-f]{2})")

# A line of Wireshark's, hexdump's, od's or xxd's output: an offset, then bytes, then perhaps their characters.
_DUMP_LINE = re.compile(r"[ \t]*(?:0x)?([0-9A-Fa-f]{3,16})(:|[ \t]|$)(.*)")
_DUMP_BYTES = re.compile(r"[ \t]*((?:[0-9A-Fa-f]{2})+)(?![^ \t])")
# Where the characters begin, if no other line tells: xxd, which has a colon, puts them behind two blanks.
_CHARACTERS = {":": re.compile(r"[ \t]{2,}"), "": re.compile(r"[ \t]{3,}|[ \t]{2,}\|")}


def bytes_from_hex(text: str) -> bytes:
    """The bytes that hex digits write: "16 03 01", "16:03:01", "0x16, 0x03", "\\\\x16\\\\x03", or a dump with offsets.

    Raises DecodeError, whose offset is that of the character that is no hex digit.
    """
    dumped = _bytes_from_dump(text)
    if dumped is not None:
        return dumped
    text = _ESCAPES.sub(r" \1 ", text)
    digits: list[str] = []
    position = 0
    while position < len(text):
        between = _BETWEEN.match(text, position)
        if between is not None:
            position = between.end()
            continue
        found = _DIGITS.match(text, position)
        if found is None:
            actual = repr(text[position : position + 12])
            raise DecodeError(DecodeErrorKind.malformed, "hex", position, "hex digits", actual)
        number = found.group()
        if number[:2].lower() in ("0x", "\\x"):
            number = "0" * (len(number) % 2) + number[2:]
        digits.append(number)
        position = found.end()
    joined = "".join(digits)
    if len(joined) % 2:
        raise DecodeError(DecodeErrorKind.truncated, "hex", len(text), "an even number of digits", f"{len(joined)}")
    return bytes.fromhex(joined)


def bytes_from_base64(text: str) -> bytes:
    """The bytes that base64 writes (RFC 4648 §4 or §5), with or without padding and line breaks.

    Raises DecodeError when it is none.
    """
    joined = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise DecodeError(DecodeErrorKind.malformed, "base64", 0, "base64", str(error).lower()) from error


def bytes_from_text(text: str) -> bytes:
    """The bytes that `text` writes, as hex or else as base64.

    Raises DecodeError when it is neither.
    """
    try:
        return bytes_from_hex(text)
    except DecodeError:
        pass
    try:
        return bytes_from_base64(text)
    except DecodeError as error:
        raise DecodeError(DecodeErrorKind.malformed, "text", 0, "hex or base64", error.actual) from error


def _bytes_from_dump(text: str) -> bytes | None:
    """The bytes of a dump with offsets; None where the text is none.

    How many bytes a line has is told by the next line's offset, since its characters may look like hex too; the last
    line's end where those before it end.
    """
    lines = [_DUMP_LINE.fullmatch(line.rstrip()) for line in text.splitlines() if line.strip()]
    found = [line for line in lines if line is not None]
    if not found or len(found) < len(lines):
        return None
    offsets = [int(line[1], 16) for line in found]
    if offsets[0] or any(before >= after for before, after in pairwise(offsets)):
        return None
    data = b""
    column = 0
    for line, (before, after) in zip(found, pairwise(offsets), strict=False):
        written, end = _dump_bytes(line[3], after - before)
        if len(written) < after - before:
            return None
        data += written
        column = max(column, end)
    last = found[-1]
    if len(found) == 1:
        if last[2] != ":" and not last[3].startswith((" ", "\t")):
            return None
        columns = last[3].lstrip()
        characters = _CHARACTERS[last[2].strip()].search(columns)
        return _dump_bytes(columns[: characters.start() if characters else None], MAX_LINE)[0] or None
    return data + _dump_bytes(last[3][:column], MAX_LINE)[0]


def _dump_bytes(line: str, most: int) -> tuple[bytes, int]:
    """The bytes at the beginning of a dump's line, `most` of them, and the column at which they end."""
    data = b""
    column = 0
    while len(data) < most and (found := _DUMP_BYTES.match(line, column)) is not None:
        data += bytes.fromhex(found[1])
        column = found.end()
    return data[:most], column
