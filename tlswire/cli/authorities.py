"""The verb `authorities`: the names of the authorities whose certificates servers accept."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from tlswire.analysis.diagnosis.authorities import MESSAGE_LIMIT_CLIENT, VECTOR_LIMIT
from tlswire.analysis.diagnosis.lists import (
    AuthorityList,
    AuthorityLists,
    Store,
    authority_lists,
    expired,
    not_in,
    store_by_subject,
)
from tlswire.analysis.names import shown
from tlswire.capture import CaptureReader, load_certificates, read_password
from tlswire.capture.files import CaptureSource
from tlswire.cli.options import SecretFiles
from tlswire.cli.outcome import Status
from tlswire.cli.screen import (
    ProgressBar,
    note,
    tell_not_read,
    terminal_width,
    write,
    write_json,
    write_lines,
)
from tlswire.display.text import Line, wrapped
from tlswire.escaping import escape
from tlswire.schema import DistinguishedName


def list_authorities(
    captures: Sequence[CaptureSource],
    files: SecretFiles,
    store: str | None,
    other: str | None,
    limit: int,
    *,
    as_json: bool,
) -> Status:
    """Prints the lists; raises TLSWireError after those of what could be read."""
    password = read_password(files.password_file) if files.password_file is not None else None
    certificates = store_by_subject(load_certificates(store, password)) if store is not None else None
    found = _read(captures, files, as_json=as_json)
    against = _read([other], files) if other is not None else None
    width = terminal_width()
    for one in found.lists:
        twin = _twin(one, against) if against is not None else None
        if as_json:
            write_json(_as_json(one, limit, certificates, twin))
            continue
        write_lines(_lines(one, limit, certificates, width))
        if against is not None and (twin is not None or against.error is None):
            write_lines(_differences(one, twin, width))
        write("")
    if not found.lists:
        more = "; what stayed encrypted may hold some" if found.stayed_encrypted else ""
        note(f"no CertificateRequest was read{more}")
    for lists in (found, against):
        if lists is not None and lists.error is not None:
            raise lists.error
    return Status.encrypted if found.stayed_encrypted and files.given else Status.done


def _read(captures: Sequence[CaptureSource], files: SecretFiles, *, as_json: bool = False) -> AuthorityLists:
    reader = CaptureReader(captures, secrets=files.load(), both_cores=True)
    with ProgressBar(reader) as bar:
        found = authority_lists(reader)
        bar.make_way()
    tell_not_read(reader, as_json=as_json)
    return found


def _twin(one: AuthorityList, others: AuthorityLists) -> AuthorityList | None:
    """The list of the other capture with which one is compared: that of the same server, else the first."""
    same = (other for other in others.lists if other.stream.server == one.stream.server)
    return next(same, others.lists[0] if others.lists else None)


def _lines(one: AuthorityList, limit: int, certificates: Store | None, width: int | None) -> Iterator[Line]:
    times = f", {one.count} times" if one.count > 1 else ""
    title = (
        f"stream {one.stream.number}, {one.stream.server}, handshake {one.epoch}, frame {one.at.frame}{times}: "
        f"{_names(one.names)}, {one.size} bytes"
    )
    for text in wrapped(title, 2, width):
        yield Line(text, "heading")
    for text in wrapped(f"  {_against_limits(one, limit)}", 2, width):
        yield Line(text, "warning" if one.size > limit else "detail")
    yield Line("  No.  Bytes   Total  Name" if certificates is None else "  No.  Bytes   Total  Store  Name", "heading")
    seen: set[bytes] = set()
    for listed in one.listed():
        known = certificates.get(listed.name.der, []) if certificates is not None else []
        marks = "" if certificates is None else f"{'yes' if known else 'no':<5}  "
        head = f"{listed.number:5}  {listed.size:5}  {listed.total:6}  {marks}"
        end = expired(known, one.captured)
        remark = _remark(listed.name, listed.total, limit, seen, end)
        seen.add(listed.name.der)
        for text in wrapped(f"{head}{shown(listed.name, 1000)}{remark}", len(head), width):
            yield Line(text, "warning" if remark else "row")
    if certificates is not None:
        there = {name.der for name in one.names}
        for der, (certificate, *_) in certificates.items():
            if der not in there:
                for text in wrapped(f"  not named, in the store: {shown(certificate.subject, 1000)}", 4, width):
                    yield Line(text, "warning")


def _against_limits(one: AuthorityList, limit: int) -> str:
    if one.size > limit:
        where = f"{one.size - limit} bytes over the limit of {limit}"
    else:
        where = f"{limit - one.size} bytes under the limit of {limit}"
    return (
        f"{where}; the message has {one.message_length} bytes (a Windows client takes {MESSAGE_LIMIT_CLIENT}); the "
        "vector "
        f"holds {VECTOR_LIMIT}"
    )


def _remark(name: DistinguishedName, total: int, limit: int, seen: set[bytes], end: datetime.date | None) -> str:
    remarks = []
    if end is not None:
        remarks.append(f"expired on {end}")
    if name.error is not None:
        remarks.append(f"no valid DER: {name.error}")
    if name.der in seen:
        remarks.append("named before")
    if total > limit:
        remarks.append("over the limit")
    return f"  ({'; '.join(remarks)})" if remarks else ""


def _differences(one: AuthorityList, other: AuthorityList | None, width: int | None) -> Iterator[Line]:
    if other is None:
        yield Line("  the other capture has no list", "warning")
        return
    compared = f"  against {other.stream.server}, frame {other.at.frame} of {escape(other.at.file)}: "
    only_here, only_there = not_in(one.names, other.names), not_in(other.names, one.names)
    for text in wrapped(f"{compared}{_names(only_here)} here alone, {len(only_there)} there alone", 4, width):
        yield Line(text, "heading")
    for sign, names in (("-", only_there), ("+", only_here)):
        for name in names:
            for text in wrapped(f"  {sign} {shown(name, 1000)}", 4, width):
                yield Line(text, "row")


def _names(names: Sequence[DistinguishedName]) -> str:
    return f"{len(names)} name{'s' * (len(names) != 1)}"


def _as_json(
    one: AuthorityList,
    limit: int,
    certificates: Store | None,
    other: AuthorityList | None,
) -> dict[str, object]:
    found = one.as_json(limit)
    if certificates is not None:
        there = {name.der for name in one.names}
        found["in_store"] = [number for number, name in enumerate(one.names, 1) if name.der in certificates]
        found["expired"] = [
            number
            for number, name in enumerate(one.names, 1)
            if expired(certificates.get(name.der, []), one.captured) is not None
        ]
        found["not_named"] = [str(known[0].subject) for der, known in certificates.items() if der not in there]
    if other is not None:
        found["only_here"] = [str(name) for name in not_in(one.names, other.names)]
        found["only_there"] = [str(name) for name in not_in(other.names, one.names)]
    return found
