"""The codes of groups for key exchange, and of what belongs to elliptic curves.

Complete with IANA's registries as of 2026-09-29, in their spelling.
"""

from __future__ import annotations

from tlswire.registry.open_enum import OpenEnum


class NamedGroup(OpenEnum, size=2, grease=True):
    """A group for key exchange (RFC 8422 §5.1.1, RFC 7919 §2, RFC 8446 §4.2.7)."""

    # RFC 8422 and its predecessor RFC 4492
    sect163k1 = 1
    sect163r1 = 2
    sect163r2 = 3
    sect193r1 = 4
    sect193r2 = 5
    sect233k1 = 6
    sect233r1 = 7
    sect239k1 = 8
    sect283k1 = 9
    sect283r1 = 10
    sect409k1 = 11
    sect409r1 = 12
    sect571k1 = 13
    sect571r1 = 14
    secp160k1 = 15
    secp160r1 = 16
    secp160r2 = 17
    secp192k1 = 18
    secp192r1 = 19
    secp224k1 = 20
    secp224r1 = 21
    secp256k1 = 22
    secp256r1 = 23
    secp384r1 = 24
    secp521r1 = 25
    # RFC 7027
    brainpoolP256r1 = 26
    brainpoolP384r1 = 27
    brainpoolP512r1 = 28
    # RFC 8422
    x25519 = 29
    x448 = 30
    # RFC 8734
    brainpoolP256r1tls13 = 31
    brainpoolP384r1tls13 = 32
    brainpoolP512r1tls13 = 33
    # RFC 9189
    GC256A = 34
    GC256B = 35
    GC256C = 36
    GC256D = 37
    GC512A = 38
    GC512B = 39
    GC512C = 40
    # RFC 8998
    curveSM2 = 41
    # RFC 7919
    ffdhe2048 = 256
    ffdhe3072 = 257
    ffdhe4096 = 258
    ffdhe6144 = 259
    ffdhe8192 = 260
    # draft-ietf-tls-mlkem
    MLKEM512 = 512
    MLKEM768 = 513
    MLKEM1024 = 514
    # draft-rosomakho-tls-ecdhe-mlkem512
    SecP256r1MLKEM512 = 4585
    MLKEM512X25519 = 4586
    # RFC 10024
    SecP256r1MLKEM768 = 4587
    X25519MLKEM768 = 4588
    SecP384r1MLKEM1024 = 4589
    # draft-yang-tls-hybrid-sm2-mlkem
    curveSM2MLKEM768 = 4590
    # before ML-KEM; IANA marks them obsolete
    X25519Kyber768Draft00 = 25497
    SecP256r1Kyber768Draft00 = 25498
    # RFC 8422
    arbitrary_explicit_prime_curves = 0xFF01
    arbitrary_explicit_char2_curves = 0xFF02

    # Never registered, but met on the wire.
    CECPQ2 = 0x4138  # Chrome's experiment of 2019
    X25519Kyber512Draft00 = 0xFE30  # Cloudflare
    X25519Kyber768Draft00Old = 0xFE31


class ECPointFormat(OpenEnum, size=1):
    """How a point is written (RFC 8422 §5.1.2)."""

    uncompressed = 0
    ansiX962_compressed_prime = 1
    ansiX962_compressed_char2 = 2


class ECCurveType(OpenEnum, size=1):
    """How a curve is named (RFC 8422 §5.4)."""

    explicit_prime = 1
    explicit_char2 = 2
    named_curve = 3
