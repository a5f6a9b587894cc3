"""A TLS client or server on tlslite-ng, for what no program of Debian's does any more, or ever did.

    python tlslite_peer.py client|server SETTINGS STEP …

SETTINGS is a file with a JSON object: `version` (as tlslite writes it: [3, 0] is SSL 3.0), `ciphers`, `macs`
and, if not RSA, `key_exchange` (tlslite's names), `extensions` (of `extended_master_secret` and
`encrypt_then_mac`, those that are on), `reqCAs` (names for a CertificateRequest, in hex, sent as they are),
`certificate` (stem of .crt and .key), `keylog` (a file for the secrets).  For TLS 1.3: `groups`, of which the
first is the client's share, `psk` (identity, and key in hex), `padding` (bytes in each record),
`compression` (of certificates).  The steps are `write:TEXT`, `read:TEXT` (until TEXT has come), `hello_request`,
`key_update:0` and `key_update:1` (asked for), `authenticate` (after the handshake), `close`, `drain` (take what
comes, below TLS, until the end).  Standard output is one JSON object a line for all messages that this side
wrote, as tlslite serialised them, and all data that it sent; each with the time of the clock that both sides
share.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

from tlslite.api import (
    HandshakeSettings,
    TLSConnection,
    X509CertChain,
    parsePEMKey,
)
from tlslite.messages import HelloRequest

CONTENT_TYPES = {20: "change_cipher_spec", 21: "alert", 22: "handshake"}


def tell(**event: object) -> None:
    """Print one event, with its time in nanoseconds."""
    print(json.dumps({"time": time.monotonic_ns()} | event), flush=True)


class Connection(TLSConnection):
    """A TLSConnection that tells of each message it sends."""

    side = ""

    def _tell_message(self, message: Any) -> None:
        if message.contentType in CONTENT_TYPES:
            kind = CONTENT_TYPES[message.contentType]
            tell(event="message", sender=self.side, content_type=kind, body=bytes(message.write()).hex())

    def _sendMsg(self, message: Any, *arguments: Any, **options: Any) -> Any:
        if "update_hashes" not in options:  # else it sends what was queued
            self._tell_message(message)
        yield from super()._sendMsg(message, *arguments, **options)

    def _queue_message(self, message: Any) -> None:
        self._tell_message(message)
        super()._queue_message(message)


class Secrets:
    """The secrets of a connection, as key logs have them: those of TLS 1.3 as tlslite hands them to its records."""

    def __init__(self, connection: Connection) -> None:
        """Take note of the secrets of a connection that is about to begin."""
        self._labels = iter(("{}_HANDSHAKE_TRAFFIC_SECRET", "{}_TRAFFIC_SECRET_0"))
        self._found: dict[str, bytes] = {}
        self._hand_on = connection._recordLayer.calcTLS1_3PendingState
        connection._recordLayer.calcTLS1_3PendingState = self._take

    def _take(self, suite: int, client_secret: bytes, server_secret: bytes, implementations: Any) -> None:
        label = next(self._labels)
        self._found |= {label.format("CLIENT"): client_secret, label.format("SERVER"): server_secret}
        self._hand_on(suite, client_secret, server_secret, implementations)

    def write(self, path: Path, connection: Connection) -> None:
        """Write the log of a connection whose handshake is done."""
        found = self._found or {"CLIENT_RANDOM": connection.session.masterSecret}
        random = bytes(connection._clientRandom).hex()
        path.write_text("".join(f"{label} {random} {bytes(secret).hex()}\n" for label, secret in found.items()))


def credentials(stem: str) -> tuple[X509CertChain, Any]:
    """Certificate chain and private key."""
    chain = X509CertChain()
    chain.parsePemList(Path(f"{stem}.crt").read_text())
    return chain, parsePEMKey(Path(f"{stem}.key").read_text(), private=True)


def handshake(side: str, connection: Connection, options: dict[str, Any]) -> None:
    """The first handshake."""
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = tuple(options["version"])
    settings.cipherNames = options["ciphers"]
    settings.macNames = options["macs"]
    settings.keyExchangeNames = [options.get("key_exchange", "rsa")]
    settings.useExtendedMasterSecret = "extended_master_secret" in options.get("extensions", ())
    settings.useEncryptThenMAC = "encrypt_then_mac" in options.get("extensions", ())
    if "groups" in options:
        settings.eccCurves, settings.keyShares = options["groups"], options["groups"][:1]
    if "psk" in options:
        identity, secret = options["psk"]
        settings.pskConfigs = [(identity.encode(), bytes.fromhex(secret))]
    if "padding" in options:
        settings.padding_cb = lambda length, content_type, longest: min(options["padding"], longest - length - 1)
    compression = options.get("compression", [])
    settings.certificate_compression_send = settings.certificate_compression_receive = compression
    secrets = Secrets(connection)
    chain, key = credentials(options["certificate"]) if "certificate" in options else (None, None)
    if side == "server":
        names = [bytearray.fromhex(name) for name in options.get("reqCAs", [])]
        connection.handshakeServer(
            certChain=chain, privateKey=key, settings=settings, reqCert="reqCAs" in options, reqCAs=names
        )
    else:
        connection.handshakeClientCert(certChain=chain, privateKey=key, settings=settings)
    if "keylog" in options:
        secrets.write(Path(options["keylog"]), connection)


def take(connection: Connection, stream: socket.socket, steps: list[str]) -> None:
    """The steps after the handshake."""
    received = bytearray()
    for step in steps:
        verb, _, argument = step.partition(":")
        text = argument.encode()
        if verb == "write":
            connection.sendall(text)
            tell(event="sent", side=connection.side, data=text.hex())
        elif verb == "read":
            while text not in received:
                chunk = connection.recv(16384)
                if not chunk:
                    raise SystemExit(f"the end came before {text!r}")
                received += chunk
        elif verb == "hello_request":
            for _ in connection._sendMsg(HelloRequest().create()):
                pass
        elif verb == "key_update":
            for _ in connection.send_keyupdate_request(int(argument)):
                pass
        elif verb == "authenticate":
            for _ in connection.request_post_handshake_auth():
                pass
        elif verb == "drain":
            while stream.recv(16384):
                pass
        else:
            connection.close()


def main(side: str, options: str, *steps: str) -> None:
    """Take one side of one connection."""
    if side == "server":
        with socket.create_server(("10.10.10.15", 443)) as listener:
            tell(event="listening")
            stream, _ = listener.accept()
    else:
        stream = socket.create_connection(("10.10.10.15", 443))
    with stream:
        Connection.side = side
        connection = Connection(stream)
        handshake(side, connection, json.loads(Path(options).read_text()))
        take(connection, stream, list(steps))


if __name__ == "__main__":
    main(*sys.argv[1:])
