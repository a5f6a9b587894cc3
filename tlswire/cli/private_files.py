"""Files that only their owner may read, and that have their name when they are whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from tlswire.cli.outcome import FileError, why
from tlswire.errors import TLSWireError


def append(path: str, data: bytes) -> None:
    """Adds bytes to a file, which is made if there is none; raises OSError."""
    file = _private(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0))
    try:
        written = os.write(file, data)
        while written < len(data):
            written += os.write(file, memoryview(data)[written:])
    finally:
        os.close(file)


def write_privately(path: str, pieces: Iterable[bytes]) -> None:
    """Writes a file, in place of one that has its name.

    Parameters: `pieces`, its bytes; a TLSWireError that they raise while they are made is raised when those before it
    have been written.

    Raises FileError where it cannot be written, and for what is no file, such as /dev/null, which would be replaced by
    one; what had the name before is then left alone.
    """
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileError(path, "cannot be written: it is no regular file")
    temporary = f"{path}.{os.urandom(6).hex()}"
    damage: TLSWireError | None = None
    try:
        with open(temporary, "xb", opener=_private) as file:
            try:
                for piece in pieces:
                    file.write(piece)
            except TLSWireError as error:
                damage = error
        os.replace(temporary, path)
    except OSError as error:
        raise FileError(path, f"cannot be written: {why(error)}") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    if damage is not None:
        raise damage


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
