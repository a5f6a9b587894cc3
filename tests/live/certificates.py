"""Keys and certificates for both peers, and CA certificates whose subject is any DER at all.

Validity is 2000 to 2099: captures are replayed for ever.  One RSA key signs as every CA, because nobody
checks the signatures of the certificates that only lend their subject to a CertificateRequest.
The server's key is made once per output directory and kept there; all else is made afresh each time.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import der
import names
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_der_x509_certificate

NOT_BEFORE = "20000101000000Z"
NOT_AFTER = "20991231235959Z"
SHA256_WITH_RSA = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.tlv(0x05))
PASSWORD = "renegotiate"
CONTAINERS = [
    {"file": "server.pem", "form": "PEM, PKCS #1"},
    {"file": "server.der", "form": "DER, PKCS #8"},
    {"file": "server-encrypted.pem", "form": "PEM, PKCS #8, encrypted", "password": PASSWORD},
    {"file": "server.p12", "form": "PKCS #12", "password": PASSWORD},
]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey
SERVER_ADDRESSES = (bytes([10, 10, 10, 15]), bytes.fromhex("fd0a000a000a00000000000000000015"))


def certificate(
    subject: bytes,
    public_key: PublicKey,
    issuer: bytes,
    issuer_key: rsa.RSAPrivateKey,
    *,
    authority: bool = False,
    alternative_names: tuple[str | bytes, ...] = (),
) -> bytes:
    """The DER of a certificate; `alternative_names` are DNS names (str) and addresses (4 or 16 bytes)."""
    spki = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    true = der.tlv(0x01, b"\xff")
    extensions = []
    if authority:
        basic_constraints = der.tlv(0x04, der.sequence(true))
        extensions.append(der.sequence(der.oid("2.5.29.19"), true, basic_constraints))
    if alternative_names:
        general_names = der.sequence(
            *(
                der.tlv(0x82, entry.encode()) if isinstance(entry, str) else der.tlv(0x87, entry)
                for entry in alternative_names
            )
        )
        extensions.append(der.sequence(der.oid("2.5.29.17"), der.tlv(0x04, general_names)))
    serial = int.from_bytes(hashlib.sha256(subject + issuer + spki).digest()[:8], "big")
    to_be_signed = der.sequence(
        der.tlv(0xA0, der.integer(2)),  # version 3
        der.integer(serial),
        SHA256_WITH_RSA,
        issuer,
        der.sequence(der.time(NOT_BEFORE), der.time(NOT_AFTER)),
        subject,
        spki,
        *([der.tlv(0xA3, der.sequence(*extensions))] if extensions else []),
    )
    signature = issuer_key.sign(to_be_signed, padding.PKCS1v15(), hashes.SHA256())
    return der.sequence(to_be_signed, SHA256_WITH_RSA, der.bit_string(signature))


def pem(certificate_der: bytes) -> bytes:
    """A certificate in PEM, without parsing it."""
    body = base64.encodebytes(certificate_der)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


def new_key() -> rsa.RSAPrivateKey:
    """A fresh RSA key of 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: PrivateKey) -> bytes:
    """A key in PEM in its traditional form (for RSA PKCS #1), in the clear."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


class Authority:
    """Issues what the peers need: `server`, `client`, `unlisted`, and CA certificates for given names."""

    def __init__(self, keys: Path) -> None:
        """Load the server's key from the folder `keys`, or make it there, in every container users have."""
        keys.mkdir(parents=True, exist_ok=True)
        self._key = new_key()
        path = keys / "server.pem"
        if path.exists():
            server_key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            assert isinstance(server_key, rsa.RSAPrivateKey)
            self._server_key = server_key
        else:
            self._server_key = new_key()
            path.write_bytes(private_pem(self._server_key))
            self._write_other_containers(keys)

    def _server_certificate(self, key: PrivateKey) -> bytes:
        return certificate(
            names.name(("C", "US", der.PRINTABLE), ("CN", "www.example.test", der.UTF8)),
            key.public_key(),
            names.SERVER_ISSUER,
            self._key,
            alternative_names=("www.example.test", *SERVER_ADDRESSES),
        )

    def _write_other_containers(self, keys: Path) -> None:
        password = serialization.BestAvailableEncryption(PASSWORD.encode())
        private = self._server_key.private_bytes
        encoding, form = serialization.Encoding, serialization.PrivateFormat
        (keys / "server.der").write_bytes(private(encoding.DER, form.PKCS8, serialization.NoEncryption()))
        (keys / "server-encrypted.pem").write_bytes(private(encoding.PEM, form.PKCS8, password))
        x509 = load_der_x509_certificate(self._server_certificate(self._server_key))
        (keys / "server.p12").write_bytes(
            pkcs12.serialize_key_and_certificates(b"server", self._server_key, x509, None, password)
        )
        (keys / "unrelated.pem").write_bytes(private_pem(new_key()))
        (keys / "keys.json").write_text(json.dumps(CONTAINERS, indent=1) + "\n")

    def write_peers(self, folder: Path) -> None:
        """Write `server`, `client` and `unlisted` (.crt and .key), and `issuers.pem`, the trusted CAs.

        `ecdsa` and `dsa` are the server's with other keys, which no capture needs for its decryption.
        The issuer of `unlisted` is trusted, but no server names it in its CertificateRequest.
        """
        for stem, server_key in (
            ("server", self._server_key),
            ("ecdsa", ec.generate_private_key(ec.SECP256R1())),
            ("dsa", dsa.generate_private_key(2048)),
        ):
            (folder / f"{stem}.key").write_bytes(private_pem(server_key))
            (folder / f"{stem}.crt").write_bytes(pem(self._server_certificate(server_key)))
        for stem, issuer in (("client", names.CLIENT_ISSUER), ("unlisted", names.UNLISTED_ISSUER)):
            key = new_key()
            subject = names.name(
                ("C", "US", der.PRINTABLE),
                ("O", "Example Corporation", der.PRINTABLE),
                ("CN", f"{stem} one", der.UTF8),
            )
            (folder / f"{stem}.key").write_bytes(private_pem(key))
            (folder / f"{stem}.crt").write_bytes(pem(certificate(subject, key.public_key(), issuer, self._key)))
        self.write_authorities(folder / "issuers.pem", [names.CLIENT_ISSUER, names.UNLISTED_ISSUER])
        self.write_authorities(folder / "listed-issuer.pem", [names.CLIENT_ISSUER])
        self.write_authorities(folder / "server-issuer.pem", [names.SERVER_ISSUER])

    def write_authorities(self, path: Path, subjects: list[bytes]) -> None:
        """Write one self-signed CA certificate per name, in order."""
        public = self._key.public_key()
        path.write_bytes(
            b"".join(pem(certificate(subject, public, subject, self._key, authority=True)) for subject in subjects)
        )
