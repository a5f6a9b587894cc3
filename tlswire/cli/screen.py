"""Standard output and the progress bar: what a terminal gets, and what files and pipes get.

A terminal gets lines that fit it, with styles unless NO_COLOR is set (https://no-color.org); all else gets whole
lines without.  The progress bar is on standard error, if that is a terminal, while a long capture is read; it is
gone for good when the first line is written to a terminal, which it would disturb.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tlswire.capture import CaptureReader
from tlswire.display.text import Line

LONG_CAPTURE = 16 << 20  # bytes; a shorter one is read in about a second

_STYLES: dict[str, dict[str, Any]] = {
    "heading": {"bold": True},
    "divider": {"bold": True, "fg": "cyan"},
    "frame": {"dim": True},
    "encrypted": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "tcp": {"dim": True},
}


def terminal_width() -> int | None:
    """The columns of the terminal that standard output is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def write(text: str) -> None:
    """Writes a line to standard output."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """Writes a remark to standard error, if that is a terminal."""
    if sys.stderr.isatty():
        click.echo(f"tlswire: {text}", err=True)


def write_json(value: object) -> None:
    """Writes a JSON object as one line."""
    write(json.dumps(value, separators=(",", ":"), default=str))


def write_lines(lines: Iterable[Line]) -> None:
    """Writes lines, styled where a terminal shows it."""
    styled = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for text, style in lines:
        write(click.style(text, **_STYLES[style]) if styled and style in _STYLES else text)


class ProgressBar:
    """How far a capture has been read; to be used with `with`."""

    def __init__(self, reader: CaptureReader) -> None:
        total = reader.total_bytes
        console = Console(stderr=True)
        self._bar: _Bar | None = None
        if console.is_terminal and (total is None or total > LONG_CAPTURE):
            self._bar = _Bar(reader, total, console)

    def __enter__(self) -> ProgressBar:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def make_way(self) -> None:
        """Takes that a line is about to be written to standard output."""
        if self._bar is not None and sys.stdout.isatty():
            self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class _Bar(Progress):
    """A bar that asks the reader how far it is whenever it is drawn; rich draws it in a thread of its own."""

    def __init__(self, reader: CaptureReader, total: int | None, console: Console) -> None:
        self._reader = reader
        super().__init__(
            TextColumn("reading"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn(),
            console=console, transient=True,
        )  # fmt: skip
        self._read = self.add_task("", total=total)

    def get_renderable(self) -> RenderableType:
        """Called by rich for each drawing."""
        if self.tasks:
            self.tasks[0].completed = self._reader.bytes_read
        return super().get_renderable()
