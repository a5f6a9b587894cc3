"""Rules: the list of authorities in a CertificateRequest (RFC 5246 §7.4.4), its length, and what is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from tlswire.analysis.diagnosis.case import Asked, Case
from tlswire.analysis.diagnosis.finding import Finding, Severity
from tlswire.analysis.diagnosis.writing import Writer
from tlswire.analysis.names import shown
from tlswire.escaping import escape
from tlswire.schema import CertificateRequest, DistinguishedName

SCHANNEL_LIMIT = 16_384
"""Bytes of the list that Schannel of Server 2008 R2 and 2012 sends at most (KB2464556); the exact number is not
documented."""
MESSAGE_LIMIT_CLIENT = 0x8000  # bytes of a message that a Windows client takes by default: MessageLimitClient
VECTOR_LIMIT = 2**16 - 1  # bytes, the vector's own limit
_PREFIX = 2  # bytes of length before each name
_MOST_NAMES = 10  # that evidence tells one by one
_SHOWN = 200  # characters of a name


def list_length(names: Sequence[DistinguishedName]) -> int:
    """The length field of a list of names, in bytes."""
    return sum(len(name.der) + _PREFIX for name in names)


def digest(request: CertificateRequest) -> str:
    """What tells one list from another."""
    return hashlib.sha256(b"".join(name.encode() for name in request.certificate_authorities)).hexdigest()


def broken_names(names: Sequence[DistinguishedName]) -> list[dict[str, object]]:
    """The names that are no valid DER: which, from 1, where in the list, in bytes, and what is wrong."""
    found: list[dict[str, object]] = []
    offset = 0
    for number, name in enumerate(names, 1):
        if name.error is not None:
            error = name.error
            found.append(
                {
                    "number": number,
                    "offset": offset,
                    "length": len(name.der),
                    "error": str(error),
                    "error_offset": offset + _PREFIX + error.offset,
                }
            )
        offset += len(name.der) + _PREFIX
    return found


def duplicates(names: Sequence[DistinguishedName]) -> list[tuple[DistinguishedName, int]]:
    """The names that stand in the list more than once, with how often."""
    counts = Counter(name.der for name in names)
    return [(DistinguishedName(der), count) for der, count in counts.items() if count > 1]


def length(case: Case, write: Writer, limit: int) -> Iterator[Finding]:
    """`authorities_list_empty`, `authorities_list_probably_cut`, `authorities_list_over_limit`."""
    for request in case.requests:
        names = request.message.certificate_authorities
        size = list_length(names)
        evidence = _evidence(request, names, size, limit)
        if not names:
            yield write(
                "authorities_list_empty",
                Severity.note,
                request,
                "The server named no authorities: any certificate may be offered.",
                evidence,
            )
            continue
        longest = max(len(name.der) for name in names) + _PREFIX
        cause = digest(request.message)
        if size > limit:
            grave, where = _next_limit(size, request.length)
            yield write(
                "authorities_list_over_limit",
                grave,
                request,
                f"The list of authorities has {size} bytes, more than the {limit} at which Schannel cuts; {where}.",
                evidence,
                cause=cause,
            )
        elif size + longest > limit:
            yield write(
                "authorities_list_probably_cut",
                Severity.warning,
                request,
                f"The list of authorities has {size} of at most {limit} bytes: its longest name would not fit any "
                "more, so "
                "names have probably been cut off behind it.",
                evidence | {"free_bytes": limit - size, "longest_name_bytes": longest},
                cause=cause,
            )


def _next_limit(size: int, message: int) -> tuple[Severity, str]:
    """How near the limits behind Schannel's are."""
    if message > MESSAGE_LIMIT_CLIENT:
        return Severity.warning, (
            f"the message has {message}, and a Windows client takes {MESSAGE_LIMIT_CLIENT} (MessageLimitClient)"
        )
    return Severity.note, (
        f"this server does not cut; a Windows client takes messages of {MESSAGE_LIMIT_CLIENT} (MessageLimitClient), "
        "this one "
        f"has {message}"
    )


def _evidence(request: Asked, names: Sequence[DistinguishedName], size: int, limit: int) -> dict[str, object]:
    ranked = sorted(names, key=lambda name: -len(name.der))[:_MOST_NAMES]
    repeated = duplicates(names)
    return {
        "certificate_request_frame": request.at.frame,
        "names": len(names),
        "bytes": size,
        "limit": limit,
        "message_bytes": request.length,
        "message_limit_client": MESSAGE_LIMIT_CLIENT,
        "vector_limit": VECTOR_LIMIT,
        "longest_names": [{"name": shown(name, _SHOWN), "bytes": len(name.der) + _PREFIX} for name in ranked],
        "duplicates": [
            {"name": shown(name, _SHOWN), "times": times, "bytes": (times - 1) * (len(name.der) + _PREFIX)}
            for name, times in repeated[:_MOST_NAMES]
        ],
        "duplicate_bytes": sum((times - 1) * (len(name.der) + _PREFIX) for name, times in repeated),
    }


def malformed(case: Case, write: Writer) -> Iterator[Finding]:
    """`authorities_list_malformed`."""
    for request in case.requests:
        broken = broken_names(request.message.certificate_authorities)
        if broken:
            count = len(broken)
            yield write(
                "authorities_list_malformed",
                Severity.warning,
                request,
                f"{count} of the {len(request.message.certificate_authorities)} names "
                f"{'is' if count == 1 else 'are'} no "
                "valid DER.",
                {"certificate_request_frame": request.at.frame, "broken": broken[:_MOST_NAMES], "count": count},
                cause=digest(request.message),
            )
    for told, event in case.broken_requests:
        error = event.error
        yield write(
            "authorities_list_malformed",
            Severity.error,
            told,
            f"The CertificateRequest cannot be read: {escape(str(error))}.",
            {
                "certificate_request_frame": told.at.frame,
                "path": error.path,
                "offset": error.offset,
                "expected": error.expected,
                "actual": error.actual,
                "message_bytes": len(event.raw),
            },
            cause=(error.path, error.offset),
        )
