"""From an endpoint's messages to what a capture's description says of them: epochs, suites, names.

The few fields that are needed are picked out of the endpoint's own bytes by hand, without tlswire: a
capture's description must not depend on what it is to test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tshark
from cryptography import x509
from testimony import Connection, Message

VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2"}
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO = 0x0016, 0x0017, 0xFF01


def with_epochs(messages: list[Message]) -> Iterator[tuple[Message, int]]:
    """Each message with the number of the handshake that it belongs to: a ClientHello begins a new one."""
    epoch = -1
    for message in messages:
        if message.name == "client_hello":
            epoch += 1
        yield message, epoch


def authority_list(request: bytes, version: int) -> list[bytes]:
    """The DER names of a CertificateRequest (with its handshake header), in order (RFC 5246 §7.4.4)."""
    offset = 4
    offset += 1 + request[offset]
    if version >= 0x0303:  # supported_signature_algorithms
        offset += 2 + int.from_bytes(request[offset : offset + 2], "big")
    offset += 2
    found = []
    while offset < len(request):
        length = int.from_bytes(request[offset : offset + 2], "big")
        found.append(request[offset + 2 : offset + 2 + length])
        offset += 2 + length
    return found


@dataclass
class ServerHello:
    """What a ServerHello decided."""

    version: int
    cipher_suite: int
    extensions: set[int]

    @classmethod
    def read(cls, message: bytes) -> ServerHello:
        """Pick it out of the message with its handshake header (RFC 5246 §7.4.1.3)."""
        offset = 4 + 2 + 32
        offset += 1 + message[offset]
        suite = int.from_bytes(message[offset : offset + 2], "big")
        extensions = set()
        offset += 2 + 1 + 2
        while offset < len(message):
            extensions.add(int.from_bytes(message[offset : offset + 2], "big"))
            offset += 4 + int.from_bytes(message[offset + 2 : offset + 4], "big")
        return cls(int.from_bytes(message[4:6], "big"), suite, extensions)


def describe_names(sent: list[bytes], configured: list[bytes], folder: Path) -> dict[str, Any]:
    """Number, bytes and digest of a list of names, which goes into a file of `folder`, DER after DER.

    They must be the names that the server was `configured` with, though it may have sorted them.
    """
    if sorted(sent) != sorted(configured):
        raise ValueError(f"{len(sent)} names were sent, {len(configured)} configured")
    joined = b"".join(sent)
    digest = hashlib.sha256(joined).hexdigest()
    folder.mkdir(exist_ok=True)
    file = folder / f"{len(sent)}-{digest[:8]}.der"
    file.write_bytes(joined)
    return {
        "names": len(sent),
        "bytes": len(joined),
        "sha256": digest,
        "file": f"../names/{file.name}",
        "in_configured_order": sent == configured,
    }


def _describe_epoch(
    messages: list[Message], initiated_by: str, configured: list[bytes], folder: Path
) -> dict[str, Any]:
    by_name = {message.name: message.body for message in messages}
    description: dict[str, Any] = {"initiated_by": initiated_by}
    if "server_hello" not in by_name:
        return description | {"cipher_suite": None}
    hello = ServerHello.read(by_name["server_hello"])
    request = by_name.get("certificate_request")
    names = None if request is None else authority_list(request, hello.version)
    chains = [message.body for message in messages if message.sender == "client" and message.name == "certificate"]
    description |= {
        "cipher_suite": tshark.cipher_suites().get(hello.cipher_suite, f"unknown_0x{hello.cipher_suite:04X}"),
        "resumed": "server_hello_done" not in by_name,
        "secure_renegotiation": RENEGOTIATION_INFO in hello.extensions,
        "extended_master_secret": EXTENDED_MASTER_SECRET in hello.extensions,
        "encrypt_then_mac": ENCRYPT_THEN_MAC in hello.extensions,
        "certificate_request": None if names is None else describe_names(names, configured, folder),
        "client_certificate": None,
    }
    if chains:
        chain = chains[0][7:]
        if not chain:
            description["client_certificate"] = "none"
        else:
            leaf = x509.load_der_x509_certificate(chain[3 : 3 + int.from_bytes(chain[:3], "big")])
            listed = leaf.issuer.public_bytes() in (names or ())
            description["client_certificate"] = "issuer listed" if listed else "issuer not listed"
    return description


def describe(connection: Connection, configured: list[bytes], folder: Path) -> dict[str, Any]:
    """The part of a capture's description that one connection is.

    `configured` are the CA names that the server was given; those that it sent go into `folder`.
    """
    numbered = list(with_epochs(connection.messages))
    epochs = []
    asked = False  # a HelloRequest is waiting for its ClientHello
    for epoch in range(1 + max(number for _, number in numbered)):
        messages = [message for message, number in numbered if number == epoch]
        epochs.append(_describe_epoch(messages, "server" if asked else "client", configured, folder))
        asked = any(message.name == "hello_request" for message in messages)
    hello = next(message.body for message in connection.messages if message.name == "server_hello")
    return {
        "protocol": VERSIONS[ServerHello.read(hello).version],
        "epochs": epochs,
        "messages": [[message.sender, message.name, epoch] for message, epoch in numbered if not message.is_alert],
        "client": describe_data(connection.from_client),
        "server": describe_data(connection.from_server),
    }


def describe_data(data: bytes) -> dict[str, Any]:
    """Length and digest of what one side sent."""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
