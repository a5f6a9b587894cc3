"""The captures, each a name, a sentence and what is peculiar to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import names
from lab import Lab, Recording

URL = "https://10.10.10.15/1.aspx"
CERTIFICATE = ["--cert", "client.crt", "--key", "client.key"]
UNLISTED = ["--cert", "unlisted.crt", "--key", "unlisted.key"]
TLS = {"TLSv1": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2"}


@dataclass(frozen=True)
class Scenario:
    """A capture to be made."""

    name: str
    summary: str
    run: Callable[[Lab], Recording]
    format: str = "pcap"


def _apache(version: str, suite: str, verify: str = "require", *more: str) -> str:
    lines = [
        f"SSLProtocol -all +{version}",
        f"SSLCipherSuite {suite}:@SECLEVEL=0",
        "SSLCADNRequestFile names.pem",
        "<Location /1.aspx>",
        f"SSLVerifyClient {verify}",
        "SSLVerifyDepth 2",
        "</Location>",
        *more,
    ]
    return "\n".join(lines) + "\n"


def _curl(version: str, suite: str, *more: str) -> list[str]:
    limits = ["--tlsv1.0", "--tls-max", TLS[version], "--ciphers", f"{suite}:@SECLEVEL=0"]
    return [*limits, "--no-alpn", "--cacert", "server-issuer.pem", *more]


def _demo(lab: Lab) -> Recording:
    suite = "AES128-SHA"
    return lab.apache_and_curl(
        _apache("TLSv1.2", suite),
        _curl("TLSv1.2", suite, *CERTIFICATE, URL),
        accepted=names.authority_names(3),
    )


SCENARIOS = [
    Scenario(
        "apache-tls12-3-names",
        "the case that the project exists for: GET, HelloRequest, and a second handshake with CertificateRequest",
        _demo,
        "pcapng",
    ),
]
