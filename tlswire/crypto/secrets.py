"""All that may open a connection, in one place: keys, key logs, and the sessions that were seen to begin.

One `Secrets` is shared by all connections of a capture, and grows while they are read: a session that a full
handshake made can be resumed by any later connection.  Nothing of it is shown in a `repr`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import field

from tlswire.crypto.key_schedule import MASTER_SECRET_LENGTH
from tlswire.crypto.keylog import KeyLogEntry
from tlswire.crypto.rsa import PremasterSource
from tlswire.errors import SecretsError
from tlswire.registry import CipherSuite, ProtocolVersion
from tlswire.values import Value, frozen

_MOST_SESSIONS = 50_000  # at about 1 KB for a session and its ticket; Apache's shmcb keeps 512 KB
MOST_UNASSIGNED = 256  # secrets of no known session: each costs every handshake that needs one some 0.1 ms
_RANDOM_LENGTH, _ENCRYPTED_LENGTH = 32, 8  # bytes of a client random; of an encrypted premaster secret that tell it


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
        self.unassigned_master_secrets: list[bytes] = []
        self.unassigned_premaster_secrets: list[bytes] = []
        self.add_key_log(key_log)

    def __repr__(self) -> str:
        unassigned = len(self.unassigned_master_secrets) + len(self.unassigned_premaster_secrets)
        return (
            f"<Secrets: {len(self.server_keys)} server keys, {len(self._logged)} key log entries, "
            + f"{unassigned} unassigned secrets, " * bool(unassigned)
            + f"{len(self._sessions)} sessions>"
        )

    @property
    def is_empty(self) -> bool:
        """True when nothing was given at all."""
        return not (
            self.server_keys or self._logged or self.unassigned_master_secrets or self.unassigned_premaster_secrets
        )

    def add_server_key(self, key: PremasterSource) -> None:
        """Adds a server's key; it serves the handshakes whose ChangeCipherSpec is read from now on."""
        self.server_keys.append(key)

    def add_key_log(self, entries: Iterable[KeyLogEntry]) -> None:
        """Adds entries of a key log; of two for the same session the later counts."""
        for entry in entries:
            self._logged[entry.label, entry.identifier] = entry.secret

    def add_master_secret(self, secret: bytes, *, client_random: bytes | None = None) -> None:
        """Adds a master secret up to TLS 1.2 (RFC 5246 §8.1).

        Parameters: `secret`, 48 bytes; `client_random`, the 32 bytes of the handshake that made it.  Without that, it
        is tried with every handshake that nothing else opens, and believed where a record's MAC or tag proves it.

        Raises SecretsError for another length, and for more than 256 secrets of no known handshake.
        """
        _check("master secret", secret, MASTER_SECRET_LENGTH)
        if client_random is not None:
            _check("client random", client_random, _RANDOM_LENGTH)
            self._logged["CLIENT_RANDOM", client_random] = secret
        else:
            self._add_unassigned(self.unassigned_master_secrets, secret)

    def add_premaster_secret(
        self, secret: bytes, *, encrypted: bytes | None = None, client_random: bytes | None = None
    ) -> None:
        """Adds a premaster secret of any key exchange up to TLS 1.2 (RFC 5246 §8.1).

        Parameters: `secret`, with RSA 48 bytes, with Diffie-Hellman as many as its result has; `encrypted`, what an
        RSA ClientKeyExchange holds, or at least its first 8 bytes; `client_random`, the 32 bytes of the handshake's.
        With neither, it is tried with every full handshake that nothing else opens, and believed where a record's MAC
        or tag proves it.

        Raises SecretsError for another length, and for more than 256 secrets of no known handshake.
        """
        _check("premaster secret", secret)
        if client_random is not None:
            _check("client random", client_random, _RANDOM_LENGTH)
        if encrypted is not None:
            if len(encrypted) < _ENCRYPTED_LENGTH:
                raise SecretsError(f"encrypted premaster secret of {len(encrypted)} bytes, expected 8 at least")
            self._logged["RSA", encrypted[:_ENCRYPTED_LENGTH]] = secret
        if client_random is not None:
            self._logged["PMS_CLIENT_RANDOM", client_random] = secret
        if encrypted is None and client_random is None:
            self._add_unassigned(self.unassigned_premaster_secrets, secret)

    def _add_unassigned(self, known: list[bytes], secret: bytes) -> None:
        if secret in known:
            return
        if len(self.unassigned_master_secrets) + len(self.unassigned_premaster_secrets) >= MOST_UNASSIGNED:
            raise SecretsError(
                f"more than {MOST_UNASSIGNED} secrets without a client random or an encrypted premaster secret: "
                "each is tried with every handshake"
            )
        known.append(secret)

    # What is asked for

    def master_secret(self, client_random: bytes) -> bytes | None:
        """The master secret that a key log has for a client random."""
        return self._logged.get(("CLIENT_RANDOM", client_random))

    def premaster_secret(self, encrypted_pre_master_secret: bytes) -> bytes | None:
        """The premaster secret that a key log has for an encrypted one, known by its first 8 bytes."""
        return self._logged.get(("RSA", encrypted_pre_master_secret[:_ENCRYPTED_LENGTH]))

    def premaster_secret_of(self, client_random: bytes) -> bytes | None:
        """The premaster secret, of any key exchange, that was given for a client random."""
        return self._logged.get(("PMS_CLIENT_RANDOM", client_random))

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


def _check(what: str, value: bytes, length: int | None = None) -> None:
    if not value or (length is not None and len(value) != length):
        raise SecretsError(f"{what} of {len(value)} bytes, expected {length if length is not None else 'some'}")
