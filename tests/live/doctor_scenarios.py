"""The captures for the diagnosis of client-certificate authentication, one or more for each of its findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import names
from doctor_certificates import STORE_PASSWORD, cut_names, respelled_issuer
from doctor_runs import (
    GET,
    URL,
    Doctored,
    Take,
    apache_settings,
    curl,
    nginx_settings,
    peer_and_server,
    peers,
    s_client,
    s_server,
    web,
    wget,
    write_list,
)
from lab import Lab
from rewrite import Change, other_binding, rewritten, with_scsv
from with_apache import INDEX, start_apache

CAPTURES = Path(__file__).parents[1] / "captures"
# The pages of IIS: 6 tells the substatus, 7 and later tell strangers nothing
PAGE_403_7 = "HTTP Error 403.7 - Forbidden: SSL client certificate is required. Internet Information Services (IIS)"
PAGE_403_13 = "HTTP Error 403.13 - Forbidden: Client certificate revoked. Internet Information Services (IIS)"
PAGE_403_16 = "HTTP Error 403.16 - Forbidden: Client certificate is ill-formed or is not trusted by the Web server."


NONE_FOR_INDEX = ("<Location /index.html>", " SSLVerifyClient none", "</Location>")


def iis(status: str, page: str, more: str = "") -> bytes:
    """A response as IIS sends it."""
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nServer: Microsoft-IIS/8.5\r\nX-Powered-By: ASP.NET\r\n"
        f"Date: Thu, 26 Dec 2013 13:17:43 GMT\r\n{more}Content-Length: {len(page)}\r\n\r\n{page}"
    ).encode()


def apache(name: str, summary: str, settings: list[str], client: str, certificate: str | None, **more: Any) -> Doctored:
    return Doctored(name, summary, lambda lab: web(lab, "apache", settings, client, **more), certificate)


def nginx(name: str, summary: str, settings: list[str], client: str, certificate: str | None, **more: Any) -> Doctored:
    return Doctored(name, summary, lambda lab: web(lab, "nginx", settings, client, **more), certificate)


def openssl(name: str, summary: str, server: str, client: str, certificate: str | None, **more: Any) -> Doctored:
    return Doctored(name, summary, lambda lab: s_server(lab, server, client, **more), certificate)


def ignoring(lab: Lab) -> Take:
    """A client of Apache that goes deaf when it has sent its request."""
    write_list(lab, names.PLAIN[1:], listed=True)
    settings = apache_settings("Timeout 1")
    options = {"says": "get.bin", "silent": True, "certificate": "good"}
    return peer_and_server(lab, lambda stage: start_apache(stage, lab.folder, settings), options, settings)


def refusing(stem: str, name: str, summary: str) -> Doctored:
    """Apache, which refuses the certificate `stem` in a renegotiation."""
    return apache(name, summary, apache_settings(), curl(stem), stem)


APACHE = [
    apache(
        "listed", "the seed story's good end: 3 names, the issuer among them", apache_settings(), curl("good"), "good"
    ),
    apache(
        "unlisted-250",
        "the seed story: 250 names, the issuer not among them and not trusted: alert unknown_ca",
        apache_settings(trusted="listed.pem"),
        curl("forgotten"),
        "forgotten",
        subjects=names.authority_names(252)[3:],
    ),
    apache(
        "cut-list",
        "the seed story on IIS: a list cut just under 16,384 bytes, an empty Certificate, 403 with 403.7 in the page",
        apache_settings(verify="optional", location=("Require ssl-verify-client", f'ErrorDocument 403 "{PAGE_403_7}"')),
        wget("good"),
        "good",
        subjects=cut_names(),
        listed=False,
    ),
    apache(
        "not-requested",
        "the server wants a certificate and never asks for one: 403 with 403.7 in the page",
        apache_settings(verify=None, location=("Require ssl-verify-client", f'ErrorDocument 403 "{PAGE_403_7}"')),
        curl("good"),
        "good",
    ),
    apache(
        "revoked-page",
        "the certificate is taken in the handshake; 403 with 403.13 in the page",
        apache_settings(location=("Require all denied", f'ErrorDocument 403 "{PAGE_403_13}"')),
        curl("good"),
        "good",
    ),
    apache(
        "untrusted-page",
        "any certificate is taken in the first handshake; 403 with 403.16 in the page",
        apache_settings(
            at="server",
            verify="optional_no_ca",
            location=("Require ssl-verify-client", f'ErrorDocument 403 "{PAGE_403_16}"'),
            trusted="listed.pem",
        ),
        curl("forgotten"),
        "forgotten",
    ),
    apache(
        "plain-403",
        "a good certificate, and a 403 that has nothing to do with it",
        apache_settings(location=("Require all denied",)),
        curl("good"),
        "good",
    ),
    refusing("expired", "expired", "the client's certificate has expired: alert certificate_expired"),
    refusing("future", "not-yet-valid", "the client's certificate is not valid yet: alert bad_certificate"),
    refusing("server-only", "server-purpose", "the certificate's extended key usage has serverAuth alone"),
    refusing("encipherment", "no-signatures", "the certificate's key usage has no digitalSignature"),
    apache(
        "expired-given",
        "the client has an expired certificate and sends none: alert handshake_failure",
        apache_settings(),
        wget(None),
        "expired",
    ),
    apache(
        "below-listed-root",
        "the leaf alone is sent; its issuer is not listed, the root above that is: accepted",
        apache_settings(),
        curl("below"),
        "below",
    ),
    apache(
        "chain-sent",
        "the leaf is sent with its intermediate, whose issuer is listed: accepted",
        apache_settings(trusted="listed.pem"),
        curl("below-with-chain"),
        "below-with-chain",
    ),
    apache(
        "root-sent",
        "the leaf is sent with its root, which is not listed, but trusted: accepted",
        apache_settings(),
        curl("forgotten-with-root"),
        "forgotten-with-root",
    ),
    apache(
        "respelled",
        "the issuer is listed in other string types, another case and with other white space: accepted",
        apache_settings(),
        curl("good"),
        "good",
        subjects=[*names.PLAIN[1:], respelled_issuer()],
        listed=False,
    ),
    apache(
        "respelled-wget",
        "the same with a client that compares bytes: an empty Certificate",
        apache_settings(verify="optional", location=("Require ssl-verify-client",)),
        wget("good"),
        "good",
        subjects=[*names.PLAIN[1:], respelled_issuer()],
        listed=False,
    ),
    apache(
        "three-requests",
        "a page that wants a certificate, one that wants none, and the first again: Apache asks a second time",
        apache_settings(*NONE_FOR_INDEX),
        curl("good", urls=f"{URL} {INDEX} {URL}"),
        "good",
    ),
    apache(
        "three-requests-optrenegotiate",
        "the same with SSLOptions +OptRenegotiate: Apache checks again what it has, without a handshake",
        apache_settings(*NONE_FOR_INDEX, location=("SSLOptions +OptRenegotiate",)),
        curl("good", urls=f"{URL} {INDEX} {URL}"),
        "good",
    ),
    apache(
        "refused-by-client",
        "HelloRequest is answered with the alert no_renegotiation",
        apache_settings(),
        s_client("good", "-no_renegotiation"),
        "good",
        says=GET,
    ),
    Doctored("ignored-until-timeout", "HelloRequest is not answered, and the server gives up", ignoring, "good"),
    apache(
        "three-times",
        "three connections, each with an empty Certificate and 403",
        apache_settings(verify="optional", location=("Require ssl-verify-client",)),
        curl(None, urls=f"-H 'Connection: close' {URL} {URL} {URL}"),
        None,
        connections=3,
    ),
    apache(
        "tls13-required",
        "TLS 1.3: no certificate: alert certificate_required",
        apache_settings(at="server", version="TLSv1.3"),
        curl(None, version="1.3"),
        None,
    ),
    apache(
        "tls13-accepted",
        "TLS 1.3: the certificate is asked for in the handshake, and accepted",
        apache_settings(at="server", version="TLSv1.3"),
        curl("good", version="1.3"),
        "good",
    ),
    apache(
        "tls13-expired",
        "TLS 1.3: the certificate has expired",
        apache_settings(at="server", version="TLSv1.3"),
        curl("expired", version="1.3"),
        "expired",
    ),
    apache(
        "tls13-after-handshake",
        "TLS 1.3: the certificate is asked for after the request, and accepted",
        apache_settings(version="TLSv1.3"),
        curl("good", version="1.3"),
        "good",
    ),
    apache(
        "tls13-after-handshake-none",
        "TLS 1.3: a certificate is asked for after the request, and the client has none",
        apache_settings(version="TLSv1.3"),
        curl(None, version="1.3"),
        None,
    ),
    apache(
        "tls13-cannot-ask",
        "TLS 1.3: the client does not offer post-handshake authentication: 403, and Apache says why",
        apache_settings(version="TLSv1.3"),
        s_client("good", "-keylogfile keylog.txt"),
        "good",
        says=GET,
    ),
    apache(
        "java-unlisted",
        "Java chooses its certificate by the names, and so sends none",
        apache_settings(at="server", verify="optional", location=("Require ssl-verify-client",)),
        f"java DoctorClient.java forgotten.p12 {STORE_PASSWORD}",
        "forgotten",
        files=("DoctorClient.java",),
    ),
]

ON = "ssl_verify_client on;"
NGINX = [
    nginx(
        "nginx-none",
        "nginx: no certificate: 400, No required SSL certificate was sent",
        nginx_settings(ON, "ssl_client_certificate listed.pem;"),
        curl(None),
        None,
    ),
    nginx(
        "nginx-untrusted",
        "nginx: a certificate of another issuer: 400, The SSL certificate error",
        nginx_settings(ON, "ssl_client_certificate listed.pem;"),
        curl("forgotten"),
        "forgotten",
    ),
    nginx(
        "nginx-trusted-unlisted",
        "nginx: the issuer is in ssl_trusted_certificate alone, which is not sent: accepted",
        nginx_settings(ON, "ssl_client_certificate listed.pem;", "ssl_trusted_certificate forgotten.pem;"),
        curl("forgotten"),
        "forgotten",
    ),
    nginx(
        "nginx-optional",
        "nginx: a certificate is optional, and the client has none: 200",
        nginx_settings("ssl_verify_client optional;", "ssl_client_certificate listed.pem;"),
        wget("forgotten"),
        "forgotten",
    ),
    nginx(
        "nginx-tls13-none",
        "nginx, TLS 1.3: no certificate: 400",
        nginx_settings(ON, "ssl_client_certificate listed.pem;", version="TLSv1.3"),
        curl(None, version="1.3"),
        None,
    ),
    nginx(
        "nginx-gzip",
        "nginx: a page of its own, compressed, that speaks of a client certificate",
        nginx_settings(
            "ssl_verify_client optional;",
            "ssl_client_certificate listed.pem;",
            "gzip on; gzip_min_length 1;",
            'location /1.aspx { default_type text/html; return 403 "A client certificate is required here."; }',
        ),
        curl(None) + " --compressed",
        None,
    ),
]

SMALL = "-CAfile list.pem"


def misbehaving(name: str, summary: str, does: str) -> Doctored:
    """A client of tlslite-ng, changed, of s_server, which demands a certificate."""

    def run(lab: Lab) -> Take:
        write_list(lab, names.PLAIN[1:], listed=True)
        command = f"openssl s_server -accept 443 -cert server.crt -key server.key -Verify 1 {SMALL} -tls1_2 "
        command += "-cipher AES128-SHA:@SECLEVEL=0"
        return peer_and_server(
            lab,
            lambda stage: stage.start("server", command, ready=b"ACCEPT"),
            {"does": does, "certificate": "good", "says": "get.bin"},
            [],
        )

    return Doctored(name, summary, run, "good")


OPENSSL = [
    misbehaving(
        "verify-missing",
        "a client that sends its certificate and no CertificateVerify: alert unexpected_message",
        "skips_verify",
    ),
    misbehaving(
        "verify-invalid",
        "a client whose CertificateVerify is wrong by one bit: alert decrypt_error",
        "spoils_verify",
    ),
    openssl(
        "empty-list",
        "a request with an empty list; the client sends its certificate: accepted",
        "-verify 1 -no-CAfile -no-CApath",
        s_client("good"),
        "good",
        says=b"hello\n",
    ),
    openssl(
        "optional-none",
        "a request with an empty list, and the client has no certificate: the server goes on",
        "-verify 1 -no-CAfile -no-CApath",
        s_client(None),
        None,
        says=b"hello\n",
    ),
    openssl(
        "key-type",
        "the server takes RSA keys alone, the client has an elliptic one and sends none: alert handshake_failure",
        f"-Verify 1 {SMALL} -client_sigalgs RSA+SHA256",
        s_client("elliptic"),
        "elliptic",
    ),
    openssl(
        "tls13-accepted-by-s_server",
        "TLS 1.3: s_server, whose names come in the extension certificate_authorities",
        f"-Verify 1 {SMALL} -tls1_3",
        s_client("good", "-keylogfile keylog.txt"),
        "good",
        says=b"hello\n",
    ),
]


LISTED_NAMES = [name.hex() for name in names.PLAIN]
TLSLITE = [
    Doctored(
        "algorithm",
        "the server accepts RSA with SHA-512, the client signs with SHA-256: alert illegal_parameter",
        lambda lab: peers(
            lab,
            {"hashes": ["sha512"], "reqCAs": LISTED_NAMES},
            {"does": "signs_with_sha256", "certificate": "client"},
        ),
        "client",
    ),
    Doctored(
        "reset",
        "the server resets the connection when the certificate has come, without an alert",
        lambda lab: peers(lab, {"does": "resets", "reqCAs": LISTED_NAMES}, {"certificate": "client"}),
        "client",
    ),
    Doctored(
        "ssl30-alert",
        "SSL 3.0: the alert no_certificate in the place of a certificate",
        lambda lab: peers(
            lab,
            {"version": [3, 0], "reqCAs": LISTED_NAMES, "says": "response.bin"},
            {"does": "alert_for_none", "says": "get.bin"},
            {"get.bin": GET, "response.bin": iis("403 Forbidden", PAGE_403_7)},
        ),
        None,
    ),
    Doctored(
        "overlong-list",
        "the list of authorities says that it is longer than its message: alert decode_error of the client",
        lambda lab: peers(lab, {"does": "overlong_list", "reqCAs": LISTED_NAMES}, {"certificate": "client"}),
        "client",
    ),
    Doctored(
        "iis-hidden",
        "IIS as strangers see it: an empty Certificate, and a 403 whose page does not tell why",
        lambda lab: peers(
            lab,
            {"reqCAs": LISTED_NAMES, "says": "response.bin"},
            {"says": "get.bin"},
            {
                "get.bin": GET,
                "response.bin": iis(
                    "403 Forbidden",
                    "<title>403 - Forbidden: Access is denied.</title><h2>403 - Forbidden: Access is denied.</h2>"
                    "<h3>You do not have permission to view this directory or page using the credentials that you "
                    "supplied.</h3>",
                ),
            },
        ),
        None,
    ),
]


def changed(name: str, summary: str, change: Change) -> Doctored:
    """The capture gnutls-tls11-old, changed."""

    def run(lab: Lab) -> Take:
        source = CAPTURES / "gnutls-tls11-old" / "capture.pcap"
        pcap = rewritten(source, CAPTURES / "keys" / "server.pem", change)
        what = f"gnutls-tls11-old, changed by tests/live/rewrite.py: {change.__name__}"
        return Take(pcap, [what], [], [], [])

    return Doctored(name, summary, run)


CHANGED = [
    changed("binding-mismatch", "a renegotiation bound to another handshake than the one before it", other_binding),
    changed("scsv", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV in a renegotiation", with_scsv),
]
SCENARIOS = [*APACHE, *NGINX, *OPENSSL, *TLSLITE, *CHANGED]
