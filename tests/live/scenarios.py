"""The captures: Apache with curl here, the rest in other_scenarios.py and suite_scenarios.py.

Each says what is peculiar to it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab import Lab, Recording, Scenario
from other_scenarios import OTHERS
from shared_key_scenarios import SHARED_KEYS
from suite_scenarios import SUITES
from tls13_scenarios import TLS13
from with_apache import INDEX, URL, interleaved, settings_for, with_curl

SESSION_IDS = ("SSLSessionTickets off", "SSLSessionCache shmcb:sessions(512000)")
ECDHE = "ECDHE-RSA-AES128-GCM-SHA256"


def apache(
    name: str,
    summary: str,
    version: str = "TLSv1.2",
    suite: str = "AES128-SHA",
    *,
    format: str = "pcap",
    requests: str = f"--no-alpn {URL}",
    ciphers: str | None = None,
    path: str = "/1.aspx",
    verify: str | None = "require",
    server: tuple[str, ...] = (),
    location: tuple[str, ...] = (),
    **options: Any,
) -> Scenario:
    """A capture of Apache and curl: the arguments of `settings_for` and `with_curl`."""

    def run(lab: Lab) -> Recording:
        settings = settings_for(version, suite, path=path, verify=verify, server=server, location=location)
        return with_curl(lab, settings, requests, version=version, ciphers=ciphers or suite, **options)

    return Scenario(name, summary, run, format)


APACHE = [
    apache(
        "apache-tls12-3-names",
        "the case that the project exists for: GET, HelloRequest, a second handshake with CertificateRequest",
        format="pcapng",
    ),
    apache("apache-tls10-3-names", "the same with TLS 1.0", "TLSv1"),
    apache(
        "apache-tls11-3-names",
        "the same with TLS 1.1, captured on `any` (Linux cooked v2)",
        "TLSv1.1",
        "AES256-SHA",
        tcpdump="-i any",
    ),
    apache(
        "apache-tls10-40-names",
        "40 accepted names; captured on `any` as Linux cooked v1",
        "TLSv1",
        "AES256-SHA",
        accepted=40,
        tcpdump="-i any -y LINUX_SLL",
    ),
    apache(
        "apache-tls12-40-names",
        "40 accepted names",
        suite="AES128-GCM-SHA256",
        accepted=40,
        format="pcapng",
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
        requests="--no-alpn https://[fd0a:a:a::15]/1.aspx",
        tcpdump="-i eth0 --time-stamp-precision=nano",
        format="nsecpcap",
    ),
    apache(
        "apache-tls12-unlisted",
        "the client's issuer is not among the names; curl sends its certificate all the same, and is let in",
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
        "asked for in the first handshake, 40 names in the clear; SNI and ALPN",
        verify=None,
        server=("SSLVerifyClient require", "SSLVerifyDepth 2"),
        accepted=40,
        requests="--http1.1 --resolve www.example.test:443:10.10.10.15 https://www.example.test/1.aspx",
    ),
    apache(
        "apache-tls12-post-100k",
        "the body of a POST, sent before the HelloRequest is answered; frames of segmentation offload",
        suite="AES128-SHA256",
        path="/cgi/1.aspx",
        requests="--no-alpn --data-binary @upload.txt -H Expect: https://10.10.10.15/cgi/1.aspx?500",
        offload=True,
    ),
    apache(
        "apache-tls10-response-90k",
        "a long response in TLS 1.0 CBC",
        "TLSv1",
        path="/large.aspx",
        requests="--no-alpn https://10.10.10.15/large.aspx",
    ),
    apache(
        "apache-tls12-two-requests",
        "a request that needs no certificate, and on the same connection one that does",
        requests=f"--no-alpn {INDEX} {URL}",
    ),
    apache(
        "apache-tls12-ecdhe-then-rsa",
        "key exchange ECDHE in the first handshake, RSA in the second; with the client's key log",
        suite=ECDHE,
        ciphers=f"{ECDHE}:AES128-SHA",
        location=("SSLCipherSuite AES128-SHA:@SECLEVEL=0",),
        keylog=True,
    ),
    apache(
        "apache-tls12-rsa-then-ecdhe",
        "key exchange RSA in the first handshake, ECDHE in the second; with the client's key log",
        ciphers=f"{ECDHE}:AES128-SHA",
        location=(f"SSLCipherSuite {ECDHE}:@SECLEVEL=0",),
        keylog=True,
    ),
    apache(
        "apache-tls10-session-refused",
        "three connections; each offers the session of the renegotiation before, and Apache resumes none",
        "TLSv1",
        server=SESSION_IDS,
        requests=f"--no-alpn -H 'Connection: close' {URL} {URL} {URL}",
        connections=3,
    ),
    apache(
        "apache-tls10-resumed-id",
        "the second connection resumes the first one's session by its ID, and then renegotiates",
        "TLSv1",
        server=SESSION_IDS,
        requests=f"--no-alpn -H 'Connection: close' {INDEX} {URL}",
        connections=2,
    ),
    Scenario(
        "apache-tls12-interleaved",
        "two connections at the same time, two requests on each, after a connection that is no TLS",
        interleaved,
        "pcapng",
    ),
]
APACHE_TLS13 = [
    replace(
        apache(
            "apache-tls13-post-handshake",
            "the case that the project exists for, in TLS 1.3: GET, and a certificate is asked for after the handshake",
            "TLSv1.3",
            "TLS_AES_256_GCM_SHA384",
            keylog=True,
        ),
        tshark_misses=(("client", "close_notify", 0),),
    ),
    apache(
        "apache-tls13-at-connection",
        "a certificate is asked for in the handshake, 40 names; SNI and ALPN",
        "TLSv1.3",
        "TLS_CHACHA20_POLY1305_SHA256",
        verify=None,
        server=("SSLVerifyClient require", "SSLVerifyDepth 2"),
        accepted=40,
        requests="--http1.1 --resolve www.example.test:443:10.10.10.15 https://www.example.test/1.aspx",
        keylog=True,
    ),
    apache(
        "apache-tls13-no-certificate",
        "a certificate is asked for after the handshake, and the client has none: alert certificate_required",
        "TLSv1.3",
        "TLS_AES_128_GCM_SHA256",
        certificate=None,
        status=56,
        keylog=True,
    ),
    apache(
        "apache-tls13-resumed",
        "three connections, the later ones resumed by tickets; no certificate is asked for",
        "TLSv1.3",
        "TLS_AES_128_GCM_SHA256",
        verify=None,
        requests=f"--no-alpn -H 'Connection: close' {INDEX} {INDEX} {INDEX}",
        connections=3,
        keylog=True,
    ),
]
SCENARIOS = [*APACHE, *APACHE_TLS13, *OTHERS, *SUITES, *SHARED_KEYS, *TLS13]
