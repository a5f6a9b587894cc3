"""Every public capture of the shared corpus, against what tshark 4.0.17 says of it (its `manifest.json`).

The captures are other projects' and are not part of this one: they are read from `shared/captures` beside the
checkout where that is there, and the tests say so where it is not.  Where tshark and tlswire differ, the file stands
in a table below with the frame and the proof of who is right.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import CaptureReader, load_key_log, load_server_keys
from tlswire.crypto import Secrets
from tlswire.session import ApplicationData, HandshakeMessage, Malformed, Undecryptable

CORPUS = Path(__file__).parents[3] / "shared" / "captures"
MANIFEST = CORPUS / "manifest.json"

pytestmark = pytest.mark.corpus

if not MANIFEST.exists():
    pytest.skip("the shared corpus of public captures is not beside the checkout", allow_module_level=True)

ENTRIES: list[dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8"))

# File: what differs, where, and the proof.
COUNTS_DIFFER: dict[str, str] = {}
PLAINTEXT_DIFFERS: dict[str, str] = {}


def rsa_keys(entry: dict[str, Any]) -> list[Path]:
    return [CORPUS / key["file"] for key in entry["keys"] if key["type"] == "rsa-private-key"]


def secrets_of(entry: dict[str, Any]) -> Secrets:
    secrets = Secrets()
    for key in entry["keys"]:
        if key["type"] == "rsa-private-key":
            for server_key in load_server_keys(CORPUS / key["file"]):
                secrets.add_server_key(server_key)
        else:
            secrets.add_key_log(load_key_log(CORPUS / key["file"]).entries)
    return secrets


def rfc_name(name: str) -> str:
    """The manifest's ServerHelloDone is the RFC's server_hello_done."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def handshake_counts(entry: dict[str, Any], secrets: Secrets | None) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _, event in CaptureReader([CORPUS / entry["file"]], secrets=secrets):
        if isinstance(event, HandshakeMessage) or (isinstance(event, Malformed) and event.msg_type is not None):
            assert event.msg_type is not None
            counts[event.msg_type.name] += 1
    return counts


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["file"] for entry in ENTRIES])
def test_the_handshake_messages_in_the_clear_are_those_that_tshark_counts(entry: dict[str, Any]) -> None:
    expected = Counter({rfc_name(name): count for name, count in entry.get("handshake", {}).items()})
    found = handshake_counts(entry, None)
    if entry["file"] in COUNTS_DIFFER:
        assert found != expected, "the table of differences is out of date"
        return
    assert found == expected


WITH_RSA_KEY = [entry for entry in ENTRIES if rsa_keys(entry) and entry["decrypted"]]


@pytest.mark.parametrize("entry", WITH_RSA_KEY, ids=[entry["file"] for entry in WITH_RSA_KEY])
def test_the_plaintext_under_a_server_key_is_what_tshark_decrypts(entry: dict[str, Any]) -> None:
    plaintext: dict[int, list[bytearray]] = {}
    for stream, event in CaptureReader([CORPUS / entry["file"]], secrets=secrets_of(entry)):
        if isinstance(event, ApplicationData) and event.protected:
            plaintext.setdefault(stream.tcp_stream, [bytearray(), bytearray()])[event.side] += event.data
    wrong = []
    for number, truth in entry["decrypted"]["per_stream"].items():
        sides = plaintext.get(int(number), [bytearray(), bytearray()])
        found = sorted(hashlib.sha256(data).hexdigest() for data in sides)
        # tshark calls client the side that it decrypted first: compare as a pair.
        empty = hashlib.sha256(b"").hexdigest()
        expected = sorted(truth.get(f"{side}_sha256") or empty for side in ("client", "server"))
        if found != expected:
            wrong.append(int(number))
    if entry["file"] in PLAINTEXT_DIFFERS:
        assert wrong, "the table of differences is out of date"
        return
    assert wrong == []


@pytest.mark.parametrize("entry", WITH_RSA_KEY, ids=[entry["file"] for entry in WITH_RSA_KEY])
def test_what_stays_encrypted_under_a_server_key_has_a_reason(entry: dict[str, Any]) -> None:
    for stream, event in CaptureReader([CORPUS / entry["file"]], secrets=secrets_of(entry)):
        if isinstance(event, Undecryptable):
            verdicts = [verdict for handshake in stream.handshakes for verdict in handshake.verdicts]
            assert any(verdict.reason is event.reason for verdict in verdicts)
