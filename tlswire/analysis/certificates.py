"""The certificates of a capture: each distinct one once, with the places at which it was sent.

A busy server sends the same one to a million clients: of its bytes one copy is kept, of the places the first ones.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from hashlib import sha256

from tlswire.analysis.order import FrameOrder
from tlswire.capture import CaptureReader, Provenance, TLSStream
from tlswire.errors import CaptureError, DecodeError
from tlswire.escaping import escape
from tlswire.registry import HandshakeType
from tlswire.schema import CertificateFields, CertificateSSL3, read_certificate
from tlswire.session import Event, HandshakeMessage, Role
from tlswire.values import Value, frozen
from tlswire.wire import Unresolved

MOST_APPEARANCES = 10_000
"""How many places are kept of one certificate."""

_MOST_HELD = 100_000  # places, until nothing of an earlier frame can come
_LINE = 64  # characters of base64 (RFC 7468 §2)


@frozen
class CertificateAppearance(Value):
    """Where a certificate was sent.

    `at` is the frame at which the message became readable; `stream` and `tcp_stream` number its connection; `depth` is
    its place in the chain, 0 for the sender's own, and `chain_length` counts the chain's certificates.
    """

    at: Provenance
    stream: int
    tcp_stream: int
    source: str
    destination: str
    role: Role
    epoch: int
    encrypted: bool
    depth: int
    chain_length: int

    def as_json(self) -> dict[str, object]:
        """The place as an object of `certificates --json`."""
        return {
            "file": self.at.file,
            "frame": self.at.frame,
            "time": self.at.time,
            "stream": self.stream,
            "tcp_stream": self.tcp_stream,
            "src": self.source,
            "dst": self.destination,
            "direction": self.role.value,
            "epoch": self.epoch,
            "encrypted": self.encrypted,
            "depth": self.depth,
            "chain_length": self.chain_length,
        }


class SentCertificate:
    """A certificate that was sent, once or more.

    `der` are its bytes; `count` says how often it was sent, `appearances` where, in the order of the frames: the first
    `MOST_APPEARANCES` of them.
    """

    __slots__ = ("_fields", "appearances", "count", "der")

    def __init__(self, der: bytes) -> None:
        self.der = der
        self.count = 0
        self.appearances: list[CertificateAppearance] = []
        self._fields: CertificateFields | None = None

    def __repr__(self) -> str:
        subject = self.fields.subject
        named = escape(str(subject), 200) if subject is not None else "unreadable"
        return f"<SentCertificate {named}, {len(self.der)} bytes, sent {self.count} times>"

    @property
    def fields(self) -> CertificateFields:
        """What it says of itself, as far as that can be read."""
        if self._fields is None:
            self._fields = read_certificate(self.der)
        return self._fields

    @property
    def sha256(self) -> str:
        """The SHA-256 of its DER, in hexadecimal digits."""
        return sha256(self.der).hexdigest()

    @property
    def pem(self) -> str:
        """It as PEM (RFC 7468 §5), also where it is none that can be read."""
        text = base64.b64encode(self.der).decode()
        lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
        return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])

    def as_json(self) -> dict[str, object]:
        """The certificate as the JSON object that `certificates --json` prints."""
        fields = self.fields
        return {
            "kind": "certificate",
            "sha256": self.sha256,
            "length": len(self.der),
            "subject": str(fields.subject) if fields.subject is not None else None,
            "issuer": str(fields.issuer) if fields.issuer is not None else None,
            "serial_number": fields.serial_number,
            "not_before": fields.not_before,
            "not_after": fields.not_after,
            "error": str(fields.error) if fields.error is not None else None,
            "count": self.count,
            "appearances": [appearance.as_json() for appearance in self.appearances],
            "pem": self.pem,
        }


def certificates(
    reader: CaptureReader, batches: Iterable[list[tuple[TLSStream, list[Event] | None]]] | None = None
) -> Iterator[SentCertificate]:
    """The distinct certificates of all connections, in the order in which they were first sent.

    They are given when all has been read, since only then it is known where each was sent.

    Parameters: `reader`, of which nothing was read yet; `batches`, those of the reader, where someone looks at them on
    the way.

    Raises what iterating over `reader` raises, after the certificates before that.
    """
    found: dict[bytes, SentCertificate] = {}
    held: FrameOrder[tuple[bytes, CertificateAppearance]] = FrameOrder(_MOST_HELD)
    damage: CaptureError | None = None
    try:
        for batch in reader.batches() if batches is None else batches:
            for stream, events in batch:
                for event in events or ():
                    if type(event) is HandshakeMessage and event.msg_type is HandshakeType.certificate:
                        for sent in _sent(stream, event):
                            held.put(reader.place(event.at), sent)
            _take(found, held.ready(reader.settled_before()))
    except CaptureError as error:
        damage = error
    _take(found, held.ready(None))
    yield from found.values()
    if damage is not None:
        raise damage


def _take(found: dict[bytes, SentCertificate], sent: Iterable[tuple[bytes, CertificateAppearance]]) -> None:
    for der, appearance in sent:
        certificate = found.get(der)
        if certificate is None:
            certificate = found[der] = SentCertificate(der)
        certificate.count += 1
        if certificate.count <= MOST_APPEARANCES:
            certificate.appearances.append(appearance)


def _sent(stream: TLSStream, event: HandshakeMessage) -> Iterator[tuple[bytes, CertificateAppearance]]:
    """The certificates of a message; those of no bytes are none."""
    at = event.at
    assert isinstance(at, Provenance)
    chain = _chain(event)
    for depth, der in enumerate(chain):
        if der:
            appearance = CertificateAppearance(
                at,
                stream.number,
                stream.tcp_stream,
                stream.addresses[event.side],
                stream.addresses[1 - event.side],
                stream.role(event.side),
                event.epoch,
                event.protected,
                depth,
                len(chain),
            )
            yield der, appearance


def _chain(event: HandshakeMessage) -> tuple[bytes, ...]:
    """The certificates of a message, whatever its version's form."""
    message = event.message
    if isinstance(message, Unresolved) and not event.protected:
        # ServerHello was lost, and with it the version; but TLS 1.3 sends no certificate in the clear.
        try:
            message = CertificateSSL3.decode(message.raw)
        except DecodeError:
            return ()
    chain: tuple[bytes, ...] = getattr(message, "certificates", ())
    return chain
