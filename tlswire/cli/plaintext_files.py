"""The files that `decrypt` writes: the plaintext of each side of each stream, and the manifest.

Bytes are held until there are enough of them to be worth a write, or until their stream is over; they then go to a
temporary file in the same directory, readable by its owner alone, which gets its name when its stream is over, so that
no half of a file ever bears it.  Large pieces are hashed and written by a thread while the next are being decrypted;
at most one at a time, so that memory stays bounded.  What an earlier run has written, as its manifest says,
is replaced; a file that has one of our names and is not of an earlier run is a reason to stop before anything is
read.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

import tlswire
from tlswire.analysis.plaintext import TELLING, Plaintext
from tlswire.capture import TLSStream
from tlswire.cli.outcome import FileError, why
from tlswire.cli.private_files import append as _append
from tlswire.session import Event, Role

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

MANIFEST = "manifest.json"
HELD = 1 << 20  # bytes of a side, before they are written
HELD_IN_ALL = 16 << 20  # bytes of all sides

_NAME = re.compile(r"stream-[0-9]+\.(?:client|server)\.bin")


def is_our_name(name: str) -> bool:
    """Whether `PlaintextFiles` may give a file this name."""
    return name == MANIFEST or _NAME.fullmatch(name) is not None


class PlaintextFiles:
    """Writes the plaintext of streams into a directory, which is made if there is none.

    Parameters: `directory`; `captures`, what is read, for the manifest.  Raises FileError, as all its methods do.
    """

    def __init__(self, directory: str, captures: list[str]) -> None:
        self._directory = directory
        self._captures = captures
        self._sides: dict[TLSStream, tuple[_Side, _Side]] = {}
        self._held = 0
        self._writer: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None
        self._marker = f".tlswire-{os.urandom(6).hex()}-"
        self._temporaries = 0
        self.encrypted = False  # whether a record stayed encrypted
        self._entries: list[dict[str, object]] = []
        with _output_errors(self._directory):
            self._made = not os.path.exists(directory)
            os.makedirs(directory, mode=0o700, exist_ok=True)
            self._earlier = self._find_earlier()

    def receive(self, stream: TLSStream, events: Iterable[Event]) -> None:
        """Takes events of a stream."""
        sides = self._sides.get(stream)
        if sides is None:
            sides = self._sides[stream] = (_Side(self, 0), _Side(self, 1))
        telling = [event for event in events if type(event) in TELLING]
        if telling:
            for side in sides:
                side.plaintext.receive(telling)

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
        with _output_errors(self._path(MANIFEST)):
            path = self._temporary()
            _append(path, _readable(manifest).encode())
            os.replace(path, self._path(MANIFEST))
        for name in self._earlier - {str(entry["file"]) for entry in self._entries}:
            with _output_errors(self._path(name)), contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(name))
        return manifest

    def discard(self) -> None:
        """Removes what has no name yet, and a directory that was made for nothing, as far as that goes."""
        if self._writer is not None:
            self._writer.shutdown()
        for sides in self._sides.values():
            for side in sides:
                if side.path is not None:
                    with contextlib.suppress(OSError):
                        os.unlink(side.path)
        self._sides.clear()
        if self._made:
            with contextlib.suppress(OSError):
                os.rmdir(self._directory)  # which does nothing where there is something in it

    def append(self, side: _Side, data: bytes) -> None:
        """Takes the next bytes of a side."""
        side.held.append(data)
        side.size += len(data)
        self._held += len(data)
        if side.size >= HELD:
            self._write_behind(side)
        elif self._held >= HELD_IN_ALL:
            for sides in self._sides.values():
                for one in sides:
                    if one.held:
                        self._write(one)

    def _write_behind(self, side: _Side) -> None:
        """Writes what is held of a side in a thread, when that has done what it had to do before."""
        self._wait()
        if side.path is None:
            side.path = self._temporary()
        if self._writer is None:
            from concurrent.futures import ThreadPoolExecutor  # 5 ms, with logging, for what is long

            self._writer = ThreadPoolExecutor(1)
        self._writing = self._writer.submit(side.write, self._take(side))

    def _write(self, side: _Side) -> None:
        """Writes what is held of a side."""
        self._wait()
        if side.path is None:
            side.path = self._temporary()
        with _output_errors(self._directory):
            side.write(self._take(side))

    def _take(self, side: _Side) -> bytes:
        data = b"".join(side.held)
        self._held -= side.size
        side.held, side.size = [], 0
        return data

    def _wait(self) -> None:
        if self._writing is not None:
            with _output_errors(self._directory):
                self._writing.result()
            self._writing = None

    def _finish(self, stream: TLSStream, role: Role, index: int, side: _Side) -> dict[str, object]:
        plaintext = side.plaintext
        self.encrypted = self.encrypted or plaintext.encrypted
        name = None if plaintext.is_unreadable else f"stream-{stream.number}.{role}.bin"
        if name is not None:
            self._write(side)
            assert side.path is not None
            path = self._path(name)
            with _output_errors(path):
                os.replace(side.path, path)
            side.path = None
        return {
            "file": name,
            "stream": stream.number,
            "tcp_stream": stream.tcp_stream,
            "direction": role.value,
            "src": stream.addresses[index],
            "dst": stream.addresses[1 - index],
            "bytes": plaintext.size,
            "sha256": side.sha256.hexdigest() if name is not None else None,
            "missing": [missing.as_json() for missing in plaintext.missing],
        }

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def _temporary(self) -> str:
        self._temporaries += 1
        return self._path(f"{self._marker}{self._temporaries}")

    def _find_earlier(self) -> set[str]:
        """The names of an earlier run's files; raises FileError where a file is in the way."""
        earlier: set[str] = set()
        path = self._path(MANIFEST)
        if os.path.exists(path):
            try:
                with open(path, "rb") as file:
                    manifest = json.load(file)
                ours = manifest["kind"] == "manifest" and manifest["made_by"].startswith("tlswire ")
                earlier = {entry["file"] for entry in manifest["files"] if _NAME.fullmatch(entry["file"] or "")}
            except (ValueError, LookupError, TypeError, AttributeError):
                ours = False
            if not ours:
                raise FileError(path, "exists and is not of an earlier decrypt; choose another directory")
        for name in os.listdir(self._directory):
            if _NAME.fullmatch(name) and name not in earlier:
                raise FileError(self._path(name), "exists and is not of an earlier decrypt; choose another directory")
        return earlier


class _Side:
    """One side of a stream: its plaintext, what of it is held, and the temporary file, once there is any."""

    __slots__ = ("held", "path", "plaintext", "sha256", "size")

    def __init__(self, files: PlaintextFiles, index: int) -> None:
        self.path: str | None = None
        self.held: list[bytes] = []
        self.size = 0
        self.sha256 = sha256()
        self.plaintext = Plaintext(index, lambda data: files.append(self, data))

    def write(self, data: bytes) -> None:
        """Hashes the next bytes and writes them to the temporary file; raises OSError."""
        assert self.path is not None
        self.sha256.update(data)
        _append(self.path, data)


def _readable(manifest: dict[str, object]) -> str:
    """The manifest as JSON for people too: a line a field, and a line a file."""
    entries = manifest["files"]
    assert isinstance(entries, list)
    files = ",\n".join(f"  {json.dumps(entry)}" for entry in entries)
    fields = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in manifest.items() if name != "files"]
    return "{\n" + ",\n".join([*fields, f' "files": [\n{files}\n ]' if entries else ' "files": []']) + "\n}\n"


def _place(entry: dict[str, object]) -> tuple[int, str]:
    stream, direction = entry["stream"], entry["direction"]
    assert isinstance(stream, int)
    return stream, str(direction)


@contextlib.contextmanager
def _output_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(path, f"cannot be written: {why(error)}") from error
