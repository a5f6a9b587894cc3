"""The HTTP/1 of a connection, as far as it was decrypted: each response with the request that it answers.

h11 reads it, as two parties of it: a server that hears the requests, and a client that hears the responses.  What one
hears the other says, so that each knows the state that the real peers were in.  What is no HTTP/1, or is broken, ends
the reading; a hole does too, since nobody knows what it cut.
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import field
from typing import TYPE_CHECKING, Any

from tlswire.session import ApplicationData
from tlswire.values import Struct, slotted

if TYPE_CHECKING:
    import h11

_MOST_HEAD = 1 << 17  # bytes: Kerberos tickets in a head take up to 64 KB
_MOST_BODY = 1 << 16  # bytes of a body that are kept: error pages have a few thousand
_MOST_BODIES = 1 << 22  # bytes of all bodies of a connection
_MOST_WAITING = 1 << 20  # bytes of one side that wait for the other
_MOST_KEPT = 10_000  # requests, and responses; errors up to twice as many
ERRORS = 400  # and above: statuses of errors, RFC 9110 §15
_HTTP_2 = b"PRI * HTTP/2.0"


@slotted
class Exchange(Struct):
    """A request and its response.

    `at` and `epoch` are those of the record in which the head of the response ended; `body` is what a response of 400
    and above says, unfolded and cut after 64 KB; `method` and `target` are None where the request was not read.
    """

    method: str | None
    target: bytes | None
    status: int
    reason: bytes
    server: bytes
    at: object
    epoch: int
    body: bytes = b""
    request_at: object = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


@slotted
class HTTPRequest(Struct):
    """A request, answered or not; `at` is the record in which its head ended."""

    method: str
    target: bytes
    at: object


class HTTPReader:
    """Takes the application data of both sides of a connection, in the order of events.

    Raises ImportError where h11 is not installed.
    """

    def __init__(self, client: int) -> None:
        try:
            import h11
        except ImportError as missing:
            raise ImportError("reading HTTP needs h11: pip install tlswire[cli]") from missing
        self._h11 = h11
        self._client = client
        self._requests = h11.Connection(h11.SERVER, _MOST_HEAD)  # it hears the client
        self._responses = h11.Connection(h11.CLIENT, _MOST_HEAD)  # it hears the server
        self._at: list[object] = [None, None]  # where the bytes came from that were heard last
        self._epoch = 0
        self._waiting: tuple[deque[ApplicationData], deque[ApplicationData]] = (deque(), deque())
        self._held = 0
        self._request_at: object = None
        self._request: h11.Request | None = None
        self._now: Exchange | None = None
        self._unfold: Any = None
        self._over = False
        self.is_http = False
        self.requests: deque[HTTPRequest] = deque(maxlen=_MOST_KEPT)
        self.exchanges: list[Exchange] = []
        self._room = _MOST_BODIES

    def receive(self, event: ApplicationData) -> None:
        """Takes a piece of plaintext."""
        if self._over or not event.data:
            return
        if event.side == self._client and not self.is_http and event.data.startswith(_HTTP_2):
            self.end()
            return
        self._waiting[event.side].append(event)
        self._held += len(event.data)
        self._read()
        if self._held > _MOST_WAITING:
            self.end()

    def end(self) -> None:
        """Takes that nothing more can be read: a hole or the end.  A response that it cuts is kept as far as it
        came."""
        if self._over:
            return
        if not self.is_http and self._waiting[1 - self._client]:
            # The requests stayed encrypted: that they are ordinary ones is as good a guess as any.
            self._responses.send(self._h11.Request(method="GET", target="/", headers=[("Host", "unknown")]))
            self._responses.send(self._h11.EndOfMessage())
            self._read()
        self._stop()

    def _stop(self) -> None:
        self._over = True
        self._finish()
        for waiting in self._waiting:
            waiting.clear()

    def _read(self) -> None:
        try:
            while not self._over and (self._hear_client() or self._hear_server()):
                pass
        except self._h11.ProtocolError:
            self._stop()

    def _hear_client(self) -> bool:
        """Goes on with the requests; False when nothing moves."""
        told: Any = self._requests.next_event()
        if told is self._h11.NEED_DATA:
            return self._feed(self._requests, self._client)
        if told is self._h11.PAUSED:
            return self._begin_next()
        if isinstance(told, self._h11.Request):
            self.is_http = True
            self._request = told
            self._request_at = self._at[self._client]
            self.requests.append(HTTPRequest(told.method.decode("ascii"), bytes(told.target), self._request_at))
        if isinstance(told, self._h11.ConnectionClosed):
            return False
        self._responses.send_with_data_passthrough(self._as_sent(told))
        return True

    def _hear_server(self) -> bool:
        """Goes on with the responses; False when nothing moves."""
        if self._responses.our_state is self._h11.IDLE:
            return False
        told: Any = self._responses.next_event()
        if told is self._h11.NEED_DATA:
            return self._feed(self._responses, 1 - self._client)
        if told is self._h11.PAUSED:
            return self._begin_next()
        if isinstance(told, self._h11.Response):
            self._begin(told)
        elif isinstance(told, self._h11.Data):
            self._add(bytes(told.data))
        elif isinstance(told, self._h11.EndOfMessage):
            self._finish()
        elif isinstance(told, self._h11.ConnectionClosed):
            return False
        if self._request is not None:
            self._requests.send_with_data_passthrough(self._as_sent(told))
        return True

    def _as_sent(self, told: Any) -> Any:
        """What the other party says: h11 reads HTTP/1.0, and sends HTTP/1.1 alone."""
        if getattr(told, "http_version", b"1.1") == b"1.1":
            return told
        headers = [(bytes(name), bytes(value)) for name, value in told.headers]
        if not isinstance(told, self._h11.Request):
            return type(told)(status_code=told.status_code, headers=headers, reason=told.reason)
        if not any(name == b"host" for name, _ in headers):
            headers.append((b"host", b"unknown"))
        return self._h11.Request(method=told.method, target=told.target, headers=headers)

    def _feed(self, party: h11.Connection, side: int) -> bool:
        waiting = self._waiting[side]
        if not waiting:
            return False
        event = waiting.popleft()
        self._held -= len(event.data)
        self._at[side], self._epoch = event.at, event.epoch if side != self._client else self._epoch
        party.receive_data(event.data)
        return True

    def _begin_next(self) -> bool:
        done = self._h11.DONE
        parties = (self._requests, self._responses)
        if any(party.our_state is not done or party.their_state is not done for party in parties):
            return False
        for party in parties:
            party.start_next_cycle()
        return True

    def _begin(self, response: h11.Response) -> None:
        headers = [(bytes(name), bytes(value)) for name, value in response.headers]
        named = dict(headers)
        request = self._request
        self._now = Exchange(
            method=request.method.decode("ascii") if request is not None else None,
            target=bytes(request.target) if request is not None else None,
            status=response.status_code,
            reason=bytes(response.reason),
            server=named.get(b"server", b""),
            at=self._at[1 - self._client],
            epoch=self._epoch,
            request_at=self._request_at,
            headers=headers,
        )
        self._unfold = _UNFOLD.get(named.get(b"content-encoding", b"").strip().lower(), lambda: None)()
        if len(self.exchanges) < _MOST_KEPT * (2 if response.status_code >= ERRORS else 1):
            self.exchanges.append(self._now)

    def _add(self, data: bytes) -> None:
        now = self._now
        if now is None or now.status < ERRORS:
            return
        room = min(_MOST_BODY - len(now.body), self._room)
        if room <= 0:
            return
        try:
            piece = (self._unfold.decompress(data, room) if self._unfold is not None else data)[:room]
        except zlib.error:
            self._now = None  # what was unfolded so far stays
            return
        now.body += piece
        self._room -= len(piece)

    def _finish(self) -> None:
        self._now = self._unfold = None


class _Deflate:
    """`deflate`, which shall be zlib's format, and of some servers is not (RFC 9110 §8.4.1.2)."""

    def __init__(self) -> None:
        self._object: Any = None

    def decompress(self, data: bytes, room: int) -> bytes:
        """The next piece, of `room` bytes at most; raises zlib.error."""
        if self._object is None:
            # RFC 1950 §2.2: method 8 in the lower half of the first byte, which no block of RFC 1951 begins with that
            # servers make.
            self._object = zlib.decompressobj(zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS)
        piece: bytes = self._object.decompress(data, room)
        return piece


_UNFOLD: dict[bytes, Any] = {
    b"gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    b"x-gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    b"deflate": _Deflate,
}
