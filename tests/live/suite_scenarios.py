"""The captures that are there for their cipher suite: each cipher, MAC and key exchange that a peer still speaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab import Lab, Recording, Scenario
from other_scenarios import gnutls, openssl, tlslite
from with_gnutls import priority
from with_nss import tstclnt_and_openssl, with_nss
from with_scripts import with_mbedtls

KEYLOG = "-keylogfile keylog.txt"
NULL_MISSES = (("server", "new_session_ticket", 1),)  # of a renegotiation under a NULL cipher
LEGACY = "-provider legacy -provider default"


def gnutls_suite(
    name: str,
    cipher: str,
    mac: str = "AEAD",
    key_exchange: str = "RSA",
    version: str = "TLS1.2",
    flags: str = "",
    **options: Any,
) -> Scenario:
    """A capture of GnuTLS with one suite; with the client's key log where RSA does not open it."""
    with_key_log = {"keylog": True} if key_exchange != "RSA" else {}
    named = f"{key_exchange}, {cipher}" + ("" if mac == "AEAD" else f", {mac}")
    summary = named + ("; with the client's key log" if with_key_log else "")
    priorities = priority(version, cipher, mac, flags, key_exchange)
    return gnutls(f"gnutls-{name}", summary, priorities, **with_key_log, **options)


GNUTLS = [
    gnutls_suite("tls12-camellia128-sha256", "CAMELLIA-128-CBC", "SHA256"),
    gnutls_suite("tls12-camellia256-sha256-mte", "CAMELLIA-256-CBC", "SHA256", flags=":%NO_ETM"),
    gnutls_suite("tls11-camellia256", "CAMELLIA-256-CBC", "SHA1", version="TLS1.1"),
    gnutls_suite("tls12-aes128-ccm", "AES-128-CCM", client="--rehandshake"),
    gnutls_suite("tls12-aes256-ccm", "AES-256-CCM"),
    gnutls_suite("tls12-aes128-ccm8", "AES-128-CCM-8"),
    gnutls_suite("tls12-aes256-ccm8", "AES-256-CCM-8", client="--rehandshake"),
    gnutls_suite("tls12-aes256-gcm", "AES-256-GCM", client="--rehandshake"),
    gnutls_suite("tls12-aes128-etm", "AES-128-CBC", "SHA1", client="--rehandshake"),
    gnutls_suite("tls10-aes256-etm", "AES-256-CBC", "SHA1", version="TLS1.0"),
    gnutls_suite("tls12-null-md5", "NULL", "MD5"),
    gnutls_suite("tls10-3des", "3DES-CBC", "SHA1", version="TLS1.0", flags=":%NO_ETM"),
    gnutls_suite("tls11-rc4", "ARCFOUR-128", "SHA1", version="TLS1.1", client="--rehandshake"),
    gnutls_suite("tls12-ecdhe-chacha20", "CHACHA20-POLY1305", key_exchange="ECDHE-RSA", client="--rehandshake"),
    gnutls_suite("tls12-dhe-chacha20", "CHACHA20-POLY1305", key_exchange="DHE-RSA"),
    gnutls_suite("tls12-ecdsa-chacha20", "CHACHA20-POLY1305", key_exchange="ECDHE-ECDSA", server_certificate="ecdsa"),
    gnutls_suite("tls12-ecdsa-aes256-ccm8", "AES-256-CCM-8", key_exchange="ECDHE-ECDSA", server_certificate="ecdsa"),
    gnutls_suite("tls12-dhe-aes128-ccm8", "AES-128-CCM-8", key_exchange="DHE-RSA"),
    gnutls_suite("tls12-dhe-aes256-sha256", "AES-256-CBC", "SHA256", "DHE-RSA"),
    gnutls_suite("tls12-ecdhe-camellia256", "CAMELLIA-256-CBC", "SHA384", "ECDHE-RSA"),
    gnutls_suite("tls10-dss-aes128", "AES-128-CBC", "SHA1", "DHE-DSS", "TLS1.0", server_certificate="dsa"),
    gnutls_suite("tls11-dss-rc4", "ARCFOUR-128", "SHA1", "DHE-DSS", "TLS1.1", server_certificate="dsa"),
    gnutls_suite("tls10-ecdhe-3des", "3DES-CBC", "SHA1", "ECDHE-RSA", "TLS1.0"),
    gnutls_suite("tls11-ecdsa-rc4", "ARCFOUR-128", "SHA1", "ECDHE-ECDSA", "TLS1.1", server_certificate="ecdsa"),
    gnutls_suite("tls12-anon-dh", "AES-128-GCM", key_exchange="ANON-DH", client="--rehandshake"),
    gnutls_suite("tls12-anon-ecdh", "AES-256-CBC", "SHA1", "ANON-ECDH"),
]


def openssl_suite(name: str, suite: str, summary: str, *, keylog: bool = True, **options: Any) -> Scenario:
    """A capture of OpenSSL's tools with one suite, renegotiated; with the client's key log unless told otherwise."""
    client = f"{KEYLOG if keylog else ''} {options.pop('client', '')}".strip()
    steps = ["c:before", "s:answer", "c!R", "c:after", "s:the end"]
    summary += "; with the client's key log" if keylog else ""
    return openssl(f"openssl-{name}", summary, steps, suite=suite, client=client, **options)


OPENSSL = [
    openssl_suite("tls12-aes128-ccm", "AES128-CCM", "RSA, AES-128 CCM", keylog=False),
    openssl_suite("tls12-aes256-ccm8", "AES256-CCM8", "RSA, AES-256 CCM-8", keylog=False),
    openssl_suite("tls12-camellia256-sha256", "CAMELLIA256-SHA256", "RSA, Camellia-256 CBC", keylog=False),
    openssl_suite("tls12-null-md5", "NULL-MD5", "no encryption, MD5", keylog=False, misses=NULL_MISSES),
    openssl_suite("tls11-seed", "SEED-SHA", "RSA, SEED", keylog=False, version="tls1_1", server=LEGACY, client=LEGACY),
    openssl_suite("tls12-dhe-seed", "DHE-RSA-SEED-SHA", "DHE, SEED", server=LEGACY, client=LEGACY),
    openssl_suite("tls12-dhe-aes256-ccm8", "DHE-RSA-AES256-CCM8", "DHE, AES-256 CCM-8"),
    openssl_suite("tls12-dhe-aes256-gcm", "DHE-RSA-AES256-GCM-SHA384", "DHE, AES-256 GCM"),
    openssl_suite("tls12-dhe-chacha20", "DHE-RSA-CHACHA20-POLY1305", "DHE, ChaCha20-Poly1305"),
    openssl_suite("tls12-ecdhe-chacha20", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE, ChaCha20-Poly1305"),
    openssl_suite("tls12-ecdhe-aes128-sha256", "ECDHE-RSA-AES128-SHA256", "ECDHE, AES-128 CBC, SHA-256"),
    openssl_suite("tls12-ecdhe-camellia128", "ECDHE-RSA-CAMELLIA128-SHA256", "ECDHE, Camellia-128 CBC, SHA-256"),
    openssl_suite(
        "tls12-ecdsa-aes128-ccm", "ECDHE-ECDSA-AES128-CCM", "ECDHE signed by ECDSA, CCM", certificate="ecdsa"
    ),
    openssl_suite(
        "tls12-ecdsa-aes256-sha384",
        "ECDHE-ECDSA-AES256-SHA384",
        "ECDHE signed by ECDSA, AES-256 CBC, SHA-384, without encrypt-then-MAC",
        certificate="ecdsa",
        server="-no_etm",
    ),
    openssl_suite(
        "tls12-dss-aes256-sha256", "DHE-DSS-AES256-SHA256", "DHE signed by DSA, AES-256 CBC", certificate="dsa"
    ),
    openssl_suite("tls10-adh", "ADH-AES128-SHA", "anonymous Diffie-Hellman, AES-128 CBC", version="tls1"),
    openssl_suite("tls11-aecdh", "AECDH-AES256-SHA", "anonymous ECDH, AES-256 CBC", version="tls1_1"),
    openssl_suite(
        "tls10-ecdhe-null", "ECDHE-RSA-NULL-SHA", "ECDHE, and no encryption", version="tls1", misses=NULL_MISSES
    ),
]

EXTENSIONS = ("extended_master_secret", "encrypt_then_mac")
TLSLITE = [
    tlslite("tlslite-ssl30-rc4-sha", "SSL 3.0, RC4 with SHA-1", (3, 0), "rc4", "sha"),
    tlslite("tlslite-ssl30-null", "SSL 3.0 without encryption, MD5", (3, 0), "null", "md5"),
    tlslite(
        "tlslite-ssl30-dhe-aes256",
        "SSL 3.0, DHE, AES-256 CBC; with the key log",
        (3, 0),
        "aes256",
        "sha",
        key_exchange="dhe_rsa",
        keylog=True,
    ),
    tlslite("tlslite-tls10-rc4-md5", "RC4 with MD5", (3, 1), "rc4", "md5", extensions=EXTENSIONS),
    tlslite("tlslite-tls11-3des", "3DES, neither encrypt-then-MAC nor a new master secret", (3, 2), "3des", "sha"),
    tlslite("tlslite-tls12-3des-etm", "3DES, encrypt-then-MAC", (3, 3), "3des", "sha", extensions=EXTENSIONS[1:]),
    tlslite("tlslite-tls12-aes256-sha256", "AES-256 CBC, MAC-then-encrypt", (3, 3), "aes256", "sha256"),
    tlslite("tlslite-tls12-aes256-etm", "encrypt-then-MAC", (3, 3), "aes256", "sha256", extensions=EXTENSIONS),
    tlslite("tlslite-tls12-aes128-ccm", "AES-128 CCM", (3, 3), "aes128ccm", "aead", extensions=EXTENSIONS[:1]),
    tlslite("tlslite-tls12-aes256-ccm8", "AES-256 CCM-8", (3, 3), "aes256ccm_8", "aead"),
    *(
        tlslite(
            f"tlslite-tls12-{name}",
            f"{summary}; with the key log",
            (3, 3),
            cipher,
            "aead",
            key_exchange=key_exchange,
            keylog=True,
        )
        for name, summary, cipher, key_exchange in (
            ("chacha20", "ECDHE, ChaCha20-Poly1305", "chacha20-poly1305", "ecdhe_rsa"),
            ("dhe-aes128-ccm", "DHE, AES-128 CCM", "aes128ccm", "dhe_rsa"),
        )
    ),
]


def nss(name: str, summary: str, **options: Any) -> Scenario:
    """A capture of NSS's tools: the arguments of `with_nss`."""

    def run(lab: Lab) -> Recording:
        return with_nss(lab, **options)

    return Scenario(f"nss-{name}", summary, run)


NSS = [
    nss("ssl30-des", "SSL 3.0, DES", version="ssl3", suite=0x0009, negotiated="56-bit DES with 160-bit SHA1"),
    nss("ssl30-rc4-md5", "SSL 3.0, RC4", version="ssl3", suite=0x0004, negotiated="128-bit RC4 with 128-bit MD5"),
    nss("tls10-des", "TLS 1.0, DES", version="tls1.0", suite=0x0009, negotiated="56-bit DES with 160-bit SHA1"),
    nss("tls11-des", "TLS 1.1, DES", version="tls1.1", suite=0x0009, negotiated="56-bit DES with 160-bit SHA1"),
    nss("tls12-seed", "SEED", suite=0x0096, negotiated="128-bit SEED with 160-bit SHA1"),
    nss(
        "tls12-server-certificate",
        "asked for a page, the server sends HelloRequest: a second handshake with CertificateRequest",
        suite=0x0041,
        server="-rrrr",
        certificate=True,
        negotiated="-- SSL3: Certificate Validated.",
    ),
    Scenario(
        "nss-tls12-client-resumed",
        "a client of NSS renegotiates twice with OpenSSL, offering its session: abbreviated",
        lambda lab: tstclnt_and_openssl(lab, version="tls1.2", suites=":009D", renegotiations=2),
    ),
    Scenario(
        "nss-tls12-ecdhe-chacha20",
        "a client of NSS with a certificate renegotiates with OpenSSL, in full; with the server's key log",
        lambda lab: tstclnt_and_openssl(
            lab, version="tls1.2", suites=":CCA8", renegotiations=1, certificate=True, client="-G"
        ),
    ),
]


def mbedtls(name: str, summary: str, suite: int, options: str = "", **more: Any) -> Scenario:
    """A capture of Mbed TLS: the arguments of `with_mbedtls`."""

    def run(lab: Lab) -> Recording:
        return with_mbedtls(lab, suite, options, **more)

    return Scenario(f"mbedtls-{name}", f"{summary}; with the client's key log", run)


MBEDTLS = [
    mbedtls("tls12-fixed-ecdh-ecdsa", "ECDH with the certificate's key", 0xC02D, certificate="ecdsa"),
    mbedtls("tls12-fixed-ecdh-rsa", "the same, CBC", 0xC00F, "encrypt_then_mac", certificate="ecdsa"),
]
# tshark knows neither that MACs may be truncated nor the suites of a draft
NOT_BY_TSHARK = [
    mbedtls("tls12-truncated-hmac", "MACs of 10 bytes", 0x003C, "truncated_hmac"),
    mbedtls("tls12-truncated-hmac-etm", "encrypt-then-MAC, 10 bytes", 0x0035, "truncated_hmac,encrypt_then_mac"),
    tlslite(
        "tlslite-tls12-chacha20-draft",
        "ECDHE, ChaCha20-Poly1305 of draft-ietf-tls-chacha20-poly1305-00; with the key log",
        (3, 3),
        "chacha20-poly1305_draft00",
        "aead",
        key_exchange="ecdhe_rsa",
        keylog=True,
    ),
]
# A cipher that the cryptography library lacks (ARIA)
UNSUPPORTED = [
    openssl("openssl-tls12-aria128", "RSA, ARIA-128 GCM", ["c:hello", "s:hello"], suite="ARIA128-GCM-SHA256"),
    openssl(
        "openssl-tls12-ecdhe-aria256",
        "ECDHE, ARIA-256 GCM; with the client's key log",
        ["c:hello", "s:hello"],
        suite="ECDHE-ARIA256-GCM-SHA384",
        client=KEYLOG,
    ),
]
SUITES = [
    *(*GNUTLS, *OPENSSL, *TLSLITE, *NSS, *MBEDTLS),
    *(replace(scenario, tshark_decrypts=False) for scenario in NOT_BY_TSHARK),
    *(replace(scenario, tshark_decrypts=False, undecryptable="cipher_unsupported") for scenario in UNSUPPORTED),
]
