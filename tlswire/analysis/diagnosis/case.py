"""What a connection shows about client-certificate authentication, collected from its events.

A `Case` draws no conclusions: it notes who said what, in which frame.  The rules look at it when the connection is
over.  Of what a peer can say again and again, it notes the first thousand: so the work of the rules, which look at
each for each other, is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import TypeVar

from tlswire.analysis.diagnosis.signs import Sign, http_sign
from tlswire.analysis.http import ERRORS, Exchange, HTTPReader, HTTPRequest
from tlswire.capture import Provenance, TLSStream
from tlswire.registry import AlertDescription, HandshakeType
from tlswire.schema import Certificate, CertificateRequest, CertificateVerify, ClientHello, Finished, NewSessionTicket
from tlswire.session import (
    AlertMessage,
    ApplicationData,
    ChangeCipherSpecMessage,
    Event,
    Gap,
    Handshake,
    HandshakeMessage,
    Malformed,
    ProtocolViolation,
    Reason,
    Role,
    Undecryptable,
)
from tlswire.values import Struct, slotted

_NO_TRANSCRIPT = (HandshakeType.hello_request, HandshakeType.new_session_ticket, HandshakeType.key_update)
_MOST = 1000  # that are noted of anything that a peer can repeat
_HEADER = 4  # bytes of a handshake message's header

Moment = tuple[float, int]
"""When a frame came, to compare those of both directions, and of several files: its time and its number."""


@slotted
class Told(Struct):
    """Something that a side said: where, and in which handshake."""

    at: Provenance
    epoch: int

    @property
    def moment(self) -> Moment:
        """When it came."""
        return moment(self.at)


@slotted
class Asked(Told):
    """A CertificateRequest; `length` is that of the message, in bytes, without its header."""

    message: CertificateRequest
    length: int
    after_handshake: bool = False  # TLS 1.3, when the handshake was over


@slotted
class Answered(Told):
    """The client's Certificate; `chain` is empty where it has none, `by_alert` where SSL 3.0 says so by an alert."""

    chain: tuple[bytes, ...]
    by_alert: bool = False


@slotted
class Warned(Told):
    """An alert; `epoch` is the one whose keys protect it."""

    by: Role
    description: AlertDescription
    fatal: bool


@slotted
class Closed(Told):
    """A direction of an epoch that stayed encrypted, where that began."""

    by: Role
    reason: Reason


@slotted
class Proved(Told):
    """A CertificateVerify, and the messages before it as the transcript has them; None where they were not kept."""

    message: CertificateVerify
    transcript: list[bytes] | None = field(repr=False)


T = TypeVar("T")


class Noted(list[T]):
    """A list that takes so many and no more."""

    def append(self, item: T) -> None:
        """Takes one more, if there is room."""
        if len(self) < _MOST:
            super().append(item)


class Case:
    """One connection."""

    def __init__(self, stream: TLSStream) -> None:
        self.stream = stream
        self.requests: Noted[Asked] = Noted()
        self.answers: Noted[Answered] = Noted()
        self.verifies: Noted[Proved] = Noted()
        self.hello_requests: Noted[Told] = Noted()
        self.client_hellos: Noted[Told] = Noted()
        self.finished: dict[tuple[int, Role], Told] = {}
        self.changes: dict[tuple[int, Role], Told] = {}
        self.tickets: Noted[Told] = Noted()
        self.alerts: Noted[Warned] = Noted()
        self.closed: dict[tuple[int, Role], Closed] = {}
        self.broken_requests: Noted[tuple[Told, Malformed]] = Noted()
        self.violations: Noted[tuple[Told, ProtocolViolation]] = Noted()
        self.data: dict[Role, list[Told]] = {Role.client: [], Role.server: []}  # the first and the last of each epoch
        self.holes: Noted[Told] = Noted()
        self.first: Provenance | None = None
        self.last: Provenance | None = None
        self.errors: list[tuple[Exchange, Sign | None]] = []
        self.epochs_with_sign: set[int] = set()
        self._http: HTTPReader | None = None

    @property
    def handshakes(self) -> list[Handshake]:
        """The handshakes, by epoch."""
        return self.stream.handshakes

    @property
    def exchanges(self) -> list[Exchange]:
        """The HTTP requests that were answered."""
        return self._http.exchanges if self._http is not None else []

    @property
    def http_requests(self) -> Sequence[HTTPRequest]:
        """The HTTP requests, answered or not."""
        return self._http.requests if self._http is not None else ()

    def receive(self, events: Iterable[Event]) -> None:
        """Takes events, in the order in which they are told."""
        for event in events:
            at = event.at
            if isinstance(at, Provenance):
                self.first = at if self.first is None else self.first
                if self.last is None or moment(at) > moment(self.last):
                    self.last = at
                self._take(event, at)

    def end(self) -> None:
        """Takes that the connection is over."""
        if self._http is not None:
            self._http.end()
        self.errors = [(one, http_sign(one)) for one in self.exchanges if one.status >= ERRORS]
        self.epochs_with_sign = {one.epoch for one, sign in self.errors if sign is not None}

    def _take(self, event: Event, at: Provenance) -> None:
        role = self.stream.role(event.side)
        match event:
            case HandshakeMessage():
                self._take_message(event, at, role)
            case ApplicationData(epoch=epoch):
                seen = self.data[role]
                if len(seen) > 1 and (seen[-2].epoch == epoch or len(seen) >= _MOST):
                    seen[-1] = Told(at, epoch)
                else:
                    seen.append(Told(at, epoch))
                if self._http is None:
                    client = self.stream.connection.client_side
                    self._http = HTTPReader(client if client is not None else event.side)
                self._http.receive(event)
            case AlertMessage(epoch=epoch, alert=alert):
                self.alerts.append(Warned(at, epoch, role, alert.description, int(alert.level) == 2))
                if alert.description is AlertDescription.no_certificate and role is Role.client:
                    self.answers.append(Answered(at, self._open_epoch(), (), by_alert=True))
            case Undecryptable(epoch=epoch, reason=reason):
                self.closed.setdefault((epoch, role), Closed(at, epoch, role, reason))
                if self._http is not None:
                    self._http.end()
            case ChangeCipherSpecMessage(epoch=epoch):
                self.changes.setdefault((epoch, role), Told(at, epoch))
            case Malformed(epoch=epoch, msg_type=HandshakeType.certificate_request):
                self.broken_requests.append((Told(at, epoch), event))
            case ProtocolViolation(epoch=epoch):
                self.violations.append((Told(at, epoch), event))
            case Gap():
                self.holes.append(Told(at, self._open_epoch()))
                if self._http is not None:
                    self._http.end()

    def _take_message(self, event: HandshakeMessage, at: Provenance, role: Role) -> None:
        message, epoch = event.message, event.epoch
        if isinstance(message, CertificateRequest):
            later = (epoch, Role.server) in self.finished
            self.requests.append(Asked(at, epoch, message, len(event.raw) - _HEADER, later))
        elif isinstance(message, Certificate) and role is Role.client:
            self.answers.append(Answered(at, epoch, message.certificates))
        elif isinstance(message, CertificateVerify) and role is Role.client and len(self.verifies) < _MOST:
            before = [told.raw for told in self.handshakes[epoch].messages if told.msg_type not in _NO_TRANSCRIPT]
            kept = before[: before.index(event.raw)] if event.raw in before else None
            self.verifies.append(Proved(at, epoch, message, kept))
        elif isinstance(message, ClientHello):
            self.client_hellos.append(Told(at, epoch))
        elif isinstance(message, Finished):
            self.finished.setdefault((epoch, role), Told(at, epoch))
        elif isinstance(message, NewSessionTicket):
            self.tickets.append(Told(at, epoch))
        elif event.msg_type is HandshakeType.hello_request and self.client_hellos:
            # In the middle of a connection, what is encrypted may look like one: 4 bytes, all of them 0.
            self.hello_requests.append(Told(at, epoch))

    def _open_epoch(self) -> int:
        """The epoch of the handshake that runs, or ran last."""
        return max(0, len(self.handshakes) - 1)

    # What the rules ask

    def answer_to(self, request: Asked) -> Answered | None:
        """The client's answer to a request."""
        return next(
            (one for one in self.answers if one.epoch == request.epoch and (one.moment >= request.moment)), None
        )

    def was_read(self, epoch: int) -> bool:
        """Whether both directions of a handshake were read."""
        return not any(closed.epoch == epoch for closed in self.closed.values())

    def data_after(self, moment: Moment, role: Role, epoch: int = 0) -> Told | None:
        """Application data that `role` sent after that moment, in that epoch or a later one."""
        return next((told for told in self.data[role] if told.moment >= moment and told.epoch >= epoch), None)

    def went_on(self, answer: Answered) -> Moment | None:
        """When the server went on after the client's Certificate, as it does when it has taken it.

        It does by its ChangeCipherSpec, which comes when all that the client sent has been verified (RFC 5246 §7.3),
        in TLS 1.3, where that came before, by a ticket (RFC 8446 §4.6.1); in both by data.
        """
        signs: list[Told | None] = [self.data_after(answer.moment, Role.server, answer.epoch)]
        if self.handshakes[answer.epoch].is_tls13:
            signs += self.tickets
        else:
            signs += [told.get((answer.epoch, Role.server)) for told in (self.changes, self.finished)]
        return min((one.moment for one in signs if one is not None and one.moment >= answer.moment), default=None)


def moment(at: Provenance) -> Moment:
    """When a frame came."""
    return at.ticks / at.ticks_per_second, at.frame
