"""Findings as text: what was found, by which frames, and what to do.

ERROR    issuer_not_listed
         stream 0, handshake 1, frame 13
         The client's issuer, CN=Forgotten Issuing CA, is not among the 3 names that the server sent.
         nearest: CN=Example Client Issuing CA: CN is 'Example Client Issuing CA' and not 'Forgotten Issuing CA'
      -> Let the server name the client's issuer, or give the client a certificate of an issuer that it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlswire.analysis.diagnosis import Finding, Severity
from tlswire.display.text import Line, wrapped
from tlswire.escaping import escape

_INDENT = 9
_ARROW = "      -> "
_STYLES = {Severity.error: "error", Severity.warning: "warning", Severity.note: "heading"}
# What the title says already, and what is for programs alone.
_UNTOLD = {
    "certificate", "certificate_frame", "certificate_sent", "client_data_followed", "why", "by", "by_alert", "names",
    "match", "known", "certain", "meaning", "epoch", "reason", "status", "chain_issuers", "borne_out", "shown_by_frame",
    "handshakes", "refused", "directions", "offset", "vector_limit", "message_limit_client", "number", "fatal",
    "expected", "accepted", "substatus", "requested", "resumed",
    "alert", "last_frame", "reset", "of", "captured", "extended_key_usage", "digital_signature", "key_type", "count",
    "limit", "duplicate_bytes", "method", "target", "differences", "chain_ends_in_root", "longest_name_bytes", "issuer",
}  # fmt: skip
_LONGEST = 200  # characters of a value
_MOST = 3  # of a list in the evidence, that are shown


def finding_lines(finding: Finding, width: int | None = None, *, name_file: bool = False) -> Iterator[Line]:
    """The lines of a finding.

    Parameters: `width`, columns at which lines are wrapped, or None; `name_file`, whether the capture's name is told,
    which says in which of several files the frame is.
    """
    yield Line(f"{finding.severity.upper():<{_INDENT}}{finding.code}", _STYLES[finding.severity])
    yield from _paragraph(_where(finding, name_file), width, "frame")
    yield from _paragraph(finding.title, width, "detail")
    for text in _evidence(finding.evidence):
        yield from _paragraph(text, width, "detail")
    if finding.remedy:
        for text in wrapped(_ARROW + finding.remedy, _INDENT, width):
            yield Line(text, "detail")


def _where(finding: Finding, name_file: bool) -> str:
    where = f"stream {finding.stream.number}, handshake {finding.epoch}, frame {finding.at.frame}"
    if name_file:
        where += f" of {escape(finding.at.file)}"
    if finding.count == 1:
        return where
    others = ", ".join(str(number) for number in finding.streams[:8])
    more = ", ..." if finding.count > len(finding.streams[:8]) else ""
    return f"{finding.count} times; first in {where}; streams {others}{more}"


def _paragraph(text: str, width: int | None, style: str) -> Iterator[Line]:
    for line in wrapped(" " * _INDENT + text, _INDENT, width):
        yield Line(line, style)


def _evidence(evidence: dict[str, object]) -> Iterator[str]:
    plain = []
    for key, value in evidence.items():
        if key in _UNTOLD or value is None or value == [] or value == "":
            continue
        name = key.replace("_", " ")
        if isinstance(value, list):
            for item in value[:_MOST]:
                yield f"{name}: {_item(item)}"
            if len(value) > _MOST:
                yield f"{name}: {len(value) - _MOST} more (--json has them)"
        else:
            plain.append(f"{name} {_harmless(value)}")
    if plain:
        yield "; ".join(plain)


def _harmless(value: object) -> str:
    """A value of the evidence; names are escaped already, and would be a second time."""
    text = str(value)
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return text if text.isprintable() else escape(text)


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return _harmless(item)
    rest = {key: value for key, value in item.items() if key != "name"}
    told = []
    for key, value in rest.items():
        if isinstance(value, list):
            told.append("; ".join(map(str, value)))
        elif key == "bytes":
            told.append(f"{value} bytes")
        else:
            told.append(f"{key.replace('_', ' ')} {value}")
    name = f"{item['name']}: " if "name" in item else ""
    return name + ", ".join(told)
