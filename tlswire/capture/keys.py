"""The files that people have secrets in: private keys as PEM, DER or PKCS #12, key logs, passwords.

What is wrong with one is said in a line, which names the file and never holds what is in it.  Keys are not checked for
consistency when they are loaded, which would take 35 ms for one of 2048 bits (in PKCS #12 `cryptography` does it all
the same): a key is believed when it belongs to the certificate, and a MAC or a Finished proves what it decrypts.  What
is made with a key that is inconsistent verifies nowhere, and nothing is signed or encrypted here.

What reads keys is imported when there is one to read: it takes 6 ms, PKCS #12 and X.509 another 20.
"""

from __future__ import annotations

import os
import re
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tlswire.crypto import KeyLogEntry, KeyLogProblem, RSAKey, parse_key_log
from tlswire.errors import SecretsError
from tlswire.values import Value, frozen

FileName: TypeAlias = "str | os.PathLike[str]"

_LARGEST = 1 << 20  # bytes of a key file; a 16,384-bit key has 13 KB, and a chain of certificates fits beside it
_MOST_PROBLEMS = 1000  # lines of what may be a key log, before the first entry
_PEM_KEY = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_PEM_OTHER = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_EXPECTED = "expected an RSA private key in PEM, DER or PKCS #12"
# What a PKCS #12 file begins with: a SEQUENCE, and in it version 3 (RFC 7292 §4).
_PKCS12 = re.compile(rb"\x30(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL)


def load_server_keys(path: FileName, password: bytes | None = None) -> list[RSAKey]:
    """Loads the RSA private keys of a file: PEM (several keys, certificates between them), DER or PKCS #12.

    Parameters: `password`, for what is encrypted.  Raises SecretsError when the file cannot be read, holds no RSA
    private key, or the password is missing or wrong.
    """
    name = os.fspath(path)
    data = read_file(path)
    if b"-----BEGIN" in data:
        blocks = [match.group() for match in _PEM_KEY.finditer(data)]
        if not blocks:
            found = _PEM_OTHER.search(data)
            if found is None or found[1].endswith(b"PRIVATE KEY"):
                raise SecretsError(f"the PEM has no end; {_EXPECTED}", name)
            raise SecretsError(f"no private key: this is a {found[1].decode('ascii').lower()}; {_EXPECTED}", name)
        keys = [_load_pem(block, password, name) for block in blocks]
    elif is_pkcs12(data):
        keys = [_load_pkcs12(data, password, name)]
    else:
        keys = [_load_der(data, password, name)]
    rsa = [key for key in keys if isinstance(key, RSAPrivateKey)]
    if not rsa:
        kind = type(keys[0]).__name__.removesuffix("PrivateKey").removesuffix("PrivateKeyImpl") or "other"
        raise SecretsError(f"this is a key for {kind}, and only RSA key exchange can be decrypted; {_EXPECTED}", name)
    numbered = len(rsa) > 1
    return [RSAKey(key, f"{name}#{number}" if numbered else name) for number, key in enumerate(rsa, 1)]


def _load_pem(block: bytes, password: bytes | None, name: str) -> object:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    encrypted = b"ENCRYPTED" in block
    if encrypted and password is None:
        raise SecretsError("the key is encrypted, and no password was given", name)
    try:
        return load_pem_private_key(block, password if encrypted else None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SecretsError(_why(encrypted), name) from error


def _load_der(data: bytes, password: bytes | None, name: str) -> object:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        return load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    except TypeError as error:  # it wants a password
        if password is None:
            raise SecretsError("the key is encrypted, and no password was given", name) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        what = "this is a certificate" if _is_certificate(data) else "it cannot be read as one"
        raise SecretsError(f"no private key: {what}; {_EXPECTED}", name) from error
    try:
        return load_der_private_key(data, password, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SecretsError(_why(encrypted=True), name) from error


def _is_certificate(data: bytes) -> bool:
    from cryptography.x509 import load_der_x509_certificate

    try:
        load_der_x509_certificate(data)
    except ValueError:
        return False
    return True


def _load_pkcs12(data: bytes, password: bytes | None, name: str) -> object:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    try:
        key = load_pkcs12(data, password).key
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if password is None:
            raise SecretsError("PKCS #12 with a password, and none was given; or it is damaged", name) from error
        raise SecretsError(_why(encrypted=True), name) from error
    if key is None:
        raise SecretsError(f"PKCS #12 without a private key (export it with the key); {_EXPECTED}", name)
    return key


def _why(encrypted: bool) -> str:
    return "the password is wrong, or the key is damaged" if encrypted else f"the key is damaged; {_EXPECTED}"


@frozen
class KeyLog(Value):
    """The entries of a key log, and the lines that are none."""

    entries: list[KeyLogEntry]
    problems: list[KeyLogProblem]


def load_key_log(path: FileName) -> KeyLog:
    """Reads an NSS key log (SSLKEYLOGFILE), line by line; a malformed line loses no other.

    Raises SecretsError when it cannot be read, or no line of it is an entry and some line is malformed; or when its
    first 1000 are.
    """
    log = KeyLog([], [])
    try:
        with open(path, "rb") as lines:
            for found in parse_key_log(lines):
                if isinstance(found, KeyLogEntry):
                    log.entries.append(found)
                else:
                    log.problems.append(found)
                    if len(log.problems) >= _MOST_PROBLEMS and not log.entries:
                        break  # a capture, say, which may be of any length
    except OSError as error:
        raise SecretsError(_why_unreadable(error), os.fspath(path)) from error
    if log.problems and not log.entries:
        first = log.problems[0]
        raise SecretsError(f"no key log: line {first.line}: {first.message}", os.fspath(path))
    return log


def read_password(path: FileName) -> bytes:
    """The first line of a file, without its end: the password of a key.

    Raises SecretsError when the file cannot be read.
    """
    return read_file(path, "expected a password").split(b"\n", 1)[0].removesuffix(b"\r")


def is_pkcs12(data: bytes) -> bool:
    """Whether a file begins as PKCS #12 does."""
    return _PKCS12.match(data) is not None


def read_file(path: FileName, expected: str = _EXPECTED, largest: int = _LARGEST) -> bytes:
    """The whole of a small file.

    Parameters: `expected`, what it should hold; `largest`, bytes.  Raises SecretsError when it cannot be read, is
    empty, or is larger than that.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise SecretsError(_why_unreadable(error), os.fspath(path)) from error
    if len(data) > largest:
        raise SecretsError(f"over {largest} bytes long, which is too much; {expected}", os.fspath(path))
    if not data:
        raise SecretsError(f"the file is empty; {expected}", os.fspath(path))
    return data


def _why_unreadable(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot be read: {reason[:1].lower()}{reason[1:]}"
