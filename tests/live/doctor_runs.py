"""How the captures of client-certificate authentication are made: a server, a client, and what both say of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import names
from doctor_certificates import INTERMEDIATE, KINDS, LISTED, UNLISTED, Workshop
from lab import KEYLOG, Lab, Stage
from peers import Peer
from with_apache import start_apache
from with_nginx import start_nginx

HERE = Path(__file__).parent
URL = "https://10.10.10.15/1.aspx"
GET = b"GET /1.aspx HTTP/1.1\r\nHost: 10.10.10.15\r\nConnection: close\r\n\r\n"
# What peers say of certificates, without times, process numbers and addresses of memory.
_TELLING = re.compile(r"(?i)certificate|verif|alert|renegoti|handshake|HTTP/1\.1 \d|error|reset")
_NOISE = re.compile(
    r"/tmp/\w+/|^\[[^]]*\d{4}\] |\[pid \d+(:tid \d+)?\] |^\d{4}(/|-)\d\d(/|-)\d\d [\d:]+ "
    r"|\d+#\d+: \*?\d*|^[0-9A-F]{12,}:"
)


@dataclass
class Take:
    """One run: the capture, and what made it."""

    pcap: bytes
    commands: list[str]
    settings: list[str]
    server_says: list[str]
    client_says: list[str]
    keylog: bytes = b""
    certificate: str | None = None  # the stem of the client's


@dataclass(frozen=True)
class Doctored:
    """A capture to be made; `certificate` the client has, whether it sends it or not."""

    name: str
    summary: str
    run: Callable[[Lab], Take]
    certificate: str | None = None
    files: dict[str, str] = field(default_factory=dict)


def prepare(lab: Lab) -> None:
    """Put certificates of every kind into the lab, and the files of the authorities."""
    workshop = Workshop()
    for stem in KINDS:
        workshop.write_client(lab.folder, stem)
    workshop.write_authorities(lab.folder / "trusted.pem", LISTED, UNLISTED, INTERMEDIATE)
    workshop.write_authorities(lab.folder / "listed.pem", LISTED)
    workshop.write_authorities(lab.folder / "forgotten.pem", UNLISTED)
    workshop.write_authorities(lab.folder / "listed-and-intermediate.pem", LISTED, INTERMEDIATE)


def write_list(lab: Lab, subjects: Sequence[bytes], *, listed: bool) -> None:
    """Write list.pem: the authorities to be named, with the issuer of most clients first if it is `listed`."""
    path = lab.folder / "list.pem"
    lab.authority.write_authorities(path, list(subjects))
    if listed:
        path.write_bytes((lab.folder / "listed.pem").read_bytes() + path.read_bytes())


def telling(*texts: bytes) -> list[str]:
    """The lines in which a peer tells what happened."""
    lines = [_NOISE.sub("", line) for text in texts for line in text.decode("utf-8", "replace").splitlines()]
    return [line.strip()[:200] for line in lines if _TELLING.search(line) and "BEGIN" not in line][:12]


def curl(certificate: str | None, *, version: str = "1.2", urls: str = URL, ciphers: str = "AES128-SHA") -> str:
    """A command of curl, which sends its certificate whatever names the server listed."""
    command = f"curl --silent --show-error --tlsv1.0 --tls-max {version} --cacert server-issuer.pem --no-alpn"
    command = f"env SSLKEYLOGFILE={KEYLOG} {command}" if version == "1.3" else command
    command += "" if version == "1.3" else f" --ciphers {ciphers}:@SECLEVEL=0"
    command += f" --cert {certificate}.crt --key {certificate}.key" if certificate else ""
    return f"{command} {urls}"


def wget(certificate: str | None) -> str:
    """A command of wget, whose GnuTLS sends a certificate only if its issuer is among the names."""
    command = "wget --no-hsts --tries=1 -O - -S --content-on-error --ca-certificate=server-issuer.pem "
    command += "--ciphers=NONE:+VERS-TLS1.2:+RSA:+AES-128-CBC:+SHA1:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-ALL "
    return command + (f"--certificate={certificate}.crt --private-key={certificate}.key " if certificate else "") + URL


def s_client(certificate: str | None, more: str = "") -> str:
    """A command of s_client, which takes its request from standard input."""
    command = f"openssl s_client -connect 10.10.10.15:443 -CAfile server-issuer.pem -brief -ign_eof {more}"
    if "-keylogfile" not in more and "TLSv1_3" not in more:
        command += " -cipher AES128-SHA:@SECLEVEL=0 -tls1_2"
    return command + (f" -cert {certificate}.crt -key {certificate}.key" if certificate else "")


def apache_settings(
    *lines: str,
    at: str = "location",
    verify: str | None = "require",
    trusted: str = "trusted.pem",
    version: str = "TLSv1.2",
    location: Sequence[str] = (),
) -> list[str]:
    """Settings of Apache that asks `at` the server or the location of the request."""
    directives = [f"SSLVerifyClient {verify}", "SSLVerifyDepth 3"] if verify else []
    return [
        f"SSLProtocol -all +{version}",
        "SSLCipherSuite AES128-SHA:@SECLEVEL=0",
        "SSLSessionTickets off",
        f"SSLCACertificateFile {trusted}",
        "SSLCADNRequestFile list.pem",
        *lines,
        *(directives if at == "server" else []),
        "<Location /1.aspx>",
        *(f" {line}" for line in (*(directives if at == "location" else []), *location)),
        "</Location>",
    ]


def nginx_settings(*lines: str, version: str = "TLSv1.2") -> list[str]:
    """Settings of nginx."""
    return [f"ssl_protocols {version};", "ssl_ciphers AES128-SHA:@SECLEVEL=0;", *lines]


def web(
    lab: Lab,
    server: str,
    settings: list[str],
    client: str,
    *,
    subjects: Sequence[bytes] = tuple(names.PLAIN[1:]),
    listed: bool = True,
    connections: int = 1,
    files: Sequence[str] = (),
    says: bytes | None = None,
) -> Take:
    """Record a `client` of Apache or nginx; `says` is what it gets on standard input."""
    write_list(lab, subjects, listed=listed)
    for file in files:
        (lab.folder / file).write_bytes((HERE / file).read_bytes())
    with lab.stage() as stage:
        start = start_apache if server == "apache" else start_nginx
        serving = start(stage, lab.folder, settings)
        calling = stage.start("client", client)
        if says is not None:
            calling.say(says)
        calling.wait()
        pcap = stage.finish(connections)
        serving.terminate()
        access = (lab.folder / "access.log").read_text().splitlines()
        said = [*(line.partition("] ")[2] if server == "nginx" else line for line in access), *telling(serving.stderr)]
        return _take(lab, stage, pcap, settings, said, calling)


def _take(lab: Lab, stage: Stage, pcap: bytes, settings: list[str], said: list[str], calling: Peer) -> Take:
    return Take(pcap, stage.commands, settings, said, telling(calling.stderr, calling.stdout), lab.read_keylog())


def s_server(
    lab: Lab,
    server: str,
    client: str,
    *,
    subjects: Sequence[bytes] = tuple(names.PLAIN[1:]),
    listed: bool = True,
    files: Sequence[str] = (),
    says: bytes = b"",
) -> Take:
    """Record a `client` of `openssl s_server`, which serves no pages."""
    write_list(lab, subjects, listed=listed)
    for file in files:
        (lab.folder / file).write_bytes((HERE / file).read_bytes())
    with lab.stage() as stage:
        command = f"openssl s_server -accept 443 -cert server.crt -key server.key {server}"
        if "-tls1_3" not in server:
            command += " -cipher ALL:@SECLEVEL=0 -tls1_2" if "-tls1" not in server else " -cipher ALL:@SECLEVEL=0"
        serving = stage.start("server", command, ready=b"ACCEPT")
        calling = stage.start("client", client)
        if says:
            calling.say(says)
            serving.expect(says.strip().splitlines()[-1])
            serving.say(b"Q\n")
        calling.wait()
        pcap = stage.finish(1)
        serving.terminate()
        return _take(lab, stage, pcap, [], telling(serving.stderr, serving.stdout), calling)


def peers(lab: Lab, server: dict[str, Any], client: dict[str, Any], files: dict[str, bytes] | None = None) -> Take:
    """Record doctor_peer.py at both ends."""
    for file, content in (files or {}).items():
        (lab.folder / file).write_bytes(content)
    (lab.folder / "doctor_peer.py").write_bytes((HERE / "doctor_peer.py").read_bytes())
    described = []
    for side, options in (("server", {"version": [3, 3], "certificate": "server"} | server), ("client", client)):
        options = {"version": (server.get("version") or [3, 3])} | options
        text = json.dumps(options)
        (lab.folder / f"{side}.json").write_text(text)
        described.append(f"{side}.json: {text:.300}")
    with lab.stage() as stage:
        serving = stage.start("server", "python3 doctor_peer.py server server.json", ready=b"listening")
        calling = stage.start("client", "python3 doctor_peer.py client client.json")
        calling.wait()
        serving.wait()
        pcap = stage.finish(1)
        said = telling(serving.stderr, serving.stdout)
        take = _take(lab, stage, pcap, [], said, calling)
        take.commands += described
        return take


def peer_and_server(lab: Lab, serve: Callable[[Stage], Peer], client: dict[str, Any], settings: list[str]) -> Take:
    """Record doctor_peer.py as the client of a real server."""
    (lab.folder / "get.bin").write_bytes(GET)
    (lab.folder / "doctor_peer.py").write_bytes((HERE / "doctor_peer.py").read_bytes())
    text = json.dumps({"version": [3, 3]} | client)
    (lab.folder / "client.json").write_text(text)
    with lab.stage() as stage:
        serving = serve(stage)
        calling = stage.start("client", "python3 doctor_peer.py client client.json")
        calling.wait()
        pcap = stage.finish(1)
        serving.terminate()
        take = _take(lab, stage, pcap, settings, telling(serving.stderr, serving.stdout), calling)
        take.commands.append(f"client.json: {text}")
        return take
