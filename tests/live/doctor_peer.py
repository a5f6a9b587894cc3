"""A TLS client or server on tlslite-ng that misbehaves on purpose, changed at run time.

    python doctor_peer.py client|server SETTINGS

SETTINGS is a file with a JSON object: `version` (as tlslite writes it: [3, 0] is SSL 3.0); `hashes` (those of RSA
signatures); `certificate` (stem of .crt and .key); `reqCAs` (names for a CertificateRequest, in hex); `says` (a file:
what this side sends when the handshake is done, and the server when a request has come); `silent` (the client sends
it and takes what comes below TLS, answering nothing) and `does`, the misbehaviour, one of

    skips_verify         no CertificateVerify
    spoils_verify        a CertificateVerify with a bit of its signature turned
    signs_with_sha256    a client that does so whatever the server accepts
    alert_for_none       SSL 3.0 as Netscape meant it: the alert no_certificate in the place of an empty Certificate
    resets               the server ends the connection by a TCP reset when the certificate has come
    overlong_list        the length of the list of authorities says two bytes more than there are
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.constants import AlertDescription, AlertLevel, HandshakeType, HashAlgorithm, SignatureAlgorithm
from tlslite.errors import TLSError
from tlslite.messages import Alert, Certificate, CertificateRequest, CertificateVerify


class Connection(TLSConnection):
    """A TLSConnection with a misbehaviour."""

    does = ""

    def _sendMsg(self, message: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(message, CertificateVerify):
            if self.does == "skips_verify":
                return
            if self.does == "spoils_verify":
                message.signature[-1] ^= 1
        elif isinstance(message, Certificate) and self.does == "alert_for_none":
            message = Alert().create(AlertDescription.no_certificate, AlertLevel.warning)
        elif isinstance(message, CertificateRequest) and self.does == "overlong_list":
            octets = message.write()
            place = len(octets) - 2 - sum(2 + len(name) for name in message.certificate_authorities)
            octets[place : place + 2] = struct.pack("!H", len(octets) - place)
            message.write = lambda: octets
        yield from super()._sendMsg(message, *arguments, **options)

    def _getMsg(self, kind: Any, secondary: Any = None, *arguments: Any) -> Any:
        if self.does == "resets" and secondary == HandshakeType.certificate_verify:
            self.sock.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.socket.close()
            raise SystemExit("reset")
        for result in super()._getMsg(kind, secondary, *arguments):
            if isinstance(result, CertificateRequest) and self.does == "signs_with_sha256":
                result.supported_signature_algs = [(HashAlgorithm.sha256, SignatureAlgorithm.rsa)]
            yield result


def handshake(side: str, connection: Connection, options: dict[str, Any]) -> None:
    """The handshake."""
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = tuple(options["version"])
    settings.cipherNames, settings.macNames, settings.keyExchangeNames = ["aes128"], ["sha"], ["rsa"]
    settings.useExtendedMasterSecret = settings.useEncryptThenMAC = False
    if "hashes" in options:
        settings.rsaSigHashes, settings.rsaSchemes, settings.more_sig_schemes = options["hashes"], ["pkcs1"], []
        settings.ecdsaSigHashes = settings.dsaSigHashes = []
    chain = key = None
    if "certificate" in options:
        chain = X509CertChain()
        chain.parsePemList(Path(f"{options['certificate']}.crt").read_text())
        key = parsePEMKey(Path(f"{options['certificate']}.key").read_text(), private=True)
    if side == "server":
        names = [bytearray.fromhex(name) for name in options.get("reqCAs", [])]
        connection.handshakeServer(
            certChain=chain, privateKey=key, settings=settings, reqCert="reqCAs" in options, reqCAs=names
        )
    else:
        connection.handshakeClientCert(certChain=chain, privateKey=key, settings=settings)


def converse(side: str, connection: Connection, stream: socket.socket, options: dict[str, Any]) -> None:
    """What is said when the handshake is done."""
    if "says" not in options:
        return
    said = Path(options["says"]).read_bytes()
    if side == "client":
        connection.sendall(said)
        if options.get("silent"):
            while stream.recv(16384):
                pass
            return
        while connection.recv(16384):
            pass
    else:
        received = bytearray()
        while b"\r\n\r\n" not in received:
            received += connection.recv(16384)
        connection.sendall(said)
    connection.close()


def main(side: str, file: str) -> None:
    """Take one side of one connection."""
    if side == "server":
        with socket.create_server(("10.10.10.15", 443)) as listener:
            print("listening", flush=True)
            stream, _ = listener.accept()
    else:
        stream = socket.create_connection(("10.10.10.15", 443))
    options = json.loads(Path(file).read_text())
    with stream:
        connection = Connection(stream)
        connection.does = options.get("does", "")
        try:
            handshake(side, connection, options)
            converse(side, connection, stream, options)
        except (TLSError, OSError) as error:
            print(f"{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
