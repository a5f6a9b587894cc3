"""Rules: what came of it — an alert, a reset, an HTTP status, or a connection that goes on."""

from __future__ import annotations

from collections.abc import Iterator

from tlswire.analysis.diagnosis.case import Answered, Asked, Case, Told, Warned
from tlswire.analysis.diagnosis.chain import read_certificate
from tlswire.analysis.diagnosis.finding import Finding, Severity
from tlswire.analysis.diagnosis.signs import POST_HANDSHAKE
from tlswire.analysis.diagnosis.writing import Writer
from tlswire.analysis.http import Exchange
from tlswire.analysis.names import shown
from tlswire.capture import Provenance
from tlswire.escaping import escape_bytes
from tlswire.registry import AlertDescription
from tlswire.session import Role

# What an alert means when it follows the client's Certificate (RFC 5246 §7.2.2, RFC 8446 §6.2).
_MEANINGS = {
    AlertDescription.bad_certificate: "the server could not use the certificate: it is damaged, or does not verify",
    AlertDescription.unsupported_certificate: "the certificate is of a kind that the server does not take",
    AlertDescription.certificate_revoked: "its issuer has revoked the certificate",
    AlertDescription.certificate_expired: "the certificate has expired, or is not valid yet",
    AlertDescription.certificate_unknown: "the server did not take the certificate, and does not say why",
    AlertDescription.unknown_ca: "the server does not know or trust the authority that issued the certificate",
    AlertDescription.access_denied: "the certificate is good, but its holder may not come in",
    AlertDescription.decrypt_error: "the proof that the client has the certificate's key does not verify",
    AlertDescription.decode_error: "the server could not read a message of the client",
    AlertDescription.illegal_parameter: "a value in a message of the client contradicts what was agreed",
    AlertDescription.handshake_failure: "the server could not agree; without a certificate: it demands one",
    AlertDescription.certificate_required: "the server demands a certificate, and the client sent none",
    AlertDescription.insufficient_security: "the certificate or its signature is too weak for the server",
    AlertDescription.bad_certificate_status_response: "the certificate's OCSP response does not verify",
    AlertDescription.internal_error: "the server failed in handling the certificate",
    AlertDescription.no_certificate: "the server demands a certificate",
    AlertDescription.unexpected_message: "the server expected another message: CertificateVerify, if that is missing",
}


def rejection(case: Case, answer: Answered) -> Warned | None:
    """The alert with which the server answered the client's Certificate, before it went on."""
    went_on = case.went_on(answer)
    for alert in case.alerts:
        if alert.by is not Role.server or alert.moment < answer.moment or alert.description not in _MEANINGS:
            continue
        return alert if went_on is None or alert.moment < went_on else None
    return None


def reset(case: Case, answer: Answered) -> bool:
    """Whether the server reset the connection when the client's Certificate had come, and said nothing more."""
    silent = case.went_on(answer) is None and rejection(case, answer) is None
    return silent and case.stream.reset_by is Role.server and (answer.epoch, Role.server) not in case.closed


def taken(case: Case, answer: Answered) -> bool:
    """Whether the server has taken the client's certificate, as far as it was read."""
    if not answer.chain or case.went_on(answer) is None or (answer.epoch, Role.server) in case.closed:
        return False
    return answer.epoch not in case.epochs_with_sign


def rejected(case: Case, write: Writer) -> Iterator[Finding]:
    """`client_certificate_rejected`."""
    for request in case.requests:
        answer = case.answer_to(request)
        if answer is None:
            continue
        sent = bool(answer.chain)
        evidence: dict[str, object] = {"certificate_frame": answer.at.frame, "certificate_sent": sent}
        alert = rejection(case, answer)
        if alert is not None:
            name = alert.description.name
            yield write(
                "client_certificate_rejected",
                Severity.error,
                Told(alert.at, request.epoch),
                f"The server answered the client's {'certificate' if sent else 'empty Certificate'} with the alert "
                f"{name}: "
                f"{_MEANINGS[alert.description]}.",
                {**evidence, "alert": name, "alert_frame": alert.at.frame, "fatal": alert.fatal},
                cause=(name, sent),
            )
        elif reset(case, answer):
            assert case.last is not None
            yield write(
                "client_certificate_rejected",
                Severity.error,
                Told(case.last, request.epoch),
                f"The server reset the connection after the client's {'certificate' if sent else 'empty Certificate'}, "
                "without an alert.",
                {**evidence, "reset": True, "last_frame": case.last.frame},
                cause=("reset", sent),
            )


def http_required(case: Case, write: Writer) -> Iterator[Finding]:
    """`http_client_certificate_required`."""
    came_empty = {answer.epoch for answer in case.answers if not answer.chain}
    for exchange, sign in case.errors:
        at = exchange.at
        if not isinstance(at, Provenance):
            continue
        if sign is None and not (exchange.status == 403 and exchange.epoch in came_empty):
            continue
        meaning = sign.meaning if sign is not None else "access is denied, and the client had sent no certificate"
        substatus = sign.substatus if sign is not None else None
        evidence: dict[str, object] = {
            "status": exchange.status,
            "reason": escape_bytes(exchange.reason, 100),
            "server": escape_bytes(exchange.server, 100),
            "substatus": substatus,
            "meaning": meaning,
            "certain": sign is not None,
            "response_frame": at.frame,
            "epoch": exchange.epoch,
        }
        asked = ""
        if exchange.method is not None and exchange.target is not None:
            evidence |= {"method": exchange.method, "target": escape_bytes(exchange.target, 200)}
            asked = f" to {exchange.method} {escape_bytes(exchange.target, 60)}"
        yield write(
            "http_client_certificate_required",
            Severity.error,
            Told(at, exchange.epoch),
            f"The response{asked} is {exchange.status}: {meaning}{f' ({substatus})' if substatus else ''}.",
            evidence,
            cause=(exchange.status, meaning),
            more=_OFFER_AFTER_HANDSHAKE if sign is not None and sign.pattern.pattern == POST_HANDSHAKE else "",
        )


_OFFER_AFTER_HANDSHAKE = (
    "Let the client offer post-handshake authentication (post_handshake_auth; browsers do not), or the server ask in "
    "the handshake, or speak TLS 1.2 there."
)


def not_requested(case: Case, write: Writer) -> Iterator[Finding]:
    """`client_certificate_not_requested`."""
    if case.requests or case.broken_requests or not all(case.was_read(one.epoch) for one in case.handshakes):
        return
    shown: list[tuple[Told, dict[str, object]]] = []
    for exchange, sign in case.errors:
        if isinstance(exchange.at, Provenance) and sign is not None:
            shown.append((Told(exchange.at, exchange.epoch), {"status": exchange.status}))
    shown += [
        (alert, {"alert": alert.description.name})
        for alert in case.alerts
        if alert.by is Role.server and alert.description is AlertDescription.certificate_required
    ]
    if shown:
        told, what = shown[0]
        yield write(
            "client_certificate_not_requested",
            Severity.error,
            told,
            "The server wants a client certificate, and has never asked for one: no handshake has a "
            "CertificateRequest.",
            {
                "handshakes": len(case.handshakes),
                "resumed": sum(handshake.resumed is True for handshake in case.handshakes),
                "shown_by_frame": told.at.frame,
                **what,
            },
            cause=tuple(what.items()),
        )


def accepted(case: Case, write: Writer) -> Iterator[Finding]:
    """`client_certificate_accepted`."""
    for request in case.requests:
        answer = case.answer_to(request)
        if answer is None or not taken(case, answer):
            continue
        leaf = read_certificate(answer.chain[0])
        response = next((one for one in case.exchanges if one.epoch == request.epoch and _is_after(one, answer)), None)
        evidence: dict[str, object] = {
            "certificate_frame": answer.at.frame,
            "subject": shown(leaf.subject, 300),
            "issuer": shown(leaf.issuer, 300),
        }
        what = "went on"
        if response is not None and isinstance(response.at, Provenance):
            evidence |= {"status": response.status, "response_frame": response.at.frame}
            what = f"answered {response.status}"
        yield write(
            "client_certificate_accepted",
            Severity.note,
            answer,
            f"The server took the client's certificate, {shown(leaf.subject, 120)}, and {what}.",
            evidence,
            cause=(answer.chain[0], response.status if response is not None else None),
        )


def _is_after(exchange: Exchange, answer: Answered) -> bool:
    return isinstance(exchange.at, Provenance) and Told(exchange.at, exchange.epoch).moment >= answer.moment


def bears_out(case: Case, request: Asked) -> bool:
    """Whether what followed a request shows that the client was not let in."""
    answer = case.answer_to(request)
    if answer is None:
        return False
    if not answer.chain or refused(case, answer):
        return True
    return request.epoch in case.epochs_with_sign


def cannot_tell(case: Case, write: Writer) -> Iterator[Finding]:
    """`cannot_tell`."""
    if not case.closed:
        return
    first = min(case.closed.values(), key=lambda one: (one.epoch, one.moment))
    if any(refused(case, answer) for answer in case.answers if answer.epoch >= first.epoch):
        return  # what stayed encrypted could tell nothing more
    roles = sorted({one.by.value for one in case.closed.values() if one.epoch == first.epoch})
    handshake = case.handshakes[first.epoch]
    evidence = next((one.evidence for one in handshake.verdicts if one.reason is first.reason), {})
    asked = any(request.epoch == first.epoch for request in case.requests)
    if asked:
        what = "what came of the request for a client certificate"
    elif not handshake.is_tls13 and (first.epoch, Role.client) in case.changes and not case.holes:
        what = "whether a client certificate was asked for after that handshake, in which none was, or what came of it,"
    else:
        what = "whether a client certificate was asked for there, or what came of it,"
    yield write(
        "cannot_tell",
        Severity.note,
        first,
        f"What {' and '.join(roles)} sent in handshake {first.epoch} stayed encrypted ({first.reason}): {what} cannot "
        "be seen.",
        {
            "reason": first.reason.value,
            "directions": roles,
            "requested": asked,
            **{key: value for key, value in evidence.items() if key not in ("at",)},
        },
        cause=(first.reason, tuple(roles), first.epoch, asked),
        more=first.reason.remedy,
    )


def refused(case: Case, answer: Answered) -> bool:
    """Whether the server ended the handshake because of the client's Certificate."""
    return rejection(case, answer) is not None or reset(case, answer)
