"""What servers say in their responses about client certificates."""

from __future__ import annotations

import re

from tlswire.analysis.http import Exchange
from tlswire.values import Value, frozen

POST_HANDSHAKE = rb"cannot perform post-handshake authentication"


@frozen
class Sign(Value):
    """What a response says about a client certificate: `substatus`, as the server's documentation has it, or None."""

    statuses: tuple[int, ...]
    pattern: re.Pattern[bytes]
    substatus: str | None
    meaning: str


# What servers write into responses that a client certificate would have changed: statuses, a sign in the body or the
# reason, and what it means.  IIS's substatus is in the page alone, and nginx's 495 and 496 go out as 400.
_SIGNS = tuple(
    Sign(statuses, re.compile(pattern, re.IGNORECASE), substatus, meaning)
    for statuses, pattern, substatus, meaning in (
        ((403,), rb"\b403\.7\b", "403.7", "a client certificate is required"),
        ((403,), rb"\b403\.12\b", "403.12", "the mapper denies the client certificate"),
        ((403,), rb"\b403\.13\b", "403.13", "the client certificate is revoked, or that could not be found out"),
        ((403,), rb"\b403\.16\b", "403.16", "the client certificate is not trusted, or invalid"),
        ((403,), rb"\b403\.17\b", "403.17", "the client certificate has expired, or is not valid yet"),
        ((400, 496), rb"no required ssl certificate was sent", "496", "no required certificate was sent"),
        ((400, 495), rb"the ssl certificate error", "495", "the certificate did not verify"),
        ((403,), POST_HANDSHAKE, None, "the client cannot be asked for a certificate after the handshake of TLS 1.3"),
        ((400, 401, 403), rb"client certificate|ssl certificate", None, "the page speaks of a client certificate"),
        ((495,), rb"", "495", "the certificate did not verify"),
        ((496,), rb"", "496", "no certificate was sent"),
    )
)


def http_sign(exchange: Exchange) -> Sign | None:
    """What a response says about a client certificate, where it does."""
    for sign in _SIGNS:
        if exchange.status in sign.statuses and any(map(sign.pattern.search, (exchange.body, exchange.reason))):
            return sign
    return None
