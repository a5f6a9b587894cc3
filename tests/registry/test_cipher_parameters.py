"""What suites are made of, against the tables of the RFCs that define them."""

from __future__ import annotations

import copy
import hashlib
import pickle

import pytest

from tlswire.registry import BulkCipher, CipherSuite, KeyExchange, PRFHash, parameters
from tlswire.registry.cipher_parameters import CipherSuiteParameters

SIGNALLING = {CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV, CipherSuite.TLS_FALLBACK_SCSV}
SUITES = [suite for suite in CipherSuite if suite not in SIGNALLING]

# Suite, key exchange, cipher, MAC, PRF hash, export.
# RFC 5246 App. A.5 and C unless another is named.
MADE_OF = [
    ("TLS_NULL_WITH_NULL_NULL", "NULL", "NULL", None, "sha256", False),
    ("TLS_RSA_WITH_NULL_SHA256", "RSA", "NULL", "SHA256", "sha256", False),
    ("TLS_RSA_WITH_RC4_128_MD5", "RSA", "RC4_128", "MD5", "sha256", False),
    ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "RSA", "3DES_EDE_CBC", "SHA", "sha256", False),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", "RSA", "AES_128_CBC", "SHA", "sha256", False),
    ("TLS_RSA_WITH_AES_256_CBC_SHA256", "RSA", "AES_256_CBC", "SHA256", "sha256", False),
    ("TLS_DH_anon_WITH_AES_128_CBC_SHA", "DH_anon", "AES_128_CBC", "SHA", "sha256", False),
    # RFC 2246 App. A.5
    ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", "RSA_EXPORT", "RC4_40", "MD5", "sha256", True),
    ("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", "RSA_EXPORT", "RC2_CBC_40", "MD5", "sha256", True),
    ("TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA", "DHE_DSS_EXPORT", "DES40_CBC", "SHA", "sha256", True),
    ("TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", "DH_anon_EXPORT", "RC4_40", "MD5", "sha256", True),
    # draft-ietf-tls-56-bit-ciphersuites-01 §2
    ("TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA", "RSA_EXPORT1024", "DES_CBC", "SHA", "sha256", True),
    ("TLS_DHE_DSS_EXPORT1024_WITH_RC4_56_SHA", "DHE_DSS_EXPORT1024", "RC4_56", "SHA", "sha256", True),
    ("TLS_DHE_DSS_WITH_RC4_128_SHA", "DHE_DSS", "RC4_128", "SHA", "sha256", False),
    # RFC 2712 §3
    ("TLS_KRB5_EXPORT_WITH_DES_CBC_40_SHA", "KRB5_EXPORT", "DES40_CBC", "SHA", "sha256", True),
    # RFC 5288 §3, RFC 5289 §3.1 and §3.2
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", "RSA", "AES_128_GCM", None, "sha256", False),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", "RSA", "AES_256_GCM", None, "sha384", False),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE_RSA", "AES_256_CBC", "SHA384", "sha384", False),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE_ECDSA", "AES_128_CBC", "SHA256", "sha256", False),
    # RFC 5487 §3.1: the PRF has the hash even where there is no cipher
    ("TLS_PSK_WITH_NULL_SHA384", "PSK", "NULL", "SHA384", "sha384", False),
    # RFC 6655 §3, RFC 8492 §4.2, RFC 8442 §3
    ("TLS_RSA_WITH_AES_128_CCM", "RSA", "AES_128_CCM", None, "sha256", False),
    ("TLS_PSK_DHE_WITH_AES_256_CCM_8", "DHE_PSK", "AES_256_CCM_8", None, "sha256", False),
    ("TLS_ECCPWD_WITH_AES_256_CCM_SHA384", "ECCPWD", "AES_256_CCM", None, "sha384", False),
    ("TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "ECDHE_PSK", "AES_128_CCM_8", None, "sha256", False),
    # RFC 7905 §2 and its drafts
    ("TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "DHE_RSA", "CHACHA20_POLY1305", None, "sha256", False),
    (
        "OLD_TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "DHE_RSA",
        "OLD_CHACHA20_POLY1305",
        None,
        "sha256",
        False,
    ),
    (
        "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_draft_00",
        "DHE_RSA",
        "CHACHA20_POLY1305_draft_00",
        None,
        "sha256",
        False,
    ),
    # RFC 5054, RFC 4162, RFC 5932, RFC 6209
    ("TLS_SRP_SHA_DSS_WITH_AES_256_CBC_SHA", "SRP_SHA_DSS", "AES_256_CBC", "SHA", "sha256", False),
    ("TLS_RSA_WITH_SEED_CBC_SHA", "RSA", "SEED_CBC", "SHA", "sha256", False),
    ("TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256", "RSA", "CAMELLIA_256_CBC", "SHA256", "sha256", False),
    ("TLS_RSA_WITH_ARIA_256_GCM_SHA384", "RSA", "ARIA_256_GCM", None, "sha384", False),
    # RFC 8446 App. B.4, RFC 8998 §2, RFC 9150 §4, draft-denis-tls-aegis, NIST SP 800-232
    ("TLS_AES_256_GCM_SHA384", "TLS13", "AES_256_GCM", None, "sha384", False),
    ("TLS_AES_128_CCM_8_SHA256", "TLS13", "AES_128_CCM_8", None, "sha256", False),
    ("TLS_SM4_GCM_SM3", "TLS13", "SM4_GCM", None, "sm3", False),
    ("TLS_SHA256_SHA256", "TLS13", "NULL", "SHA256", "sha256", False),
    ("TLS_AEGIS_256_SHA512", "TLS13", "AEGIS_256", None, "sha512", False),
    ("TLS_ASCONAEAD128_ASCONHASH256", "TLS13", "ASCONAEAD128", None, "ascon-hash256", False),
    # RFC 9189 §4.1.1, RFC 9367 §4.1, draft-chudov-cryptopro-cptls-04
    ("TLS_GOSTR341112_256_WITH_MAGMA_CTR_OMAC", "GOSTR341112_256", "MAGMA_CTR", "OMAC", "streebog256", False),
    ("TLS_GOSTR341112_256_WITH_MAGMA_MGM_S", "TLS13", "MAGMA_MGM_S", None, "streebog256", False),
    ("TLS_GOSTR341001_WITH_28147_CNT_IMIT", "GOSTR341001", "28147_CNT", "IMIT", "md_gost94", False),
    # GB/T 38636-2020
    ("ECC_SM4_CBC_SM3", "ECC_SM2", "SM4_CBC", "SM3", "sm3", False),
    ("RSA_SM4_GCM_SHA256", "RSA", "SM4_GCM", None, "sha256", False),
    # Netscape's, which differ from plain RSA in their name
    ("SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA", "RSA", "3DES_EDE_CBC", "SHA", "sha256", False),
]

# Cipher: key, key material, block, fixed IV, record IV, tag (bytes), secret bits.
LENGTHS = {
    # RFC 5246 App. C; the export ciphers RFC 2246 App. C
    "NULL": (0, 0, 0, 0, 0, 0, 0),
    "RC4_128": (16, 16, 0, 0, 0, 0, 128),
    "RC4_40": (16, 5, 0, 0, 0, 0, 40),
    "RC2_CBC_40": (16, 5, 8, 0, 8, 0, 40),
    "DES40_CBC": (8, 5, 8, 0, 8, 0, 40),
    "DES_CBC": (8, 8, 8, 0, 8, 0, 56),
    "3DES_EDE_CBC": (24, 24, 8, 0, 8, 0, 168),
    "IDEA_CBC": (16, 16, 8, 0, 8, 0, 128),
    "AES_128_CBC": (16, 16, 16, 0, 16, 0, 128),
    "AES_256_CBC": (32, 32, 16, 0, 16, 0, 256),
    # draft-ietf-tls-56-bit-ciphersuites-01 §3
    "RC4_56": (16, 7, 0, 0, 0, 0, 56),
    "RC2_CBC_56": (16, 7, 8, 0, 8, 0, 56),
    # RFC 5288 §3, RFC 6655 §3 and §4, RFC 7905 §2
    "AES_128_GCM": (16, 16, 0, 4, 8, 16, 128),
    "AES_256_CCM": (32, 32, 0, 4, 8, 16, 256),
    "AES_256_CCM_8": (32, 32, 0, 4, 8, 8, 256),
    "CHACHA20_POLY1305": (32, 32, 0, 12, 0, 16, 256),
}


def made_of(suite: CipherSuite) -> CipherSuiteParameters:
    found = parameters(suite)
    assert found is not None, suite
    return found


def lengths(cipher: BulkCipher) -> tuple[int, ...]:
    return (
        cipher.key_length,
        cipher.key_material_length,
        cipher.block_length,
        cipher.fixed_iv_length,
        cipher.record_iv_length,
        cipher.tag_length,
        cipher.effective_key_bits,
    )


def test_every_suite_has_parameters_but_the_signalling_values() -> None:
    assert {suite for suite in CipherSuite if parameters(suite) is None} == SIGNALLING


def test_unknown_and_grease_codes_have_none() -> None:
    assert parameters(CipherSuite.of(0x1234)) is None
    assert parameters(CipherSuite.of(0x0A0A)) is None


@pytest.mark.parametrize(("name", "key_exchange", "cipher", "mac", "prf_hash", "export"), MADE_OF)
def test_what_a_suite_is_made_of(
    name: str, key_exchange: str, cipher: str, mac: str | None, prf_hash: str, export: bool
) -> None:
    found = made_of(CipherSuite[name])
    assert found.suite is CipherSuite[name]
    assert found.key_exchange == key_exchange
    assert found.cipher.name == cipher
    assert (found.mac and found.mac.name) == mac
    assert found.prf_hash == prf_hash
    assert found.export is export


@pytest.mark.parametrize(("cipher", "expected"), LENGTHS.items())
def test_lengths_of_ciphers(cipher: str, expected: tuple[int, ...]) -> None:
    found = {
        lengths(made_of(suite).cipher)
        for suite in SUITES
        if made_of(suite).cipher.name == cipher and made_of(suite).key_exchange is not KeyExchange.TLS13
    }
    assert found == {expected}


@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_the_parts_agree_with_each_other_and_with_the_name(suite: CipherSuite) -> None:
    found = made_of(suite)
    cipher = found.cipher
    assert (found.mac is None) == (cipher.kind == "aead" or suite is CipherSuite.TLS_NULL_WITH_NULL_NULL)
    assert (cipher.tag_length > 0) == (cipher.kind == "aead")
    assert (cipher.block_length > 0) == (cipher.kind == "block")
    assert (cipher.key_length > 0) == (cipher.kind != "null")
    assert cipher.key_material_length <= cipher.key_length
    assert cipher.effective_key_bits <= 8 * cipher.key_material_length
    assert found.export == found.key_exchange.is_export == ("_EXPORT" in suite.name)
    assert (cipher.key_material_length < cipher.key_length) == (
        found.export and cipher.name != "DES_CBC"  # whose full 56 bits RSA_EXPORT1024 permits
    )
    if cipher.kind == "block":
        assert cipher.record_iv_length == cipher.block_length
    if suite.name.endswith("SHA384"):
        assert found.prf_hash is PRFHash.sha384
    if suite.name.endswith(("_SHA", "_SHA256", "_MD5", "_CCM", "_CCM_8")):
        assert found.prf_hash is PRFHash.sha256
    if "_WITH_" not in suite.name and suite.name.startswith("TLS_"):
        assert found.key_exchange is KeyExchange.TLS13


@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_tls13_takes_the_whole_nonce_from_the_key_schedule(suite: CipherSuite) -> None:
    found = made_of(suite)
    if found.key_exchange is KeyExchange.TLS13 and found.cipher.kind == "aead":
        assert found.cipher.record_iv_length == 0
        assert found.cipher.fixed_iv_length >= 8  # RFC 8446 §5.3
    if found.key_exchange is KeyExchange.TLS13 and suite.name.startswith(("TLS_AES", "TLS_CHACHA20", "TLS_SM4")):
        assert found.cipher.fixed_iv_length == 12


def test_macs_have_the_length_of_their_hash() -> None:
    macs = {found.mac for found in map(made_of, SUITES) if found.mac is not None and found.mac.hash is not None}
    known = [mac for mac in macs if mac.hash in hashlib.algorithms_guaranteed]
    assert {mac.name for mac in known} >= {"MD5", "SHA", "SHA256", "SHA384"}
    for mac in known:
        assert hashlib.new(str(mac.hash), usedforsecurity=False).digest_size == mac.length


@pytest.mark.parametrize("key_exchange", KeyExchange, ids=str)
def test_every_key_exchange_is_used_and_of_at_most_one_kind(key_exchange: KeyExchange) -> None:
    assert any(made_of(suite).key_exchange is key_exchange for suite in SUITES)
    kinds = (
        key_exchange.is_rsa,
        key_exchange.is_dhe,
        key_exchange.is_ecdhe,
        key_exchange.is_fixed_dh,
        key_exchange.is_fixed_ecdh,
        key_exchange.is_psk,
        key_exchange.is_srp,
    )
    assert sum(kinds) <= 1


# RFC 5246 §7.4.3, RFC 2246 §7.4.3, RFC 8422 §2, RFC 4279, RFC 5054
@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("is_rsa", "RSA RSA_EXPORT RSA_EXPORT1024"),
        ("is_dhe", "DHE_RSA DHE_RSA_EXPORT DHE_DSS DHE_DSS_EXPORT DHE_DSS_EXPORT1024 DH_anon DH_anon_EXPORT"),
        ("is_ecdhe", "ECDHE_RSA ECDHE_ECDSA ECDH_anon"),
        ("is_fixed_dh", "DH_RSA DH_RSA_EXPORT DH_DSS DH_DSS_EXPORT"),
        ("is_fixed_ecdh", "ECDH_RSA ECDH_ECDSA"),
        ("is_anonymous", "DH_anon DH_anon_EXPORT ECDH_anon"),
        ("is_psk", "PSK DHE_PSK RSA_PSK ECDHE_PSK"),
        ("is_srp", "SRP_SHA SRP_SHA_RSA SRP_SHA_DSS"),
    ],
)
def test_kinds_of_key_exchange(kind: str, members: str) -> None:
    assert {str(member) for member in KeyExchange if getattr(member, kind)} == set(members.split())


def test_parameters_are_values() -> None:
    found = made_of(CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA)
    assert pickle.loads(pickle.dumps(found)) == found
    assert copy.deepcopy(found) == found
    assert found in {found}
    with pytest.raises(AttributeError):
        found.export = True  # type: ignore[misc]
