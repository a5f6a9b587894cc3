"""The verbs `explain` and `demo`: the story of the connections in captures."""

from __future__ import annotations

from collections.abc import Sequence

from tlswire.analysis import Row, SegmentRow, explain
from tlswire.capture import CaptureReader
from tlswire.capture.files import CaptureSource
from tlswire.cli.options import SecretFiles
from tlswire.cli.outcome import Status
from tlswire.cli.screen import ProgressBar, note, tell_not_read, terminal_width, write, write_json, write_lines
from tlswire.display.summary import summary_lines
from tlswire.display.text import StoryTable


def explain_captures(captures: Sequence[CaptureSource], files: SecretFiles, *, tcp: bool, as_json: bool) -> Status:
    """Prints the story; raises TLSWireError after what could be told before it."""
    secrets = files.load()
    reader = CaptureReader(captures, secrets=secrets, segments=tcp, both_cores=True)
    width = terminal_width()
    table = StoryTable(width, ack=tcp)
    encrypted = found = False
    try:
        with ProgressBar(reader) as bar:
            for told in explain(reader):
                bar.make_way()
                found = found or not isinstance(told, SegmentRow)
                encrypted = encrypted or (isinstance(told, Row) and "undecryptable" in told.more)
                if as_json:
                    write_json(told.as_json())
                elif isinstance(told, Row):
                    write_lines(table.lines(told))
                elif isinstance(told, SegmentRow):
                    write_lines(table.segment_lines(told))
                else:
                    write("")
                    write_lines(summary_lines(told, width))
                    write("")
                    table.end_block(told.stream.number)
    finally:
        tell_not_read(reader, as_json=as_json)
    if not found:
        note("no TLS connection was found")
    return Status.encrypted if encrypted and files.given else Status.done
