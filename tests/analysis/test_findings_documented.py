"""The documentation of findings has every code and every field of their evidence, and the how-to real output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import tlswire
from tlswire.analysis.diagnosis.servers import _REMEDIES
from tlswire.capture import load_certificates
from tlswire.display.findings import finding_lines

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs" / "reference" / "findings.md").read_text(encoding="utf-8")
HOWTO = (ROOT / "docs" / "howto" / "diagnose.md").read_text(encoding="utf-8")
CAPTURES = ROOT / "tests" / "captures"


def test_every_code_is_documented_once_and_no_other() -> None:
    assert sorted(re.findall(r"^\| `([a-z0-9_]+)` \|", REFERENCE, re.MULTILINE)) == sorted(_REMEDIES)


def test_every_field_of_the_evidence_is_documented() -> None:
    expected = json.loads((ROOT / "tests" / "analysis" / "findings.json").read_text())
    fields = {
        field
        for lists in expected.values()
        for findings in lists.values()
        for _, code, *_, evidence in findings
        if code != "cannot_tell"  # whose evidence is the reason's
        for field in evidence
    }
    words = set(re.findall(r"`([a-z0-9_]+)`", REFERENCE))
    assert fields <= words


def test_the_output_in_the_how_to_is_real() -> None:
    folder = CAPTURES / "doctor" / "cut-list"
    trace = tlswire.open(folder / "capture.pcap", keys=[CAPTURES / "keys" / "server.pem"])
    found = tlswire.diagnose(trace, load_certificates(folder / "client.crt"))
    printed = [[line.text for line in finding_lines(one, 80)] for one in found]
    block = HOWTO.partition("```text\n")[2].partition("```")[0]
    *shown, summary = block.strip("\n").split("\n\n")
    assert len(shown) == len(printed)
    for excerpt, lines in zip(shown, printed, strict=True):
        assert excerpt.splitlines() == lines[: len(excerpt.splitlines())]
    assert summary == "1 connection: 3 errors, 1 warning, 1 note"
