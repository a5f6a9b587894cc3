"""What carries TLS over TCP in packets of its own: the part that all such protocols have in common.

A wrapping sees a connection from its first bytes, by which it knows its own. Where they are not, it hands all on as it
is, and the caller takes it out of the way.
"""

from __future__ import annotations

from tlswire.capture.recognise import Receiver


class Wrapping:
    """Takes TLS out of the packets of another protocol and hands it on to `target`.

    `decided` tells that the beginning of the connection was seen; `found`, that it is of the protocol.  Until then, and
    where it is not, all is handed on as it is.
    """

    __slots__ = ("decided", "found", "target")

    def __init__(self, target: Receiver) -> None:
        self.target = target
        self.decided = False
        self.found = False

    def receive_data(self, side: int, data: bytes, at: object = None) -> None:
        """The next bytes that a side sent."""
        if not self.decided:
            self.decided = True
            self.found = self._begins(data)
        if self.found:
            self._unwrap(side, data, at)
        else:
            self.target.receive_data(side, data, at)

    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None:
        """The next `length` bytes (None: unknown) are missing."""
        self.decided = True
        if self.found:
            self._miss(side, length, at)
        else:
            self.target.receive_gap(side, length, at)

    def receive_end(self, side: int, at: object = None) -> None:
        """The side sends no more."""
        self.target.receive_end(side, at)

    def _begins(self, data: bytes) -> bool:
        """Whether a connection that begins with these bytes is of the protocol."""
        raise NotImplementedError

    def _unwrap(self, side: int, data: bytes, at: object) -> None:
        """Hands on the TLS in what a side sent next."""
        raise NotImplementedError

    def _miss(self, side: int, length: int | None, at: object) -> None:
        """Bytes are missing."""
        raise NotImplementedError
