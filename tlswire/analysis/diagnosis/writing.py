"""How rules write findings: the connection and the remedy are the same for all of a case."""

from __future__ import annotations

from collections.abc import Callable

from tlswire.analysis.diagnosis.case import Case, Told
from tlswire.analysis.diagnosis.finding import Finding, Severity
from tlswire.analysis.diagnosis.servers import ServerKind, remedy

Writer = Callable[..., Finding]


def writer(case: Case, kind: ServerKind | None) -> Writer:
    """What makes the findings of a case."""

    def write(
        code: str,
        severity: Severity,
        told: Told,
        title: str,
        evidence: dict[str, object],
        *,
        cause: object = None,
        more: str = "",
    ) -> Finding:
        text = " ".join(part for part in (remedy(code, kind), more) if part)
        return Finding(code, severity, case.stream, told.epoch, told.at, title, evidence, text, cause=cause)

    return write
