"""The Info column: what a message says, in a few words."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tlswire.escaping import escape, escape_bytes
from tlswire.registry import AlertDescription, ExtensionType, HandshakeType
from tlswire.schema import (
    Alert,
    Certificate,
    CertificateRequest,
    CertificateURL,
    ClientHello,
    ClientKeyExchange,
    CompressedCertificate,
    EncryptedExtensions,
    KeyUpdate,
    NewSessionTicket,
    ProtocolNameList,
    ServerHello,
    ServerHelloTLS13Draft,
    ServerKeyExchange,
    SSLv2ClientHello,
    certificate_subject,
)
from tlswire.session import HandshakeMessage
from tlswire.wire import Unresolved

LONGEST_SHOWN = 128  # characters of what a peer chose; RFC 4279 §5.3 wants as many of an identity supported


def name_of(msg_type: HandshakeType) -> str:
    """The RFC's name of a handshake message; `unknown_N` where there is none."""
    return msg_type.name if msg_type.is_known else f"unknown_{int(msg_type)}"


def alert_name(alert: Alert) -> str:
    """The RFC's name of an alert's description; `unknown_N` where there is none."""
    description: AlertDescription = alert.description
    return description.name if description.is_known else f"unknown_{int(description)}"


def level_name(alert: Alert) -> str:
    """`warning` or `fatal`; `unknown_N` where the level is neither."""
    return alert.level.name if alert.level.is_known else f"unknown_{int(alert.level)}"


def info_of(event: HandshakeMessage) -> str:
    """The text of the Info column for a handshake message, safe to print."""
    text = _title(event.msg_type)
    if isinstance(event.message, Unresolved):
        return f"{text}, not decoded: needs {event.message.needs}"
    for kind in type(event.message).__mro__:
        if kind in _DETAILS:
            details = _DETAILS[kind](event.message)
            return f"{text}, {details}" if details else text
    return text


@lru_cache(maxsize=512)
def _title(msg_type: HandshakeType) -> str:
    return name_of(msg_type).replace("_", " ").title()


def _client_hello(hello: ClientHello) -> str:
    return f"server name {escape(hello.server_name, 253)}" if hello.server_name else ""


def _sslv2_hello(hello: SSLv2ClientHello) -> str:
    return f"SSLv2-compatible, offers {hello.version}"


def _server_hello(hello: ServerHello | ServerHelloTLS13Draft) -> str:
    what = "hello retry request, " if hello.is_hello_retry_request else ""
    return f"{what}{hello.negotiated_version}, {hello.cipher_suite.name}"


def _certificate(certificate: Certificate) -> str:
    chain = certificate.certificates
    if not chain:
        return "no certificate"
    subject = certificate_subject(chain[0])
    count = len(chain)
    more = f" and {count - 1} more" if count > 1 else ""
    return f"{subject or 'unreadable'}{more}"


def _certificate_request(request: CertificateRequest) -> str:
    count = len(request.certificate_authorities)
    size = sum(len(name.der) + 2 for name in request.certificate_authorities)
    return f"{count} CA name{'s' * (count != 1)}, {size} bytes" if count else "no CA names: any certificate will do"


def _compressed_certificate(certificate: CompressedCertificate) -> str:
    return f"{certificate.algorithm.name}, {certificate.uncompressed_length} bytes when it is unfolded"


def _encrypted_extensions(message: EncryptedExtensions) -> str:
    chosen = message.extension(ExtensionType.application_layer_protocol_negotiation)
    names = chosen.protocol_name_list if isinstance(chosen, ProtocolNameList) else ()
    return ", ".join(escape(name.decode("utf-8", "surrogateescape"), 255) for name in names)


def _key_update(update: KeyUpdate) -> str:
    return update.request_update.name.replace("_", " ")


def _new_session_ticket(ticket: NewSessionTicket) -> str:
    return f"{len(ticket.ticket)} bytes"


def _server_key_exchange(exchange: ServerKeyExchange) -> str:
    hint = exchange.psk_identity_hint
    return f"PSK identity hint {escape_bytes(hint, LONGEST_SHOWN)}" if hint else ""


def _client_key_exchange(exchange: ClientKeyExchange) -> str:
    identity = exchange.psk_identity
    return f"PSK identity {escape_bytes(identity, LONGEST_SHOWN)}" if identity else ""


def _certificate_url(message: CertificateURL) -> str:
    first, *others = [escape_bytes(entry.url, LONGEST_SHOWN) for entry in message.url_and_hash_list] or ["no URL"]
    return f"{first} and {len(others)} more" if others else first


_DETAILS: dict[type, Callable[[Any], str]] = {
    ClientHello: _client_hello,
    SSLv2ClientHello: _sslv2_hello,
    ServerHello: _server_hello,
    ServerHelloTLS13Draft: _server_hello,
    Certificate: _certificate,
    CertificateRequest: _certificate_request,
    CompressedCertificate: _compressed_certificate,
    EncryptedExtensions: _encrypted_extensions,
    KeyUpdate: _key_update,
    NewSessionTicket: _new_session_ticket,
    ServerKeyExchange: _server_key_exchange,
    ClientKeyExchange: _client_key_exchange,
    CertificateURL: _certificate_url,
}
