"""Distinguished names as certificates and CertificateRequest hold them (RFC 5280 §4.1.2.4, RFC 4514).

The DER bytes are the truth: two names are equal when their bytes are.  All else is read from them when it is asked
for, by a reader that takes what old roots really contain (Latin-1 in T61String, `@` in PrintableString) and keeps
going where a name is broken: it gives what it could read, and says in `error` where it had to stop.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tlswire.errors import DecodeError, DecodeErrorKind
from tlswire.escaping import escape
from tlswire.schema.der import Element, expect_element, read_element
from tlswire.values import Value, frozen
from tlswire.wire import Message, Opaque, Violation, message, wire

_SEQUENCE, _SET, _OID = 0x30, 0x31, 0x06
_EMAIL_ADDRESS = "1.2.840.113549.1.9.1"
_SHOWN = 200  # characters of a name in its repr
_LONGEST_CACHED = 512  # bytes; names of real authorities have at most 300, and what a peer sends should not fill memory

# Tag: the type's name (X.680 §8.4), and how its bytes are text.  T61String is Latin-1 in practice, and IA5String and
# PrintableString hold more than they may.
_STRINGS: dict[int, tuple[str, str]] = {
    0x0C: ("UTF8String", "utf-8"),
    0x12: ("NumericString", "latin-1"),
    0x13: ("PrintableString", "latin-1"),
    0x14: ("T61String", "latin-1"),
    0x16: ("IA5String", "latin-1"),
    0x1A: ("VisibleString", "latin-1"),
    0x1B: ("GeneralString", "latin-1"),
    0x1C: ("UniversalString", "utf-32-be"),
    0x1E: ("BMPString", "utf-16-be"),
}

SHORT_NAMES: dict[str, str] = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.20": "telephoneNumber",
    "2.5.4.41": "name",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
"""The short names of RFC 4514 §3, and those that people know beyond them."""


@frozen
class Attribute(Value):
    """One attribute of a name (RFC 5280 App. A.1, AttributeTypeAndValue).

    `type` is the OID with dots; `short_name` what people call it, or the OID; `string_type` the ASN.1 type of the
    value, None where it is no string; `value` the text, None where the bytes are none; `raw` the value's DER.
    """

    type: str
    short_name: str
    string_type: str | None
    value: str | None
    raw: bytes

    @property
    def comparable(self) -> str | bytes:
        """The value as RFC 5280 §7.1 compares it: text prepared after RFC 4518 §2, else the DER.

        Case and white space mean nothing; of an address, the case of what stands before the @ does (RFC 5280 §7.5).
        """
        if self.value is None:
            return self.raw
        text = " ".join(unicodedata.normalize("NFKC", self.value).split())
        if self.type == _EMAIL_ADDRESS and "@" in text:
            local, _, host = text.rpartition("@")
            return f"{local}@{host.casefold()}"
        return text.casefold()

    def __str__(self) -> str:
        """The attribute as RFC 4514 §2.4 writes it, with nothing in it that a terminal would act on.

        The value of a type without a short name is its DER in hex, as that section has it; `value` has the text.
        """
        if self.value is None or self.short_name == self.type:
            return f"{self.short_name}=#{self.raw.hex()}"
        return f"{self.short_name}={_escaped(self.value)}"


@message
class DistinguishedName(Message):
    """The name of an authority, or of a certificate's subject or issuer; `der` are its bytes (RFC 5246 §7.4.4).

    `decode` and `encode` are of the form in CertificateRequest, behind a length of 16 bits; a name from a certificate
    is made with `DistinguishedName(der)`.
    """

    der: bytes = wire(Opaque(1, 2**16 - 1))

    def __str__(self) -> str:
        """The name as RFC 4514 writes it, the last part first; `<malformed>` stands for what could not be read."""
        parts = ["+".join(map(str, rdn)) for rdn in reversed(self.rdns)]
        if self.error is not None:
            parts.insert(0, "<malformed>")
        return ",".join(parts)

    def __repr__(self) -> str:
        text = str(self)
        return f"<DistinguishedName {text[:_SHOWN]}{'…' * (len(text) > _SHOWN)}, {len(self.der)} bytes>"

    @property
    def rdns(self) -> tuple[tuple[Attribute, ...], ...]:
        """The relative distinguished names in the order of the DER, each its attributes; as far as they can be read."""
        return _read_name(self.der).rdns

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """All attributes, in the order of the DER."""
        return tuple(attribute for rdn in self.rdns for attribute in rdn)

    @property
    def error(self) -> DecodeError | None:
        """Where the DER is broken, with the offset from its start; None when it is a Name."""
        return _read_name(self.der).error

    def matches(self, other: DistinguishedName) -> bool:
        """Whether it is the same name under the comparison of RFC 5280 §7.1, which looks past case, white space and the
        type of a string; some verifiers compare the bytes alone."""
        ours = self.comparable
        return self.der == other.der or (ours is not None and ours == other.comparable)

    @property
    def comparable(self) -> tuple[frozenset[tuple[str, str | bytes]], ...] | None:
        """What RFC 5280 §7.1 compares: each relative name as a set of types and prepared values; None of a broken
        name."""
        if self.error is not None:
            return None
        return tuple(frozenset((part.type, part.comparable) for part in rdn) for rdn in self.rdns)

    def _violations(self) -> Iterator[Violation]:
        if self.error is not None:
            yield Violation("der", "malformed", self.error.expected, self.error)


class _Reading(NamedTuple):
    rdns: tuple[tuple[Attribute, ...], ...]
    error: DecodeError | None


def _read_name(der: bytes) -> _Reading:
    return _read_cached(der) if len(der) <= _LONGEST_CACHED else _read(der)


def _read(der: bytes) -> _Reading:
    rdns: list[list[Attribute]] = []
    error = None
    try:
        for rdn in _read_rdns(der):
            rdns.append([])
            for attribute in _read_attributes(der, rdn, f"rdn[{len(rdns) - 1}]"):
                rdns[-1].append(attribute)  # one by one: what stands before a break is kept
    except DecodeError as failure:
        error = failure.with_traceback(None)  # whose frames would live as long as the cache
    return _Reading(tuple(tuple(rdn) for rdn in rdns if rdn), error)


_read_cached = lru_cache(maxsize=1024)(_read)  # a long list of CA names, as it is shown and searched


def _read_rdns(der: bytes) -> Iterator[Element]:
    name = expect_element(der, 0, len(der), _SEQUENCE, "RDNSequence")
    position = name.start
    index = 0
    while position < name.end:
        rdn = expect_element(der, position, name.end, _SET, f"rdn[{index}]")
        yield rdn
        position = rdn.end
        index += 1
    if name.end != len(der):
        raise DecodeError(DecodeErrorKind.trailing, "", name.end, name.end, len(der))


def _read_attributes(der: bytes, rdn: Element, path: str) -> Iterator[Attribute]:
    position = rdn.start
    if position == rdn.end:
        raise DecodeError(DecodeErrorKind.truncated, path, position, "an attribute", "none")
    index = 0
    while position < rdn.end:
        here = f"{path}[{index}]"
        pair = expect_element(der, position, rdn.end, _SEQUENCE, here)
        oid = expect_element(der, pair.start, pair.end, _OID, f"{here}.type")
        value = read_element(der, oid.end, pair.end, f"{here}.value")
        if value.end != pair.end:
            length, actual = value.end - pair.offset, pair.end - pair.offset
            raise DecodeError(DecodeErrorKind.trailing, here, value.end, length, actual)
        dotted = _dotted(der[oid.start : oid.end], oid.start, here)
        string_type, text = _text(value.tag, der[value.start : value.end])
        raw = der[value.offset : value.end]
        yield Attribute(dotted, SHORT_NAMES.get(dotted, dotted), string_type, text, raw)
        position = pair.end
        index += 1


def _dotted(contents: bytes, offset: int, path: str) -> str:
    """An OID with dots (X.690 §8.19)."""
    if not contents or contents[-1] & 0x80:
        raise DecodeError(DecodeErrorKind.truncated, f"{path}.type", offset, "a whole OID", contents.hex() or "none")
    arcs: list[int] = []
    arc = 0
    for octet in contents:
        arc = arc << 7 | octet & 0x7F
        if arc >> 128:  # no registered arc is so long (X.667 has 128 bits); and the work would grow as its square
            raise DecodeError(DecodeErrorKind.malformed, f"{path}.type", offset, "an arc of at most 128 bits")
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _text(tag: int, contents: bytes) -> tuple[str | None, str | None]:
    string = _STRINGS.get(tag)
    if string is None:
        return None, None
    string_type, encoding = string
    try:
        return string_type, contents.decode(encoding)
    except UnicodeDecodeError:
        # UTF8String that holds Latin-1 is common enough; for the wide types bytes are all there is.
        return string_type, contents.decode("latin-1") if encoding == "utf-8" else None


def _escaped(value: str) -> str:
    """A value as RFC 4514 §2.4 escapes it; what is not plainly visible as the hex pairs of its UTF-8."""
    escaped = [_escape_one(character) for character in value]
    if value.startswith((" ", "#")):
        escaped[0] = "\\" + value[0]
    if value.endswith(" "):
        escaped[-1] = "\\ "
    return "".join(escaped)


def _escape_one(character: str) -> str:
    if character in '"+,;<>\\':
        return "\\" + character
    if escape(character) == character:
        return character
    return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "surrogatepass"))
