"""The same work by hand: what it costs in Python when nothing but this one task is wanted.

Each floor makes plain slotted objects of the same content and checks no more than that the lengths end where the bytes
do; what it leaves out against the library is said in `UNCHECKED` and printed beside the figure.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tlswire.registry import (
    CipherSuite,
    ClientCertificateType,
    CompressionMethod,
    ECPointFormat,
    ExtensionType,
    NamedGroup,
    NameType,
    ProtocolVersion,
    PskKeyExchangeMode,
    SignatureScheme,
)

VERSION = ProtocolVersion.BY_CODE.__getitem__
SUITE = CipherSuite.BY_CODE.__getitem__
COMPRESSION = CompressionMethod.BY_CODE.__getitem__
EXTENSION = ExtensionType.BY_CODE.__getitem__
GROUP = NamedGroup.BY_CODE.__getitem__
SCHEME = SignatureScheme.BY_CODE.__getitem__
POINT = ECPointFormat.BY_CODE.__getitem__
MODE = PskKeyExchangeMode.BY_CODE.__getitem__
NAME_TYPE = NameType.BY_CODE.__getitem__
CERTIFICATE_TYPE = ClientCertificateType.BY_CODE.__getitem__

UNCHECKED = {
    "records": "types, versions and length limits; side, offset and epoch of each record",
    "client-hello": "paths and offsets of errors; unknown or malformed extensions; messages that compare and print",
    "certificate-request": "an object for each name; paths and offsets of errors; messages that compare and print",
    "gcm": "cutting into records; offsets, epochs, the record's own event; a tag that may fail",
    "cbc": "cutting into records; offsets, epochs, the record's own event; the padding's bytes; a MAC that may fail",
}
"""What the floor leaves out that the library does, by the beginning of the benchmark's name."""


class Record:
    """A record: content type, version, fragment."""

    __slots__ = ("content_type", "fragment", "version")

    def __init__(self, content_type: int, version: int, fragment: bytes) -> None:
        self.content_type = content_type
        self.version = version
        self.fragment = fragment


def records(stream: bytes) -> list[Record]:
    """Splits a stream into records; refuses one that ends inside a record."""
    made, header, position, end = [], struct.Struct(">BHH").unpack_from, 0, len(stream)
    while position < end:
        content_type, version, length = header(stream, position)
        start = position + 5
        position = start + length
        made.append(Record(content_type, version, stream[start:position]))
    if position != end:
        raise ValueError
    return made


class Extension:
    """An extension; its one field is made of types, not bytes."""

    __slots__ = ("type", "value")

    def __init__(self, type: ExtensionType, value: object) -> None:
        self.type = type
        self.value = value


class Pair:
    """A name and its type, a key share and its group."""

    __slots__ = ("first", "second")

    def __init__(self, first: object, second: object) -> None:
        self.first = first
        self.second = second


class Hello:
    """A ClientHello."""

    __slots__ = ("cipher_suites", "client_version", "compression_methods", "extensions", "random", "session_id")

    def __init__(
        self,
        client_version: ProtocolVersion,
        random: bytes,
        session_id: bytes,
        cipher_suites: tuple[CipherSuite, ...],
        compression_methods: tuple[CompressionMethod, ...],
        extensions: tuple[Extension, ...],
    ) -> None:
        self.client_version = client_version
        self.random = random
        self.session_id = session_id
        self.cipher_suites = cipher_suites
        self.compression_methods = compression_methods
        self.extensions = extensions


HEADER = struct.Struct(">HH").unpack_from
Body = Callable[[bytes, int, int], object]


def _rest(raw: bytes, position: int, end: int) -> object:
    return raw[position:end]


def _nothing(raw: bytes, position: int, end: int) -> object:
    if position != end:
        raise ValueError
    return None


def _codes(of: Callable[[int], object]) -> Body:
    def codes(raw: bytes, position: int, end: int) -> object:
        start = position + 2
        if raw[position] << 8 | raw[position + 1] != end - start:
            raise ValueError
        return tuple(map(of, PAIRS[(end - start) // 2](raw, start)))

    return codes


def _bytes(of: Callable[[int], object]) -> Body:
    def codes(raw: bytes, position: int, end: int) -> object:
        start = position + 1
        if raw[position] != end - start:
            raise ValueError
        return tuple(map(of, raw[start:end]))

    return codes


def _versions(raw: bytes, position: int, end: int) -> object:
    start = position + 1
    if raw[position] != end - start:
        raise ValueError
    return tuple(map(VERSION, PAIRS[(end - start) // 2](raw, start)))


def _names(raw: bytes, position: int, end: int) -> object:
    position += 2
    names = []
    while position < end:
        start = position + 3
        stop = start + (raw[position + 1] << 8 | raw[position + 2])
        names.append(Pair(NAME_TYPE(raw[position]), raw[start:stop]))
        position = stop
    if position != end:
        raise ValueError
    return tuple(names)


def _protocols(raw: bytes, position: int, end: int) -> object:
    position += 2
    names = []
    while position < end:
        start = position + 1
        position = start + raw[position]
        names.append(raw[start:position])
    if position != end:
        raise ValueError
    return tuple(names)


def _shares(raw: bytes, position: int, end: int) -> object:
    position += 2
    shares = []
    while position < end:
        start = position + 4
        stop = start + (raw[position + 2] << 8 | raw[position + 3])
        shares.append(Pair(GROUP(raw[position] << 8 | raw[position + 1]), raw[start:stop]))
        position = stop
    if position != end:
        raise ValueError
    return tuple(shares)


PAIRS = [struct.Struct(f">{count}H").unpack_from for count in range(128)]
"""Reads as many two-byte codes."""

BODIES: dict[int, Body] = {
    ExtensionType.server_name: _names,
    ExtensionType.supported_groups: _codes(GROUP),
    ExtensionType.ec_point_formats: _bytes(POINT),
    ExtensionType.signature_algorithms: _codes(SCHEME),
    ExtensionType.application_layer_protocol_negotiation: _protocols,
    ExtensionType.padding: _rest,
    ExtensionType.encrypt_then_mac: _nothing,
    ExtensionType.extended_master_secret: _nothing,
    ExtensionType.session_ticket: _rest,
    ExtensionType.supported_versions: _versions,
    ExtensionType.psk_key_exchange_modes: _bytes(MODE),
    ExtensionType.key_share: _shares,
}
BODIES = {int(code): body for code, body in BODIES.items()}  # a plain number is found faster than a member


def client_hello(raw: bytes) -> Hello:
    """A ClientHello with typed extensions."""
    version = VERSION(raw[0] << 8 | raw[1])
    random, position = raw[2:34], 35 + raw[34]
    session_id = raw[35:position]
    count = raw[position] << 8 | raw[position + 1]
    position += 2
    suites = tuple(map(SUITE, PAIRS[count // 2](raw, position)))
    position += count
    start = position + 1
    position = start + raw[position]
    compressions = tuple(map(COMPRESSION, raw[start:position]))
    position += 2
    extensions, end, header = [], len(raw), HEADER
    while position < end:
        code, length = header(raw, position)
        start = position + 4
        position = start + length
        extensions.append(Extension(EXTENSION(code), BODIES[code](raw, start, position)))
    if position != end:
        raise ValueError
    return Hello(version, random, session_id, suites, compressions, tuple(extensions))


class Request:
    """A CertificateRequest of TLS 1.2."""

    __slots__ = ("algorithms", "authorities", "types")

    def __init__(
        self,
        types: tuple[ClientCertificateType, ...],
        algorithms: tuple[SignatureScheme, ...],
        authorities: tuple[bytes, ...],
    ) -> None:
        self.types = types
        self.algorithms = algorithms
        self.authorities = authorities


def certificate_request(raw: bytes) -> Request:
    """A CertificateRequest of TLS 1.2 whose names are bytes."""
    position = 1 + raw[0]
    types = tuple(map(CERTIFICATE_TYPE, raw[1:position]))
    count = raw[position] << 8 | raw[position + 1]
    position += 2
    algorithms = tuple(map(SCHEME, PAIRS[count // 2](raw, position)))
    position += count
    end = position + 2 + (raw[position] << 8 | raw[position + 1])
    position += 2
    names = []
    while position < end:
        start = position + 2
        position = start + (raw[position] << 8 | raw[position + 1])
        names.append(raw[start:position])
    if position != len(raw):
        raise ValueError
    return Request(types, algorithms, tuple(names))


KEY, MAC_KEY, SALT = bytes(range(16)), bytes(range(20)), b"salt"


class GCM:
    """AES-128-GCM by the bare call, the key object ready (RFC 5288 §3)."""

    def __init__(self) -> None:
        self.decrypt = AESGCM(KEY).decrypt
        self.aad = struct.Struct(">QBHH").pack
        self.sequence = 0

    def open(self, record: bytes) -> bytes:
        """The plaintext of one record; raises InvalidTag."""
        aad = self.aad(self.sequence, record[0], 0x0303, len(record) - 29)
        self.sequence += 1
        return self.decrypt(SALT + record[5:13], record[13:], aad)

    @staticmethod
    def seal(sequence: int, data: bytes) -> bytes:
        """A record, to be opened."""
        nonce = sequence.to_bytes(8, "big")
        sealed = AESGCM(KEY).encrypt(SALT + nonce, data, struct.pack(">QBHH", sequence, 23, 0x0303, len(data)))
        return struct.pack(">BHH", 23, 0x0303, 8 + len(sealed)) + nonce + sealed


class CBC_SHA1:  # noqa: N801 - the suite's name
    """AES-128-CBC with HMAC-SHA-1 by bare calls (RFC 5246 §6.2.3.2).

    One decryptor serves all records: it takes a record's IV for one more block, and what that gives is thrown away.
    """

    def __init__(self) -> None:
        self.update = Cipher(AES(KEY), CBC(bytes(16))).decryptor().update
        padded = MAC_KEY.ljust(64, b"\0")
        self.inner = hashlib.sha1(bytes(byte ^ 0x36 for byte in padded))
        self.outer = hashlib.sha1(bytes(byte ^ 0x5C for byte in padded))
        self.header = struct.Struct(">QBHH").pack
        self.sequence = 0

    def open(self, record: bytes) -> bytes:
        """The plaintext of one record; raises ValueError if its MAC is wrong."""
        plain = self.update(record[5:])
        end = len(plain) - 21 - plain[-1]
        data = plain[16:end]
        inner, outer = self.inner.copy(), self.outer.copy()  # faster than `hmac.HMAC.copy`
        inner.update(self.header(self.sequence, record[0], 0x0303, len(data)))
        inner.update(data)
        outer.update(inner.digest())
        if not hmac.compare_digest(outer.digest(), plain[end : end + 20]):
            raise ValueError
        self.sequence += 1
        return data

    @staticmethod
    def seal(sequence: int, data: bytes) -> bytes:
        """A record, to be opened."""
        plain = data + hmac.digest(MAC_KEY, struct.pack(">QBHH", sequence, 23, 0x0303, len(data)) + data, "sha1")
        padding = 15 - len(plain) % 16
        iv = sequence.to_bytes(16, "big")
        encryptor = Cipher(AES(KEY), CBC(iv)).encryptor()
        sealed = iv + encryptor.update(plain + bytes([padding]) * (padding + 1))
        return struct.pack(">BHH", 23, 0x0303, len(sealed)) + sealed
