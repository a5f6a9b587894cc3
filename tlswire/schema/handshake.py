"""Handshake messages by their type, and the frame around them (RFC 5246 §7.4).

`BODIES` is the table: for each type a message class, or a select by what else decides its structure: the version or
the key exchange.  It is open: a type that is added to it is decoded from then on.  What a context does not decide is
`Unresolved`, with its bytes; a type that is not in the table is an `UnknownHandshake`.
"""

from __future__ import annotations

from tlswire.errors import DecodeError, DecodeErrorKind, EncodeError
from tlswire.registry import HandshakeType, KeyUpdateRequest, ProtocolVersion
from tlswire.schema.certificate_url import CertificateURL
from tlswire.schema.certificates import (
    Certificate,
    CertificateRequest,
    CertificateStatus,
    CertificateVerify,
    CompressedCertificate,
)
from tlswire.schema.extensions import EXTENSIONS, NEW_SESSION_TICKET, Extended, Extension
from tlswire.schema.forms import TLS13, UNDECLARED, UP_TO_TLS12, Form, Forms, resolved
from tlswire.schema.hello import ClientHello, EncryptedExtensions, HelloRequest, ServerHello, ServerHelloTLS13Draft
from tlswire.schema.key_exchange import ClientKeyExchange, ServerKeyExchange
from tlswire.schema.supplemental import SupplementalData
from tlswire.values import Value, frozen
from tlswire.wire import (
    Context,
    Enumerated,
    Message,
    Opaque,
    Rest,
    Select,
    Tagged,
    UInt32,
    Unresolved,
    Vector,
    message,
    wire,
)
from tlswire.wire.context import NO_CONTEXT

HEADER_LENGTH = 4  # bytes: msg_type, and 24 bits of length


@message
class ServerHelloDone(Message):
    """The end of the server's first flight (RFC 5246 §7.4.5)."""


@message
class Finished(Message):
    """What proves keys and transcript (RFC 5246 §7.4.9, RFC 8446 §4.4.4).

    `verify_data` has 12 bytes, in SSL 3.0 36, in TLS 1.3 as many as the suite's hash.
    """

    verify_data: bytes = wire(Rest(12))


class NewSessionTicket(Forms):
    """A ticket with which the session can be resumed; its forms are the subclasses (RFC 5077 §3.3, RFC 8446 §4.6.1)."""

    __slots__ = ()

    ticket: bytes


@message
class NewSessionTicketTLS10(NewSessionTicket):
    """Up to TLS 1.2 (RFC 5077 §3.3).

    `ticket_lifetime_hint` in seconds; 0 says nothing of it.
    """

    ticket_lifetime_hint: int = wire(UInt32)
    ticket: bytes = wire(Opaque(0, 2**16 - 1))


@message
class NewSessionTicketTLS13(Extended, NewSessionTicket):
    """In TLS 1.3 (RFC 8446 §4.6.1).

    `ticket_lifetime` in seconds; `ticket_age_add` in milliseconds, what the client adds to the ticket's age.
    """

    ticket_lifetime: int = wire(UInt32)
    ticket_age_add: int = wire(UInt32)
    ticket_nonce: bytes = wire(Opaque(0, 2**8 - 1))
    ticket: bytes = wire(Opaque(1, 2**16 - 1))
    extensions: tuple[Extension, ...] = wire(Vector(Tagged(EXTENSIONS, NEW_SESSION_TICKET), 0, 2**16 - 2))


@message
class NewSessionTicketTLS13Draft(Extended, NewSessionTicket):
    """In the drafts of TLS 1.3 from 18 to 20, without a nonce (draft-ietf-tls-tls13-20 §4.6.1)."""

    ticket_lifetime: int = wire(UInt32)
    ticket_age_add: int = wire(UInt32)
    ticket: bytes = wire(Opaque(1, 2**16 - 1))
    extensions: tuple[Extension, ...] = wire(Vector(Tagged(EXTENSIONS, NEW_SESSION_TICKET), 0, 2**16 - 2))


NewSessionTicket.FORMS = Select(
    "version",
    {
        **dict.fromkeys(UP_TO_TLS12, NewSessionTicketTLS10),
        **dict.fromkeys((ProtocolVersion.of(0x7F00 + draft) for draft in (18, 19, 20)), NewSessionTicketTLS13Draft),
        **dict.fromkeys(TLS13, NewSessionTicketTLS13),
    },
    UNDECLARED,
)


@message
class EndOfEarlyData(Message):
    """The client's early data ends; what follows is under the handshake's keys (RFC 8446 §4.5)."""


@message
class KeyUpdate(Message):
    """What the sender sends from here on is under its next keys (RFC 8446 §4.6.3)."""

    request_update: KeyUpdateRequest = wire(Enumerated(KeyUpdateRequest))


@message
class NextProtocol(Message):
    """The protocol that the client chose (draft-agl-tls-nextprotoneg-04 §3)."""

    selected_protocol: bytes = wire(Opaque(0, 255))
    padding: bytes = wire(Opaque(0, 255))


@message
class UnknownHandshake(Message):
    """A handshake message of a type that no declaration has, with its bytes."""

    body: bytes = wire(Rest())


# What server_version begins with in the drafts of TLS 1.3 whose ServerHello was another: 7f and the draft's number, or
# already 0304; since draft 22 it is 0303.
_DRAFTS = (b"\x7f", b"\x03\x04")

BODIES: dict[HandshakeType, Form] = {
    HandshakeType.hello_request: HelloRequest,
    HandshakeType.client_hello: ClientHello,
    HandshakeType.server_hello: ServerHello,
    HandshakeType.new_session_ticket: NewSessionTicket.FORMS,
    HandshakeType.end_of_early_data: EndOfEarlyData,
    HandshakeType.encrypted_extensions: EncryptedExtensions,
    HandshakeType.certificate: Certificate.FORMS,
    HandshakeType.server_key_exchange: ServerKeyExchange.FORMS,
    HandshakeType.certificate_request: CertificateRequest.FORMS,
    HandshakeType.server_hello_done: ServerHelloDone,
    HandshakeType.certificate_verify: CertificateVerify.FORMS,
    HandshakeType.client_key_exchange: ClientKeyExchange.FORMS,
    HandshakeType.finished: Finished,
    HandshakeType.certificate_url: CertificateURL,
    HandshakeType.certificate_status: CertificateStatus,
    HandshakeType.key_update: KeyUpdate,
    HandshakeType.compressed_certificate: CompressedCertificate,
    HandshakeType.supplemental_data: SupplementalData,
    HandshakeType.next_protocol: NextProtocol,
}
"""What the body of each type of handshake message is."""


class _Body:
    """The declaration of an `Unresolved` body: the table itself, so that what it learns later can resolve it."""

    __slots__ = ("_msg_type",)

    def __init__(self, msg_type: HandshakeType) -> None:
        self._msg_type = msg_type

    def decode(self, raw: bytes, context: Context = NO_CONTEXT) -> Message | Unresolved:
        return decode_body(self._msg_type, raw, context)


def decode_body(msg_type: int, body: bytes, context: Context = NO_CONTEXT) -> Message | Unresolved:
    """Decodes the body of a handshake message.

    Parameters: `msg_type`; `body`, without the header; `context`, what was negotiated.  Gives an `Unresolved` where the
    context lacks what decides, or its form has no declaration (GOST, ECCPWD, early drafts of TLS 1.3).  Raises
    DecodeError.
    """
    kind = HandshakeType.of(msg_type)
    if type(body) is not bytes:
        body = bytes(memoryview(body))
    form = BODIES.get(kind)
    if form is None:
        form = UNDECLARED if kind.is_known else UnknownHandshake
    if kind is HandshakeType.server_hello and body.startswith(_DRAFTS):
        form = ServerHelloTLS13Draft
    around = Context(context.version, kind, context.key_exchange)
    found: Message | Unresolved = resolved(form.decode(body, around), _Body(kind))
    return found


@frozen
class Handshake(Value):
    """A handshake message with its frame: type, 24 bits of length, body (RFC 5246 §7.4)."""

    msg_type: HandshakeType
    body: Message | Unresolved

    @classmethod
    def decode(cls, raw: bytes, context: Context = NO_CONTEXT) -> Handshake:
        """Decodes one whole message.

        Parameters: `context`, what was negotiated.  Raises DecodeError, with offsets from the start of `raw`.
        """
        if len(raw) < HEADER_LENGTH:
            raise DecodeError(DecodeErrorKind.truncated, "header", len(raw), HEADER_LENGTH, len(raw))
        raw = bytes(memoryview(raw))
        length = int.from_bytes(raw[1:HEADER_LENGTH], "big")
        body = raw[HEADER_LENGTH:]
        if len(body) < length:
            raise DecodeError(DecodeErrorKind.truncated, "body", HEADER_LENGTH, length, len(body))
        if len(body) > length:
            raise DecodeError(DecodeErrorKind.trailing, "body", HEADER_LENGTH + length, length, len(body))
        try:
            return cls(HandshakeType.of(raw[0]), decode_body(raw[0], body, context))
        except DecodeError as error:
            path = f"body.{error.path}" if error.path else "body"
            offset = error.offset + HEADER_LENGTH
            raise DecodeError(error.kind, path, offset, error.expected, error.actual) from error

    def encode(self) -> bytes:
        """The message's bytes; raises EncodeError, where the body cannot be written or is too long."""
        body = self.body.encode()
        if len(body) >= 1 << 24:
            raise EncodeError("body", "at most 16777215 bytes", len(body))
        return bytes([self.msg_type]) + len(body).to_bytes(3, "big") + body
