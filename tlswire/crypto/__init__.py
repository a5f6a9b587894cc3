"""What turns ciphertext into plaintext: PRF, key schedule, record protection, RSA, and the secrets' types.

Pure functions and small objects; no I/O.  All cryptography is `cryptography`'s and hashlib's.
"""

from tlswire.crypto.key_schedule import (
    KeyBlock,
    extended_master_secret,
    handshake_hash,
    key_block,
    master_secret,
    verify_data,
)
from tlswire.crypto.keylog import KeyLogEntry, KeyLogProblem, parse_key_log
from tlswire.crypto.prf import p_hash, prf, ssl3_expand
from tlswire.crypto.protection import RecordProtection, StreamProtection, record_protection
from tlswire.crypto.rsa import (
    CallbackKey,
    PremasterSource,
    PublicNumbers,
    RSAKey,
    certificate_public_numbers,
    key_identifiers,
)
from tlswire.crypto.secrets import Secrets, SessionState
from tlswire.crypto.tls13 import (
    TrafficProtection,
    finished_verify_data,
    hkdf_expand_label,
    message_hash,
    next_traffic_secret,
    traffic_protection,
)

__all__ = [
    "CallbackKey",
    "KeyBlock",
    "KeyLogEntry",
    "KeyLogProblem",
    "PremasterSource",
    "PublicNumbers",
    "RSAKey",
    "RecordProtection",
    "Secrets",
    "SessionState",
    "StreamProtection",
    "TrafficProtection",
    "certificate_public_numbers",
    "extended_master_secret",
    "finished_verify_data",
    "handshake_hash",
    "hkdf_expand_label",
    "key_block",
    "key_identifiers",
    "master_secret",
    "message_hash",
    "next_traffic_secret",
    "p_hash",
    "parse_key_log",
    "prf",
    "record_protection",
    "ssl3_expand",
    "traffic_protection",
    "verify_data",
]
