"""What a message does not say itself, and what is said about it.

`Context` is what the session knows and a message's bytes do not tell. `Unresolved` stands for a structure
that needs more of it than was given, and `Violation` for a value that the grammar forbids but an observer
keeps.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from tlswire.values import Value, frozen

if TYPE_CHECKING:
    from tlswire.registry import HandshakeType, KeyExchange, ProtocolVersion


@frozen
class Context(Value):
    """What decoding depends on besides the bytes; None is "not known".

    Parameters: `version`, the negotiated protocol version; `handshake_type`, the message in which an
    extension stands; `key_exchange`, the negotiated suite's (RFC 5246 §7.4.3). `SCHEMA.parse` takes the
    same three as keywords.
    """

    version: ProtocolVersion | None = None
    handshake_type: HandshakeType | None = None
    key_exchange: KeyExchange | None = None


NO_CONTEXT = Context()
CONTEXT_KEYS = ("version", "handshake_type", "key_exchange")


class _Decodes(Protocol):
    def decode(self, raw: bytes, context: Context = ...) -> Any: ...


@frozen
class Unresolved(Value):
    """Bytes whose structure depends on context that was not given.

    Parameters: `raw`, the bytes, to the end of the structure around them; `needs`, the name of the `Context`
    attribute that decides; `declaration`, what they will be decoded with.
    """

    raw: bytes
    needs: str
    declaration: _Decodes = field(repr=False, compare=False)

    def resolve(self, context: Context) -> Any:
        """Decode the bytes with more context; gives an `Unresolved` again if `context` does not suffice.

        Raises DecodeError, with offsets from the start of `raw`.
        """
        return self.declaration.decode(self.raw, context)

    def encode(self) -> bytes:
        """Return the bytes as they were."""
        return self.raw

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Nothing, as nothing is known."""
        return ()


@frozen
class Violation(Value):
    """A value that a specification forbids and that was accepted and kept all the same.

    Parameters: `path`, the dotted field path from the message ("extensions[2].named_group_list"); `rule`, the
    rule's name; `expected` and `actual`, what there should be and what there is. Rules are "floor" and
    "ceiling" (lengths in bytes), "unknown" (a code without name, unless RFC 8701 reserves it), "malformed"
    (an extension's body), or a message's own.
    """

    path: str
    rule: str
    expected: object = None
    actual: object = None

    def under(self, prefix: str) -> Violation:
        """Return the same violation, seen from the structure that has this one at the path `prefix`."""
        return Violation(join_path(prefix, self.path), self.rule, self.expected, self.actual)


def join_path(prefix: str, path: str) -> str:
    """Join two dotted paths: "names" and "[1]" to "names[1]", "names[1]" and "raw" to "names[1].raw"."""
    return f"{prefix}{path}" if not prefix or not path or path.startswith("[") else f"{prefix}.{path}"
