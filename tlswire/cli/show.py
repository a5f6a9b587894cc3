"""The verb `show`: raw TLS bytes as an annotated tree."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

import click

from tlswire.cli.outcome import FileError, Status, complain, why
from tlswire.cli.screen import terminal_width, write
from tlswire.display.show import bytes_in, message_kind, show
from tlswire.display.spelling import bytes_from_base64, bytes_from_hex
from tlswire.errors import DecodeError
from tlswire.escaping import escape
from tlswire.registry import HandshakeType
from tlswire.wire import Message

_SPELLINGS = {"hex": bytes_from_hex, "base64": bytes_from_base64}
_MOST = 64 << 20  # bytes; what is longer is a capture, or no TLS


def show_bytes(what: str, spelling: str | None, as_name: str | None) -> Status:
    """Prints the tree; raises TLSWireError or FileError where there is nothing to show.

    Parameters: `what`, a path, "-" for standard input, or the bytes written in hex or base64; `spelling`, `hex` or
    `base64`, when `what` is no file for certain; `as_name`, the message of which the bytes are the body.
    """
    kind: type[Message] | HandshakeType | None = None
    if as_name is not None:
        try:
            kind = message_kind(as_name)
        except LookupError as error:
            raise click.BadParameter(str(error.args[0]), param_hint="--as") from error
    name = "standard input" if what == "-" else escape(what, 60)
    try:
        tree = show(_raw(what, spelling), as_=kind)
    except DecodeError as error:
        raise FileError(name, str(error)) from error
    write(tree.text(terminal_width()))
    if tree.errors:
        complain(f"{name}: {tree.errors[0]}")
        return Status.unreadable
    return Status.done


def _raw(what: str, spelling: str | None) -> bytes:
    if what == "-":
        content = _read(sys.stdin.buffer, "standard input")
    elif spelling is None and os.path.exists(what):
        try:
            with open(what, "rb") as file:
                content = _read(file, what)
        except OSError as error:
            raise FileError(what, f"cannot be read: {why(error)}") from error
    elif spelling is None:
        try:
            return bytes_from_hex(what)
        except DecodeError as error:
            raise FileError(what[:60], f"no such file, and no hex: {error}") from error
    else:
        return _SPELLINGS[spelling](what)
    return bytes_in(content) if spelling is None else _SPELLINGS[spelling](content.decode("ascii", "replace"))


def _read(file: BinaryIO, name: str) -> bytes:
    content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise FileError(name, f"longer than {_MOST} bytes; is it a capture? explain reads those")
    return content
