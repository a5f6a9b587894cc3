"""The story of a whole capture: the rows of all its connections, in the order of the frames.

A connection tells a message when it is understood, which may be later than when it was sent: where the bytes of the
two directions lie in another order than they were said.  So rows are held until nothing earlier can come.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from tlswire.analysis.story import Row, Storyteller
from tlswire.capture import CaptureReader, Provenance, TLSStream
from tlswire.errors import CaptureError
from tlswire.session import Handshake, Verdict

_MOST_HELD = 20_000  # rows; a connection that waits for long shall not hold up all others' story


@dataclass(slots=True)
class ConnectionSummary:
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
            "server_name": stream.server_name,
            "epochs": [_epoch(handshake) for handshake in stream.handshakes],
        }


def explain(reader: CaptureReader) -> Iterator[Row | ConnectionSummary]:
    """The rows of all connections in the order of their frames, and a summary at each connection's end.

    Raises what iterating over `reader` raises, after the rows before that.
    """
    tellers: dict[TLSStream, Storyteller] = {}
    held: list[tuple[tuple[int, int], int, Row | ConnectionSummary]] = []
    count = 0
    last = (0, 0)
    damage: CaptureError | None = None
    try:
        for batch in reader.batches():
            for stream, event in batch:
                if event is None:
                    tellers.pop(stream, None)
                    heapq.heappush(held, (last, count, ConnectionSummary(stream)))
                    count += 1
                    continue
                teller = tellers.get(stream)
                if teller is None:
                    teller = tellers[stream] = Storyteller(stream)
                for row in teller.rows(event):
                    place = reader.place(row.at)
                    last = max(last, place)
                    heapq.heappush(held, (place, count, row))
                    count += 1
            settled = reader.settled_before()
            while held and (settled is None or held[0][0] < settled or len(held) > _MOST_HELD):
                yield heapq.heappop(held)[2]
    except CaptureError as error:
        damage = error
    while held:
        yield heapq.heappop(held)[2]
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
