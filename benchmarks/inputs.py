"""Makes the captures that the whole-job benchmarks read: real OpenSSL at both ends, no socket, no network, no root.

    python -m benchmarks.inputs DIRECTORY [--check]

Two `ssl.SSLObject`s talk through `ssl.MemoryBIO`; what they say is cut into segments of 1,460 bytes and written as
frames of Ethernet, IPv4 and TCP, every second segment acknowledged (a capture without acknowledgements makes tshark
several times slower, which would flatter us).  What is ours comes from a fixed seed: payloads, ports, sequence
numbers, times.  OpenSSL's own randoms, and so the ciphertext, cannot be seeded through `ssl` and differ from run to
run; sizes and frame counts do not.

`inputs.json` beside the captures has what each side sent, as SHA-256 over all streams in order; `--check` compares that
with what tshark and `tlswire decrypt` get out.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import random
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

SEED = 20_08
SEGMENT = 1460
WINDOW = 16  # segments that a reordered capture shuffles among themselves
KEY = Path(__file__).parent.parent / "tests" / "captures" / "keys" / "server.pem"
NO_LINE_ENDS = bytes(byte ^ 0x80 if byte in b"\r\n" else byte for byte in range(256))
CLIENT, SERVER = 0, 1
FIN, SYN, PSH, ACK = 1, 2, 8, 16

NO_ENCRYPT_THEN_MAC = 0x0008_0000
"""SSL_OP_NO_ENCRYPT_THEN_MAC: MAC-then-encrypt, as Schannel speaks it and RFC 5246 §6.2.3.2 describes it."""


def checksum(data: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    return -int.from_bytes(data + bytes(len(data) & 1), "big") % 0xFFFF


@dataclass(slots=True)
class Wire:
    """One TCP connection being written to a capture file; a side's bytes wait until a segment is full."""

    out: BinaryIO
    port: int
    numbers: list[int]
    clock: Iterator[int]
    shuffle: random.Random | None = None
    waiting: list[bytearray] = field(default_factory=lambda: [bytearray(), bytearray()])
    held: list[tuple[int, bytes]] = field(default_factory=list)
    early: dict[int, int] = field(default_factory=dict)
    unacknowledged: int = 0

    def frame(self, side: int, flags: int, payload: bytes = b"", number: int | None = None) -> None:
        """Writes one frame; `number` is its sequence number where that is not the next one."""
        ports, addresses = (self.port, 443), (b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02")
        source, target = addresses[side], addresses[1 - side]
        start = self.numbers[side] if number is None else number
        acknowledged = self.numbers[1 - side] if flags & ACK else 0
        fixed = struct.pack(
            ">HHIIBBH", ports[side], ports[1 - side], start & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 0x50, flags, 0xFFFF
        )
        pseudo = source + target + struct.pack(">HH", 6, 20 + len(payload))
        tcp = fixed + struct.pack(">HH", checksum(pseudo + fixed + bytes(4) + payload), 0) + payload
        ip = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6)
        ip += struct.pack(">H", checksum(ip + bytes(2) + source + target)) + source + target
        data = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\x00" + ip + tcp
        moment = next(self.clock)
        self.out.write(struct.pack("<IIII", moment // 1_000_000, moment % 1_000_000, len(data), len(data)) + data)

    def open(self) -> None:
        """The three frames that open a connection."""
        self.frame(CLIENT, SYN)
        self.numbers[CLIENT] += 1
        self.frame(SERVER, SYN | ACK)
        self.numbers[SERVER] += 1
        self.frame(CLIENT, ACK)

    def send(self, side: int, data: bytes) -> None:
        """Queues bytes of one side and writes what fills a segment; the other side's turn is over."""
        if self.waiting[1 - side]:
            self.flush(1 - side)
        waiting = self.waiting[side]
        waiting += data
        for start in range(0, len(waiting) - SEGMENT + 1, SEGMENT):
            self._segment(side, bytes(waiting[start : start + SEGMENT]))
        del waiting[: len(waiting) // SEGMENT * SEGMENT]

    def flush(self, side: int) -> None:
        """Writes what waits, pushed."""
        if self.waiting[side]:
            self._segment(side, bytes(self.waiting[side]))
            self.waiting[side].clear()
        if self.held:
            self._release(side)

    def close(self) -> None:
        """Both sides end."""
        for side in (SERVER, CLIENT):
            self.flush(side)
        for side in (SERVER, CLIENT):
            self.frame(side, FIN | ACK)
            self.numbers[side] += 1
        self.frame(SERVER, ACK)

    def _segment(self, side: int, payload: bytes) -> None:
        if self.shuffle is None:
            self.frame(side, ACK | (PSH if len(payload) < SEGMENT else 0), payload)
            self.numbers[side] += len(payload)
            self._sent(side)
            return
        ahead = sum(len(other) for _, other in self.held)
        self.held.append((self.numbers[side] + ahead, payload))
        if len(self.held) == WINDOW:
            self._release(side)

    def _release(self, side: int) -> None:
        """Writes the segments of a window in shuffled order; only what came without a hole is acknowledged."""
        if self.shuffle is not None:
            self.shuffle.shuffle(self.held)
        for number, payload in self.held:
            self.frame(side, ACK, payload, number)
            self.early[number] = len(payload)
            while (length := self.early.pop(self.numbers[side], None)) is not None:
                self.numbers[side] += length
            self._sent(side)
        self.held.clear()

    def _sent(self, side: int) -> None:
        self.unacknowledged += 1
        if self.unacknowledged % 2 == 0:
            self.frame(1 - side, ACK)


@dataclass(slots=True)
class Pair:
    """A client and a server that talk through memory, and the wire that hears them."""

    client: ssl.SSLObject
    server: ssl.SSLObject
    outputs: tuple[ssl.MemoryBIO, ssl.MemoryBIO]
    inputs: tuple[ssl.MemoryBIO, ssl.MemoryBIO]
    wire: Wire

    @classmethod
    def of(cls, contexts: tuple[ssl.SSLContext, ssl.SSLContext], wire: Wire) -> Pair:
        """Opens the connection and shakes hands."""
        outputs, inputs = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
        client = contexts[CLIENT].wrap_bio(inputs[CLIENT], outputs[CLIENT])
        server = contexts[SERVER].wrap_bio(inputs[SERVER], outputs[SERVER], server_side=True)
        pair = cls(client, server, outputs, inputs, wire)
        wire.open()
        done = [False, False]
        while not all(done):
            for side, end in enumerate((client, server)):
                if not done[side]:
                    try:
                        end.do_handshake()
                        done[side] = True
                    except ssl.SSLWantReadError:
                        pass
                pair.carry(side)
        return pair

    def carry(self, side: int, deliver: bool = True) -> None:
        """Takes what a side has written to the wire and, unless nobody reads it, to the other side."""
        if data := self.outputs[side].read():
            self.wire.send(side, data)
            if deliver:
                self.inputs[1 - side].write(data)

    def write(self, side: int, data: bytes) -> None:
        """One write, so one record up to 16 KB; the other end does not read it."""
        (self.client, self.server)[side].write(data)
        self.carry(side, deliver=False)


def certificate(directory: Path) -> Path:
    """A self-signed certificate for the server's key."""
    path = directory / "server.crt"
    if not path.exists():
        key = load_pem_private_key(KEY.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench.example.test")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(SEED).not_valid_before(datetime.datetime(2020, 1, 1))
        made = builder.not_valid_after(datetime.datetime(2090, 1, 1)).sign(key, hashes.SHA256())
        path.write_bytes(made.public_bytes(Encoding.PEM))
    return path


def contexts(suite: str, version: ssl.TLSVersion, directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The client's and the server's, for one suite and version."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    server.load_cert_chain(certificate(directory), KEY)
    for context in (client, server):
        context.set_ciphers(f"{suite}:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TLS 1.0 is meant
            context.minimum_version = context.maximum_version = version
        context.options |= NO_ENCRYPT_THEN_MAC
    return client, server


@dataclass(frozen=True, slots=True)
class Input:
    """One capture: `connections` connections, each with `records` writes of `size` bytes by the server."""

    name: str
    suite: str
    version: ssl.TLSVersion
    size: int
    records: int
    connections: int = 1
    reordered: bool = False

    def exchange(self, dice: random.Random) -> Iterator[tuple[int, bytes]]:
        """What is written in one connection: by whom, and what."""
        if self.connections == 1:
            # tshark tries HTTP on port 443.  In small records it must find no line end, or it gives up the stream after
            # 67 of them; in large ones it must find some, or it puts all of them together, which takes three minutes.
            for _ in range(self.records):
                data = dice.randbytes(self.size)
                yield SERVER, data if self.size > SEGMENT else data.translate(NO_LINE_ENDS)
            return
        page = dice.randrange(10**6)
        yield CLIENT, f"GET /page/{page:06d} HTTP/1.1\r\nHost: bench.example.test\r\nAccept: */*\r\n\r\n".encode()
        body = dice.randbytes(self.size // 2).hex()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        yield SERVER, (head + body).encode()

    def make(self, directory: Path) -> dict[str, object]:
        """Writes the capture and gives its entry of `inputs.json`."""
        dice = random.Random(SEED)
        both = contexts(self.suite, self.version, directory)
        ports = dice.sample(range(10_000, 60_000), self.connections)
        clock = iter(range(1_700_000_000_000_000, 1_800_000_000_000_000, 10))
        digests = (hashlib.sha256(), hashlib.sha256())
        partial = directory / f"{self.name}.partial"
        with partial.open("wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
            for port in ports:
                wire = Wire(out, port, [dice.getrandbits(32), dice.getrandbits(32)], clock)
                pair = Pair.of(both, wire)
                for side in (CLIENT, SERVER):
                    wire.flush(side)
                wire.shuffle = random.Random(SEED) if self.reordered else None
                for side, data in self.exchange(dice):
                    pair.write(side, data)
                    digests[side].update(data)
                wire.close()
        partial.rename(self.path(directory))
        return {"client": digests[CLIENT].hexdigest(), "server": digests[SERVER].hexdigest()}

    def path(self, directory: Path) -> Path:
        """Where the capture lies."""
        return directory / f"{self.name}.pcap"


TLS10, TLS12 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2
INPUTS = {
    made.name: made
    for made in (
        Input("gcm", "AES128-GCM-SHA256", TLS12, 16_384, 4_096),
        Input("cbc", "AES128-SHA", TLS12, 16_384, 4_096),
        Input("cbc10", "AES128-SHA", TLS10, 16_384, 4_096),
        Input("small", "AES128-GCM-SHA256", TLS12, 100, 200_000),
        Input("connections", "AES128-GCM-SHA256", TLS12, 440, 1, connections=2_000),
        Input("reordered", "AES128-GCM-SHA256", TLS12, 16_384, 4_096, reordered=True),
    )
}


def prepare(directory: Path, names: tuple[str, ...] = tuple(INPUTS)) -> dict[str, dict[str, object]]:
    """Makes what is missing; gives `inputs.json`."""
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "server.pem").exists():
        shutil.copy(KEY, directory / "server.pem")
    listed = directory / "inputs.json"
    known: dict[str, dict[str, object]] = json.loads(listed.read_text()) if listed.exists() else {}
    for name in names:
        if name not in known or not INPUTS[name].path(directory).exists():
            print(f"making {INPUTS[name].path(directory)}", file=sys.stderr)
            known[name] = INPUTS[name].make(directory)
            listed.write_text(json.dumps(known, indent=1))
    return known


def by_tlswire(path: Path, key: Path) -> tuple[str, str]:
    """The SHA-256 of each side's data, all streams in order, that `tlswire decrypt` gives."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "tlswire", "decrypt", "--key", str(key), "-o", directory, str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        digests = []
        for side in ("client", "server"):
            digest = hashlib.sha256()
            for made in sorted(
                Path(directory).rglob(f"stream-*.{side}.bin"), key=lambda p: int(p.name[7:].split(".")[0])
            ):
                digest.update(made.read_bytes())
            digests.append(digest.hexdigest())
        return digests[0], digests[1]


def by_tshark(path: Path, key: Path) -> tuple[str, str]:
    """The same by tshark: what it follows, stream after stream."""
    command = ["tshark", "-r", str(path), *tshark_options(key), "-q"]
    for stream in reversed(range(INPUTS[path.stem].connections)):  # it prints the last one first
        command += ["-z", f"follow,tls,raw,{stream}"]
    digests = hashlib.sha256(), hashlib.sha256()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            text = line.strip()
            try:
                digests[line.startswith("\t")].update(bytes.fromhex(text))
            except ValueError:
                continue
    return digests[0].hexdigest(), digests[1].hexdigest()


def tshark_options(key: Path) -> list[str]:
    """The key, and the two settings without which tshark loses reordered segments and is superlinear in records."""
    return [
        *("-o", f'uat:rsa_keys:"{key.resolve()}",""'),
        *("-o", "tls.desegment_ssl_application_data:FALSE"),
        *("-o", "tcp.reassemble_out_of_order:TRUE"),
    ]


def check(directory: Path) -> bool:
    """Whether tshark (where it is) and we give exactly what was sent."""
    good, key = True, directory / "server.pem"
    tools: list[tuple[str, Callable[[Path, Path], tuple[str, str]]]] = [("tlswire", by_tlswire)]
    if shutil.which("tshark"):
        tools.append(("tshark", by_tshark))
    for name, sent in prepare(directory).items():
        for tool, run in tools:
            same = run(INPUTS[name].path(directory), key) == (sent["client"], sent["server"])
            print(f"{name:<12} {tool:<8} {'as sent' if same else 'NOT as sent'}", flush=True)
            good &= same
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inputs", description="Makes what is missing.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--check", action="store_true", help="compare what comes out with what was sent")
    parser.add_argument("--only", action="append", choices=tuple(INPUTS), help="this one (may be repeated)")
    options = parser.parse_args()
    prepare(options.directory, tuple(options.only or INPUTS))
    if options.check:
        sys.exit(not check(options.directory))
