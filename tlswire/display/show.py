"""`show`: raw bytes of TLS, in whatever form a person has them, as an annotated tree."""

from __future__ import annotations

import os

from tlswire import schema
from tlswire.capture.pcap import PCAP_MAGICS
from tlswire.capture.pcapng import SECTION_HEADER
from tlswire.display.raw import body_nodes, form_of, message_nodes, nodes_of
from tlswire.display.spelling import bytes_from_text
from tlswire.display.tree import Tree
from tlswire.errors import CaptureError, DecodeError, DecodeErrorKind
from tlswire.registry import HandshakeType
from tlswire.wire import Context, Message

MESSAGES: dict[str, type[Message]] = {
    name: kind
    for name, kind in vars(schema).items()
    if isinstance(kind, type) and issubclass(kind, Message) and (hasattr(kind, "SCHEMA") or hasattr(kind, "FORMS"))
}
"""The message classes by their names."""

NO_CONTEXT = Context()


def show(
    what: bytes | bytearray | memoryview | str | os.PathLike[str] | Message,
    *,
    as_: str | type[Message] | HandshakeType | None = None,
    context: Context | None = None,
) -> Tree:
    """Annotates raw TLS bytes: which are which field, and where they do not decode.

    Parameters: `what`, the bytes; or text that is a path to a file with them, or hex, or base64; or a message.
    They are records or handshake messages with their header, as their beginning tells.  `as_` says that they are
    the body of a message instead: its class, the class's name, or its type ("client_hello").  `context`, what is
    known of the connection that the bytes do not tell.

    Raises DecodeError when the bytes look like nothing of TLS, CaptureError when the file cannot be read, and TypeError
    for what is none of these.
    What is broken inside is marked in the tree and listed in its `errors`.
    """
    if isinstance(what, Message):
        as_ = type(what) if as_ is None else as_
        raw = what.encode()
    elif isinstance(what, os.PathLike):
        raw = _bytes_in_file(os.fspath(what))
    elif isinstance(what, str):
        raw = _bytes_in_file(what) if _exists(what) else bytes_from_text(what)
    elif isinstance(what, bytes | bytearray | memoryview):
        raw = bytes(what)
    else:
        raise TypeError(f"expected bytes, text, a path or a message, got {type(what).__name__}")
    kind = message_kind(as_) if isinstance(as_, str) else as_
    context = context if context is not None else NO_CONTEXT
    if isinstance(kind, type) and not issubclass(kind, Message):
        raise TypeError(f"{kind.__name__} is no message class")
    if isinstance(kind, HandshakeType):
        return Tree(body_nodes(kind, raw, context))
    if kind is not None:
        return Tree(message_nodes(kind, raw, context))
    return Tree(nodes_of(raw, context))


def message_kind(name: str) -> type[Message] | HandshakeType:
    """What a name means: a message class ("ClientHello") or a type of handshake message ("client_hello").

    Raises LookupError when it means nothing.
    """
    if name in MESSAGES:
        return MESSAGES[name]
    if name in HandshakeType.__members__:
        return HandshakeType[name]
    raise LookupError(f"{name!r} is no message: say ClientHello, client_hello, CertificateRequestTLS12, ...")


def bytes_in(content: bytes) -> bytes:
    """The bytes that a file's content is, or that it writes in hex or base64.

    Raises DecodeError for a capture, which `show` does not read.
    """
    if content[:4] in PCAP_MAGICS or content[:4] == SECTION_HEADER:
        actual = "a capture; tlswire.open and tlswire explain read those"
        raise DecodeError(DecodeErrorKind.malformed, "", 0, "records or a handshake message", actual)
    if form_of(content) is not None:
        return content
    try:
        return bytes_from_text(content.decode("ascii"))
    except (UnicodeDecodeError, DecodeError):
        return content


def _exists(text: str) -> bool:
    try:
        return os.path.exists(text)
    except ValueError:  # a zero byte
        return False


def _bytes_in_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return bytes_in(file.read())
    except OSError as error:
        reason = error.strerror or str(error)
        raise CaptureError(f"cannot be read: {reason[:1].lower()}{reason[1:]}", path) from error
