"""A real capture with one message changed: decrypted, changed, its Finished computed anew, and protected again.

For what no peer can be brought to.  It knows what is needed for that and no more: TLS 1.1 with RSA, AES-128-CBC and
SHA-1, without extended master secret and encrypt-then-MAC, in a capture that lost and doubled nothing.  The keys stay
the same, since the randoms and the premaster secret do; so each record can be changed in its place.  What comes out has
one record a frame, at the times of the real ones.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from network import ACK, FIN, PORT, SYN

CHANGE_CIPHER_SPEC, HANDSHAKE = 20, 22
CLIENT_HELLO, SERVER_HELLO, CLIENT_KEY_EXCHANGE, FINISHED = 1, 2, 16, 20
PUSH = 0x08
BLOCK = 16

Change = Callable[[int, str, bytes], bytes]
"""From the number of the handshake, the sender and a message to what takes its place."""


@dataclass
class _Record:
    """A record, and the time of the frame in which it ended."""

    sender: str
    kind: int
    fragment: bytes
    time: tuple[int, int]


@dataclass
class _Side:
    """The protection of one direction."""

    mac_key: bytes = b""
    key: bytes = b""
    number: int = 0
    pending: tuple[bytes, bytes] | None = None

    def _mac(self, kind: int, data: bytes) -> bytes:
        head = struct.pack("!QBHH", self.number, kind, 0x0302, len(data))
        return hmac.digest(self.mac_key, head + data, "sha1")

    def open(self, kind: int, fragment: bytes) -> bytes:
        """The plaintext of a record (RFC 4346 §6.2.3.2)."""
        if not self.key:
            return fragment
        decryptor = Cipher(algorithms.AES(self.key), modes.CBC(fragment[:BLOCK])).decryptor()
        padded = decryptor.update(fragment[BLOCK:])
        data = padded[: -1 - padded[-1]]
        plaintext, mac = data[:-20], data[-20:]
        if mac != self._mac(kind, plaintext):
            raise ValueError("the MAC is wrong")
        self.number += 1
        return plaintext

    def seal(self, kind: int, plaintext: bytes) -> bytes:
        """The fragment of a record; its initialisation vector follows from its number, so that runs are alike."""
        if not self.key:
            return plaintext
        data = plaintext + self._mac(kind, plaintext)
        spare = BLOCK - 1 - len(data) % BLOCK
        vector = hashlib.sha256(self.key + self.number.to_bytes(8, "big")).digest()[:BLOCK]
        encryptor = Cipher(algorithms.AES(self.key), modes.CBC(vector)).encryptor()
        self.number += 1
        return vector + encryptor.update(data + bytes([spare]) * (spare + 1))

    def change(self) -> None:
        """Take the pending keys."""
        assert self.pending is not None
        (self.mac_key, self.key), self.number, self.pending = self.pending, 0, None


@dataclass
class _Epoch:
    """What a handshake's keys and Finished follow from."""

    randoms: dict[str, bytes] = field(default_factory=dict)
    master: bytes = b""
    transcript: bytes = b""

    def verify_data(self, sender: str) -> bytes:
        """The contents of Finished (RFC 4346 §7.4.9)."""
        digest = hashlib.md5(self.transcript).digest() + hashlib.sha1(self.transcript).digest()
        return prf(self.master, f"{sender} finished".encode(), digest, 12)


def prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """RFC 4346 §5."""
    half = (len(secret) + 1) // 2
    streams = []
    for part, name in ((secret[:half], "md5"), (secret[-half:], "sha1")):
        one, output = label + seed, b""
        while len(output) < length:
            one = hmac.digest(part, one, name)
            output += hmac.digest(part, one + label + seed, name)
        streams.append(output[:length])
    return bytes(left ^ right for left, right in zip(*streams, strict=True))


def _records(pcap: bytes) -> list[_Record]:
    found: list[_Record] = []
    waiting = {"client": b"", "server": b""}
    offset = 24
    while offset < len(pcap):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", pcap, offset)
        ip = offset + 16 + 14
        end = ip + int.from_bytes(pcap[ip + 2 : ip + 4], "big")
        tcp = ip + (pcap[ip] & 15) * 4
        sender = "server" if int.from_bytes(pcap[tcp : tcp + 2], "big") == PORT else "client"
        waiting[sender] += pcap[tcp + (pcap[tcp + 12] >> 4) * 4 : end]
        while len(waiting[sender]) >= 5 and len(waiting[sender]) >= 5 + int.from_bytes(waiting[sender][3:5], "big"):
            size = 5 + int.from_bytes(waiting[sender][3:5], "big")
            record, waiting[sender] = waiting[sender][:size], waiting[sender][size:]
            found.append(_Record(sender, record[0], record[5:], (seconds, fraction)))
        offset += 16 + length
    return found


def rewritten(pcap: Path, key: Path, change: Change) -> bytes:
    """The capture with its handshake messages as `change` wants them."""
    private = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    reading = {"client": _Side(), "server": _Side()}
    writing = {"client": _Side(), "server": _Side()}
    epochs: list[_Epoch] = []
    output: list[_Record] = []
    for record in _records(pcap.read_bytes()):
        sender = record.sender
        plaintext = reading[sender].open(record.kind, record.fragment)
        if record.kind == HANDSHAKE:
            messages = b""
            while plaintext:
                size = 4 + int.from_bytes(plaintext[1:4], "big")
                message, plaintext = plaintext[:size], plaintext[size:]
                if message[0] == CLIENT_HELLO:
                    epochs.append(_Epoch())
                messages += _take(message, sender, epochs, change, private, (reading, writing))
            plaintext = messages
        fragment = writing[sender].seal(record.kind, plaintext)
        output.append(_Record(sender, record.kind, fragment, record.time))
        if record.kind == CHANGE_CIPHER_SPEC:
            reading[sender].change()
            writing[sender].change()
    return _pcap(output)


def _take(
    message: bytes,
    sender: str,
    epochs: list[_Epoch],
    change: Change,
    private: rsa.RSAPrivateKey,
    sides: tuple[dict[str, _Side], ...],
) -> bytes:
    """The message that takes the place of one, in the transcript too."""
    epoch = epochs[-1]
    if message[0] == FINISHED:
        message = message[:4] + epoch.verify_data(sender)
    message = change(len(epochs) - 1, sender, message)
    epoch.transcript += message
    if message[0] in (CLIENT_HELLO, SERVER_HELLO):
        epoch.randoms[sender] = message[6:38]
    elif message[0] == CLIENT_KEY_EXCHANGE:
        premaster = private.decrypt(message[6:], padding.PKCS1v15())
        client, server = epoch.randoms["client"], epoch.randoms["server"]
        epoch.master = prf(premaster, b"master secret", client + server, 48)
        block = prf(epoch.master, b"key expansion", server + client, 72)
        for side in sides:
            side["client"].pending = block[:20], block[40:56]
            side["server"].pending = block[20:40], block[56:72]
    return message


def _pcap(records: list[_Record]) -> bytes:
    """A capture of one connection, a record a frame."""
    ports = {"client": 49685, "server": PORT}
    numbers = {"client": 1000, "server": 2000}
    frames = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))

    def add(sender: str, flags: int, payload: bytes, time: tuple[int, int]) -> None:
        peer = "server" if sender == "client" else "client"
        segment = struct.pack(
            "!HHIIBBHHH", ports[sender], ports[peer], numbers[sender], numbers[peer], 5 << 4, flags, 65535, 0, 0
        )
        segment += payload
        hosts = {"client": bytes([10, 10, 10, 16]), "server": bytes([10, 10, 10, 15])}
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0) + hosts[sender] + hosts[peer]
        frame = bytes(12) + b"\x08\0" + ip + segment
        frames.extend(struct.pack("<IIII", *time, len(frame), len(frame)) + frame)
        numbers[sender] += len(payload) + bool(flags & (SYN | FIN))

    first, last = records[0].time, records[-1].time
    add("client", SYN, b"", first)
    add("server", SYN | ACK, b"", first)
    for record in records:
        head = struct.pack("!BHH", record.kind, 0x0302, len(record.fragment))
        add(record.sender, ACK | PUSH, head + record.fragment, record.time)
    add("client", FIN | ACK, b"", last)
    add("server", FIN | ACK, b"", last)
    return bytes(frames)


def other_binding(epoch: int, sender: str, message: bytes) -> bytes:
    """The client's renegotiation_info in the second handshake, wrong by one bit (RFC 5746 §3.5)."""
    if epoch != 1 or sender != "client" or message[0] != CLIENT_HELLO:
        return message
    place = message.index(b"\xff\x01\x00\x0d\x0c") + 5
    return message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]


def with_scsv(epoch: int, sender: str, message: bytes) -> bytes:
    """TLS_EMPTY_RENEGOTIATION_INFO_SCSV among the suites of the second ClientHello (RFC 5746 §3.5 forbids it)."""
    if epoch != 1 or sender != "client" or message[0] != CLIENT_HELLO:
        return message
    place = 4 + 2 + 32
    place += 1 + message[place]
    suites = 2 + int.from_bytes(message[place : place + 2], "big")
    body = message[4:place] + struct.pack("!H", suites) + message[place + 2 : place + suites] + b"\0\xff"
    body += message[place + suites :]
    return message[:1] + len(body).to_bytes(3, "big") + body
