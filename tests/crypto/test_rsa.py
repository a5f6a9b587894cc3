"""The server's RSA key: premaster secrets as senders encrypt them, and whose key a certificate holds."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tlswire.crypto import (
    CallbackKey,
    PremasterSource,
    RSAKey,
    certificate_public_numbers,
    key_identifiers,
)
from tlswire.errors import DecryptError

PREMASTER = b"\x03\x03" + bytes(range(46))
SIZE = 256  # bytes of the key
CAPTURES = Path(__file__).parents[1] / "captures"
SERVER_KEY_SHA1 = "7e2f9a9c074455c73d03cbab6a66a4ba4be79235"
SERVER_KEY_SHA256 = "284e39cac1339eb62e1b00c903c122dd4db36b0e322c1668af4f01deb8f3bb20"

relaxed = settings(deadline=None)


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 8 * SIZE)


# Premaster secrets


def encrypted_with(key: RSAPrivateKey, wanted: Callable[[bytes], bool]) -> bytes:
    """A ciphertext of PREMASTER that has a property; the padding being random, one comes."""
    while True:
        encrypted = key.public_key().encrypt(PREMASTER, PKCS1v15())
        if wanted(encrypted):
            return encrypted


def test_a_premaster_secret(key: RSAPrivateKey) -> None:
    assert RSAKey(key).decrypt(encrypted_with(key, lambda _: True)) == PREMASTER


def test_leading_zeros_may_be_stripped_or_added(key: RSAPrivateKey) -> None:
    encrypted = encrypted_with(key, lambda encrypted: encrypted[0] == 0)
    assert RSAKey(key).decrypt(encrypted) == PREMASTER
    assert RSAKey(key).decrypt(encrypted.lstrip(b"\0")) == PREMASTER
    assert RSAKey(key).decrypt(b"\0\0\0" + encrypted) == PREMASTER


def refused_or_no_premaster(key: RSAPrivateKey, encrypted: bytes) -> None:
    """Up to OpenSSL 3.1 such a thing is refused; later ones make something up (implicit rejection)."""
    try:
        made_up = RSAKey(key).decrypt(encrypted)
    except DecryptError as error:
        reason = error.reason
    else:
        assert made_up != PREMASTER
        return
    assert reason == "premaster_invalid"


@relaxed
@given(st.binary(max_size=2 * SIZE))
@example(b"")
@example(b"\0" * SIZE)
@example(b"\xff" * SIZE)  # more than the modulus
def test_no_ciphertext_raises_anything_else(key: RSAPrivateKey, encrypted: bytes) -> None:
    refused_or_no_premaster(key, encrypted)


@relaxed
@given(st.integers(0, SIZE - 1), st.integers(1, 255))
def test_a_corrupt_ciphertext(key: RSAPrivateKey, index: int, change: int) -> None:
    encrypted = bytearray(encrypted_with(key, lambda _: True))
    encrypted[index] ^= change
    refused_or_no_premaster(key, bytes(encrypted))


@pytest.mark.parametrize("length", [SIZE - 1, SIZE + 1, 1, 65535])
def test_a_ciphertext_of_the_wrong_length(key: RSAPrivateKey, length: int) -> None:
    encrypted = b"\x01" + (encrypted_with(key, lambda _: True) * 256)[: length - 1]
    if length > SIZE:
        with pytest.raises(DecryptError, match="premaster_invalid"):
            RSAKey(key).decrypt(encrypted)
    else:
        refused_or_no_premaster(key, encrypted)


def test_another_key(key: RSAPrivateKey) -> None:
    refused_or_no_premaster(generate_private_key(65537, 8 * SIZE), encrypted_with(key, lambda _: True))


def test_a_key_that_is_elsewhere(key: RSAPrivateKey) -> None:
    asked = []

    def in_the_hsm(encrypted: bytes) -> bytes:
        asked.append(encrypted)
        return key.decrypt(encrypted, PKCS1v15())

    sources: list[PremasterSource] = [
        CallbackKey(in_the_hsm),
        CallbackKey(in_the_hsm, public_numbers=RSAKey(key).public_numbers, name="HSM"),
        CallbackKey(in_the_hsm, certificate=certificate_of(key)),
    ]
    encrypted = encrypted_with(key, lambda _: True)
    assert [source.decrypt(encrypted) for source in sources] == [PREMASTER] * 3
    assert asked == [encrypted] * 3
    known = RSAKey(key).public_numbers
    assert [source.public_numbers for source in sources] == [None, known, known]
    assert [source.name for source in sources] == ["callback", "HSM", "callback"]


# Certificates


def certificate_of(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    """A certificate of the key, DER."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server.test")])
    start = datetime.datetime(2020, 1, 1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 0x55AA55, start, start.replace(year=2040))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def certificate(key: RSAPrivateKey) -> bytes:
    return certificate_of(key)


def numbers_of(key: RSAPrivateKey) -> tuple[int, int]:
    numbers = key.public_key().public_numbers()
    return numbers.n, numbers.e


def test_the_key_of_a_certificate(key: RSAPrivateKey, certificate: bytes) -> None:
    assert certificate_public_numbers(certificate) == numbers_of(key) == RSAKey(key).public_numbers


def test_a_key_is_called_as_others_call_it(key: RSAPrivateKey, certificate: bytes) -> None:
    info = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    assert key_identifiers(numbers_of(key)) == (identifier.hex(), hashlib.sha256(info).hexdigest())
    # Of the key of the project's captures, `openssl pkey -in server.pem -pubout -outform DER | openssl sha256`, and of
    # the same DER `openssl asn1parse -inform DER -strparse 19 -noout -out bits; openssl sha1 bits`.  OpenSSL 3.0:
    server = load_pem_private_key((CAPTURES / "keys" / "server.pem").read_bytes(), None)
    assert isinstance(server, RSAPrivateKey)
    assert key_identifiers(numbers_of(server)) == (SERVER_KEY_SHA1, SERVER_KEY_SHA256)


def test_a_certificate_with_another_kind_of_key() -> None:
    assert certificate_public_numbers(certificate_of(generate_ec_key(SECP256R1()))) is None


VERSION_3 = bytes.fromhex("a003020102")
SERIAL = bytes.fromhex("0203" + "55aa55")
START = b"\x17\x0d200101000000Z"

# Each stays a certificate to whoever only looks for the key.
ODD = {
    "negative serial number": (SERIAL, bytes.fromhex("0203" + "d5aa55")),
    "serial number zero": (SERIAL, bytes.fromhex("0203" + "000000")),
    "version 9": (VERSION_3, bytes.fromhex("a003020109")),
    "no time": (START, b"\x17\x0dno time at all"[: len(START)]),
    "a name that is none": (b"server.test", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5"),
}


@pytest.mark.parametrize("name", ODD)
def test_the_key_of_a_certificate_that_is_odd_elsewhere(key: RSAPrivateKey, certificate: bytes, name: str) -> None:
    right, wrong = ODD[name]
    assert len(right) == len(wrong)
    assert right in certificate
    assert certificate_public_numbers(certificate.replace(right, wrong)) == numbers_of(key)


# A self-signed certificate of version 1, which has no version field, with a key of 512 bits.  OpenSSL 3.0:
#   openssl req -new -newkey rsa:512 -nodes -keyout key.pem -out request.pem -subj /CN=a
#   openssl x509 -req -in request.pem -signkey key.pem -days 36500
#   openssl x509 -noout -modulus
VERSION_1 = """
MIIBFjCBwQIUZ8LFX3pou+bYvWMPj0aMvC/Gl/UwDQYJKoZIhvcNAQELBQAwDDEK
MAgGA1UEAwwBYTAgFw0yNjExMjQxMjE0NTBaGA8yMTI2MTAzMTEyMTQ1MFowDDEK
MAgGA1UEAwwBYTBcMA0GCSqGSIb3DQEBAQUAA0sAMEgCQQCvnjvKI6gt2/yd6DNn
JXnwr+vF/zyQAyM8aYWfRq4ZycZ4sLt/+Rt9uwF+/DF4Wa1MnEKpoin4v9s5OWVS
41SJAgMBAAEwDQYJKoZIhvcNAQELBQADQQB6x/7AzDxRP+UoWTq+aB2LDCFHttUv
W5YPj6wRWJbrFuQKEUzTozhxlo6sNnzM/6IrNnzdqMjPd51+TGdFUzFZ
"""
VERSION_1_MODULUS = int(
    "AF9E3BCA23A82DDBFC9DE833672579F0AFEBC5FF3C9003233C69859F46AE19C9"
    "C678B0BB7FF91B7DBB017EFC317859AD4C9C42A9A229F8BFDB39396552E35489",
    16,
)


def test_the_key_of_a_certificate_of_version_1() -> None:
    assert certificate_public_numbers(base64.b64decode(VERSION_1)) == (VERSION_1_MODULUS, 65537)


# Keys that are odd themselves


def element(tag: int, contents: bytes) -> bytes:
    length = len(contents)
    return bytes([tag, length]) + contents if length < 128 else bytes([tag, 0x82, *divmod(length, 256)]) + contents


RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d010101")
NULL = b"\x05\x00"


def certificate_with(algorithm: bytes, modulus: bytes, exponent: bytes = b"\x01\x00\x01") -> bytes:
    """What leads to a key, around a key; lengths from 128 to 255 are BER, since DER would use one byte."""
    key = element(0x30, element(0x02, modulus) + element(0x02, exponent))
    info = element(0x30, element(0x30, algorithm) + element(0x03, b"\0" + key))
    return element(0x30, element(0x30, VERSION_3 + SERIAL + element(0x30, b"") * 4 + info))


# `cryptography` reads some of them, and others in other versions.
ODD_ALGORITHMS = {
    "without parameters": RSA_ENCRYPTION,
    "id-RSAES-OAEP": bytes.fromhex("06092a864886f70d010107"),
    "id-RSASSA-PSS": bytes.fromhex("06092a864886f70d01010a"),
    "X.509's own, with the number of bits": bytes.fromhex("060455080101") + b"\x02\x02\x08\x00",
}


@pytest.mark.parametrize("name", ODD_ALGORITHMS)
def test_a_key_under_an_odd_algorithm(key: RSAPrivateKey, name: str) -> None:
    modulus = b"\0" + numbers_of(key)[0].to_bytes(SIZE, "big")
    assert certificate_public_numbers(certificate_with(ODD_ALGORITHMS[name], modulus)) == numbers_of(key)


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_a_modulus_that_looks_negative_or_has_zeros_in_front(key: RSAPrivateKey, zeros: int) -> None:
    modulus = bytes(zeros) + numbers_of(key)[0].to_bytes(SIZE, "big")
    assert certificate_public_numbers(certificate_with(RSA_ENCRYPTION + NULL, modulus)) == numbers_of(key)


def test_a_short_modulus_with_ber_lengths_and_an_exponent_of_one() -> None:
    modulus = VERSION_1_MODULUS**2
    raw = certificate_with(RSA_ENCRYPTION + NULL, b"\0" + modulus.to_bytes(128, "big"), exponent=b"\x01")
    assert certificate_public_numbers(raw) == (modulus, 1)


def test_a_key_that_is_no_pair_of_integers() -> None:
    for right, wrong in ((b"\x02\x03\x01\x00\x01", b"\x04\x03\x01\x00\x01"), (b"\x02\x08", b"\x04\x08")):
        raw = certificate_with(RSA_ENCRYPTION + NULL, b"\x01" * 8)
        assert certificate_public_numbers(raw) == (0x0101010101010101, 65537)
        assert right in raw
        assert certificate_public_numbers(raw.replace(right, wrong)) is None


# What is no certificate


@pytest.mark.parametrize("count", range(9))
@pytest.mark.parametrize("with_version", [True, False])
def test_a_certificate_with_too_few_fields(count: int, with_version: bool) -> None:
    fields = (VERSION_3 if with_version else b"") + SERIAL * count
    assert certificate_public_numbers(element(0x30, element(0x30, fields))) is None


@relaxed
@given(st.binary(max_size=100))
def test_garbage_is_no_certificate(garbage: bytes) -> None:
    assert certificate_public_numbers(garbage) is None
    assert certificate_public_numbers(element(0x30, garbage)) is None
    assert certificate_public_numbers(element(0x30, element(0x30, garbage))) is None
    tbs = VERSION_3 + SERIAL + element(0x30, b"") * 4 + element(0x30, garbage)
    assert certificate_public_numbers(element(0x30, element(0x30, tbs))) is None


def test_no_prefix_has_a_key(certificate: bytes) -> None:
    for length in range(len(certificate)):
        assert certificate_public_numbers(certificate[:length]) is None


@relaxed
@given(st.data())
def test_a_changed_certificate_raises_nothing(certificate: bytes, data: st.DataObject) -> None:
    changed = bytearray(certificate)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    numbers = certificate_public_numbers(bytes(changed))
    assert numbers is None or len(numbers) == 2


def _key_exchange(key: RSAPrivateKey, premaster: bytes) -> tuple[bytes, bytes]:
    """A ClientKeyExchange of TLS 1.2, and the encrypted premaster in it."""
    encrypted = key.public_key().encrypt(premaster, PKCS1v15())
    size = len(encrypted)
    return b"\x10" + (size + 2).to_bytes(3, "big") + size.to_bytes(2, "big") + encrypted, encrypted


def test_what_only_looks_like_a_key_exchange_is_found_too_and_what_is_cut_off_is_not() -> None:
    private = generate_private_key(public_exponent=65537, key_size=2048)
    message, encrypted = _key_exchange(private, b"p" * 48)
    noise = message[:6] + b"\xff" * 256
    assert RSAKey(private).find(noise + message + b"some bytes" + message + message[:100], 9) == [
        b"\xff" * 256,
        encrypted,
    ]
    assert RSAKey(private).find(b"", 9) == []
    assert RSAKey(private).find(noise + message, 1) == [b"\xff" * 256]


def test_a_block_of_nothing_but_heads_is_little_work() -> None:
    key = RSAKey(generate_private_key(public_exponent=65537, key_size=2048))
    heads = b"".join(b"\x10\x00\x01\x02\x01\x00" + number.to_bytes(2, "big") for number in range(32768))
    assert 1 < len(key.find(heads, 10_000)) <= len(heads) // 256


def test_what_knows_it_already_is_asked_first() -> None:
    private = generate_private_key(public_exponent=65537, key_size=2048)
    key = RSAKey(private)
    known, other = (_key_exchange(private, letter * 48)[1] for letter in (b"k", b"o"))
    key.ahead = {known: b"from elsewhere"}.get
    assert key.decrypt(known) == b"from elsewhere"
    assert key.decrypt(other) == b"o" * 48
    assert key.alone(known) == b"k" * 48
