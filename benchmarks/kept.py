"""The check of CI: fails when the library has lost a quarter of its speed, measured against the floor by hand.

    python -m benchmarks.kept            compare with expected.json
    python -m benchmarks.kept --record   write expected.json, after a change that is meant

What is compared is the ratio of the floor's cost to the library's, of the benchmarks inside a process.  Where valgrind
is, the cost is instructions, which hardly differ from run to run: one process runs everything once, each run inside a
call of `PyNumber_MatrixMultiply`, which nothing else calls, and callgrind counts from its entry to its return.
Elsewhere the cost is time: the best of many short runs that take turns.  The two have ratios of their own, each
recorded for a version of Python.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.micro import FLOOR, MICROS, OURS, Run

EXPECTED = Path(__file__).with_name("expected.json")
KEPT = 0.75
COUNTED = "PyNumber_MatrixMultiply"
WARM = 2  # runs before the one that counts: decoders are generated, the interpreter specialises
ROUNDS = 40
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
WORK = [(name, subject) for name in MICROS for subject in (OURS, FLOOR)]


def warmed(name: str, subject: str) -> Run | None:
    """The next run of a subject whose code is warm; None if the library has not what it measures."""
    try:
        fresh = MICROS[name].subjects[subject]()
    except ImportError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return None
    for _ in range(WARM):
        fresh()()
    run = fresh()
    gc.collect()
    return run


class Counted:
    """`Counted() @ run` runs it inside a C function by which callgrind can tell it from the rest."""

    def __matmul__(self, run: Run) -> None:
        run()


def counted() -> None:
    """The process that callgrind watches: everything once, in the order of WORK."""
    for name, subject in WORK:
        _ = Counted() @ (warmed(name, subject) or (lambda: None))


def instructions() -> dict[str, float]:
    """The ratios, in instructions."""
    with tempfile.TemporaryDirectory() as directory:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out"]
        valgrind += [f"--toggle-collect={COUNTED}", f"--dump-after={COUNTED}"]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        command = [*valgrind, sys.executable, "-W", "ignore", "-m", "benchmarks.kept", "--counted"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(ran.stderr[-3000:])
        counts = []
        for number in range(1, len(WORK) + 1):
            found = re.search(r"^(?:totals|summary): (\d+)", Path(directory, f"out.{number}").read_text(), re.MULTILINE)
            assert found is not None
            counts.append(int(found[1]))
    costs = dict(zip(WORK, counts, strict=True))
    return {name: costs[name, FLOOR] / costs[name, OURS] for name in MICROS if costs[name, OURS] > 10_000}


def times() -> dict[str, float]:
    """The ratios, in time: both take turns, and the best of each counts."""
    made = {}
    for name, micro in MICROS.items():
        try:
            makers = {subject: micro.subjects[subject]() for subject in (OURS, FLOOR)}
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        taken: dict[str, list[float]] = {OURS: [], FLOOR: []}
        for number in range(ROUNDS + WARM):
            for subject, fresh in makers.items():
                run = fresh()
                start = time.perf_counter()
                run()
                if number >= WARM:
                    taken[subject].append(time.perf_counter() - start)
        made[name] = min(taken[FLOOR]) / min(taken[OURS])
    return made


def expectation(kind: str) -> dict[str, float]:
    """What is recorded for this version of Python, or else for the one that is nearest."""
    recorded: dict[str, dict[str, float]] = json.loads(EXPECTED.read_text())[kind]
    minor = sys.version_info.minor
    return recorded[min(recorded, key=lambda version: abs(int(version.split(".")[1]) - minor))]


def compare(kind: str, found: dict[str, float]) -> bool:
    """Prints each ratio, and whether all have been kept."""
    good = True
    for name, expected in expectation(kind).items():
        share = found.get(name, 0.0) / expected
        verdict = "kept" if share >= KEPT else "LOST"
        good &= share >= KEPT
        print(f"{name:<20} {found.get(name, 0.0):6.3f} of the floor's speed, recorded {expected:6.3f}: {verdict}")
    for name in found.keys() - expectation(kind).keys():
        print(f"{name:<20} {found[name]:6.3f} of the floor's speed, nothing recorded")
    return good


def record(kind: str, found: dict[str, float]) -> None:
    """Writes what was found."""
    known = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    known.setdefault(kind, {})[VERSION] = {name: round(ratio, 3) for name, ratio in found.items()}
    EXPECTED.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def main() -> int:
    """Measures, and compares or records."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kept", description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write expected.json instead of comparing")
    parser.add_argument("--time", action="store_true", help="by time, though valgrind is there")
    parser.add_argument("--counted", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.counted:
        counted()
        return 0
    kind = "time" if options.time or shutil.which("valgrind") is None else "instructions"
    found = times() if kind == "time" else instructions()
    if options.record:
        record(kind, found)
        return 0
    print(f"by {kind}, Python {VERSION}")
    if compare(kind, found):
        return 0
    print("a ratio has fallen by a quarter or more; if that is meant: python -m benchmarks.kept --record")
    return 1


if __name__ == "__main__":
    sys.exit(main())
