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
from tlslite.constants import CipherSuite

VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
TLS13 = 0x0304
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO = 0x0016, 0x0017, 0xFF01
PRE_SHARED_KEY, EARLY_DATA, SUPPORTED_VERSIONS, CERTIFICATE_AUTHORITIES = 41, 42, 43, 47
# The random of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3)
HELLO_RETRY_REQUEST = hashlib.sha256(b"HelloRetryRequest").digest()


def with_epochs(messages: list[Message]) -> Iterator[tuple[Message, int]]:
    """Each message with the number of the handshake that it belongs to: a ClientHello begins a new one.

    In TLS 1.3 there is one: a second ClientHello answers HelloRetryRequest.
    """
    hellos = [message.body for message in messages if message.name == "server_hello"]
    only_one = bool(hellos) and ServerHello.read(hellos[0]).version == TLS13
    epoch = -1
    for message in messages:
        if message.name == "client_hello" and not (only_one and epoch == 0):
            epoch += 1
        yield message, epoch


def numbered(block: bytes) -> dict[int, bytes]:
    """The extensions of a block, by their types (RFC 8446 §4.2)."""
    found, offset = {}, 0
    while offset < len(block):
        end = offset + 4 + int.from_bytes(block[offset + 2 : offset + 4])
        found[int.from_bytes(block[offset : offset + 2])] = block[offset + 4 : end]
        offset = end
    return found


def authority_list(request: bytes, version: int) -> list[bytes]:
    """The DER names of a CertificateRequest (with its handshake header), in order (RFC 5246 §7.4.4)."""
    offset = 4
    offset += 1 + request[offset]  # certificate_types; TLS 1.3: certificate_request_context
    if version >= TLS13:  # RFC 8446 §4.2.4
        request, offset = numbered(request[offset + 2 :]).get(CERTIFICATE_AUTHORITIES, b""), 0
    elif version >= 0x0303:  # supported_signature_algorithms
        offset += 2 + int.from_bytes(request[offset : offset + 2])
    offset += 2
    found = []
    while offset < len(request):
        length = int.from_bytes(request[offset : offset + 2])
        found.append(request[offset + 2 : offset + 2 + length])
        offset += 2 + length
    return found


def leaf_certificate(message: bytes, version: int) -> bytes:
    """The DER of the first certificate of a Certificate (with its handshake header); empty if it has none."""
    offset = 4 + (1 + message[4] if version >= TLS13 else 0)  # RFC 8446 §4.4.2: certificate_request_context
    chain = message[offset + 3 :]
    return chain[3 : 3 + int.from_bytes(chain[:3])]


@dataclass
class ServerHello:
    """What a ServerHello decided."""

    version: int
    cipher_suite: int
    extensions: dict[int, bytes]

    @classmethod
    def read(cls, message: bytes) -> ServerHello:
        """Pick it out of the message with its handshake header (RFC 5246 §7.4.1.3)."""
        offset = 4 + 2 + 32
        offset += 1 + message[offset]
        suite = int.from_bytes(message[offset : offset + 2])
        extensions = numbered(message[offset + 2 + 1 + 2 :])
        version = extensions.get(SUPPORTED_VERSIONS, message[4:6])
        return cls(int.from_bytes(version), suite, extensions)


def client_hello_extensions(message: bytes) -> dict[int, bytes]:
    """The extensions of a ClientHello with its handshake header (RFC 5246 §7.4.1.2)."""
    offset = 4 + 2 + 32
    offset += 1 + message[offset]
    offset += 2 + int.from_bytes(message[offset : offset + 2])
    offset += 1 + message[offset]
    return numbered(message[offset + 2 :])


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
    suites = CipherSuite.ietfNames | tshark.cipher_suites()  # those of drafts are named by tlslite-ng alone
    description: dict[str, Any] = {"initiated_by": initiated_by}
    if "server_hello" not in by_name:
        return description | {"cipher_suite": None}
    hello = ServerHello.read(by_name["server_hello"])
    request = by_name.get("certificate_request")
    names = None if request is None else authority_list(request, hello.version)
    chains = [message.body for message in messages if message.sender == "client" and message.name == "certificate"]
    resumed = PRE_SHARED_KEY in hello.extensions if hello.version == TLS13 else "server_hello_done" not in by_name
    description |= {
        "cipher_suite": suites[hello.cipher_suite],
        "resumed": resumed,
        "secure_renegotiation": RENEGOTIATION_INFO in hello.extensions,
        "extended_master_secret": EXTENDED_MASTER_SECRET in hello.extensions,
        "encrypt_then_mac": ENCRYPT_THEN_MAC in hello.extensions,
        "certificate_request": None if names is None else describe_names(names, configured, folder),
        "client_certificate": None,
    }
    if chains:
        der = leaf_certificate(chains[-1], hello.version)
        if not der:
            description["client_certificate"] = "none"
        else:
            listed = x509.load_der_x509_certificate(der).issuer.public_bytes() in (names or ())
            description["client_certificate"] = "issuer listed" if listed else "issuer not listed"
    if hello.version == TLS13:
        description |= _describe_tls13(messages)
    return description


def _describe_tls13(messages: list[Message]) -> dict[str, Any]:
    """What only TLS 1.3 has."""
    client_hello, *_ = (message.body for message in messages if message.name == "client_hello")
    server_hello, *_ = (message.body for message in messages if message.name == "server_hello")
    encrypted = [message.body for message in messages if message.name == "encrypted_extensions"]
    early_data = None
    if EARLY_DATA in client_hello_extensions(client_hello):
        accepted = any(EARLY_DATA in numbered(body[6:]) for body in encrypted)
        early_data = "accepted" if accepted else "rejected"
    retried = server_hello[6:38] == HELLO_RETRY_REQUEST
    return {"hello_retry_request": retried, "early_data": early_data}


def describe(connection: Connection, configured: list[bytes], folder: Path) -> dict[str, Any]:
    """The part of a capture's description that one connection is.

    `configured` are the CA names that the server was given; those that it sent go into `folder`.
    """
    counted = list(with_epochs(connection.messages))
    epochs = []
    asked = False  # a HelloRequest is waiting for its ClientHello
    for epoch in range(1 + max(number for _, number in counted)):
        messages = [message for message, number in counted if number == epoch]
        epochs.append(_describe_epoch(messages, "server" if asked else "client", configured, folder))
        asked = any(message.name == "hello_request" for message in messages)
    hello = next(message.body for message in connection.messages if message.name == "server_hello")
    return {
        "protocol": VERSIONS[ServerHello.read(hello).version],
        "epochs": epochs,
        "messages": [[message.sender, message.name, epoch] for message, epoch in counted if not message.is_alert],
        "client": describe_data(connection.from_client),
        "server": describe_data(connection.from_server),
    }


def describe_data(data: bytes) -> dict[str, Any]:
    """Length and digest of what one side sent."""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
