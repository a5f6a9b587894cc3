"""Rules: was a certificate asked for, when, and was the renegotiation that asks for it sound?"""

from __future__ import annotations

from collections.abc import Iterator

from tlswire.analysis.diagnosis.case import Asked, Case, Told
from tlswire.analysis.diagnosis.finding import Finding, Severity
from tlswire.analysis.diagnosis.writing import Writer
from tlswire.capture import Provenance
from tlswire.escaping import escape_bytes
from tlswire.registry import AlertDescription
from tlswire.session import Binding, Role


def requested_late(case: Case, write: Writer) -> Iterator[Finding]:
    """`client_certificate_requested_by_renegotiation`, `client_certificate_requested_after_handshake`."""
    for request in case.requests:
        if request.after_handshake:
            yield write(
                "client_certificate_requested_after_handshake",
                Severity.note,
                request,
                "The server asked for a certificate after the handshake, as TLS 1.3 allows where the client offers it.",
                {"certificate_request_frame": request.at.frame, **_what_was_asked(case, request)},
            )
            continue
        asked = _hello_request(case, request.epoch)
        if request.epoch and asked is not None:
            yield write(
                "client_certificate_requested_by_renegotiation",
                Severity.note,
                request,
                "The server asked for a certificate only after the request, by a handshake inside the handshake; "
                "with a "
                "large POST that deadlocks, and HTTP/2 and TLS 1.3 cannot do it.",
                {
                    "hello_request_frame": asked.at.frame,
                    "certificate_request_frame": request.at.frame,
                    **_what_was_asked(case, request),
                },
            )


def _hello_request(case: Case, epoch: int) -> Told | None:
    """The HelloRequest that a handshake answers; those of the epoch before it ask for it."""
    return next((told for told in reversed(case.hello_requests) if told.epoch < epoch), None)


def _what_was_asked(case: Case, request: Asked) -> dict[str, object]:
    """The HTTP request that was on its way when the server asked."""
    for asked in reversed(case.http_requests):
        if isinstance(asked.at, Provenance) and Told(asked.at, 0).moment <= request.moment:
            return {"method": asked.method, "target": escape_bytes(asked.target, 200)}
    return {}


def unanswered(case: Case, write: Writer) -> Iterator[Finding]:
    """`renegotiation_refused`, `renegotiation_ignored`."""
    refusals = [alert for alert in case.alerts if alert.description is AlertDescription.no_renegotiation]
    for alert in refusals:
        yield write(
            "renegotiation_refused",
            Severity.error if alert.by is Role.client and not case.requests else Severity.warning,
            alert,
            f"The {alert.by} refused to renegotiate: it sent the alert no_renegotiation.",
            {"by": alert.by.value, "alert_frame": alert.at.frame, **_request_before(case, alert)},
            cause=alert.by,
        )
    refused_by_client = any(alert.by is Role.client for alert in refusals)
    last_hello = max((hello.moment for hello in case.client_hellos), default=None)
    for asked in case.hello_requests:
        answered = last_hello is not None and last_hello >= asked.moment
        unreadable = any(closed.by is Role.client and closed.epoch == asked.epoch for closed in case.closed.values())
        if answered or refused_by_client or unreadable or case.last is None:
            continue
        goes_on = case.data_after(asked.moment, Role.client) is not None
        what = "went on sending data" if goes_on else "said nothing more"
        yield write(
            "renegotiation_ignored",
            Severity.error if not case.requests else Severity.warning,
            asked,
            f"The server asked for a renegotiation (HelloRequest), and the client {what}.",
            {
                "hello_request_frame": asked.at.frame,
                "client_data_followed": goes_on,
                "last_frame": case.last.frame,
                "seconds_until_last_frame": round(Told(case.last, 0).moment[0] - asked.moment[0], 6),
            },
            cause=goes_on,
        )
        break


def _request_before(case: Case, told: Told) -> dict[str, object]:
    asked = next((one for one in reversed(case.hello_requests) if one.moment <= told.moment), None)
    return {} if asked is None else {"hello_request_frame": asked.at.frame}


def binding(case: Case, write: Writer) -> Iterator[Finding]:
    """`insecure_renegotiation`, `renegotiation_binding_mismatch`, `scsv_in_renegotiation`."""
    hellos = {told.epoch: told for told in reversed(case.client_hellos)}
    for handshake in case.handshakes[1:]:
        hello = hellos.get(handshake.epoch)
        if hello is None:
            continue
        evidence: dict[str, object] = {"why": handshake.secure_renegotiation_why, "client_hello_frame": hello.at.frame}
        if handshake.secure_renegotiation is Binding.missing:
            yield write(
                "insecure_renegotiation",
                Severity.warning,
                hello,
                "The renegotiation is not bound to the handshake before it (RFC 5746): "
                f"{handshake.secure_renegotiation_why}.",
                evidence,
                cause=handshake.secure_renegotiation_why,
            )
        elif handshake.secure_renegotiation is Binding.mismatch:
            yield write(
                "renegotiation_binding_mismatch",
                Severity.error,
                hello,
                f"The renegotiation does not continue the handshake before it: {handshake.secure_renegotiation_why}.",
                evidence,
                cause=handshake.secure_renegotiation_why,
            )
    for told, violation in case.violations:
        if violation.rule.startswith("SCSV"):
            yield write(
                "scsv_in_renegotiation",
                Severity.warning,
                told,
                "The client sent TLS_EMPTY_RENEGOTIATION_INFO_SCSV in a renegotiation, where it must not be (RFC "
                "5746 §3.5).",
                {"client_hello_frame": told.at.frame},
            )
