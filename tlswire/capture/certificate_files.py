"""The files that people have certificates in: PEM, DER, PKCS #7 and PKCS #12.

A file is read for its certificates alone: a private key beside them is passed over, and never shown.  What is wrong
with one is said in a line that names the file.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import warnings

from cryptography.exceptions import UnsupportedAlgorithm

from tlswire.capture.keys import FileName, is_pkcs12, read_file
from tlswire.errors import SecretsError
from tlswire.schema import certificate_names

_EXPECTED = "expected certificates in PEM, DER, PKCS #7 or PKCS #12"
_PEM = re.compile(rb"-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE|PKCS7|CMS)-----(.*?)-----END \1-----", re.DOTALL)
_LARGEST = 64 << 20  # bytes; a store of all public roots has some 300 KB


def load_certificates(path: FileName, password: bytes | None = None) -> list[bytes]:
    """Loads the certificates of a file, in DER, in the order of the file; of PKCS #12 the key's own first.

    Parameters: `password`, for PKCS #12.  Raises SecretsError when the file cannot be read, holds no certificate, or
    the password is missing or wrong.  A certificate that `cryptography` refuses is taken as it is, so long as it has
    names.
    """
    name = os.fspath(path)
    data = read_file(path, _EXPECTED, _LARGEST)
    if b"-----BEGIN" in data:
        found = [der for match in _PEM.finditer(data) for der in _from_pem(match[1], match[2], name)]
    elif is_pkcs12(data):
        found = _from_pkcs12(data, password, name)
    elif certificate_names(data) is not None:
        found = [data]
    else:
        found = _from_pkcs7(data, name)
    if not found:
        raise SecretsError(f"no certificate in it; {_EXPECTED}", name)
    return found


def _from_pem(label: bytes, text: bytes, name: str) -> list[bytes]:
    try:
        der = base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise SecretsError(f"a PEM block is no base64; {_EXPECTED}", name) from error
    if label in (b"PKCS7", b"CMS"):
        return _from_pkcs7(der, name)
    if certificate_names(der) is None:
        raise SecretsError(f"a PEM block says that it is a certificate, and is none; {_EXPECTED}", name)
    return [der]


def _from_pkcs7(data: bytes, name: str) -> list[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates

    try:
        with warnings.catch_warnings():
            # OpenSSL writes the certificates as they come, and not in the order of DER: that is no one's concern here.
            warnings.simplefilter("ignore")
            return [one.public_bytes(Encoding.DER) for one in load_der_pkcs7_certificates(data)]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SecretsError(f"it cannot be read; {_EXPECTED}", name) from error


def _from_pkcs12(data: bytes, password: bytes | None, name: str) -> list[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    try:
        bundle = load_pkcs12(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        what = (
            "the password is wrong, or the file is damaged"
            if password
            else "PKCS #12 with a password, and none was given"
        )
        raise SecretsError(what, name) from error
    own = [bundle.cert] if bundle.cert is not None else []
    return [one.certificate.public_bytes(Encoding.DER) for one in (*own, *bundle.additional_certs)]
