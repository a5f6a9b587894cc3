"""Certificates as text: PEM that other programs read, whatever names stand in the comments before it."""

from __future__ import annotations

import datetime
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tlswire.analysis import CertificateAppearance, SentCertificate
from tlswire.capture import Provenance
from tlswire.display.certificates import pem_text
from tlswire.session import Role

BEGIN = "-----BEGIN CERTIFICATE-----"
HOSTILE = f"x{BEGIN}\nMIIB\x1b[31m\u202e--------------------END CERTIFICATE-----"


def sent(der: bytes, file: str = "a.pcap", depth: int = 0) -> SentCertificate:
    certificate = SentCertificate(der)
    at = Provenance(6, 1, 1, file)
    place = CertificateAppearance(at, 3, 5, "10.0.0.1:443", "10.0.0.2:4000", Role.server, 1, True, depth, 2)
    certificate.appearances.append(place)
    certificate.count = 1
    return certificate


def made(name: str) -> bytes:
    key = Ed25519PrivateKey.generate()
    names = x509.Name([x509.NameAttribute(NameOID.USER_ID, name)])
    builder = x509.CertificateBuilder().subject_name(names).issuer_name(names).serial_number(255)
    builder = builder.public_key(key.public_key()).not_valid_before(datetime.datetime(2020, 1, 1))
    return builder.not_valid_after(datetime.datetime(2040, 1, 1)).sign(key, None).public_bytes(Encoding.DER)


def test_the_comments_say_what_it_is_and_who_sent_it() -> None:
    certificate = sent(made("www.example.test"), depth=1)
    assert pem_text(certificate).splitlines()[:10] == [
        "# subject: UID=www.example.test",
        "# issuer: UID=www.example.test",
        "# serial number: 00FF",
        "# valid: 2020-01-01T00:00:00Z to 2040-01-01T00:00:00Z",
        f"# SHA-256: {certificate.sha256}",
        "# sent by: server 10.0.0.1:443 to 10.0.0.2:4000",
        "# in: a.pcap, frame 6, stream 3, epoch 1",
        "# chain: 2 of 2",
        "# sent: 1 time",
        BEGIN,
    ]
    assert "# chain: 1 of 2, the sender's own" in pem_text(sent(made("x")))


def test_what_cannot_be_read_is_said_and_the_bytes_are_there_all_the_same() -> None:
    certificate = sent(b"\x30\x03no")
    text = pem_text(certificate)
    assert "# subject: unreadable\n" in text
    assert "# valid: unreadable to unreadable\n" in text
    assert "# malformed: certificate at offset 2: " in text
    assert text.endswith(f"{BEGIN}\nMANubw==\n-----END CERTIFICATE-----\n")


def test_no_name_is_taken_for_pem_or_for_a_terminals_codes() -> None:
    certificates = [sent(made(HOSTILE), file=HOSTILE), sent(made("plain"))]
    text = "\n".join(map(pem_text, certificates))
    assert text.count(BEGIN) == text.count("-----END CERTIFICATE-----") == 2
    assert all(character == "\n" or character.isprintable() for character in text)
    assert "\u202e" not in text
    loaded = x509.load_pem_x509_certificates(text.encode())
    assert [one.public_bytes(Encoding.DER) for one in loaded] == [one.der for one in certificates]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_finds_each_certificate() -> None:
    certificates = [sent(made(HOSTILE), file=HOSTILE), sent(made("plain"))]
    text = "\n".join(map(pem_text, certificates))
    command = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin", "-outform", "DER"]
    packed = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
    assert all(one.der in packed for one in certificates)
    assert len(packed) < sum(len(one.der) for one in certificates) + 100  # and nothing else
