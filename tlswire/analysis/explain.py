"""The story of a whole capture: the rows of all its connections, in the order of the frames."""

from __future__ import annotations

from collections.abc import Iterator

from tlswire.analysis.order import FrameOrder
from tlswire.analysis.story import Row, Storyteller
from tlswire.capture import CaptureReader, Provenance, TCPSegment, TLSStream
from tlswire.errors import CaptureError
from tlswire.escaping import escape
from tlswire.session import Handshake, Verdict
from tlswire.values import Struct, slotted

# RFC 9293 §3.1 and RFC 3168 §6.1, in the order in which Wireshark writes them.
_FLAGS = (
    (0x02, "SYN"),
    (0x01, "FIN"),
    (0x04, "RST"),
    (0x08, "PSH"),
    (0x10, "ACK"),
    (0x20, "URG"),
    (0x40, "ECE"),
    (0x80, "CWR"),
)

_MOST_HELD = 20_000  # rows; a connection that waits for long shall not hold up all others' story


@slotted
class ConnectionSummary(Struct):
    """What a connection came to, told at its end."""

    stream: TLSStream

    def as_json(self) -> dict[str, object]:
        """The summary as the JSON object that `explain --json` prints."""
        stream = self.stream
        return {
            "kind": "connection",
            "stream": stream.number,
            "tcp_stream": stream.tcp_stream,
            "client": stream.client,
            "server": stream.server,
            "protocol": str(stream.version) if stream.version is not None else None,
            "server_name": escape(stream.server_name) if stream.server_name is not None else None,
            "epochs": [_epoch(handshake) for handshake in stream.handshakes],
        }


@slotted
class SegmentRow(Struct):
    """A TCP segment with which no message became readable."""

    segment: TCPSegment

    @property
    def info(self) -> str:
        """Flags, relative numbers and length, as an analyst knows them."""
        segment = self.segment
        names = ", ".join(name for bit, name in _FLAGS if segment.flags & bit)
        ack = f" Ack={segment.relative_ack}" if segment.relative_ack is not None else ""
        return f"[{names}] Seq={segment.relative_seq}{ack} Len={segment.length}"

    def as_json(self) -> dict[str, object]:
        """The row as the JSON object that `explain --tcp --json` prints."""
        segment = self.segment
        return {
            "kind": "tcp",
            "file": segment.at.file,
            "frame": segment.at.frame,
            "time": segment.at.time,
            "tcp_stream": segment.tcp_stream,
            "src": segment.source,
            "dst": segment.destination,
            "protocol": "TCP",
            "flags": [name for bit, name in _FLAGS if segment.flags & bit],
            "seq": segment.relative_seq,
            "ack": segment.relative_ack,
            "length": segment.length,
            "info": self.info,
        }


Told = Row | SegmentRow | ConnectionSummary


def explain(reader: CaptureReader) -> Iterator[Told]:
    """The rows of all connections in the order of their frames, and a summary at each connection's end.

    With a reader that was told to give `segments`, the TCP segments too with which no message became readable.
    Raises what iterating over `reader` raises, after the rows before that.
    """
    tellers: dict[TLSStream, Storyteller] = {}
    held: FrameOrder[Told] = FrameOrder(_MOST_HELD)
    last = (0, 0)
    damage: CaptureError | None = None
    try:
        for batch in reader.batches():
            segment = reader.segment
            here = None if segment is None else reader.place(segment.at)
            alone = segment is not None
            for stream, events in batch:
                if events is None:
                    tellers.pop(stream, None)
                    held.put(last, ConnectionSummary(stream))
                    continue
                teller = tellers.get(stream)
                if teller is None:
                    teller = tellers[stream] = Storyteller(stream)
                for row in teller.rows(events):
                    place = reader.place(row.at)
                    if place > last:
                        last = place
                    if place == here and segment is not None:
                        alone = False
                        row.ack = segment.relative_ack
                    held.put(place, row)
            if alone and segment is not None and here is not None:
                held.put(here, SegmentRow(segment))
            yield from held.ready(reader.settled_before())
    except CaptureError as error:
        damage = error
    yield from held.ready(None)
    if damage is not None:
        raise damage


def _epoch(handshake: Handshake) -> dict[str, object]:
    return {
        "cipher_suite": handshake.cipher_suite.name if handshake.cipher_suite is not None else None,
        "resumed": handshake.resumed,
        "initiated_by": handshake.initiated_by.value,
        "secure_renegotiation": handshake.secure_renegotiation.value,
        "finished": handshake.finished.value,
        "client": _verdict(handshake.client),
        "server": _verdict(handshake.server),
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    evidence = {key: value for key, value in verdict.evidence.items() if key != "at"}
    at = verdict.evidence.get("at")
    if isinstance(at, Provenance):
        evidence = {"frame": at.frame, "file": at.file} | evidence
    return {
        "verdict": verdict.verdict,
        "reason": verdict.reason.value if verdict.reason is not None else None,
        "evidence": evidence,
    }
