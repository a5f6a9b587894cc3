"""The verb `secrets`: from captures and secrets to a key log, by itself or inside the capture."""

from __future__ import annotations

from collections.abc import Sequence

from tlswire.analysis.key_log import key_log_entries
from tlswire.capture import CaptureReader, TLSStream
from tlswire.capture.files import open_capture
from tlswire.capture.inject import with_secrets
from tlswire.cli.options import SecretFiles
from tlswire.cli.outcome import Status
from tlswire.cli.private_files import check_outputs, write_privately
from tlswire.cli.screen import ProgressBar, note, tell_not_read, write
from tlswire.errors import CaptureError


def write_secrets(captures: Sequence[str], files: SecretFiles, key_log: str | None, injected: str | None) -> Status:
    """Writes what opens the captures; raises TLSWireError or FileError.

    Parameters: `key_log`, the file for a key log, "-" for standard output; `injected`, the file for the capture, of
    which there is one then, with the key log inside.

    When reading stops early, what came before is written, and then the error is raised.
    """
    check_outputs((key_log, injected), [*captures, *files.paths])
    reader = CaptureReader(captures, secrets=files.load(), both_cores=True)
    lines: dict[str, None] = {}  # in order, each once
    encrypted = False
    connections = 0
    damage: CaptureError | None = None
    with ProgressBar(reader):
        try:
            for batch in reader.batches():
                for stream, events in batch:
                    if events is None:
                        found = [entry.line() for entry in key_log_entries(stream.handshakes)]
                        connections += bool(found)
                        lines.update(dict.fromkeys(found))
                        encrypted = encrypted or _stays_encrypted(stream)
        except CaptureError as error:
            damage = error
    if lines:
        text = "".join(f"{line}\n" for line in lines)
        if key_log == "-":
            write(text.removesuffix("\n"))
        elif key_log is not None:
            write_privately(key_log, [text.encode()])
            write(f"{key_log}: {_number(len(lines), 'secret')} of {_number(connections, 'connection')}")
        if injected is not None:
            with open_capture(captures[0]) as capture:
                write_privately(injected, with_secrets(capture, text.encode()))
            write(
                f"{injected}: the capture, and {_number(len(lines), 'secret')} of {_number(connections, 'connection')}"
            )
    else:
        note("nothing was decrypted: there are no secrets to write")
    tell_not_read(reader)
    if damage is not None:
        raise damage
    return Status.encrypted if encrypted and files.given else Status.done


def _stays_encrypted(stream: TLSStream) -> bool:
    return any(verdict.reason is not None for handshake in stream.handshakes for verdict in handshake.verdicts)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
