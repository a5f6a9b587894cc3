"""The files that `decrypt` writes: the plaintext of each side of each stream, and the manifest.

Bytes go to a temporary file in the same directory, readable by its owner alone, as they come; it gets its name when
its stream is over, so that no half of a file ever bears it.  What an earlier run has written, as its manifest says,
is replaced; a file that has one of our names and is not of an earlier run is a reason to stop before anything is
read.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import tlswire
from tlswire.analysis.plaintext import Plaintext
from tlswire.capture import TLSStream
from tlswire.cli.outcome import FileError, why
from tlswire.session import Event, Role

MANIFEST = "manifest.json"
OPEN_FILES = 64  # of the streams that are being written; systems allow 256 (macOS) and more

_NAME = re.compile(r"stream-[0-9]+\.(?:client|server)\.bin")


class PlaintextFiles:
    """Writes the plaintext of streams into a directory, which is made if there is none.

    Parameters: `directory`; `captures`, what is read, for the manifest.  Raises FileError, as all its methods do.
    """

    def __init__(self, directory: str, captures: list[str]) -> None:
        self._directory = Path(directory)
        self._captures = captures
        self._sides: dict[TLSStream, tuple[_Side, _Side]] = {}
        self._open: OrderedDict[_Side, BinaryIO] = OrderedDict()
        self._entries: list[dict[str, object]] = []
        with _output_errors(self._directory):
            self._made = not self._directory.exists()
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._earlier = self._find_earlier()

    def receive(self, stream: TLSStream, event: Event) -> None:
        """Takes an event of a stream."""
        sides = self._sides.get(stream)
        if sides is None:
            sides = self._sides[stream] = (_Side(self), _Side(self))
        sides[event.side].plaintext.receive(event)

    def end(self, stream: TLSStream) -> None:
        """Takes that a stream is over: its files get their names."""
        sides = self._sides.get(stream)
        if sides is None:
            return
        for role in Role:
            index = 0 if stream.role(0) is role else 1
            self._entries.append(self._finish(stream, role, index, sides[index]))
        del self._sides[stream]

    @property
    def is_empty(self) -> bool:
        """True while there was no stream."""
        return not self._sides and not self._entries

    def finish(self, *, complete: bool) -> dict[str, object]:
        """Ends all streams and writes the manifest, which it gives.

        Parameters: `complete`, whether the captures were read to their end.
        """
        for stream in list(self._sides):
            self.end(stream)
        manifest = {
            "kind": "manifest",
            "made_by": f"tlswire {tlswire.__version__}",
            "captures": self._captures,
            "complete": complete,
            "files": sorted(self._entries, key=_place),
        }
        with _output_errors(self._directory / MANIFEST):
            path = self._temporary()
            path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            path.replace(self._directory / MANIFEST)
        for name in self._earlier - {str(entry["file"]) for entry in self._entries}:
            with _output_errors(self._directory / name):
                (self._directory / name).unlink(missing_ok=True)
        return manifest

    def discard(self) -> None:
        """Removes what has no name yet, and a directory that was made for nothing, as far as that goes."""
        for sides in self._sides.values():
            for side in sides:
                with contextlib.suppress(OSError):
                    self._close(side)
                    if side.path is not None:
                        side.path.unlink(missing_ok=True)
        self._sides.clear()
        if self._made:
            with contextlib.suppress(OSError):
                self._directory.rmdir()  # which does nothing where there is something in it

    def append(self, side: _Side, data: bytes) -> None:
        """Writes the next bytes of a side."""
        with _output_errors(self._directory):
            file = self._open.get(side)
            if file is None:
                if len(self._open) >= OPEN_FILES:
                    self._open.popitem(last=False)[1].close()
                if side.path is None:
                    side.path = self._temporary()
                file = self._open[side] = side.path.open("ab")
            self._open.move_to_end(side)
            file.write(data)

    def _finish(self, stream: TLSStream, role: Role, index: int, side: _Side) -> dict[str, object]:
        plaintext = side.plaintext
        name = None if plaintext.is_unreadable else f"stream-{stream.number}.{role}.bin"
        if name is not None:
            with _output_errors(self._directory / name):
                self._close(side)
                (side.path or self._temporary()).replace(self._directory / name)
        return {
            "file": name,
            "stream": stream.number,
            "tcp_stream": stream.tcp_stream,
            "direction": role.value,
            "src": stream.addresses[index],
            "dst": stream.addresses[1 - index],
            "bytes": plaintext.size,
            "sha256": plaintext.sha256.hexdigest() if name is not None else None,
            "missing": [missing.as_json() for missing in plaintext.missing],
        }

    def _close(self, side: _Side) -> None:
        file = self._open.pop(side, None)
        if file is not None:
            file.close()

    def _temporary(self) -> Path:
        handle, name = tempfile.mkstemp(prefix=".tlswire-", dir=self._directory)  # it has mode 0600
        os.close(handle)
        return Path(name)

    def _find_earlier(self) -> set[str]:
        """The names of an earlier run's files; raises FileError where a file is in the way."""
        earlier: set[str] = set()
        path = self._directory / MANIFEST
        if path.exists():
            try:
                manifest = json.loads(path.read_bytes())
                ours = manifest["kind"] == "manifest" and manifest["made_by"].startswith("tlswire ")
                earlier = {entry["file"] for entry in manifest["files"] if _NAME.fullmatch(entry["file"] or "")}
            except (ValueError, LookupError, TypeError, AttributeError):
                ours = False
            if not ours:
                raise FileError(str(path), "exists and is not of an earlier decrypt; choose another directory")
        for entry in self._directory.iterdir():
            if _NAME.fullmatch(entry.name) and entry.name not in earlier:
                raise FileError(str(entry), "exists and is not of an earlier decrypt; choose another directory")
        return earlier


class _Side:
    """One side of a stream: its plaintext, and the temporary file that holds it, once there is any."""

    def __init__(self, files: PlaintextFiles) -> None:
        self.path: Path | None = None
        self.plaintext = Plaintext(lambda data: files.append(self, data))


def _place(entry: dict[str, object]) -> tuple[int, str]:
    stream, direction = entry["stream"], entry["direction"]
    assert isinstance(stream, int)
    return stream, str(direction)


@contextlib.contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(str(path), f"cannot be written: {why(error)}") from error
