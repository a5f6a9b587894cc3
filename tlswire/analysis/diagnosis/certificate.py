"""Rules: the certificate that the client sent, or has and could have sent, against what the server asked for."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from tlswire.analysis.diagnosis.authorities import digest
from tlswire.analysis.diagnosis.case import Answered, Asked, Case, Proved, moment
from tlswire.analysis.diagnosis.chain import CLIENT_AUTH, ReadCertificate, chain_of
from tlswire.analysis.diagnosis.finding import Finding, Severity
from tlswire.analysis.diagnosis.outcome import bears_out, http_sign, rejection
from tlswire.analysis.diagnosis.proof import proves
from tlswire.analysis.diagnosis.writing import Writer
from tlswire.analysis.names import differences, nearest_names, shown
from tlswire.crypto import message_hash
from tlswire.errors import DecryptError
from tlswire.registry import ExtensionType, ProtocolVersion, SignatureScheme
from tlswire.schema import CertificateRequestTLS13, DistinguishedName, SignatureAlgorithmsCert
from tlswire.session import Handshake, Role

_SHOWN = 200  # characters of a name


class Chain:
    """The certificates to be judged: those that the client sent, else those that were given.

    `sent` tells which; `none` that there are no certificates at all.
    """

    def __init__(self, case: Case, request: Asked, given: Sequence[bytes]) -> None:
        self.answer: Answered | None = case.answer_to(request)
        self.sent = self.answer is not None and bool(self.answer.chain)
        ders = self.answer.chain if self.answer is not None and self.sent else tuple(given)
        self.certificates: list[ReadCertificate] = chain_of(tuple(ders))

    @property
    def leaf(self) -> ReadCertificate:
        """The client's own certificate."""
        return self.certificates[0]

    def evidence(self) -> dict[str, object]:
        """What every finding about it says."""
        found: dict[str, object] = {
            "certificate": "sent" if self.sent else "given",
            "subject": shown(self.leaf.subject, _SHOWN),
            "issuer": shown(self.leaf.issuer, _SHOWN),
        }
        if self.answer is not None:
            found["certificate_frame"] = self.answer.at.frame
        return found


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
            "chain_issuers": [shown(name, _SHOWN) for name in issuers],
            "names": len(names),
        }
        cause = (digest(request.message), chain.leaf.der)
        alike = _alike(issuers, names)
        if alike is not None:
            wanted, number, name = alike
            what = differences(wanted, name)
            yield write(
                "issuer_not_listed",
                Severity.warning,
                request,
                f"The client's issuer, {shown(wanted, 120)}, is in the list in another spelling alone "
                f"({'; '.join(what)}): whoever compares bytes will not find it.",
                {
                    **evidence,
                    "match": "rfc5280",
                    "listed_as": shown(name, _SHOWN),
                    "number": number,
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
            f"The client's issuer, {shown(issuers[0], 120)}, is not among the {len(names)} names that the server sent.",
            {
                **evidence,
                "match": None,
                "chain_ends_in_root": ends_in_root,
                "borne_out": followed,
                "nearest": [
                    {"name": shown(one.name, _SHOWN), "number": one.number, "differences": list(one.differences)}
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
        why, known = _why_empty(chain_of(tuple(given)), names)
        refused = rejection(case, answer) is not None or any(
            exchange.epoch == request.epoch and (exchange.status == 403 or http_sign(exchange) is not None)
            for exchange in case.exchanges
        )
        how = "the alert no_certificate" if answer.by_alert else "an empty Certificate"
        yield write(
            "empty_client_certificate",
            Severity.error if refused else Severity.warning,
            answer,
            f"The client answered the request for a certificate with {how}: {why}.",
            {
                "certificate_request_frame": request.at.frame,
                "certificate_frame": answer.at.frame,
                "by_alert": answer.by_alert,
                "names": len(names),
                "refused": refused,
                "why": known,
            },
            cause=(digest(request.message), known, refused),
        )


def _why_empty(given: list[ReadCertificate], names: Sequence[DistinguishedName]) -> tuple[str, str]:
    """Why a client has nothing to send, as far as the list and its certificate tell: in words, and as a code."""
    if not given:
        if not names:
            return (
                "the server would have taken any certificate, so the client has none, or its user chose none",
                "no_certificate",
            )
        return (
            f"none of its certificates was issued by one of the {len(names)} names, or it has none (--client-cert "
            "tells which)",
            "unknown",
        )
    leaf = given[0]
    issuers = [one.issuer for one in given if one.issuer is not None]
    listed = {name.der for name in names}
    issued_by = shown(leaf.issuer, 120)
    if not names or any(name.der in listed for name in issuers):
        return (
            f"the given certificate, of {issued_by}, would have been accepted by name; the client does not have it, "
            "or not its "
            "key, or its user chose none",
            "listed",
        )
    if _alike(issuers, names) is not None:
        return (
            f"the issuer of the given certificate, {issued_by}, is in the list in another spelling alone",
            "listed_otherwise",
        )
    return f"the issuer of the given certificate, {issued_by}, is not among the {len(names)} names", "issuer_not_listed"


def kinds(case: Case, write: Writer, given: Sequence[bytes]) -> Iterator[Finding]:
    """`certificate_type_not_accepted`, `signature_algorithm_not_accepted`."""
    for request in case.requests:
        chain = Chain(case, request, given)
        if not chain.certificates:
            continue
        followed = Severity.error if bears_out(case, request) else Severity.warning
        wanted, has = request.message.certificate_types, chain.leaf.certificate_types
        if wanted and has and not set(wanted) & set(has):
            yield write(
                "certificate_type_not_accepted",
                followed,
                request,
                f"The client's certificate has a key of type {chain.leaf.key_type}; the server takes {_names(wanted)}.",
                {**chain.evidence(), "key_type": chain.leaf.key_type, "accepted": [one.name for one in wanted]},
                cause=(tuple(wanted), chain.leaf.der),
            )
        yield from _signature(case, write, request, chain, followed)


def _signature(case: Case, write: Writer, request: Asked, chain: Chain, severity: Severity) -> Iterator[Finding]:
    accepted = request.message.supported_signature_algorithms
    if not accepted:
        return
    proof = _proof_for(case, chain)
    used = proof.message.algorithm if proof is not None else None
    can = chain.leaf.signature_schemes
    problem = ""
    if used is not None and used not in accepted:
        problem = f"The client signed with {used.name}, which the server had not said it accepts"
    elif used is None and can and not set(can) & set(accepted):
        problem = f"The client's {chain.leaf.key_type} key can sign in none of the ways that the server accepts"
    else:
        for one in chain.certificates:
            scheme = None if one.is_self_signed else one.signed_with
            if scheme is not None and scheme not in _accepted_in_certificates(request, accepted):
                used, severity = scheme, Severity.warning
                whose = shown(one.subject, 80)
                problem = (
                    f"The certificate of {whose} is signed with {scheme.name}, which the server had not said it accepts"
                )
                break
    if problem:
        yield write(
            "signature_algorithm_not_accepted",
            severity,
            request,
            f"{problem}.",
            {
                **chain.evidence(),
                "signature_algorithm": used.name if used is not None else None,
                "accepted": [scheme.name for scheme in accepted],
            },
            cause=(problem, chain.leaf.der),
        )


def _accepted_in_certificates(request: Asked, accepted: Sequence[SignatureScheme]) -> Sequence[SignatureScheme]:
    if isinstance(request.message, CertificateRequestTLS13):
        apart = request.message.extension(ExtensionType.signature_algorithms_cert)
        if isinstance(apart, SignatureAlgorithmsCert):
            return apart.supported_signature_algorithms
    return accepted


def _names(codes: Sequence[object]) -> str:
    return ", ".join(getattr(code, "name", str(code)) for code in codes)


def validity(case: Case, write: Writer, given: Sequence[bytes]) -> Iterator[Finding]:
    """`client_certificate_expired`, `client_certificate_wrong_usage`."""
    for request in case.requests:
        chain = Chain(case, request, given)
        if not chain.certificates:
            continue
        severity = Severity.error if bears_out(case, request) else Severity.warning
        then = datetime.datetime.fromtimestamp(moment(request.at)[0], datetime.UTC)
        for one in chain.certificates:
            valid = one.validity
            if valid is None or valid[0] <= then <= valid[1]:
                continue
            late = then > valid[1]
            what = f"expired on {valid[1]:%Y-%m-%d}" if late else f"is valid from {valid[0]:%Y-%m-%d} on"
            whose = "The client's certificate" if one is chain.leaf else f"A certificate of its chain, {_subject(one)},"
            yield write(
                "client_certificate_expired",
                severity,
                request,
                f"{whose} {what}; the capture is of {then:%Y-%m-%d}.",
                {
                    **chain.evidence(),
                    "not_before": valid[0].isoformat(),
                    "not_after": valid[1].isoformat(),
                    "captured": then.isoformat(),
                    "expired": late,
                    "of": shown(one.subject, _SHOWN),
                },
                cause=(one.der, late),
            )
        lacks = []
        if not chain.leaf.allows_client_auth:
            lacks.append("its extended key usage has no clientAuth")
        if not chain.leaf.allows_signatures:
            lacks.append("its key usage has no digitalSignature")
        if lacks:
            usage = chain.leaf.extended_key_usage
            yield write(
                "client_certificate_wrong_usage",
                severity,
                request,
                f"The client's certificate is not for client authentication: {' and '.join(lacks)}.",
                {
                    **chain.evidence(),
                    "extended_key_usage": list(usage) if usage is not None else None,
                    "expected": CLIENT_AUTH,
                    "digital_signature": chain.leaf.allows_signatures,
                },
                cause=chain.leaf.der,
            )


def _subject(one: ReadCertificate) -> str:
    return shown(one.subject, 80)


def proof(case: Case, write: Writer) -> Iterator[Finding]:
    """`certificate_verify_missing`, `certificate_verify_invalid`."""
    for request in case.requests:
        chain = Chain(case, request, ())
        if not chain.sent or chain.answer is None or not case.was_read(request.epoch):
            continue
        answer, handshake = chain.answer, case.handshakes[request.epoch]
        told = _proof_for(case, chain)
        if told is None:
            finished = case.finished.get((request.epoch, Role.client))
            lost = any(hole.moment >= answer.moment for hole in case.holes)
            if finished is not None and finished.moment >= answer.moment and not lost and handshake.transcript_complete:
                yield write(
                    "certificate_verify_missing",
                    Severity.error,
                    answer,
                    "The client sent a certificate and no CertificateVerify: it has not proved that it has the key.",
                    {**chain.evidence(), "finished_frame": finished.at.frame},
                    cause=chain.leaf.der,
                )
            continue
        if _is_proved(handshake, chain, told, after_handshake=request.after_handshake) is False:
            algorithm = told.message.algorithm
            yield write(
                "certificate_verify_invalid",
                Severity.error,
                told,
                "The signature in CertificateVerify is not that of the certificate's key over this handshake.",
                {
                    **chain.evidence(),
                    "certificate_verify_frame": told.at.frame,
                    "signature_algorithm": algorithm.name if algorithm is not None else None,
                },
                cause=chain.leaf.der,
            )


def _proof_for(case: Case, chain: Chain) -> Proved | None:
    """The CertificateVerify that goes with the certificate that was sent."""
    answer = chain.answer
    if answer is None or not chain.sent:
        return None
    return next((one for one in case.verifies if one.epoch == answer.epoch and one.moment >= answer.moment), None)


def _is_proved(handshake: Handshake, chain: Chain, told: Proved, *, after_handshake: bool) -> bool | None:
    version, suite, transcript = handshake.version, handshake.parameters, list(told.transcript)
    if version is None or suite is None or after_handshake or not handshake.transcript_complete:
        return None
    if handshake.is_tls13 and handshake.hello_retry:
        try:
            transcript[0] = message_hash(suite, transcript[0])
        except DecryptError:
            return None
    message = told.message
    key = chain.leaf.public_key
    if key is None or (version >= ProtocolVersion.TLSv1_2 and message.algorithm is None):
        return None
    return proves(version, key, message.algorithm, message.signature, transcript, suite.prf_hash)
