"""Apache httpd as the server: what differs from capture to capture is a few lines of its configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import names
from lab import KEYLOG, Lab, Recording, Stage
from peers import Peer, PeerError
from testimony import Connection, read_curl_trace, read_openssl_messages

URL = "https://10.10.10.15/1.aspx"
INDEX = "https://10.10.10.15/index.html"
REQUEST = b"GET /1.aspx HTTP/1.1\r\nHost: 10.10.10.15\r\n\r\n"
PAGE = b"<html><head><title>1.aspx</title></head><body>You were let in.</body></html>\n"
MAXIMUM = {"TLSv1": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}

# ErrorLog goes to standard error because "resuming normal operations" there is the sign that httpd listens.
# The access log is the server's own word on what it negotiated.
CONFIGURATION = """\
ServerName www.example.test
PidFile httpd.pid
Listen 443
User www-data
Group www-data
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule cgi_module /usr/lib/apache2/modules/mod_cgi.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
TypesConfig /dev/null
AddType text/html .aspx
ErrorLog /dev/stderr
LogLevel notice ssl:info
LogFormat "%{SSL_PROTOCOL}x %{SSL_CIPHER}x %{SSL_SESSION_RESUMED}x verify=%{SSL_CLIENT_VERIFY}x %r %>s" story
CustomLog access.log story
DocumentRoot htdocs
ScriptAlias /cgi ./cgi
KeepAliveTimeout 30
SSLEngine on
SSLCertificateFile server.crt
SSLCertificateKeyFile server.key
SSLInsecureRenegotiation off
SSLHonorCipherOrder on
"""
# What came in is told by the CGI program, what it answers is as long as it is asked to
CGI = """\
#!/bin/sh
digest=$(sha256sum)
printf 'Content-Type: text/plain\\r\\n\\r\\n'
printf '%s\\n' "$digest"
seq "${QUERY_STRING:-1}"
"""


def write_site(folder: Path) -> None:
    """Write the pages; their date is in the plaintext (Last-Modified, ETag), so it is always the same."""
    for directory in ("htdocs", "cgi"):
        (folder / directory).mkdir(exist_ok=True)
    pages = {"1.aspx": PAGE, "index.html": b"<html>Welcome.</html>\n"}
    pages["large.aspx"] = b"".join(b"%06d the quick brown fox\n" % line for line in range(3200))
    for page, content in pages.items():
        (folder / "htdocs" / page).write_bytes(content)
        os.utime(folder / "htdocs" / page, (946684800, 946684800))
    (folder / "upload.txt").write_bytes(b"".join(b"%06d posted by the client\n" % line for line in range(3200)))
    (folder / "cgi" / "1.aspx").write_text(CGI)
    (folder / "cgi" / "1.aspx").chmod(0o755)


def start_apache(stage: Stage, folder: Path, settings: list[str]) -> Peer:
    """Start httpd with `settings` appended to its configuration; it listens when this returns."""
    write_site(folder)
    (folder / "access.log").unlink(missing_ok=True)
    (folder / "httpd.conf").write_text(CONFIGURATION + "\n".join(settings) + "\n")
    command = "apache2 -DFOREGROUND -d . -f httpd.conf -C 'DefaultRuntimeDir .'"
    return stage.start("server", command, ready=b"resuming normal operations")


def settings_for(
    version: str,
    suite: str,
    *,
    path: str = "/1.aspx",
    verify: str | None = "require",
    server: tuple[str, ...] = (),
    location: tuple[str, ...] = (),
) -> list[str]:
    """The part of the configuration that makes a scenario: TLS, and what holds below `path` alone."""
    directives = [f" SSLVerifyClient {verify}", " SSLVerifyDepth 2"] if verify else []
    return [
        f"SSLProtocol -all +{version}",
        f"SSLCipherSuite TLSv1.3 {suite}" if version == "TLSv1.3" else f"SSLCipherSuite {suite}:@SECLEVEL=0",
        "SSLCADNRequestFile names.pem",
        "SSLCACertificateFile issuers.pem",
        *server,
        f"<Location {path}>",
        *directives,
        *(f" {line}" for line in location),
        "</Location>",
    ]


def with_curl(
    lab: Lab,
    settings: list[str],
    requests: str,
    *,
    version: str,
    ciphers: str,
    certificate: str | None = "client",
    accepted: int = 3,
    status: int = 0,
    keylog: bool = False,
    connections: int = 1,
    **stage_options: Any,
) -> Recording:
    """Record curl making `requests` (its arguments); it must end with exit status `status`.

    `certificate` is the stem of the client's certificate, `accepted` the number of CA names that are sent.
    """
    subjects = names.authority_names(accepted)
    lab.write_names(subjects)
    command = f"curl --silent --raw --trace trace.txt --tlsv1.0 --tls-max {MAXIMUM[version]} "
    command += f"--tls13-ciphers {ciphers} " if version == "TLSv1.3" else f"--ciphers {ciphers}:@SECLEVEL=0 "
    command += "--cacert server-issuer.pem "
    if certificate:
        command += f"--cert {certificate}.crt --key {certificate}.key "
    if keylog:
        command = f"env SSLKEYLOGFILE={KEYLOG} {command}"
    with lab.stage(**stage_options) as stage:
        apache = start_apache(stage, lab.folder, settings)
        curl = stage.start("client", command + requests)
        found = curl.wait()
        if found != status:
            raise PeerError(f"{curl.command} ended with {found}")
        pcap = stage.finish(connections)
        apache.terminate()
        return Recording(
            pcap=pcap,
            commands=stage.commands,
            witness="curl --trace",
            connections=read_curl_trace((lab.folder / "trace.txt").read_text()),
            configured_names=subjects,
            server_settings=settings,
            server_log=(lab.folder / "access.log").read_text().splitlines(),
            keylog=lab.read_keylog(),
        )


def interleaved(lab: Lab) -> Recording:
    """Record two s_clients whose handshakes and requests alternate, after a connection that is no TLS."""
    subjects = names.authority_names(3)
    lab.write_names(subjects)
    settings = settings_for("TLSv1.2", "AES128-GCM-SHA256")
    with lab.stage() as stage:
        apache = start_apache(stage, lab.folder, settings)
        stage.start("client", "curl --silent http://10.10.10.15:443/1.aspx").wait()
        clients = [
            stage.start(
                "client",
                "openssl s_client -connect 10.10.10.15:443 -CAfile server-issuer.pem -cert client.crt "
                f"-key client.key -brief -msg -msgfile client-{number}.log",
                ready=b"CONNECTION ESTABLISHED",
            )
            for number in range(2)
        ]
        for client in reversed(clients):
            client.say(REQUEST)
            client.expect(b"</html>")
        for client in clients:
            client.say(REQUEST)
            client.expect(b"</html>", 2)
        for client in clients:
            client.say(b"Q\n")
            client.wait()
        pcap = stage.finish(1 + len(clients))
        apache.terminate()
        connections = [
            Connection(
                read_openssl_messages((lab.folder / f"client-{number}.log").read_text(), of="client"),
                from_client=2 * REQUEST,
                from_server=bytes(client.stdout),
            )
            for number, client in enumerate(clients)
        ]
        return Recording(
            pcap=pcap,
            commands=stage.commands,
            witness="openssl s_client -msg",
            connections=connections,
            first_tcp_stream=1,
            configured_names=subjects,
            server_settings=settings,
            server_log=(lab.folder / "access.log").read_text().splitlines(),
        )
