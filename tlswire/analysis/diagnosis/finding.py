"""What a diagnosis says: findings, each with its evidence and what to do."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import field

from tlswire.capture import Provenance, TLSStream
from tlswire.values import Struct, slotted

MOST_STREAMS = 20  # that a finding names; `count` has them all


class Severity(enum.StrEnum):
    """How grave a finding is."""

    error = "error"  # what keeps the client out
    warning = "warning"  # what may, or will with other clients
    note = "note"  # what one should know


@slotted
class Finding(Struct):
    """One thing that a capture shows about client-certificate authentication.

    `code` is of the closed list in the documentation; `title` is a sentence for people, harmless to show; `evidence`
    is the data that shows it; `remedy` says what to do, by the settings of the server at hand where that is known.
    `stream`, `epoch` and `at` are those of the first connection that shows it; `count` says how many do, and `streams`
    names the first of them.
    """

    code: str
    severity: Severity
    stream: TLSStream
    epoch: int
    at: Provenance
    title: str
    evidence: dict[str, object]
    remedy: str = ""
    cause: object = field(default=None, repr=False)  # findings of the same code and cause are one
    count: int = 1
    streams: list[int] = field(default_factory=list)

    @property
    def frame(self) -> int:
        """The number of the frame that shows it, from 1."""
        return self.at.frame

    def as_json(self) -> dict[str, object]:
        """The finding as the JSON object that `diagnose --json` prints."""
        return {
            "kind": "finding",
            "code": self.code,
            "severity": self.severity.value,
            "stream": self.stream.number,
            "tcp_stream": self.stream.tcp_stream,
            "epoch": self.epoch,
            "file": self.at.file,
            "frame": self.at.frame,
            "title": self.title,
            "evidence": self.evidence,
            "remedy": self.remedy,
            "count": self.count,
            "streams": self.streams,
        }


class Findings:
    """Findings as they come, those of the same code, severity and cause as one, with their count."""

    def __init__(self) -> None:
        self._known: dict[object, Finding] = {}

    def add(self, findings: Iterable[Finding]) -> None:
        """Takes more."""
        for finding in findings:
            first = self._known.setdefault((finding.code, finding.severity, finding.cause), finding)
            if first is not finding:
                first.count += finding.count
            if len(first.streams) < MOST_STREAMS and finding.stream.number not in first.streams:
                first.streams.append(finding.stream.number)

    def __iter__(self) -> Iterator[Finding]:
        """All of them, the grave ones first."""
        order = list(Severity)
        yield from sorted(
            self._known.values(),
            key=lambda one: (order.index(one.severity), one.stream.number, one.epoch, one.at.frame),
        )
