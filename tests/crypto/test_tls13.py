"""Against RFC 8448: keys, records and Finished of TLS 1.3, and of its draft 18, are what is printed there.

The traces, and where they come from: rfc8448.json beside the tests of the session.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlswire.crypto import (
    TrafficProtection,
    finished_verify_data,
    hkdf_expand_label,
    message_hash,
    next_traffic_secret,
    traffic_protection,
)
from tlswire.errors import DecryptError
from tlswire.registry import CipherSuite, CipherSuiteParameters, ProtocolVersion, parameters

TRACES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "session" / "rfc8448.json").read_text())[
    "traces"
]
FINISHED = 20
HELLOS = (1, 2, 254)  # ClientHello, ServerHello, and what stands for the first ClientHello behind a HelloRetryRequest


def suite() -> CipherSuiteParameters:
    found = parameters(CipherSuite.TLS_AES_128_GCM_SHA256)
    assert found is not None
    return found


def version_of(trace: dict[str, Any]) -> ProtocolVersion:
    return ProtocolVersion(int(trace["version"], 16))


def protection_of(trace: dict[str, Any], label: str) -> TrafficProtection:
    return traffic_protection(version_of(trace), suite(), bytes.fromhex(trace["secrets"][label]["secret"]))


def name_of(trace: dict[str, Any]) -> str:
    return f"{trace['section']}, {trace['title']}"


def transcript(trace: dict[str, Any]) -> list[tuple[str, bytes]]:
    """Who sent what, of all messages up to the client's Finished."""
    messages: list[tuple[str, bytes]] = []
    for record in trace["records"]:
        raw = bytes.fromhex(record["record"])
        if "secret" not in record and raw[0] == 22:
            messages.append((record["sender"], raw[5:]))
        elif record.get("content_type") == 22 and not record["secret"].endswith("_0"):
            messages += [(record["sender"], bytes.fromhex(message)) for message in record["plaintext"]]
    if trace["section"] == "5":
        messages[0] = "client", message_hash(suite(), messages[0][1])
    return messages


each_trace = pytest.mark.parametrize("trace", TRACES, ids=name_of)
each_secret = pytest.mark.parametrize(
    ("trace", "label"),
    [pytest.param(trace, label, id=f"{name_of(trace)}-{label}") for trace in TRACES for label in trace["secrets"]],
)


@each_secret
def test_key_and_iv_of_a_traffic_secret(trace: dict[str, Any], label: str) -> None:
    printed = {name: bytes.fromhex(value) for name, value in trace["secrets"][label].items()}
    for name, length in (("key", 16), ("iv", 12)):
        made = hkdf_expand_label(version_of(trace), suite(), printed["secret"], name.encode(), b"", length)
        assert made == printed[name]


@each_secret
def test_the_records_under_a_traffic_secret_open(trace: dict[str, Any], label: str) -> None:
    reader, writer = protection_of(trace, label), protection_of(trace, label)
    records = [record for record in trace["records"] if record.get("secret") == label]
    assert records
    for record in records:
        raw = bytes.fromhex(record["record"])
        content_type, version, fragment = raw[0], int.from_bytes(raw[1:3], "big"), raw[5:]
        plaintext = bytes.fromhex("".join(record["plaintext"]))
        assert reader.unprotect(content_type, version, fragment) == plaintext
        assert reader.content_type == record["content_type"]
        assert writer.protect(record["content_type"], version, plaintext) == fragment


@each_secret
def test_a_record_that_was_changed_does_not_open(trace: dict[str, Any], label: str) -> None:
    """Neither with another bit anywhere, nor with another header, nor in another place of the order."""
    record = next(record for record in trace["records"] if record.get("secret") == label)
    raw = bytes.fromhex(record["record"])
    content_type, version, fragment = raw[0], int.from_bytes(raw[1:3], "big"), raw[5:]
    flipped = (fragment[:at] + bytes([fragment[at] ^ 1]) + fragment[at + 1 :] for at in range(len(fragment)))
    changed = [(content_type, version, other) for other in flipped]
    changed += [(content_type, version, fragment[:-1]), (content_type, version, fragment + b"\0")]
    changed += [(content_type, version, fragment[:length]) for length in range(18)]
    if trace["version"] == "0304":  # the tag of draft 18 does not cover the header
        changed += [(22, version, fragment), (content_type, 0x0301, fragment)]
    protection = protection_of(trace, label)
    for one in changed:
        with pytest.raises(DecryptError) as caught:
            protection.unprotect(*one)
        assert caught.value.reason == "mac_failed"
    assert protection.sequence_number == 0
    assert protection.unprotect(content_type, version, fragment) == bytes.fromhex("".join(record["plaintext"]))
    with pytest.raises(DecryptError):
        protection.unprotect(content_type, version, fragment)  # it is the first, and comes as the second


@each_secret
def test_records_that_are_missing_are_counted(trace: dict[str, Any], label: str) -> None:
    """The last record under a secret opens as soon as as many may be lost as there are before it."""
    *lost, last = [record for record in trace["records"] if record.get("secret") == label]
    raw = bytes.fromhex(last["record"])
    arguments = raw[0], int.from_bytes(raw[1:3], "big"), raw[5:]
    for fewer in range(len(lost)):
        with pytest.raises(DecryptError):
            protection_of(trace, label).unprotect(*arguments, fewer)
    protection = protection_of(trace, label)
    assert protection.unprotect(*arguments, len(lost)) == bytes.fromhex("".join(last["plaintext"]))
    assert protection.sequence_number == len(lost) + 1


@each_secret
def test_padding_is_taken_off(trace: dict[str, Any], label: str) -> None:
    """No trace has padding: records made with AES-GCM alone, under the key and iv that are printed (§5.4)."""
    aead, iv = (bytes.fromhex(trace["secrets"][label][name]) for name in ("key", "iv"))
    protection = protection_of(trace, label)

    def unprotect(inner: bytes) -> tuple[bytes, int]:
        nonce = iv[:-1] + bytes([iv[-1] ^ protection.sequence_number])
        header = b"\x17\3\3" + (len(inner) + 16).to_bytes(2, "big") if trace["version"] == "0304" else b""
        return protection.unprotect(23, 0x0303, AESGCM(aead).encrypt(nonce, inner, header)), protection.content_type

    assert unprotect(b"data\x17" + bytes(300)) == (b"data", 23)
    assert unprotect(b"data\0\x15\0") == (b"data\0", 21)
    assert unprotect(b"\x16\0") == (b"", 22)
    assert unprotect(b"\x17") == (b"", 23)
    assert unprotect(bytes(20)) == (b"", 0)  # nothing but padding: no content type
    with pytest.raises(DecryptError):
        unprotect(b"")


@each_trace
def test_handshake_traffic_secrets(trace: dict[str, Any]) -> None:
    """Derive-Secret, which is HKDF-Expand-Label with a context (§7.1)."""
    version = version_of(trace)
    handshake_secret = bytes.fromhex(trace["handshake_secret"])
    hellos = hashlib.sha256(b"".join(raw for _, raw in transcript(trace) if raw[0] in HELLOS)).digest()
    for sender in ("client", "server"):
        label = f"{sender[0]} hs traffic" if trace["version"] == "0304" else f"{sender} handshake traffic secret"
        made = hkdf_expand_label(version, suite(), handshake_secret, label.encode(), hellos, 32)
        assert made.hex() == trace["secrets"][f"{sender.upper()}_HANDSHAKE_TRAFFIC_SECRET"]["secret"]


@each_trace
def test_both_finished(trace: dict[str, Any]) -> None:
    messages = transcript(trace)
    checked = []
    for number, (sender, message) in enumerate(messages):
        if message[0] == FINISHED:
            secret = bytes.fromhex(trace["secrets"][f"{sender.upper()}_HANDSHAKE_TRAFFIC_SECRET"]["secret"])
            covered = hashlib.sha256(b"".join(raw for _, raw in messages[:number])).digest()
            assert finished_verify_data(version_of(trace), suite(), secret, covered) == message[4:]
            checked.append(sender)
    assert checked == ["server", "client"]


def test_the_first_client_hello_is_hashed_behind_a_hello_retry_request() -> None:
    (trace,) = [trace for trace in TRACES if "hello_hash" in trace]
    hellos = [raw for _, raw in transcript(trace)[:4]]
    assert hashlib.sha256(b"".join(hellos)).hexdigest() == trace["hello_hash"]


@pytest.mark.parametrize(
    ("version", "prefix"), [(0x7F12, b"TLS 1.3, "), (0x7F13, b"TLS 1.3, "), (0x7F14, b"tls13 "), (0x0304, b"tls13 ")]
)
def test_the_secret_behind_a_key_update(version: int, prefix: bytes) -> None:
    """No trace has a KeyUpdate: HKDF-Expand written out (RFC 5869 §2.3), one block of it."""
    secret, label = bytes(range(32)), prefix + b"traffic upd"
    info = b"\0\x20" + bytes([len(label)]) + label + b"\0"
    expected = hmac.digest(secret, info + b"\1", "sha256")
    assert next_traffic_secret(ProtocolVersion(version), suite(), secret) == expected
