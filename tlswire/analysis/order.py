"""What is told of several connections, put in the order of the frames.

A connection tells a message when it is understood, which may be later than when it was sent: where the bytes of the
two directions lie in another order than they were said.  So it is held until nothing earlier can come, or too much
is held.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")

Place = tuple[int, int]  # the number of a file and of a frame in it, as `CaptureReader.place` gives them


class FrameOrder(Generic[T]):
    """Items by the places of their frames; of one place, in the order in which they came.

    Parameters: `most`, the weight that is held at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._count = 0
        self._held: list[tuple[Place, int, int, T]] = []

    def put(self, place: Place, item: T, weight: int = 1) -> None:
        """Takes an item."""
        self._count = count = self._count + 1
        self._weight += weight
        heappush(self._held, (place, count, weight, item))

    def ready(self, settled: Place | None) -> list[T]:
        """Gives, and lets go of, the items that nothing can precede any more, and those that are too many.

        Parameters: `settled`, the place before which nothing can come (`CaptureReader.settled_before`); None when that
        holds for all places.
        """
        held = self._held
        found: list[T] = []
        while held and (settled is None or held[0][0] < settled or self._weight > self._most):
            _, _, weight, item = heappop(held)
            self._weight -= weight
            found.append(item)
        return found
