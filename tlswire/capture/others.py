"""The frames in which there is no whole TCP segment: fragments are put together, all else is counted by its reason.

So that what is not read does not go unnoticed, the first frame of each reason is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tlswire.capture.dissect import IP_FRAGMENT, MAX_DEPTH, TOO_DEEP, Fragment, Segment, raw_ip
from tlswire.capture.fragments import Fragments
from tlswire.capture.frames import Provenance, RawFrame
from tlswire.capture.limits import CaptureLimits


class Others:
    """Takes what the dissector gives besides segments.

    Parameters: `limits`; `limit_reached(limit, value, dropped, at)`, called when a datagram is given up for a limit.

    `not_read` counts the frames by reason, `first` has the first frame of each; `whole` is the segment that the last
    fragment completed, if it did.
    """

    def __init__(self, limits: CaptureLimits, limit_reached: Callable[[str, int, int, Provenance], None]) -> None:
        self._fragments = Fragments(limits, self._give_up)
        self._limit_reached = limit_reached
        self.not_read: Counter[str] = Counter()
        self.first: dict[str, Provenance] = {}
        self.whole: Segment | None = None

    @property
    def waiting(self) -> int:
        """The memory that fragments hold, in bytes."""
        return self._fragments.waiting

    def receive(self, found: Fragment | str, frame: RawFrame) -> Segment | None:
        """Takes what was found in a frame; gives the segment that is whole with it."""
        if isinstance(found, str):
            if found not in self.first:
                self.first[found] = _provenance(frame)
            self.not_read[found] += 1
            return None
        self.whole = None
        seconds = frame[1] // frame[2].ticks_per_second
        # What was in pieces may be a tunnel, with pieces in it.
        for _ in range(MAX_DEPTH):
            packet = self._fragments.receive(found, seconds, _provenance(frame))
            if packet is None:
                return None
            data, length = packet
            whole = raw_ip(data, 0, len(data), length)
            if isinstance(whole, str):
                return self.receive(whole, frame)
            if isinstance(whole, tuple):
                self.whole = whole
                return whole
            found = whole
        return self.receive(TOO_DEEP, frame)

    def count(self, reason: str, times: int, at: Provenance) -> None:
        """Counts what was found elsewhere."""
        self.first.setdefault(reason, at)
        self.not_read[reason] += times

    def finish(self) -> None:
        """The captures have been read."""
        self._fragments.finish()

    def _give_up(self, limit: str | None, value: int, frames: int, dropped: int, at: Provenance) -> None:
        self.count(IP_FRAGMENT, frames, at)
        if limit is not None:
            self._limit_reached(limit, value, dropped, at)


def _provenance(frame: RawFrame) -> Provenance:
    number, ticks, interface = frame[:3]
    return Provenance(number, ticks, interface.ticks_per_second, interface.file)
