"""What a client of TLS 1.3 is asked for when the handshake is over: a certificate (RFC 8446 §4.4, §4.6.2).

    server    CertificateRequest
    client    Certificate, CertificateVerify, Finished

Each such exchange has a transcript of its own, which continues that of the handshake: it is kept as a running hash.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tlswire.registry import CipherSuiteParameters, HandshakeType

if TYPE_CHECKING:
    from _hashlib import HASH

_MOST_REQUESTS = 64  # of those that the client has not answered
_CONTEXT = 4  # where in a message, behind its header, certificate_request_context begins: with a byte of length


class AfterHandshake:
    """The requests of the server, by `certificate_request_context`, and the answer that the client has begun."""

    __slots__ = ("_answer", "_handshake", "_requests", "parameters")

    def __init__(self) -> None:
        self.parameters: CipherSuiteParameters | None = None
        self._handshake: HASH | None = None  # of the handshake's messages, where they were all read
        self._requests: dict[bytes, HASH | None] = {}
        self._answer: HASH | None = None

    def begin(self, parameters: CipherSuiteParameters, transcript: list[bytes]) -> None:
        """Takes the messages of the handshake, which is complete."""
        self.parameters = parameters
        self._handshake = hashlib.new(parameters.prf_hash, b"".join(transcript))

    def has_asked(self, certificate: bytes | bytearray) -> bool:
        """Whether the request has been read that a client's Certificate message answers."""
        return _context(certificate) in self._requests

    def take_request(self, raw: bytes) -> None:
        """Takes a CertificateRequest, with its header."""
        if len(self._requests) == _MOST_REQUESTS:
            del self._requests[next(iter(self._requests))]
        self._requests[_context(raw)] = _continued(self._handshake, raw)

    def take_answer(self, msg_type: HandshakeType, raw: bytes) -> None:
        """Takes a message of the client's answer, with its header."""
        if msg_type is HandshakeType.certificate:
            self._answer = self._requests.pop(_context(raw), None)
        self._answer = None if msg_type is HandshakeType.finished else _continued(self._answer, raw)

    def lose(self) -> None:
        """Takes that a part of the answer was lost."""
        self._answer = None

    def transcript_hash(self) -> bytes | None:
        """What the Finished of the answer covers; None where a part of it was not read."""
        return None if self._answer is None else self._answer.digest()


def _context(raw: bytes | bytearray) -> bytes:
    start = _CONTEXT + 1
    return bytes(raw[start : start + raw[_CONTEXT]]) if len(raw) > _CONTEXT else b""


def _continued(before: HASH | None, raw: bytes) -> HASH | None:
    if before is None:
        return None
    after = before.copy()
    after.update(raw)
    return after
