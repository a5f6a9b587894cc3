"""What time and memory do when a capture grows, and what an open connection costs: `python -m benchmarks.scale`.

The captures are the benchmarks' own, repeated as other connections and given to `tlswire` through a pipe, so that
7.2 GB need no room; the plaintext, which does, is compared with what was sent and removed.  Each figure is one run of a
process, its peak memory what the kernel tells.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import inputs, report
from benchmarks.jobs import HERE, PYTHON, Ran

PCAP_HEADER, FRAME_HEADER, ETHERNET = 24, 16, 14
ADDRESSES, PORTS, FLAGS = 12, 20, 33  # where they are behind the Ethernet header, with no IP options
ROOM = 60_000  # as many copies of a connection, or ports, as can be told apart


class Copies:
    """A capture that can be written again and again, each time as other connections: the client's address differs.

    Parameters: `path`, of a pcap file of Ethernet and IPv4; `without`, TCP flags: no frame that has one is written.
    """

    def __init__(self, path: Path, without: int = 0) -> None:
        raw = path.read_bytes()
        self.header = raw[:PCAP_HEADER]
        self.frames = bytearray()
        self.clients: list[int] = []  # where the low bytes of the client's address are
        position = PCAP_HEADER
        while position < len(raw):
            length = FRAME_HEADER + struct.unpack_from("<I", raw, position + 8)[0]
            ip = position + FRAME_HEADER + ETHERNET
            if not raw[ip + FLAGS] & without:
                from_client = struct.unpack_from(">H", raw, ip + PORTS)[0] != 443
                start = len(self.frames) + FRAME_HEADER + ETHERNET + ADDRESSES
                self.clients.append(start + (2 if from_client else 6))
                self.frames += raw[position : position + length]
            position += length

    def __call__(self, count: int) -> Iterator[bytes]:
        """The bytes of a capture that has so many copies."""
        yield self.header
        for number in range(count):
            high, low = divmod(number + 1, 256)
            frames = self.frames
            for place in self.clients:
                frames[place], frames[place + 1] = high, low
            yield bytes(frames)


def half_open(count: int) -> Iterator[bytes]:
    """A capture of so many SYNs that nobody answers."""
    yield struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    frames = []
    for number in range(count):
        host, port = divmod(number, ROOM)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, b"\x0a\0\0" + bytes([host + 1]), b"\x0a\0\1\1")
        tcp = struct.pack(">HHIIBBHHH", 1024 + port, 443, number, 0, 0x50, inputs.SYN, 0xFFFF, 0, 0)
        frame = bytes(12) + b"\x08\0" + ip + tcp
        frames.append(struct.pack("<IIII", 1_700_000_000, number, len(frame), len(frame)) + frame)
    yield b"".join(frames)


def fed(capture: Iterator[bytes], *arguments: str) -> Ran:
    """Runs `tlswire` with a capture as its standard input."""
    with tempfile.NamedTemporaryFile() as figures:
        launch = [sys.executable, "-I", "-S", str(HERE / "launch.py"), figures.name, *PYTHON, "-m", "tlswire"]
        with subprocess.Popen([*launch, *arguments, "-"], stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            for piece in capture:
                process.stdin.write(piece)
        if process.returncode:
            raise RuntimeError(f"tlswire {' '.join(arguments)}: status {process.returncode}")
        seconds, memory = Path(figures.name).read_text().split()
        return Ran(float(seconds), int(memory))


def bulk(directory: Path, most: int, say: Callable[[str], None]) -> Iterator[tuple[str, str, str]]:
    """64 MB of plaintext in 16 KB records, so many times: linear in time, flat in memory."""
    sent = inputs.prepare(directory, ("gcm",))["gcm"]
    copies = Copies(inputs.INPUTS["gcm"].path(directory))
    size = (PCAP_HEADER + len(copies.frames)) / 1e9
    for count in [step for step in (1, 10, 100, 1000) if step < most] + [most]:
        say(f"{count} x {size * 1000:.0f} MB")
        with tempfile.TemporaryDirectory(dir=directory) as out:
            ran = fed(copies(count), "decrypt", "--key", str(directory / "server.pem"), "-o", out)
            manifest: dict[str, Any] = json.loads(Path(out, "manifest.json").read_text())
        got = [entry["sha256"] for entry in manifest["files"] if entry["direction"] == "server"]
        if got != [sent["server"]] * count:
            raise RuntimeError(f"{count} copies: the plaintext is not what was sent")
        yield (
            f"decrypt {count * size:.2g} GB, {count} connection{'s' * (count > 1)}, {count * 4096:,} records",
            f"{ran.seconds:.2f} s, {ran.seconds / count / size:.2f} s a GB",
            f"{ran.memory / 1e6:.0f} MB",
        )


def connections(directory: Path, say: Callable[[str], None]) -> Iterator[tuple[str, str, str]]:
    """What is held of connections that are open, and nothing of those that are closed."""
    key = ("--key", str(directory / "server.pem"))
    inputs.prepare(directory, ("connections",))
    path = inputs.INPUTS["connections"].path(directory)
    for what, copies in (("open and idle", Copies(path, without=inputs.FIN)), ("closed", Copies(path))):
        ran = {}
        for count in (1, 4):
            say(f"{count * 2000:,} connections, {what}")
            ran[count] = fed(copies(count), "explain", *key)
        each = (ran[4].memory - ran[1].memory) / 6_000
        yield (
            f"explain 8,000 connections instead of 2,000, {what}",
            f"{ran[4].seconds / ran[1].seconds:.2f} x the time",
            f"{ran[4].memory / 1e6:.0f} MB, {each / 1000:.1f} KB more for each",
        )
    say("100,000 half-open connections")
    made = fed(half_open(100_000), "explain")
    yield "explain 100,000 half-open connections", f"{made.seconds:.2f} s", f"{made.memory / 1e6:.0f} MB"


def main() -> int:
    """Runs all of it and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--copies", type=int, default=100, help="of 72 MB, at most; 100, with 6.4 GB for a while")
    parser.add_argument("--inputs", type=Path, default=Path("build/benchmarks"), help="where the captures are made")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    if not 0 < options.copies <= ROOM:
        parser.error(f"1 to {ROOM} copies, not {options.copies}")
    directory = options.inputs.absolute()

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    rows = [*bulk(directory, options.copies, say), *connections(directory, say)]
    table = "\n".join(["| | time | peak memory |", "|---|--:|--:|", *(f"| {' | '.join(row)} |" for row in rows)])
    print(table)
    if options.docs:
        report.insert("scale", table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
