"""What a key log says of connections that were read: a line for each handshake that a record has proved."""

from __future__ import annotations

from collections.abc import Iterable

from tlswire.crypto import KeyLogEntry
from tlswire.session import FinishedCheck, Handshake


def key_log_entries(handshakes: Iterable[Handshake]) -> list[KeyLogEntry]:
    """Entries with which any tool can decrypt what was decrypted here, renegotiated and resumed handshakes included.

    Parameters: `handshakes`, of any number of connections.  What was not decrypted, or has a Finished that contradicts,
    has none.
    """
    return [
        KeyLogEntry("CLIENT_RANDOM", handshake.client_random, handshake.master_secret)
        for handshake in handshakes
        if handshake.client_random is not None
        and handshake.master_secret is not None
        and handshake.finished is not FinishedCheck.mismatch
    ]
