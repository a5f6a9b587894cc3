"""The codes of groups for key exchange, and of what belongs to elliptic curves."""

from __future__ import annotations

from tlswire.registry.open_enum import OpenEnum


class NamedGroup(OpenEnum, size=2, grease=True):
    """A group for key exchange (RFC 8422 §5.1.1, RFC 7919 §2, RFC 8446 §4.2.7)."""

    secp256r1 = 23
    secp384r1 = 24
    secp521r1 = 25
    x25519 = 29
    x448 = 30
    ffdhe2048 = 256
    ffdhe3072 = 257
    ffdhe4096 = 258
    ffdhe6144 = 259
    ffdhe8192 = 260
    X25519MLKEM768 = 4588


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
