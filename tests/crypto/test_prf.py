"""The pseudorandom functions against published answers."""

from __future__ import annotations

import hashlib

import pytest

from tlswire.crypto import p_hash, prf, ssl3_expand
from tlswire.errors import DecryptError
from tlswire.registry import ProtocolVersion


@pytest.mark.parametrize("version", [ProtocolVersion.TLSv1_0, ProtocolVersion.TLSv1_1])
def test_prf_of_tls10_and_tls11(version: ProtocolVersion) -> None:
    # Posted to the ietf-tls list in 1998 (msg01589): secret 48 times AB, seed 64 times CD, and the MD5 of the
    # 104 bytes of output.
    output = prf(version, "sha256", b"\xab" * 48, b"PRF Testvector", b"\xcd" * 64, 104)
    assert len(output) == 104
    assert hashlib.md5(output).hexdigest() == "cd7ca2cb9a6a3c6f345c4665a8b6816b"


# Posted to the tls list, msg03416, for the PRF of TLS 1.2.
TLS12_VECTORS = {
    "sha256": (
        "9bbe436ba940f017b17652849a71db35",
        "a0ba9f936cda311827a6f796ffd5198c",
        """e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af
        0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701
        87347b66""",
    ),
    "sha384": (
        "b80b733d6ceefcdc71566ea48e5567df",
        "cd665cf6a8447dd6ff8b27555edb7465",
        """7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0
        e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425
        9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e099070
        3d73e56f""",
    ),
}


@pytest.mark.parametrize("prf_hash", TLS12_VECTORS)
def test_prf_of_tls12(prf_hash: str) -> None:
    secret, seed, output = (bytes.fromhex(digits) for digits in TLS12_VECTORS[prf_hash])
    assert prf(ProtocolVersion.TLSv1_2, prf_hash, secret, b"test label", seed, len(output)) == output


def test_p_hash_is_what_the_prf_of_tls12_is_made_of() -> None:
    secret, seed, output = (bytes.fromhex(digits) for digits in TLS12_VECTORS["sha256"])
    assert p_hash("sha256", secret, b"test label" + seed, 100) == output


def test_a_shorter_output_is_the_beginning_of_a_longer_one() -> None:
    for version in (ProtocolVersion.TLSv1_0, ProtocolVersion.TLSv1_2):
        long = prf(version, "sha256", b"secret", b"label", b"seed", 100)
        assert [prf(version, "sha256", b"secret", b"label", b"seed", n) for n in range(100)] == [
            long[:n] for n in range(100)
        ]
    long = ssl3_expand(b"secret", b"seed", 416)
    assert len(long) == 416
    assert [ssl3_expand(b"secret", b"seed", n) for n in range(416)] == [long[:n] for n in range(416)]


def test_a_hash_that_hashlib_lacks_is_reported() -> None:
    with pytest.raises(DecryptError, match="cipher_unsupported"):
        prf(ProtocolVersion.TLSv1_2, "md_gost94", b"secret", b"label", b"seed", 12)
