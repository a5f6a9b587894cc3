"""The pseudorandom functions of SSL 3.0 to TLS 1.2, and nothing else.

SSL 3.0          nested MD5 over SHA-1, letter by letter        RFC 6101 §6.1, §6.2.2
TLS 1.0, 1.1     P_MD5 xor P_SHA-1, each over half the secret   RFC 2246 §5
TLS 1.2          P_hash, the hash being the suite's             RFC 5246 §5
"""

from __future__ import annotations

import hashlib
import hmac

from tlswire.errors import DecryptError
from tlswire.registry import ProtocolVersion


def p_hash(hash_name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """`length` bytes of P_hash(secret, seed) (RFC 5246 §5).

    Parameters: `hash_name`, as hashlib names it.

    Raises DecryptError `cipher_unsupported` where hashlib lacks the hash (GOST R 34.11).
    """
    output = b""
    a = seed
    try:
        while len(output) < length:
            a = hmac.digest(secret, a, hash_name)
            output += hmac.digest(secret, a + seed, hash_name)
    except ValueError as error:
        raise DecryptError("cipher_unsupported") from error
    return output[:length]


def prf(version: ProtocolVersion, prf_hash: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """`length` bytes of PRF(secret, label, seed).

    Parameters: `version`, TLS 1.0 to 1.2 (SSL 3.0 has `ssl3_expand`); `prf_hash`, the suite's, as hashlib
    names it, which only TLS 1.2 looks at.

    Raises DecryptError `cipher_unsupported` where hashlib lacks the hash.
    """
    seed = label + seed
    if version >= ProtocolVersion.TLSv1_2:
        return p_hash(prf_hash, secret, seed, length)
    half = (len(secret) + 1) // 2  # the halves share a byte when the length is odd
    left = p_hash("md5", secret[:half], seed, length)
    right = p_hash("sha1", secret[len(secret) - half :], seed, length)
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def ssl3_expand(secret: bytes, seed: bytes, length: int) -> bytes:
    """`length` bytes of SSL 3.0's MD5(secret + SHA(letters + secret + seed)) (RFC 6101 §6.1, §6.2.2).

    Parameters: `length`, at most 416 bytes: there are 26 letters.
    """
    output = b""
    for index in range(-(-length // 16)):
        letters = bytes([ord("A") + index]) * (index + 1)
        inner = hashlib.sha1(letters + secret + seed, usedforsecurity=False).digest()
        output += hashlib.md5(secret + inner, usedforsecurity=False).digest()
    return output[:length]
