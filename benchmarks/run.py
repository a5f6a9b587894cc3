"""Runs the benchmarks in rounds: in each, every subject once, so that all share what the machine does meanwhile.

A ratio is the median of the rounds' ratios.  The first round, which is not counted, warms the file cache and finds how
often pyperf has to repeat each piece of work.
"""

from __future__ import annotations

import os
import platform
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import inputs
from benchmarks.floors import UNCHECKED
from benchmarks.jobs import JOBS, SCAPY, Job, run
from benchmarks.micro import MICROS, OURS, Micro, timed

PEERS = ("construct", "cryptography", "dpkt", "scapy", "tlslite-ng", "cryptoparser", "pyperf")


@dataclass(slots=True)
class Measured:
    """What the rounds gave for one benchmark: seconds and bytes of each subject, and why a subject is missing."""

    name: str
    benchmark: Micro | Job
    seconds: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, list[int]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    loops: dict[str, int] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """As it is written to JSON."""
        ratios = []
        for wanted in self.benchmark.wanted:
            if OURS in self.seconds and wanted.other in self.seconds:
                both = zip(self.seconds[OURS], self.seconds[wanted.other], strict=True)
                ratio = median(wanted.ratio(ours, other) for ours, other in both)
                ratios.append(
                    {"to": wanted.other, "ratio": ratio, "wanted": str(wanted), "met": bool(wanted.met(ratio))}
                )
        return {
            "name": self.name,
            "item": self.benchmark.item,
            "process": isinstance(self.benchmark, Job),
            "seconds": {subject: median(values) for subject, values in self.seconds.items()},
            "memory": {subject: median(values) for subject, values in self.memory.items()},
            "ratios": ratios,
            "missing": self.missing,
            "floor_without": UNCHECKED.get(self.name) or UNCHECKED.get(self.name.split("-")[0]),
            "rounds": dict(self.seconds),
        }


def first_line(*command: str) -> str | None:
    """What a tool says that it is."""
    if shutil.which(command[0]) is None:
        return None
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return next((line for line in (ran.stdout + ran.stderr).splitlines() if line and "user" not in line), None)


def machine() -> dict[str, str | int | None]:
    """On what, and with which versions, it ran."""
    made: dict[str, str | int | None] = {
        "processor": None,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "tshark": first_line("tshark", "--version"),
        "ssldump": first_line("ssldump", "-v"),
    }
    processors = Path("/proc/cpuinfo")
    if processors.exists():
        lines = processors.read_text().splitlines()
        made["processor"] = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), None)
    for name in PEERS:
        try:
            made[name] = version(name)
        except PackageNotFoundError:
            made[name] = None
    return made


def turn_micro(measured: Measured, name: str, subject: str, counted: bool) -> None:
    """One round of one subject, in a process."""
    if not counted:
        made = timed(name, subject, None, 1)
        if isinstance(made, str):
            measured.missing[subject] = made
        else:
            measured.loops[subject] = made["metadata"]["calibrate_loops"]
        return
    loops = measured.loops[subject]
    made = timed(name, subject, loops, 3)
    assert not isinstance(made, str)
    values = [value for entry in made["benchmarks"][0]["runs"] for value in entry["values"]]
    measured.seconds.setdefault(subject, []).append(median(values))


def turn_job(measured: Measured, job: Job, subject: str, made: Path, counted: bool) -> None:
    """One round of one subject, which is a process."""
    ran = run(job, subject, made)
    if isinstance(ran, str):
        measured.missing[subject] = ran
    elif counted:
        measured.seconds.setdefault(subject, []).append(ran.seconds)
        measured.memory.setdefault(subject, []).append(ran.memory)


def measure(names: Iterable[str], rounds: int, made: Path, *, slow: bool = False) -> list[Measured]:
    """Runs what is named; `slow`, with scapy's whole jobs, once."""
    all_measured = [Measured(name, MICROS[name] if name in MICROS else JOBS[name]) for name in names]
    needed = {name for one in all_measured if isinstance(one.benchmark, Job) for name in one.benchmark.inputs}
    inputs.prepare(made, tuple(name for name in inputs.INPUTS if name in needed))
    for number in range(rounds + 1):
        print(f"round {number} of {rounds}" if number else "warming up", file=sys.stderr)
        for one in all_measured:
            for subject in one.benchmark.subjects:
                if subject in one.missing:
                    continue
                if isinstance(one.benchmark, Micro):
                    turn_micro(one, one.name, subject, number > 0)
                elif subject != SCAPY:
                    turn_job(one, one.benchmark, subject, made, number > 0)
                elif slow and number == 1:
                    turn_job(one, one.benchmark, subject, made, True)
    return all_measured


def results(names: Iterable[str], rounds: int, made: Path, *, slow: bool = False) -> dict[str, Any]:
    """The whole of what is written to JSON."""
    measured = measure(names, rounds, made, slow=slow)
    return {"machine": machine(), "rounds": rounds, "benchmarks": [one.record() for one in measured]}
