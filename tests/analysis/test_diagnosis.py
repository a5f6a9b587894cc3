"""The diagnosis of client-certificate authentication, on captures made with real peers.

`findings.json` has the whole list of findings of each capture: with the keys, with the client's certificate too, and
without any key (where a list is missing, it is the one before it).  Each was read against what the peers say in
`capture.json`; the frames of which findings speak are held against tshark's here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tlswire
from tlswire.analysis.diagnosis.chain import ordered
from tlswire.analysis.diagnosis.diagnose import diagnose
from tlswire.analysis.diagnosis.finding import Finding, Findings, Severity
from tlswire.analysis.diagnosis.servers import _REMEDIES, ServerKind, remedy
from tlswire.capture import CaptureReader, load_certificates

HERE = Path(__file__).parent
CAPTURES = HERE.parent / "captures"
EXPECTED: dict[str, dict[str, list[list[Any]]]] = json.loads((HERE / "findings.json").read_text())
MODES = {
    "key": (True, False),
    "key and certificate": (True, True),
    "nothing": (False, False),
    "certificate": (False, True),
}
# What is long, or another in each run
UNTOLD = ("captured", "longest_names", "duplicates", "seconds_until_last_frame")
# The codes of the documentation that no capture is needed for to know that they are all of them
CODES = set(_REMEDIES)

# Where a finding stands: the message, by its sender's and its own name, with which tshark must agree.
PLACES = {
    "client_certificate_requested_by_renegotiation": ("server", "certificate_request"),
    "client_certificate_requested_after_handshake": ("server", "certificate_request"),
    "authorities_list_empty": ("server", "certificate_request"),
    "authorities_list_probably_cut": ("server", "certificate_request"),
    "authorities_list_over_limit": ("server", "certificate_request"),
    "issuer_not_listed": ("server", "certificate_request"),
    "certificate_type_not_accepted": ("server", "certificate_request"),
    "signature_algorithm_not_accepted": ("server", "certificate_request"),
    "client_certificate_expired": ("server", "certificate_request"),
    "client_certificate_wrong_usage": ("server", "certificate_request"),
    "client_certificate_accepted": ("client", "certificate"),
    "certificate_verify_missing": ("client", "certificate"),
    "certificate_verify_invalid": ("client", "certificate_verify"),
    "renegotiation_refused": ("client", "no_renegotiation"),
    "renegotiation_ignored": ("server", "hello_request"),
    "renegotiation_binding_mismatch": ("client", "client_hello"),
    "scsv_in_renegotiation": ("client", "client_hello"),
}
FRAMES = {
    "hello_request_frame": ("server", "hello_request"),
    "certificate_request_frame": ("server", "certificate_request"),
    "certificate_verify_frame": ("client", "certificate_verify"),
    "client_hello_frame": ("client", "client_hello"),
}


def folder_of(name: str) -> Path:
    doctor = CAPTURES / "doctor" / name
    return doctor if doctor.is_dir() else CAPTURES / name


def described(name: str) -> dict[str, Any]:
    description: dict[str, Any] = json.loads((folder_of(name) / "capture.json").read_text())
    return description


def findings(name: str, *, key: bool, certificate: bool) -> list[Finding]:
    description, folder = described(name), folder_of(name)
    secrets: dict[str, Any] = {}
    if key:
        secrets["keys"] = [folder / description["key"]]
        if description["keylog"]:
            secrets["keylog"] = folder / description["keylog"]
    given = []
    if certificate and description.get("client_certificate"):
        given = ordered(load_certificates(folder / description["client_certificate"]))
    return diagnose(tlswire.open(folder / description["file"], **secrets), given)


def told(found: list[Finding]) -> list[list[Any]]:
    return [
        [
            finding.severity.value,
            finding.code,
            finding.epoch,
            finding.frame,
            *([{"times": finding.count}] if finding.count > 1 else []),
            {key: value for key, value in finding.evidence.items() if key not in UNTOLD},
        ]
        for finding in found
    ]


def expectations() -> Iterator[tuple[str, str, list[list[Any]]]]:
    for name, lists in EXPECTED.items():
        expected: list[list[Any]] = []
        for mode in MODES:
            expected = lists.get(mode, expected)
            if mode in lists or name in DOCTORED:
                yield name, mode, expected


DOCTORED = sorted(path.parent.name for path in (CAPTURES / "doctor").glob("*/capture.json"))


@pytest.mark.parametrize(("name", "mode", "expected"), list(expectations()))
def test_the_whole_list_of_findings(name: str, mode: str, expected: list[list[Any]]) -> None:
    key, certificate = MODES[mode]
    found = json.loads(json.dumps(told(findings(name, key=key, certificate=certificate))))
    assert found == expected


def test_every_capture_made_for_the_diagnosis_has_its_findings() -> None:
    assert set(DOCTORED) <= set(EXPECTED)


def test_every_code_is_shown_by_a_capture() -> None:
    seen = {finding[1] for lists in EXPECTED.values() for expected in lists.values() for finding in expected}
    assert seen == CODES


@pytest.mark.parametrize("name", DOCTORED)
def test_the_frames_are_those_of_tshark(name: str) -> None:
    seen = {(frame, sender, message) for frame, sender, message in described(name)["tshark"]}
    alerts = {frame: message for frame, sender, message in seen if sender == "server"}
    for expected in EXPECTED[name].values():
        for _, code, _, frame, *_, evidence in expected:
            if code in PLACES:
                assert (frame, *PLACES[code]) in seen
            for key, place in FRAMES.items():
                if key in evidence:
                    assert (evidence[key], *place) in seen
            if "alert_frame" in evidence and code == "client_certificate_rejected":
                assert alerts[evidence["alert_frame"]] == evidence["alert"]
            if evidence.get("by_alert"):
                assert (evidence["certificate_frame"], "client", "no_certificate") in seen
            elif "certificate_frame" in evidence:
                assert (evidence["certificate_frame"], "client", "certificate") in seen


def test_the_same_cause_on_many_connections_is_told_once() -> None:
    found = findings("three-times", key=True, certificate=False)
    assert [(one.count, one.streams, one.stream.number) for one in found] == [(3, [0, 1, 2], 0)] * 3


def test_findings_of_many_captures_are_grouped_and_the_grave_ones_come_first() -> None:
    found = Findings()
    for name in ("nginx-none", "iis-hidden", "key-type", "listed", "nginx-none"):
        found.add(findings(name, key=True, certificate=False))
    severities = [one.severity for one in found]
    assert severities == sorted(severities, key=list(Severity).index)
    # Three servers with three lists are three causes; one server's capture is there twice.
    assert [one.count for one in found if one.code == "empty_client_certificate"] == [2, 1, 1]


def test_another_limit_makes_another_finding() -> None:
    folder, description = folder_of("listed"), described("listed")
    trace = tlswire.open(folder / description["file"], keys=[folder / description["key"]])
    size = next(
        sum(2 + len(name.der) for name in request.certificate_authorities)
        for request in (handshake.certificate_request for handshake in trace.connections[0].handshakes)
        if request is not None
    )
    codes = {
        limit: {one.code for one in diagnose(trace, limit=limit) if one.code.startswith("authorities")}
        for limit in (size - 1, size, size + 50, 2 * size)
    }
    assert codes == {
        size - 1: {"authorities_list_over_limit"},
        size: {"authorities_list_probably_cut"},
        size + 50: {"authorities_list_probably_cut"},
        2 * size: set(),
    }


@pytest.mark.parametrize("name", DOCTORED)
def test_a_reader_that_keeps_no_messages_will_do(name: str) -> None:
    folder, description = folder_of(name), described(name)
    codes = [
        sorted(one.code for one in diagnose(CaptureReader([folder / description["file"]], keep_messages=kept)))
        for kept in (True, False)
    ]
    assert codes[0] == codes[1]


def test_a_remedy_names_the_settings_of_the_server_at_hand() -> None:
    ours = {one.code: one.remedy for one in findings("cut-list", key=True, certificate=True)}
    assert "SSLCADNRequestFile" in ours["issuer_not_listed"]
    assert "SendTrustedIssuerList" not in ours["issuer_not_listed"]
    theirs = {one.code: one.remedy for one in findings("iis-hidden", key=True, certificate=False)}
    assert "SendTrustedIssuerList" in theirs["empty_client_certificate"]
    assert "nginx" not in theirs["empty_client_certificate"]
    unknown = {one.code: one.remedy for one in findings("key-type", key=False, certificate=False)}
    assert all(kind.value in unknown["client_certificate_rejected"] for kind in ServerKind)


@pytest.mark.parametrize("code", sorted(CODES))
def test_there_is_a_remedy_for_every_code_and_server(code: str) -> None:
    for kind in (None, *ServerKind):
        text = remedy(code, kind)
        assert text.strip() == text
        assert "  " not in text
