"""Running the command: in this process, where an exception is a failure of the test, or in one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tlswire
from tlswire.cli.commands import run as run_command

CAPTURES = Path(__file__).parents[1] / "captures"
DATA = Path(tlswire.__file__).parent / "data"


@dataclass
class Done:
    """What a command came to."""

    status: int
    stdout: str
    stderr: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON Lines on standard output."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def complaint(self) -> str:
        """The one line on standard error."""
        (line,) = self.stderr.splitlines()
        assert line.startswith("tlswire: ")
        return line


Run = Callable[..., Done]
Terminal = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process."""

    def run(*arguments: object, stdin: bytes = b"") -> Done:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run_command([str(argument) for argument in arguments])
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())
        return Done(status, *texts)

    return run


@pytest.fixture
def process() -> Run:
    """Runs the command in a process of its own."""

    def process(*arguments: object, stdin: bytes = b"", **environment: str) -> Done:
        command = [sys.executable, "-m", "tlswire", *map(str, arguments)]
        env = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
        done = subprocess.run(command, input=stdin, capture_output=True, env=env, check=False)
        assert b"Traceback" not in done.stderr
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return process


@pytest.fixture
def captures() -> Path:
    """The project's own captures."""
    return CAPTURES


@pytest.fixture
def demo() -> Path:
    """The capture that the package carries; its key is beside it."""
    return DATA / "demo.pcapng"


@pytest.fixture
def demo_key() -> Path:
    """The key of the demo's server."""
    return DATA / "demo-key.pem"


@pytest.fixture
def terminal() -> Terminal:
    """Runs the command in a terminal of so many columns; gives its status and the lines that the terminal got."""

    def terminal(columns: int, *arguments: object, **environment: str) -> tuple[int, list[str]]:
        master, slave = pty.openpty()
        command = [sys.executable, "-m", "tlswire", *map(str, arguments)]
        env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environment}
        with subprocess.Popen(command, stdout=slave, stderr=slave, stdin=slave, env=env) as process:
            os.close(slave)
            sent = b""
            while True:
                try:
                    piece = os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                sent += piece
            os.close(master)
        return process.returncode, sent.decode().split("\r\n")

    return terminal
