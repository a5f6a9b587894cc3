"""NSS's `tstclnt` and `selfserv`: a stack that still speaks DES and SSL 3.0 and shares no code with the others.

Neither tells of its messages, and Debian's build of NSS writes no key log.  So between these two the messages are
in tshark's words, and selfserv confirms what was negotiated; the data is as tstclnt read it.  With OpenSSL on the
other end, that tells of the messages and writes the key log.
"""

from __future__ import annotations

import subprocess

import names
from lab import KEYLOG, Lab, Recording
from testimony import Connection, read_openssl_messages

REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def _database(lab: Lab, stem: str, authorities: str, trust: str) -> str:
    """A certificate database with certificate and key of `stem`, and the CAs of a file; what `-d` takes."""
    folder = lab.folder / f"nss-{stem}"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    database = f"sql:{folder.name}"
    pem = (lab.folder / authorities).read_text().split("-----BEGIN")[1:]
    for number, certificate in enumerate(pem):
        (folder / f"{number}.crt").write_text("-----BEGIN" + certificate)
    for command in (
        f"certutil -N -d {database} --empty-password",
        f"openssl pkcs12 -export -in {stem}.crt -inkey {stem}.key -name {stem} -passout pass: -out {stem}.p12",
        f"pk12util -i {stem}.p12 -d {database} -W ",
        *(
            f"certutil -A -d {database} -n authority-{number} -t {trust},, -a -i {folder.name}/{number}.crt"
            for number in range(len(pem))
        ),
    ):
        subprocess.run(command.split(" "), cwd=lab.folder, check=True, capture_output=True)
    return database


def with_nss(
    lab: Lab,
    *,
    version: str = "tls1.2",
    suite: int = 0x002F,
    server: str = "",
    client: str = "",
    certificate: bool = False,
    negotiated: str,
) -> Recording:
    """Record tstclnt asking selfserv for a page; selfserv must say that it `negotiated` this.

    `certificate`: the client has one, of one of the three CAs that the server trusts, and so names.
    """
    subjects = names.authority_names(3) if certificate else []
    served = _database(lab, "server", lab.write_names(subjects), "T")
    calling = f"-d {_database(lab, 'client', 'server-issuer.pem', 'C')} -n client" if certificate else "-D"
    ciphers = f"-V {version}:{version} -c :{suite:04X}"
    with lab.stage() as stage:
        listening = stage.start(
            "server",
            f"selfserv -d {served} -n server -p 443 -v {ciphers} {server}",
            ready=b"About to call accept",
        )
        client_peer = stage.start("client", f"tstclnt -h 10.10.10.15 -p 443 {calling} -o {ciphers} {client}")
        client_peer.say(REQUEST)
        client_peer.expect(b"\nEOF\r\n\r\n\r\n")
        client_peer.terminate()  # selfserv leaves it to the client to end the connection, and tstclnt to us
        pcap = stage.finish(1)
        listening.expect(negotiated.encode())
        listening.terminate()
        said = [line.strip() for line in (listening.stdout + listening.stderr).decode().splitlines()]
        return Recording(
            pcap=pcap,
            commands=[*stage.commands, f"the client's request: {REQUEST.decode()!r}"],
            witness="tstclnt for the data, selfserv for what was negotiated, tshark for the messages",
            connections=[Connection(from_client=REQUEST, from_server=bytes(client_peer.stdout))],
            names_seen={},
            configured_names=subjects,
            server_log=[line for line in said if line and "accept" not in line],
        )


def tstclnt_and_openssl(
    lab: Lab,
    *,
    version: str,
    suites: str,
    server: str = "",
    client: str = "",
    renegotiations: int = 0,
    certificate: bool = False,
    asked_later: bool = False,
) -> Recording:
    """Record tstclnt and `openssl s_server` exchanging lines after so many `renegotiations` by the client.

    The client's `certificate` is asked for in the handshake, or (`asked_later`, TLS 1.3) between the two lines.
    """
    subjects = names.authority_names(3) if certificate else []
    asking = f"-CAfile {lab.write_names(subjects)}" if certificate else ""
    asking += "" if asked_later or not certificate else " -Verify 2"
    calling = f"-d {_database(lab, 'client', 'server-issuer.pem', 'C')} -n client" if certificate else "-D"
    with lab.stage() as stage:
        listening = stage.start(
            "server",
            f"openssl s_server -accept 443 -cert server.crt -key server.key -cipher ALL:@SECLEVEL=0 "
            f"-client_renegotiation -msg -keylogfile {KEYLOG} {asking} {server}",
            ready=b"ACCEPT",
        )
        tstclnt = stage.start(
            "client",
            f"tstclnt -h 10.10.10.15 -p 443 {calling} -o -V {version}:{version} -c {suites} "
            f"-r {renegotiations} {client}",
        )
        listening.expect(b", Finished", 2 + 2 * renegotiations)
        tstclnt.say(b"hello\n")
        listening.expect(b"hello\n")
        if asked_later:
            listening.say(b"c\n")
            listening.expect(b", Finished", 3)
        listening.say(b"goodbye\n")
        tstclnt.expect(b"goodbye\n")
        listening.say(b"Q\n")
        listening.wait()
        tstclnt.terminate()
        pcap = stage.finish(1)
        account = read_openssl_messages(listening.stdout.decode(), of="server")
        return Recording(
            pcap=pcap,
            commands=[*stage.commands, "lines: hello, goodbye"],
            witness="openssl s_server -msg for the messages; for the data, the one who read it",
            connections=[Connection(account, b"hello\n", bytes(tstclnt.stdout))],
            configured_names=subjects,
            keylog=lab.read_keylog(),
        )
