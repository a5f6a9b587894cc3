"""What a cipher suite is made of: key exchange, cipher, MAC, hash.

The strategy: ciphers and hashes are tables; a suite's row follows from its name, because the names were made
for that: `TLS_<key exchange>_WITH_<cipher>_<hash>`, in TLS 1.3 `TLS_<cipher>_<hash>`, and in the Chinese
standards `<key exchange>_<cipher>_<hash>`.  Names that do not say it all are first spelled out, by a table.
The reader of names is closed: a part that is in no table is an error, and a test reads all names.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from tlswire.registry.cipher_suites import CipherSuite
from tlswire.values import Value, frozen


class KeyExchange(enum.StrEnum):
    """How the premaster secret comes about and who signs (RFC 5246 App. A.5), as suites' names spell it."""

    null = "NULL"
    RSA = "RSA"
    RSA_EXPORT = "RSA_EXPORT"
    RSA_EXPORT1024 = "RSA_EXPORT1024"
    DH_RSA = "DH_RSA"
    DH_RSA_EXPORT = "DH_RSA_EXPORT"
    DH_DSS = "DH_DSS"
    DH_DSS_EXPORT = "DH_DSS_EXPORT"
    DHE_RSA = "DHE_RSA"
    DHE_RSA_EXPORT = "DHE_RSA_EXPORT"
    DHE_DSS = "DHE_DSS"
    DHE_DSS_EXPORT = "DHE_DSS_EXPORT"
    DHE_DSS_EXPORT1024 = "DHE_DSS_EXPORT1024"
    DH_anon = "DH_anon"
    DH_anon_EXPORT = "DH_anon_EXPORT"
    ECDH_RSA = "ECDH_RSA"
    ECDH_ECDSA = "ECDH_ECDSA"
    ECDHE_RSA = "ECDHE_RSA"
    ECDHE_ECDSA = "ECDHE_ECDSA"
    ECDH_anon = "ECDH_anon"
    PSK = "PSK"
    DHE_PSK = "DHE_PSK"
    RSA_PSK = "RSA_PSK"
    ECDHE_PSK = "ECDHE_PSK"
    KRB5 = "KRB5"
    KRB5_EXPORT = "KRB5_EXPORT"
    SRP_SHA = "SRP_SHA"
    SRP_SHA_RSA = "SRP_SHA_RSA"
    SRP_SHA_DSS = "SRP_SHA_DSS"
    FORTEZZA_KEA = "FORTEZZA_KEA"
    ECCPWD = "ECCPWD"
    ECJPAKE = "ECJPAKE"
    CECPQ1_RSA = "CECPQ1_RSA"
    CECPQ1_ECDSA = "CECPQ1_ECDSA"
    GOSTR341094 = "GOSTR341094"
    GOSTR341001 = "GOSTR341001"
    GOSTR341112_256 = "GOSTR341112_256"
    ECDHE_SM2 = "ECDHE_SM2"
    ECC_SM2 = "ECC_SM2"
    IBSDH = "IBSDH"
    IBC = "IBC"
    TLS13 = "TLS13"  # not the suite's affair any more: RFC 8446 §4.2.7 and §4.2.8

    @property
    def is_rsa(self) -> bool:
        """Whether the client encrypts the premaster secret to an RSA key and nothing else enters it."""
        return self in (KeyExchange.RSA, KeyExchange.RSA_EXPORT, KeyExchange.RSA_EXPORT1024)

    @property
    def is_dhe(self) -> bool:
        """Whether ServerKeyExchange holds ServerDHParams, signed or not (RFC 5246 §7.4.3)."""
        return self.startswith(("DHE_RSA", "DHE_DSS", "DH_anon"))

    @property
    def is_ecdhe(self) -> bool:
        """Whether ServerKeyExchange holds ServerECDHParams, signed or not (RFC 8422 §5.4)."""
        return self in (KeyExchange.ECDHE_RSA, KeyExchange.ECDHE_ECDSA, KeyExchange.ECDH_anon)

    @property
    def is_fixed_dh(self) -> bool:
        """Whether the server's certificate holds its Diffie-Hellman key (RFC 5246 §7.4.2)."""
        return self.startswith(("DH_RSA", "DH_DSS"))

    @property
    def is_fixed_ecdh(self) -> bool:
        """Whether the server's certificate holds its elliptic-curve Diffie-Hellman key (RFC 8422 §2.1)."""
        return self in (KeyExchange.ECDH_RSA, KeyExchange.ECDH_ECDSA)

    @property
    def is_anonymous(self) -> bool:
        """Whether the server proves no identity, so that ServerKeyExchange is not signed."""
        return self in (KeyExchange.DH_anon, KeyExchange.DH_anon_EXPORT, KeyExchange.ECDH_anon)

    @property
    def is_psk(self) -> bool:
        """Whether a key that was shared beforehand enters the premaster secret (RFC 4279)."""
        return self.endswith("PSK")

    @property
    def is_srp(self) -> bool:
        """Whether a password enters the premaster secret by SRP (RFC 5054)."""
        return self.startswith("SRP")

    @property
    def is_export(self) -> bool:
        """Whether the keys are made weak on purpose (RFC 2246 §6.3.1)."""
        return self.endswith(("_EXPORT", "_EXPORT1024"))


@frozen
class BulkCipher(Value):
    """A cipher; all lengths in bytes (RFC 5246 §6.1 and App. C; for export ciphers RFC 2246 App. C).

    `key_length`: the key that the cipher runs with (RFC 2246: expanded key material).
    `key_material_length`: what an export suite takes of the key block for it; else the same.
    `block_length`: 0 for what is no block cipher in CBC mode.  The IV is as long: SSL 3.0 and TLS 1.0 take it
    from the key block, later versions send it in each record (RFC 5246 §6.2.3.2).
    `fixed_iv_length`: the part of the nonce that comes from the key block (RFC 5288 §3, RFC 7905 §2).
    `record_iv_length`: the part of the nonce, or the IV, that each record brings.
    `tag_length`: what the AEAD adds.
    `effective_key_bits`: the secret bits of the key.
    """

    name: str
    kind: Literal["null", "stream", "block", "aead"]
    key_length: int
    key_material_length: int
    block_length: int
    fixed_iv_length: int
    record_iv_length: int
    tag_length: int
    effective_key_bits: int


@frozen
class MACAlgorithm(Value):
    """A MAC of records (RFC 5246 §6.2.3.1).

    `name` as suites spell it; `hash`, the HMAC's, as hashlib names it, or None where it is no HMAC; `length`
    in bytes.
    """

    name: str
    hash: str | None
    length: int


class PRFHash(enum.StrEnum):
    """The hash of a suite's PRF in TLS 1.2 and of its HKDF in TLS 1.3, as hashlib and OpenSSL name it.

    RFC 5246 §5, RFC 8446 §7.1.  Earlier versions have one PRF for all suites.
    """

    sha256 = "sha256"
    sha384 = "sha384"
    sha512 = "sha512"
    sm3 = "sm3"
    md_gost94 = "md_gost94"
    streebog256 = "streebog256"
    ascon_hash256 = "ascon-hash256"


@frozen
class CipherSuiteParameters(Value):
    """What `suite` is made of.

    `mac` is None with an AEAD, and for TLS_NULL_WITH_NULL_NULL.  `export`: the final keys and IVs are derived
    from short keys and the hellos' randoms (RFC 2246 §6.3.1).
    """

    suite: CipherSuite
    key_exchange: KeyExchange
    cipher: BulkCipher
    mac: MACAlgorithm | None
    prf_hash: PRFHash
    export: bool


def parameters(suite: CipherSuite) -> CipherSuiteParameters | None:
    """Return what `suite` is made of; None for the signalling values (SCSV) and for unknown codes."""
    if not suite.is_known or suite in _SIGNALLING:
        return None
    return _parameters(suite)


def _stream(name: str, key: int, *, material: int | None = None, iv: int = 0) -> BulkCipher:
    material = key if material is None else material
    return BulkCipher(name, "stream", key, material, 0, iv, 0, 0, 8 * material)


def _block(name: str, key: int, block: int, *, material: int | None = None, bits: int | None = None) -> BulkCipher:
    material = key if material is None else material
    return BulkCipher(name, "block", key, material, block, 0, block, 0, 8 * material if bits is None else bits)


def _aead(name: str, key: int, fixed_iv: int, record_iv: int, tag: int) -> BulkCipher:
    return BulkCipher(name, "aead", key, key, 0, fixed_iv, record_iv, tag, 8 * key)


_CIPHERS: Mapping[str, BulkCipher] = {
    cipher.name: cipher
    for cipher in (
        BulkCipher("NULL", "null", 0, 0, 0, 0, 0, 0, 0),
        _stream("RC4_128", 16),
        _stream("RC4_40", 16, material=5),
        _stream("RC4_56", 16, material=7),  # draft-ietf-tls-56-bit-ciphersuites-01
        _block("RC2_CBC", 16, 8),
        _block("RC2_CBC_40", 16, 8, material=5),
        _block("RC2_CBC_56", 16, 8, material=7),
        _block("DES_CBC", 8, 8, bits=56),
        _block("DES40_CBC", 8, 8, material=5),
        _block("3DES_EDE_CBC", 24, 8, bits=168),
        _block("IDEA_CBC", 16, 8),
        _block("SEED_CBC", 16, 16),
        _block("FORTEZZA_CBC", 12, 8),  # RFC 6101 App. C; its keys come from elsewhere
        _block("AES_128_CBC", 16, 16),
        _block("AES_256_CBC", 32, 16),
        _block("CAMELLIA_128_CBC", 16, 16),
        _block("CAMELLIA_256_CBC", 32, 16),
        _block("ARIA_128_CBC", 16, 16),
        _block("ARIA_256_CBC", 32, 16),
        _block("SM1", 16, 16),
        _block("SM4_CBC", 16, 16),
        _aead("AES_128_GCM", 16, 4, 8, 16),
        _aead("AES_256_GCM", 32, 4, 8, 16),
        _aead("AES_128_CCM", 16, 4, 8, 16),
        _aead("AES_256_CCM", 32, 4, 8, 16),
        _aead("AES_128_CCM_8", 16, 4, 8, 8),
        _aead("AES_256_CCM_8", 32, 4, 8, 8),
        _aead("CAMELLIA_128_GCM", 16, 4, 8, 16),
        _aead("CAMELLIA_256_GCM", 32, 4, 8, 16),
        _aead("ARIA_128_GCM", 16, 4, 8, 16),
        _aead("ARIA_256_GCM", 32, 4, 8, 16),
        _aead("SM4_GCM", 16, 4, 8, 16),
        _aead("SM4_CCM", 16, 4, 8, 16),
        _aead("CHACHA20_POLY1305", 32, 12, 0, 16),
        _aead("OLD_CHACHA20_POLY1305", 32, 0, 0, 16),  # the nonce is the sequence number
        _aead("CHACHA20_POLY1305_draft_00", 32, 4, 0, 16),  # the nonce is the fixed IV and the sequence number
        _aead("ASCONAEAD128", 16, 16, 0, 16),
        _aead("AEGIS_128L", 16, 16, 0, 16),
        _aead("AEGIS_256", 32, 32, 0, 16),
        _aead("KUZNYECHIK_MGM_L", 32, 16, 0, 16),
        _aead("KUZNYECHIK_MGM_S", 32, 16, 0, 16),
        _aead("MAGMA_MGM_L", 32, 8, 0, 8),
        _aead("MAGMA_MGM_S", 32, 8, 0, 8),
        _stream("28147_CNT", 32, iv=8),
        _stream("KUZNYECHIK_CTR", 32, iv=8),  # RFC 9189 §4.1.1
        _stream("MAGMA_CTR", 32, iv=4),
        _stream("SALSA20", 32),
        _stream("ESTREAM_SALSA20", 32),
    )
}

# The last part of a name: the MAC of the records (with an AEAD there is none) and the hash of the PRF, which
# is SHA-256 for all suites that name nothing stronger (RFC 5246 §1.2).
_HASHES: Mapping[str, tuple[MACAlgorithm | None, PRFHash]] = {
    "NULL": (None, PRFHash.sha256),
    "MD5": (MACAlgorithm("MD5", "md5", 16), PRFHash.sha256),
    "SHA": (MACAlgorithm("SHA", "sha1", 20), PRFHash.sha256),
    "SHA256": (MACAlgorithm("SHA256", "sha256", 32), PRFHash.sha256),
    "SHA384": (MACAlgorithm("SHA384", "sha384", 48), PRFHash.sha384),
    "SHA512": (MACAlgorithm("SHA512", "sha512", 64), PRFHash.sha512),
    "SM3": (MACAlgorithm("SM3", "sm3", 32), PRFHash.sm3),
    "ASCONHASH256": (None, PRFHash.ascon_hash256),
    "GOSTR3411": (MACAlgorithm("GOSTR3411", "md_gost94", 32), PRFHash.md_gost94),
    "IMIT": (MACAlgorithm("IMIT", None, 4), PRFHash.md_gost94),
    "IMIT-2012": (MACAlgorithm("IMIT", None, 4), PRFHash.streebog256),
    "GOSTR3411-2012": (MACAlgorithm("GOSTR3411", "streebog256", 32), PRFHash.streebog256),
    "OMAC-128": (
        MACAlgorithm("OMAC", None, 16),
        PRFHash.streebog256,
    ),  # RFC 9189 §4.1.1: a block of Kuznyechik
    "OMAC-64": (MACAlgorithm("OMAC", None, 8), PRFHash.streebog256),  # of Magma
}

# What names leave unsaid or say in a way of their own.
_SPELLED_OUT: Mapping[str, str] = {
    "TLS_KRB5_EXPORT_WITH_DES_CBC_40_SHA": "TLS_KRB5_EXPORT_WITH_DES40_CBC_SHA",
    "TLS_KRB5_EXPORT_WITH_DES_CBC_40_MD5": "TLS_KRB5_EXPORT_WITH_DES40_CBC_MD5",
    "TLS_PSK_DHE_WITH_AES_128_CCM_8": "TLS_DHE_PSK_WITH_AES_128_CCM_8",
    "TLS_PSK_DHE_WITH_AES_256_CCM_8": "TLS_DHE_PSK_WITH_AES_256_CCM_8",
    "TLS_SHA256_SHA256": "TLS_NULL_SHA256",
    "TLS_SHA384_SHA384": "TLS_NULL_SHA384",
    "SSL_RSA_FIPS_WITH_DES_CBC_SHA": "SSL_RSA_WITH_DES_CBC_SHA",
    "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA": "SSL_RSA_WITH_3DES_EDE_CBC_SHA",
    "SSL_RSA_OLDFIPS_WITH_DES_CBC_SHA": "SSL_RSA_WITH_DES_CBC_SHA",
    "SSL_RSA_OLDFIPS_WITH_3DES_EDE_CBC_SHA": "SSL_RSA_WITH_3DES_EDE_CBC_SHA",
    "OLD_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "TLS_ECDHE_RSA_WITH_OLD_CHACHA20_POLY1305_SHA256",
    "OLD_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "TLS_ECDHE_ECDSA_WITH_OLD_CHACHA20_POLY1305_SHA256",
    "OLD_TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "TLS_DHE_RSA_WITH_OLD_CHACHA20_POLY1305_SHA256",
    "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC": "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC-128",
    "TLS_GOSTR341112_256_WITH_MAGMA_CTR_OMAC": "TLS_GOSTR341112_256_WITH_MAGMA_CTR_OMAC-64",
    "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT": "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT-2012",
    "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L": "TLS_KUZNYECHIK_MGM_L_GOSTR3411-2012",
    "TLS_GOSTR341112_256_WITH_MAGMA_MGM_L": "TLS_MAGMA_MGM_L_GOSTR3411-2012",
    "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_S": "TLS_KUZNYECHIK_MGM_S_GOSTR3411-2012",
    "TLS_GOSTR341112_256_WITH_MAGMA_MGM_S": "TLS_MAGMA_MGM_S_GOSTR3411-2012",
    "OLD_TLS_GOSTR341112_256_WITH_28147_CNT_IMIT": "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT-2012",
    "TLS_GOSTR341112_256_WITH_NULL_GOSTR3411": "TLS_GOSTR341112_256_WITH_NULL_GOSTR3411-2012",
}

# The key exchanges of the Chinese standards that are not what IANA's suites mean by the same word.
_CHINESE_KEY_EXCHANGES: Mapping[str, str] = {"ECDHE": "ECDHE_SM2", "ECC": "ECC_SM2"}

_SIGNALLING = frozenset({CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV, CipherSuite.TLS_FALLBACK_SCSV})


def _take_apart(name: str) -> tuple[str, str, str]:
    """Split a spelled-out name into key exchange, cipher and hash."""
    bare = name.removeprefix("TLS_").removeprefix("SSL_")
    if "_WITH_" in bare:
        key_exchange, _, rest = bare.partition("_WITH_")
    elif bare != name:
        key_exchange, rest = "TLS13", bare
    else:
        key_exchange, _, rest = bare.partition("_")
        key_exchange = _CHINESE_KEY_EXCHANGES.get(key_exchange, key_exchange)
    if rest in _CIPHERS:  # RFC 6655, RFC 7251 and a draft of RFC 7905 name no hash; it is SHA-256
        return key_exchange, rest, "SHA256"
    cipher, _, hash_name = rest.rpartition("_")
    return key_exchange, cipher, "SHA" if hash_name == "SHA1" else hash_name


@functools.cache
def _parameters(suite: CipherSuite) -> CipherSuiteParameters:
    name = _SPELLED_OUT.get(suite.name) or suite.name.removeprefix("OLD_")
    key_exchange_name, cipher_name, hash_name = _take_apart(name)
    key_exchange = KeyExchange(key_exchange_name)
    cipher = _CIPHERS[cipher_name]
    mac, prf_hash = _HASHES[hash_name]
    if cipher.kind == "aead":
        mac = None
    if key_exchange is KeyExchange.TLS13:  # the whole nonce comes from the key schedule (RFC 8446 §5.3)
        nonce_length = cipher.fixed_iv_length + cipher.record_iv_length
        cipher = replace(cipher, fixed_iv_length=nonce_length, record_iv_length=0)
    return CipherSuiteParameters(suite, key_exchange, cipher, mac, prf_hash, key_exchange.is_export)
