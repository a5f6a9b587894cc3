"""Distinguished names: those of real authorities, odd ones, and broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from tlswire.errors import DecodeErrorKind
from tlswire.schema import CertificateRequestTLS12, DistinguishedName, certificate_subject
from tlswire.schema.der import read_element
from tlswire.schema.names import SHORT_NAMES

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


# Against cryptography

OUR_NAMES = {x509.ObjectIdentifier(oid): name for oid, name in SHORT_NAMES.items()}


def differs_by_intent(der: bytes, theirs: str) -> bool:
    """Whether our string is another on purpose than cryptography's, which is `theirs`.

    RFC 4514 §2.4 has the whole BER of the value, tag and length included, in hex, where the type is written with dots;
    cryptography gives its text, or its contents alone.  And what is not plainly visible we write in hex.
    """
    name = DistinguishedName(der)
    return any(one.type == one.short_name for one in name.attributes) or not theirs.isprintable()


# The list of 270 has broken names, so it cannot be cut into names without the lengths around them; the capture
# that has them (tests/replay) is compared as a whole.
WHOLE = [path for path in sorted(NAMES.glob("[1-9]*.der")) if not path.name.startswith("270-")]


@pytest.mark.skipif(not hasattr(x509.Name, "from_bytes"), reason="cryptography before 50 does not read a bare name")
@pytest.mark.filterwarnings("ignore:Attribute's length")  # cryptography finds real names too long
@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_the_names_of_our_captures_are_read_as_cryptography_reads_them(path: Path) -> None:
    names = listed(path)
    assert len(names) == int(path.stem.split("-")[0])
    compared = 0
    for der in names:
        ours = DistinguishedName(der)
        assert ours.error is None
        try:
            theirs = x509.Name.from_bytes(der)
            attributes = [(one.oid.dotted_string, one.value) for one in theirs]
        except ValueError:
            continue  # what it refuses is what our reader is for
        assert [(one.type, one.value) for one in ours.attributes] == [
            (oid, value if isinstance(value, str) else None) for oid, value in attributes
        ]
        text = theirs.rfc4514_string(OUR_NAMES)
        assert (str(ours) == text) != differs_by_intent(der, text)
        compared += 1
    assert compared


AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.mark.skipif(not AUTHORITIES.exists(), reason="Debian's list of certificate authorities is not installed")
@pytest.mark.filterwarnings("ignore")  # cryptography warns of old certificates
def test_the_names_of_real_authorities_are_read_as_cryptography_reads_them() -> None:
    certificates = x509.load_pem_x509_certificates(AUTHORITIES.read_bytes())
    for certificate in certificates:
        for name in (certificate.subject, certificate.issuer):
            ours = DistinguishedName(name.public_bytes())
            assert ours.error is None
            assert str(ours) == name.rfc4514_string(OUR_NAMES)
        subject = certificate_subject(certificate.public_bytes(Encoding.DER))
        assert subject == certificate.subject.rfc4514_string(OUR_NAMES)
    assert len(certificates) > 50


# Text that has a UTF-8 form, often of characters that are escaped.
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.text(
    ' #,+"\\<>;=\0\x1b\u202eaé', min_size=1, max_size=8
)


# cryptography 43 takes each hex pair for a character, where RFC 4514 §3 has octets of UTF-8.
READS_UTF8 = [one.value for one in x509.Name.from_rfc4514_string("O=\\C3\\A9")] == ["é"]


@pytest.mark.skipif(not READS_UTF8, reason="this release of cryptography reads hex pairs as Latin-1")
@given(st.lists(st.lists(VALUES, min_size=1, max_size=3, unique=True), min_size=1, max_size=4))
def test_cryptography_reads_our_string_as_the_values_that_were_in_the_name(rdns: list[list[str]]) -> None:
    der = name(*(b"".join(attribute(ORGANIZATION, 0x0C, value.encode()) for value in rdn) for rdn in rdns))
    ours = DistinguishedName(der)
    assert [one.value for one in ours.attributes] == [value for rdn in rdns for value in rdn]
    theirs = x509.Name.from_rfc4514_string(str(ours))
    # In an RDN, a set, cryptography has no attribute twice.
    assert [{one.value for one in rdn} for rdn in theirs.rdns] == [set(rdn) for rdn in rdns]


# By hand


@pytest.mark.parametrize(
    ("tag", "value", "string_type", "text"),
    [
        (0x0C, "Zürich".encode(), "UTF8String", "Zürich"),
        (0x0C, b"Z\xfcrich", "UTF8String", "Zürich"),  # Latin-1 where UTF-8 should be
        (0x13, b"ca@example.com", "PrintableString", "ca@example.com"),  # '@' is not printable
        (0x14, b"Z\xfcrich", "T61String", "Zürich"),  # Latin-1 in T61String
        (0x12, b"42", "NumericString", "42"),
        (0x16, b"mail", "IA5String", "mail"),
        (0x1A, b"visible", "VisibleString", "visible"),
        (0x1B, b"general", "GeneralString", "general"),
        (0x1E, "Zürich 漢".encode("utf-16-be"), "BMPString", "Zürich 漢"),
        (0x1C, "𝕏".encode("utf-32-be"), "UniversalString", "𝕏"),
        (0x1E, b"odd", "BMPString", None),
        (0x1E, b"\xd8\x35\xdd\x4f", "BMPString", "𝕏"),  # a surrogate pair, which BMPString should not have
        (0x1E, b"\xd8\x35", "BMPString", None),  # and half of one
        (0x1C, b"\xff\xff\xff\xff", "UniversalString", None),
        (0x0C, b"", "UTF8String", ""),
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
        (name(tlv(0x30, CN, tlv(0x13, b"a"), b"\x05\x00")), DecodeErrorKind.trailing, 14),
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


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("\\ ", "\\\\\\ "),  # both are escaped, not the space by the backslash
        (" ", "\\ "),
        ("  ", "\\ \\ "),
        ("# ", "\\#\\ "),
        ("a#b c", "a#b c"),
        ("\0", "\\00"),
    ],
)
def test_spaces_and_signs_at_the_ends_are_escaped(value: str, escaped: str) -> None:
    assert str(DistinguishedName(name(attribute(CN, 0x0C, value.encode())))) == f"CN={escaped}"


def test_what_stands_before_the_break_is_read() -> None:
    good = tlv(0x31, attribute(ORGANIZATION, 0x13, b"Example"))
    read = DistinguishedName(tlv(0x30, good, b"\x31\x05"))
    assert [one.value for one in read.attributes] == ["Example"]
    assert str(read) == "<malformed>,O=Example"
    half = name(attribute(ORGANIZATION, 0x13, b"Example") + attribute(CN, 0x13, b"a") + b"\x30\x00")
    read = DistinguishedName(half)
    assert read.error is not None
    assert read.error.path == "rdn[0][2].type"
    assert str(read) == "<malformed>,O=Example+CN=a"


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: name(attribute(CN, 0x13, b"a"))[:-1] + tail))
def test_no_bytes_make_a_name_raise(der: bytes) -> None:
    read = DistinguishedName(der)
    assert isinstance(str(read), str)
    assert read.der == der


def test_the_lengths_of_ber_are_taken_and_those_that_reach_too_far_are_not() -> None:
    long = b"\x30\x84\x00\x00\x00\x0c\x31\x81\x09\x30\x07" + CN + b"\x13\x00"
    assert DistinguishedName(long).error is None
    assert str(DistinguishedName(long)) == "CN="
    for broken in (b"\x30\x85" + bytes(5), b"\x30\x82\x01", b"\x30\x7f" + bytes(20), b"\x3f\x00\x00"):
        assert DistinguishedName(broken).error is not None


def test_an_oid_of_endless_arcs_is_malformed() -> None:
    endless = tlv(0x06, b"\xff" * 300 + b"\x01")
    read = DistinguishedName(name(tlv(0x30, endless, tlv(0x13, b"a"))))
    assert read.error is not None
    assert read.error.kind is DecodeErrorKind.malformed
    assert read.error.path == "rdn[0][0].type"


def test_ten_thousand_attributes_are_read_without_recursion() -> None:
    rdns = [tlv(0x31, attribute(CN, 0x13, b"%d" % number)) for number in range(10_000)]
    body = b"".join(rdns)
    read = DistinguishedName(b"\x30\x83" + len(body).to_bytes(3, "big") + body)
    assert read.error is None
    assert read.attributes[9_999].value == "9999"


def test_a_long_name_is_cut_in_its_repr_alone() -> None:
    read = DistinguishedName(name(attribute(CN, 0x0C, b"x" * 600)))
    assert str(read) == "CN=" + "x" * 600
    assert repr(read) == f"<DistinguishedName CN={'x' * 197}…, {len(read.der)} bytes>"


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
