"""From raw bytes to a tree of fields: records, handshake messages with their header, or one message's body.

What the bytes are is told by how they begin, unless the caller says it.  Records are read as one direction of a
connection, or as both mixed: handshake messages are put together across records, a ServerHello tells how the
messages after it are to be read, and what follows a ChangeCipherSpec is taken as encrypted unless it looks like a
message in the clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum, auto

from tlswire.display.text import escape_name
from tlswire.display.tree import Node, Places, span_nodes, value_text
from tlswire.errors import DecodeError, DecodeErrorKind
from tlswire.registry import ContentType, HandshakeType, KeyExchange, ProtocolVersion, parameters
from tlswire.schema import (
    BODIES,
    Alert,
    Certificate,
    ChangeCipherSpec,
    HeartbeatMessage,
    ServerHello,
    SSLv2ClientHello,
    TLSPlaintext,
    certificate_subject,
    decode_body,
)
from tlswire.wire import Context, Message, Unresolved
from tlswire.wire.composites import as_node
from tlswire.wire.spans import spans

RECORD_HEADER = 5  # bytes, RFC 5246 §6.2.1
HANDSHAKE_HEADER = 4  # bytes, RFC 5246 §7.4
SSLV2_HEADER = 2  # bytes, RFC 5246 App. E.2
LONGEST_MESSAGE = 1 << 17  # bytes; what announces more is taken for no handshake message
# Where nothing tells the version, these are tried.  In SSL 3.0 any bytes are a ClientKeyExchange.
GUESSED_VERSIONS = (ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_1, ProtocolVersion.TLSv1_3)
# Where nothing tells the key exchange, those with certificates or none at all are tried, and if none of them fits, the
# rare ones: the same bytes may be DHE_RSA, signed, and DHE_PSK with a hint.
_RARE = tuple(one for one in KeyExchange if one.is_psk or one.is_srp or one.startswith("KRB5"))
GUESSED_EXCHANGES = (tuple(one for one in KeyExchange if one not in _RARE), _RARE)

_CONTENTS: dict[int, type[Message]] = {
    ContentType.change_cipher_spec: ChangeCipherSpec,
    ContentType.alert: Alert,
    ContentType.heartbeat: HeartbeatMessage,
}


class Form(Enum):
    """What bytes can be."""

    records = auto()
    sslv2_hello = auto()
    handshake = auto()


def form_of(raw: bytes) -> Form | None:
    """What the bytes are by their beginning; None when they look like nothing of TLS."""
    if len(raw) >= 3 and ContentType.change_cipher_spec <= raw[0] <= ContentType.heartbeat and raw[1] == 3:
        return Form.records
    if len(raw) >= 5 and raw[0] & 0x80 and raw[2] == HandshakeType.client_hello and raw[3] in (0, 3):
        return Form.sslv2_hello
    if len(raw) >= HANDSHAKE_HEADER and HandshakeType.of(raw[0]).is_known and _announced(raw) <= LONGEST_MESSAGE:
        return Form.handshake
    return None


def nodes_of(raw: bytes, context: Context) -> list[Node]:
    """The tree of records or of handshake messages.

    Raises DecodeError when the bytes look like neither.
    """
    form = form_of(raw)
    if form is None:
        begin = raw[:8].hex(" ") or "nothing"
        raise DecodeError(DecodeErrorKind.malformed, "", 0, "the header of a record or a handshake message", begin)
    walk = _Walk(raw, context)
    if form is Form.handshake:
        return walk.messages([(0, len(raw))])
    if form is Form.records:
        return list(walk.records(0))
    hello = _sslv2_node(raw)
    return [hello, *walk.records(len(hello.data))]


def message_nodes(kind: type[Message], body: bytes, context: Context) -> list[Node]:
    """The tree of the body of a message of that class."""
    places = Places([(0, len(body))])
    fields = span_nodes(kind.spans(body, context), body, places)
    return [Node(kind.__name__, places.locate(0, len(body)), body, _size(body), fields)]


def body_nodes(msg_type: HandshakeType, body: bytes, context: Context) -> list[Node]:
    """The tree of the body of a handshake message of that type."""
    places = Places([(0, len(body))])
    value, fields = _body(msg_type, body, places, context)
    return [Node(_name(msg_type), places.locate(0, len(body)), body, value, fields)]


def _sslv2_node(raw: bytes) -> Node:
    """The record of an SSLv2-compatible hello, with which the bytes begin."""
    end = min(len(raw), SSLV2_HEADER + ((raw[0] & 0x7F) << 8 | raw[1]))
    places = Places([(SSLV2_HEADER, end)])
    body = raw[SSLV2_HEADER:end]
    length = Node("length", ((0, SSLV2_HEADER),), raw[:SSLV2_HEADER], str(len(body)))
    fields = [length, *span_nodes(SSLv2ClientHello.spans(body), body, places)]
    return Node("SSLv2ClientHello", ((0, end),), raw[:end], _size(raw[:end]), fields)


class _Walk:
    """Goes through records or messages, and learns from a ServerHello what the messages after it depend on."""

    def __init__(self, raw: bytes, context: Context) -> None:
        self._raw = raw
        self._context = context
        self._record_version: ProtocolVersion | None = None
        self._changed = False  # a ChangeCipherSpec was seen
        self._begun: list[tuple[int, int]] = []  # the pieces of a message that is not whole yet

    def records(self, position: int) -> Iterator[Node]:
        """The nodes of the records from `position` on; of a message in several records, behind the last of them."""
        while position < len(self._raw):
            yield from self._record(position)
            position = self._end_of_record(position)
        if self._begun:
            yield from self.messages(self._begun)

    def messages(self, pieces: list[tuple[int, int]]) -> list[Node]:
        """The nodes of the handshake messages in these pieces; the last one may be cut short."""
        found: list[Node] = []
        data, position = self._joined(pieces), 0
        while position < len(data):
            end = min(len(data), position + HANDSHAKE_HEADER + _announced(data[position:]))
            places = Places(Places(pieces).locate(position, end))
            found.append(self._handshake(data[position:end], places))
            position = end
        return found

    def _end_of_record(self, start: int) -> int:
        header = self._raw[start : start + RECORD_HEADER]
        return min(len(self._raw), start + RECORD_HEADER + int.from_bytes(header[3:]))

    def _record(self, start: int) -> Iterator[Node]:
        end = self._end_of_record(start)
        raw = self._raw[start:end]
        places = ((start, end),)
        if form_of(raw) is not Form.records:
            error = DecodeError(DecodeErrorKind.malformed, "record", start, "a record header", raw[:3].hex(" "))
            yield Node("", ((start, len(self._raw)),), self._raw[start:], "no record", [], error)
            return
        fields = span_nodes(TLSPlaintext.spans(raw), raw, Places([(start, end)]))
        yield Node("record", places, raw, ContentType.of(raw[0]).name, fields)
        if not any(below.error for field in fields for below in field.walk()):
            length, *data = fields[-1].children  # without data, if the record is empty
            behind: list[Node] = []
            contents = self._contents(raw, data[0], behind) if data else []
            fields[-1].children = [length, *contents]
            yield from behind
        elif raw[0] == ContentType.handshake and end - start > RECORD_HEADER and not self._changed:
            # The record is cut short: what there is of its messages can be shown all the same.
            pieces, self._begun = [*self._begun, (start + RECORD_HEADER, end)], []
            yield from self.messages(pieces)

    def _contents(self, record: bytes, data: Node, behind: list[Node]) -> list[Node]:
        """What stands in place of the bytes of a fragment; whole messages of several records go to `behind`."""
        content_type, fragment = ContentType.of(record[0]), data.data
        if content_type is ContentType.handshake and (self._begun or self._is_clear(fragment)):
            return self._take_fragment(record, data, behind)
        kind = _CONTENTS.get(content_type)
        if kind is None or (len(fragment) > 2 and (self._changed or kind is Alert)):
            data.value = f"{_size(fragment)}, encrypted"
            return [data]
        self._changed = self._changed or kind is ChangeCipherSpec
        inner = span_nodes(kind.spans(fragment), fragment, Places(list(data.pieces)))
        return [Node(kind.__name__, data.pieces, fragment, "", inner)]

    def _is_clear(self, fragment: bytes) -> bool:
        """Whether a handshake fragment that begins a message is not protected, as far as can be told."""
        if form_of(fragment) is not Form.handshake:
            return len(fragment) < HANDSHAKE_HEADER and not self._changed
        return not self._changed or len(fragment) - HANDSHAKE_HEADER == _announced(fragment)

    def _take_fragment(self, record: bytes, data: Node, behind: list[Node]) -> list[Node]:
        """Puts a fragment to what was begun before it; what is whole then is no longer begun."""
        self._record_version = ProtocolVersion.of(int.from_bytes(record[1:3]))
        pieces = [*self._begun, *data.pieces]
        joined = self._joined(pieces)
        whole = _end_of_last_whole_message(joined)
        self._begun = list(Places(pieces).locate(whole, len(joined))) if whole < len(joined) else []
        if len(pieces) == 1 and not self._begun:
            return self.messages(pieces)
        if whole:
            behind.extend(self.messages(list(Places(pieces).locate(0, whole))))
        data.value = f"{_size(data.data)} of messages that do not end with this record, or begin before it"
        return [data]

    def _handshake(self, raw: bytes, places: Places) -> Node:
        """One message with its header, which may be cut short."""
        msg_type = HandshakeType.of(raw[0])
        header = [Node("msg_type", places.locate(0, 1), raw[:1], _name(msg_type))]
        node = Node("handshake", places.locate(0, len(raw)), raw, _name(msg_type), header)
        if len(raw) < HANDSHAKE_HEADER:
            node.error = DecodeError(
                DecodeErrorKind.truncated, "length", places.offset(1), HANDSHAKE_HEADER - 1, len(raw) - 1
            )
            return node
        body = raw[HANDSHAKE_HEADER:]
        header.append(Node("length", places.locate(1, HANDSHAKE_HEADER), raw[1:HANDSHAKE_HEADER], str(_announced(raw))))
        body_places = Places(list(places.locate(HANDSHAKE_HEADER, len(raw))))
        node.value, fields = _body(msg_type, body, body_places, self._context_now())
        node.children.extend(fields)
        if len(body) < _announced(raw) and not any(below.error for below in node.walk()):
            offset = places.offset(len(raw))
            node.error = DecodeError(DecodeErrorKind.truncated, "body", offset, _announced(raw), len(body))
        self._learn(msg_type, body)
        return node

    def _context_now(self) -> Context:
        if self._context.version is None and self._record_version is not None:
            return replace(self._context, version=self._record_version)
        return self._context

    def _learn(self, msg_type: HandshakeType, body: bytes) -> None:
        if msg_type is not HandshakeType.server_hello:
            return
        try:
            hello = ServerHello.decode(body)
        except DecodeError:
            return
        suite = parameters(hello.cipher_suite)
        self._context = Context(hello.negotiated_version, None, suite.key_exchange if suite is not None else None)

    def _joined(self, pieces: Iterable[tuple[int, int]]) -> bytes:
        return b"".join(self._raw[start:end] for start, end in pieces)


def _body(msg_type: HandshakeType, body: bytes, places: Places, context: Context) -> tuple[str, list[Node]]:
    """What a message is, in words, and the fields of its body."""
    context, value = _fitting(msg_type, body, context)
    title = f"{_name(msg_type)}, {_size(body)}"
    schema = BODIES.get(msg_type)
    fields: list[Node] = []
    if schema is not None and not isinstance(value, Unresolved):
        found = spans(as_node(schema), body, replace(context, handshake_type=msg_type))
        fields = span_nodes(found, body, places)
        kind = type(value).__name__
        if value is not None and kind.lower() != msg_type.name.replace("_", ""):
            title += f", {kind}"
    if not fields and body:
        fields = [Node("body", places.locate(0, len(body)), body, value_text(value) or _size(body))]
    if isinstance(value, Certificate):
        _add_subjects(fields)
    return title, fields


def _fitting(msg_type: HandshakeType, body: bytes, context: Context) -> tuple[Context, Message | Unresolved | None]:
    """The context with what it lacks, if only one structure fits the bytes; and what they decode to, or None."""
    try:
        value = decode_body(msg_type, body, context)
    except DecodeError:
        return context, None
    if not isinstance(value, Unresolved):
        return context, value
    exchanges = GUESSED_EXCHANGES if context.key_exchange is None else ((context.key_exchange,),)
    for tried in exchanges:
        fitting = _all_fitting(msg_type, body, context, tried)
        if fitting:
            return fitting.popitem()[1] if len(fitting) == 1 else (context, value)
    return context, value


def _all_fitting(
    msg_type: HandshakeType, body: bytes, context: Context, exchanges: Iterable[KeyExchange]
) -> dict[type, tuple[Context, Message]]:
    """What the bytes decode to with one of these key exchanges, each class once with a context that chooses it."""
    fitting: dict[type, tuple[Context, Message]] = {}
    for version in (context.version,) if context.version is not None else GUESSED_VERSIONS:
        for exchange in exchanges:
            guess = Context(version, None, exchange)
            try:
                found = decode_body(msg_type, body, guess)
            except DecodeError:
                continue
            if not isinstance(found, Unresolved):
                fitting.setdefault(type(found), (guess, found))
    return fitting


def _add_subjects(fields: list[Node]) -> None:
    """Says of each certificate whose it is."""
    for field in fields:
        for item in field.children[1:]:
            certificate = item.children[-1]
            subject = certificate_subject(certificate.data)
            if subject is not None:
                item.value += f", {escape_name(subject)}"


def _end_of_last_whole_message(data: bytes) -> int:
    position = 0
    while len(data) - position >= HANDSHAKE_HEADER:
        end = position + HANDSHAKE_HEADER + _announced(data[position : position + HANDSHAKE_HEADER])
        if end > len(data):
            break
        position = end
    return position


def _announced(message: bytes) -> int:
    """The length of the body that a handshake header announces."""
    return int.from_bytes(message[1:HANDSHAKE_HEADER])


def _name(msg_type: HandshakeType) -> str:
    return msg_type.name if msg_type.is_known else f"unknown_{int(msg_type)}"


def _size(data: bytes) -> str:
    return f"{len(data)} byte{'s' * (len(data) != 1)}"
