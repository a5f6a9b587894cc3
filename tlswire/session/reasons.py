"""Why records stay encrypted: the closed list, in the order in which the first that holds is the reason."""

from __future__ import annotations

import enum
from dataclasses import field

from tlswire.values import Struct, slotted


class Reason(enum.StrEnum):
    """Why an epoch's direction, or one record of it, stays encrypted.  Their order is their precedence."""

    mid_stream = "mid_stream"
    hello_missing = "hello_missing"
    previous_epoch_encrypted = "previous_epoch_encrypted"
    no_secrets = "no_secrets"
    tls13_needs_key_log = "tls13_needs_key_log"
    resumed_session_unknown = "resumed_session_unknown"
    key_exchange_not_rsa = "key_exchange_not_rsa"
    client_random_not_in_keylog = "client_random_not_in_keylog"
    client_key_exchange_missing = "client_key_exchange_missing"
    wrong_key = "wrong_key"
    transcript_incomplete = "transcript_incomplete"
    premaster_invalid = "premaster_invalid"
    cipher_unsupported = "cipher_unsupported"
    gap = "gap"
    mac_failed = "mac_failed"

    @property
    def remedy(self) -> str:
        """One sentence on what the user could do."""
        return _REMEDIES[self]


_REMEDIES = {
    Reason.mid_stream: "Start the capture before the connection is made.",
    Reason.hello_missing: "Capture again without losses: a hello of this handshake was lost.",
    Reason.previous_epoch_encrypted: "Make the handshake before this one readable; this one ran inside it.",
    Reason.no_secrets: (
        "Give the server's private key (--key), or a key log (--keylog): TLS 1.3 and Diffie-Hellman need that."
    ),
    Reason.tls13_needs_key_log: "TLS 1.3 needs the key log of one of the peers (SSLKEYLOGFILE, --keylog).",
    Reason.resumed_session_unknown: "Capture the full handshake that made this session too, or give a key log.",
    Reason.key_exchange_not_rsa: (
        "The server's key cannot decrypt this key exchange: give a key log (SSLKEYLOGFILE, --keylog), "
        "or make the server choose a TLS_RSA_ cipher suite."
    ),
    Reason.client_random_not_in_keylog: (
        "Give the key log that was written while this connection was made, or the server's private key."
    ),
    Reason.client_key_exchange_missing: "Capture again without losses: the ClientKeyExchange was lost.",
    Reason.wrong_key: "Give the private key that belongs to the certificate the server sent.",
    Reason.transcript_incomplete: (
        "Capture again without losses: the extended master secret depends on every byte of the handshake; "
        "or give a key log."
    ),
    Reason.premaster_invalid: "What the client encrypted is no premaster secret: its handshake failed as well.",
    Reason.cipher_unsupported: "The secret is known, but the cryptography library lacks this cipher.",
    Reason.gap: "Capture again without losses: the keys are known, but bytes were lost.",
    Reason.mac_failed: "The keys are known, but the bytes do not verify: they were changed on their way.",
}


@slotted
class Verdict(Struct):
    """What became of the protected records of one direction in one epoch.

    `reason` is None as long as every record was decrypted; `evidence` is the data that shows the reason.
    `records` and `decrypted` count the protected records.
    """

    records: int = 0
    decrypted: int = 0
    reason: Reason | None = None
    evidence: dict[str, object] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """`decrypted`; `undecryptable`; or `clear`, where nothing protected was sent."""
        if self.reason is not None:
            return "undecryptable"
        return "decrypted" if self.records else "clear"

    def __str__(self) -> str:
        return self.reason or self.verdict

    def refuse(self, reason: Reason, evidence: dict[str, object]) -> None:
        """Notes why a record stays encrypted; the first reason stays."""
        if self.reason is None:
            self.reason, self.evidence = reason, evidence
