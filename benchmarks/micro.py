"""The benchmarks inside a process: one task, by the library, by hand and by the peers, timed by pyperf.

    python -m benchmarks.micro BENCHMARK SUBJECT --worker -l LOOPS -n 3 -w 1

times one subject in a process of its own, which is how `run` calls it, round after round, the subjects taking turns:
what slows the machine for a while then slows all of them.  Without `--worker` pyperf runs its usual programme for one.
"""

from __future__ import annotations

import json
import random
import ssl
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

import tlswire
from benchmarks import floors, inputs, peers
from benchmarks.wanted import AtLeast, AtMost, Wanted

OURS, FLOOR = "tlswire", "floor"
DATA = Path(__file__).parent / "data"
CALLS = 20  # of a decoder in one run
BLOCK = 65_536  # bytes that a program reads from a socket at once

Run = Callable[[], object]
"""The work itself, all of `Micro.items`, once: what is timed or counted."""

Fresh = Callable[[], Run]
"""Makes ready what one run uses up, such as a connection that stands at its first record."""


@dataclass(frozen=True, slots=True)
class Micro:
    """A benchmark: what `item` is, how many of them one run does, and who does it.

    A subject imports its library and makes its input once, and gives what makes each run ready.
    """

    item: str
    items: int
    subjects: dict[str, Callable[[], Fresh]]
    wanted: tuple[Wanted, ...]


def client_hello() -> bytes:
    """A ClientHello of 512 bytes with its header: 18 suites, 12 extensions.  Python 3.11 with OpenSSL 3.0 sent it to
    `www.example.test` with ALPN and TLS 1.2 as the lowest version."""
    return (DATA / "client-hello.bin").read_bytes()


def certificate_request(count: int = 200) -> bytes:
    """A CertificateRequest of TLS 1.2 with its header: as many names of 85 bytes."""
    names = []
    for number in range(count):
        parts = {
            NameOID.COUNTRY_NAME: "US",
            NameOID.ORGANIZATION_NAME: "Example Corporation",
            NameOID.COMMON_NAME: f"Example Issuing CA number {number:03d}",
        }
        names.append(x509.Name([x509.NameAttribute(oid, text) for oid, text in parts.items()]).public_bytes())
    vector = b"".join(struct.pack(">H", len(name)) + name for name in names)
    body = b"\x02\x01\x40" + b"\x00\x06\x04\x01\x05\x01\x06\x01" + struct.pack(">H", len(vector)) + vector
    return b"\x0d" + len(body).to_bytes(3, "big") + body


def stream(count: int, size: int) -> bytes:
    """So many records of application data of so many bytes."""
    dice = random.Random(inputs.SEED)
    return b"".join(struct.pack(">BHH", 23, 0x0303, size) + dice.randbytes(size) for _ in range(count))


def repeated(call: peers.Call, raw: bytes, times: int = 1) -> Fresh:
    """Calls with the same bytes."""

    def run() -> None:
        for _ in range(times):
            call(raw)

    return lambda: run


def split_by_us() -> peers.Call:
    """The library's splitter."""
    if not hasattr(tlswire, "read_records"):
        raise ImportError("no tlswire.read_records yet")
    return tlswire.read_records  # type: ignore[no-any-return]


def splitting(count: int, size: int) -> Micro:
    """Splitting a stream into typed records."""
    others: dict[str, Callable[[], peers.Call]] = {OURS: split_by_us, FLOOR: lambda: floors.records, **peers.RECORDS}

    def subject(make: Callable[[], peers.Call]) -> Callable[[], Fresh]:
        return lambda: repeated(make(), stream(count, size))

    wanted = (AtMost(FLOOR, 1.5), AtLeast("construct", 10), AtLeast("dpkt", 4))
    return Micro(f"record of {size:,} bytes", count, {name: subject(make) for name, make in others.items()}, wanted)


def decoding(
    item: str,
    raw: Callable[[], bytes],
    ours: peers.Call,
    by_hand: peers.Call,
    others: dict[str, Callable[[], peers.Call]],
    limit: float,
) -> Micro:
    """Decoding one message.  Peers take its header off themselves; the library and the floor are given the body."""

    def other(make: Callable[[], peers.Call]) -> Callable[[], Fresh]:
        return lambda: repeated(make(), raw(), CALLS)

    subjects = {
        OURS: lambda: repeated(ours, raw()[4:], CALLS),
        FLOOR: lambda: repeated(by_hand, raw()[4:], CALLS),
        **{name: other(make) for name, make in others.items()},
    }
    return Micro(item, CALLS, subjects, (AtMost(FLOOR, limit), AtLeast("construct", 20), AtLeast("tlslite-ng", 8)))


class Session:
    """A connection whose handshake is done, and protected records that continue it: OpenSSL's, through memory."""

    def __init__(self, suite: str, size: int, count: int) -> None:
        with tempfile.TemporaryDirectory() as directory:
            client, server = inputs.contexts(suite, ssl.TLSVersion.TLSv1_2, Path(directory))
        self.handshake: list[tuple[int, bytes]] = []
        self.records: list[bytes] = []
        self.secrets = tlswire.Secrets(server_keys=tlswire.load_server_keys(inputs.KEY))
        pair = inputs.Pair.of((client, server), Tap(self.handshake))  # type: ignore[arg-type]
        dice = random.Random(inputs.SEED)
        for _ in range(count):
            pair.server.write(dice.randbytes(size))
            self.records.append(pair.outputs[1].read())

    def connection(self) -> tlswire.Connection:
        """A connection that has its keys."""
        connection = tlswire.Connection(self.secrets)
        for side, data in self.handshake:
            connection.receive_data(side, data)
        for _ in connection.events():
            pass
        return connection


class Tap:
    """Stands where `inputs.Wire` does, and keeps what is sent."""

    def __init__(self, sent: list[tuple[int, bytes]]) -> None:
        self.sent = sent

    def open(self) -> None:
        """No frames."""

    def send(self, side: int, data: bytes) -> None:
        """Keeps it."""
        self.sent.append((side, data))


def decrypting(
    suite: str, floor: type[floors.GCM | floors.CBC_SHA1], size: int, count: int, chunk: int | None
) -> Micro:
    """Opening protected records; each comes out as an event, its MAC or tag verified.

    Each record is given in a chunk of its own, or all of them in chunks of `chunk` bytes, as segments or reads from a
    socket bring them.
    """

    def ours() -> Fresh:
        session = Session(suite, size, count)
        chunks = session.records
        if chunk is not None:
            whole = b"".join(session.records)
            chunks = [whole[start : start + chunk] for start in range(0, len(whole), chunk)]

        def fresh() -> Run:
            connection, data = session.connection(), tlswire.ApplicationData
            receive, events = connection.receive_data, connection.events

            def run() -> None:
                opened = 0
                for piece in chunks:
                    receive(1, piece)
                    for event in events():
                        if type(event) is data:
                            opened += 1
                assert opened == count

            return run

        return fresh

    def by_hand() -> Fresh:
        dice = random.Random(inputs.SEED)
        records = [floor.seal(number, dice.randbytes(size)) for number in range(count)]

        def fresh() -> Run:
            open_one = floor().open

            def run() -> None:
                for record in records:
                    open_one(record)

            return run

        return fresh

    item = f"record of {size:,} bytes" + (f", in chunks of {chunk:,}" if chunk else "")
    return Micro(item, count, {OURS: ours, FLOOR: by_hand}, (AtMost(FLOOR, 1.3 if size > 1_000 else 3.0),))


GCM_SUITE, CBC_SUITE = "AES128-GCM-SHA256", "AES128-SHA"
MICROS: dict[str, Micro] = {
    # Large ones in memory that the processor has at hand; of small ones so many that their allocation counts.
    "records-16k": splitting(32, 16_384),
    "records-64": splitting(30_000, 64),
    "client-hello": decoding(
        "ClientHello of 512 bytes, 12 extensions",
        client_hello,
        tlswire.ClientHello.decode,
        floors.client_hello,
        peers.HELLOS,
        2.0,
    ),
    "certificate-request": decoding(
        "CertificateRequest of 200 names",
        certificate_request,
        tlswire.CertificateRequestTLS12.decode,
        floors.certificate_request,
        peers.REQUESTS,
        2.5,
    ),
    "gcm-16k": decrypting(GCM_SUITE, floors.GCM, 16_384, 256, None),
    "cbc-16k": decrypting(CBC_SUITE, floors.CBC_SHA1, 16_384, 256, None),
    "gcm-16k-blocks": decrypting(GCM_SUITE, floors.GCM, 16_384, 256, BLOCK),
    "cbc-16k-blocks": decrypting(CBC_SUITE, floors.CBC_SHA1, 16_384, 256, BLOCK),
    "gcm-100": decrypting(GCM_SUITE, floors.GCM, 100, 2_000, None),
    "cbc-100": decrypting(CBC_SUITE, floors.CBC_SHA1, 100, 2_000, None),
    "gcm-100-segments": decrypting(GCM_SUITE, floors.GCM, 100, 2_000, inputs.SEGMENT),
    "cbc-100-segments": decrypting(CBC_SUITE, floors.CBC_SHA1, 100, 2_000, inputs.SEGMENT),
}


def timed(name: str, subject: str, loops: int | None, values: int) -> dict[str, Any] | str:
    """Runs pyperf once, in a process of its own; gives what it wrote, or why there is nothing."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "out.json")
        how = ["--calibrate-loops", "--min-time", "0.05"] if loops is None else ["-l", str(loops)]
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.micro", name, subject, "--worker", *how]
        command += ["-n", str(values), "-w", "1", "-q", "-o", str(out)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode == MISSING:
            return ran.stderr.strip()
        if ran.returncode:
            raise RuntimeError(f"{name}, {subject}: {ran.stderr}")
        made: dict[str, Any] = json.loads(out.read_text())
        return made


MISSING = 3
"""The exit status where a library is not installed."""


def main(name: str, subject: str, arguments: list[str]) -> int:
    """Times one subject by pyperf."""
    import pyperf

    micro = MICROS[name]
    try:
        fresh = micro.subjects[subject]()
    except ImportError as error:
        print(error, file=sys.stderr)
        return MISSING

    def timer(loops: int) -> float:
        taken, clock = 0.0, pyperf.perf_counter
        for _ in range(loops):
            run = fresh()
            start = clock()
            run()
            taken += clock() - start
        return taken

    runner = pyperf.Runner(program_args=("-m", "benchmarks.micro", name, subject))
    runner.parse_args(arguments)
    runner.bench_time_func(f"{name}: {subject}", timer, inner_loops=micro.items)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
