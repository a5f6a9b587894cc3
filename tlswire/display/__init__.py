"""What people see: the story as a table, connections as paragraphs, raw bytes as an annotated tree; all plain text."""

from tlswire.display.show import message_kind, show
from tlswire.display.summary import summary_lines
from tlswire.display.text import Line, StoryTable
from tlswire.display.tree import Node, Tree

__all__ = ["Line", "Node", "StoryTable", "Tree", "message_kind", "show", "summary_lines"]
