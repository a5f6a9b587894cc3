"""The ratios that are to be held."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """What the time of `other` is to be to ours."""

    other: str
    limit: float


class AtMost(Limit):
    """Ours takes at most `limit` times as long as `other`."""

    __slots__ = ()

    def ratio(self, ours: float, other: float) -> float:
        """What to compare with the limit."""
        return ours / other

    def met(self, ratio: float) -> bool:
        """Whether it holds."""
        return ratio <= self.limit

    def __str__(self) -> str:
        return f"at most {self.limit:g}"


class AtLeast(Limit):
    """Ours is at least `limit` times as fast as `other`."""

    __slots__ = ()

    def ratio(self, ours: float, other: float) -> float:
        """What to compare with the limit."""
        return other / ours

    def met(self, ratio: float) -> bool:
        """Whether it holds."""
        return ratio >= self.limit

    def __str__(self) -> str:
        return f"at least {self.limit:g}"


Wanted = AtMost | AtLeast
