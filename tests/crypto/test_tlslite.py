"""Against tlslite-ng: key schedule, Finished and records of every version, with SSL 3.0, RC4, 3DES and NULL.

The vectors, and how they were made: make_tlslite_vectors.py beside this file.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from tlswire.crypto import (
    RecordProtection,
    extended_master_secret,
    handshake_hash,
    key_block,
    master_secret,
    record_protection,
    verify_data,
)
from tlswire.registry import CipherSuite, CipherSuiteParameters, ProtocolVersion, parameters

MADE: dict[str, Any] = json.loads(Path(__file__).with_name("tlslite_vectors.json").read_text())
TRANSCRIPT = bytes.fromhex(MADE["transcript"])
PLAINTEXTS: list[str] = MADE["plaintexts"]


def name_of(vector: dict[str, Any]) -> str:
    order = "-encrypt-then-mac" if vector["encrypt_then_mac"] else ""
    return f"{ProtocolVersion(vector['version'])}-{vector['cipher_suite']}{order}"


each_vector = pytest.mark.parametrize("vector", MADE["vectors"], ids=name_of)


def of(vector: dict[str, Any]) -> tuple[ProtocolVersion, CipherSuiteParameters]:
    suite = parameters(CipherSuite[vector["cipher_suite"]])
    assert suite is not None
    return ProtocolVersion(vector["version"]), suite


def octets(vector: dict[str, Any], name: str) -> bytes:
    return bytes.fromhex(vector[name])


def protections(vector: dict[str, Any]) -> dict[str, RecordProtection]:
    version, suite = of(vector)
    randoms = octets(vector, "client_random"), octets(vector, "server_random")
    keys = key_block(version, suite, octets(vector, "master_secret"), *randoms)
    of_side = {
        "client": (keys.client_write_MAC_key, keys.client_write_key, keys.client_write_IV),
        "server": (keys.server_write_MAC_key, keys.server_write_key, keys.server_write_IV),
    }
    etm = vector["encrypt_then_mac"]
    return {side: record_protection(version, suite, *mine, encrypt_then_mac=etm) for side, mine in of_side.items()}


@each_vector
def test_master_secret(vector: dict[str, Any]) -> None:
    version, suite = of(vector)
    randoms = octets(vector, "client_random"), octets(vector, "server_random")
    made = master_secret(version, suite, octets(vector, "premaster_secret"), *randoms)
    assert made == octets(vector, "master_secret")


@each_vector
def test_extended_master_secret(vector: dict[str, Any]) -> None:
    version, suite = of(vector)
    if version is ProtocolVersion.SSLv3:  # RFC 7627 §5.2 has none for it
        assert "extended_master_secret" not in vector
        return
    session_hash = handshake_hash(version, suite, TRANSCRIPT)
    made = extended_master_secret(version, suite, octets(vector, "premaster_secret"), session_hash)
    assert made == octets(vector, "extended_master_secret")


@each_vector
@pytest.mark.parametrize("sender", ["client", "server"])
def test_verify_data(vector: dict[str, Any], sender: Any) -> None:
    version, suite = of(vector)
    made = verify_data(version, suite, octets(vector, "master_secret"), sender, TRANSCRIPT)
    assert made == octets(vector, f"{sender}_verify_data")
    assert len(made) == (36 if version is ProtocolVersion.SSLv3 else 12)


@each_vector
@pytest.mark.parametrize("sender", ["client", "server"])
def test_records_open(vector: dict[str, Any], sender: str) -> None:
    protection = protections(vector)[sender]
    opened = []
    for record in vector[f"{sender}_records"]:
        raw = bytes.fromhex(record)
        content_type, version, length = struct.unpack_from(">BHH", raw)
        assert length == len(raw) - 5
        opened.append(protection.unprotect(content_type, version, raw[5:]).hex())
    assert opened == PLAINTEXTS
    assert protection.sequence_number == len(opened)


@each_vector
@pytest.mark.parametrize("sender", ["client", "server"])
def test_records_are_made(vector: dict[str, Any], sender: str) -> None:
    version, suite = of(vector)
    if suite.cipher.kind == "block" and version >= ProtocolVersion.TLSv1_1:
        return  # their IVs are random
    protection = protections(vector)[sender]
    for record, plaintext in zip(vector[f"{sender}_records"], PLAINTEXTS, strict=True):
        made = protection.protect(int(record[:2], 16), version, bytes.fromhex(plaintext))
        if version is ProtocolVersion.SSLv3 and suite.cipher.kind == "block":
            assert len(made) == len(record) // 2 - 5  # what the padding's bytes are is the sender's affair
        else:
            assert made.hex() == record[10:]
