"""The lists of authorities that servers sent, as data: each name with its size, and what two lists do not share."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence

from tlswire.analysis.diagnosis.authorities import MESSAGE_LIMIT_CLIENT, VECTOR_LIMIT, digest, list_length
from tlswire.analysis.diagnosis.chain import ReadCertificate, read_certificate
from tlswire.analysis.diagnosis.finding import MOST_STREAMS
from tlswire.capture import CaptureReader, Provenance, TLSStream
from tlswire.errors import CaptureError
from tlswire.schema import CertificateRequest, DistinguishedName
from tlswire.session import HandshakeMessage, Undecryptable
from tlswire.values import Struct, slotted

_PREFIX = 2  # bytes of length before each name
_HEADER = 4  # bytes of a handshake message's header


@slotted
class ListedName(Struct):
    """A name of a list: `number` from 1; `size`, bytes with its prefix; `total`, bytes of the list up to its end."""

    number: int
    name: DistinguishedName
    size: int
    total: int


@slotted
class AuthorityList(Struct):
    """The names in a CertificateRequest; `count` says how often the same list was sent, `streams` by which
    connections."""

    stream: TLSStream
    epoch: int
    at: Provenance
    names: tuple[DistinguishedName, ...]
    message_length: int
    digest: str
    count: int
    streams: list[int]

    @property
    def size(self) -> int:
        """The length field of the list, in bytes."""
        return list_length(self.names)

    @property
    def captured(self) -> datetime.datetime:
        """When it came."""
        return datetime.datetime.fromtimestamp(self.at.ticks / self.at.ticks_per_second, datetime.UTC)

    def listed(self) -> Iterator[ListedName]:
        """Each name with its size, and the running total."""
        total = 0
        for number, name in enumerate(self.names, 1):
            size = len(name.der) + _PREFIX
            total += size
            yield ListedName(number, name, size, total)

    def as_json(self, limit: int) -> dict[str, object]:
        """The list as the JSON object that `authorities --json` prints."""
        return {
            "kind": "authorities",
            "stream": self.stream.number,
            "tcp_stream": self.stream.tcp_stream,
            "server": self.stream.server,
            "server_name": self.stream.server_name,
            "epoch": self.epoch,
            "file": self.at.file,
            "frame": self.at.frame,
            "count": self.count,
            "streams": self.streams,
            "names": len(self.names),
            "bytes": self.size,
            "limit": limit,
            "message_bytes": self.message_length,
            "message_limit_client": MESSAGE_LIMIT_CLIENT,
            "vector_limit": VECTOR_LIMIT,
            "sha256": self.digest,
            "authorities": [
                {
                    "number": one.number,
                    "name": str(one.name),
                    "bytes": one.size,
                    "total": one.total,
                    "der": one.name.der.hex(),
                    "error": str(one.name.error) if one.name.error is not None else None,
                }
                for one in self.listed()
            ],
        }


@slotted
class AuthorityLists(Struct):
    """What a capture has of them: each distinct list of a server once, in the order in which they came.

    `stayed_encrypted` says that there may be more; `error`, where the capture could not be read on, or None.
    """

    lists: list[AuthorityList]
    stayed_encrypted: bool = False
    error: CaptureError | None = None


def authority_lists(reader: CaptureReader) -> AuthorityLists:
    """The lists of authorities in a capture, read to its end, or as far as it goes."""
    known: dict[tuple[str, str], AuthorityList] = {}
    found = AuthorityLists([])
    try:
        for stream, event in reader:
            if isinstance(event, Undecryptable):
                found.stayed_encrypted = True
            if not isinstance(event, HandshakeMessage) or not isinstance(event.message, CertificateRequest):
                continue
            assert isinstance(event.at, Provenance)
            names = event.message.certificate_authorities
            key = (stream.server, digest(event.message))
            one = known.get(key)
            if one is None:
                length = len(event.raw) - _HEADER
                one = AuthorityList(stream, event.epoch, event.at, names, length, key[1], 0, [])
                known[key] = one
                found.lists.append(one)
            one.count += 1
            if stream.number not in one.streams and len(one.streams) < MOST_STREAMS:
                one.streams.append(stream.number)
    except CaptureError as error:
        found.error = error
    return found


def not_in(names: Iterable[DistinguishedName], others: Iterable[DistinguishedName]) -> list[DistinguishedName]:
    """The names that are not among the others, byte for byte, each once and in their order."""
    there = {name.der for name in others}
    return list({name.der: name for name in names if name.der not in there}.values())


Store = dict[bytes, list[ReadCertificate]]
"""Certificates by the DER of their subjects, which several may share."""


def store_by_subject(certificates: Sequence[bytes]) -> Store:
    """The certificates of a store, by their subjects."""
    store: Store = {}
    for one in map(read_certificate, certificates):
        if one.subject is not None:
            store.setdefault(one.subject.der, []).append(one)
    return store


def expired(certificates: Sequence[ReadCertificate], then: datetime.datetime) -> datetime.date | None:
    """The day on which the last of them expired; None where one was still valid `then`, or its dates cannot be read."""
    ends = [one.validity[1] if one.validity is not None else None for one in certificates]
    known = [end for end in ends if end is not None]
    return max(known).date() if known and len(known) == len(ends) and max(known) < then else None
