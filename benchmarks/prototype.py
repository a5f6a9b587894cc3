"""The floor of the whole job: from a capture and the server's key to each side's plaintext, in as little as does it.

    python benchmarks/prototype.py KEY CAPTURE DIRECTORY

It maps the file, reads headers by offset, puts segments in order, splits records, and opens them with one decryptor or
AEAD object per direction, checking each MAC or tag.  It knows classic pcap, Ethernet, IPv4 without options, RSA key
exchange and the three suites of `inputs`; no gap, no renegotiation, no resumption, no verdict, no Finished, no other
direction's order, no limit, no manifest.
"""

from __future__ import annotations

import hashlib
import hmac
import mmap
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import load_pem_private_key

HEADER = struct.Struct(">BHH").unpack_from
CLIENT_HELLO, SERVER_HELLO, CLIENT_KEY_EXCHANGE = 1, 2, 16
EXTENDED_MASTER_SECRET = 23
FIN, SYN = 1, 2


def p_hash(name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash, RFC 5246 §5."""
    made, a = b"", seed
    while len(made) < length:
        a = hmac.digest(secret, a, name)
        made += hmac.digest(secret, a + seed, name)
    return made[:length]


def prf(old: bool, secret: bytes, seed: bytes, length: int) -> bytes:
    """The PRF of TLS 1.2, or of the versions before it (RFC 2246 §5)."""
    if not old:
        return p_hash("sha256", secret, seed, length)
    half = (len(secret) + 1) // 2
    both = zip(p_hash("md5", secret[:half], seed, length), p_hash("sha1", secret[-half:], seed, length), strict=True)
    return bytes(x ^ y for x, y in both)


def gcm(key: bytes, salt: bytes) -> Callable[[int, bytes], bytes]:
    """Opens the records of one direction: type and fragment to plaintext."""
    decrypt, pack, sequence = AESGCM(key).decrypt, struct.Struct(">QBHH").pack, 0

    def opened(kind: int, fragment: bytes) -> bytes:
        nonlocal sequence
        aad = pack(sequence, kind, 0x0303, len(fragment) - 24)
        sequence += 1
        return decrypt(salt + fragment[:8], fragment[8:], aad)

    return opened


def cbc(key: bytes, mac_key: bytes, iv: bytes, version: int) -> Callable[[int, bytes], bytes]:
    """The same for CBC: an IV in each record is one more block, before TLS 1.1 there is none."""
    update, start, sequence = Cipher(AES(key), CBC(iv)).decryptor().update, 16 if version > 0x301 else 0, 0
    keyed, pack = hmac.new(mac_key, digestmod="sha1"), struct.Struct(">QBHH").pack

    def opened(kind: int, fragment: bytes) -> bytes:
        nonlocal sequence
        plain = update(fragment)
        end = len(plain) - 21 - plain[-1]
        data = plain[start:end]
        mac = keyed.copy()
        mac.update(pack(sequence, kind, version, len(data)))
        mac.update(data)
        if not hmac.compare_digest(mac.digest(), plain[end : end + 20]):
            raise ValueError("bad MAC")
        sequence += 1
        return data

    return opened


class Stream:
    """One connection: side 0 is the client."""

    def __init__(self, key: RSAPrivateKey, path: Path) -> None:
        self.key = key
        self.out = [open(f"{path}.{side}.bin", "wb") for side in ("client", "server")]  # noqa: SIM115
        self.expected: list[int | None] = [None, None]
        self.early: list[dict[int, bytes]] = [{}, {}]
        self.pending = [b"", b""]
        self.open: list[Callable[[int, bytes], bytes] | None] = [None, None]
        self.ready: list[Callable[[int, bytes], bytes] | None] = [None, None]
        self.messages = b""
        self.randoms = [b"", b""]
        self.extended = False
        self.version = self.suite = 0

    def segment(self, side: int, number: int, data: bytes) -> None:
        """Puts a segment in order, and reads on."""
        if number != self.expected[side]:
            self.early[side][number] = data
            return
        early = self.early[side]
        number += len(data)
        if early:
            parts = [data]
            while (more := early.pop(number & 0xFFFFFFFF, None)) is not None:
                parts.append(more)
                number += len(more)
            data = b"".join(parts)
        self.expected[side] = number & 0xFFFFFFFF
        self.read(side, self.pending[side] + data)

    def read(self, side: int, data: bytes) -> None:
        """Splits records and takes each for what it is."""
        position, end, opened, write = 0, len(data), self.open[side], self.out[side].write
        while position + 5 <= end:
            kind, _, length = HEADER(data, position)
            start = position + 5
            if start + length > end:
                break
            position = start + length
            fragment = data[start:position]
            if opened is not None:
                plain = opened(kind, fragment)
                if kind == 23:
                    write(plain)
            elif kind == 20:
                opened = self.open[side] = self.ready[side]
            elif kind == 22:
                self.handshake(side, fragment)
        self.pending[side] = data[position:]

    def handshake(self, side: int, fragment: bytes) -> None:
        """Takes randoms, version, suite and premaster from the clear handshake; a message does not span records."""
        while fragment:
            end = 4 + int.from_bytes(fragment[1:4], "big")
            message, fragment = fragment[:end], fragment[end:]
            self.messages += message
            if message[0] in (CLIENT_HELLO, SERVER_HELLO):
                self.randoms[side] = message[6:38]
            if message[0] == SERVER_HELLO:
                self.version = message[4] << 8 | message[5]
                position = 39 + message[38]
                self.suite = message[position] << 8 | message[position + 1]
                position += 5
                while position < len(message):
                    kind, length = struct.unpack_from(">HH", message, position)
                    self.extended |= kind == EXTENDED_MASTER_SECRET
                    position += 4 + length
            elif message[0] == CLIENT_KEY_EXCHANGE:
                self.derive(self.key.decrypt(message[6:], PKCS1v15()))

    def derive(self, premaster: bytes) -> None:
        """Master secret and keys (RFC 5246 §8.1, RFC 7627 §4, RFC 5246 §6.3)."""
        old, (client, server) = self.version < 0x303, self.randoms
        seed = b"master secret" + client + server
        if self.extended:
            hashes = ("md5", "sha1") if old else ("sha256",)
            seed = b"extended master secret" + b"".join(hashlib.new(n, self.messages).digest() for n in hashes)
        block = prf(old, prf(old, premaster, seed, 48), b"key expansion" + server + client, 104)
        if self.suite == 0x9C:
            self.ready = [gcm(block[:16], block[32:36]), gcm(block[16:32], block[36:40])]
        else:
            macs, keys, ivs = (block[:20], block[20:40]), (block[40:56], block[56:72]), (block[72:88], block[88:104])
            self.ready = [cbc(keys[n], macs[n], ivs[n], self.version) for n in (0, 1)]


def main(key_file: str, capture: str, directory: str) -> None:
    """Reads the whole capture."""
    key = load_pem_private_key(Path(key_file).read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, RSAPrivateKey)
    out = Path(directory)
    out.mkdir(exist_ok=True)
    streams: dict[bytes, Stream] = {}
    with open(capture, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        position, end = 24, len(data)
        length_of, fields = struct.Struct("<I").unpack_from, struct.Struct(">HHIIBB").unpack_from
        while position < end:
            frame = position + 16
            position = frame + length_of(data, position + 8)[0]
            _, target, number, _, offset, flags = fields(data, frame + 34)
            side = 0 if target == 443 else 1
            ends = data[frame + 26 : frame + 38]
            if side:
                ends = ends[4:8] + ends[:4] + ends[10:] + ends[8:10]
            start, stop = frame + 34 + (offset >> 4) * 4, frame + 14 + (data[frame + 16] << 8 | data[frame + 17])
            if flags & SYN:
                if ends not in streams:
                    streams[ends] = Stream(key, out / f"stream-{len(streams)}")
                streams[ends].expected[side] = (number + 1) & 0xFFFFFFFF
            elif start < stop:
                streams[ends].segment(side, number, data[start:stop])
            elif flags & FIN:
                streams[ends].out[side].close()


if __name__ == "__main__":
    main(*sys.argv[1:])
