"""What happens as `cryptography` ages: ciphers move, then go, or its backend is built without them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit import ciphers as new_place
from cryptography.hazmat.primitives import ciphers as old_place

from tlswire.crypto import record_protection
from tlswire.errors import DecryptError
from tlswire.registry import CipherSuite, ProtocolVersion, parameters


def protect(suite: CipherSuite) -> bytes:
    found = parameters(suite)
    assert found is not None
    key = bytes(range(found.cipher.key_length))
    protection = record_protection(ProtocolVersion.TLSv1_2, found, bytes(20), key, b"")
    return protection.protect(23, 0x0303, b"plaintext")


def test_an_old_cipher_in_either_place_or_in_none(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = CipherSuite.TLS_RSA_WITH_RC4_128_SHA
    cipher = new_place.algorithms.ARC4
    expected = protect(suite)
    monkeypatch.setattr(new_place, "algorithms", SimpleNamespace())
    monkeypatch.setattr(old_place, "algorithms", SimpleNamespace(ARC4=cipher))
    assert protect(suite) == expected
    monkeypatch.setattr(old_place, "algorithms", SimpleNamespace())
    with pytest.raises(DecryptError, match="cipher_unsupported"):
        protect(suite)


def test_a_backend_without_the_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(key: bytes) -> None:
        raise UnsupportedAlgorithm("this backend has it not")

    monkeypatch.setattr(new_place, "algorithms", SimpleNamespace(IDEA=absent))
    with pytest.raises(DecryptError, match="cipher_unsupported"):
        protect(CipherSuite.TLS_RSA_WITH_IDEA_CBC_SHA)
