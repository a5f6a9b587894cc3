"""Makes text that a peer controls harmless to show in a terminal.

Server names, distinguished names and HTTP lines come off the wire; they may hold escape codes, marks that turn
the direction of the text around, or line breaks.  Whatever is not plainly visible is shown as its code.
"""

from __future__ import annotations

# Control, format (the bidirectional marks are among them), surrogate, private use, unassigned; and the separators
# that break lines.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def escape(text: str, limit: int | None = None) -> str:
    """The text with all that is not plainly visible written as `\\\\xNN` or `\\\\uNNNN`.

    Parameters: `limit`, characters; a longer text is cut there, which an ellipsis shows.
    """
    cut = limit is not None and len(text) > limit
    if cut:
        text = text[:limit]
    if not text.isascii() or not text.isprintable() or "\\" in text:
        text = "".join(map(_escape_one, text))
    return text + "…" if cut else text


def escape_bytes(data: bytes, limit: int | None = None) -> str:
    """Bytes that should be text, as UTF-8 where they are that; other bytes as `\\\\xNN`."""
    return escape(data.decode("utf-8", "surrogateescape"), limit)


def _escape_one(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if character == "\\":
        return "\\\\"
    from unicodedata import category  # a megabyte, for what is hardly ever there

    if category(character) not in _HIDDEN:
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
