"""The key schedule against NIST's answers, and old and export suites against records of public captures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tlswire.crypto import (
    KeyBlock,
    extended_master_secret,
    handshake_hash,
    key_block,
    master_secret,
    prf,
    record_protection,
    verify_data,
)
from tlswire.errors import DecryptError
from tlswire.registry import CipherSuite, CipherSuiteParameters, ProtocolVersion, parameters


def parameters_of(suite: CipherSuite) -> CipherSuiteParameters:
    found = parameters(suite)
    assert found is not None
    return found


# NIST's vectors for SP 800-135 (CAVP, tls.rsp), as OpenSSL carries them in evpkdf_tls11_prf.txt and
# evpkdf_tls12_prf.txt.  The suites are those whose key block has the length of the answer.
NIST = {
    "TLS 1.0 and 1.1": (
        ProtocolVersion.TLSv1_1,
        CipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA,
        {
            "premaster": """
                bded7fa5c1699c010be23dd06ada3a48349f21e5f86263d512c0c5cc379f0e780ec55d9844b2f1db02a96453
                513568d0""",
            "hello": "e5acaf549cd25c22d964c0d930fa4b5261d2507fad84c33715b7b9a864020693",
            "server hello": "135e4d557fdf3aa6406d82975d5c606a9734c9334b42136e96990fbd5358cdb2",
            "master secret": """
                2f6962dfbc744c4b2138bb6b3d33054c5ecc14f24851d9896395a44ab3964efc2090c5bf51a0891209f46c1e
                1e998f62""",
            "client": "d58a7b1cd4fedaa232159df652ce188f9d997e061b9bf48e83b62990440931f6",
            "server": "67267e650eb32444119d222a368c191af3082888dc35afe8368e638c828874be",
            "key block": """
                3088825988e77fce68d19f756e18e43eb7fe672433504feaf99b3c503d9091b164f166db301d70c9fc0870b4
                a94563907bee1a61fb786cb717576890bcc51cb9ead97e01d0a2fea99c953377b195205ff07b369589178796
                edc963fd80fdbe518a2fc1c35c18ae8d""",
        },
    ),
    "TLS 1.2": (
        ProtocolVersion.TLSv1_2,
        CipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA256,
        {
            "premaster": """
                f8938ecc9edebc5030c0c6a441e213cd24e6f770a50dda07876f8d55da062bcadb386b411fd4fe4313a604fc
                e6c17fbc""",
            "hello": "36c129d01a3200894b9179faac589d9835d58775f9b5ea3587cb8fd0364cae8c",
            "server hello": "f6c9575ed7ddd73e1f7d16eca115415812a43c2b747daaaae043abfb50053fce",
            "master secret": """
                202c88c00f84a17a20027079604787461176455539e705be730890602c289a5001e34eeb3a043e5d52a65e66
                125188bf""",
            "client": "62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616",
            "server": "ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868",
            "key block": """
                d06139889fffac1e3a71865f504aa5d0d2a2e89506c6f2279b670c3e1b74f531016a2530c51a3a0f7e1d6590
                d0f0566b2f387f8d11fd4f731cdd572d2eae927f6f2f81410b25e6960be68985add6c38445ad9f8c64bf8068
                bf9a6679485d966f1ad6f68b43495b10a683755ea2b858d70ccac7ec8b053c6bd41ca299d4e51928""",
        },
    ),
}


@pytest.mark.parametrize("name", NIST)
def test_master_secret_and_key_block_of_nist(name: str) -> None:
    version, suite, digits = NIST[name]
    known = {what: bytes.fromhex(value) for what, value in digits.items()}
    found = parameters_of(suite)
    made = master_secret(version, found, known["premaster"], known["hello"], known["server hello"])
    assert made == known["master secret"]
    keys = key_block(version, found, made, known["client"], known["server"])
    assert concatenated(keys) == known["key block"]
    assert keys.client_write_IV == keys.server_write_IV == b""
    assert [len(key) for key in (keys.client_write_key, keys.server_write_key)] == [32, 32]
    assert found.mac is not None
    assert len(keys.client_write_MAC_key) == len(keys.server_write_MAC_key) == found.mac.length


def concatenated(keys: KeyBlock) -> bytes:
    return b"".join(
        (
            keys.client_write_MAC_key,
            keys.server_write_MAC_key,
            keys.client_write_key,
            keys.server_write_key,
            keys.client_write_IV,
            keys.server_write_IV,
        )
    )


@pytest.mark.parametrize(
    ("version", "suite", "lengths"),
    [
        (ProtocolVersion.SSLv3, CipherSuite.TLS_RSA_WITH_RC4_128_MD5, (16, 16, 0)),
        (ProtocolVersion.SSLv3, CipherSuite.TLS_RSA_WITH_3DES_EDE_CBC_SHA, (20, 24, 8)),
        (ProtocolVersion.TLSv1_0, CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, (20, 16, 16)),
        (ProtocolVersion.TLSv1_0, CipherSuite.TLS_RSA_EXPORT_WITH_DES40_CBC_SHA, (20, 8, 8)),
        (ProtocolVersion.TLSv1_1, CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, (20, 16, 0)),
        (ProtocolVersion.TLSv1_2, CipherSuite.TLS_RSA_WITH_NULL_SHA256, (32, 0, 0)),
        (ProtocolVersion.TLSv1_2, CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256, (0, 16, 4)),
        (ProtocolVersion.TLSv1_2, CipherSuite.TLS_RSA_WITH_AES_256_CCM_8, (0, 32, 4)),
        (ProtocolVersion.TLSv1_2, CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, (0, 32, 12)),
    ],
)
def test_lengths_of_the_keys(version: ProtocolVersion, suite: CipherSuite, lengths: tuple[int, int, int]) -> None:
    keys = key_block(version, parameters_of(suite), bytes(48), bytes(32), bytes(32))
    client = keys.client_write_MAC_key, keys.client_write_key, keys.client_write_IV
    server = keys.server_write_MAC_key, keys.server_write_key, keys.server_write_IV
    assert tuple(map(len, client)) == tuple(map(len, server)) == lengths


def test_a_master_secret_of_a_premaster_secret_by_diffie_hellman() -> None:
    # https://tls12.xargs.org: the x25519 product of the private keys 20..3f and 90..af, and what it makes
    suite = parameters_of(CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA)
    premaster = bytes.fromhex("df4a291baa1eb7cfa6934b29b474baad2697e29f1f920dcc77c8a0a088447624")
    made = master_secret(ProtocolVersion.TLSv1_2, suite, premaster, bytes(range(32)), bytes(range(0x70, 0x90)))
    assert made.hex() == (
        "916abf9da55973e13614ae0a3f5d3f37b023ba129aee02cc9134338127cd7049781c8e19fc1eb2a7387ac06ae237344c"
    )


CAPTURED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("capture_vectors.json").read_text())


@pytest.mark.parametrize("vector", CAPTURED, ids=lambda one: f"{one['version']:#06x}-{one['cipher_suite']}")
def test_records_of_public_captures_open(vector: dict[str, Any]) -> None:
    # Records, randoms and key log lines (or the premaster secret, by the server's key) of the captures that
    # `origin` names; what is inside was proved by the records' MACs, and says "GET / HTTP/1.1".
    version = ProtocolVersion(vector["version"])
    suite = parameters_of(CipherSuite[vector["cipher_suite"]])
    known = [bytes.fromhex(vector[what]) for what in ("master_secret", "client_random", "server_random")]
    keys = key_block(version, suite, *known)
    protections = {
        "client": record_protection(
            version, suite, keys.client_write_MAC_key, keys.client_write_key, keys.client_write_IV
        ),
        "server": record_protection(
            version, suite, keys.server_write_MAC_key, keys.server_write_key, keys.server_write_IV
        ),
    }
    for record in vector["records"]:
        opened = protections[record["sender"]].unprotect(
            record["content_type"], record["version"], bytes.fromhex(record["fragment"])
        )
        assert opened.hex() == record["plaintext"]


def test_keys_and_ivs_of_an_export_suite_in_tls10() -> None:
    # No capture of TLS 1.0 has an export suite in CBC mode whose key is known: by the letter of RFC 2246 §6.3.1.
    version, suite = ProtocolVersion.TLSv1_0, parameters_of(CipherSuite.TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5)
    secret, client_random, server_random = b"s" * 48, b"c" * 32, b"r" * 32
    keys = key_block(version, suite, secret, client_random, server_random)

    def tls10_prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
        return prf(version, "sha256", secret, label, seed, length)

    block = tls10_prf(secret, b"key expansion", server_random + client_random, 16 + 16 + 5 + 5)
    assert (keys.client_write_MAC_key, keys.server_write_MAC_key) == (block[:16], block[16:32])
    randoms = client_random + server_random
    assert keys.client_write_key == tls10_prf(block[32:37], b"client write key", randoms, 16)
    assert keys.server_write_key == tls10_prf(block[37:42], b"server write key", randoms, 16)
    iv_block = tls10_prf(b"", b"IV block", randoms, 16)
    assert (keys.client_write_IV, keys.server_write_IV) == (iv_block[:8], iv_block[8:])


def test_a_hash_that_hashlib_lacks_is_reported() -> None:
    version = ProtocolVersion.TLSv1_2
    gost = parameters_of(CipherSuite.TLS_GOSTR341112_256_WITH_28147_CNT_IMIT)
    with pytest.raises(DecryptError, match="cipher_unsupported"):
        master_secret(version, gost, bytes(48), bytes(32), bytes(32))
    with pytest.raises(DecryptError, match="cipher_unsupported"):
        extended_master_secret(version, gost, bytes(48), bytes(32))
    with pytest.raises(DecryptError, match="cipher_unsupported"):
        key_block(version, gost, bytes(48), bytes(32), bytes(32))
    with pytest.raises(DecryptError, match="cipher_unsupported"):
        handshake_hash(version, gost, b"")
    with pytest.raises(DecryptError, match="cipher_unsupported"):
        verify_data(version, gost, bytes(48), "client", b"")
