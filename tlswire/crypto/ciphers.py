"""Which of `cryptography`'s ciphers is which of the registry's, and what it lacks.

Old ciphers move from module to module as `cryptography` ages, and its backend may be built without some; so
what is there is asked when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tlswire.crypto.gcm import GCM, DraftChaCha20Poly1305
from tlswire.errors import DecryptError
from tlswire.registry import BulkCipher


class AEAD(Protocol):
    """An authenticated cipher with its key."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | None) -> bytes: ...


def _old(name: str) -> Callable[[bytes], Any]:
    def make(key: bytes) -> Any:
        from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit

        found = getattr(decrepit, name, None)
        if found is None:  # before it became decrepit
            from cryptography.hazmat.primitives.ciphers import algorithms

            found = getattr(algorithms, name, None)
        if found is None:  # after it was removed
            raise DecryptError("cipher_unsupported")
        return found(key)

    return make


_triple_des = _old("TripleDES")
_camellia = _old("Camellia")
_sm4 = _old("SM4")

_BLOCK: dict[str, Callable[[bytes], Any]] = {
    "AES_128_CBC": AES,
    "AES_256_CBC": AES,
    "3DES_EDE_CBC": _triple_des,
    "DES_CBC": lambda key: _triple_des(key * 3),  # three times the same key is once DES
    "DES40_CBC": lambda key: _triple_des(key * 3),
    "CAMELLIA_128_CBC": _camellia,
    "CAMELLIA_256_CBC": _camellia,
    "SEED_CBC": _old("SEED"),
    "IDEA_CBC": _old("IDEA"),
    "SM4_CBC": _sm4,
    # The effective key has 128 bits in all three: an export suite expands its 5 or 7 bytes to 16 (RFC 2246 §6.3.1).
    "RC2_CBC": _old("RC2"),
    "RC2_CBC_40": _old("RC2"),
    "RC2_CBC_56": _old("RC2"),
}

_STREAM: dict[str, Callable[[bytes], Any]] = {
    "RC4_128": _old("ARC4"),
    "RC4_56": _old("ARC4"),
    "RC4_40": _old("ARC4"),
}

_AEAD: dict[str, Callable[[bytes], AEAD]] = {
    "AES_128_GCM": AESGCM,
    "AES_256_GCM": AESGCM,
    "AES_128_CCM": AESCCM,
    "AES_256_CCM": AESCCM,
    "AES_128_CCM_8": lambda key: AESCCM(key, tag_length=8),
    "AES_256_CCM_8": lambda key: AESCCM(key, tag_length=8),
    "CAMELLIA_128_GCM": lambda key: GCM(_camellia(key)),
    "CAMELLIA_256_GCM": lambda key: GCM(_camellia(key)),
    "SM4_GCM": lambda key: GCM(_sm4(key)),
    "CHACHA20_POLY1305": ChaCha20Poly1305,
    "OLD_CHACHA20_POLY1305": DraftChaCha20Poly1305,
    "CHACHA20_POLY1305_draft_00": ChaCha20Poly1305,
}


def block_cipher(cipher: BulkCipher, key: bytes, iv: bytes) -> Cipher[CBC]:
    """The cipher in CBC mode; raises DecryptError `cipher_unsupported` where `cryptography` lacks it."""
    made: Cipher[CBC] = _make(cipher, _BLOCK, key, lambda algorithm: Cipher(algorithm, CBC(iv)))
    return made


def stream_cipher(cipher: BulkCipher, key: bytes) -> CipherContext:
    """The running key stream; raises DecryptError `cipher_unsupported` where `cryptography` lacks it."""
    made: CipherContext = _make(cipher, _STREAM, key, lambda algorithm: Cipher(algorithm, None).encryptor())
    return made


def aead_cipher(cipher: BulkCipher, key: bytes) -> AEAD:
    """The AEAD; raises DecryptError `cipher_unsupported` where `cryptography` lacks it."""
    made: AEAD = _make(cipher, _AEAD, key, lambda algorithm: algorithm)
    return made


def _make(
    cipher: BulkCipher, table: dict[str, Callable[[bytes], Any]], key: bytes, finish: Callable[[Any], Any]
) -> Any:
    algorithm = table.get(cipher.name)
    if algorithm is None:
        raise DecryptError("cipher_unsupported")
    try:
        made = finish(algorithm(key))
        if isinstance(made, Cipher):
            made.decryptor()  # the backend is asked only here
    except UnsupportedAlgorithm as error:
        raise DecryptError("cipher_unsupported") from error
    return made
