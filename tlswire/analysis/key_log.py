"""What a key log says of connections that were read: lines for each handshake that a record has proved."""

from __future__ import annotations

from collections.abc import Iterable

from tlswire.crypto import KeyLogEntry
from tlswire.session import FinishedCheck, Handshake


def key_log_entries(handshakes: Iterable[Handshake]) -> list[KeyLogEntry]:
    """Entries with which any tool can decrypt what was decrypted here, renegotiated and resumed handshakes included.

    Parameters: `handshakes`, of any number of connections.  What was not decrypted, or has a Finished that contradicts,
    has none.  In TLS 1.3 a handshake has an entry for each of its secrets under which a record has verified.
    """
    entries = []
    for handshake in handshakes:
        random = handshake.client_random
        if random is not None and handshake.finished is not FinishedCheck.mismatch:
            if handshake.master_secret is not None:
                entries.append(KeyLogEntry("CLIENT_RANDOM", random, handshake.master_secret))
            entries += [KeyLogEntry(label, random, secret) for label, secret in handshake.traffic_secrets.items()]
    return entries
