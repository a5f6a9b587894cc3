"""Certificates in the files that people have: each container as OpenSSL writes it, and what is none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
)
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from tlswire.analysis.diagnosis.chain import ordered
from tlswire.capture import load_certificates
from tlswire.errors import SecretsError

CAPTURES = Path(__file__).parents[1] / "captures"
PEM = CAPTURES / "doctor" / "root-sent" / "client.crt"
LEAF, ROOT = x509.load_pem_x509_certificates(PEM.read_bytes())
DER = [one.public_bytes(Encoding.DER) for one in (LEAF, ROOT)]


def pkcs7(encoding: Encoding) -> bytes:
    return serialize_certificates([LEAF, ROOT], encoding)


@pytest.mark.parametrize(
    "data",
    [
        PEM.read_bytes(),
        PEM.read_bytes().replace(b"\n", b"\r\n"),
        b"Bag Attributes\n    friendlyName: me\nsubject=CN = me\n" + PEM.read_bytes(),
        (CAPTURES / "keys" / "server.pem").read_bytes() + PEM.read_bytes(),
        pkcs7(Encoding.PEM),
    ],
    ids=["PEM", "PEM, CRLF", "PEM, with attributes", "PEM, behind a key", "PKCS #7 in PEM"],
)
def test_a_chain_in_pem(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    assert sorted(load_certificates(tmp_path / "file")) == sorted(DER)


def test_der_and_pkcs_7_in_der(tmp_path: Path) -> None:
    (tmp_path / "one.cer").write_bytes(DER[0])
    assert load_certificates(tmp_path / "one.cer") == DER[:1]
    (tmp_path / "chain.p7b").write_bytes(pkcs7(Encoding.DER))
    assert sorted(load_certificates(tmp_path / "chain.p7b")) == sorted(DER)


@pytest.mark.parametrize("password", [None, b"renegotiate"])
def test_pkcs_12_has_the_keys_own_first(tmp_path: Path, password: bytes | None) -> None:
    file = tmp_path / "client.p12"
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    # With a key the certificate must be its own, and this key is the server's: so both go as mere certificates.
    file.write_bytes(serialize_key_and_certificates(None, None, None, [LEAF, ROOT], encryption))
    assert load_certificates(file, password) == DER
    if password:
        for wrong in (None, b"wrong"):
            with pytest.raises(SecretsError, match="password"):
                load_certificates(file, wrong)


def test_pkcs_12_with_a_key() -> None:
    file = CAPTURES / "keys" / "server.p12"
    (found,) = load_certificates(file, b"renegotiate")
    assert "www.example.test" in x509.load_der_x509_certificate(found).subject.rfc4514_string()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("command", [["x509", "-trustout"], ["crl2pkcs7", "-nocrl", "-certfile"]])
def test_what_openssl_writes(tmp_path: Path, command: list[str]) -> None:
    arguments = [*command, str(PEM)] if command[-1] == "-certfile" else [*command, "-in", str(PEM)]
    (tmp_path / "file").write_bytes(subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout)
    assert DER[0] in [der[: len(DER[0])] for der in load_certificates(tmp_path / "file")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no certificate",
        b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n",
        DER[0][:40],
        pkcs7(Encoding.DER)[:200],
        bytes(range(256)) * 100,
    ],
)
def test_what_is_no_certificate_is_said(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(SecretsError, match=r"PKCS #7|PKCS #12") as caught:
        load_certificates(file)
    assert str(file) in str(caught.value)
    with pytest.raises(SecretsError, match="missing"):
        load_certificates(tmp_path / "missing")


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1, 0)])
def test_a_chain_is_put_into_order(order: tuple[int, ...]) -> None:
    assert ordered([DER[place] for place in order]) == DER


def test_what_does_not_belong_to_the_chain_comes_behind_it() -> None:
    other = x509.load_pem_x509_certificate((CAPTURES / "doctor" / "listed" / "client.crt").read_bytes())
    stranger = other.public_bytes(Encoding.DER)
    assert ordered([DER[1], DER[0], stranger]) == [*DER, stranger]
    assert ordered([]) == []
