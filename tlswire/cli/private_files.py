"""Files that only their owner may read, that have their name when they are whole, and that replace no input."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from tlswire.cli.outcome import FileError, why
from tlswire.errors import TLSWireError


def check_outputs(outputs: Iterable[str | None], inputs: Sequence[str]) -> None:
    """Sees to it, before anything is read, that no output is an input, another output, or what is no file.

    Parameters: `outputs`, the files to be written, "-" for standard output, None for those that were not asked for;
    `inputs`, those to be read, "-" for standard input.  Raises FileError.
    """
    taken = [(one, _identity(one, sys.stdin)) for one in inputs]
    for output in outputs:
        if output is None:
            continue
        identity = _identity(output, sys.stdout)
        for one, its_identity in taken:
            same_file = identity is not None and its_identity is not None and os.path.samestat(identity, its_identity)
            same_name = output != "-" != one and os.path.realpath(output) == os.path.realpath(one)
            if same_file or same_name:
                name = "standard output" if output == "-" else output
                raise FileError(name, "is to be read, or written already; choose another file")
        if output != "-":
            _check_regular(output)
        taken.append((output, identity))


def _identity(path: str, standard: TextIO) -> os.stat_result | None:
    """What the system calls a regular file; None for what is none, or not there."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: a stream that was closed, or a name with a NUL
        found = os.fstat(standard.fileno()) if path == "-" else os.stat(path)
        return found if stat.S_ISREG(found.st_mode) else None
    return None


def _check_regular(path: str) -> None:
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileError(path, "cannot be written: it is no regular file")


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
    _check_regular(path)
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
