"""What the events of a connection mean: its story, message by message, and what a key log says of it."""

from tlswire.analysis.explain import ConnectionSummary, SegmentRow, explain
from tlswire.analysis.key_log import key_log_entries
from tlswire.analysis.story import Row, Storyteller

__all__ = ["ConnectionSummary", "Row", "SegmentRow", "Storyteller", "explain", "key_log_entries"]
