"""AEADs that `cryptography` lacks, made of what it has: GCM of any block cipher, and the first ChaCha20-Poly1305.

GCM is the cipher over counters, and GHASH, a polynomial over GF(2^128) at the point H.  A block is multiplied by H
with one table for each of its 16 bytes (Shoup's method), since multiplication is linear: 0.8 ms for 16 KB, where
bit by bit it takes 32.  The tables take 0.4 ms and 214 KB, so a key gets them only when it has more to hash than the
first record, which is all that most candidates for a key are tried with.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.poly1305 import Poly1305

TAG_LENGTH = 16  # bytes

_BLOCK = 16  # bytes
_FEW = 16  # blocks that a key hashes without tables: about as many as take the time that these do
_REDUCTION = 0xE1 << 120  # what x^128 is: 1 + x + x^2 + x^7, the lowest power in the highest bit (SP 800-38D §6.3)
_ONE = b"\x80" + bytes(15)  # the element 1 (SP 800-38D §6.3)
_LENGTHS = struct.Struct(">QQ")


class GCM:
    """A block cipher of 16 bytes in Galois/Counter Mode, with tags of 16 bytes (NIST SP 800-38D §7).

    Parameters: `algorithm`, the cipher with its key.  Raises UnsupportedAlgorithm where the backend lacks it.
    """

    __slots__ = ("_encryptor", "_hashed", "_tables")

    def __init__(self, algorithm: BlockCipherAlgorithm) -> None:
        self._encryptor = Cipher(algorithm, ECB()).encryptor()
        self._hashed = 0  # blocks, without tables
        self._tables: list[list[int]] = []

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The ciphertext and its tag.

        Parameters: `nonce`, 12 bytes.
        """
        mask, ciphertext = self._xor_stream(nonce, data)
        return ciphertext + self._tag(mask, ciphertext, associated_data or b"")

    def decrypt(self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | None) -> bytes:
        """The plaintext; raises InvalidTag.

        Parameters: `nonce`, 12 bytes; `data`, ciphertext and tag.
        """
        ciphertext, received = data[:-TAG_LENGTH], data[-TAG_LENGTH:]
        mask, plaintext = self._xor_stream(nonce, ciphertext)
        if not hmac.compare_digest(self._tag(mask, ciphertext, associated_data or b""), received):
            raise InvalidTag
        return plaintext

    def find(self, nonce: bytes, data: bytes | memoryview, headers: Sequence[bytes]) -> tuple[int, bytes] | None:
        """Which of several associated data verifies, by its number, and the plaintext; None, where none does.

        Parameters: `headers`, at least one, of one length, at most 16 bytes.  Of what is hashed one block alone
        differs, so the rest is hashed once: behind a hole a thousand sequence numbers are tried.
        """
        ciphertext, received = data[:-TAG_LENGTH], data[-TAG_LENGTH:]
        mask, _ = self._xor_stream(nonce, b"")
        wanted = _xor(received, self._tag(mask, ciphertext, bytes(len(headers[0]))))
        behind = (len(ciphertext) + _BLOCK - 1) // _BLOCK + 1  # blocks, the lengths' with them
        power = int.from_bytes(self._ghash(_ONE + bytes(_BLOCK * behind)), "big")
        times = _tables(power)
        for number, header in enumerate(headers):
            if _ghash_by_tables(times, header.ljust(_BLOCK, b"\0")) == wanted:
                return number, self._xor_stream(nonce, ciphertext)[1]
        return None

    def _xor_stream(self, nonce: bytes, data: bytes | memoryview) -> tuple[bytes, bytes]:
        """The block that hides the tag, and the data under the key stream; the nonce starts both (§7.1)."""
        last = 1 + (len(data) + _BLOCK - 1) // _BLOCK
        counters = b"".join([nonce + number.to_bytes(4, "big") for number in range(1, last + 1)])
        stream = self._encryptor.update(counters)
        return stream[:_BLOCK], _xor(data, stream[_BLOCK : _BLOCK + len(data)])

    def _tag(self, mask: bytes, ciphertext: bytes | memoryview, associated_data: bytes) -> bytes:
        lengths = _LENGTHS.pack(8 * len(associated_data), 8 * len(ciphertext))  # in bits
        padded = (associated_data, bytes(-len(associated_data) % _BLOCK), ciphertext, bytes(-len(ciphertext) % _BLOCK))
        return _xor(mask, self._ghash(b"".join((*padded, lengths))))

    def _ghash(self, blocks: bytes) -> bytes:
        """GHASH of whole blocks (§6.4)."""
        if not self._tables:
            point = int.from_bytes(self._encryptor.update(bytes(_BLOCK)), "big")
            self._hashed += len(blocks) // _BLOCK
            if self._hashed <= _FEW:
                return _ghash_by_bits(point, blocks)
            self._tables = _tables(point)
        return _ghash_by_tables(self._tables, blocks)


def _times_x(element: int) -> int:
    """The product of an element of GF(2^128) and x (SP 800-38D §6.3)."""
    return element >> 1 ^ (_REDUCTION if element & 1 else 0)


def _ghash_by_bits(point: int, blocks: bytes) -> bytes:
    product = 0
    for start in range(0, len(blocks), _BLOCK):
        block = product ^ int.from_bytes(blocks[start : start + _BLOCK], "big")
        product, power = 0, point
        for bit in range(127, -1, -1):
            if block >> bit & 1:
                product ^= power
            power = _times_x(power)
    return product.to_bytes(_BLOCK, "big")


def _ghash_by_tables(tables: list[list[int]], blocks: bytes) -> bytes:
    t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15 = tables
    from_bytes = int.from_bytes
    product = 0
    for start in range(0, len(blocks), _BLOCK):
        block = product ^ from_bytes(blocks[start : start + _BLOCK], "big")
        b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15 = block.to_bytes(_BLOCK, "big")
        product = (
            t0[b0] ^ t1[b1] ^ t2[b2] ^ t3[b3] ^ t4[b4] ^ t5[b5] ^ t6[b6] ^ t7[b7]
            ^ t8[b8] ^ t9[b9] ^ t10[b10] ^ t11[b11] ^ t12[b12] ^ t13[b13] ^ t14[b14] ^ t15[b15]
        )  # fmt: skip
    return product.to_bytes(_BLOCK, "big")


def _tables(point: int) -> list[list[int]]:
    """For each byte of a block and each value of it, its product with `point`."""
    power = point  # times x^0; each bit of a block is the next power of x
    tables = []
    for _ in range(_BLOCK):
        powers = []
        for _ in range(8):
            powers.append(power)
            power = _times_x(power)
        table = [0]
        for one in reversed(powers):  # the last bit of a byte first: each doubles the table
            table += [product ^ one for product in table]
        tables.append(table)
    return tables


class DraftChaCha20Poly1305:
    """ChaCha20-Poly1305 as Google had it first: a nonce of 8 bytes, and no padding (draft-agl-tls-chacha20poly1305-04).

    Parameters: `key`, 32 bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The ciphertext and its tag (§4).

        Parameters: `nonce`, 8 bytes.
        """
        tag_key, ciphertext = self._xor_stream(nonce, data)
        return ciphertext + _draft_tag(tag_key, ciphertext, associated_data or b"")

    def decrypt(self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | None) -> bytes:
        """The plaintext; raises InvalidTag.

        Parameters: `nonce`, 8 bytes; `data`, ciphertext and tag.
        """
        ciphertext, received = data[:-TAG_LENGTH], data[-TAG_LENGTH:]
        tag_key, plaintext = self._xor_stream(nonce, ciphertext)
        if not hmac.compare_digest(_draft_tag(tag_key, ciphertext, associated_data or b""), received):
            raise InvalidTag
        return plaintext

    def _xor_stream(self, nonce: bytes, data: bytes | memoryview) -> tuple[bytes, bytes]:
        """The key of the tag, from block 0 of the key stream, and the data under what comes from block 1 on."""
        stream = Cipher(ChaCha20(self._key, bytes(8) + nonce), None).encryptor()
        return stream.update(bytes(64))[:32], stream.update(data)


def _draft_tag(key: bytes, ciphertext: bytes | memoryview, associated_data: bytes) -> bytes:
    parts = [part for each in (associated_data, ciphertext) for part in (each, len(each).to_bytes(8, "little"))]
    return Poly1305.generate_tag(key, b"".join(parts))


def _xor(one: bytes | memoryview, other: bytes) -> bytes:
    """Two strings of the same length, each bit with its like."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(other), "big")
