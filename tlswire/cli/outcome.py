"""How a command ends: exit statuses, and errors as one line on standard error.

    0  done
    1  an input could not be read, or not to its end; or an output could not be written
    2  usage
    3  done, but with secrets given at least one protected record stayed encrypted

1 outranks 3.  What came before an error has been printed when the error is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import click

from tlswire.errors import CaptureError, SecretsError, TLSWireError
from tlswire.escaping import escape


class Status(IntEnum):
    """The exit statuses."""

    done = 0
    unreadable = 1
    usage = 2
    encrypted = 3
    interrupted = 130  # 128 and the number of SIGINT, as shells have it


class OutputError(Exception):
    """An output cannot be written: `file`, its name, and what is wrong."""

    def __init__(self, file: str, message: str) -> None:
        self.file = file
        self.message = message
        super().__init__(file, message)


def complain(message: str) -> None:
    """Writes one line to standard error, after all that is to be on standard output."""
    sys.stdout.flush()
    click.echo(f"tlswire: {message}", err=True)


def said(error: TLSWireError | OutputError) -> str:
    """An error as `FILE: what, where`."""
    if isinstance(error, CaptureError):
        places = (("frame", error.frame), ("offset", error.file_offset))
        where = "".join(f", {name} {number}" for name, number in places if number is not None)
        return f"{_named(error.file)}{escape(error.message)}{where}"
    if isinstance(error, SecretsError | OutputError):
        return f"{_named(error.file)}{escape(error.message)}"
    return escape(str(error))


def why(error: OSError) -> str:
    """What the system says about a file, in the style of the other messages."""
    text = error.strerror or str(error)
    return f"{text[:1].lower()}{text[1:]}"


def _named(file: str | None) -> str:
    return f"{escape(file)}: " if file else ""


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turns what can go wrong with files, or by the user's hand, into a line and an exit status."""
    try:
        yield
        sys.stdout.flush()
    except (TLSWireError, OutputError) as error:
        complain(said(error))
        raise click.exceptions.Exit(Status.unreadable) from error
    except BrokenPipeError:
        # Whoever reads has seen enough.  What is buffered still must go nowhere when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(Status.done) from None
    except OSError as error:
        # Every file that is read or written has been looked after; this is standard output.
        raise click.exceptions.Exit(_output_failed(error)) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(Status.interrupted) from None


def _output_failed(error: OSError) -> Status:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    click.echo(f"tlswire: standard output: {why(error)}", err=True)
    return Status.unreadable
