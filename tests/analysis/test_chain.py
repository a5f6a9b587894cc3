"""Certificates that a peer may send: whatever they are, nothing is raised and nothing is warned of."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlswire.analysis.diagnosis.chain import ReadCertificate, chain_of, continued

DOCTOR = Path(__file__).parents[1] / "captures" / "doctor"


def certificates(name: str) -> list[bytes]:
    read = x509.load_pem_x509_certificates((DOCTOR / name / "client.crt").read_bytes())
    return [one.public_bytes(Encoding.DER) for one in read]


def look_at_all(one: ReadCertificate) -> None:
    for name in dir(ReadCertificate):
        if not name.startswith("_"):
            getattr(one, name)
    str(one.subject), str(one.issuer)


@pytest.mark.parametrize("name", ["listed", "key-type", "no-signatures", "chain-sent"])
def test_damaged_certificates_raise_and_warn_of_nothing(name: str) -> None:
    for der in certificates(name):
        look_at_all(ReadCertificate(der))
        chance = random.Random(der)
        for _ in range(1500):
            spoilt = bytearray(der)
            for _ in range(chance.randrange(1, 4)):
                spoilt[chance.randrange(len(der))] = chance.randrange(256)
            look_at_all(ReadCertificate(bytes(spoilt)))
        for length in range(len(der)):
            look_at_all(ReadCertificate(der[:length]))


def test_a_version_that_does_not_exist_leaves_the_names() -> None:
    (der,) = certificates("listed")
    place = der.index(b"\xa0\x03\x02\x01\x02") + 4
    one = ReadCertificate(der[:place] + b"\x63" + der[place + 1 :])
    assert one.parsed is None
    assert str(one.subject) == "CN=good,O=Example Corporation,C=US"
    assert one.validity is None
    assert one.allows_client_auth


def test_a_chain_is_continued_by_what_stands_above_it_and_no_further() -> None:
    leaf, root = chain_of(certificates("root-sent"))
    (stranger,) = chain_of(certificates("listed"))
    assert continued([leaf], [stranger, root, leaf]) == [leaf, root]
    assert continued([leaf], [stranger]) == [leaf]
    assert continued([root], [leaf, root]) == [root]
