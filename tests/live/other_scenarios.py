"""The captures of OpenSSL's own tools, GnuTLS, wget and tlslite-ng: what Apache and curl do not do."""

from __future__ import annotations

from typing import Any

import names
from lab import KEYLOG, Lab, Recording, Scenario
from with_gnutls import priority, wget_and_apache, with_gnutls
from with_openssl import with_openssl
from with_scripts import with_openssl_library, with_tlslite

CLIENT_CERTIFICATE = "-cert client.crt -key client.key"


def openssl(name: str, summary: str, steps: list[str], *, misses: Any = (), **options: Any) -> Scenario:
    """A capture of `openssl s_server` and `s_client`: the arguments of `with_openssl`."""

    def run(lab: Lab) -> Recording:
        return with_openssl(lab, steps, **options)

    return Scenario(name, summary, run, tshark_misses=misses)


OPENSSL = [
    openssl(
        "openssl-tls12-client-full",
        "the client renegotiates, in full",
        ["c:before", "s:answer", "c!R", "c:after", "s:the end"],
        suite="AES128-GCM-SHA256",
    ),
    openssl(
        "openssl-tls10-client-full-certificate",
        "a certificate is asked for in the first handshake; the client renegotiates, and none is asked for",
        ["c:before", "s:answer", "c!R", "c:after", "s:the end"],
        version="tls1",
        server="-Verify 2",
        client=CLIENT_CERTIFICATE,
    ),
    openssl(
        "openssl-tls12-server-abbreviated-ticket",
        "the server sends HelloRequest; the client's ClientHello offers its ticket: abbreviated",
        ["c:before", "s:answer", "s!r", "c:after", "s:the end"],
    ),
    openssl(
        "openssl-tls11-server-abbreviated-id",
        "the server sends HelloRequest; the client's ClientHello offers its session ID: abbreviated",
        ["c:before", "s:answer", "s!r", "c:after", "s:the end"],
        version="tls1_1",
        suite="AES256-SHA",
        server="-no_ticket",
    ),
    openssl(
        "openssl-tls12-server-abbreviated-no-request",
        "the server wants a certificate now, but the client's ticket is accepted: no CertificateRequest",
        ["c:before", "s!R", "c:after", "s:the end"],
        client=CLIENT_CERTIFICATE,
    ),
    openssl(
        "openssl-tls12-server-full-certificate",
        "the server sends HelloRequest and allows no resumption: in full, with CertificateRequest",
        ["c:before", "s!R", "c:after", "s:the end"],
        suite="AES256-SHA256",
        server="-no_resumption_on_reneg",
        client=CLIENT_CERTIFICATE,
    ),
    openssl(
        "openssl-tls12-six-epochs",
        "renegotiated by the client and by the server, in full and abbreviated, five times on one connection",
        [
            *("c:line one", "c!R", "c:line two", "s!r", "s:line three", "c!R", "c:line four"),
            *("s!R", "c:line five", "s!r", "c:line six", "s:the end"),
        ],
    ),
    openssl(
        "openssl-tls12-no-renegotiation",
        "HelloRequest is answered with the alert no_renegotiation; OpenSSL's server gives up then",
        ["c:before", "s:answer", "s?r"],
        client="-no_renegotiation",
    ),
    openssl(
        "openssl-tls12-fragments",
        "records of at most 512 bytes: Certificate and CertificateRequest over many of them, in both epochs",
        ["c:before", "s!R", "c:after", "s:the end"],
        server="-max_send_frag 512 -no_resumption_on_reneg",
        client=f"{CLIENT_CERTIFICATE} -max_send_frag 512",
        accepted=40,
    ),
    openssl(
        "openssl-tls12-mac-then-encrypt",
        "without encrypt-then-MAC",
        ["c:before", "s:answer", "s!r", "c:after"],
        suite="AES128-SHA256",
        server="-no_etm",
    ),
    openssl(
        "openssl-tls12-null-sha256",
        "a suite without encryption, renegotiated",
        ["c:in the clear", "s:but with a MAC", "c!R", "c:after"],
        suite="NULL-SHA256",
        misses=(("server", "new_session_ticket", 1),),
    ),
    openssl(
        "openssl-tls10-null-sha",
        "a suite without encryption",
        ["c:in the clear", "s:but with a MAC"],
        version="tls1",
        suite="NULL-SHA",
    ),
    openssl(
        "openssl-tls12-ecdhe-cbc-sha384",
        "AES-256 CBC with SHA-384, which only ECDHE suites have; with the client's key log",
        ["c:before", "s!r", "c:after"],
        suite="ECDHE-RSA-AES256-SHA384",
        client="-keylogfile keylog.txt",
    ),
    openssl("openssl-tls12-camellia", "Camellia-128 CBC", ["c:hello", "s:hello"], suite="CAMELLIA128-SHA"),
    openssl(
        "openssl-tls12-resumed-ticket",
        "six connections, five of them resumed by ticket; the last renegotiates",
        ["c:before", "c!R", "c:after"],
        client="-reconnect",
        connections=6,
    ),
    openssl(
        "openssl-tls12-resumed-id",
        "six connections, five of them resumed by session ID",
        ["c:hello", "s:hello"],
        server="-no_ticket",
        client="-reconnect",
        connections=6,
    ),
]


def library(name: str, summary: str, steps: list[str], **options: Any) -> Scenario:
    """A capture of a client on OpenSSL's library and s_server: the arguments of `with_openssl_library`."""

    def run(lab: Lab) -> Recording:
        return with_openssl_library(lab, steps, **options)

    return Scenario(name, summary, run)


LIBRARY = [
    library(
        "openssl-tls12-client-abbreviated-ticket",
        "the client renegotiates and offers its ticket: abbreviated",
        ["write:before\n", "abbreviated", "write:after\n", "server:the end", "read:the end", "close"],
    ),
    library(
        "openssl-tls10-client-abbreviated-id",
        "the client renegotiates and offers its session ID: abbreviated; then once more, in full",
        ["write:before\n", "abbreviated", "write:between\n", "full", "write:after\n", "close"],
        version="TLSv1",
        ticket=False,
    ),
    library(
        "openssl-tls12-hello-request-ignored",
        "the server sends HelloRequest, the client never answers it and goes on sending data",
        ["write:before\n", "server:answer", "read:answer", "server!r", "write:unimpressed\n", "close"],
        unread=1,
    ),
]


def gnutls(name: str, summary: str, priorities: str, **options: Any) -> Scenario:
    """A capture of `gnutls-serv --echo` and `gnutls-cli`: the arguments of `with_gnutls`."""

    def run(lab: Lab) -> Recording:
        return with_gnutls(lab, ["hello", "goodbye"], priorities=priorities, **options)

    return Scenario(name, summary, run)


GNUTLS = [
    gnutls("gnutls-tls10-rc4", "RC4 with SHA-1", priority("TLS1.0", "ARCFOUR-128", "SHA1")),
    gnutls("gnutls-tls12-rc4-md5", "RC4 with MD5", priority("TLS1.2", "ARCFOUR-128", "MD5")),
    gnutls(
        "gnutls-tls12-3des",
        "3DES; a certificate asked for in the first handshake and again in the client's renegotiation",
        priority("TLS1.2", "3DES-CBC", "SHA1"),
        certificate=True,
        client="--rehandshake",
    ),
    gnutls(
        "gnutls-tls12-camellia-gcm",
        "Camellia-128-GCM (RFC 6367), renegotiated by the client",
        priority("TLS1.2", "CAMELLIA-128-GCM", "AEAD"),
        client="--rehandshake",
    ),
    gnutls("gnutls-tls12-camellia-256-gcm", "Camellia-256-GCM", priority("TLS1.2", "CAMELLIA-256-GCM", "AEAD")),
    gnutls(
        "gnutls-tls11-old",
        "neither extended master secret nor encrypt-then-MAC, renegotiated by the client",
        priority("TLS1.1", "AES-128-CBC", "SHA1", ":%NO_SESSION_HASH:%NO_ETM"),
        client="--rehandshake",
    ),
    gnutls(
        "gnutls-tls10-insecure-renegotiation",
        "renegotiated by the client without RFC 5746, hellos without extensions",
        priority("TLS1.0", "AES-256-CBC", "SHA1", ":%DISABLE_SAFE_RENEGOTIATION:%NO_EXTENSIONS"),
        client="--rehandshake",
    ),
    gnutls(
        "gnutls-tls12-resumed",
        "the second connection is resumed, without extended master secret",
        priority("TLS1.2", "AES-256-GCM", "AEAD", ":%NO_SESSION_HASH"),
        client="--resume",
        connections=2,
    ),
    Scenario(
        "wget-tls12-unlisted",
        "the failure: the client's issuer is not among the names, so it has nothing to send: HTTP 403",
        lambda lab: wget_and_apache(lab, certificate="unlisted"),
    ),
    Scenario(
        "wget-tls12-listed",
        "the same client with a certificate whose issuer is among the names",
        lambda lab: wget_and_apache(lab, certificate="client"),
    ),
]


def tlslite(
    name: str,
    summary: str,
    version: tuple[int, int],
    cipher: str,
    mac: str,
    *,
    server: tuple[str, ...] = ("read:ping", "write:pong", "read:end", "close"),
    client: tuple[str, ...] = ("write:ping", "read:pong", "write:end", "close"),
    certificate: bool = False,
    accepted: list[bytes] | None = None,
    keylog: bool = False,
    **more: Any,
) -> Scenario:
    """A capture of tlslite-ng with itself; with `accepted`, the server asks for a certificate.

    `more` are settings of both sides, as tlslite_peer.py describes them.
    """
    settings = {"version": version, "ciphers": [cipher], "macs": [mac]} | more
    asking = {} if accepted is None else {"reqCAs": [subject.hex() for subject in accepted]}
    answering = {"certificate": "client"} if certificate else {}
    answering |= {"keylog": KEYLOG} if keylog else {}

    def run(lab: Lab) -> Recording:
        return with_tlslite(lab, (settings | asking, server), (settings | answering, client))

    return Scenario(name, summary, run)


TLSLITE = [
    tlslite(
        "tlslite-tls12-malformed-names",
        "270 names, some of them twice and some no DER at all, in the clear over three records",
        (3, 3),
        "aes128",
        "sha",
        certificate=True,
        accepted=names.authority_names(250) + names.MALFORMED + names.authority_names(3),
    ),
    tlslite(
        "tlslite-tls10-no-names",
        "a CertificateRequest without names",
        (3, 1),
        "aes128",
        "sha",
        certificate=True,
        accepted=[],
    ),
    tlslite(
        "tlslite-ssl30-aes128",
        "SSL 3.0 with a client certificate",
        (3, 0),
        "aes128",
        "sha",
        certificate=True,
        accepted=names.PLAIN,
    ),
    tlslite(
        "tlslite-ssl30-rc4",
        "SSL 3.0, RC4 with MD5; a certificate is asked for, and the client has none",
        (3, 0),
        "rc4",
        "md5",
        accepted=names.PLAIN,
    ),
    tlslite("tlslite-ssl30-3des", "SSL 3.0, 3DES", (3, 0), "3des", "sha"),
    tlslite(
        "tlslite-tls12-refused",
        "HelloRequest is answered with the alert no_renegotiation, and data goes on in both directions",
        (3, 3),
        "aes128gcm",
        "aead",
        server=("read:ping", "hello_request", "write:pong", "drain"),
        client=("write:ping", "read:pong", "write: and more", "close"),
    ),
]
OTHERS = [*OPENSSL, *LIBRARY, *GNUTLS, *TLSLITE]
