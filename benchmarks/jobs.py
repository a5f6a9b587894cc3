"""The benchmarks of whole jobs: each subject is a process, its start included, timed by the clock on the wall.

The kernel tells its peak memory (`wait4`).  What a job writes goes to a new directory in memory, what it prints to
/dev/null.  tshark and ssldump are given what makes them fastest and right: small records need
`tls.desegment_ssl_application_data:FALSE`, reordered segments `tcp.reassemble_out_of_order:TRUE`; ssldump looks up no
names.  On the connections tshark is asked to follow one stream, since it decrypts all of them anyway.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.wanted import AtLeast, AtMost, Wanted

OURS, FLOOR, SCAPY = "tlswire", "floor", "scapy"
USE = """
import tlswire
tlswire.Connection()
tlswire.ClientHello.decode(bytes.fromhex("0303" + "00" * 32 + "00" + "0002002f" + "0100"))
"""
LIBRARIES = "construct, cryptography.x509"
HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")  # where files cost no disk: creating 4,000 takes up to 2 s on one
PYTHON = [sys.executable, "-W", "ignore"]

Command = Callable[[Path, Path], list[str]]
"""From the directory of the inputs and one for output to what is run."""


@dataclass(frozen=True, slots=True)
class Job:
    """A benchmark of processes; `inputs` are the captures that it needs."""

    item: str
    inputs: tuple[str, ...]
    subjects: dict[str, Command]
    wanted: tuple[Wanted, ...]


def decrypt(name: str) -> Command:
    """`tlswire decrypt`."""
    return lambda made, out: [
        *(*PYTHON, "-m", "tlswire", "decrypt", "--key", str(made / "server.pem")),
        *("-o", str(out), str(made / f"{name}.pcap")),
    ]


def prototype(name: str) -> Command:
    """The floor."""
    script = str(HERE / "prototype.py")
    return lambda made, out: [*PYTHON, script, str(made / "server.pem"), str(made / f"{name}.pcap"), str(out)]


def tshark(name: str, *options: str) -> Command:
    """tshark with the key."""
    return lambda made, out: [
        *("tshark", "-r", str(made / f"{name}.pcap")),
        *("-o", f'uat:rsa_keys:"{made / "server.pem"}",""', *options),
    ]


def ssldump(name: str) -> Command:
    """ssldump with the key."""
    return lambda made, out: ["ssldump", "-n", "-r", str(made / f"{name}.pcap"), "-k", str(made / "server.pem"), "-d"]


def scapy(name: str) -> Command:
    """scapy with the key."""
    script = str(HERE / "by_scapy.py")
    return lambda made, out: [*PYTHON, script, str(made / "server.pem"), str(made / f"{name}.pcap")]


def python(code: str) -> Command:
    """A line of Python."""
    return lambda made, out: [*PYTHON, "-c", code]


FOLLOW = ("-q", "-z", "follow,tls,raw,0")
SMALL = ("-o", "tls.desegment_ssl_application_data:FALSE")
REORDERED = ("-o", "tcp.reassemble_out_of_order:TRUE")


def decrypting(name: str, item: str, options: tuple[str, ...], *wanted: Wanted, **more: Command) -> Job:
    """From capture and key to plaintext."""
    subjects = {
        OURS: decrypt(name),
        FLOOR: prototype(name),
        "tshark": tshark(name, *options, *FOLLOW),
        "ssldump": ssldump(name),
        SCAPY: scapy(name),
        **more,
    }
    return Job(item, (name,), subjects, wanted)


JOBS: dict[str, Job] = {
    "decrypt-gcm": decrypting("gcm", "64 MB in 16 KB records, AES-128-GCM", (), AtLeast("tshark", 2.5)),
    "decrypt-cbc": decrypting("cbc", "the same, AES-128-CBC with HMAC-SHA-1", (), AtLeast("tshark", 2.5)),
    "decrypt-cbc10": decrypting("cbc10", "the same, TLS 1.0", (), AtLeast("tshark", 2)),
    "decrypt-small": decrypting(
        "small", "200,000 records of 100 bytes", SMALL, AtLeast("tshark", 2), AtLeast("ssldump", 2)
    ),
    "decrypt-connections": decrypting(
        "connections", "2,000 connections, each a GET", (), AtLeast("tshark", 3), AtMost("ssldump", 1.5)
    ),
    "decrypt-reordered": Job(
        "64 MB of AES-128-GCM, segments reordered",
        ("reordered", "gcm"),
        {
            OURS: decrypt("reordered"),
            "tlswire, ordered": decrypt("gcm"),
            FLOOR: prototype("reordered"),
            "tshark": tshark("reordered", *REORDERED, *FOLLOW),
        },
        (AtMost("tlswire, ordered", 1.2),),
    ),
    "explain-connections": Job(
        "the story of 2,000 connections",
        ("connections",),
        {
            OURS: lambda made, out: [
                *(*PYTHON, "-m", "tlswire", "explain", "--key", str(made / "server.pem")),
                str(made / "connections.pcap"),
            ],
            "tshark": tshark("connections", "-Y", "tls"),
        },
        (AtLeast("tshark", 2),),
    ),
    "start-import": Job(
        "`import tlswire`",
        (),
        {
            OURS: python("import tlswire"),
            LIBRARIES: python(f"import {LIBRARIES}"),
            "nothing": python("pass"),
        },
        (AtMost(LIBRARIES, 1.25),),
    ),
    "start-use": Job(
        "`import tlswire`, a connection and a decoder",
        (),
        {
            OURS: python(USE),
            LIBRARIES: python(f"import {LIBRARIES}"),
        },
        (AtMost(LIBRARIES, 1.25),),
    ),
    "start-version": Job(
        "`tlswire --version`",
        (),
        {
            OURS: lambda made, out: [*PYTHON, "-m", "tlswire", "--version"],
            LIBRARIES: python(f"import {LIBRARIES}"),
            "nothing": python("pass"),
        },
        (),
    ),
}


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: seconds on the wall, peak memory in bytes."""

    seconds: float
    memory: int


def run(job: Job, subject: str, made: Path) -> Ran | str:
    """Runs a subject once; gives why not where it is not installed."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else made) as out:
        command = job.subjects[subject](made, Path(out, "files"))
        if shutil.which(command[0]) is None:
            return f"{command[0]} is not installed"
        if subject == SCAPY and subprocess.run([*PYTHON, "-c", "import scapy"], stderr=subprocess.DEVNULL).returncode:
            return "scapy is not installed"
        figures = Path(out, "figures")
        launch = [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(figures), *command]
        ran = subprocess.run(launch, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(f"{' '.join(command)}: status {ran.returncode}: {ran.stderr[-2000:]}")
        seconds, memory = figures.read_text().split()
        return Ran(float(seconds), int(memory))
