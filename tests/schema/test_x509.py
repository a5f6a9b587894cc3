"""`read_certificate`: what `cryptography` and OpenSSL read, and what is left where a certificate is broken."""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tlswire.errors import DecodeErrorKind
from tlswire.schema import CertificateFields, DistinguishedName, certificate_subject, read_certificate

UTC = datetime.UTC
FIELDS = ("serial_number", "issuer", "not_before", "not_after", "subject")


@cache
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def made(serial: int = 7, first: int = 2020, last: int = 2040, subject: str = "A", issuer: str = "CA") -> bytes:
    """A certificate by `cryptography`: valid from the start of one year to the end of another."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, issuer)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .serial_number(serial)
        .public_key(key().public_key())
        .not_valid_before(datetime.datetime(first, 1, 2, 3, 4, 5, tzinfo=UTC))
        .not_valid_after(datetime.datetime(last, 12, 31, 23, 59, 58, tzinfo=UTC))
    )
    return builder.sign(key(), None).public_bytes(Encoding.DER)


years = st.integers(1950, 2100)


@given(st.integers(1, (1 << 159) - 1), years, years, st.text(min_size=1, max_size=40).filter(str.isprintable))
@settings(max_examples=100, deadline=None)
def test_the_fields_are_those_that_cryptography_reads(serial: int, one: int, other: int, name: str) -> None:
    der = made(serial, min(one, other), max(one, other), name)
    truth = x509.load_der_x509_certificate(der)
    fields = read_certificate(der)
    assert fields.error is None
    assert fields.serial_number is not None
    assert int(fields.serial_number, 16) == truth.serial_number
    assert fields.issuer == DistinguishedName(truth.issuer.public_bytes())
    assert fields.subject == DistinguishedName(truth.subject.public_bytes())
    for found, expected in (
        (fields.not_before, truth.not_valid_before_utc),
        (fields.not_after, truth.not_valid_after_utc),
    ):
        assert found == expected.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert certificate_subject(der) == str(fields.subject)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(("serial", "first", "last"), [(1, 1950, 2049), (0xFFEE, 1999, 2050), (1 << 150, 2000, 2100)])
def test_the_fields_are_those_that_openssl_prints(serial: int, first: int, last: int) -> None:
    der = made(serial, first, last)
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-serial", "-dates", "-subject", "-issuer"]
    command += ["-nameopt", "RFC2253"]
    said = subprocess.run(command, input=der, capture_output=True, check=True).stdout.decode()
    told = dict(line.split("=", 1) for line in said.splitlines())
    fields = read_certificate(der)
    number = (fields.serial_number or "").removeprefix("00")  # the octet that keeps a number positive
    assert number == told["serial"]
    assert (f"{fields.subject}", f"{fields.issuer}") == (told["subject"], told["issuer"])
    for found, expected in ((fields.not_before, told["notBefore"]), (fields.not_after, told["notAfter"])):
        time = datetime.datetime.strptime(expected, "%b %d %H:%M:%S %Y GMT")
        assert found == time.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_of_a_certificate_that_breaks_off_all_before_is_left() -> None:
    der = made()
    whole = read_certificate(der)
    before = 0
    for end in range(len(der)):
        fields = read_certificate(der[:end])
        assert fields.error is not None
        assert fields.error.kind is DecodeErrorKind.truncated
        values = [getattr(fields, name) for name in FIELDS]
        read = sum(value is not None for value in values)
        assert read >= before
        assert values[:read] == [getattr(whole, name) for name in FIELDS[:read]]
        before = read
    assert before == len(FIELDS)
    assert read_certificate(der[: der.index(b"CA") + 2]).issuer == whole.issuer


def test_of_a_certificate_with_a_broken_field_those_before_are_left() -> None:
    der = made()
    whole = read_certificate(der)
    length_of_subject = der.index(b"A", der.index(b"CA") + 2) - 12
    fields = read_certificate(der[:length_of_subject] + b"\xff" + der[length_of_subject + 1 :])
    assert [getattr(fields, name) for name in FIELDS[:4]] == [getattr(whole, name) for name in FIELDS[:4]]
    assert fields.subject is None
    assert fields.error is not None
    assert (fields.error.path, fields.error.offset) == ("subject", length_of_subject)


def test_a_part_that_is_longer_than_the_whole_is_told() -> None:
    der = made()
    end = der.index(b"A", der.index(b"CA") + 2) + 1  # of the subject
    assert (der[1], der[4] > end - 5) == (0x81, True)
    fields = read_certificate(der[:2] + bytes([end - 3]) + der[3:end])
    assert fields.subject == read_certificate(der).subject
    assert fields.error is not None
    assert (fields.error.kind, fields.error.path) == (DecodeErrorKind.truncated, "tbsCertificate")


@pytest.mark.parametrize(
    ("form", "written", "shown"),
    [
        (0x17, b"500102030405Z", "1950-01-02T03:04:05Z"),
        (0x17, b"490102030405Z", "2049-01-02T03:04:05Z"),
        (0x17, b"2001020304Z\0\0", "2001020304Z\\x00\\x00"),
        (0x17, b"200102030405\n", "200102030405\\x0a"),
        (0x16, b"200102030405Z", "200102030405Z"),
        (0x17, b"2001020\x1b[31mZ", "2001020\\x1b[31mZ"),
    ],
)
def test_a_time_of_another_form_is_shown_as_it_stands_and_harmless(form: int, written: bytes, shown: str) -> None:
    der = made()
    time = b"\x17\x0d200102030405Z"
    assert der.count(time) == 1
    assert read_certificate(der.replace(time, bytes([form, 13]) + written)).not_before == shown


def test_a_time_without_seconds_has_none() -> None:
    der = bytes.fromhex("3018 3016 020101 3000 3000 301a") + b"\x17\x0b2001020304Z" + b"\x17\x0b4001020304Z"
    body = der[4:]
    tbs = b"\x30" + bytes([len(body)]) + body
    fields = read_certificate(b"\x30" + bytes([len(tbs)]) + tbs)
    assert (fields.not_before, fields.not_after) == ("2020-01-02T03:04:00Z", "2040-01-02T03:04:00Z")


def test_a_negative_number_keeps_its_octets() -> None:
    der = made(0x7F)
    assert read_certificate(der.replace(b"\x02\x01\x7f", b"\x02\x01\xff", 1)).serial_number == "FF"


def test_bytes_behind_the_certificate_are_told_and_the_rest_is_read() -> None:
    der = made()
    fields = read_certificate(der + b"\0\0")
    assert fields.error is not None
    assert (fields.error.kind, fields.error.offset) == (DecodeErrorKind.trailing, len(der))
    assert fields.subject == read_certificate(der).subject


@pytest.mark.parametrize("der", [b"", b"\x30", b"not a certificate", bytes(200), b"\xff" * 200, b"\x30\x80\0\0"])
def test_what_is_no_certificate_has_an_error_and_no_fields(der: bytes) -> None:
    fields = read_certificate(der)
    assert fields == CertificateFields(error=fields.error)
    assert fields.error is not None
    assert re.match(r"(certificate|tbsCertificate) at offset \d+: ", str(fields.error))


@given(st.binary(max_size=120), st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=300)
def test_nothing_raises(noise: bytes, position: int, octet: int) -> None:
    der = bytearray(made_once())
    der[position % len(der)] = octet
    for one in (bytes(der), noise, b"\x30\x82\xff\xff" + noise):
        fields = read_certificate(one)
        assert fields.error is not None or all(getattr(fields, name) is not None for name in FIELDS)


@cache
def made_once() -> bytes:
    return made()
