"""DER, written by hand: just enough to make names and certificates that no well-behaved library would make.

Certificates with Latin-1 in a T61String or '@' in a PrintableString are in real root stores, and a library
that checks its input refuses to write them.  So bytes are put together here, bottom up, without checks.
"""

from __future__ import annotations

# X.680 string types by their tag, with the codec that real CAs use for them
BIT_STRING = 0x03
UTF8 = 0x0C
NUMERIC = 0x12
PRINTABLE = 0x13
T61 = 0x14
IA5 = 0x16
VISIBLE = 0x1A
UNIVERSAL = 0x1C
BMP = 0x1E

CODECS = {
    UTF8: "utf-8",
    NUMERIC: "ascii",
    PRINTABLE: "ascii",
    T61: "latin-1",
    IA5: "ascii",
    VISIBLE: "ascii",
    UNIVERSAL: "utf-32-be",
    BMP: "utf-16-be",
}


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element: tag, definite length in its shortest form, contents."""
    contents = b"".join(parts)
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + contents


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of elements that are encoded already."""
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """A SET OF: DER wants its elements in ascending order of their encodings (X.690 §11.6)."""
    return tlv(0x31, *sorted(parts))


def integer(value: int) -> bytes:
    """A non-negative INTEGER."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    contents = bytearray()
    for arc in (first * 40 + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(0x80 | (arc & 0x7F))
        contents += bytes(reversed(octets))
    return tlv(0x06, bytes(contents))


def string(tag: int, text: str) -> bytes:
    """A character string of the given type, in the codec of CODECS."""
    return tlv(tag, text.encode(CODECS[tag]))


def bit_string(octets: bytes) -> bytes:
    """A BIT STRING of whole octets."""
    return tlv(BIT_STRING, b"\0", octets)


def time(stamp: str) -> bytes:
    """A validity date "YYYYMMDDHHMMSSZ": UTCTime up to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5)."""
    return tlv(0x17, stamp[2:].encode()) if stamp < "2050" else tlv(0x18, stamp.encode())
