"""Whether a CertificateVerify proves what it shall: that the client has the key of its certificate (RFC 5246
§7.4.8)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from tlswire.registry import ProtocolVersion, SignatureScheme

_HASHES: dict[int, type[hashes.HashAlgorithm]] = {
    1: hashes.MD5,
    2: hashes.SHA1,
    3: hashes.SHA224,
    4: hashes.SHA256,
    5: hashes.SHA384,
    6: hashes.SHA512,
}  # RFC 5246 §7.4.1.4.1
_PSS: dict[int, type[hashes.HashAlgorithm]] = {
    0x0804: hashes.SHA256,
    0x0805: hashes.SHA384,
    0x0806: hashes.SHA512,
    0x0809: hashes.SHA256,
    0x080A: hashes.SHA384,
    0x080B: hashes.SHA512,
}  # RFC 8446 §4.2.3
_CONTEXT = b" " * 64 + b"TLS 1.3, client CertificateVerify\0"  # RFC 8446 §4.4.3


def proves(
    version: ProtocolVersion,
    key: object,
    algorithm: SignatureScheme | None,
    signature: bytes,
    transcript: Sequence[bytes],
    hash_name: str = "sha256",
) -> bool | None:
    """Whether `signature` is that of `key` over the handshake; None where that cannot be told.

    Parameters: `key`, the certificate's public key; `algorithm`, None before TLS 1.2; `transcript`, the messages
    before CertificateVerify, with their headers; `hash_name`, the suite's hash, which TLS 1.3 looks at.  SSL 3.0,
    which signs the master secret too, and what `cryptography` lacks cannot be told.
    """
    messages = b"".join(transcript)
    if version <= ProtocolVersion.SSLv3:
        return None
    if version.is_tls13:
        messages = _CONTEXT + hashlib.new(hash_name, messages).digest()
    try:
        if algorithm is None:
            return _proves_without_algorithm(key, signature, messages)
        return _proves(key, int(algorithm), signature, messages)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError):
        return None


def _proves_without_algorithm(key: object, signature: bytes, messages: bytes) -> bool | None:
    """TLS 1.0 and 1.1: RSA over MD5 and SHA-1 without saying so, the others over SHA-1 (RFC 4346 §7.4.8)."""
    if isinstance(key, rsa.RSAPublicKey):
        signed = key.recover_data_from_signature(signature, padding.PKCS1v15(), None)
        md5 = hashlib.md5(messages, usedforsecurity=False).digest()
        return signed == md5 + hashlib.sha1(messages, usedforsecurity=False).digest()
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, messages, ec.ECDSA(hashes.SHA1()))
        return True
    if isinstance(key, dsa.DSAPublicKey):
        key.verify(signature, messages, hashes.SHA1())
        return True
    return None


def _proves(key: object, scheme: int, signature: bytes, messages: bytes) -> bool | None:
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        if scheme not in (SignatureScheme.ed25519, SignatureScheme.ed448):
            return False
        key.verify(signature, messages)
        return True
    if isinstance(key, rsa.RSAPublicKey) and scheme in _PSS:
        algorithm = _PSS[scheme]()
        key.verify(signature, messages, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)
        return True
    kind = _HASHES.get(scheme >> 8)
    if kind is None:
        return None
    if isinstance(key, rsa.RSAPublicKey) and scheme & 0xFF == 1:
        key.verify(signature, messages, padding.PKCS1v15(), kind())
    elif isinstance(key, dsa.DSAPublicKey) and scheme & 0xFF == 2:
        key.verify(signature, messages, kind())
    elif isinstance(key, ec.EllipticCurvePublicKey) and scheme & 0xFF == 3:
        key.verify(signature, messages, ec.ECDSA(kind()))
    else:
        return False  # a scheme that this key cannot sign with
    return True
