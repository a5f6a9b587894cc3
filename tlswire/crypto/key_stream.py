"""The key stream of a stream cipher, of which a stretch can be kept to look at it more than once.

A cipher context runs in one direction and cannot be copied.  So what it gives is kept while it is not known where in
it a record begins, from the first place where that may be.

    passed    |   kept, tried at any place   |  not made yet
              ^ 0                            ^ where the context stands
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import CipherContext

_PIECE = 1 << 16  # bytes of key stream that are made and thrown away at a time


class KeyStream:
    """A key stream; positions in it count from what was passed last."""

    __slots__ = ("_context", "_kept")

    def __init__(self, context: CipherContext) -> None:
        self._context = context
        self._kept = b""

    @property
    def is_kept(self) -> bool:
        """True when a stretch of it is kept: `apply` cannot be used then."""
        return bool(self._kept)

    def apply(self, text: bytes) -> bytes:
        """The text, en- or decrypted, where nothing is kept; what was used is passed."""
        return self._context.update(text)

    def restore(self, text: bytes, applied: bytes) -> None:
        """Takes back the `apply` that has just made `applied` of `text`."""
        self._kept = _xor(text, applied)

    def at(self, position: int, text: bytes) -> bytes:
        """The text, en- or decrypted at a position; nothing is passed."""
        end = position + len(text)
        if end > len(self._kept):
            self._kept += self._context.update(bytes(end - len(self._kept)))
        return _xor(text, self._kept[position:end])

    def pass_over(self, count: int) -> None:
        """Passes `count` bytes."""
        made = len(self._kept)
        self._kept = self._kept[count:]
        for start in range(made, count, _PIECE):
            self._context.update(bytes(min(_PIECE, count - start)))


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")
