"""What the session tests read: the streams of the project's captures, and peers that write what no real peer would.

Fixtures, because the tests are no package.  `captures` gives both directions of each connection of
`tests/captures`, as the TCP assembler hands them on, and what they hold when nothing is missing (that this is what
the endpoints wrote is shown in `tests/replay`).  `peers` makes two peers whose hellos, extensions, Finished messages
and mistakes a test can choose; that their keys and MACs are right is shown in `tests/crypto`, against OpenSSL.
`openssl_pair` is a client and a server of OpenSSL itself, in memory.
"""

from __future__ import annotations

import contextlib
import json
import random
import ssl
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import TCPAssembler, load_server_keys, open_capture
from tlswire.capture.tcp import TCPConnection
from tlswire.crypto import (
    CallbackKey,
    KeyLogEntry,
    RecordProtection,
    Secrets,
    extended_master_secret,
    handshake_hash,
    key_block,
    master_secret,
    parse_key_log,
    record_protection,
    verify_data,
)
from tlswire.registry import CipherSuite, ProtocolVersion, parameters
from tlswire.session import Connection, Event, Limits

CAPTURES = Path(__file__).parents[1] / "captures"


@dataclass(frozen=True)
class Stream:
    """One connection of a capture: its segments in order of arrival."""

    capture: str
    number: int
    segments: tuple[tuple[int, bytes], ...] = field(repr=False)

    def side(self, side: int) -> bytes:
        return b"".join(data for sender, data in self.segments if sender == side)


class _Segments:
    def __init__(self) -> None:
        self.found: dict[int, list[tuple[int, bytes]]] = {}

    def opened(self, connection: TCPConnection, at: object) -> None:
        self.found[connection.number] = []

    def data(self, connection: TCPConnection, side: int, data: bytes, at: object) -> None:
        self.found[connection.number].append((side, data))

    def gap(self, connection: TCPConnection, side: int, length: int | None, at: object) -> None:
        raise AssertionError("the captures lost nothing")

    def end(self, connection: TCPConnection, side: int, at: object) -> None: ...

    def closed(self, connection: TCPConnection, at: object) -> None: ...

    def limit_reached(self, limit: str, value: int, connection: TCPConnection, dropped: int, at: object) -> None:
        raise AssertionError(f"{limit} was reached")


class Captures:
    """The captures of `tests/captures`."""

    @staticmethod
    @cache
    def truth(name: str) -> dict[str, Any]:
        truth: dict[str, Any] = json.loads((CAPTURES / name / "capture.json").read_text(encoding="utf-8"))
        return truth

    @staticmethod
    def names(most_bytes: int) -> list[str]:
        """The captures whose files are at most so long, and that can be decrypted."""
        found = sorted(path.parent.name for path in CAPTURES.glob("*/capture.json"))
        assert found
        return [
            name
            for name in found
            if Captures.file(name).stat().st_size <= most_bytes and not Captures.truth(name).get("undecryptable")
        ]

    @staticmethod
    def file(name: str) -> Path:
        path: Path = CAPTURES / name / Captures.truth(name)["file"]
        return path

    @staticmethod
    @cache
    def streams(name: str) -> tuple[Stream, ...]:
        segments = _Segments()
        assembler = TCPAssembler(segments)
        with open_capture(Captures.file(name)) as capture:
            assembler.receive_all(capture.raw_frames())
        assembler.finish()
        numbers = [one["tcp_stream"] for one in Captures.truth(name)["streams"]]
        return tuple(Stream(name, number, tuple(segments.found[number])) for number in numbers)

    @staticmethod
    @cache
    def _given(name: str) -> tuple[list[Any], list[KeyLogEntry]]:
        truth = Captures.truth(name)
        entries: list[KeyLogEntry] = []
        if truth["keylog"] is not None:
            lines = (CAPTURES / name / truth["keylog"]).read_bytes().splitlines()
            entries = [entry for entry in parse_key_log(lines) if isinstance(entry, KeyLogEntry)]
        return load_server_keys(CAPTURES / name / truth["key"]), entries

    @staticmethod
    def secrets(name: str) -> Secrets:
        """The key and the key log of a capture, with no session remembered."""
        return Secrets(*Captures._given(name))

    @staticmethod
    @cache
    def unrelated() -> Any:
        """The key of another server."""
        (key,) = load_server_keys(CAPTURES / "keys" / "unrelated.pem")
        return key


Input = bytes | int | None | str  # data; a hole of that length; a hole of unknown length; "end"


def feed(connection: Connection, steps: Iterable[tuple[int, Input]], *, greedy: bool = True) -> list[Event]:
    """What a connection tells of the steps; `greedy`: asked after each of them, and not only at the end."""
    told: list[Event] = []
    for side, step in steps:
        if isinstance(step, bytes):
            connection.receive_data(side, step)
        elif isinstance(step, str):
            connection.receive_end(side)
        else:
            connection.receive_gap(side, step)
        if greedy:
            told += connection.events()
    told += connection.events()
    return told


CLIENT, SERVER = 0, 1
RECORD_TYPES = {"change_cipher_spec": 20, "alert": 21, "application_data": 23, "heartbeat": 24}
MESSAGE_TYPES = {
    "hello_request": 0, "client_hello": 1, "server_hello": 2, "new_session_ticket": 4, "certificate": 11,
    "server_key_exchange": 12, "server_hello_done": 14, "certificate_verify": 15, "client_key_exchange": 16,
    "finished": 20,
}  # fmt: skip
AUTOMATIC = b"automatic"


def extension(number: int, body: bytes) -> bytes:
    return number.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


@dataclass
class Sent:
    """A record that one of the peers sent."""

    side: int
    name: str
    epoch: int
    data: bytes


class Peers:
    """A client (side 0) and a server (side 1), who write down what they send.

    Parameters: `suite`, `version`; `edit`, called with each handshake message's name, epoch and bytes before it is
    sent and after it was hashed, gives the bytes that are sent: so a message is tampered with.
    """

    def __init__(
        self,
        suite: CipherSuite = CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA,
        version: ProtocolVersion = ProtocolVersion.TLSv1_2,
        edit: Callable[[str, int, bytes], bytes] | None = None,
    ) -> None:
        self.suite, self.version = suite, version
        self.edit = edit if edit is not None else lambda name, epoch, raw: raw
        self.random = random.Random(5)
        self.sent: list[Sent] = []
        self.epoch = -1
        self.keys_epoch = [0, 0]
        self.protection: list[RecordProtection | None] = [None, None]
        self.deflate: list[Any] = [None, None]
        self.verify: list[bytes] = [b"", b""]
        self.transcript = b""
        self.premasters: dict[bytes, bytes] = {}
        self.sessions: dict[bytes, bytes] = {}
        self.master_secrets: list[bytes] = []
        self.client_randoms: list[bytes] = []

    @property
    def key(self) -> CallbackKey:
        """The server's key."""
        return CallbackKey(lambda encrypted: self.premasters[encrypted])

    # Records

    def record(self, side: int, content_type: int, fragment: bytes, name: str, epoch: int | None = None) -> None:
        protection = self.protection[side]
        if protection is not None:
            if self.deflate[side] is not None:
                fragment = self.deflate[side].compress(fragment) + self.deflate[side].flush(zlib.Z_SYNC_FLUSH)
            fragment = protection.protect(content_type, self.version, fragment)
        head = bytes([content_type]) + self.version.to_bytes(2, "big") + len(fragment).to_bytes(2, "big")
        self.sent.append(Sent(side, name, self.keys_epoch[side] if epoch is None else epoch, head + fragment))

    def plain(self, side: int, data: bytes) -> None:
        """Bytes as they are."""
        self.sent.append(Sent(side, "plain", self.keys_epoch[side], data))

    def data(self, side: int, data: bytes) -> None:
        self.record(side, RECORD_TYPES["application_data"], data, "application_data")

    def alert(self, side: int, level: int, description: int) -> None:
        self.record(side, RECORD_TYPES["alert"], bytes([level, description]), "alert")

    def message(self, side: int, name: str, body: bytes) -> None:
        raw = bytes([MESSAGE_TYPES[name]]) + len(body).to_bytes(3, "big") + body
        if name != "hello_request":
            self.transcript += raw
        self.record(side, 22, self.edit(name, self.epoch, raw), name, self.epoch)

    def hello_request(self) -> None:
        self.message(SERVER, "hello_request", b"")

    # Handshakes

    def client_hello(
        self,
        *,
        session_id: bytes = b"",
        info: bytes | None = AUTOMATIC,
        scsv: bool = False,
        extended: bool = False,
        ticket: bytes | None = None,
    ) -> None:
        self.epoch += 1
        self.transcript = b""
        self.client_randoms.append(self.random.randbytes(32))
        info = self.verify[CLIENT] if info == AUTOMATIC else info
        extensions = b"" if info is None else extension(0xFF01, bytes([len(info)]) + info)
        extensions += extension(23, b"") if extended else b""
        extensions += b"" if ticket is None else extension(35, ticket)
        suites = self.suite.to_bytes(2, "big") + (b"\x00\xff" if scsv else b"")
        body = self.version.to_bytes(2, "big") + self.client_randoms[-1] + bytes([len(session_id)]) + session_id
        body += len(suites).to_bytes(2, "big") + suites + b"\x02\x01\x00"
        self.message(CLIENT, "client_hello", body + len(extensions).to_bytes(2, "big") + extensions)

    def server_hello(
        self,
        *,
        session_id: bytes = b"",
        info: bytes | None = AUTOMATIC,
        extended: bool = False,
        compression: int = 0,
        version: int | None = None,
    ) -> None:
        self.server_random = self.random.randbytes(32)
        info = self.verify[CLIENT] + self.verify[SERVER] if info == AUTOMATIC else info
        extensions = b"" if info is None else extension(0xFF01, bytes([len(info)]) + info)
        extensions += extension(23, b"") if extended else b""
        body = (version or self.version).to_bytes(2, "big") + self.server_random
        body += bytes([len(session_id)]) + session_id + self.suite.to_bytes(2, "big") + bytes([compression])
        self.message(SERVER, "server_hello", body + len(extensions).to_bytes(2, "big") + extensions)
        self.compression, self.extended = compression, extended

    def exchange(self, premaster: bytes | None = None) -> None:
        """ClientKeyExchange; `premaster`: what the client encrypts, instead of a premaster secret as it should be."""
        encrypted = self.random.randbytes(64)
        if premaster is None:
            premaster = self.version.to_bytes(2, "big") + self.random.randbytes(46)
        self.premasters[encrypted] = premaster
        length = b"" if self.version == ProtocolVersion.SSLv3 else len(encrypted).to_bytes(2, "big")
        self.message(CLIENT, "client_key_exchange", length + encrypted)
        found = parameters(self.suite)
        assert found is not None
        if self.extended:
            session_hash = handshake_hash(self.version, found, self.transcript)
            secret = extended_master_secret(self.version, found, premaster, session_hash)
        else:
            secret = master_secret(self.version, found, premaster, self.client_randoms[-1], self.server_random)
        self.master_secrets.append(secret)

    def change(self, side: int, *, tell: bool = True) -> None:
        if tell:
            self.record(side, RECORD_TYPES["change_cipher_spec"], b"\x01", "change_cipher_spec", self.epoch)
        found = parameters(self.suite)
        assert found is not None
        secret = self.master_secrets[-1]
        block = key_block(self.version, found, secret, self.client_randoms[-1], self.server_random)
        keys = (
            (block.client_write_MAC_key, block.client_write_key, block.client_write_IV),
            (block.server_write_MAC_key, block.server_write_key, block.server_write_IV),
        )[side]
        self.protection[side] = record_protection(self.version, found, *keys)
        self.deflate[side] = zlib.compressobj() if self.compression else None
        self.keys_epoch[side] = self.epoch

    def finished(self, side: int) -> None:
        found = parameters(self.suite)
        assert found is not None
        sender = "client" if side == CLIENT else "server"
        self.verify[side] = verify_data(self.version, found, self.master_secrets[-1], sender, self.transcript)
        self.message(side, "finished", self.verify[side])

    def finish(self, first: int = CLIENT, ticket: bytes | None = None) -> None:
        for side in (first, 1 - first):
            if side == SERVER and ticket is not None:
                body = bytes(4) + len(ticket).to_bytes(2, "big") + ticket
                self.message(SERVER, "new_session_ticket", body)
            self.change(side)
            self.finished(side)

    def full(
        self,
        *,
        session_id: bytes = b"",
        client_info: bytes | None = AUTOMATIC,
        server_info: bytes | None = AUTOMATIC,
        scsv: bool = False,
        extended: bool = False,
        compression: int = 0,
        premaster: bytes | None = None,
        ticket: bytes | None = None,
    ) -> None:
        """A whole handshake."""
        self.client_hello(info=client_info, scsv=scsv, extended=extended, ticket=None if ticket is None else b"")
        self.server_hello(session_id=session_id, info=server_info, extended=extended, compression=compression)
        self.message(SERVER, "server_hello_done", b"")
        self.exchange(premaster)
        self.sessions[ticket or session_id] = self.master_secrets[-1]
        self.finish(ticket=ticket)

    def abbreviated(self, session: bytes, *, by_ticket: bool = False) -> None:
        """A handshake that resumes a session, by its ID or its ticket."""
        if by_ticket:
            self.client_hello(ticket=session)
            self.server_hello()
        else:
            self.client_hello(session_id=session)
            self.server_hello(session_id=session)
        self.master_secrets.append(self.sessions[session])
        self.finish(SERVER)

    # What a reader gets

    def steps(self, *lost: tuple[str, int] | tuple[str, int, int], known: bool = True) -> list[tuple[int, Input]]:
        """What was sent, with holes for what `lost` names: name and epoch, and the side where both have it."""
        steps: list[tuple[int, Input]] = []
        for one in self.sent:
            gone = (one.name, one.epoch) in lost or (one.name, one.epoch, one.side) in lost
            steps.append((one.side, (len(one.data) if known else None) if gone else one.data))
        return [*steps, (CLIENT, "end"), (SERVER, "end")]

    def read(
        self,
        *lost: tuple[str, int] | tuple[str, int, int],
        secrets: Secrets | None = None,
        known: bool = True,
        limits: Limits | None = None,
        keep_messages: bool = True,
    ) -> tuple[Connection, list[Event]]:
        """A connection that has read what was sent, with the server's key unless other secrets are given."""
        secrets = secrets if secrets is not None else Secrets([self.key])
        connection = Connection(secrets, limits=limits, keep_messages=keep_messages)
        return connection, feed(connection, self.steps(*lost, known=known))


class OpenSSLPair:
    """A client (side 0) and a server (side 1) of OpenSSL, and what goes between them: (side, bytes) in order."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext) -> None:
        self._bios = [[ssl.MemoryBIO(), ssl.MemoryBIO()] for _ in range(2)]
        self.peers = [
            client.wrap_bio(*self._bios[0], server_hostname="server.test"),
            server.wrap_bio(*self._bios[1], server_side=True),
        ]
        self.wire: list[tuple[int, bytes]] = []
        for _ in range(6):
            for side in (CLIENT, SERVER):
                with contextlib.suppress(ssl.SSLWantReadError):
                    self.peers[side].do_handshake()
                self.carry(side)

    def carry(self, side: int) -> None:
        """To the other peer, what this one has written."""
        data = self._bios[side][1].read()
        if data:
            self.wire.append((side, data))
            self._bios[1 - side][0].write(data)

    def write(self, side: int, data: bytes) -> None:
        """Data of the application, which the other peer has to read."""
        self.peers[side].write(data)
        self.carry(side)
        read = b""
        while len(read) < len(data):
            read += self.peers[1 - side].read()
        assert read == data


@pytest.fixture(scope="session")
def openssl_pair() -> type[OpenSSLPair]:
    return OpenSSLPair


@pytest.fixture(scope="session")
def captures() -> type[Captures]:
    return Captures


@pytest.fixture(scope="session")
def peers() -> type[Peers]:
    return Peers


@pytest.fixture(scope="session", name="feed")
def feed_fixture() -> Callable[..., list[Event]]:
    return feed


@pytest.fixture(scope="session", params=Captures.names(6_500))
def small(request: pytest.FixtureRequest) -> str:
    """The name of a small capture."""
    name: str = request.param
    return name
