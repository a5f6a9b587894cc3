"""What is judged by several rules: the chain of certificates that a request was answered with, or could have been."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from tlswire.analysis.diagnosis.case import Answered, Asked, Case, Told
from tlswire.analysis.diagnosis.chain import ReadCertificate, chain_of, continued
from tlswire.analysis.names import shown

SHOWN = 200  # characters of a name


class Chain:
    """The certificates to be judged: those that the client sent, continued by those that were given; else the latter.

    `sent` tells which; `none` that there are no certificates at all.
    """

    def __init__(self, case: Case, request: Asked, given: Sequence[bytes]) -> None:
        self.answer: Answered | None = case.answer_to(request)
        self.sent = self.answer is not None and bool(self.answer.chain)
        self.certificates: list[ReadCertificate] = chain_of(given)
        if self.answer is not None and self.sent:
            self.certificates = continued(chain_of(self.answer.chain), self.certificates)

    @property
    def leaf(self) -> ReadCertificate:
        """The client's own certificate."""
        return self.certificates[0]

    def evidence(self) -> dict[str, object]:
        """What every finding about it says."""
        found: dict[str, object] = {
            "certificate": "sent" if self.sent else "given",
            "subject": shown(self.leaf.subject, SHOWN),
            "issuer": shown(self.leaf.issuer, SHOWN),
        }
        if self.answer is not None:
            found["certificate_frame"] = self.answer.at.frame
        return found


def type_accepted(leaf: ReadCertificate, request: Asked) -> bool:
    wanted, has = request.message.certificate_types, leaf.certificate_types
    return not wanted or not has or bool(set(wanted) & set(has))


def can_sign(leaf: ReadCertificate, request: Asked) -> bool:
    """Whether a certificate's key is of an accepted type, and can sign in an accepted way, as far as that is known."""
    accepted, can = request.message.supported_signature_algorithms, leaf.signature_schemes
    return type_accepted(leaf, request) and (not accepted or not can or bool(set(can) & set(accepted)))


def captured(told: Told) -> datetime.datetime:
    """When it was captured."""
    return datetime.datetime.fromtimestamp(told.moment[0], datetime.UTC)
