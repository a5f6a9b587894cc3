"""The captures of keys and passwords that were shared beforehand (PSK, SRP), and of Camellia in GCM with ECDHE."""

from __future__ import annotations

from typing import Any

from suite_scenarios import NULL_MISSES, gnutls_suite, openssl_suite
from with_gnutls import IDENTITY, PASSWORD, PSK

GNUTLS: dict[str, Any] = {
    "server": "--pskpasswd psk.txt",
    "client": f"--pskusername {IDENTITY} --pskkey {PSK}",
    "shared_keys": True,
}
HINT = {"server": f"-psk {PSK} -psk_hint which?", "client": f"-psk {PSK} -psk_identity {IDENTITY}"}

NO_HINT = {"server": f"-psk {PSK}", "client": HINT["client"]}

CAMELLIA = [gnutls_suite("tls12-ecdhe-camellia256-gcm", "CAMELLIA-256-GCM", key_exchange="ECDHE-RSA")]
PSKS = [
    *(
        gnutls_suite(f"tls12-{name}", cipher, mac, kind, flags=flags, **GNUTLS)
        for name, cipher, mac, kind, flags in (
            ("psk-aes128-gcm", "AES-128-GCM", "AEAD", "PSK", ""),
            ("psk-aes128-ccm8", "AES-128-CCM-8", "AEAD", "PSK", ""),
            ("psk-rc4", "ARCFOUR-128", "SHA1", "PSK", ""),
            ("rsa-psk-aes256-gcm", "AES-256-GCM", "AEAD", "RSA-PSK", ""),
            ("rsa-psk-camellia128", "CAMELLIA-128-CBC", "SHA256", "RSA-PSK", ""),
        )
    ),
    openssl_suite("tls12-psk-aes256-sha384", "PSK-AES256-CBC-SHA384", "PSK, AES-256 CBC, SHA-384, a hint", **HINT),
    openssl_suite("tls12-dhe-psk-chacha20", "DHE-PSK-CHACHA20-POLY1305", "DHE-PSK, no hint", **NO_HINT),
    openssl_suite("tls12-ecdhe-psk-aes256-sha384", "ECDHE-PSK-AES256-CBC-SHA384", "ECDHE-PSK, no hint", **NO_HINT),
    openssl_suite("tls12-rsa-psk-chacha20", "RSA-PSK-CHACHA20-POLY1305", "RSA-PSK, no hint", **NO_HINT),
    openssl_suite("tls12-dhe-psk-ccm8", "DHE-PSK-AES128-CCM8", "DHE-PSK, AES-128 CCM-8, a hint", **HINT),
    openssl_suite("tls12-psk-null-sha384", "PSK-NULL-SHA384", "PSK, and no encryption", misses=NULL_MISSES, **NO_HINT),
    openssl_suite("tls10-dhe-psk-aes128", "DHE-PSK-AES128-CBC-SHA", "DHE-PSK, a hint", version="tls1", **HINT),
    openssl_suite("tls12-ecdhe-psk-chacha20", "ECDHE-PSK-CHACHA20-POLY1305", "ECDHE-PSK, a hint", **HINT),
    openssl_suite("tls11-rsa-psk-aes256", "RSA-PSK-AES256-CBC-SHA", "RSA-PSK, a hint", version="tls1_1", **HINT),
]
SRP = [
    *(
        gnutls_suite(
            name,
            cipher,
            "SHA1",
            kind,
            version,
            server_certificate=certificate,
            server="--srppasswd tpasswd --srppasswdconf tpasswd.conf",
            client=f"--srpusername {IDENTITY} --srppasswd {PASSWORD}",
            shared_keys=True,
        )
        for name, cipher, kind, version, certificate in (
            ("tls12-srp-aes128", "AES-128-CBC", "SRP", "TLS1.2", "server"),
            ("tls12-srp-rsa-aes256", "AES-256-CBC", "SRP-RSA", "TLS1.2", "server"),
            ("tls11-srp-dss-3des", "3DES-CBC", "SRP-DSS", "TLS1.1", "dsa"),
        )
    ),
]
SHARED_KEYS = [*CAMELLIA, *PSKS, *SRP]
