"""A whole capture in memory, for notebooks: `tlswire.open` reads it to its end and keeps what was said."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from tlswire.capture.files import CaptureSource
from tlswire.capture.keys import load_key_log, load_server_keys
from tlswire.capture.limits import CaptureLimits
from tlswire.capture.not_read import NotRead
from tlswire.capture.reader import CaptureReader, TLSStream
from tlswire.crypto import PremasterSource, Secrets
from tlswire.errors import CaptureError, SecretsError
from tlswire.escaping import escape
from tlswire.registry import CipherSuite, ProtocolVersion
from tlswire.session import ApplicationData, Event, Handshake, Role

KeySource = str | os.PathLike[str] | PremasterSource


class TracedConnection:
    """A TLS connection of a `Trace`: what the stream and its handshakes say, and all its events.

    `stream` is the TCP side of it; `events` are all that was told, in order.
    """

    __slots__ = ("events", "stream")

    def __init__(self, stream: TLSStream) -> None:
        self.stream = stream
        self.events: list[Event] = []

    @property
    def handshakes(self) -> list[Handshake]:
        """The handshakes, by epoch: 0 is the initial one, n the n-th renegotiation."""
        return self.stream.handshakes

    @property
    def client(self) -> str:
        """The client's address and port."""
        return self.stream.client

    @property
    def server(self) -> str:
        """The server's address and port."""
        return self.stream.server

    @property
    def version(self) -> ProtocolVersion | None:
        """The negotiated version."""
        return self.stream.version

    @property
    def cipher_suite(self) -> CipherSuite | None:
        """The cipher suite of the last handshake that negotiated one."""
        suites = [one.cipher_suite for one in self.handshakes if one.cipher_suite is not None]
        return suites[-1] if suites else None

    @property
    def server_name(self) -> str | None:
        """The server name that the client asked for."""
        return self.stream.server_name

    def application_data(self, sender: Role | str) -> bytes:
        """The plaintext that `client` or `server` sent, as far as it could be read."""
        role = Role(sender)
        return b"".join(
            event.data
            for event in self.events
            if isinstance(event, ApplicationData) and self.stream.role(event.side) is role
        )

    @property
    def outcome(self) -> str:
        """`decrypted`, or the reason of what stayed encrypted first; `clear` where nothing was protected."""
        verdicts = [verdict for handshake in self.handshakes for verdict in handshake.verdicts]
        reasons = [verdict.reason for verdict in verdicts if verdict.reason is not None]
        if reasons:
            return reasons[0].value
        return "decrypted" if any(verdict.records for verdict in verdicts) else "clear"

    def __repr__(self) -> str:
        cells = _cells(self)
        return f"<Connection {' '.join(cells)}>"


class Trace:
    """A capture that was read to its end.

    `connections` are its TLS connections, in the order of their first records; `error` says where reading had to stop,
    or is None; `not_read`, what else was seen.  In a notebook it shows itself as a table.
    """

    def __init__(self, reader: CaptureReader) -> None:
        self.connections: list[TracedConnection] = []
        self.error: CaptureError | None = None
        self.secrets = reader.secrets
        known: dict[TLSStream, TracedConnection] = {}
        try:
            for stream, event in reader:
                if event is None:
                    continue
                connection = known.get(stream)
                if connection is None:
                    connection = known[stream] = TracedConnection(stream)
                    self.connections.append(connection)
                connection.events.append(event)
        except CaptureError as error:
            if not reader.frames:
                raise
            self.error = error
        self.not_read: list[NotRead] = reader.not_read

    def __iter__(self) -> Iterator[TracedConnection]:
        return iter(self.connections)

    def __len__(self) -> int:
        return len(self.connections)

    def __repr__(self) -> str:
        head = ("No.", "Client", "Server", "Version", "Cipher suite", "Hs.", "Server name", "Outcome")
        rows = [head, *map(_cells, self.connections)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        if not self.connections:
            lines = ["no TLS connections"]
        lines += [f"note: {one}" for one in self.not_read]
        if self.error is not None:
            lines.append(f"not read to its end: {self.error}")
        return "\n".join(lines)


def _cells(connection: TracedConnection) -> tuple[str, ...]:
    suite = connection.cipher_suite
    return (
        str(connection.stream.number),
        connection.client,
        connection.server,
        str(connection.version or "?"),
        suite.name if suite is not None else "?",
        str(len(connection.handshakes)),
        escape(connection.server_name or "", 40),
        connection.outcome,
    )


def open_trace(
    *captures: CaptureSource,
    keys: Iterable[KeySource] = (),
    password: str | bytes | None = None,
    keylog: str | os.PathLike[str] | None = None,
    secrets: Secrets | None = None,
    limits: CaptureLimits | None = None,
) -> Trace:
    """Reads captures as one, to their end, and keeps every message and all plaintext.

    Parameters: `captures`, paths, "-" for standard input, or binary file objects; `keys`, the servers' private keys:
    files in PEM, DER or PKCS #12, or objects such as `RSAKey` and `CallbackKey`; `password`, for keys that are
    encrypted; `keylog`, an NSS key log; `secrets`, to add all that to; `limits` of TCP reassembly.

    Raises CaptureError when nothing can be read, SecretsError when a key or key log cannot be used.
    """
    secrets = secrets if secrets is not None else Secrets()
    encoded = password.encode() if isinstance(password, str) else password
    for key in keys:
        if isinstance(key, str | os.PathLike):
            for loaded in load_server_keys(key, encoded):
                secrets.add_server_key(loaded)
        elif callable(getattr(key, "decrypt", None)):
            secrets.add_server_key(key)
        else:
            raise SecretsError(f"{type(key).__name__} is no key: expected a file's name, RSAKey or CallbackKey")
    if keylog is not None:
        secrets.add_key_log(load_key_log(keylog).entries)
    return Trace(CaptureReader(captures, secrets=secrets, limits=limits, keep_messages=True))
