"""The one command: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import report
from benchmarks.jobs import JOBS
from benchmarks.micro import MICROS
from benchmarks.run import results

NAMES = (*MICROS, *JOBS)


def main() -> int:
    """Runs what is asked for, and prints the table; gives 1 if a wanted ratio is not met and `--strict` is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds instead of seven")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--only", action="append", metavar="NAME", help=f"those that begin so: {', '.join(NAMES)}")
    parser.add_argument("--slow", action="store_true", help="scapy's whole jobs too, once: minutes")
    parser.add_argument("--inputs", type=Path, default=Path("build/benchmarks"), help="where the captures are made")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures there")
    parser.add_argument("--from", dest="read", type=Path, metavar="JSON", help="run nothing, read these figures")
    parser.add_argument("--picture", type=Path, metavar="OUT", help="write the picture there, an SVG")
    parser.add_argument("--docs", action="store_true", help="put table and picture into docs/performance.md")
    parser.add_argument("--strict", action="store_true", help="fail when a wanted ratio is not met")
    options = parser.parse_args()
    names = [name for name in NAMES if not options.only or any(name.startswith(only) for only in options.only)]
    if not names:
        parser.error(f"no benchmark begins with {' or '.join(options.only)}")
    if options.read:
        made = json.loads(options.read.read_text())
    else:
        rounds = options.rounds or (2 if options.quick else 7)
        made = results(names, rounds, options.inputs.absolute(), slow=options.slow)
    print(report.terminal(made))
    if options.json:
        options.json.write_text(json.dumps(made, indent=1) + "\n")
    if options.picture:
        options.picture.write_text(report.picture(made))
    if options.docs:
        report.document(made)
    return int(options.strict and not all(ratio["met"] for one in made["benchmarks"] for ratio in one["ratios"]))


if __name__ == "__main__":
    sys.exit(main())
