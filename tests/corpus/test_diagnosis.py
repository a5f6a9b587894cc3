"""The public captures in which a server asks for a client certificate: their lists, and what is to be found in them.

The lists are held against tshark's bytes.  The findings were read one by one, with `explain`, and judged to be right;
the table has their codes, so that a change shows itself.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tlswire.analysis.diagnosis.chain import read_certificate
from tlswire.analysis.diagnosis.diagnose import cases, diagnose
from tlswire.analysis.diagnosis.lists import authority_lists
from tlswire.analysis.diagnosis.proof import proves
from tlswire.capture import CaptureReader
from tlswire.crypto import Secrets

CORPUS = Path(__file__).parents[3] / "shared" / "captures"
MANIFEST = CORPUS / "manifest.json"

pytestmark = pytest.mark.corpus

if not MANIFEST.exists():
    pytest.skip("the shared corpus of public captures is not beside the checkout", allow_module_level=True)

ENTRIES: list[dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8"))
BY_NAME = {entry["file"]: entry for entry in ENTRIES}
NDPI = "nDPI/tests/cfgs/default/pcap"

# Those that tshark sees in the clear, and those of TLS 1.3, which it sees with the key log.
ASKING = [
    entry
    for entry in ENTRIES
    if "CertificateRequest" in entry.get("handshake", {}) or Path(entry["file"]).name.startswith("mTLS")
]

FINDINGS: dict[str, list[str]] = json.loads(Path(__file__).with_name("client_certificate_findings.json").read_text())
# Where tshark must be told that a port speaks TLS.
PORTS = {f"{NDPI}/anydesk.pcapng": ("-d", "tcp.port==80,tls", "-d", "tcp.port==7070,tls")}
# Where tshark has another list, and who is right.
LISTS_DIFFER: dict[str, str] = {
    f"{NDPI}/openvpn.pcap": "tlswire: tshark's OpenVPN dissector loses messages that come in pieces",
    "wireshark-wiki/uploads/__moin_import__/attachments/SampleCaptures/jxta-sample.pcap": (
        "tshark: TLS inside JXTA messages, in pieces with headers of their own"
    ),
}


def reader_of(entry: dict[str, Any], secrets: Secrets) -> CaptureReader:
    return CaptureReader([CORPUS / entry["file"]], secrets=secrets, keep_messages=True)


def codes_in(entry: dict[str, Any], secrets: Secrets) -> list[str]:
    found = diagnose(reader_of(entry, secrets))
    return [
        f"{one.severity} {one.code} stream {one.stream.number} frame {one.frame}"
        + (f" times {one.count}" if one.count > 1 else "")
        for one in found
    ]


def test_all_the_captures_that_ask_are_here() -> None:
    assert len(ASKING) == 57
    assert set(FINDINGS) >= {entry["file"] for entry in ASKING}


@pytest.mark.parametrize("file", sorted(FINDINGS))
def test_the_findings_are_those_that_were_judged(file: str, corpus_secrets: Any) -> None:
    assert codes_in(BY_NAME[file], corpus_secrets(BY_NAME[file])) == FINDINGS[file]


def tshark_lists(entry: dict[str, Any]) -> Counter[str]:
    """The lists of names as tshark cuts them out, in hex."""
    command = ["tshark", "-r", str(CORPUS / entry["file"]), "-o", "tcp.reassemble_out_of_order:TRUE"]
    for key in entry["keys"]:
        file = CORPUS / key["file"]
        command += [
            "-o",
            f'uat:rsa_keys:"{file}",""' if key["type"] == "rsa-private-key" else f"tls.keylog_file:{file}",
        ]
    command += [*PORTS.get(entry["file"], ()), "-Y", "tls.handshake.type==13", "-T", "json", "-x"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Counter(re.findall(r'"tls\.handshake\.dnames_raw": \[\s*"([0-9a-f]+)"', printed))


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed, whose word this asks for")
@pytest.mark.parametrize("entry", ASKING, ids=[entry["file"] for entry in ASKING])
def test_every_list_comes_out_whole(entry: dict[str, Any], corpus_secrets: Any) -> None:
    found: Counter[str] = Counter()
    for one in authority_lists(reader_of(entry, corpus_secrets(entry))).lists:
        if one.names:
            joined = b"".join(len(name.der).to_bytes(2, "big") + name.der for name in one.names)
            assert one.size == len(joined)
            found[joined.hex()] += one.count
    if entry["file"] in LISTS_DIFFER:
        assert found != tshark_lists(entry), "the table of differences is out of date"
    else:
        assert found == tshark_lists(entry)


MUTUAL = [entry for entry in ENTRIES if Path(entry["file"]).name.startswith("mTLS")]


@pytest.mark.parametrize("entry", MUTUAL, ids=[Path(entry["file"]).name for entry in MUTUAL])
def test_every_kind_of_signature_is_proved_and_one_with_a_bit_turned_is_not(
    entry: dict[str, Any], corpus_secrets: Any
) -> None:
    for case in cases(reader_of(entry, corpus_secrets(entry))):
        (told,), (answer,) = case.verifies, case.answers
        handshake = case.handshakes[told.epoch]
        assert handshake.version is not None
        assert handshake.parameters is not None
        assert told.transcript is not None
        key, signature = read_certificate(answer.chain[0]).public_key, told.message.signature
        for wanted, tried in ((True, signature), (False, signature[:-1] + bytes([signature[-1] ^ 1]))):
            found = proves(
                handshake.version, key, told.message.algorithm, tried, told.transcript, handshake.parameters.prf_hash
            )
            assert found is wanted
