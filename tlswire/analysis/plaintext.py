"""The application data of each side of a connection, and what of it is missing.

`Plaintext` takes the events of a connection and hands on the bytes of one side as they come; it keeps none.  What could
not be read is noted as `Missing`: where in the plaintext it is missing, how much of the wire it was, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tlswire.capture import Provenance
from tlswire.registry import ContentType
from tlswire.session import (
    ApplicationData,
    DiscardedBytes,
    Event,
    Gap,
    Malformed,
    Undecryptable,
)
from tlswire.values import Struct, slotted


@slotted
class Missing(Struct):
    """A range that the plaintext lacks.

    `offset` is where in the plaintext it is missing, in bytes from its start; `reason` is a `Reason`, `gap` for bytes
    that are not in the capture, `discarded` for what is no record, or `malformed` for data outside of any
    protection; `first_frame` and `last_frame` are those in which it came, or was found missing; `records` is the
    number of whole records; `wire_bytes` how many bytes of the TCP stream, without record headers, where they are
    known.
    """

    offset: int
    reason: str
    file: str
    first_frame: int
    last_frame: int
    records: int
    wire_bytes: int | None

    def as_json(self) -> dict[str, object]:
        """The range as an object of the manifest."""
        return {
            "offset": self.offset,
            "reason": self.reason,
            "file": self.file,
            "first_frame": self.first_frame,
            "last_frame": self.last_frame,
            "records": self.records,
            "wire_bytes": self.wire_bytes,
        }


TELLING = frozenset({ApplicationData, Undecryptable, Malformed, Gap, DiscardedBytes})
"""The kinds of events from which a `Plaintext` learns anything."""


def what_is_lost(event: Event) -> tuple[str, int, int | None] | None:
    """What an event says to be missing of the application data: the `reason`, `records` and `wire_bytes` of `Missing`.

    None where it says nothing of that.
    """
    match event:
        case Undecryptable(content_type=ContentType.application_data, length=length, reason=reason):
            return reason.value, 1, length
        case Malformed(content_type=ContentType.application_data, raw=raw):
            return "malformed", 1, len(raw)
        case Gap(length=length):
            return "gap", 0, length
        case DiscardedBytes(data=data):
            return "discarded", 0, len(data)
    return None


class Plaintext:
    """What one side of a connection said.

    Parameters: `side`, 0 or 1; `write`, called with the application data, in order and never empty: what came
    together in one piece.

    `size` counts the bytes, `missing` lists what is lacking, in order.
    """

    def __init__(self, side: int, write: Callable[[bytes], object]) -> None:
        self._side = side
        self._write = write
        self.size = 0
        self.encrypted = False  # whether a record stayed encrypted, of application data or not
        self.missing: list[Missing] = []

    @property
    def is_unreadable(self) -> bool:
        """True when something was sent, or may have been, and none of it could be read."""
        return not self.size and bool(self.missing)

    def receive(self, events: Iterable[Event]) -> None:
        """Takes events; those of the other side, or not about application data, are passed over."""
        side = self._side
        pieces: list[bytes] = []
        for event in events:
            if event.side != side:
                continue
            if isinstance(event, ApplicationData):
                self.size += len(event.data)
                pieces.append(event.data)
            else:
                self._note(event)
        written = b"".join(pieces)
        if written:
            self._write(written)

    def _note(self, event: Event) -> None:
        """Notes what an event says to be missing."""
        self.encrypted = self.encrypted or isinstance(event, Undecryptable)
        lost = what_is_lost(event)
        if lost is None:
            return
        reason, records, wire_bytes = lost
        at = event.at
        assert isinstance(at, Provenance)
        last = self.missing[-1] if self.missing else None
        if last is None or (last.offset, last.reason, last.file) != (self.size, reason, at.file):
            self.missing.append(Missing(self.size, reason, at.file, at.frame, at.frame, records, wire_bytes))
            return
        last.last_frame = at.frame
        last.records += records
        last.wire_bytes = None if last.wire_bytes is None or wire_bytes is None else last.wire_bytes + wire_bytes
