"""Standard output and the progress bar: what a terminal gets, and what files and pipes get.

A terminal gets lines that fit it, with styles unless NO_COLOR is set (https://no-color.org); all else gets whole
lines without.  The progress bar is on standard error, if that is a terminal, while a long capture is read; it is
gone for good when the first line is written to a terminal, which it would disturb.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from tlswire.capture import CaptureReader
    from tlswire.cli.bar import Bar
    from tlswire.display.text import Line

LONG_CAPTURE = 16 << 20  # bytes; a shorter one is read in about a second
WATCH_SECONDS = 0.5

_STYLES: dict[str, dict[str, Any]] = {
    "heading": {"bold": True},
    "divider": {"bold": True, "fg": "cyan"},
    "frame": {"dim": True},
    "encrypted": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "error": {"bold": True, "fg": "red"},
    "tcp": {"dim": True},
}


def terminal_width() -> int | None:
    """The columns of the terminal that standard output is; None where it is none."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def write(text: str) -> None:
    """Writes a line to standard output."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """Writes a remark to standard error, if that is a terminal."""
    if sys.stderr.isatty():
        click.echo(f"tlswire: {text}", err=True)


def tell_not_read(reader: CaptureReader, *, as_json: bool = False) -> None:
    """Says once what the captures have that is not read."""
    for one in reader.not_read:
        if as_json:
            write_json(one.as_json())
        note(str(one))


def write_json(value: object) -> None:
    """Writes a JSON object as one line."""
    write(json.dumps(value, separators=(",", ":"), default=str))


def write_lines(lines: Iterable[Line]) -> None:
    """Writes lines, styled where a terminal shows it."""
    put, styled = sys.stdout.write, _is_styled(sys.stdout)
    for text, style in lines:
        put(f"{click.style(text, **_STYLES[style])}\n" if styled and style in _STYLES else f"{text}\n")


@lru_cache(maxsize=1)  # it asks the system, for every line
def _is_styled(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class ProgressBar:
    """How far captures have been read, when that takes long; to be used with `with`."""

    def __init__(self, reader: CaptureReader) -> None:
        self._reader = reader
        self._disturbs = sys.stdout.isatty()
        self._bar: Bar | None = None
        self._unwanted = threading.Event()
        self._showing = threading.Lock()

    def __enter__(self) -> ProgressBar:
        if sys.stderr.isatty():
            total = self._reader.total_bytes
            if total is None:  # a pipe is long when much has come
                threading.Thread(target=self._watch, daemon=True).start()
            elif total > LONG_CAPTURE:
                self._show(total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hide()

    def make_way(self) -> None:
        """Takes that a line is about to be written to standard output."""
        if self._disturbs and not self._unwanted.is_set():
            self._hide()

    def _watch(self) -> None:
        while not self._unwanted.wait(WATCH_SECONDS):
            if self._reader.bytes_read > LONG_CAPTURE:
                self._show(None)
                return

    def _show(self, total: int | None) -> None:
        from tlswire.cli.bar import Bar

        with self._showing:
            if not self._unwanted.is_set():
                self._bar = Bar(self._reader, total)
                self._bar.start()

    def _hide(self) -> None:
        self._unwanted.set()
        with self._showing:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None
