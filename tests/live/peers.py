"""Processes that take part in a capture, and how to wait for what they say.

Nothing here sleeps: a peer is ready when it says so, and finished when it ends or has printed what was
awaited.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import cast

PATIENCE = 30.0  # seconds for any one event; all of them take milliseconds on an idle machine


class PeerError(Exception):
    """A peer ended, failed or kept silent when it should not have."""


class Peer:
    """A running process whose two outputs are collected and can be waited for."""

    def __init__(self, command: str, *, prefix: list[str], folder: Path) -> None:
        """Start `command` in `folder`, behind `prefix`, which is not part of the `command` that is recorded.

        The words of `command` are separated as in a shell; `python3` is the interpreter that runs this.
        """
        self.command = command
        argv = shlex.split(command)
        if argv[0] == "python3":
            argv[0] = sys.executable
        self._process = subprocess.Popen(
            prefix + argv,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # httpd ends its whole process group when it is told to end
        )
        self._changed = threading.Condition()
        self._open = 2
        self.stdout, self.stderr = bytearray(), bytearray()
        for stream, output in ((self._process.stdout, self.stdout), (self._process.stderr, self.stderr)):
            threading.Thread(target=self._collect, args=(stream, output), daemon=True).start()

    def _collect(self, stream: BufferedReader, output: bytearray) -> None:
        while chunk := stream.read1(65536):
            with self._changed:
                output += chunk
                self._changed.notify_all()
        stream.close()
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until `holds()`, which looks at the outputs; `what` names it in the error if it never does."""
        with self._changed:
            self._changed.wait_for(lambda: holds() or not self._open, PATIENCE)
            if not holds():
                raise PeerError(f"{self.command}: {what} did not come; {bytes(self.stdout)!r} {bytes(self.stderr)!r}")

    def expect(self, text: bytes, times: int = 1) -> None:
        """Wait until `text` has been printed so many times, on both outputs together."""
        self.until(lambda: self.stdout.count(text) + self.stderr.count(text) >= times, f"{text!r} x {times}")

    def say(self, data: bytes) -> None:
        """Write to the process's standard input."""
        stdin = cast(BufferedReader, self._process.stdin)
        stdin.write(data)
        stdin.flush()

    def hush(self) -> None:
        """Close the process's standard input."""
        with contextlib.suppress(BrokenPipeError):
            cast(BufferedReader, self._process.stdin).close()

    def wait(self) -> int:
        """Wait for the process to end by itself and its outputs with it; its exit status."""
        status = self._process.wait(PATIENCE)
        self.hush()
        with self._changed:
            self._changed.wait_for(lambda: not self._open, PATIENCE)
        return status

    def interrupt(self) -> int:
        """Send what Ctrl-C sends, and wait."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def terminate(self) -> int:
        """End it if it still runs, and wait."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self.wait()

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()
