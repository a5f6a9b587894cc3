"""Versions and the SSL 2.0 kinds, whose members do more than name a code."""

from __future__ import annotations

import pickle

import pytest

from tlswire.registry import CipherSuite, ProtocolVersion, SSLv2CipherKind


@pytest.mark.parametrize(
    ("code", "text", "is_tls13"),
    [
        (0x0002, "SSLv2", False),
        (0x0300, "SSLv3", False),
        (0x0301, "TLSv1.0", False),
        (0x0302, "TLSv1.1", False),
        (0x0303, "TLSv1.2", False),
        (0x0304, "TLSv1.3", True),
        (0x7F0E, "TLSv1.3-draft14", True),  # the drafts: draft-ietf-tls-tls13-28 §4.2.1.1
        (0x7F12, "TLSv1.3-draft18", True),
        (0x7F1C, "TLSv1.3-draft28", True),
        (0xFB17, "TLSv1.3-fb23", True),
        (0xFB1A, "TLSv1.3-fb26", True),
        (0xFEFC, "DTLSv1.3", False),
        (0xFEFD, "DTLSv1.2", False),
        (0xFEFF, "DTLSv1.0", False),
        (0x0101, "TLCPv1.1", False),
        (0x7A7A, "GREASE_0x7A7A", False),
        (0x0305, "unknown_0x0305", False),
    ],
)
def test_versions(code: int, text: str, is_tls13: bool) -> None:
    version = ProtocolVersion.of(code)
    assert str(version) == text
    assert version.is_tls13 is is_tls13
    assert str(pickle.loads(pickle.dumps(version))) == text


def test_versions_are_in_order() -> None:
    assert (
        ProtocolVersion.SSLv2
        < ProtocolVersion.SSLv3
        < ProtocolVersion.TLSv1_0
        < ProtocolVersion.TLSv1_1
        < ProtocolVersion.TLSv1_2
        < ProtocolVersion.TLSv1_3
        < ProtocolVersion.of(0x7F1C)
    )


def test_a_kind_that_is_a_tls_suite() -> None:
    kind = SSLv2CipherKind.of(0x00002F)
    assert kind.cipher_suite is CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA
    assert str(kind) == "TLS_RSA_WITH_AES_128_CBC_SHA"
    assert repr(kind) == "SSLv2CipherKind(0x00002F)"
    assert SSLv2CipherKind.of(0x0000FF).cipher_suite is CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV
    assert SSLv2CipherKind.of(0x001234).cipher_suite == 0x1234
    assert str(SSLv2CipherKind.of(0x001234)) == "unknown_0x1234"


def test_a_kind_that_is_none() -> None:
    assert SSLv2CipherKind.of(0x010080) is SSLv2CipherKind.SSL_CK_RC4_128_WITH_MD5
    assert all(kind.cipher_suite is None for kind in SSLv2CipherKind)
