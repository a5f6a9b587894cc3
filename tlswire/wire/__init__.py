"""The schema engine: each wire structure is declared once, as a typed dataclass whose fields carry
constructs.

    @message
    class KeyShareEntry(Message):
        group: NamedGroup = wire(Enumerated(NamedGroup))
        key_exchange: bytes = wire(Opaque(1, 2**16 - 1))

From the declaration come the reference (`SCHEMA`, a `construct.Struct`), the generated decoder and encoder
behind `decode` and `encode`, the spans of the bytes and the violations of the values.
"""

from tlswire.wire.choices import MalformedBody, Select, Tagged, TagTable, UnknownBody
from tlswire.wire.composites import IfMore, Length, ListToEnd, SizedBy, Vector, Window
from tlswire.wire.context import Context, Unresolved, Violation
from tlswire.wire.message import Message, message, wire
from tlswire.wire.nodes import Enumerated, Fixed, Node, Opaque, Rest, UInt, UInt8, UInt16, UInt24, UInt32
from tlswire.wire.spans import Span

__all__ = [
    "Context",
    "Enumerated",
    "Fixed",
    "IfMore",
    "Length",
    "ListToEnd",
    "MalformedBody",
    "Message",
    "Node",
    "Opaque",
    "Rest",
    "Select",
    "SizedBy",
    "Span",
    "TagTable",
    "Tagged",
    "UInt",
    "UInt8",
    "UInt16",
    "UInt24",
    "UInt32",
    "UnknownBody",
    "Unresolved",
    "Vector",
    "Violation",
    "Window",
    "message",
    "wire",
]
