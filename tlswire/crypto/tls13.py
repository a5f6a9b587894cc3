"""TLS 1.3 as far as an observer needs it: from traffic secrets to keys, records and Finished (RFC 8446 §5, §7).

The traffic secrets come from a key log, and so does nothing before them matter: no key exchange, no HKDF-Extract.  The
drafts that differ have a row in `_dialect`.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tlswire.crypto.ciphers import AEAD, aead_cipher
from tlswire.errors import DecryptError
from tlswire.registry import BulkCipher, CipherSuiteParameters, ProtocolVersion

_HEADER = struct.Struct(">BHH")  # opaque_type, legacy_record_version, length: what the tag covers (RFC 8446 §5.2)
_HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sm3": hashes.SM3()}
_MESSAGE_HASH = b"\xfe\0\0"  # its type and the beginning of its length (RFC 8446 §4.4.1)


def _dialect(version: ProtocolVersion) -> tuple[bytes, bool]:
    """The prefix of the labels, which draft 20 changed, and whether the tag covers the header, as since draft 25."""
    draft = version & 0xFF if version != ProtocolVersion.TLSv1_3 else 0xFF
    return b"tls13 " if draft >= 20 else b"TLS 1.3, ", draft >= 25


def hkdf_expand_label(
    version: ProtocolVersion,
    parameters: CipherSuiteParameters,
    secret: bytes,
    label: bytes,
    context: bytes,
    length: int,
) -> bytes:
    """`length` bytes of HKDF-Expand-Label(secret, label, context) under the suite's hash (RFC 8446 §7.1).

    Raises DecryptError `cipher_unsupported` where `cryptography` lacks the hash.
    """
    algorithm = _HASHES.get(parameters.prf_hash)
    if algorithm is None:
        raise DecryptError("cipher_unsupported")
    label = _dialect(version)[0] + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return HKDFExpand(algorithm, length, info).derive(secret)


def next_traffic_secret(version: ProtocolVersion, parameters: CipherSuiteParameters, secret: bytes) -> bytes:
    """The application traffic secret behind a KeyUpdate (RFC 8446 §7.2)."""
    return hkdf_expand_label(version, parameters, secret, b"traffic upd", b"", len(secret))


def finished_verify_data(
    version: ProtocolVersion, parameters: CipherSuiteParameters, secret: bytes, transcript_hash: bytes
) -> bytes:
    """The verify_data of a Finished (RFC 8446 §4.4.4).

    Parameters: `secret`, the sender's handshake traffic secret; behind the handshake, its application traffic secret;
    `transcript_hash`, of all messages before it.
    """
    length = len(transcript_hash)
    finished_key = hkdf_expand_label(version, parameters, secret, b"finished", b"", length)
    return hmac.digest(finished_key, transcript_hash, parameters.prf_hash)


def message_hash(parameters: CipherSuiteParameters, client_hello: bytes) -> bytes:
    """What stands for the first ClientHello in the transcript behind a HelloRetryRequest (RFC 8446 §4.4.1).

    Parameters: `client_hello`, with its header.  Raises DecryptError `cipher_unsupported` where hashlib lacks the hash.
    """
    try:
        digest = hashlib.new(parameters.prf_hash, client_hello).digest()
    except ValueError as error:
        raise DecryptError("cipher_unsupported") from error
    return _MESSAGE_HASH + bytes([len(digest)]) + digest


def traffic_protection(version: ProtocolVersion, parameters: CipherSuiteParameters, secret: bytes) -> TrafficProtection:
    """The record protection under a traffic secret (RFC 8446 §7.3).

    Raises DecryptError `cipher_unsupported` where `cryptography` lacks cipher or hash.
    """
    cipher = parameters.cipher
    key = hkdf_expand_label(version, parameters, secret, b"key", b"", cipher.key_length)
    iv = hkdf_expand_label(version, parameters, secret, b"iv", b"", cipher.fixed_iv_length)
    return TrafficProtection(cipher, aead_cipher(cipher, key), iv, covers_header=_dialect(version)[1])


class TrafficProtection:
    """One direction's records under one traffic secret (RFC 8446 §5.2).

    `unprotect` gives the content alone, without type and padding; `content_type` is then that of the record which was
    opened last, and 0 where it has none.
    """

    __slots__ = ("_aead", "_covers_header", "_iv", "_iv_length", "_tag_length", "content_type", "sequence_number")

    def __init__(self, cipher: BulkCipher, aead: AEAD, iv: bytes, *, covers_header: bool) -> None:
        self._aead = aead
        self._iv = int.from_bytes(iv, "big")
        self._iv_length = len(iv)
        self._tag_length = cipher.tag_length
        self._covers_header = covers_header
        self.content_type = 0
        self.sequence_number = 0

    def unprotect(self, content_type: int, version: int, fragment: bytes, lost: int = 0) -> bytes:
        """The content of a record; the same as `RecordProtection.unprotect`."""
        if len(fragment) > self._tag_length:
            header = _HEADER.pack(content_type, version, len(fragment)) if self._covers_header else b""
            for number in range(self.sequence_number, self.sequence_number + lost + 1):
                nonce = (self._iv ^ number).to_bytes(self._iv_length, "big")
                try:
                    inner = self._aead.decrypt(nonce, fragment, header)
                except InvalidTag:
                    continue
                self.sequence_number = number + 1
                inner = inner.rstrip(b"\0")  # the padding
                self.content_type = inner[-1] if inner else 0
                return inner[:-1]
        raise DecryptError("mac_failed", sequence_number=self.sequence_number)

    def protect(self, content_type: int, version: int, plaintext: bytes) -> bytes:
        """The fragment of a record of application data, in which `content_type` is hidden; without padding."""
        inner = plaintext + bytes([content_type])
        header = _HEADER.pack(23, version, len(inner) + self._tag_length) if self._covers_header else b""
        nonce = (self._iv ^ self.sequence_number).to_bytes(self._iv_length, "big")
        self.sequence_number += 1
        return self._aead.encrypt(nonce, inner, header)
