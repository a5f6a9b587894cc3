"""Rules: the certificate that the client sent, or has and could have sent: its kind, its dates, its proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlswire.analysis.diagnosis.case import Asked, Case, Proved
from tlswire.analysis.diagnosis.chain import CLIENT_AUTH, ReadCertificate
from tlswire.analysis.diagnosis.finding import Finding, Severity
from tlswire.analysis.diagnosis.judged import SHOWN, Chain, captured, type_accepted
from tlswire.analysis.diagnosis.outcome import bears_out
from tlswire.analysis.diagnosis.proof import proves
from tlswire.analysis.diagnosis.writing import Writer
from tlswire.analysis.names import shown
from tlswire.crypto import message_hash
from tlswire.errors import DecryptError
from tlswire.registry import ExtensionType, ProtocolVersion, SignatureScheme
from tlswire.schema import CertificateRequestTLS13, SignatureAlgorithmsCert
from tlswire.session import Handshake, Role


def kinds(case: Case, write: Writer, given: Sequence[bytes]) -> Iterator[Finding]:
    """`certificate_type_not_accepted`, `signature_algorithm_not_accepted`."""
    for request in case.requests:
        chain = Chain(case, request, given)
        if not chain.certificates:
            continue
        followed = Severity.error if bears_out(case, request) else Severity.warning
        wanted = request.message.certificate_types
        if not type_accepted(chain.leaf, request):
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
    elif used is None and type_accepted(chain.leaf, request) and can and not set(can) & set(accepted):
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
        then = captured(request)
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
                    "of": shown(one.subject, SHOWN),
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
        if not chain.sent or chain.answer is None:
            continue
        answer, handshake = chain.answer, case.handshakes[request.epoch]
        told = _proof_for(case, chain)
        if told is None:
            # Up to TLS 1.2 nothing can come any more when the client has changed its cipher (RFC 5246 §7.4.8).
            over = case.finished if handshake.is_tls13 else case.changes
            end = over.get((request.epoch, Role.client))
            lost = any(hole.moment >= answer.moment for hole in case.holes)
            if end is not None and end.moment >= answer.moment and not lost and handshake.transcript_complete:
                yield write(
                    "certificate_verify_missing",
                    Severity.error,
                    answer,
                    "The client sent a certificate and no CertificateVerify: it has not proved that it has the key.",
                    {**chain.evidence(), "end_of_flight_frame": end.at.frame},
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
    version, suite = handshake.version, handshake.parameters
    if version is None or suite is None or after_handshake or not handshake.transcript_complete:
        return None
    if told.transcript is None:
        return None
    transcript = list(told.transcript)
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
