"""`CertificateRequest.accepts`: by type and by the issuers' names, with certificates and requests of real peers."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

import tlswire
from tlswire.registry import ClientCertificateType
from tlswire.schema import CertificateRequest, certificate_key_types

DOCTOR = Path(__file__).parents[1] / "captures" / "doctor"
KEY = DOCTOR.parent / "keys" / "server.pem"


def request_and_chain(name: str) -> tuple[CertificateRequest, tuple[bytes, ...]]:
    folder = DOCTOR / name
    keylog = folder / "keylog.txt"
    more = {"keylog": keylog} if keylog.exists() else {}
    trace = tlswire.open(folder / "capture.pcap", keys=[KEY], **more)
    request = next(one.certificate_request for one in trace.connections[0].handshakes if one.certificate_request)
    certificates = x509.load_pem_x509_certificates((folder / "client.crt").read_bytes())
    return request, tuple(one.public_bytes(Encoding.DER) for one in certificates)


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("listed", True),
        ("unlisted-250", False),
        ("below-listed-root", False),  # of the leaf alone nothing leads to the root
        ("chain-sent", True),
        ("root-sent", False),
        ("respelled", False),  # byte for byte
        ("empty-list", True),
        ("key-type", False),  # the issuer is listed, the kind of key is not
        ("expired", True),  # no date is looked at
        ("tls13-accepted", True),
    ],
)
def test_a_chain_against_a_request(name: str, accepted: bool) -> None:
    request, chain = request_and_chain(name)
    assert request.accepts(chain) is accepted


def test_no_chain_and_no_certificate_at_all() -> None:
    named, _ = request_and_chain("listed")
    any_will_do, _ = request_and_chain("empty-list")
    assert not named.accepts(())
    assert not any_will_do.accepts(())
    assert not named.accepts((b"no certificate",))
    assert any_will_do.accepts((b"no certificate",))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (rsa.generate_private_key(65537, 2048), "rsa_sign"),
        (dsa.generate_private_key(2048), "dss_sign"),
        (ec.generate_private_key(ec.SECP256R1()), "ecdsa_sign"),
        (ed25519.Ed25519PrivateKey.generate(), "ecdsa_sign"),
        (ed448.Ed448PrivateKey.generate(), "ecdsa_sign"),
    ],
    ids=["RSA", "DSA", "EC", "Ed25519", "Ed448"],
)
def test_the_types_of_keys(key: rsa.RSAPrivateKey, kind: str) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "one")])
    signer = ec.generate_private_key(ec.SECP256R1())
    start, end = datetime.datetime(2020, 1, 1), datetime.datetime(2030, 1, 1)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, start, end).sign(signer, SHA256())
    der = certificate.public_bytes(Encoding.DER)
    assert ClientCertificateType[kind] in certificate_key_types(der)
    for length in range(len(der)):
        certificate_key_types(der[:length])  # raises nothing
