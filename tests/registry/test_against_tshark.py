"""The names against Wireshark's own tables, where tshark is installed.

`tshark -G values` lists, for each field, the numbers that Wireshark has a name for.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest

from tlswire.registry import (
    AlertDescription,
    CipherSuite,
    ExtensionType,
    NamedGroup,
    OpenEnum,
    SignatureScheme,
    SSLv2CipherKind,
)

TSHARK = shutil.which("tshark")

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")

# Wireshark gives two codes one name; the registry tells them apart.
EXPLAINED_SUITES = {
    0xCC13: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCC14: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCC15: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xFFE0: "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA",
    0xFFE1: "SSL_RSA_FIPS_WITH_DES_CBC_SHA",
}
# Codes that the Open Quantum Safe project takes for experiments, some in place of IANA's.
EXPERIMENTAL_GROUPS = range(0x0200, 0x2FFF)
EXPERIMENTAL_SIGNATURES = range(0xFE00, 0xFF00)


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[int, str]]:
    assert TSHARK is not None
    listing = subprocess.run([TSHARK, "-G", "values"], capture_output=True, check=True, text=True, errors="replace")
    found: dict[str, dict[int, str]] = {}
    for line in listing.stdout.splitlines():
        if line.startswith("V\ttls."):
            _, field, number, name = line.split("\t")
            found.setdefault(field, {})[int(number, 0)] = name
    return found


def differences(
    registry: type[OpenEnum], table: dict[int, str], spell: Callable[[str], str] = str
) -> dict[int, tuple[str, str]]:
    return {
        code: (name, registry.of(code).name)
        for code, name in table.items()
        if "GREASE" not in name and spell(name) != registry.of(code).name
    }


def test_cipher_suites(tables: dict[str, dict[int, str]]) -> None:
    table = tables["tls.handshake.ciphersuite"]
    assert len(table) > 380
    found = differences(CipherSuite, table)
    assert {code: name for code, (name, _) in found.items()} == EXPLAINED_SUITES
    assert all(CipherSuite.of(code).is_known for code in found)


def test_groups(tables: dict[str, dict[int, str]]) -> None:
    table = tables["tls.handshake.extensions_supported_group"]
    registered = {code: name for code, name in table.items() if code not in EXPERIMENTAL_GROUPS}
    assert len(registered) > 35
    assert differences(NamedGroup, registered) == {}


def test_signature_schemes(tables: dict[str, dict[int, str]]) -> None:
    table = tables["tls.handshake.sig_hash_alg"]
    registered = {code: name for code, name in table.items() if code not in EXPERIMENTAL_SIGNATURES}
    assert len(registered) > 15
    assert differences(SignatureScheme, registered) == {}


def test_alerts(tables: dict[str, dict[int, str]]) -> None:
    table = tables["tls.alert_message.desc"]
    assert len(table) > 30
    assert differences(AlertDescription, table, lambda name: name.lower().replace(" ", "_")) == {}


def test_extension_types(tables: dict[str, dict[int, str]]) -> None:
    table = tables["tls.handshake.extension.type"]
    assert len(table) > 60
    unknown = {code: name for code, (name, _) in differences(ExtensionType, table).items()}
    assert [name for code, name in unknown.items() if not ExtensionType.of(code).is_known] == []


def test_sslv2_cipher_kinds(tables: dict[str, dict[int, str]]) -> None:
    table = {code: name for code, name in tables["tls.handshake.cipherspec"].items() if code > 0xFFFF}
    assert len(table) > 7
    assert differences(SSLv2CipherKind, table, lambda name: name.replace("SSL2_", "SSL_CK_")) == {}
