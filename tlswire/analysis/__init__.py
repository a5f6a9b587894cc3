"""What the events of a connection mean: its story, message by message."""

from tlswire.analysis.explain import ConnectionSummary, SegmentRow, explain
from tlswire.analysis.story import Row, Storyteller

__all__ = ["ConnectionSummary", "Row", "SegmentRow", "Storyteller", "explain"]
