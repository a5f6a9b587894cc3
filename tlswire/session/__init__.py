"""TLS connections as an observer sees them: streams of bytes in, events out; no I/O."""

from tlswire.session.connection import Connection
from tlswire.session.events import (
    AlertMessage,
    ApplicationData,
    ChangeCipherSpecMessage,
    DiscardedBytes,
    EndOfStream,
    Event,
    Gap,
    HandshakeMessage,
    Heartbeat,
    LimitReached,
    Malformed,
    ProtocolViolation,
    Record,
    Undecryptable,
)
from tlswire.session.handshake import Binding, FinishedCheck, Handshake, Role
from tlswire.session.limits import Limits
from tlswire.session.reasons import Reason, Verdict
from tlswire.session.records import read_records

__all__ = [
    "AlertMessage",
    "ApplicationData",
    "Binding",
    "ChangeCipherSpecMessage",
    "Connection",
    "DiscardedBytes",
    "EndOfStream",
    "Event",
    "FinishedCheck",
    "Gap",
    "Handshake",
    "HandshakeMessage",
    "Heartbeat",
    "LimitReached",
    "Limits",
    "Malformed",
    "ProtocolViolation",
    "Reason",
    "Record",
    "Role",
    "Undecryptable",
    "Verdict",
    "read_records",
]
