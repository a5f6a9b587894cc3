"""Certificates as text: PEM, with what can be read of each in comments before it (RFC 7468 §5.2)."""

from __future__ import annotations

from tlswire.analysis.certificates import SentCertificate
from tlswire.escaping import escape

_HYPHENS, _ESCAPED = "-----", "----\\2D"  # as RFC 4514 §2.4 escapes them


def pem_text(certificate: SentCertificate) -> str:
    """The certificate as PEM behind lines that begin with #: who sent it where, what it says of itself, its hash."""
    fields, first = certificate.fields, certificate.appearances[0]
    own = ", the sender's own" if first.depth == 0 else ""
    lines = [
        f"subject: {fields.subject}" if fields.subject is not None else "subject: unreadable",
        f"issuer: {fields.issuer}" if fields.issuer is not None else "issuer: unreadable",
        f"serial number: {fields.serial_number}" if fields.serial_number is not None else "serial number: unreadable",
        f"valid: {fields.not_before or 'unreadable'} to {fields.not_after or 'unreadable'}",
        f"SHA-256: {certificate.sha256}",
        f"sent by: {first.role} {first.source} to {first.destination}",
        f"in: {escape(first.at.file)}, frame {first.at.frame}, stream {first.stream}, epoch {first.epoch}",
        f"chain: {first.depth + 1} of {first.chain_length}{own}",
        f"sent: {certificate.count} time{'s' * (certificate.count != 1)}",
    ]
    if fields.error is not None:
        lines.append(f"malformed: {escape(str(fields.error))}")
    return "".join(map(_comment, lines)) + certificate.pem


def _comment(text: str) -> str:
    """A line of comment. No name may look like the beginning of PEM: some readers look for that within lines too."""
    return f"# {text.replace(_HYPHENS, _ESCAPED)}\n"
