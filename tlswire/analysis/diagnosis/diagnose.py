"""The diagnosis of a capture: every rule, for every connection, and what many of them share told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tlswire.analysis.diagnosis import authorities, certificate, issuers, outcome, renegotiation
from tlswire.analysis.diagnosis.authorities import SCHANNEL_LIMIT
from tlswire.analysis.diagnosis.case import Case
from tlswire.analysis.diagnosis.finding import Finding, Findings
from tlswire.analysis.diagnosis.servers import server_kind
from tlswire.analysis.diagnosis.writing import Writer, writer
from tlswire.capture import CaptureReader, TLSStream, Trace
from tlswire.errors import CaptureError

Rule = Callable[[Case, Writer, Sequence[bytes], int], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    lambda case, write, given, limit: renegotiation.requested_late(case, write),
    lambda case, write, given, limit: renegotiation.unanswered(case, write),
    lambda case, write, given, limit: renegotiation.binding(case, write),
    lambda case, write, given, limit: authorities.length(case, write, limit),
    lambda case, write, given, limit: authorities.malformed(case, write),
    lambda case, write, given, limit: issuers.issuer(case, write, given),
    lambda case, write, given, limit: issuers.empty(case, write, given),
    lambda case, write, given, limit: certificate.kinds(case, write, given),
    lambda case, write, given, limit: certificate.validity(case, write, given),
    lambda case, write, given, limit: certificate.proof(case, write),
    lambda case, write, given, limit: outcome.rejected(case, write),
    lambda case, write, given, limit: outcome.http_required(case, write),
    lambda case, write, given, limit: outcome.not_requested(case, write),
    lambda case, write, given, limit: outcome.accepted(case, write),
    lambda case, write, given, limit: outcome.cannot_tell(case, write),
)
"""All rules, in the order in which things happen."""


def diagnose_case(case: Case, client_certificate: Sequence[bytes] = (), limit: int = SCHANNEL_LIMIT) -> list[Finding]:
    """The findings of one connection, which is over."""
    write = writer(case, server_kind(case.exchanges))
    return [finding for rule in RULES for finding in rule(case, write, client_certificate, limit)]


def diagnose(
    capture: Trace | CaptureReader, client_certificate: Sequence[bytes] = (), *, limit: int = SCHANNEL_LIMIT
) -> list[Finding]:
    """What went wrong with client-certificate authentication in a capture, and what went right.

    Parameters: `capture`, as `tlswire.open` gives it, or a `CaptureReader` that keeps messages; `client_certificate`,
    the certificates in DER that the client has, its own first (`load_certificates` reads files); `limit`, the bytes at
    which the server cuts its list of authorities: Schannel's by default.

    Findings of the same cause are told once, with their count, the grave ones first.  Raises CaptureError where a
    reader cannot read on; a `Trace` has that in its `error`.  Raises ImportError where h11, which reads HTTP, is not
    installed.
    """
    findings = Findings()
    for case in _cases(capture):
        findings.add(diagnose_case(case, client_certificate, limit))
    return list(findings)


def _cases(capture: Trace | CaptureReader) -> Iterator[Case]:
    """The connections, each when it is over."""
    if isinstance(capture, Trace):
        for connection in capture.connections:
            case = Case(connection.stream)
            case.receive(connection.events)
            case.end()
            yield case
        return
    yield from cases(capture)


def cases(reader: CaptureReader) -> Iterator[Case]:
    """The connections of a capture, each when it is over; raises CaptureError after those before the damage."""
    open_cases: dict[TLSStream, Case] = {}
    damage: CaptureError | None = None
    try:
        for batch in reader.batches():
            for stream, events in batch:
                if events is None:
                    case = open_cases.pop(stream, None)
                    if case is not None:
                        case.end()
                        yield case
                    continue
                open_cases.setdefault(stream, Case(stream)).receive(events)
    except CaptureError as error:
        damage = error
    for case in open_cases.values():
        case.end()
        yield case
    if damage is not None:
        raise damage
