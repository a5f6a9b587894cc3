"""How a command ends: exit statuses, and errors as one line on standard error.

    0  done
    1  an input could not be read, or not to its end; or an output could not be written
    2  usage
    3  done, but with secrets given at least one protected record stayed encrypted

1 outranks 3.  What came before an error has been printed when the error is.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import ParamSpec

import click

from tlswire.errors import CaptureError, SecretsError, TLSWireError
from tlswire.escaping import escape

P = ParamSpec("P")


class Status(IntEnum):
    """The exit statuses."""

    done = 0
    unreadable = 1
    usage = 2
    encrypted = 3
    interrupted = 130  # 128 and the number of SIGINT, as shells have it


class FileError(Exception):
    """A file, other than a capture or a key, cannot be read or written: `file`, its name, and what is wrong."""

    def __init__(self, file: str, message: str) -> None:
        self.file = file
        self.message = message
        super().__init__(file, message)


def complain(message: str) -> None:
    """Writes one line to standard error, after all that is to be on standard output."""
    sys.stdout.flush()
    click.echo(f"tlswire: {message}", err=True)


def said(error: TLSWireError | FileError) -> str:
    """An error as `FILE: what, where`."""
    if isinstance(error, CaptureError):
        places = (("frame", error.frame), ("offset", error.file_offset))
        where = "".join(f", {name} {number}" for name, number in places if number is not None)
        return f"{_named(error.file)}{escape(error.message)}{where}"
    if isinstance(error, SecretsError | FileError):
        return f"{_named(error.file)}{escape(error.message)}"
    return escape(str(error))


def why(error: OSError) -> str:
    """What the system says about a file, in the style of the other messages."""
    text = error.strerror or str(error)
    return f"{text[:1].lower()}{text[1:]}"


def _named(file: str | None) -> str:
    return f"{escape(file)}: " if file else ""


def ending(verb: Callable[P, Status]) -> Callable[P, None]:
    """Makes a verb end the command with its status, or with the status and the line of what went wrong."""

    @functools.wraps(verb)
    def command(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            status = _told(verb, *arguments, **options)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has seen enough
            _write_no_more()
            status = Status.done
        except OSError as error:
            # Every file that is read or written has been looked after; this is standard output.
            _write_no_more()
            click.echo(f"tlswire: standard output: {why(error)}", err=True)
            status = Status.unreadable
        raise click.exceptions.Exit(status)

    return command


def _told(verb: Callable[P, Status], *arguments: P.args, **options: P.kwargs) -> Status:
    try:
        return verb(*arguments, **options)
    except (TLSWireError, FileError) as error:
        complain(said(error))
        return Status.unreadable
    except KeyboardInterrupt:
        return Status.interrupted


def _write_no_more() -> None:
    """Lets what is still buffered go nowhere when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
