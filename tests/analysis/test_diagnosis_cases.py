"""The rules on real connections to which something is added that no peer of the captures did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import tlswire
from tlswire.analysis.diagnosis.case import Case, Noted, Warned
from tlswire.analysis.diagnosis.chain import read_certificate
from tlswire.analysis.diagnosis.diagnose import diagnose_case
from tlswire.analysis.diagnosis.proof import proves
from tlswire.registry import AlertDescription
from tlswire.session import Role

CAPTURES = Path(__file__).parents[1] / "captures"


def case_of(name: str) -> Case:
    folder = CAPTURES / name
    description = json.loads((folder / "capture.json").read_text())
    more: dict[str, Any] = {"keylog": folder / description["keylog"]} if description["keylog"] else {}
    trace = tlswire.open(folder / description["file"], keys=[folder / description["key"]], **more)
    connection = trace.connections[-1]
    case = Case(connection.stream)
    case.receive(connection.events)
    case.end()
    return case


def codes(case: Case, given: Sequence[bytes] = ()) -> list[str]:
    return [one.code for one in diagnose_case(case, given)]


@pytest.mark.parametrize("name", ["doctor/listed", "doctor/tls13-accepted", "doctor/tls13-after-handshake"])
def test_an_alert_after_the_server_went_on_is_no_rejection(name: str) -> None:
    case = case_of(name)
    before = codes(case)
    assert "client_certificate_accepted" in before
    assert case.last is not None
    case.alerts.append(Warned(case.last, 0, Role.server, AlertDescription.internal_error, True))
    assert codes(case) == before


def test_the_clients_own_alerts_are_no_rejection() -> None:
    case = case_of("doctor/iis-hidden")
    before = codes(case)
    case.alerts.append(Warned(case.answers[0].at, 0, Role.client, AlertDescription.unknown_ca, True))
    assert codes(case) == before


def test_what_was_sent_is_continued_by_what_was_given() -> None:
    chain = x509.load_pem_x509_certificates((CAPTURES / "doctor" / "chain-sent" / "client.crt").read_bytes())
    intermediate = chain[1].public_bytes(Encoding.DER)
    assert "issuer_not_listed" in codes(case_of("doctor/below-listed-root"))
    assert "issuer_not_listed" not in codes(case_of("doctor/below-listed-root"), [intermediate])
    # A certificate that was given and stands in no line with the one that was sent says nothing about it.
    assert "issuer_not_listed" not in codes(case_of("doctor/listed"), [intermediate])


@pytest.mark.parametrize(
    "name",
    [
        "apache-tls10-3-names", "apache-tls11-3-names", "apache-tls12-3-names", "doctor/tls13-accepted",
        "openssl-tls10-client-full-certificate",
    ],
)  # fmt: skip
def test_a_certificate_verify_proves_its_handshake_and_no_other(name: str) -> None:
    case = case_of(name)
    (told,), (answer,) = case.verifies, case.answers
    handshake = case.handshakes[told.epoch]
    assert handshake.version is not None
    assert handshake.parameters is not None
    assert told.transcript is not None
    key, signature = read_certificate(answer.chain[0]).public_key, told.message.signature
    spoilt = signature[:-1] + bytes([signature[-1] ^ 1])
    other = [*told.transcript[:-1], told.transcript[-1][:-1] + b"?"]
    stranger = read_certificate(case_of("doctor/reset").answers[0].chain[0]).public_key

    def verdict(key: object, signature: bytes, transcript: Sequence[bytes]) -> bool | None:
        assert handshake.version is not None
        assert handshake.parameters is not None
        hash_name = handshake.parameters.prf_hash
        return proves(handshake.version, key, told.message.algorithm, signature, transcript, hash_name)

    assert verdict(key, signature, told.transcript) is True
    assert verdict(key, spoilt, told.transcript) is False
    assert verdict(key, signature, other) is False
    assert verdict(stranger, signature, told.transcript) is False


def test_what_a_peer_can_repeat_is_noted_so_often_and_no_more() -> None:
    noted: Noted[int] = Noted()
    for number in range(5000):
        noted.append(number)
    assert noted == list(range(1000))
    case = case_of("doctor/listed")
    assert isinstance(case.requests, Noted)
    assert isinstance(case.alerts, Noted)
