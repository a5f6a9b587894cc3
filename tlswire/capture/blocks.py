"""A file as a sequence of large blocks, for readers that work by offsets.

`buffer` is what is held; the reader moves through it by itself and comes back with its position when what it
needs reaches beyond the end.  What is behind the position is then dropped:

    file    |........|........|........|....
    buffer           |....####|                `position` is where the # begin
    extended              |####........|
"""

from __future__ import annotations

from collections.abc import Callable

# Large enough that reading and joining cost nothing per frame, small enough to stay in the processor's cache.
BLOCK_SIZE = 1 << 18


class Blocks:
    """`buffer` holds the bytes of the file from `offset` on; `name` is the file's, for messages; `on_block` is called
    with each new buffer, before anything in it is read."""

    __slots__ = ("_read", "buffer", "name", "offset", "on_block")

    def __init__(self, read: Callable[[int], bytes], name: str) -> None:
        self._read = read
        self.on_block: Callable[[bytes], object] | None = None
        self.name = name
        self.buffer = b""
        self.offset = 0

    def extend(self, position: int, need: int) -> bool:
        """Drops what is before `position`, and reads on until `need` bytes are held.

        False when the file ends first.

        The new position is 0.
        """
        pieces = [self.buffer[position:]]
        held = len(pieces[0])
        self.offset += position
        while held < need:
            data = self._read(max(BLOCK_SIZE, need - held))
            if not data:
                break
            pieces.append(data)
            held += len(data)
        self.buffer = b"".join(pieces) if len(pieces) > 1 else pieces[0]
        if self.on_block is not None:
            self.on_block(self.buffer)
        return held >= need

    def skip(self, position: int, length: int) -> bool:
        """Moves `length` bytes on from `position` without holding them; False when the file ends first."""
        left = length - (len(self.buffer) - position)
        if left <= 0:
            self.buffer = self.buffer[position + length :]
            self.offset += position + length
            return True
        self.offset += len(self.buffer)
        self.buffer = b""
        while left > 0:
            data = self._read(min(BLOCK_SIZE, left))
            if not data:
                return False
            left -= len(data)
            self.offset += len(data)
        return True

    def take(self) -> bytes:
        """Gives what is held, or else what is read next; b"" at the end of the file."""
        data = self.buffer or self._read(BLOCK_SIZE)
        self.buffer = b""
        self.offset += len(data)
        return data
