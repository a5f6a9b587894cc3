"""The captures of TLS 1.3; all have a key log, since nothing else opens them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab import Lab, Recording, Scenario
from other_scenarios import tlslite
from with_gnutls import with_gnutls
from with_nss import tstclnt_and_openssl
from with_tls13 import Client, with_tls13

CLIENT_CERTIFICATE = "-cert client.crt -key client.key"
LINES = ["c:before", "s:answer", "c:after", "s:the end"]


def openssl(name: str, summary: str, *clients: Client, misses: Any = (), **options: Any) -> Scenario:
    """A capture of OpenSSL's tools: the arguments of `with_tls13`."""

    def run(lab: Lab) -> Recording:
        return with_tls13(lab, list(clients), **options)

    return Scenario(f"openssl-tls13-{name}", summary, run, tshark_misses=misses)


OPENSSL = [
    *(
        openssl(name, summary, Client(LINES), suite=suite)
        for name, summary, suite in (
            ("aes128-gcm", "AES-128 GCM", "TLS_AES_128_GCM_SHA256"),
            ("aes256-gcm", "AES-256 GCM", "TLS_AES_256_GCM_SHA384"),
            ("chacha20", "ChaCha20-Poly1305", "TLS_CHACHA20_POLY1305_SHA256"),
            ("aes128-ccm", "AES-128 CCM", "TLS_AES_128_CCM_SHA256"),
            ("aes128-ccm8", "AES-128 CCM-8", "TLS_AES_128_CCM_8_SHA256"),
        )
    ),
    openssl(
        "hello-retry",
        "HelloRetryRequest: the client offers a share of a group that the server refuses",
        Client(LINES, "-groups X25519:P-256"),
        server="-groups P-256",
    ),
    openssl(
        "key-updates",
        "KeyUpdate by the client and by the server, asked for and not",
        Client(
            [
                *("c:one", "s:two", "ck", "c:three", "s:four", "sk", "s:five", "c:six", "cK", "c:seven", "s:eight"),
                *("c:nine", "sK", "s:ten", "c:eleven", "s:the end"),
            ]
        ),
        suite="TLS_AES_256_GCM_SHA384",
    ),
    openssl(
        "client-certificate",
        "a certificate is asked for in the handshake, with the names of three CAs",
        Client(LINES, CLIENT_CERTIFICATE),
        server="-Verify 2",
    ),
    openssl(
        "no-certificate",
        "a certificate is asked for in the handshake, and the client has none",
        Client(LINES),
        server="-verify 2",
    ),
    openssl(
        "250-names",
        "a certificate is asked for in the handshake, with the names of 250 CAs, 34 KB over three records",
        Client(LINES, CLIENT_CERTIFICATE),
        server="-Verify 2",
        accepted=250,
    ),
    openssl(
        "post-handshake",
        "a certificate is asked for after the handshake",
        Client(["c:before", "s:answer", "s?", "s:the end"], f"{CLIENT_CERTIFICATE} -enable_pha"),
        misses=(("client", "close_notify", 0),),
    ),
    replace(
        openssl(
            "post-handshake-twice",
            "a certificate is asked for in the handshake, and twice thereafter; the names of 40 CAs each time",
            Client(["c:before", "s?", "s:answer", "c:after", "s?", "s:the end"], f"{CLIENT_CERTIFICATE} -enable_pha"),
            server="-Verify 2",
            accepted=40,
        ),
        tshark_decrypts=False,
    ),
    openssl(
        "resumed",
        "the second connection is resumed by a ticket",
        Client(LINES, "-sess_out session.pem"),
        Client(LINES, "-sess_in session.pem"),
        suite="TLS_AES_256_GCM_SHA384",
    ),
    openssl(
        "early-data",
        "the second connection is resumed by a ticket, and its early data is accepted",
        Client(LINES, "-sess_out session.pem"),
        Client(LINES, "-sess_in session.pem", early="accepted"),
        server="-early_data",
    ),
    openssl(
        "early-data-rejected",
        "the second connection offers a ticket and early data to a server that knows nothing of it: both are rejected",
        Client(LINES, "-sess_out session.pem"),
        Client(LINES, "-sess_in session.pem", early="rejected"),
        server="-early_data",
        restart=True,
    ),
    openssl(
        "early-data-hello-retry",
        "the second connection is resumed after HelloRetryRequest, which rejects its early data",
        Client(LINES, "-sess_out session.pem -groups P-256"),
        Client(LINES, "-sess_in session.pem -groups X25519:P-256", early="rejected"),
        server="-early_data -groups P-256",
    ),
    openssl(
        "fragments",
        "records of at most 512 bytes: EncryptedExtensions to Finished, and CertificateRequest, over many of them",
        Client(LINES, f"{CLIENT_CERTIFICATE} -max_send_frag 512"),
        server="-Verify 2 -max_send_frag 512",
        accepted=40,
    ),
    openssl(
        "padded",
        "records padded to a multiple of 256 bytes",
        Client(LINES, "-record_padding 256"),
        server="-record_padding 256",
        suite="TLS_CHACHA20_POLY1305_SHA256",
    ),
    openssl(
        "no-middlebox",
        "without middlebox compatibility: no ChangeCipherSpec",
        Client(LINES, "-no_middlebox"),
        server="-no_middlebox",
    ),
    openssl("ecdsa", "the server signs by ECDSA", Client(LINES), certificate="ecdsa"),
    openssl(
        "psk-external",
        "a key that was shared beforehand, with Diffie-Hellman",
        Client(LINES, "-psk 0123456789abcdef0123456789abcdef -psk_identity client.one"),
        server="-psk 0123456789abcdef0123456789abcdef -psk_identity client.one",
    ),
    openssl(
        "psk-only",
        "the second connection is resumed by a ticket, without Diffie-Hellman",
        Client(LINES, "-sess_out session.pem"),
        Client(LINES, "-sess_in session.pem -allow_no_dhe_kex"),
        server="-allow_no_dhe_kex",
    ),
]


def gnutls(
    name: str, summary: str, cipher: str = "AES-128-GCM", flags: str = "", *, misses: Any = (), **options: Any
) -> Scenario:
    """A capture of GnuTLS's tools: the arguments of `with_gnutls`."""
    versions = "NONE:+VERS-TLS1.3"
    usual = "+AEAD:+COMP-NULL:+SIGN-ALL:+CTYPE-ALL"
    groups = options.pop("groups", "+GROUP-ALL")
    priorities, served = (
        f"{versions}:+{cipher}:{usual}:{offered}{flags}" for offered in (groups, options.pop("server_groups", groups))
    )
    lines = options.pop("lines", ["hello", "goodbye"])

    def run(lab: Lab) -> Recording:
        return with_gnutls(lab, lines, priorities=priorities, server_priorities=served, keylog=True, **options)

    return Scenario(f"gnutls-tls13-{name}", summary, run, tshark_misses=misses)


GNUTLS = [
    gnutls("aes256-gcm", "AES-256 GCM", "AES-256-GCM"),
    gnutls("chacha20", "ChaCha20-Poly1305", "CHACHA20-POLY1305"),
    gnutls("aes128-ccm", "AES-128 CCM", "AES-128-CCM"),
    gnutls("aes128-ccm8", "AES-128 CCM-8", "AES-128-CCM-8"),
    gnutls("client-certificate", "a certificate is asked for in the handshake", certificate=True),
    gnutls("no-middlebox", "without middlebox compatibility: no ChangeCipherSpec", flags=":%DISABLE_TLS13_COMPAT_MODE"),
    gnutls(
        "hello-retry",
        "HelloRetryRequest",
        groups="+GROUP-X25519:+GROUP-SECP384R1",
        server_groups="+GROUP-SECP384R1",
    ),
    gnutls(
        "resumed", "the second connection is resumed by a ticket", client="--resume", connections=2, witness="server"
    ),
]


def tlslite_suite(name: str, summary: str, cipher: str = "aes128gcm", **options: Any) -> Scenario:
    """A capture of tlslite-ng: the arguments of `tlslite`."""
    options = {"key_exchange": "ecdhe_rsa", "keylog": True} | options
    return tlslite(f"tlslite-tls13-{name}", summary, (3, 4), cipher, "aead", **options)


TLSLITE = [
    tlslite_suite("aes256-gcm", "AES-256 GCM", "aes256gcm"),
    tlslite_suite("chacha20", "ChaCha20-Poly1305", "chacha20-poly1305"),
    tlslite_suite(
        "key-updates",
        "KeyUpdate by both sides",
        server=(
            "read:ping",
            "key_update:0",
            "write:pong",
            "read:more",
            "key_update:1",
            "write:last",
            "read:end",
            "close",
        ),
        client=("write:ping", "read:pong", "key_update:1", "write:more", "read:last", "write:end", "close"),
    ),
    tlslite_suite("padded", "each record padded with 100 bytes", padding=100),
    tlslite_suite("psk", "a key that was shared beforehand", psk=("client.one", "0123456789abcdef0123456789abcdef")),
    tlslite_suite(
        "compressed-certificate", "the certificates are compressed (RFC 8879)", compression=["zlib"], certificate=True
    ),
    tlslite_suite("client-certificate", "a certificate is asked for", certificate=True, accepted=[]),
]


def nss(name: str, summary: str, suite: int, *, misses: Any = (), **options: Any) -> Scenario:
    """A capture of NSS's client and OpenSSL's server: the arguments of `tstclnt_and_openssl`."""

    def run(lab: Lab) -> Recording:
        return tstclnt_and_openssl(lab, version="tls1.3", suites=f":{suite:04X}", **options)

    return Scenario(f"nss-tls13-{name}", f"{summary}; with the server's key log", run, tshark_misses=misses)


NSS = [
    nss("aes256-gcm", "a client of NSS, which sends no ChangeCipherSpec", 0x1302),
    nss("chacha20", "a client of NSS with a certificate, which the server asks for", 0x1303, certificate=True),
    nss(
        "post-handshake",
        "a client of NSS is asked for its certificate after the handshake",
        0x1301,
        certificate=True,
        asked_later=True,
        client="-E",
    ),
]
TLS13 = [*OPENSSL, *GNUTLS, *TLSLITE, *NSS]
