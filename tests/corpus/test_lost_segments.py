"""Public captures that their keys decrypt, with segments missing: nothing raised, nothing invented, little lost.

Some segments of each, the same in every run.  What must come out of any one that is missing is worked out for the
project's own captures (`tests/replay/test_lost_segments.py`); here are the other ciphers, versions and stacks.
"""

from __future__ import annotations

import io
import json
import random
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import CaptureReader, Frame, TCPSegment, TLSStream, open_capture
from tlswire.crypto import Secrets
from tlswire.session import (
    AlertMessage,
    ApplicationData,
    Event,
    HandshakeMessage,
    Reason,
    Record,
)

CORPUS = Path(__file__).parents[3] / "shared" / "captures"
MANIFEST = CORPUS / "manifest.json"
SAMPLE = 10  # losses a capture

pytestmark = pytest.mark.corpus

if not MANIFEST.exists():
    pytest.skip("the shared corpus of public captures is not beside the checkout", allow_module_level=True)

ENTRIES = [entry for entry in json.loads(MANIFEST.read_text(encoding="utf-8")) if entry["decrypted"]]

Place = tuple[int, str]  # a TCP connection, and which endpoint sends


def pcap(frames: list[Frame]) -> io.BytesIO:
    out = [struct.pack("<LHHlLLL", 0xA1B2C3D4, 2, 4, 0, 0, 262144, frames[0].link_type)]
    for frame in frames:
        time = divmod(frame.ticks * 1_000_000 // frame.ticks_per_second, 1_000_000)
        out += [struct.pack("<LLLL", *time, len(frame.data), frame.original_length), frame.data]
    return io.BytesIO(b"".join(out))


@dataclass
class Told:
    """What a reader told: the events of each direction, the streams, and the segments with data by their frames."""

    events: dict[Place, list[Event]] = field(default_factory=dict)
    streams: dict[int, TLSStream] = field(default_factory=dict)
    segments: dict[int, TCPSegment] = field(default_factory=dict)

    def words(self, place: Place) -> list[tuple[str, bytes]]:
        found = []
        for event in self.events.get(place, ()):
            if isinstance(event, ApplicationData):
                found.append(("application_data", event.data))
            elif isinstance(event, HandshakeMessage):
                found.append((event.msg_type.name, event.raw))
            elif isinstance(event, AlertMessage):
                found.append(("alert", event.alert.encode()))
        return found

    def reasons(self, number: int) -> set[Reason | None]:
        return {verdict.reason for one in self.streams[number].handshakes for verdict in one.verdicts}

    def data_in(self, place: Place, ranges: list[tuple[int, int]]) -> int:
        """How many records with application data are touched by ranges of the TCP stream."""
        number, endpoint = place
        stream, count = self.streams[number], 0
        prelude = stream.prelude[stream.addresses.index(endpoint)]
        for event in self.events[place]:
            if isinstance(event, Record):
                start = event.offset + prelude
                end = start + event.header_length + len(event.fragment)
            elif isinstance(event, ApplicationData):
                count += any(start < stop + 2 and begin < end + 2 for begin, stop in ranges)
        return count


def read(frames: list[Frame], secrets: Secrets) -> Told:
    told = Told()
    reader = CaptureReader([pcap(frames)], secrets=secrets, segments=True)
    for batch in reader.batches():
        if reader.segment is not None and reader.segment.length:
            told.segments[reader.segment.at.frame - 1] = reader.segment
        for stream, events in batch:
            told.streams[stream.tcp_stream] = stream
            for event in events or ():
                told.events.setdefault((stream.tcp_stream, stream.addresses[event.side]), []).append(event)
    return told


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["file"] for entry in ENTRIES])
def test_nothing_is_invented_and_little_is_lost(entry: dict[str, Any], corpus_secrets: Any) -> None:
    with open_capture(CORPUS / entry["file"]) as capture:
        frames = list(capture.frames())
    frames = [frame for frame in frames if frame.link_type == frames[0].link_type]
    whole = read(frames, corpus_secrets(entry))
    chance = random.Random(entry["file"])
    for count in [1] * (SAMPLE - 2) + [2] * 2:
        gone = set(chance.sample(sorted(whole.segments), min(count, len(whole.segments))))
        told = read([one for number, one in enumerate(frames) if number not in gone], corpus_secrets(entry))
        for place in told.events:
            rest = iter(whole.words(place))
            assert all(one in rest for one in told.words(place)), f"without {gone}: what nobody sent, or out of order"
            reasons = told.reasons(place[0])
            assert Reason.mac_failed not in reasons - whole.reasons(place[0]), f"without {gone}: nothing was changed"
            if not reasons <= {None, Reason.gap}:
                continue  # a message was lost on which keys depend
            lost = [
                (one.relative_seq, one.relative_seq + one.length)
                for one in map(whole.segments.__getitem__, gone)
                if (one.tcp_stream, one.source) == place
            ]
            sizes = [sum(name == "application_data" for name, _ in one.words(place)) for one in (whole, told)]
            # Up to TLS 1.0 the record behind a hole too, whose IV was in it.
            assert sizes[0] - sizes[1] <= whole.data_in(place, lost) + len(lost), f"without {gone}"
