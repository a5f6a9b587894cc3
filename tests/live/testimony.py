"""What the endpoints say they saw: their logs, turned into one form.

curl's `--trace` and OpenSSL's `-msg` both come from OpenSSL's message callback: every handshake message,
ChangeCipherSpec and alert in the clear, in the order in which that endpoint sent or received it.  curl's
trace also holds the application data, byte for byte as it went into and came out of the TLS library.
Of a ChangeCipherSpec that was received, OpenSSL tells only the record header (content type 20).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import NamedTuple

CHANGE_CIPHER_SPEC = 20  # ContentType, RFC 5246 §6.2.1
HANDSHAKE_NAMES = {
    0: "hello_request",
    1: "client_hello",
    2: "server_hello",
    4: "new_session_ticket",
    5: "end_of_early_data",
    8: "encrypted_extensions",
    11: "certificate",
    12: "server_key_exchange",
    13: "certificate_request",
    14: "server_hello_done",
    15: "certificate_verify",
    16: "client_key_exchange",
    20: "finished",
    22: "certificate_status",
    24: "key_update",
    25: "compressed_certificate",
}
ALERT_NAMES = {
    0: "close_notify",
    10: "unexpected_message",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    46: "certificate_unknown",
    48: "unknown_ca",
    50: "decode_error",
    80: "internal_error",
    90: "user_canceled",
    100: "no_renegotiation",
    116: "certificate_required",
}


class Message(NamedTuple):
    """A handshake message (with its header), ChangeCipherSpec or alert, and who sent it."""

    sender: str
    content_type: str
    body: bytes

    @property
    def is_alert(self) -> bool:
        """Whether it is an alert."""
        return self.content_type == "alert"

    @property
    def name(self) -> str:
        """The RFC's name of the message."""
        if self.content_type == "handshake":
            return HANDSHAKE_NAMES[self.body[0]]
        return ALERT_NAMES[self.body[1]] if self.content_type == "alert" else "change_cipher_spec"


@dataclass
class Connection:
    """One TLS connection in the words of one endpoint."""

    messages: list[Message] = field(default_factory=list)
    from_client: bytes = b""  # application data, as the client wrote it
    from_server: bytes = b""  # application data, as the client read it, or as the server wrote it


_CURL_MESSAGE = re.compile(r"== Info: (?:TLS|SSL)v[\d.]+ \((OUT|IN)\), TLS (handshake|change cipher|alert), ")
_CURL_BLOCK = re.compile(r"(?:=>|<=) (Send|Recv) (SSL data|header|data), ")
_CURL_TYPES = {"handshake": "handshake", "change cipher": "change_cipher_spec", "alert": "alert"}


def read_curl_trace(trace: str) -> list[Connection]:
    """The connections in the output of `curl --trace`, which are made one after the other."""
    connections: list[Connection] = []
    blocks: list[tuple[str, bytearray]] = []
    for line in trace.splitlines():
        if line.startswith(("==", "=>", "<=")):
            blocks.append((line, bytearray()))
        else:
            # "0010: 48 54 54 50 … : the text of it": 16 bytes a line, three columns each
            blocks[-1][1].extend(bytes.fromhex(line[6 : 6 + 48]))
    announced: re.Match[str] | None = None
    for heading, octets in blocks:
        if "Info:   Trying " in heading or "Hostname www.example.test was found in DNS cache" in heading:
            if not connections or connections[-1].messages:
                connections.append(Connection())
        elif found := _CURL_MESSAGE.match(heading):
            announced = found
        elif (found := _CURL_BLOCK.match(heading)) and connections:
            way, kind = found.groups()
            if kind == "SSL data":
                if announced is not None:
                    sender = "client" if announced[1] == "OUT" else "server"
                    connections[-1].messages.append(Message(sender, _CURL_TYPES[announced[2]], bytes(octets)))
                elif way == "Recv" and octets[0] == CHANGE_CIPHER_SPEC:
                    connections[-1].messages.append(Message("server", "change_cipher_spec", b"\1"))
                announced = None
            elif way == "Send":
                connections[-1].from_client += octets
            else:
                connections[-1].from_server += octets
    return connections


_OPENSSL_MESSAGE = re.compile(r"(>>>|<<<) .*, (Handshake|ChangeCipherSpec|Alert|RecordHeader) \[length [0-9a-f]+\]")
_OPENSSL_TYPES = {"Handshake": "handshake", "ChangeCipherSpec": "change_cipher_spec", "Alert": "alert"}


def read_openssl_messages(log: str, *, of: str) -> list[Message]:
    """The messages in what `openssl s_client -msg` or `s_server -msg` printed; `of` is the side it was."""
    other = "server" if of == "client" else "client"
    blocks: list[tuple[re.Match[str] | None, bytearray]] = []
    for line in log.splitlines():
        if line.startswith((">>>", "<<<")):
            blocks.append((_OPENSSL_MESSAGE.match(line), bytearray()))
        elif blocks and line.startswith("    "):
            blocks[-1][1].extend(bytes.fromhex(line))
    messages = []
    for found, octets in blocks:
        if found is None:
            continue
        way, kind = found.groups()
        if kind != "RecordHeader":
            messages.append(Message(of if way == ">>>" else other, _OPENSSL_TYPES[kind], bytes(octets)))
        elif way == "<<<" and octets[0] == CHANGE_CIPHER_SPEC:
            messages.append(Message(other, "change_cipher_spec", b"\1"))
    return messages


def read_peer_events(*outputs: bytes) -> Connection:
    """The connection that our own peers (openssl_peer.py, tlslite_peer.py) told of, one JSON object a line.

    Of two peers, each tells only of the messages that it sent; the times put these in order.
    """
    events = [json.loads(line) for output in outputs for line in output.splitlines()]
    connection = Connection()
    for event in sorted(events, key=lambda event: event.get("time", 0)):
        if event["event"] == "message":
            body = bytes.fromhex(event["body"])
            connection.messages.append(Message(event["sender"], event["content_type"], body))
        elif event["event"] == "sent" and event["side"] == "client":
            connection.from_client += bytes.fromhex(event["data"])
        elif event["event"] in ("sent", "received"):
            connection.from_server += bytes.fromhex(event["data"])
    return connection


_GNUTLS_MESSAGE = re.compile(r"HSK\[0x[0-9a-f]+\]: ([A-Z _]+) (?:was queued|(\(\d+\)) was received)")


def read_gnutls_names(log: str, *, of: str) -> dict[str, list[str]]:
    """The names of the handshake messages that each side sent, in GnuTLS's debugging output (level 4)."""
    other = "server" if of == "client" else "client"
    seen: dict[str, list[str]] = {"client": [], "server": []}
    for name, received in _GNUTLS_MESSAGE.findall(log):
        name = name.lower().replace(" ", "_")
        # which on the wire is a ServerHello (RFC 8446 §4.1.3)
        seen[other if received else of].append(name.replace("hello_retry_request", "server_hello"))
    return seen
