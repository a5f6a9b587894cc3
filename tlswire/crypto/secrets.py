"""All that may open a connection, in one place: keys, key logs, and the sessions that were seen to begin.

One `Secrets` is shared by all connections of a capture, and grows while they are read: a session that a full
handshake made can be resumed by any later connection.  Nothing of it is shown in a `repr`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import field

from tlswire.crypto.keylog import KeyLogEntry
from tlswire.crypto.rsa import PremasterSource
from tlswire.registry import CipherSuite, ProtocolVersion
from tlswire.values import Value, frozen

_MOST_SESSIONS = 50_000  # at about 1 KB for a session and its ticket; Apache's shmcb keeps 512 KB


@frozen
class SessionState(Value):
    """A session that can be resumed (RFC 5246 §7.3)."""

    version: ProtocolVersion
    cipher_suite: CipherSuite
    master_secret: bytes = field(repr=False)
    extended_master_secret: bool = False


class Secrets:
    """Server keys, key logs and sessions.

    Parameters: `server_keys`, the servers' RSA private keys; `key_log`, entries of an NSS key log;
    `most_sessions`, how many sessions are remembered: the one that was used least recently goes first, and
    `forgotten_sessions` counts them.
    """

    def __init__(
        self,
        server_keys: Iterable[PremasterSource] = (),
        key_log: Iterable[KeyLogEntry] = (),
        *,
        most_sessions: int = _MOST_SESSIONS,
    ) -> None:
        self.server_keys: list[PremasterSource] = list(server_keys)
        self.forgotten_sessions = 0
        self._most_sessions = most_sessions
        self._logged: dict[tuple[str, bytes], bytes] = {}
        self._sessions: OrderedDict[tuple[str, bytes], SessionState] = OrderedDict()
        self.add_key_log(key_log)

    def __repr__(self) -> str:
        return (
            f"<Secrets: {len(self.server_keys)} server keys, {len(self._logged)} key log entries, "
            f"{len(self._sessions)} sessions>"
        )

    @property
    def is_empty(self) -> bool:
        """True when nothing was given at all."""
        return not self.server_keys and not self._logged

    def add_server_key(self, key: PremasterSource) -> None:
        """Adds a server's key; it serves the handshakes whose ChangeCipherSpec is read from now on."""
        self.server_keys.append(key)

    def add_key_log(self, entries: Iterable[KeyLogEntry]) -> None:
        """Adds entries of a key log; of two for the same session the later counts."""
        for entry in entries:
            self._logged[entry.label, entry.identifier] = entry.secret

    # What is asked for

    def master_secret(self, client_random: bytes) -> bytes | None:
        """The master secret that a key log has for a client random."""
        return self._logged.get(("CLIENT_RANDOM", client_random))

    def premaster_secret(self, encrypted_pre_master_secret: bytes) -> bytes | None:
        """The premaster secret that a key log has for an encrypted one, known by its first 8 bytes."""
        return self._logged.get(("RSA", encrypted_pre_master_secret[:8]))

    def logged(self, label: str, client_random: bytes) -> bytes | None:
        """The secret that a key log has under any label."""
        return self._logged.get((label, client_random))

    def session_by_id(self, session_id: bytes) -> SessionState | None:
        """The session that a server named by this ID."""
        found = self._session("session_id", session_id)
        if found is not None:
            return found
        secret = self._logged.get(("RSA Session-ID", session_id))
        return None if secret is None else SessionState(ProtocolVersion.TLSv1_2, CipherSuite.of(0), secret)

    def session_by_ticket(self, ticket: bytes) -> SessionState | None:
        """The session that a server put into this ticket."""
        return self._session("ticket", ticket)

    def _session(self, kind: str, name: bytes) -> SessionState | None:
        found = self._sessions.get((kind, name))
        if found is not None:
            self._sessions.move_to_end((kind, name))
        return found

    def remember_session(
        self, state: SessionState, *, session_id: bytes | None = None, ticket: bytes | None = None
    ) -> None:
        """Remembers a session whose master secret was proved, under its ID or its ticket."""
        for kind, name in (("session_id", session_id), ("ticket", ticket)):
            if name:
                self._sessions[kind, name] = state
                self._sessions.move_to_end((kind, name))
        while len(self._sessions) > self._most_sessions:
            self._sessions.popitem(last=False)
            self.forgotten_sessions += 1
