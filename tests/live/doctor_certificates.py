"""Client certificates with something peculiar to each: expired, for another purpose, of an issuer of issuers.

They verify or fail to verify in earnest, unlike those that only lend a subject to a list of names.  One RSA key is
every authority's, and one every client's.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import names
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

STORE_PASSWORD = "renegotiate"
ALWAYS = (datetime.datetime(2000, 1, 1), datetime.datetime(2099, 12, 31))
PAST = (datetime.datetime(2000, 1, 1), datetime.datetime(2020, 2, 29))
FUTURE = (datetime.datetime(2090, 1, 1), datetime.datetime(2099, 12, 31))

LISTED, UNLISTED, INTERMEDIATE = "Example Client Issuing CA", "Forgotten Issuing CA", "Example Intermediate CA"


_OTHER_USAGES = (
    "content_commitment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only",
    "decipher_only",
)  # fmt: skip


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Corporation"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


@dataclass(frozen=True)
class Kind:
    """What is peculiar to a client's certificate."""

    issuer: str = LISTED
    validity: tuple[datetime.datetime, datetime.datetime] = ALWAYS
    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    signs: bool = True  # digitalSignature in its key usage
    elliptic: bool = False
    chain: tuple[str, ...] = ()  # authorities whose certificates are sent with it


KINDS = {
    "good": Kind(),
    "forgotten": Kind(issuer=UNLISTED),
    "expired": Kind(validity=PAST),
    "future": Kind(validity=FUTURE),
    "server-only": Kind(purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)),
    "encipherment": Kind(signs=False),
    "elliptic": Kind(elliptic=True),
    "below": Kind(issuer=INTERMEDIATE),
    "below-with-chain": Kind(issuer=INTERMEDIATE, chain=(INTERMEDIATE,)),
    "forgotten-with-root": Kind(issuer=UNLISTED, chain=(UNLISTED,)),
}


class Workshop:
    """Makes authorities and what they issue."""

    def __init__(self) -> None:
        self._authority_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._client_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._elliptic_key = ec.generate_private_key(ec.SECP256R1())

    def _authority(self, common_name: str) -> x509.Certificate:
        """The root of that name; the intermediate's issuer is the listed one."""
        issuer = LISTED if common_name == INTERMEDIATE else common_name
        return (
            self._builder(_name(common_name), _name(issuer), ALWAYS, self._authority_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._authority_key, hashes.SHA256())
        )

    @staticmethod
    def _builder(
        subject: x509.Name,
        issuer: x509.Name,
        validity: tuple[datetime.datetime, datetime.datetime],
        key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .not_valid_before(validity[0])
            .not_valid_after(validity[1])
            .serial_number(x509.random_serial_number())
            .public_key(key)
        )

    def write_authorities(self, path: Path, *common_names: str) -> None:
        """Write the certificates of authorities, in order."""
        certificates = [self._authority(one) for one in common_names]
        path.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates))

    def write_client(self, folder: Path, stem: str) -> None:
        """Write the certificate of KINDS[stem], with its chain, and its key: .crt, .key and .p12."""
        kind = KINDS[stem]
        key = self._elliptic_key if kind.elliptic else self._client_key
        builder = self._builder(_name(stem), _name(kind.issuer), kind.validity, key.public_key())
        usage = dict.fromkeys(_OTHER_USAGES, False)
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=kind.signs, key_encipherment=True, **usage), critical=True
        ).add_extension(x509.ExtendedKeyUsage(kind.purposes), critical=False)
        own = builder.sign(self._authority_key, hashes.SHA256())
        others = [self._authority(one) for one in kind.chain]
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat
        (folder / f"{stem}.crt").write_bytes(b"".join(one.public_bytes(pem) for one in (own, *others)))
        (folder / f"{stem}.key").write_bytes(
            key.private_bytes(pem, form.TraditionalOpenSSL, serialization.NoEncryption())
        )
        password = serialization.BestAvailableEncryption(STORE_PASSWORD.encode())
        (folder / f"{stem}.p12").write_bytes(
            pkcs12.serialize_key_and_certificates(b"client", key, own, others, password)
        )


def cut_names(limit: int = 16_384) -> list[bytes]:
    """The names of a list as Schannel cuts it: in order, up to the first that no longer fits `limit` bytes."""
    kept: list[bytes] = []
    total = 0
    for subject in names.authority_names(300)[3:]:
        total += 2 + len(subject)
        if total > limit:
            break
        kept.append(subject)
    return kept


def respelled_issuer() -> bytes:
    """The listed issuer's name in other string types, in another case and with other white space (RFC 5280 §7.1)."""
    return names.name(
        ("C", "US", names.P), ("O", "EXAMPLE  Corporation", names.T), ("CN", "example client issuing ca ", names.P)
    )
