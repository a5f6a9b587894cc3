"""The verb `decrypt`: from captures and secrets to files of plaintext, and to a capture of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import chain

from tlswire.analysis.plaintext_capture import Batch, PlaintextCapture
from tlswire.capture import CaptureReader
from tlswire.cli.options import SecretFiles
from tlswire.cli.outcome import FileError, Status
from tlswire.cli.plaintext_files import PlaintextFiles, is_our_name
from tlswire.cli.private_files import check_outputs, write_privately
from tlswire.cli.screen import ProgressBar, note, tell_not_read, write, write_json
from tlswire.errors import TLSWireError


def decrypt_captures(
    captures: Sequence[str], files: SecretFiles, directory: str | None, pcap: str | None, *, as_json: bool
) -> Status:
    """Reads the captures and writes the plaintext; raises TLSWireError or FileError.

    Parameters: `directory`, for a file of each side of each stream; `pcap`, the file for a capture of it all, "-" for
    standard output, on which there is nothing else then.

    When reading stops early, what came before is written, and the manifest says that it is not complete.  When it
    stops before any stream was found, an earlier run's files stay as they are.
    """
    check_outputs([pcap], [*captures, *files.paths])
    if directory is not None and pcap is not None:
        _check_apart(directory, pcap)
    decryption = _Decryption(captures, files, directory)
    try:
        with ProgressBar(decryption.reader):
            if pcap is None:
                for _ in decryption.batches():
                    pass
            else:
                decryption.write_capture(pcap)
    finally:
        decryption.end(pcap, as_json=as_json)
        tell_not_read(decryption.reader)
    return Status.encrypted if decryption.encrypted and files.given else Status.done


class _Decryption:
    """The reader, and the outputs that see what it gives."""

    def __init__(self, captures: Sequence[str], files: SecretFiles, directory: str | None) -> None:
        self.reader = CaptureReader(captures, secrets=files.load(), both_cores=True)
        self._directory = directory
        self._files = PlaintextFiles(directory, list(captures)) if directory is not None else None
        self._capture = PlaintextCapture(self.reader)
        self._complete = False
        self._written = False

    @property
    def encrypted(self) -> bool:
        """Whether a record stayed encrypted."""
        return self._capture.encrypted or (self._files is not None and self._files.encrypted)

    def batches(self) -> Iterator[Batch]:
        """What the reader gives, once the files have it."""
        files = self._files
        for batch in self.reader.batches():
            if files is not None:
                for stream, events in batch:
                    if events is None:
                        files.end(stream)
                    else:
                        files.receive(stream, events)
            yield batch
        self._complete = True

    def write_capture(self, pcap: str) -> None:
        """Reads all, and writes the capture of the plaintext."""
        pieces = self._capture.pieces(self.batches())
        if pcap == "-":
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            return
        first = next(pieces)  # raises, before anything is replaced, where nothing can be read
        try:
            write_privately(pcap, chain((first,), pieces))
        except TLSWireError:
            self._written = True  # up to there
            raise
        self._written = True

    def end(self, pcap: str | None, *, as_json: bool) -> None:
        """Ends the files, and says what was written, if standard output is free for that."""
        files, told = self._files, pcap != "-"
        try:
            if files is not None and (self._complete or not files.is_empty):
                manifest = files.finish(complete=self._complete)
                if told and as_json:
                    write_json(manifest)
                elif told:
                    _print(manifest, str(self._directory))
        finally:
            if files is not None:
                files.discard()
        if self._written and as_json:
            write_json(
                {
                    "kind": "plaintext_capture",
                    "file": pcap,
                    "complete": self._complete,
                    "connections": self._capture.connections,
                    "bytes": self._capture.size,
                    "missing": self._capture.left_out,
                }
            )
        elif self._written:
            count = self._capture.connections
            write(f"{pcap}: {self._capture.size} bytes of {count} connection{'s' * (count != 1)}")
            if not count:
                note("nothing was decrypted: the capture is empty")
            if self._capture.left_out:
                write(f"  missing: {self._capture.left_out} bytes, left out of the sequence numbers")


def _check_apart(directory: str, pcap: str) -> None:
    """The capture may lie in the directory, but under no name that `PlaintextFiles` gives."""
    place, path = os.path.realpath(directory), os.path.realpath(pcap)
    if path == place or (os.path.dirname(path) == place and is_our_name(os.path.basename(path))):
        raise FileError(pcap, f"is to be written by -o {directory} already; choose another file")


def _print(manifest: dict[str, object], directory: str) -> None:
    entries = manifest["files"]
    assert isinstance(entries, list)
    if not entries:
        note("no TLS connection was found")
    for entry in entries:
        peers = f"{entry['src']} to {entry['dst']}"
        if entry["file"] is None:
            write(f"stream {entry['stream']}, {entry['direction']}: nothing readable, {peers}")
        else:
            write(f"{os.path.join(directory, entry['file'])}: {entry['bytes']} bytes, {peers}")
        for missing in entry["missing"]:
            write(f"  missing at {missing['offset']}: {_amount(missing)}: {missing['reason']}")


def _amount(missing: dict[str, object]) -> str:
    first, last = missing["first_frame"], missing["last_frame"]
    frames = f"frame {first}" if first == last else f"frames {first} to {last}"
    size = "an unknown number of" if missing["wire_bytes"] is None else missing["wire_bytes"]
    count = missing["records"]
    records = f"{count} record{'s' * (count != 1)}, " if count else ""
    return f"{records}{size} bytes on the wire, {frames}"
