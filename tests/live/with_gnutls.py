"""`gnutls-serv --echo` and `gnutls-cli`: what OpenSSL of Debian can no longer do, or never could.

RC4, 3DES, connections without extended master secret, and renegotiation without RFC 5746.  The server's data
is the echo of the client's.  GnuTLS logs the names of the messages, not their bytes; these are tshark's.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import names
from lab import KEYLOG, Lab, Recording
from testimony import Connection, read_gnutls_names
from with_apache import URL, settings_for, start_apache


def priority(version: str, cipher: str, mac: str, flags: str = "", key_exchange: str = "RSA") -> str:
    """A GnuTLS priority string for one version, key exchange, cipher and MAC."""
    return f"NONE:+VERS-{version}:+{key_exchange}:+{cipher}:+{mac}:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-ALL{flags}"


# What GnuTLS's peers share beforehand: an identity, its key in hex, and its password
IDENTITY, PSK, PASSWORD = "client.one", "0123456789abcdef0123456789abcdef", "secret"


def write_shared_keys(folder: Path) -> None:
    """Write what the server has of them: `psk.txt`; `tpasswd` and its `tpasswd.conf`, with a verifier (RFC 5054)."""
    (folder / "psk.txt").write_text(f"{IDENTITY}:{PSK}\n")
    (folder / "tpasswd").unlink(missing_ok=True)
    group = 3  # the 2,048-bit one
    typed = f"{PASSWORD}\n{PASSWORD}\n".encode()
    for command in (
        "--create-conf tpasswd.conf",
        f"--passwd tpasswd --passwd-conf tpasswd.conf -u {IDENTITY} -i {group}",
    ):
        subprocess.run(["srptool", *command.split()], cwd=folder, check=True, input=typed, capture_output=True)


def with_gnutls(
    lab: Lab,
    lines: list[str],
    *,
    priorities: str,
    server_priorities: str | None = None,
    certificate: bool = False,
    server_certificate: str = "server",
    server: str = "",
    client: str = "",
    keylog: bool = False,
    shared_keys: bool = False,
    connections: int = 1,
    witness: str = "client",
) -> Recording:
    """Record gnutls-cli sending `lines` on its last connection; the server may ask for a `certificate`.

    `server_priorities` are the server's if they are others, `server_certificate` is the stem of its certificate;
    `server` and `client` are further options, which may name the files of `write_shared_keys`.  `witness`: whose
    log tells of the messages; gnutls-cli does not read all that it is sent when it reconnects.
    """
    if shared_keys:
        write_shared_keys(lab.folder)
    subjects = names.authority_names(3) if certificate else []
    asking, answering = "--disable-client-cert", ""
    if certificate:
        asking = f"--x509cafile {lab.write_names(subjects)} --require-client-cert"
        answering = "--x509certfile client.crt --x509keyfile client.key"
    logging = f"env SSLKEYLOGFILE={KEYLOG} " if keylog else ""
    with lab.stage() as stage:
        serving = stage.start(
            "server",
            f"gnutls-serv {'-d 4 ' if witness == 'server' else ''}--echo -p 443 "
            f"--priority {server_priorities or priorities} "
            f"--x509certfile {server_certificate}.crt --x509keyfile {server_certificate}.key {asking} {server}",
            ready=b"Echo Server listening",
        )
        calling = stage.start(
            "client",
            f"{logging}gnutls-cli -d 4 -p 443 --priority {priorities} --no-ca-verification {answering} {client} "
            "10.10.10.15",
            ready=b"Simple Client Mode",
        )
        data = b""
        for line in lines:
            data += line.encode() + b"\n"
            calling.say(line.encode() + b"\n")
            calling.expect(line.encode())
        calling.hush()
        calling.wait()
        spoken = [Connection() for _ in range(connections)]
        spoken[-1].from_client = spoken[-1].from_server = data
        pcap = stage.finish(connections)
        serving.terminate()
        log, program = (serving, "gnutls-serv") if witness == "server" else (calling, "gnutls-cli")
        return Recording(
            pcap=pcap,
            commands=[*stage.commands, f"lines: {', '.join(lines)}"],
            witness=f"{program} for the names of the messages, gnutls-cli for the data, tshark for the messages' bytes",
            connections=spoken,
            names_seen=read_gnutls_names(log.stderr.decode(), of=witness),
            configured_names=subjects,
            keylog=lab.read_keylog(),
        )


def wget_and_apache(lab: Lab, *, certificate: str) -> Recording:
    """Record wget, which uses GnuTLS and so sends a certificate only if its issuer is among the names."""
    subjects = names.authority_names(3)
    lab.write_names(subjects)
    # GnuTLS waits in a renegotiation for the NewSessionTicket that it got in the first handshake, and fails
    server = ("SSLSessionTickets off",)
    location = ("Require ssl-verify-client",)
    settings = settings_for("TLSv1.2", "AES128-SHA", verify="optional", server=server, location=location)
    with lab.stage() as stage:
        apache = start_apache(stage, lab.folder, settings)
        wget = stage.start(
            "client",
            "env GNUTLS_DEBUG_LEVEL=4 wget -d --no-hsts -O - --save-headers --content-on-error "
            f"--ciphers={priority('TLS1.2', 'AES-128-CBC', 'SHA1')} --ca-certificate=server-issuer.pem "
            f"--certificate={certificate}.crt --private-key={certificate}.key {URL}",
        )
        wget.wait()
        pcap = stage.finish(1)
        apache.terminate()
        request = bytes(wget.stderr).partition(b"---request begin---\n")[2].partition(b"---request end---")[0]
        seen = read_gnutls_names(wget.stderr.decode(), of="client")
        # GnuTLS does not log a HelloRequest that it receives; Apache does, that it sends one
        assert apache.stderr.count(b"Requesting connection re-negotiation") == 1
        seen["server"].insert(seen["server"].index("finished") + 1, "hello_request")
        return Recording(
            pcap=pcap,
            commands=stage.commands,
            witness="wget for the names of the messages and the data, tshark for the messages' bytes",
            connections=[Connection(from_client=request, from_server=bytes(wget.stdout))],
            names_seen=seen,
            configured_names=subjects,
            server_settings=settings,
            server_log=(lab.folder / "access.log").read_text().splitlines(),
        )
