"""The verb `show`: raw TLS bytes as an annotated tree."""

from __future__ import annotations

import os
import sys

import click

from tlswire.cli.outcome import OutputError, Status, complain, why
from tlswire.cli.screen import write
from tlswire.display.show import bytes_in, message_kind, show
from tlswire.display.spelling import bytes_from_base64, bytes_from_hex
from tlswire.errors import DecodeError
from tlswire.escaping import escape
from tlswire.registry import HandshakeType
from tlswire.wire import Message

_SPELLINGS = {"hex": bytes_from_hex, "base64": bytes_from_base64}
_MOST = 64 << 20  # bytes; what is longer is a capture, or no TLS


def show_bytes(what: str, spelling: str | None, as_name: str | None) -> Status:
    """Prints the tree; raises TLSWireError or OutputError where there is nothing to show.

    Parameters: `what`, a path, "-" for standard input, or the bytes written in hex or base64; `spelling`, `hex` or
    `base64`, when `what` is no file for certain; `as_name`, the message of which the bytes are the body.
    """
    kind: type[Message] | HandshakeType | None = None
    if as_name is not None:
        try:
            kind = message_kind(as_name)
        except LookupError as error:
            raise click.BadParameter(str(error.args[0]), param_hint="--as") from error
    tree = show(_raw(what, spelling), as_=kind)
    write(str(tree))
    if tree.errors:
        complain(f"{_named(what)}: {tree.errors[0]}")
        return Status.unreadable
    return Status.done


def _named(what: str) -> str:
    if what == "-":
        return "standard input"
    return escape(what, 60)


def _raw(what: str, spelling: str | None) -> bytes:
    if what == "-":
        content = sys.stdin.buffer.read(_MOST)
        if spelling is not None:
            return _SPELLINGS[spelling](content.decode("ascii", "replace"))
        return bytes_in(content)
    if spelling is not None:
        return _SPELLINGS[spelling](what)
    if os.path.exists(what):
        try:
            with open(what, "rb") as file:
                return bytes_in(file.read(_MOST))
        except OSError as error:
            raise OutputError(what, f"cannot be read: {why(error)}") from error
    try:
        return bytes_from_hex(what)
    except DecodeError as error:
        raise OutputError(what[:60], f"neither a file nor hex: {error}") from error
