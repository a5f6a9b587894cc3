"""The ratios that are to be held."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AtMost:
    """Ours takes at most `limit` times as long as `other`."""

    other: str
    limit: float

    def ratio(self, ours: float, other: float) -> float:
        """What to compare with the limit."""
        return ours / other

    def met(self, ratio: float) -> bool:
        """Whether it holds."""
        return ratio <= self.limit

    def __str__(self) -> str:
        return f"at most {self.limit:g}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Ours is at least `limit` times as fast as `other`."""

    other: str
    limit: float

    def ratio(self, ours: float, other: float) -> float:
        """What to compare with the limit."""
        return other / ours

    def met(self, ratio: float) -> bool:
        """Whether it holds."""
        return ratio >= self.limit

    def __str__(self) -> str:
        return f"at least {self.limit:g}"


Wanted = AtMost | AtLeast
