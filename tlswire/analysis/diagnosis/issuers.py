"""Rules: whether the list names an issuer of the client's certificate, and why the client may have had none to send."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlswire.analysis.diagnosis.authorities import digest
from tlswire.analysis.diagnosis.case import Asked, Case
from tlswire.analysis.diagnosis.chain import ReadCertificate, chain_of
from tlswire.analysis.diagnosis.finding import Finding, Severity
from tlswire.analysis.diagnosis.judged import SHOWN, Chain, can_sign, captured
from tlswire.analysis.diagnosis.outcome import bears_out, refused, taken
from tlswire.analysis.diagnosis.writing import Writer
from tlswire.analysis.names import differences, nearest_names, shown
from tlswire.schema import DistinguishedName


def issuer(case: Case, write: Writer, given: Sequence[bytes]) -> Iterator[Finding]:
    """`issuer_not_listed`."""
    for request in case.requests:
        names = request.message.certificate_authorities
        chain = Chain(case, request, given)
        if not names or not chain.certificates:
            continue
        listed = {name.der for name in names}
        issuers = [one.issuer for one in chain.certificates if one.issuer is not None]
        if not issuers or any(name.der in listed for name in issuers):
            continue
        evidence = {
            "certificate_request_frame": request.at.frame,
            **chain.evidence(),
            "chain_issuers": [shown(name, SHOWN) for name in issuers],
            "names": len(names),
        }
        cause = (digest(request.message), chain.leaf.der)
        accepted = chain.sent and chain.answer is not None and taken(case, chain.answer)
        but = ""
        if accepted:
            but = "; this server took the certificate all the same"
        elif chain.sent and chain.answer is not None and case.went_on(chain.answer) is not None:
            but = "; this server went on with the handshake all the same"
        alike = _alike(issuers, names)
        if alike is not None:
            wanted, number, name = alike
            what = differences(wanted, name)
            yield write(
                "issuer_not_listed",
                Severity.warning,
                request,
                f"The client's issuer, {shown(wanted, 120)}, is in the list in another spelling alone "
                f"({'; '.join(what)}): whoever compares bytes will not find it{but}.",
                {
                    **evidence,
                    "match": "rfc5280",
                    "accepted": accepted,
                    "listed_as": shown(name, SHOWN),
                    "number": number + 1,
                    "differences": what,
                },
                cause=cause,
            )
            continue
        ends_in_root = chain.certificates[-1].is_self_signed
        followed = bears_out(case, request)
        more = "" if ends_in_root or followed else _what_would_settle(chain)
        near = [one for wanted in issuers[:1] for one in nearest_names(wanted, names)]
        yield write(
            "issuer_not_listed",
            Severity.error if ends_in_root or followed else Severity.warning,
            request,
            f"The client's issuer, {shown(issuers[0], 120)}, is not {_among(names)} that the server sent{but}.",
            {
                **evidence,
                "match": None,
                "accepted": accepted,
                "chain_ends_in_root": ends_in_root,
                "borne_out": followed,
                "nearest": [
                    {"name": shown(one.name, SHOWN), "number": one.number + 1, "differences": list(one.differences)}
                    for one in near
                ],
            },
            cause=cause,
            more=more,
        )


def _alike(
    issuers: Sequence[DistinguishedName], names: Sequence[DistinguishedName]
) -> tuple[DistinguishedName, int, DistinguishedName] | None:
    """The first issuer that is in the list under the comparison of RFC 5280 §7.1, and where."""
    by_meaning = {name.comparable: (number, name) for number, name in reversed(list(enumerate(names)))}
    for wanted in issuers:
        found = by_meaning.get(wanted.comparable) if wanted.comparable is not None else None
        if found is not None:
            return wanted, *found
    return None


def _what_would_settle(chain: Chain) -> str:
    top = shown(chain.certificates[-1].issuer, 120)
    return (
        f"A root that is listed may stand above {top}, whose certificate is not at hand: give it too (--client-cert "
        "with the "
        "whole chain, up to the root), to settle that."
    )


def empty(case: Case, write: Writer, given: Sequence[bytes]) -> Iterator[Finding]:
    """`empty_client_certificate`."""
    for request in case.requests:
        answer = case.answer_to(request)
        if answer is None or answer.chain:
            continue
        names = request.message.certificate_authorities
        why, known = _why_empty(chain_of(given), request)
        out = refused(case, answer) or any(
            exchange.epoch == request.epoch and (exchange.status == 403 or sign is not None)
            for exchange, sign in case.errors
        )
        how = "the alert no_certificate" if answer.by_alert else "an empty Certificate"
        yield write(
            "empty_client_certificate",
            Severity.error if out else Severity.warning,
            answer,
            f"The client answered the request for a certificate with {how}: {why}.",
            {
                "certificate_request_frame": request.at.frame,
                "certificate_frame": answer.at.frame,
                "by_alert": answer.by_alert,
                "names": len(names),
                "refused": out,
                "why": known,
            },
            cause=(digest(request.message), known, out),
        )


def _among(names: Sequence[DistinguishedName]) -> str:
    return "the one name" if len(names) == 1 else f"among the {len(names)} names"


def _why_empty(given: list[ReadCertificate], request: Asked) -> tuple[str, str]:
    """Why a client has nothing to send, as far as the request and its certificate tell: in words, and as a code."""
    names = request.message.certificate_authorities
    if not given:
        if not names:
            return (
                "the server would have taken any certificate, so the client has none, or its user chose none",
                "no_certificate",
            )
        whose = "the one name" if len(names) == 1 else f"one of the {len(names)} names"
        return (
            f"none of its certificates was issued by {whose}, or it has none (--client-cert tells which)",
            "unknown",
        )
    leaf = given[0]
    issuers = [one.issuer for one in given if one.issuer is not None]
    listed = {name.der for name in names}
    issued_by = shown(leaf.issuer, 120)
    if names and not any(name.der in listed for name in issuers):
        if _alike(issuers, names) is not None:
            return (
                f"the issuer of the given certificate, {issued_by}, is in the list in another spelling alone",
                "listed_otherwise",
            )
        return f"the issuer of the given certificate, {issued_by}, is not {_among(names)}", "issuer_not_listed"
    if not can_sign(leaf, request):
        return f"the given certificate's {leaf.key_type} key is of no kind that the server takes", "key_not_accepted"
    valid, then = leaf.validity, captured(request)
    if valid is not None and not valid[0] <= then <= valid[1]:
        return "the given certificate is not valid at that time", "not_valid"
    if not (leaf.allows_client_auth and leaf.allows_signatures):
        return "the given certificate is not for client authentication", "wrong_usage"
    return (
        f"the given certificate, of {issued_by}, would have been accepted by name; the client does not have it, or not "
        "its key, or its user chose none",
        "listed",
    )
