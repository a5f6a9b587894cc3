"""Makes the captures in `tds/`: real clients of Microsoft SQL Server log in at a server that is written here.

    # pip install pymssql python-tds pyopenssl
    # python tests/capture/make_tds.py tests/capture/tds

needs openssl, tcpdump, and the right to capture on the loopback interface.  The server says PRELOGIN, does the
handshake of TLS (Python's `ssl`) in TDS packets, reads the login and refuses it with an ERROR token ([MS-TDS]
§2.2.7.10): so each capture has what a client does, FreeTDS (in pymssql) or python-tds, and what a server must answer.

Beside each capture is what the server read in TLS, and what it wrote.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread

KEYS = Path(__file__).parents[1] / "captures" / "keys"
PRELOGIN, REPLY, SQL = 0x12, 0x04, 0x01
OFF, ON = 0, 1
LIMIT = 4096  # bytes of a TDS packet, until something else is agreed


def packet(kind: int, payload: bytes, *, last: bool = True) -> bytes:
    return struct.pack("!BBHHBB", kind, last, 8 + len(payload), 0, 1, 0) + payload


def read_packet(connection: socket.socket) -> bytes:
    head = connection.recv(8, socket.MSG_WAITALL)
    return connection.recv(int.from_bytes(head[2:4], "big") - 8, socket.MSG_WAITALL)


def refusal() -> bytes:
    text, server = "Login failed.", "server"
    said = struct.pack("<LBB", 18456, 1, 14)
    for one, width in ((text, "<H"), (server, "<B"), ("", "<B")):
        said += struct.pack(width, len(one)) + one.encode("utf-16-le")
    said += struct.pack("<L", 1)
    return packet(REPLY, struct.pack("<BH", 0xAA, len(said)) + said + struct.pack("<BHHQ", 0xFD, 2, 0, 0))


class Server(Thread):
    """Serves one connection; `encryption` is what it offers."""

    def __init__(self, context: ssl.SSLContext, encryption: int) -> None:
        super().__init__()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._encryption = encryption
        self.read = self.written = b""

    def run(self) -> None:
        connection, _ = self._listener.accept()
        with self._listener, connection:
            asked = read_packet(connection)
            options = {asked[place]: asked[place + 1 : place + 5] for place in range(0, asked.index(b"\xff"), 5)}
            offset, length = struct.unpack("!HH", options[1])
            print("the client asks for encryption", asked[offset : offset + length].hex(), flush=True)
            answer = struct.pack("!BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF) + bytes.fromhex("0f0007d00000")
            connection.sendall(packet(REPLY, answer + bytes([self._encryption])))
            self._shake_hands(connection)
            self._log_in(connection)

    def _shake_hands(self, connection: socket.socket) -> None:
        done = False
        while not done:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            flight = self._outgoing.read()
            for start in range(0, len(flight), LIMIT - 8):
                piece = flight[start : start + LIMIT - 8]
                connection.sendall(packet(PRELOGIN, piece, last=start + len(piece) == len(flight)))
            if not done:
                self._incoming.write(read_packet(connection))

    def _log_in(self, connection: socket.socket) -> None:
        while len(self.read) < 8 or len(self.read) < int.from_bytes(self.read[2:4], "big"):
            try:
                self.read += self._tls.read(65536)
            except ssl.SSLWantReadError:
                self._incoming.write(connection.recv(65536))
        if self._encryption == OFF:
            connection.sendall(refusal())
            with suppress(OSError):
                connection.recv(65536)
            return
        self.written = refusal()
        self._tls.write(self.written)
        connection.sendall(self._outgoing.read())
        with suppress(OSError):
            self._incoming.write(connection.recv(65536))
            self.read += self._tls.read(65536)


FREETDS = """
import pymssql
try:
    pymssql.connect(server="127.0.0.1", port={port}, user="sa", password="secret", encryption="{encryption}")
except pymssql.OperationalError as error:
    assert b"Login failed." in error.args[0][1], error
"""
PYTHON_TDS = """
import pytds
try:
    pytds.connect("127.0.0.1", port={port}, user="sa", password="secret", cafile={certificate!r}, validate_host=False,
                  enc_login_only={login_only})
except pytds.OperationalError as error:
    assert "Login failed." in str(error), error
"""
CLIENTS = {
    "freetds": (FREETDS, ON),
    "freetds-login-only": (FREETDS, OFF),
    "python-tds": (PYTHON_TDS, ON),
    "python-tds-login-only": (PYTHON_TDS, OFF),
}


def make(name: str, folder: Path) -> None:
    client, encryption = CLIENTS[name]
    with ExitStack() as stack:
        work = stack.enter_context(tempfile.TemporaryDirectory())
        certificate = f"{work}/server.crt"
        key = KEYS / "server.pem"
        subprocess.run(
            f"openssl req -x509 -new -key {key} -subj /CN=server -days 3650 -out {certificate}".split(), check=True
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-SHA256")
        server = Server(context, encryption)
        command = f"tcpdump -i lo --immediate-mode -U -s 0 -w {folder / name}.pcap tcp port {server.port}"
        dump = stack.enter_context(subprocess.Popen(command.split(), stderr=subprocess.PIPE))
        stack.callback(dump.kill)
        assert dump.stderr is not None
        while b"listening on" not in dump.stderr.readline():
            pass
        server.start()
        script = client.format(
            port=server.port, certificate=certificate, login_only=encryption == OFF,
            encryption="require" if encryption == ON else "request",
        )  # fmt: skip
        subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
        server.join()
        dump.terminate()
        said = dump.stderr.read().decode()
        captured, received = re.findall(r"^(\d+) packets? (?:captured|received)", said, re.MULTILINE)
        # The loopback interface shows each packet to the filter twice, on its way out and in.
        assert int(captured) in (int(received), int(received) // 2), f"not all was captured; try again: {said}"
        (folder / f"{name}.client.bin").write_bytes(server.read)
        if server.written:
            (folder / f"{name}.server.bin").write_bytes(server.written)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(exist_ok=True)
    for one in sys.argv[2:] or CLIENTS:
        make(one, target)
