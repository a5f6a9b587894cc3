"""Makes peer_messages.json: the key exchanges with pre-shared keys and passwords, as OpenSSL and GnuTLS speak them.

    python tests/schema/make_peer_messages.py

It needs `openssl` 3.0, `gnutls-serv`, `gnutls-cli` and `srptool` 3.7, as Debian 12 has them (the SRP of its OpenSSL
fails).  Between each client and its server sits a relay that keeps what passes.  Of each handshake are written: the
commands, the line in which the server says what was agreed, and the hellos, ServerKeyExchange and ClientKeyExchange in
hex.
"""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

KEY = "00112233445566778899aabbccddeeff"
HINT = "a hint"
USER = "alice"
KEPT = (1, 2, 12, 16)  # client_hello, server_hello, server_key_exchange, client_key_exchange

OPENSSL_PSK = [
    ("PSK-AES128-CBC-SHA", "tls1"),
    ("PSK-AES128-GCM-SHA256", "tls1_2"),
    ("DHE-PSK-AES128-CBC-SHA", "tls1_1"),
    ("DHE-PSK-AES128-GCM-SHA256", "tls1_2"),
    ("RSA-PSK-AES128-CBC-SHA", "tls1"),
    ("RSA-PSK-AES128-GCM-SHA256", "tls1_2"),
    ("ECDHE-PSK-AES128-CBC-SHA", "tls1_1"),
    ("ECDHE-PSK-CHACHA20-POLY1305", "tls1_2"),
]
GNUTLS_PSK = [("PSK", "1.2"), ("DHE-PSK", "1.2"), ("RSA-PSK", "1.1"), ("ECDHE-PSK", "1.0")]
GNUTLS_SRP = [("SRP", "1.2"), ("SRP-RSA", "1.2"), ("SRP-RSA", "1.0"), ("SRP-DSS", "1.1"), ("SRP-DSS", "1.2")]
RAW_KEYS = "ECDHE-RSA:-CTYPE-ALL:+CTYPE-CLI-X509:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK"


class Relay:
    """Takes one connection, connects to the server, and keeps what each side sends."""

    def __init__(self, server_port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._server_port = server_port
        self.sent = {"client": b"", "server": b""}
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._server_port))
        back = threading.Thread(target=self._carry, args=("server", server, client))
        back.start()
        self._carry("client", client, server)
        back.join()

    def _carry(self, side: str, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self.sent[side] += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other end has gone, which is how openssl says goodbye

    def wait(self) -> dict[str, bytes]:
        self._thread.join()
        self._listener.close()
        return self.sent


def messages(stream: bytes) -> list[str]:
    """The messages that are kept, of those before the ChangeCipherSpec, with their headers."""
    handshake = b""
    while stream and stream[0] != 20:
        length = int.from_bytes(stream[3:5], "big")
        if stream[0] == 22:
            handshake += stream[5 : 5 + length]
        stream = stream[5 + length :]
    found = []
    while handshake:
        length = 4 + int.from_bytes(handshake[1:4], "big")
        if handshake[0] in KEPT:
            found.append(handshake[:length].hex())
        handshake = handshake[length:]
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def talk(folder: Path, server: str, ready: str, client: str, witness: str) -> dict[str, object]:
    """One handshake between two commands, in which {port} stands for where the server listens or is reached."""
    port = free_port()
    relay = Relay(port)
    serving = subprocess.Popen(
        shlex.split(server.format(port=port)),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",  # session IDs are printed as they are
    )
    assert serving.stdout is not None
    for line in serving.stdout:
        if ready in line:
            break
    # gnutls-cli 3.7.9 crashes behind a handshake with DHE-PSK: so the server is asked what was agreed
    subprocess.run(shlex.split(client.format(port=relay.port)), cwd=folder, input=b"", capture_output=True, check=False)
    sent = relay.wait()
    serving.terminate()
    said = [line.strip() for line in serving.communicate()[0].splitlines() if witness in line]
    assert said, f"{client} failed"
    return {
        "server_command": server,
        "client_command": client,
        "server_said": said[0],
        "client": messages(sent["client"]),
        "server": messages(sent["server"]),
    }


def with_openssl(folder: Path, suite: str, version: str, server: str, client: str) -> dict[str, object]:
    common = f"-{version} -cipher {suite}:@SECLEVEL=0"
    return talk(
        folder,
        f"openssl s_server -accept 127.0.0.1:{{port}} -naccept 1 {common} {server}",
        "ACCEPT",
        f"openssl s_client -connect 127.0.0.1:{{port}} {common} {client}",
        "CIPHER is",
    )


def with_gnutls(folder: Path, exchange: str, version: str, server: str, client: str) -> dict[str, object]:
    common = (
        f"--priority NORMAL:-KX-ALL:+{exchange}:-VERS-ALL:+VERS-TLS{version}:+SIGN-ALL:+SIGN-DSA-SHA1:+SIGN-DSA-SHA256"
    )
    return talk(
        folder,
        f"gnutls-serv --echo -p {{port}} {common} {server}",
        "Echo Server listening",
        f"gnutls-cli --insecure --no-ca-verification -p {{port}} 127.0.0.1 {common} {client}",
        "- Key Exchange:",
    )


def prepare(folder: Path) -> None:
    """The files that the servers read."""

    def run(command: str, say: str = "") -> None:
        # of its own session, so that srptool asks no terminal for the password
        options = {"input": say.encode(), "capture_output": True, "start_new_session": True}
        subprocess.run(shlex.split(command), cwd=folder, check=True, **options)

    request = "openssl req -x509 -nodes -subj /CN=server.test -days 30 -sha256"
    run(f"{request} -newkey rsa:2048 -keyout rsa.key -out rsa.crt")
    run("openssl rsa -in rsa.key -pubout -out rsa.pub")
    run("openssl dsaparam -out dsa.params 2048")
    run(f"{request} -newkey dsa:dsa.params -keyout dsa.key -out dsa.crt")
    run("srptool --create-conf tpasswd.conf")
    run(f"srptool --passwd tpasswd --passwd-conf tpasswd.conf -u {USER}", "secret\nsecret\n")
    (folder / "psk").write_text(f"{USER}:{KEY}\n")


def main() -> None:
    made = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for suite, version in OPENSSL_PSK:
            server = f"-psk {KEY} -psk_identity {USER} -psk_hint '{HINT}'"
            server += " -cert rsa.crt -key rsa.key" if suite.startswith("RSA") else " -nocert"
            made.append(with_openssl(folder, suite, version, server, f"-psk {KEY} -psk_identity {USER}"))
        for exchange, version in GNUTLS_PSK:
            server = f"--pskpasswd psk --pskhint '{HINT}'"
            server += " --x509certfile rsa.crt --x509keyfile rsa.key" if exchange == "RSA-PSK" else ""
            made.append(with_gnutls(folder, exchange, version, server, f"--pskusername {USER} --pskkey {KEY}"))
        for exchange, version in GNUTLS_SRP:
            server = "--srppasswd tpasswd --srppasswdconf tpasswd.conf"
            kind = exchange.removeprefix("SRP-").lower().replace("dss", "dsa")
            server += f" --x509certfile {kind}.crt --x509keyfile {kind}.key" if kind != "srp" else ""
            made.append(with_gnutls(folder, exchange, version, server, f"--srpusername {USER} --srppasswd secret"))
        made.append(with_gnutls(folder, RAW_KEYS, "1.2", "--rawpkkeyfile rsa.key --rawpkfile rsa.pub", ""))
    Path(__file__).with_name("peer_messages.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
