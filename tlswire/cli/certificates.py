"""The verb `certificates`: the certificates of captures as PEM or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlswire.analysis.certificates import certificates
from tlswire.capture import CaptureReader, TLSStream
from tlswire.cli.options import SecretFiles
from tlswire.cli.outcome import Status
from tlswire.cli.private_files import check_outputs, write_privately
from tlswire.cli.screen import ProgressBar, note, tell_not_read, write, write_json
from tlswire.display.certificates import pem_text
from tlswire.errors import CaptureError
from tlswire.session import Event, Undecryptable


def write_certificates(captures: Sequence[str], files: SecretFiles, output: str | None, *, as_json: bool) -> Status:
    """Writes the certificates; raises TLSWireError or FileError.

    Parameters: `output`, the file for PEM, "-" for standard output; None is standard output too, if that is not taken
    by JSON.

    When reading stops early, what came before is written, and then the error is raised.
    """
    check_outputs([output], [*captures, *files.paths])
    reader = CaptureReader(captures, secrets=files.load(), both_cores=True)
    watch = _Watch(reader)
    found = []
    damage: CaptureError | None = None
    with ProgressBar(reader):
        try:
            for certificate in certificates(reader, watch.batches()):
                found.append(certificate)
        except CaptureError as error:
            damage = error
    if as_json:
        for certificate in found:
            write_json(certificate.as_json())
    if not found:
        note("no certificate was found")
    elif output is not None and output != "-":
        write_privately(output, (f"{pem_text(certificate)}\n".encode() for certificate in found))
        if not as_json:
            write(f"{output}: {len(found)} certificate{'s' * (len(found) != 1)}")
    elif not as_json:
        for certificate in found:
            write(pem_text(certificate))
    tell_not_read(reader, as_json=as_json)
    if damage is not None:
        raise damage
    return Status.encrypted if watch.encrypted and files.given else Status.done


class _Watch:
    """Looks at what the reader gives: `encrypted` says whether a record stayed so."""

    def __init__(self, reader: CaptureReader) -> None:
        self._reader = reader
        self.encrypted = False

    def batches(self) -> Iterator[list[tuple[TLSStream, list[Event] | None]]]:
        """What the reader gives."""
        for batch in self._reader.batches():
            for _, events in batch:
                if not self.encrypted and events is not None:
                    self.encrypted = any(type(event) is Undecryptable for event in events)
            yield batch
