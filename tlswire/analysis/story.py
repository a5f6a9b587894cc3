"""The story of a connection: its events as rows, one a message, as an analyst reads them.

A row is what `tlswire explain` prints, as text or as JSON.  `Storyteller` turns the events of one connection into
rows; it keeps nothing but the versions that were spoken and the beginnings of HTTP lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from functools import lru_cache

from tlswire.analysis.info import alert_name, info_of, level_name, name_of
from tlswire.capture import Provenance, TLSStream, format_time
from tlswire.escaping import escape_bytes
from tlswire.registry import ContentType, ProtocolVersion
from tlswire.schema import CertificateRequest, ServerHello, ServerHelloTLS13Draft
from tlswire.session import (
    AlertMessage,
    ApplicationData,
    ChangeCipherSpecMessage,
    DiscardedBytes,
    EndOfStream,
    Event,
    Gap,
    HandshakeMessage,
    Heartbeat,
    LimitReached,
    Malformed,
    ProtocolViolation,
    Record,
    Undecryptable,
)
from tlswire.values import Struct, slotted
from tlswire.wire import Unresolved

_HANDSHAKE_HEADER = 4  # bytes


@slotted
class Row(Struct):
    """A line of the story.

    `kind` is `message`, `gap`, `discarded`, `violation`, `malformed` or `limit`; `at` says in which frame its
    last byte became readable; `more` holds the fields that only some rows have; `ack` is the relative
    acknowledgement number of its frame, where the TCP rows were asked for.
    """

    kind: str
    at: Provenance
    stream: TLSStream
    side: int
    protocol: str | None
    epoch: int
    encrypted: bool
    content_type: str | None
    name: str
    length: int | None
    info: str
    more: dict[str, object] = field(default_factory=dict)
    ack: int | None = None

    @property
    def direction(self) -> str:
        """`client` or `server`: who sent it."""
        return self.stream.role(self.side).value

    @property
    def source(self) -> str:
        """The sender's address and port."""
        return self.stream.addresses[self.side]

    @property
    def destination(self) -> str:
        """The receiver's address and port."""
        return self.stream.addresses[1 - self.side]

    @property
    def time(self) -> str:
        """The frame's time, seconds since 1970 as a decimal with all digits that the capture has."""
        return format_time(self.at.ticks, self.at.ticks_per_second)

    def as_json(self) -> dict[str, object]:
        """The row as the JSON object that `explain --json` prints."""
        found: dict[str, object] = {
            "kind": self.kind,
            "file": self.at.file,
            "frame": self.at.frame,
            "time": self.time,
            "stream": self.stream.number,
            "tcp_stream": self.stream.tcp_stream,
            "src": self.source,
            "dst": self.destination,
            "direction": self.direction,
            "protocol": self.protocol,
            "epoch": self.epoch,
            "encrypted": self.encrypted,
            "content_type": self.content_type,
            "name": self.name,
            "length": self.length,
            "info": self.info,
        }
        if self.ack is not None:
            found["ack"] = self.ack
        if self.content_type is None:
            del found["content_type"], found["encrypted"]
        return found | self.more


class Storyteller:
    """Turns the events of one connection into rows, in their order."""

    def __init__(self, stream: TLSStream) -> None:
        self._stream = stream
        self._version: ProtocolVersion | None = None
        self._record_versions: list[int | None] = [None, None]
        self._http = (HTTPLine(), HTTPLine())

    def rows(self, events: Iterable[Event]) -> list[Row]:
        """The rows that events make: none for a record, whose contents have events of their own."""
        rows: list[Row] = []
        for event in events:
            if isinstance(event, Record):
                self._record_versions[event.side] = event.version
            elif isinstance(event, HandshakeMessage):
                rows += self._handshake(event)
            else:
                rows += self._rows(event)
        return rows

    def _rows(self, event: Event) -> Iterator[Row]:
        match event:
            case ApplicationData(data=data):
                line = self._http[event.side].feed(data)
                text = line if line is not None else "Application Data"
                yield self._message(event, ContentType.application_data, "application_data", len(data), text)
            case Undecryptable(content_type=content_type, length=length, reason=reason):
                text = f"Encrypted {content_type.name.replace('_', ' ')}: {reason}"
                row = self._message(event, content_type, "encrypted", length, text)
                row.encrypted = True
                row.more["undecryptable"] = reason.value
                yield row
            case ChangeCipherSpecMessage(raw=raw):
                yield self._message(
                    event,
                    ContentType.change_cipher_spec,
                    "change_cipher_spec",
                    len(raw),
                    "Change Cipher Spec",
                )
            case AlertMessage(alert=alert):
                name = alert_name(alert)
                text = f"Alert ({level_name(alert)}): {name.replace('_', ' ')}"
                row = self._message(event, ContentType.alert, name, 2, text)
                row.more["level"] = level_name(alert)
                yield row
            case Heartbeat(message=message):
                name = f"heartbeat_{message.type.name.removeprefix('heartbeat_')}"
                text = name.replace("_", " ").title()
                yield self._message(event, ContentType.heartbeat, name, len(message.encode()), text)
            case Malformed():
                yield self._malformed(event)
            case ProtocolViolation(epoch=epoch, rule=rule, section=section):
                more: dict[str, object] = {"rule": rule, "section": section}
                yield self._row("violation", event, epoch, "violation", None, f"{rule} ({section})", more)
            case Gap(offset=offset, length=length):
                size = "an unknown number of" if length is None else str(length)
                text = f"{size} bytes missing from here"
                yield self._row("gap", event, self._epoch(event), "gap", length, text, {"offset": offset})
            case DiscardedBytes(offset=offset, data=data, why=why):
                text = f"{len(data)} bytes passed over: {why}"
                yield self._row(
                    "discarded",
                    event,
                    self._epoch(event),
                    "discarded",
                    len(data),
                    text,
                    {"offset": offset, "why": why},
                )
            case LimitReached(limit=limit, value=value, dropped=dropped):
                text = f"limit {limit} of {value} bytes reached" + (f", {dropped} bytes dropped" if dropped else "")
                more = {"limit": limit, "value": value, "dropped": dropped}
                yield self._row("limit", event, self._epoch(event), limit, dropped, text, more)
            case EndOfStream():
                pass

    def _handshake(self, event: HandshakeMessage) -> list[Row]:
        message = event.message
        if isinstance(message, ServerHello | ServerHelloTLS13Draft) and not message.is_hello_retry_request:
            self._version = message.negotiated_version
        protected_length = len(event.raw) - _HANDSHAKE_HEADER
        if self._record_versions[event.side] == ProtocolVersion.SSLv2 and self._version is None:
            protected_length = len(event.raw)
        row = self._message(event, ContentType.handshake, name_of(event.msg_type), protected_length, info_of(event))
        if isinstance(message, CertificateRequest):
            row.more["certificate_authorities"] = [str(name) for name in message.certificate_authorities]
        rows = [row]
        if isinstance(message, Unresolved):
            return rows
        for violation in message.violations:
            if violation.rule == "unknown":
                continue  # every client of today sends codes that are made up (GREASE, RFC 8701)
            place = f"{row.name}.{violation.path}" if violation.path else row.name
            text = f"{place}: {violation.rule}"
            if violation.expected is not None:
                text += f", expected {violation.expected}"
            if violation.actual is not None:
                text += f", got {violation.actual}"
            more: dict[str, object] = {"path": violation.path, "rule": violation.rule}
            rows.append(self._row("violation", event, event.epoch, row.name, None, text, more))
        return rows

    def _malformed(self, event: Malformed) -> Row:
        content_type, msg_type = event.content_type, event.msg_type
        name = name_of(msg_type) if msg_type is not None else content_type.name
        header = _HANDSHAKE_HEADER if msg_type is not None else 0
        row = self._message(
            event, content_type, name, max(0, len(event.raw) - header), f"Malformed {name}: {event.error}"
        )
        row.kind = "malformed"
        error = event.error
        row.more["error"] = {
            "kind": error.kind.value,
            "path": error.path,
            "offset": error.offset,
            "expected": error.expected,
            "actual": error.actual,
        }
        return row

    def _message(
        self,
        event: HandshakeMessage
        | ApplicationData
        | Undecryptable
        | ChangeCipherSpecMessage
        | AlertMessage
        | Heartbeat
        | Malformed,
        content_type: ContentType,
        name: str,
        length: int,
        info: str,
    ) -> Row:
        row = self._row("message", event, event.epoch, name, length, info, {})
        row.encrypted = not isinstance(event, Undecryptable) and event.protected
        row.content_type = content_type.name
        return row

    def _row(
        self,
        kind: str,
        event: Event,
        epoch: int,
        name: str,
        length: int | None,
        info: str,
        more: dict[str, object],
    ) -> Row:
        at = event.at
        assert isinstance(at, Provenance)
        return Row(
            kind,
            at,
            self._stream,
            event.side,
            self._protocol(event.side),
            epoch,
            False,
            None,
            name,
            length,
            info,
            more,
        )

    def _protocol(self, side: int) -> str | None:
        """The negotiated version; before that the record's own; None before the first record of that side."""
        version = self._version if self._version is not None else self._record_versions[side]
        return _spelled(version) if version is not None else None

    def _epoch(self, event: Event) -> int:
        return self._stream.connection.keys_epoch(event.side)


@lru_cache(maxsize=64)
def _spelled(version: int) -> str:
    return str(ProtocolVersion.of(version))


# What begins a request or a response (RFC 9112 §3 and §4).
_HTTP_LINE = re.compile(
    rb"(?:[A-Z]{3,20} [!-~]{1,8000} HTTP/1\.[01]|HTTP/1\.[01] [0-9]{3}(?: [^\r\n\x00]{0,200})?)\r?\n"
)
_HTTP_BEGIN = re.compile(rb"[A-Z]{1,20}(?:/1?\.?[01]?)?(?: [^\n\x00]*)?\r?\Z")
_HTTP_LONGEST = 8192  # bytes of a first line; servers refuse longer ones (RFC 9112 §3 asks for 8000)


class HTTPLine:
    """Finds the first line of HTTP messages in a direction's plaintext, also where it is cut into records.

    TLS 1.0 stacks send the first byte of a request alone, or an empty record before it (CVE-2011-3389).
    """

    __slots__ = ("_begin",)

    def __init__(self) -> None:
        self._begin = b""

    def feed(self, data: bytes) -> str | None:
        """The line that `data` completes, escaped; or None."""
        if not data:
            return None
        text = self._begin + data[:_HTTP_LONGEST] if self._begin else data
        found = _HTTP_LINE.match(text)
        self._begin = b""
        if found is not None:
            return escape_bytes(found.group().rstrip(b"\r\n"), 300)
        if len(text) < _HTTP_LONGEST and _HTTP_BEGIN.match(text):
            self._begin = text
        return None
