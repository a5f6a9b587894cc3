"""How fast messages decode, as ratios within one run: the generated decoder against a floor and the reference.

    python benchmarks/decoders.py

The floor is code written by hand for the one message, with slices and one check a field, that makes the same objects
of the same classes; the reference is the interpreted construct schema.  Each round runs all three, one after the other,
so that a machine that slows down slows all of them; medians are compared.  No network, no root.
"""

from __future__ import annotations

import statistics
import struct
import time
from collections.abc import Callable

from tlswire.registry import CipherSuite, ClientCertificateType, CompressionMethod, ProtocolVersion, SignatureScheme
from tlswire.schema import CertificateRequestTLS12, ClientHello, DistinguishedName
from tlswire.wire import Message

ROUNDS = 15


def hello() -> bytes:
    """A ClientHello without extensions: 20 suites, a session ID."""
    suites = b"".join(code.to_bytes(2, "big") for code in range(0xC001, 0xC015))
    return b"\x03\x03" + bytes(range(32)) + b"\x20" + bytes(32) + struct.pack(">H", len(suites)) + suites + b"\x01\x00"


def request(names: int = 200) -> bytes:
    """A CertificateRequest of TLS 1.2 with as many names of 80 bytes."""
    name = bytes.fromhex("304e") + bytes(78)
    vector = b"".join(struct.pack(">H", len(name)) + name for _ in range(names))
    return b"\x02\x01\x40" + b"\x00\x04\x04\x01\x05\x01" + struct.pack(">H", len(vector)) + vector


def hello_by_hand(raw: bytes) -> ClientHello:
    """The floor for `hello`."""
    version = ProtocolVersion.BY_CODE[raw[0] << 8 | raw[1]]
    random, position = raw[2:34], 35 + raw[34]
    session_id = raw[35:position]
    count = raw[position] << 8 | raw[position + 1]
    position += 2
    codes = struct.unpack_from(f">{count // 2}H", raw, position)
    suites = tuple(map(CipherSuite.BY_CODE.__getitem__, codes))
    position += count
    end = position + 1 + raw[position]
    compressions = tuple(map(CompressionMethod.BY_CODE.__getitem__, raw[position + 1 : end]))
    if end != len(raw):
        raise ValueError
    return ClientHello(version, random, session_id, suites, compressions)


def request_by_hand(raw: bytes) -> CertificateRequestTLS12:
    """The floor for `request`."""
    position = 1 + raw[0]
    types = tuple(map(ClientCertificateType.BY_CODE.__getitem__, raw[1:position]))
    count = raw[position] << 8 | raw[position + 1]
    position += 2
    codes = struct.unpack_from(f">{count // 2}H", raw, position)
    algorithms = tuple(map(SignatureScheme.BY_CODE.__getitem__, codes))
    position += count + 2
    names, end = [], len(raw)
    while position < end:
        start = position + 2
        position = start + (raw[position] << 8 | raw[position + 1])
        names.append(DistinguishedName(raw[start:position]))
    if position != end:
        raise ValueError
    return CertificateRequestTLS12(types, algorithms, tuple(names))


def microseconds(work: Callable[[], object], count: int) -> float:
    """How long one call takes, over `count` calls."""
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count * 1e6


def measure(name: str, kind: type[Message], raw: bytes, by_hand: Callable[[bytes], Message], count: int) -> None:
    """Prints the row of one message."""
    assert kind.decode(raw) == by_hand(raw) == kind.SCHEMA.parse(raw)
    rounds = [
        (
            microseconds(lambda: kind.decode(raw), count),
            microseconds(lambda: by_hand(raw), count),
            microseconds(lambda: kind.SCHEMA.parse(raw), max(1, count // 20)),
        )
        for _ in range(ROUNDS)
    ]
    generated, floor, reference = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"{name:<34} {generated:9.2f} us {floor:9.2f} us {reference:9.1f} us"
        f" {generated / floor:8.2f} x floor {reference / generated:8.1f} x faster than interpreted"
    )


if __name__ == "__main__":
    print(f"{'':<34} {'generated':>12} {'by hand':>12} {'interpreted':>12}")
    measure("ClientHello, 20 suites", ClientHello, hello(), hello_by_hand, 2000)
    measure("CertificateRequest, 200 names", CertificateRequestTLS12, request(), request_by_hand, 200)
