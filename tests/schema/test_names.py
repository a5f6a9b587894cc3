"""Distinguished names: those of real authorities, odd ones, and broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from tlswire.errors import DecodeErrorKind
from tlswire.schema import CertificateRequestTLS12, DistinguishedName, certificate_subject
from tlswire.schema.der import read_element

NAMES = Path(__file__).parents[1] / "captures" / "names"


def listed(path: Path) -> list[bytes]:
    """The names of a file that has DER after DER; a file with a broken one cannot be taken apart so."""
    data, names, position = path.read_bytes(), [], 0
    while position < len(data):
        element = read_element(data, position, len(data))
        names.append(data[position : element.end])
        position = element.end
    return names


def tlv(tag: int, *contents: bytes) -> bytes:
    data = b"".join(contents)
    if len(data) < 128:
        return bytes([tag, len(data)]) + data
    return bytes([tag, 0x82]) + len(data).to_bytes(2, "big") + data


CN, ORGANIZATION = b"\x06\x03\x55\x04\x03", b"\x06\x03\x55\x04\x0a"


def name(*rdns: bytes) -> bytes:
    return tlv(0x30, *(tlv(0x31, rdn) for rdn in rdns))


def attribute(oid: bytes, tag: int, value: bytes) -> bytes:
    return tlv(0x30, oid, tlv(tag, value))


# The list of 270 has broken names, so it cannot be cut into names without the lengths around them; the capture
# that has them (tests/replay) is compared as a whole.
WHOLE = [path for path in sorted(NAMES.glob("[1-9]*.der")) if not path.name.startswith("270-")]


@pytest.mark.filterwarnings("ignore:Attribute's length")  # cryptography finds real names too long
@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_the_names_that_real_servers_sent_are_read_as_cryptography_reads_them(path: Path) -> None:
    names = listed(path)
    assert len(names) == int(path.stem.split("-")[0])
    compared = 0
    for der in names:
        ours = DistinguishedName(der)
        assert ours.error is None
        certificate_like = getattr(x509.Name, "from_bytes", None)
        if certificate_like is None:
            continue  # cryptography before 50 has no reader for a bare name
        try:
            theirs = certificate_like(der)
        except ValueError:
            continue  # what it refuses is what our reader is for
        assert [one.type for one in ours.attributes] == [one.oid.dotted_string for one in theirs]
        for one, other in zip(ours.attributes, theirs, strict=True):
            assert one.value == (other.value if isinstance(other.value, str) else None)
        compared += 1
    assert compared or not hasattr(x509.Name, "from_bytes")


@pytest.mark.parametrize(
    ("tag", "value", "string_type", "text"),
    [
        (0x0C, "Zürich".encode(), "UTF8String", "Zürich"),
        (0x0C, b"Z\xfcrich", "UTF8String", "Zürich"),  # Latin-1 where UTF-8 should be
        (0x13, b"ca@example.com", "PrintableString", "ca@example.com"),  # '@' is not printable
        (0x14, b"Z\xfcrich", "T61String", "Zürich"),  # Latin-1 in T61String
        (0x16, b"mail", "IA5String", "mail"),
        (0x1E, "Zürich 漢".encode("utf-16-be"), "BMPString", "Zürich 漢"),
        (0x1C, "𝕏".encode("utf-32-be"), "UniversalString", "𝕏"),
        (0x1E, b"odd", "BMPString", None),
        (0x04, b"\x01\x02", None, None),
    ],
)
def test_every_string_type_is_read_and_what_is_no_text_keeps_its_bytes(
    tag: int, value: bytes, string_type: str | None, text: str | None
) -> None:
    read = DistinguishedName(name(attribute(CN, tag, value)))
    assert read.error is None
    (one,) = read.attributes
    assert (one.string_type, one.value, one.raw) == (string_type, text, tlv(tag, value))
    if text is None:
        assert str(read) == f"CN=#{tlv(tag, value).hex()}"


def test_the_string_is_of_rfc_4514_the_last_part_first() -> None:
    der = name(
        attribute(ORGANIZATION, 0x13, b"Example, Inc."),
        attribute(CN, 0x13, b" #a+b ") + attribute(b"\x06\x03\x2a\x03\x04", 0x0C, b"x"),
    )
    assert str(DistinguishedName(der)) == "CN=\\ #a\\+b\\ +1.2.3.4=#0c0178,O=Example\\, Inc."


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "\u202eevil", "line\nbreak", "\x00", "\u2066x"])
def test_nothing_in_the_string_makes_a_terminal_do_something(hostile: str) -> None:
    read = DistinguishedName(name(attribute(CN, 0x0C, hostile.encode())))
    assert str(read).isprintable()
    assert repr(read).isprintable()
    assert read.attributes[0].value == hostile


@pytest.mark.parametrize(
    ("der", "kind", "offset"),
    [
        (b"\x30", DecodeErrorKind.truncated, 0),
        (b"\x31\x00", DecodeErrorKind.malformed, 0),
        (b"\x30\x05\x31\x03\x30\x01\x06", DecodeErrorKind.truncated, 6),
        (name(attribute(CN, 0x13, b"a")) + b"\0", DecodeErrorKind.trailing, 14),
        (tlv(0x30, tlv(0x31)), DecodeErrorKind.truncated, 4),
        (b"\x30\x80\x00\x00", DecodeErrorKind.malformed, 1),
        (name(tlv(0x30, CN)), DecodeErrorKind.truncated, 11),
        (name(tlv(0x30, b"\x06\x00", tlv(0x13, b"a"))), DecodeErrorKind.truncated, 8),
    ],
)
def test_a_broken_name_says_where_and_keeps_what_could_be_read(der: bytes, kind: str, offset: int) -> None:
    read = DistinguishedName(der)
    assert read.error is not None
    assert (read.error.kind, read.error.offset) == (kind, offset)
    assert str(read).startswith("<malformed>")
    assert read.der == der
    assert [violation.rule for violation in read.violations] == ["malformed"]


def test_what_stands_before_the_break_is_read() -> None:
    good = tlv(0x31, attribute(ORGANIZATION, 0x13, b"Example"))
    read = DistinguishedName(tlv(0x30, good, b"\x31\x05"))
    assert [one.value for one in read.attributes] == ["Example"]
    assert str(read) == "<malformed>,O=Example"


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: name(attribute(CN, 0x13, b"a"))[:-1] + tail))
def test_no_bytes_make_a_name_raise(der: bytes) -> None:
    read = DistinguishedName(der)
    assert isinstance(str(read), str)
    assert read.der == der


def test_ten_thousand_attributes_are_read_without_recursion() -> None:
    rdns = [tlv(0x31, attribute(CN, 0x13, b"%d" % number)) for number in range(10_000)]
    body = b"".join(rdns)
    read = DistinguishedName(b"\x30\x83" + len(body).to_bytes(3, "big") + body)
    assert read.error is None
    assert read.attributes[9_999].value == "9999"


def test_names_are_equal_when_their_bytes_are() -> None:
    printable, utf8 = (name(attribute(CN, tag, b"Example")) for tag in (0x13, 0x0C))
    assert str(DistinguishedName(printable)) == str(DistinguishedName(utf8))
    assert DistinguishedName(printable) != DistinguishedName(utf8)
    assert len({DistinguishedName(printable), DistinguishedName(printable), DistinguishedName(utf8)}) == 2


def test_a_request_with_many_names_good_odd_and_broken_gives_every_one_byte_for_byte() -> None:
    names = [name(attribute(CN, 0x0C, f"Autorité {number}".encode())) for number in range(300)]
    names[7] = names[8]  # a duplicate
    names[100] = b"\x30\x80"
    names[200] = b"\xff" * 500
    names[299] = b"\x00"
    vector = b"".join(len(der).to_bytes(2, "big") + der for der in names)
    raw = b"\x01\x01" + b"\x00\x02\x04\x01" + len(vector).to_bytes(2, "big") + vector
    request = CertificateRequestTLS12.decode(raw)
    assert [authority.der for authority in request.certificate_authorities] == names
    assert request.encode() == raw
    assert [violation.path for violation in request.violations] == [
        f"certificate_authorities[{index}].der" for index in (100, 200, 299)
    ]


def test_the_subject_of_garbage_is_none() -> None:
    assert certificate_subject(b"") is None
    assert certificate_subject(b"\x30\x03\x30\x01\x02") is None
