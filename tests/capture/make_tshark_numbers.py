"""Makes `tshark_numbers.json`: how tshark numbers the frames and TCP connections of the shared corpus.

    python tests/capture/make_tshark_numbers.py

Per file: the number of its frames; the number of frames with TCP; a SHA-256 of lines of frame number and `tcp.stream`
(of more than one in a frame, the last).  Made with tshark 4.0.17; `test_corpus.py` compares.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE.parents[2] / "shared" / "captures"


def numbers(path: Path) -> list[object]:
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", "frame.number", "-e", "tcp.stream"]
    # A capture that is cut short makes tshark fail after what it could read.
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rows = [line.split("\t") for line in output.splitlines()]
    lines = [f"{frame} {streams.split(',')[-1]}\n" for frame, streams in rows if streams]
    return [len(rows), len(lines), hashlib.sha256("".join(lines).encode()).hexdigest()]


def main() -> None:
    entries = json.loads((CORPUS / "manifest.json").read_text(encoding="utf-8"))
    found = {entry["file"]: numbers(CORPUS / entry["file"]) for entry in entries}
    text = ",\n".join(f"{json.dumps(file)}: {json.dumps(row)}" for file, row in found.items())
    (HERE / "tshark_numbers.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
