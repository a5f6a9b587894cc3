"""The story as a table of plain text, for terminals and files.

Rows are written as they come: nothing of the capture is held back.  Columns are as wide as the widest cell so far,
so that a longer address widens them from its own row on.  Where there is room, a row is one line:

    No.   Time             Delta     Source        Destination    Protocol  Ep.  Info
      11  11:02:33.128214  0.000219  10.0.0.1:443  10.0.0.2:5106  TLSv1.2   0*   Hello Request

In a terminal too narrow for that, the messages of a frame stand below one line for the frame:

      11  11:02:33.128214  0.000219  10.0.0.1:443  10.0.0.2:5106  TLSv1.2
          0*  Hello Request

`Ep.` is the handshake that a message belongs to or that protects it; `*` marks what came encrypted.  What a peer
controls was escaped by those who made the rows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import gt
from typing import NamedTuple

from tlswire.analysis import Row, SegmentRow
from tlswire.capture import Provenance, format_time
from tlswire.escaping import escape

LEAST_INFO = 40  # columns; with fewer left for Info, rows are grouped by frame
LEAST_HANGING = 24  # columns; with fewer left, what is wrapped is indented by little
FEW_NAMES = 12  # so many CA names are all listed; of more, the first ones
FIRST_NAMES = 10
LEGEND = "Ep. is the handshake's number, * what came encrypted"

_GAP = "  "
_COLUMNS = (("No.", 4), ("Time", 15), ("Delta", 8), ("Source", 15), ("Destination", 15), ("Protocol", 8))
_SOURCE = 3  # where the two columns of addresses begin
_EPOCH = ("Ep.", 3)
_ACK = ("Ack", 10)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Line(NamedTuple):
    """A line of text, and what it is: `heading`, `divider`, `row`, `encrypted`, `warning`, `tcp` or `detail`."""

    text: str
    style: str


class StoryTable:
    """Turns rows into lines.

    Parameters: `width`, columns of the terminal, or None: then every row is one line, however long; `ack`, whether
    there is a column for the TCP acknowledgement number.
    """

    def __init__(self, width: int | None = None, *, ack: bool = False) -> None:
        self._width = width
        columns = (*_COLUMNS, _ACK) if ack else _COLUMNS
        self._ack = ack
        self._names = [name for name, _ in (*columns, _EPOCH)]
        self._widths = [least for _, least in (*columns, _EPOCH)]
        self._grouped: bool | None = None  # not decided before the first row
        self._file: str | None = None
        self._day: str | None = None
        self._indent = 0  # of the Info column
        self._frame: object = None  # the frame whose line the grouped messages are below
        self._last: Provenance | None = None
        self._epochs: dict[int, int] = {}  # by stream, the last handshake that is announced

    def lines(self, row: Row) -> list[Line]:
        """The lines of a row, after the headings that are due before it."""
        style = "warning" if row.kind != "message" else "encrypted" if row.encrypted else "row"
        epoch = f"{row.epoch}*" if row.encrypted else str(row.epoch)
        cells = [row.source, row.destination, row.protocol or "?"]
        group = (row.at, row.stream.number, row.side, row.protocol)
        lines = self._placed(row.at, cells, row.ack, epoch, row.info, style, group, self._announce(row))
        names = row.more.get("certificate_authorities")
        if isinstance(names, list):
            lines += self._names_of(names)
        return lines

    def segment_lines(self, row: SegmentRow) -> list[Line]:
        """The lines of a TCP segment with which no message became readable."""
        segment = row.segment
        cells = [segment.source, segment.destination, "TCP"]
        return self._placed(segment.at, cells, segment.relative_ack, "", row.info, "tcp", segment, None)

    def _placed(
        self,
        at: Provenance,
        peers: list[str],
        ack: int | None,
        epoch: str,
        info: str,
        style: str,
        group: object,
        announced: str | None,
    ) -> list[Line]:
        day, time = _day_and_time(at)
        cells = [str(at.frame), time, _delta(self._last or at, at), *peers]
        self._last = at
        if self._ack:
            cells.append("" if ack is None else str(ack))
        cells.append(epoch)
        if any(map(gt, map(len, cells), self._widths)):
            self._widths = [max(width, len(cell)) for width, cell in zip(self._widths, cells, strict=True)]
            # What is the source now is the destination of the answer.
            self._widths[_SOURCE] = self._widths[_SOURCE + 1] = max(self._widths[_SOURCE : _SOURCE + 2])
        lines: list[Line] = []
        if at.file != self._file or day != self._day:
            lines += self._headings(at, day)
        if announced is not None:
            lines += self._wrapped(announced, len("-- "), "divider")
        if self._grouped:
            if group != self._frame:
                self._frame = group
                lines += self._frame_lines(cells[:-1], "frame")
            start = " " * (self._widths[0] + len(_GAP)) + cells[-1].ljust(self._widths[-1]) + _GAP
        else:
            start = self._joined(cells) + _GAP
        self._indent = len(start)
        lines += self._wrapped(start + info, len(start), style)
        return lines

    def end_block(self, stream: int) -> None:
        """Takes that a stream is over and that other text is written before the next row."""
        self._epochs.pop(stream, None)
        self._frame = None

    def _headings(self, at: Provenance, day: str) -> Iterator[Line]:
        if self._grouped is None:
            used = len(self._joined(self._names) + _GAP)
            self._grouped = self._width is not None and self._width - used < LEAST_INFO
        if at.file != self._file:
            yield from self._wrapped(escape(at.file), 2, "heading")
        if day != self._day:
            legend = f"; {LEGEND}" if self._file is None else ""
            yield from self._wrapped(f"{day} UTC{legend}", 2, "heading")
        if self._file is None:
            indent = self._widths[0] + len(_GAP)
            if self._grouped:
                yield from self._frame_lines(self._names[:-1], "heading")
                yield Line(f"{'':{indent}}{self._names[-1]:{self._widths[-1]}}{_GAP}Info", "heading")
            else:
                yield Line(self._joined([*self._names, "Info"]), "heading")
        self._file, self._day = at.file, day

    def _announce(self, row: Row) -> str | None:
        """A divider where a stream's next handshake begins."""
        if not row.epoch or row.content_type != "handshake" or row.epoch <= self._epochs.get(row.stream.number, 0):
            return None
        self._epochs[row.stream.number] = row.epoch
        self._frame = None
        return f"-- stream {row.stream.number}: handshake {row.epoch}, a renegotiation"

    def _names_of(self, names: list[str]) -> Iterator[Line]:
        """The names of certificate authorities, under Info."""
        indent = self._indent
        shown = names if len(names) <= FEW_NAMES else names[:FIRST_NAMES]
        digits = len(str(len(shown)))
        for number, name in enumerate(shown, 1):
            start = f"{'':{indent}}{number:>{digits}}. "
            yield from self._wrapped(start + escape_name(name), len(start), "detail")
        if len(shown) < len(names):
            start = f"{'':{indent}}{'':{digits}}  "
            rest = f"… and {len(names) - len(shown)} more (--json lists all)"
            yield from self._wrapped(start + rest, len(start), "detail")

    def _joined(self, cells: list[str]) -> str:
        """Cells under one another; the numbers, which come first, are aligned to the right."""
        padded = list(map(str.ljust, cells, [*self._widths, 0]))
        padded[0] = cells[0].rjust(self._widths[0])
        return _GAP.join(padded)

    def _frame_lines(self, cells: list[str], style: str) -> Iterator[Line]:
        """The line of a frame; two, where the columns do not fit into one."""
        indent = self._widths[0] + len(_GAP)
        if self._width is not None and sum(self._widths[:-1]) + len(_GAP) * (len(cells) - 1) > self._width:
            yield from self._wrapped(self._joined(cells[:_SOURCE]), indent, style)
            yield from self._wrapped(" " * indent + _GAP.join(cells[_SOURCE:]), indent, style)
        else:
            yield from self._wrapped(self._joined(cells), indent, style)

    def _wrapped(self, text: str, indent: int, style: str) -> list[Line]:
        return [Line(line, style) for line in wrapped(text, indent, self._width)]


def wrapped(text: str, indent: int, width: int | None) -> list[str]:
    """Text in lines of at most `width` columns, all but the first indented; one line where `width` is None.

    In a terminal narrower than the indentation, that is given up.
    """
    text = text.rstrip()
    if width is None or len(text) <= width:
        return [text]
    if width - indent < LEAST_HANGING:
        indent = min(2, width // 2)
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False, replace_whitespace=False)


def escape_name(name: str) -> str:
    """A distinguished name of RFC 4514 made safe to print; its own backslashes stay single."""
    return "\\".join(escape(part) for part in name.split("\\"))


def _day_and_time(at: Provenance) -> tuple[str, str]:
    """The date and the time of day, with all digits that the capture has."""
    moment = _moment(at.ticks // at.ticks_per_second)
    if moment is None:
        return "unknown date,", at.time
    _, point, fraction = format_time(at.ticks % at.ticks_per_second, at.ticks_per_second).partition(".")
    day, time = moment
    return day, f"{time}{point}{fraction}"


@lru_cache(maxsize=4)  # many frames share a second
def _moment(seconds: int) -> tuple[str, str] | None:
    """Date and time of day, for seconds since 1970; None for a damaged capture's year 60,000."""
    try:
        moment = _UNIX_EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}"


def _delta(before: Provenance, at: Provenance) -> str:
    """The seconds between two frames, with all digits that the captures have."""
    if before.ticks_per_second == at.ticks_per_second:
        return format_time(at.ticks - before.ticks, at.ticks_per_second)
    return f"{Decimal(at.time) - Decimal(before.time):f}"
