"""Messages of several forms: what a version or the key exchange decides, and no byte of the message tells.

Each form is a declaration of its own, a subclass of the message's class; `FORMS` there is the table that chooses.  So
`isinstance(message, CertificateRequest)` holds for every form, and `CertificateRequest.decode` gives the right one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from tlswire.registry import KeyExchange, ProtocolVersion
from tlswire.wire import Context, Message, Node, Rest, Select, Span, Unresolved
from tlswire.wire.context import NO_CONTEXT
from tlswire.wire.spans import spans

UNDECLARED = Rest()  # a form without declaration: bytes, which `unresolved` wraps
DECLARATION = "declaration"  # what an `Unresolved` of such bytes needs

UP_TO_TLS11 = (ProtocolVersion.SSLv3, ProtocolVersion.TLSv1_0, ProtocolVersion.TLSv1_1)
UP_TO_TLS12 = (*UP_TO_TLS11, ProtocolVersion.TLSv1_2)
# RFC 8446, and its drafts from number 21 on, since when none of these messages has changed.
TLS13 = (
    ProtocolVersion.TLSv1_3,
    ProtocolVersion.TLSv1_3_fb23,
    ProtocolVersion.TLSv1_3_fb26,
    *(ProtocolVersion.of(0x7F00 + draft) for draft in range(21, 29)),
)
# Drafts 19 and 20 have all of them but NewSessionTicket.
TLS13_SINCE_DRAFT_19 = (*TLS13, ProtocolVersion.of(0x7F13), ProtocolVersion.of(0x7F14))

Form = Node[Any] | type[Message]


class Decoder(Protocol):
    """What decodes by the context."""

    def decode(self, raw: bytes, context: Context = NO_CONTEXT) -> Any: ...


class Forms(Message):
    """A message of several forms, its subclasses; `FORMS` chooses by the context."""

    __slots__ = ()

    FORMS: ClassVar[Select]

    @classmethod
    def decode(cls, raw: bytes, context: Context = NO_CONTEXT) -> Any:
        """Decode the whole of `raw`.

        Parameters: `context`, which chooses the form; an `Unresolved` where it does not suffice, or where the form has
        no declaration.  Raises DecodeError, whose path and offset (in bytes from the start of `raw`) tell where
        decoding stopped.
        """
        if hasattr(cls, "SCHEMA"):
            return super().decode(raw, context)
        return resolved(cls.FORMS.decode(raw, context), cls)

    @classmethod
    def spans(cls, raw: bytes, context: Context = NO_CONTEXT) -> tuple[Span, ...]:
        """Return which bytes of `raw` are which field; nothing, where the context does not choose a form."""
        return spans(cls.SCHEMA if hasattr(cls, "SCHEMA") else cls.FORMS, raw, context)


def resolved(found: Any, declaration: Decoder) -> Any:
    """What a table gave; an `Unresolved` that `declaration` can resolve, where it was no message."""
    if isinstance(found, bytes):
        return Unresolved(found, DECLARATION, declaration)
    if isinstance(found, Unresolved):
        return Unresolved(found.raw, found.needs, declaration)
    return found


def by_version(up_to_tls11: Form, tls12: Form, *, tls13: Form | None = None) -> Select:
    """The forms of a message that TLS 1.2 has changed; `tls13`, where TLS 1.3 has it too."""
    forms = {**dict.fromkeys(UP_TO_TLS11, up_to_tls11), ProtocolVersion.TLSv1_2: tls12}
    if tls13 is not None:
        forms |= dict.fromkeys(TLS13_SINCE_DRAFT_19, tls13)
    return Select("version", forms, UNDECLARED)


def by_key_exchange(forms: Mapping[KeyExchange, Form]) -> Select:
    """The forms of a message that the key exchange decides."""
    return Select("key_exchange", forms, UNDECLARED)
