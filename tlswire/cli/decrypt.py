"""The verb `decrypt`: from captures and secrets to files of plaintext."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tlswire.capture import CaptureReader
from tlswire.cli.options import SecretFiles
from tlswire.cli.outcome import Status
from tlswire.cli.plaintext_files import PlaintextFiles
from tlswire.cli.screen import ProgressBar, note, tell_not_read, write, write_json


def decrypt_captures(captures: Sequence[str], files: SecretFiles, directory: str, *, as_json: bool) -> Status:
    """Reads the captures and writes the plaintext; raises TLSWireError or FileError.

    When reading stops early, what came before is written, and the manifest says that it is not complete.  When it
    stops before any stream was found, an earlier run's files stay as they are.
    """
    secrets = files.load()
    reader = CaptureReader(captures, secrets=secrets, both_cores=True)
    output = PlaintextFiles(directory, list(captures))
    complete = False
    try:
        try:
            with ProgressBar(reader):
                for batch in reader.batches():
                    for stream, events in batch:
                        if events is None:
                            output.end(stream)
                        else:
                            output.receive(stream, events)
            complete = True
        finally:
            if complete or not output.is_empty:
                manifest = output.finish(complete=complete)
                if as_json:
                    write_json(manifest)
                else:
                    _print(manifest, directory)
    finally:
        output.discard()
        tell_not_read(reader)
    return Status.encrypted if output.encrypted and files.given else Status.done


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
