"""The progress bar as rich draws it: a file of its own, since rich takes 40 ms to import and few runs show a bar."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tlswire.capture import CaptureReader


class Bar(Progress):
    """A bar that asks the reader how far it is whenever it is drawn; rich draws it in a thread of its own."""

    def __init__(self, reader: CaptureReader, total: int | None) -> None:
        self._reader = reader
        super().__init__(
            TextColumn("reading"), BarColumn(), DownloadColumn(binary_units=True), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._read = self.add_task("", total=total)

    def get_renderable(self) -> RenderableType:
        """Called by rich for each drawing."""
        if self.tasks:
            self.tasks[0].completed = self._reader.bytes_read
        return super().get_renderable()
