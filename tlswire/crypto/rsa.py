"""RSA key exchange, the server's half: from the encrypted to the clear premaster secret (RFC 5246 §7.4.7.1).

Whether a key belongs to a connection is told by the modulus in the server's certificate, and proved later by
a MAC or a Finished: RSA itself cannot tell.  Since OpenSSL 3.2 a ciphertext that does not open gives bytes
made up from it (implicit rejection), before that an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tlswire.errors import DecodeError, DecryptError
from tlswire.schema.der import Element, read_element
from tlswire.schema.x509 import subject_public_key_info

PublicNumbers = tuple[int, int]
"""Modulus and exponent of an RSA key."""

_INTEGER, _BIT_STRING, _SEQUENCE = 0x02, 0x03, 0x30

_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")  # with its NULL parameters (RFC 3279 §2.3.1)
_RSA_ALGORITHMS = {
    bytes.fromhex("2a864886f70d010101"),  # rsaEncryption (RFC 8017 App. C)
    bytes.fromhex("2a864886f70d010107"),  # id-RSAES-OAEP
    bytes.fromhex("2a864886f70d01010a"),  # id-RSASSA-PSS
    bytes.fromhex("55080101"),  # id-ea-rsa (X.509 of 1988, Annex H)
}


class PremasterSource(Protocol):
    """What turns an encrypted premaster secret into the clear one.

    `name` is what users call it (a file's name); `public_numbers` are modulus and exponent of its key, None
    where they are not known: it is then tried with every certificate.
    """

    name: str
    public_numbers: PublicNumbers | None

    def decrypt(self, encrypted_pre_master_secret: bytes) -> bytes:
        """The premaster secret, 48 bytes, or what else came out; raises DecryptError `premaster_invalid`."""
        ...


class RSAKey:
    """A server's RSA private key.

    Parameters: `private_key`; `name`, what errors and evidence call it.
    """

    __slots__ = ("_private_key", "ahead", "name", "public_numbers")

    def __init__(self, private_key: RSAPrivateKey, name: str = "RSA key") -> None:
        numbers = private_key.public_key().public_numbers()
        self._private_key = private_key
        self.public_numbers: PublicNumbers | None = (numbers.n, numbers.e)
        self.name = name
        self.ahead: Callable[[bytes], bytes | None] | None = None
        """What may know a premaster secret already, by the encrypted one; None says that it does not."""

    def __repr__(self) -> str:
        return f"<RSAKey {self.name!r}, {self._private_key.key_size} bits>"

    def decrypt(self, encrypted_pre_master_secret: bytes) -> bytes:
        """The premaster secret (RFC 5246 §7.4.7.1); raises DecryptError `premaster_invalid`."""
        known = self.ahead(encrypted_pre_master_secret) if self.ahead is not None else None
        return known if known is not None else self.alone(encrypted_pre_master_secret)

    def alone(self, encrypted_pre_master_secret: bytes) -> bytes:
        """The same, without asking what may know it."""
        # Some senders strip leading zeros and some add them; the number is the same.
        size = (self._private_key.key_size + 7) // 8
        ciphertext = encrypted_pre_master_secret.lstrip(b"\0").rjust(size, b"\0")
        try:
            return self._private_key.decrypt(ciphertext, PKCS1v15())
        except ValueError as error:
            raise DecryptError("premaster_invalid") from error

    def find(self, data: bytes, most: int) -> list[bytes]:
        """What in any bytes looks like an encrypted premaster secret for this key, each once (RFC 5246 §7.4.7.1).

        Parameters: `most`, how many are looked for.  It is a guess: by the head of a ClientKeyExchange that has the
        key's length.
        """
        size = (self._private_key.key_size + 7) // 8
        head = b"\x10" + (size + 2).to_bytes(3, "big") + size.to_bytes(2, "big")
        found: dict[bytes, None] = {}
        position = data.find(head)
        while position >= 0 and len(found) < most:
            start = position + len(head)
            if start + size <= len(data):
                found[data[start : start + size]] = None
            position = data.find(head, start + size)  # so that a block of nothing but heads is not much work
        return list(found)


class CallbackKey:
    """A key that is elsewhere, in an HSM say.

    Parameters: `function` takes the encrypted premaster secret and gives the clear one; `public_numbers`, or
    `certificate` (DER) to take them from: with neither, the function is asked for every RSA key exchange;
    `name`, what errors and evidence call it.  What the function raises is not caught: it is the caller's own.
    """

    __slots__ = ("_function", "name", "public_numbers")

    def __init__(
        self,
        function: Callable[[bytes], bytes],
        *,
        certificate: bytes | None = None,
        public_numbers: PublicNumbers | None = None,
        name: str = "callback",
    ) -> None:
        self._function = function
        if certificate is not None:
            public_numbers = certificate_public_numbers(certificate)
        self.public_numbers = public_numbers
        self.name = name

    def __repr__(self) -> str:
        return f"<CallbackKey {self.name!r}>"

    def decrypt(self, encrypted_pre_master_secret: bytes) -> bytes:
        """What the function gives."""
        return self._function(encrypted_pre_master_secret)


@lru_cache(maxsize=64)  # a server sends the same certificate to all
def certificate_public_numbers(der: bytes) -> PublicNumbers | None:
    """Modulus and exponent of a certificate's RSA key; None where it has none, or cannot be read.

    Parameters: `der`, the certificate.  Only the way to its key is read (RFC 5280 §4.1), so that certificates
    which `cryptography` refuses have their key too: serial numbers, names, dates and versions out of order,
    lengths that are BER and not DER, the old algorithm of X.509, a modulus that was written as a negative number.
    """
    try:
        info = subject_public_key_info(der)
        algorithm = read_element(der, info.start, info.end)
        oid = read_element(der, algorithm.start, algorithm.end)
        if der[oid.start : oid.end] not in _RSA_ALGORITHMS:
            return None
        bits = read_element(der, algorithm.end, info.end)
        # The first octet of a BIT STRING counts the bits that are not used: none here.
        key = read_element(der, bits.start + 1, bits.end)
        modulus = read_element(der, key.start, key.end)
        exponent = read_element(der, modulus.end, key.end)
    except DecodeError:
        return None
    if (bits.tag, key.tag, modulus.tag, exponent.tag) != (_BIT_STRING, _SEQUENCE, _INTEGER, _INTEGER):
        return None
    return _unsigned(der, modulus), _unsigned(der, exponent)


def key_identifiers(numbers: PublicNumbers) -> tuple[str, str]:
    """What certificates and tools call an RSA key by, in hexadecimal.

    Parameters: `numbers`, modulus and exponent.

    First the key identifier, the SHA-1 of the key's bits (RFC 5280 §4.2.1.2, method 1); then the SHA-256 of its
    SubjectPublicKeyInfo, as pins have it (RFC 7469 §2.4).
    """
    key = _element(_SEQUENCE, b"".join(_element(_INTEGER, _two_complement(number)) for number in numbers))
    info = _element(_SEQUENCE, _RSA_ENCRYPTION + _element(_BIT_STRING, b"\0" + key))
    return hashlib.sha1(key, usedforsecurity=False).hexdigest(), hashlib.sha256(info).hexdigest()


def _two_complement(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _element(tag: int, contents: bytes) -> bytes:
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + contents


def _unsigned(der: bytes, integer: Element) -> int:
    return int.from_bytes(der[integer.start : integer.end], "big")
