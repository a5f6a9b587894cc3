"""What a certificate says of itself (RFC 5280 §4.1), as far as it can be read.

    Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }
    TBSCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, … }

Peers send certificates that `cryptography` refuses: cut, with names or times of odd types, or with numbers that are
none.  This reader goes from field to field, keeps what it has when one is broken, and says where that was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tlswire.errors import DecodeError, DecodeErrorKind
from tlswire.escaping import escape_bytes
from tlswire.schema.der import Element, expect_element, read_element
from tlswire.schema.names import DistinguishedName
from tlswire.values import Value, frozen

_INTEGER, _SEQUENCE, _VERSION = 0x02, 0x30, 0xA0
_TIMES = {
    0x17: re.compile(rb"(\d\d)" + rb"(\d\d)" * 4 + rb"(\d\d)?Z"),
    0x18: re.compile(rb"(\d{4})" + rb"(\d\d)" * 5 + rb"Z"),
}
_LONGEST_HEADER = 6  # bytes that `read_element` looks at: a tag, and a length in its longest form
_ANYWHERE = 1 << 33  # behind all that a length of four bytes can reach
_CENTURY = 50  # from this year on UTCTime means 19YY (RFC 5280 §4.1.2.5.1)


@frozen
class CertificateFields(Value):
    """The first fields of a certificate; None for those that could not be read.

    `serial_number` is its hexadecimal digits, two for each octet; `not_before` and `not_after` are written as RFC 3339
    has it, in UTC, or as they stand in the certificate where they are no such times; `error` says where reading had to
    stop, with the offset from the certificate's start.
    """

    serial_number: str | None = None
    issuer: DistinguishedName | None = None
    not_before: str | None = None
    not_after: str | None = None
    subject: DistinguishedName | None = None
    error: DecodeError | None = None


def read_certificate(der: bytes) -> CertificateFields:
    """Reads the fields up to the subject.

    Parameters: `der`, the certificate.  Raises nothing: what is broken is `error`.
    """
    found: dict[str, Any] = {}
    try:
        for name, value in _read(der):
            found[name] = value
    except DecodeError as failure:
        found["error"] = failure
    return CertificateFields(**found)


def _read(der: bytes) -> Iterator[tuple[str, str | DistinguishedName]]:
    certificate = expect_element(der, 0, _reach(der, 0), _SEQUENCE, "certificate")
    tbs = expect_element(der, certificate.start, _reach(der, certificate.start), _SEQUENCE, "tbsCertificate")
    position, end = tbs.start, min(tbs.end, len(der))
    if der[position : position + 1] == bytes([_VERSION]):
        position = read_element(der, position, end, "version").end
    serial = expect_element(der, position, end, _INTEGER, "serialNumber")
    yield "serial_number", der[serial.start : serial.end].hex().upper()
    signature = read_element(der, serial.end, end, "signature")
    issuer = read_element(der, signature.end, end, "issuer")
    yield "issuer", DistinguishedName(der[issuer.offset : issuer.end])
    validity = expect_element(der, issuer.end, end, _SEQUENCE, "validity")
    not_before = read_element(der, validity.start, validity.end, "notBefore")
    yield "not_before", _time(der, not_before)
    not_after = read_element(der, not_before.end, validity.end, "notAfter")
    yield "not_after", _time(der, not_after)
    subject = read_element(der, validity.end, end, "subject")
    yield "subject", DistinguishedName(der[subject.offset : subject.end])
    if certificate.end < len(der):
        raise DecodeError(DecodeErrorKind.trailing, "certificate", certificate.end, certificate.end, len(der))
    for path, element, limit in (("certificate", certificate, len(der)), ("tbsCertificate", tbs, certificate.end)):
        if element.end > limit:
            length, actual = element.end - element.start, limit - element.start
            raise DecodeError(DecodeErrorKind.truncated, path, element.start, length, actual)


def _reach(der: bytes, offset: int) -> int:
    """How far the element at `offset` may reach: anywhere, if its header is there, since what is cut is read too."""
    return _ANYWHERE if len(der) - offset >= _LONGEST_HEADER else len(der)


def _time(der: bytes, element: Element) -> str:
    """A time as RFC 3339 writes it; what is no UTCTime or GeneralizedTime of RFC 5280, as it stands."""
    text = der[element.start : element.end]
    form = _TIMES.get(element.tag)
    found = form.fullmatch(text) if form is not None else None
    if found is None:
        return escape_bytes(text)
    year, month, day, hour, minute, second = (int(digits or b"0") for digits in found.groups())
    if len(found[1]) == 2:
        year += 1900 if year >= _CENTURY else 2000
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"


def subject_public_key_info(der: bytes) -> Element:
    """The key of a certificate, by its place: the seventh field, or the sixth where there is no version.

    Parameters: `der`, the certificate.  Nothing is looked at on the way, so that what is odd there hides no key.
    Raises DecodeError.
    """
    certificate = read_element(der, 0, len(der))
    tbs = read_element(der, certificate.start, certificate.end)
    field = read_element(der, tbs.start, tbs.end)
    for _ in range(6 if field.tag == _VERSION else 5):
        field = read_element(der, field.end, tbs.end)
    return field
