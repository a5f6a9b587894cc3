"""What a connection came to, as a paragraph: the peers, and per handshake what was agreed and what was readable.

stream 0: 10.10.10.16:51006 to 10.10.10.15:443, TLSv1.2, no server name
  handshake 0: TLS_RSA_WITH_AES_128_CBC_SHA, full, begun by the client
               renegotiation_info verified, Finished verified; client decrypted, server decrypted
"""

from __future__ import annotations

from collections.abc import Iterator

from tlswire.analysis import ConnectionSummary
from tlswire.capture import Provenance
from tlswire.display.text import Line, wrapped
from tlswire.escaping import escape
from tlswire.session import Handshake, Verdict

_LONGEST_EVIDENCE = 120  # characters of one value


def summary_lines(summary: ConnectionSummary, width: int | None = None) -> Iterator[Line]:
    """The lines of the paragraph.

    Parameters: `width`, columns at which lines are wrapped, or None.
    """
    stream = summary.stream
    version = str(stream.version) if stream.version is not None else "version unknown"
    name = f"server name {escape(stream.server_name, 255)}" if stream.server_name else "no server name"
    title = f"stream {stream.number}: {stream.client} to {stream.server}, {version}, {name}"
    for text in wrapped(title, 4, width):
        yield Line(text, "heading")
    for handshake in stream.handshakes:
        start = f"  handshake {handshake.epoch}: "
        for text in wrapped(start + _agreed(handshake), len(start), width):
            yield Line(text, "detail")
        for words, style in _outcome(handshake):
            for text in wrapped(" " * len(start) + words, len(start), width):
                yield Line(text, style)


def _agreed(handshake: Handshake) -> str:
    if handshake.cipher_suite is None:
        return "cipher suite unknown"
    suite = handshake.cipher_suite.name
    shape = {True: "resumed", False: "full", None: "not finished"}[handshake.resumed]
    return f"{suite}, {shape}, begun by the {handshake.initiated_by}"


def _outcome(handshake: Handshake) -> Iterator[tuple[str, str]]:
    """What was verified and decrypted, each with its style."""
    binding = f"renegotiation_info {handshake.secure_renegotiation} ({handshake.secure_renegotiation_why})"
    yield f"{binding}; Finished {handshake.finished}", "detail"
    sides = {"client": handshake.client, "server": handshake.server}
    readable = [f"{side} {_counted(verdict)}" for side, verdict in sides.items() if verdict.reason is None]
    if readable:
        yield "; ".join(readable), "detail"
    refused = {side: verdict for side, verdict in sides.items() if verdict.reason is not None}
    for side, verdict in refused.items():
        yield f"{side} {_counted(verdict)}: {verdict.reason}{_evidence(verdict)}", "warning"
    for remedy in dict.fromkeys(verdict.reason.remedy for verdict in refused.values() if verdict.reason):
        yield remedy, "detail"


def _counted(verdict: Verdict) -> str:
    if not verdict.records:
        return "sent nothing encrypted"
    if verdict.reason is None:
        return f"decrypted ({_records(verdict.records)})"
    lost = verdict.records - verdict.decrypted
    of_how_many = f"{lost} of {_records(verdict.records)}" if lost < verdict.records else _records(lost)
    return f"stays encrypted ({of_how_many})"


def _records(count: int) -> str:
    return f"{count} record{'s' * (count != 1)}"


def _evidence(verdict: Verdict) -> str:
    parts = [_evidence_part(name, value) for name, value in verdict.evidence.items()]
    return f" ({', '.join(parts)})" if parts else ""


def _evidence_part(name: str, value: object) -> str:
    if isinstance(value, Provenance):
        return f"first in frame {value.frame}"
    if isinstance(value, list):
        value = " ".join(str(_in_words(item)) for item in value)
    value = _in_words(value)
    return f"{name.replace('_', ' ')} {escape(str(value), _LONGEST_EVIDENCE)}"


def _in_words(value: object) -> object:
    """What is named by several things, by its name and its key identifier."""
    if not isinstance(value, dict):
        return value
    return f"{value.get('name', value.get('subject'))} [{value.get('key_identifier', 'key unknown')}]"
