"""What a capture has of TLS that is not read, so that nobody takes its silence for its absence."""

from __future__ import annotations

from collections.abc import Iterator

from tlswire.capture.datagrams import DTLS, QUIC
from tlswire.capture.dissect import IP_FRAGMENT, LINK_TYPE
from tlswire.capture.frames import Provenance
from tlswire.capture.others import Others
from tlswire.escaping import escape
from tlswire.values import Value, frozen

SSLV2 = "sslv2"

# What is counted: one of them, and of what.
_NAMES = {
    QUIC: ("datagram", "of QUIC handshakes"),
    DTLS: ("datagram", "of DTLS"),
    SSLV2: ("connection", "of SSL 2.0"),
    IP_FRAGMENT: ("IP fragment", "without the others of its datagram, or in contradiction to them"),
}


@frozen
class NotRead(Value):
    """Something that was seen and is not read.

    `what`: "quic", "dtls", "sslv2", "ip_fragment" or "link_type_N"; `count`, how many datagrams (of those that QUIC
    begins with, behind which no more can be told from other traffic), connections, fragments or frames; `first`, the
    first one's frame.
    """

    what: str
    count: int
    first: Provenance

    def __str__(self) -> str:
        one, of_what = _NAMES.get(self.what) or ("frame", f"of link type {self.what.removeprefix(LINK_TYPE)}")
        number = f"{self.count} {one}s" if self.count > 1 else f"1 {one}"
        verb = "are" if self.count > 1 else "is"
        return f"{number} {of_what} {verb} not read, the first in frame {self.first.frame} of {escape(self.first.file)}"

    def as_json(self) -> dict[str, object]:
        """The fields of `"kind": "not_read"`."""
        return {
            "kind": "not_read",
            "what": self.what,
            "count": self.count,
            "file": self.first.file,
            "frame": self.first.frame,
            "time": self.first.time,
            "info": str(self),
        }


def not_read(others: Others) -> Iterator[NotRead]:
    """What is worth a word of what was counted; not, say, that a frame was UDP."""
    for reason, count in others.not_read.items():
        if reason in _NAMES or reason.startswith(LINK_TYPE):
            yield NotRead(reason, count, others.first[reason])
