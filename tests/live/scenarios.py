"""The captures, each a name, a sentence and what is peculiar to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab import Lab, Recording
from with_apache import INDEX, URL, settings_for, with_curl
from with_openssl import with_openssl


@dataclass(frozen=True)
class Scenario:
    """A capture to be made; `format` as editcap names it.

    `tshark_misses` has the messages (sender, name, epoch) that tshark is known to leave encrypted.
    """

    name: str
    summary: str
    run: Callable[[Lab], Recording]
    format: str = "pcap"
    tshark_misses: tuple[tuple[str, str, int], ...] = ()


def apache(
    name: str,
    summary: str,
    version: str = "TLSv1.2",
    suite: str = "AES128-SHA",
    *,
    format: str = "pcap",
    requests: tuple[str, ...] = ("--no-alpn", URL),
    ciphers: str | None = None,
    path: str = "/1.aspx",
    verify: str | None = "require",
    server: tuple[str, ...] = (),
    location: tuple[str, ...] = (),
    **options: Any,
) -> Scenario:
    """A capture of Apache and curl."""

    def run(lab: Lab) -> Recording:
        settings = settings_for(version, suite, path=path, verify=verify, server=server, location=location)
        return with_curl(lab, settings, list(requests), version=version, ciphers=ciphers or suite, **options)

    return Scenario(name, summary, run, format)


APACHE = [
    apache(
        "apache-tls12-3-names",
        "the case that the project exists for: GET, HelloRequest, and a second handshake with CertificateRequest",
        format="pcapng",
    ),
    apache("apache-tls10-3-names", "the same with TLS 1.0", "TLSv1"),
    apache(
        "apache-tls11-3-names",
        "the same with TLS 1.1, captured on `any` (Linux cooked v2)",
        "TLSv1.1",
        "AES256-SHA",
        tcpdump=["-i", "any"],
    ),
    apache(
        "apache-tls10-40-names",
        "40 accepted names; captured on `any` as Linux cooked v1",
        "TLSv1",
        "AES256-SHA",
        accepted=40,
        tcpdump=["-i", "any", "-y", "LINUX_SLL"],
    ),
    apache(
        "apache-tls12-40-names", "40 accepted names", suite="AES128-GCM-SHA256", accepted=40, format="pcapng"
    ),
    apache("apache-tls10-250-names", "250 accepted names, 34 KB over three records", "TLSv1", accepted=250),
    apache(
        "apache-tls12-250-names",
        "250 accepted names, 34 KB over three records",
        suite="AES256-SHA256",
        accepted=250,
    ),
    apache(
        "apache-tls11-300-names",
        "300 accepted names, 41 KB over three records, in frames of segmentation offload",
        "TLSv1.1",
        accepted=300,
        offload=True,
    ),
    apache(
        "apache-tls12-ipv6",
        "over IPv6, times in nanoseconds",
        suite="AES256-GCM-SHA384",
        requests=("--no-alpn", "https://[fd0a:a:a::15]/1.aspx"),
        tcpdump=["-i", "eth0", "--time-stamp-precision=nano"],
        format="nsecpcap",
    ),
    apache(
        "apache-tls12-unlisted",
        "the client's issuer is not among the names; curl sends its certificate all the same, and it is accepted",
        certificate="unlisted",
    ),
    apache(
        "apache-tls12-untrusted",
        "the client's issuer is neither named nor trusted: alert unknown_ca",
        certificate="unlisted",
        server=("SSLCACertificateFile listed-issuer.pem",),
        status=56,
    ),
    apache(
        "apache-tls12-no-certificate",
        "the client has no certificate: alert handshake_failure",
        certificate=None,
        status=56,
    ),
    apache(
        "apache-tls12-optional",
        "the client has no certificate and need not have one in TLS: HTTP 403",
        verify="optional",
        location=("Require ssl-verify-client",),
        certificate=None,
    ),
    apache(
        "apache-tls12-at-connection",
        "asked for in the first handshake, 40 names in the clear, SNI and ALPN",
        verify=None,
        server=("SSLVerifyClient require", "SSLVerifyDepth 2"),
        accepted=40,
        requests=(
            "--http1.1",
            "--resolve",
            "www.example.test:443:10.10.10.15",
            "https://www.example.test/1.aspx",
        ),
    ),
    apache(
        "apache-tls12-post-100k",
        "the body of a POST, 100 KB, sent before the HelloRequest is answered; frames of segmentation offload",
        suite="AES128-SHA256",
        path="/cgi/1.aspx",
        requests=(
            "--no-alpn",
            "--data-binary",
            "@upload.txt",
            "-H",
            "Expect:",
            "https://10.10.10.15/cgi/1.aspx?500",
        ),
        offload=True,
    ),
    apache(
        "apache-tls10-response-90k",
        "a response of 90 KB in TLS 1.0 CBC",
        "TLSv1",
        path="/large.aspx",
        requests=("--no-alpn", "https://10.10.10.15/large.aspx"),
    ),
    apache(
        "apache-tls12-two-requests",
        "a request that needs no certificate, and on the same connection one that does",
        requests=("--no-alpn", INDEX, URL),
    ),
    apache(
        "apache-tls12-ecdhe-then-rsa",
        "key exchange ECDHE in the first handshake, RSA in the second; with the client's key log",
        suite="ECDHE-RSA-AES128-GCM-SHA256",
        ciphers="ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA",
        location=("SSLCipherSuite AES128-SHA:@SECLEVEL=0",),
        keylog=True,
    ),
    apache(
        "apache-tls12-rsa-then-ecdhe",
        "key exchange RSA in the first handshake, ECDHE in the second; with the client's key log",
        ciphers="ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA",
        location=("SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",),
        keylog=True,
    ),
    apache(
        "apache-tls10-session-refused",
        "of three connections, each offers the session of the renegotiation before, which Apache never resumes",
        "TLSv1",
        server=("SSLSessionTickets off", "SSLSessionCache shmcb:sessions(512000)"),
        requests=("--no-alpn", "-H", "Connection: close", URL, URL, URL),
        connections=3,
    ),
    apache(
        "apache-tls10-resumed-id",
        "the second connection resumes the first one's session by its ID, and then renegotiates",
        "TLSv1",
        server=("SSLSessionTickets off", "SSLSessionCache shmcb:sessions(512000)"),
        requests=("--no-alpn", "-H", "Connection: close", INDEX, URL),
        connections=2,
    ),
]


def openssl(
    name: str,
    summary: str,
    steps: list[str],
    *,
    format: str = "pcap",
    tshark_misses: tuple[tuple[str, str, int], ...] = (),
    **options: Any,
) -> Scenario:
    """A capture of `openssl s_server` and `openssl s_client`."""
    return Scenario(name, summary, lambda lab: with_openssl(lab, steps, **options), format, tshark_misses)


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
        server=["-Verify", "2"],
        client=["-cert", "client.crt", "-key", "client.key"],
    ),
    openssl(
        "openssl-tls12-server-abbreviated-ticket",
        "the server sends HelloRequest; the client's ClientHello offers its ticket, and the handshake is abbreviated",
        ["c:before", "s:answer", "s!r", "c:after", "s:the end"],
    ),
    openssl(
        "openssl-tls11-server-abbreviated-id",
        "the same with a session ID",
        ["c:before", "s:answer", "s!r", "c:after", "s:the end"],
        version="tls1_1",
        suite="AES256-SHA",
        server=["-no_ticket"],
    ),
    openssl(
        "openssl-tls12-server-abbreviated-no-request",
        "the server wants a certificate now, but the client's ticket is accepted, so there is no CertificateRequest",
        ["c:before", "s!R", "c:after", "s:the end"],
        client=["-cert", "client.crt", "-key", "client.key"],
    ),
    openssl(
        "openssl-tls12-server-full-certificate",
        "the server sends HelloRequest and allows no resumption: a full handshake with CertificateRequest",
        ["c:before", "s!R", "c:after", "s:the end"],
        suite="AES256-SHA256",
        server=["-no_resumption_on_reneg"],
        client=["-cert", "client.crt", "-key", "client.key"],
    ),
    openssl(
        "openssl-tls12-six-epochs",
        "renegotiated by the client and by the server, in full and abbreviated, five times on one connection",
        [
            "c:client line one",
            "c!R",
            "c:client line two",
            "s!r",
            "s:server line three",
            "c!R",
            "c:client line four",
            "s!R",
            "c:client line five",
            "s!r",
            "c:client line six",
            "s:the end",
        ],
        format="pcapng",
    ),
    openssl(
        "openssl-tls12-no-renegotiation",
        "HelloRequest is answered with the alert no_renegotiation; OpenSSL's server gives up then",
        ["c:before", "s:answer", "s?r"],
        client=["-no_renegotiation"],
    ),
    openssl(
        "openssl-tls12-fragments",
        "records of at most 512 bytes: Certificate and CertificateRequest over many of them, in both epochs",
        ["c:before", "s!R", "c:after", "s:the end"],
        server=["-max_send_frag", "512", "-no_resumption_on_reneg"],
        client=["-cert", "client.crt", "-key", "client.key", "-max_send_frag", "512"],
        accepted=40,
    ),
    openssl(
        "openssl-tls12-mac-then-encrypt",
        "without encrypt-then-MAC",
        ["c:before", "s:answer", "s!r", "c:after"],
        suite="AES128-SHA256",
        server=["-no_etm"],
    ),
    openssl(
        "openssl-tls12-null-sha256",
        "a suite without encryption, renegotiated",
        ["c:in the clear", "s:but with a MAC", "c!R", "c:after"],
        suite="NULL-SHA256",
        tshark_misses=(("server", "new_session_ticket", 1),),
    ),
    openssl(
        "openssl-tls10-null-sha",
        "a suite without encryption",
        ["c:hello", "s:hello"],
        version="tls1",
        suite="NULL-SHA",
    ),
    openssl(
        "openssl-tls12-ecdhe-cbc-sha384",
        "AES-256 CBC with SHA-384, which only ECDHE suites have; with the client's key log",
        ["c:before", "s!r", "c:after"],
        suite="ECDHE-RSA-AES256-SHA384",
        client=["-keylogfile", "keylog.txt"],
    ),
    openssl("openssl-tls12-camellia", "Camellia-128 CBC", ["c:hello", "s:hello"], suite="CAMELLIA128-SHA"),
    openssl(
        "openssl-tls12-resumed-ticket",
        "six connections, five of them resumed by ticket; the last renegotiates",
        ["c:before", "c!R", "c:after"],
        client=["-reconnect"],
        connections=6,
    ),
    openssl(
        "openssl-tls12-resumed-id",
        "six connections, five of them resumed by session ID",
        ["c:hello", "s:hello"],
        server=["-no_ticket"],
        client=["-reconnect"],
        connections=6,
    ),
]
SCENARIOS = [*APACHE, *OPENSSL]
