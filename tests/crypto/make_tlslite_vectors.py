"""Makes tlslite_vectors.json with tlslite-ng, a TLS in pure Python that shares no code with OpenSSL.

    pip install tlslite-ng==0.8.2
    python tests/crypto/make_tlslite_vectors.py

It is needed for what OpenSSL has no more: SSL 3.0, RC4, 3DES.  For each version and suite: a premaster secret
(made up), the master secret, both verify_data over a made-up transcript, and the records that either side
makes of the same messages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from tlslite.constants import CipherSuite
from tlslite.handshakehashes import HandshakeHashes
from tlslite.mathtls import calc_key
from tlslite.messages import Message
from tlslite.recordlayer import RecordLayer

OLD = (
    "TLS_RSA_WITH_NULL_MD5", "TLS_RSA_WITH_NULL_SHA", "TLS_RSA_WITH_RC4_128_MD5", "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA",
)  # fmt: skip
NEW = (
    "TLS_RSA_WITH_NULL_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CCM",
    "TLS_RSA_WITH_AES_256_CCM_8", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)  # fmt: skip


def some(what: str, length: int) -> bytearray:
    """Bytes that are the same at each run."""
    return bytearray(hashlib.shake_128(what.encode()).digest(length))


TRANSCRIPT = some("transcript", 100)
MESSAGES = [
    (content_type, some(f"message {length}", length))
    for content_type, length in ((22, 16), (23, 0), (23, 1), (23, 45), (23, 64), (21, 2))
]


class Wire:
    """What a RecordLayer takes for a socket."""

    def __init__(self) -> None:
        self.sent = b""

    def send(self, data: bytes) -> int:
        self.sent += bytes(data)
        return len(data)


def vector(version: int, name: str, encrypt_then_mac: bool) -> dict[str, object]:
    suite = getattr(CipherSuite, name)
    numbers = divmod(version, 256)
    premaster = some(f"premaster {version} {name}", 48)
    client_random, server_random = some(f"client {name}", 32), some(f"server {name}", 32)
    hashes = HandshakeHashes()
    hashes.update(TRANSCRIPT)
    master = calc_key(
        numbers, premaster, suite, b"master secret",
        client_random=client_random, server_random=server_random, output_length=48,
    )  # fmt: skip
    made: dict[str, object] = {
        "version": version,
        "cipher_suite": name,
        "encrypt_then_mac": encrypt_then_mac,
        "premaster_secret": premaster.hex(),
        "client_random": client_random.hex(),
        "server_random": server_random.hex(),
        "master_secret": master.hex(),
    }
    if version > 0x0300:
        made["extended_master_secret"] = calc_key(
            numbers, premaster, suite, b"extended master secret", handshake_hashes=hashes, output_length=48
        ).hex()
    for side in ("client", "server"):
        label = f"{side} finished".encode()
        made[f"{side}_verify_data"] = calc_key(
            numbers, master, suite, label, handshake_hashes=hashes, output_length=12
        ).hex()
        made[f"{side}_records"] = [record.hex() for record in records(
            side, numbers, suite, master, client_random, server_random, encrypt_then_mac
        )]  # fmt: skip
    return made


def records(
    side: str,
    version: tuple[int, int],
    suite: int,
    master: bytearray,
    client_random: bytearray,
    server_random: bytearray,
    encrypt_then_mac: bool,
) -> Iterator[bytes]:
    wire = Wire()
    layer = RecordLayer(wire)
    layer.version = version
    layer.client = side == "client"
    layer.encryptThenMAC = encrypt_then_mac
    layer.calcPendingStates(suite, master, client_random, server_random, ["python"])
    layer.changeWriteState()
    for content_type, plaintext in MESSAGES:
        for _ in layer.sendRecord(Message(content_type, bytearray(plaintext))):  # it changes it
            pass
        yield wire.sent
        wire.sent = b""


def main() -> None:
    cases = [(version, name) for version in (0x0300, 0x0301, 0x0302, 0x0303) for name in OLD]
    cases += [(0x0303, name) for name in NEW]
    vectors = [vector(version, name, False) for version, name in cases]
    vectors += [vector(version, name, True) for version, name in cases if "_CBC_" in name and version > 0x0300]
    lines = ",\n".join(json.dumps(one) for one in vectors)
    plaintexts = json.dumps([plaintext.hex() for _, plaintext in MESSAGES])
    Path(__file__).with_name("tlslite_vectors.json").write_text(
        f'{{"transcript": "{TRANSCRIPT.hex()}",\n"plaintexts": {plaintexts},\n"vectors": [\n{lines}\n]}}\n'
    )


if __name__ == "__main__":
    main()
