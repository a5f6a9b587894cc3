"""The verb `diagnose`: what went wrong with client-certificate authentication."""

from __future__ import annotations

from collections.abc import Sequence

from tlswire.analysis.diagnosis.chain import ordered
from tlswire.analysis.diagnosis.diagnose import cases, diagnose_case
from tlswire.analysis.diagnosis.finding import Finding, Findings, Severity
from tlswire.capture import CaptureReader, load_certificates, read_password
from tlswire.capture.files import CaptureSource
from tlswire.cli.options import SecretFiles
from tlswire.cli.outcome import Status
from tlswire.cli.screen import ProgressBar, note, tell_not_read, terminal_width, write, write_json, write_lines
from tlswire.display.findings import finding_lines
from tlswire.errors import CaptureError


def diagnose_captures(
    captures: Sequence[CaptureSource],
    files: SecretFiles,
    client_certificates: Sequence[str],
    limit: int,
    *,
    as_json: bool,
) -> Status:
    """Prints the findings; raises TLSWireError after those of what could be read."""
    password = read_password(files.password_file) if files.password_file is not None else None
    given = ordered([der for file in client_certificates for der in load_certificates(file, password)])
    reader = CaptureReader(captures, secrets=files.load(), keep_messages=True, both_cores=True)
    found = Findings()
    connections = 0
    encrypted = False
    damage: CaptureError | None = None
    with ProgressBar(reader) as bar:
        try:
            for case in cases(reader):
                connections += 1
                encrypted = encrypted or bool(case.closed)
                found.add(diagnose_case(case, given, limit))
        except CaptureError as error:
            damage = error
        bar.make_way()
    width = terminal_width()
    for finding in found:
        if as_json:
            write_json(finding.as_json())
        else:
            write_lines(finding_lines(finding, width, name_file=len(captures) > 1))
            write("")
    if not as_json and connections:
        write(_summary(list(found), connections))
    elif not connections:
        note("no TLS connection was found")
    tell_not_read(reader, as_json=as_json)
    if damage is not None:
        raise damage
    return Status.encrypted if encrypted and files.given else Status.done


def _summary(found: Sequence[Finding], connections: int) -> str:
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    words = [f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items() if count]
    return f"{connections} connection{'s' * (connections != 1)}: {', '.join(words) or 'nothing to be found'}"
