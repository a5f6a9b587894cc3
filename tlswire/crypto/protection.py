"""Record protection, one class per construction of RFC 5246 §6.2.3: stream, block and AEAD ciphers.

Each object is one direction's current state.  `unprotect` proves what it gives back, with the record's MAC
or tag, or raises; after a failure the next record can still be tried.  One cipher context runs through all
records of a direction, since CBC needs only the block before: an explicit IV is decrypted along with the
ciphertext and its garbage dropped.  A keyed HMAC is copied for each record.

    stream    |                content            | MAC |
    block     [IV] |           content            | MAC | padding | length |
    EtM       [IV] | content | padding | length   | MAC |               RFC 7366
    AEAD      [nonce] |        content            | tag |
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import CipherContext

from tlswire.crypto.ciphers import AEAD, aead_cipher, block_cipher, stream_cipher
from tlswire.crypto.gcm import GCM
from tlswire.crypto.key_stream import KeyStream
from tlswire.errors import DecryptError
from tlswire.registry import BulkCipher, CipherSuiteParameters, MACAlgorithm, ProtocolVersion

_HEADER = struct.Struct(">QBHH")  # seq_num, type, version, length: what MAC and tag cover besides the content
_SSL3_HEADER = struct.Struct(">QBH")
_TRUNCATED_MAC = 10  # bytes, RFC 6066 §7
_HEADER_LENGTH = 5  # bytes of a record
_MAX_RECORD = _HEADER_LENGTH + (1 << 14) + 2048  # RFC 5246 §6.2.3


class RecordProtection(Protocol):
    """One direction's record protection.  `sequence_number` is the next record's."""

    sequence_number: int

    def unprotect(self, content_type: int, version: int, fragment: bytes, lost: int = 0) -> bytes:
        """The plaintext of a record (compressed, if the session compresses).

        Parameters: `content_type` and `version`, the record header's; `fragment`, at most 65,535 bytes;
        `lost`, how many records may be missing before it: so many sequence numbers are tried forward.

        Raises DecryptError `mac_failed` when nothing verifies.  `sequence_number` then is as it was, and since
        the record counted for its sender, the next one verifies with `lost` one higher; only where the MAC
        proved which record it is, but not its plaintext (`EncryptThenMAC`), is it the next record's already.
        """
        ...

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        """The fragment that a sender makes of a plaintext."""
        ...


def record_protection(
    version: ProtocolVersion,
    parameters: CipherSuiteParameters,
    mac_key: bytes,
    key: bytes,
    iv: bytes,
    *,
    encrypt_then_mac: bool = False,
    truncated_hmac: bool = False,
) -> RecordProtection:
    """One direction's protection, from its keys (`key_block`).

    Raises DecryptError `cipher_unsupported` where `cryptography` lacks the cipher.
    """
    cipher = parameters.cipher
    if cipher.kind == "aead":
        if not cipher.record_iv_length:
            return CounterNonceAEAD(cipher, aead_cipher(cipher, key), iv.ljust(12, b"\0") if iv else bytes(8))
        return ExplicitNonceAEAD(cipher, aead_cipher(cipher, key), iv)
    mac = _mac(version, parameters.mac, mac_key, truncated_hmac)
    if cipher.kind == "block":
        if encrypt_then_mac:
            return EncryptThenMAC(version, cipher, key, iv, mac)
        return MACThenEncrypt(version, cipher, key, iv, mac)
    return StreamProtection(None if cipher.kind == "null" else stream_cipher(cipher, key), mac)


# MACs


class MAC(Protocol):
    """A MAC with its key; `length` in bytes."""

    length: int

    def __call__(self, sequence_number: int, content_type: int, version: int, content: bytes) -> bytes: ...


class HMAC:
    """HMAC of a record (RFC 5246 §6.2.3.1)."""

    __slots__ = ("_keyed", "length")

    def __init__(self, hash_name: str, key: bytes, length: int) -> None:
        self._keyed = hmac.new(key, digestmod=hash_name)
        self.length = length

    def __call__(self, sequence_number: int, content_type: int, version: int, content: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(_HEADER.pack(sequence_number, content_type, version, len(content)))
        keyed.update(content)
        return keyed.digest()[: self.length]


class SSL3MAC:
    """SSL 3.0's MAC, an early HMAC over a header without version (RFC 6101 §5.2.3.1)."""

    __slots__ = ("_inner", "_outer", "length")

    def __init__(self, hash_name: str, key: bytes, length: int) -> None:
        pad = 48 if hash_name == "md5" else 40
        self._inner = hashlib.new(hash_name, key + b"\x36" * pad, usedforsecurity=False)
        self._outer = hashlib.new(hash_name, key + b"\x5c" * pad, usedforsecurity=False)
        self.length = length

    def __call__(self, sequence_number: int, content_type: int, version: int, content: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(_SSL3_HEADER.pack(sequence_number, content_type, len(content)))
        inner.update(content)
        outer.update(inner.digest())
        return outer.digest()


class NoMAC:
    """The MAC of TLS_NULL_WITH_NULL_NULL, which proves nothing: its records are never believed."""

    length = 0

    def __call__(self, sequence_number: int, content_type: int, version: int, content: bytes) -> bytes:
        raise DecryptError("mac_failed", sequence_number=sequence_number)


def _mac(version: ProtocolVersion, mac: MACAlgorithm | None, key: bytes, truncated: bool) -> MAC:
    if mac is None:
        return NoMAC()
    if mac.hash is None or mac.hash not in hashlib.algorithms_available:
        raise DecryptError("cipher_unsupported")
    if version <= ProtocolVersion.SSLv3:
        return SSL3MAC(mac.hash, key, mac.length)
    return HMAC(mac.hash, key, _TRUNCATED_MAC if truncated else mac.length)


def _verify(mac: MAC, first: int, lost: int, content_type: int, version: int, content: bytes, received: bytes) -> int:
    """The sequence number, `first` or at most `lost` behind it, with which the MAC verifies."""
    for sequence_number in range(first, first + lost + 1):
        if hmac.compare_digest(mac(sequence_number, content_type, version, content), received):
            return sequence_number
    raise DecryptError("mac_failed", sequence_number=first)


# Constructions


class StreamProtection:
    """A stream cipher, or none, and a MAC (RFC 5246 §6.2.3.1).

    Where in the key stream a record begins follows from its number and from how many bytes came before it: all of
    them but the headers are encrypted.  So after a loss (`skip`) each number that a record may have is tried with its
    place in the key stream.
    """

    __slots__ = ("_key_stream", "_mac", "_passed", "_skipped", "sequence_number")

    def __init__(self, cipher: CipherContext | None, mac: MAC) -> None:
        self._key_stream = KeyStream(cipher) if cipher is not None else None
        self._mac = mac
        # Since the last record that was proved: bytes of the stream, headers too (None: nobody knows how many); and
        # bytes of the key stream in which no record to come can begin.
        self._skipped: int | None = 0
        self._passed = 0
        self.sequence_number = 0

    @property
    def overhead(self) -> int:
        """How many bytes a record's fragment is longer than its plaintext."""
        return self._mac.length

    def skip(self, count: int | None) -> None:
        """Takes that `count` bytes of the stream are not given, headers of records among them; None: nobody knows.

        After an unknown number no record opens any more.
        """
        self._skipped = None if count is None or self._skipped is None else self._skipped + count

    def unprotect(self, content_type: int, version: int, fragment: bytes, lost: int = 0) -> bytes:
        key_stream = self._key_stream
        if key_stream is None:
            return self._proved(content_type, version, fragment, lost)
        if self._skipped != 0 or key_stream.is_kept:
            return self._find(key_stream, content_type, version, fragment, lost)
        content = key_stream.apply(fragment)
        try:
            return self._proved(content_type, version, content, 0)
        except DecryptError:
            key_stream.restore(fragment, content)
            self.skip(_HEADER_LENGTH + len(fragment))
            raise

    def _proved(self, content_type: int, version: int, content: bytes, lost: int) -> bytes:
        border = len(content) - self._mac.length
        if border < 0:
            raise DecryptError("mac_failed", sequence_number=self.sequence_number)
        plaintext, received = content[:border], content[border:]
        self.sequence_number = 1 + _verify(
            self._mac, self.sequence_number, lost, content_type, version, plaintext, received
        )
        return plaintext

    def _find(self, key_stream: KeyStream, content_type: int, version: int, fragment: bytes, lost: int) -> bytes:
        """The plaintext of a record behind a loss."""
        number, skipped = self.sequence_number, self._skipped
        failure = DecryptError("mac_failed", sequence_number=number)
        if skipped is None:
            raise failure
        fewest = -(-skipped // _MAX_RECORD)
        most = min(lost, (skipped - self._passed) // _HEADER_LENGTH)
        border = len(fragment) - self._mac.length
        if fewest <= most:
            # Later records are not before the earliest place where this one may be.
            earliest = skipped - _HEADER_LENGTH * most
            key_stream.pass_over(earliest - self._passed)
            self._passed = earliest
            for count in range(fewest, most + 1) if border >= 0 else ():
                position = skipped - _HEADER_LENGTH * count - earliest
                content = key_stream.at(position, fragment)
                expected = self._mac(number + count, content_type, version, content[:border])
                if hmac.compare_digest(expected, content[border:]):
                    key_stream.pass_over(position + len(fragment))
                    self._skipped, self._passed, self.sequence_number = 0, 0, number + count + 1
                    return content[:border]
        self.skip(_HEADER_LENGTH + len(fragment))
        raise failure

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        content = plaintext + self._mac(self.sequence_number, content_type, version, plaintext)
        self.sequence_number += 1
        return self._key_stream.apply(content) if self._key_stream is not None else content


class _CBC:
    """What both orders of encryption and MAC share: the chain of blocks and the padding."""

    __slots__ = ("_block_length", "_decryptor", "_encryptor", "_explicit", "_mac", "_ssl3", "sequence_number")

    def __init__(self, version: ProtocolVersion, cipher: BulkCipher, key: bytes, iv: bytes, mac: MAC) -> None:
        self._block_length = cipher.block_length
        self._explicit = cipher.block_length if version >= ProtocolVersion.TLSv1_1 else 0
        self._ssl3 = version <= ProtocolVersion.SSLv3
        made = block_cipher(cipher, key, iv if not self._explicit else bytes(cipher.block_length))
        self._decryptor = made.decryptor()
        self._encryptor = made.encryptor()
        self._mac = mac
        self.sequence_number = 0

    def _decrypt(self, ciphertext: bytes) -> bytes:
        """The blocks, with the explicit IV's; raises where they are no whole ones, and keeps the chain."""
        if not ciphertext or len(ciphertext) % self._block_length:
            raise DecryptError("mac_failed", sequence_number=self.sequence_number)
        return self._decryptor.update(ciphertext)

    def _padding_start(self, padded: bytes, mac_length: int) -> int:
        """Where the padding begins (RFC 5246 §6.2.3.2); raises where it is none or leaves no MAC.

        SSL 3.0 does not say what the padding's bytes are (RFC 6101 §5.2.3.2).
        """
        count = padded[-1] + 1
        start = len(padded) - count
        sound = start >= self._explicit + mac_length
        if sound and not self._ssl3:
            sound = padded.endswith(padded[-1:] * count)
        if not sound:
            raise DecryptError("mac_failed", sequence_number=self.sequence_number)
        return start

    def _encrypt(self, content: bytes) -> bytes:
        count = self._block_length - len(content) % self._block_length
        # What is encrypted in the place of the IV comes out as a random block, which is as good an IV.
        import secrets  # only whoever makes test data encrypts

        return self._encryptor.update(secrets.token_bytes(self._explicit) + content + bytes([count - 1]) * count)


class MACThenEncrypt(_CBC):
    """A CBC cipher over content, MAC and padding (RFC 5246 §6.2.3.2)."""

    __slots__ = ()

    def unprotect(self, content_type: int, version: int, fragment: bytes, lost: int = 0) -> bytes:
        padded = self._decrypt(fragment)
        mac_end = self._padding_start(padded, self._mac.length)
        border = mac_end - self._mac.length
        plaintext, received = padded[self._explicit : border], padded[border:mac_end]
        self.sequence_number = 1 + _verify(
            self._mac, self.sequence_number, lost, content_type, version, plaintext, received
        )
        return plaintext

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        mac = self._mac(self.sequence_number, content_type, version, plaintext)
        self.sequence_number += 1
        return self._encrypt(plaintext + mac)


class EncryptThenMAC(_CBC):
    """A CBC cipher over content and padding, and a MAC over that (RFC 7366 §3).

    The MAC covers the ciphertext: up to TLS 1.0, where the IV is the block before, it does not prove the first
    block of a record unless the record before was proved too.
    """

    __slots__ = ("_follows",)

    def __init__(self, version: ProtocolVersion, cipher: BulkCipher, key: bytes, iv: bytes, mac: MAC) -> None:
        super().__init__(version, cipher, key, iv, mac)
        self._follows = True  # what comes next follows a record that was proved

    def unprotect(self, content_type: int, version: int, fragment: bytes, lost: int = 0) -> bytes:
        follows, self._follows = self._follows, False
        expected = self.sequence_number
        border = max(0, len(fragment) - self._mac.length)
        ciphertext, received = fragment[:border], fragment[border:]
        padded = self._decrypt(ciphertext)
        verified = _verify(self._mac, expected, lost, content_type, version, ciphertext, received)
        self._follows = True
        if not (self._explicit or (follows and verified == expected)):
            self.sequence_number = verified + 1
            raise DecryptError("mac_failed", sequence_number=verified)
        plaintext = padded[self._explicit : self._padding_start(padded, 0)]
        self.sequence_number = verified + 1
        return plaintext

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        ciphertext = self._encrypt(plaintext)
        mac = self._mac(self.sequence_number, content_type, version, ciphertext)
        self.sequence_number += 1
        return ciphertext + mac


class ExplicitNonceAEAD:
    """GCM and CCM: the nonce is a fixed part and what the record brings (RFC 5288 §3, RFC 6655 §3)."""

    __slots__ = ("_aead", "_fixed_iv", "_overhead", "_record_iv_length", "sequence_number")

    def __init__(self, cipher: BulkCipher, aead: AEAD, fixed_iv: bytes) -> None:
        self._aead = aead
        self._fixed_iv = fixed_iv
        self._record_iv_length = cipher.record_iv_length
        self._overhead = cipher.record_iv_length + cipher.tag_length
        self.sequence_number = 0

    def unprotect(self, content_type: int, version: int, fragment: bytes, lost: int = 0) -> bytes:
        length = len(fragment) - self._overhead
        candidate = self.sequence_number
        if length >= 0:
            border = self._record_iv_length
            nonce = self._fixed_iv + fragment[:border]
            # A view costs more than a copy of 100 bytes, and less than one of 16 KB.
            ciphertext = fragment[border:] if length < 2048 else memoryview(fragment)[border:]
            last = candidate + lost
            if lost and isinstance(self._aead, GCM):
                numbers = range(candidate, last + 1)
                headers = [_HEADER.pack(number, content_type, version, length) for number in numbers]
                found = self._aead.find(nonce, ciphertext, headers)
                if found is not None:
                    self.sequence_number = candidate + found[0] + 1
                    return found[1]
                candidate = last + 1
            while candidate <= last:
                associated = _HEADER.pack(candidate, content_type, version, length)
                try:
                    plaintext = self._aead.decrypt(nonce, ciphertext, associated)
                except InvalidTag:
                    candidate += 1
                else:
                    self.sequence_number = candidate + 1
                    return plaintext
        raise DecryptError("mac_failed", sequence_number=self.sequence_number)

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        explicit = self.sequence_number.to_bytes(self._record_iv_length, "big")
        associated = _HEADER.pack(self.sequence_number, content_type, version, len(plaintext))
        self.sequence_number += 1
        return explicit + self._aead.encrypt(self._fixed_iv + explicit, plaintext, associated)


class CounterNonceAEAD:
    """ChaCha20-Poly1305: the nonce is the sequence number, padded, xor the IV (RFC 7905 §2).

    As Google had it first, there was no IV (draft-agl-tls-chacha20poly1305-04 §5), which is one of 8 zeros.  Then the
    nonce was an IV of 4 bytes and behind it the sequence number (draft-ietf-tls-chacha20-poly1305-00), which is an IV
    that ends in 8 zeros.
    """

    __slots__ = ("_aead", "_iv", "_iv_length", "_tag_length", "sequence_number")

    def __init__(self, cipher: BulkCipher, aead: AEAD, iv: bytes) -> None:
        self._aead = aead
        self._iv = int.from_bytes(iv, "big")
        self._iv_length = len(iv)
        self._tag_length = cipher.tag_length
        self.sequence_number = 0

    def _nonce(self, sequence_number: int) -> bytes:
        return (self._iv ^ sequence_number).to_bytes(self._iv_length, "big")

    def unprotect(self, content_type: int, version: int, fragment: bytes, lost: int = 0) -> bytes:
        length = len(fragment) - self._tag_length
        candidate = self.sequence_number
        if length >= 0:
            last = candidate + lost
            while candidate <= last:
                associated = _HEADER.pack(candidate, content_type, version, length)
                try:
                    plaintext = self._aead.decrypt(self._nonce(candidate), fragment, associated)
                except InvalidTag:
                    candidate += 1
                else:
                    self.sequence_number = candidate + 1
                    return plaintext
        raise DecryptError("mac_failed", sequence_number=self.sequence_number)

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        number = self.sequence_number
        associated = _HEADER.pack(number, content_type, version, len(plaintext))
        self.sequence_number += 1
        return self._aead.encrypt(self._nonce(number), plaintext, associated)
