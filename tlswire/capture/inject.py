"""A capture with the secrets that open it inside: pcapng with a Decryption Secrets Block (pcapng §4.7).

What was pcapng is copied byte for byte, the block added behind the first section header; what was pcap becomes pcapng,
each frame with its time, its bytes and its length.

    | section header | Decryption Secrets Block | interfaces, frames, …
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from tlswire.capture.files import Capture
from tlswire.capture.frames import NANOSECONDS
from tlswire.capture.pcapng import SECTION_HEADER, TLS_KEY_LOG, byte_order
from tlswire.errors import CaptureError

_DECRYPTION_SECRETS, _INTERFACE, _ENHANCED_PACKET = 10, 1, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_SECTION_BODY = Struct("<LHHq")
_SECTION_LENGTH = 16  # where it is in the section header's block
_TSRESOL = Struct("<HHBxxx")  # the option if_tsresol: code 9, length 1, decimal digits


def with_secrets(capture: Capture, key_log: bytes) -> Iterator[bytes]:
    """The bytes of `capture` as pcapng, with `key_log` in it.

    Parameters: `capture`, open, of which no frame was taken; `key_log`, lines of an NSS key log.

    Raises CaptureError where the capture is damaged or cut short, after what came before; of a pcapng file that is
    told for its first block only, since the rest is copied as it is.
    """
    if capture.format == "pcapng":
        yield from _copied(capture, key_log)
    else:
        yield from _converted(capture, key_log)


def _copied(capture: Capture, key_log: bytes) -> Iterator[bytes]:
    pieces = capture.pieces()
    head = b""
    need = 28  # bytes of the shortest section header
    while len(head) < need:
        piece = next(pieces, b"")
        if not piece:
            raise CaptureError(f"the file is cut short: expected {need} bytes of a section header", capture.name, 0)
        head += piece
        if len(head) >= 12:
            order = byte_order(head[8:12])
            if order is None or not head.startswith(SECTION_HEADER):
                raise CaptureError("the file is damaged: no byte-order magic where one should be", capture.name, 0)
            (total,) = Struct(order + "L").unpack_from(head, 4)
            need = max(need, total + 3 & ~3)
    assert order is not None
    added = _secrets_block(order, key_log)
    length = Struct(order + "q")
    (section,) = length.unpack_from(head, _SECTION_LENGTH)
    if section >= 0:
        head = head[:_SECTION_LENGTH] + length.pack(section + len(added)) + head[_SECTION_LENGTH + length.size :]
    yield head[:need]
    yield added
    yield head[need:]
    yield from pieces


def _converted(capture: Capture, key_log: bytes) -> Iterator[bytes]:
    yield _block("<", int.from_bytes(SECTION_HEADER, "little"), _SECTION_BODY.pack(_BYTE_ORDER_MAGIC, 1, 0, -1))
    yield _secrets_block("<", key_log)
    described = False
    for _, ticks, interface, block, start, end, original in capture.raw_frames():
        if not described:
            digits = 9 if interface.ticks_per_second == NANOSECONDS else 6
            description = Struct("<HHL").pack(interface.link_type & 0xFFFF, 0, 0) + _TSRESOL.pack(9, 1, digits)
            yield _block("<", _INTERFACE, description)
            described = True
        data = block[start:end]
        head = Struct("<LLLLL").pack(0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), original)
        yield _block("<", _ENHANCED_PACKET, head + data)


def _secrets_block(order: str, key_log: bytes) -> bytes:
    return _block(order, _DECRYPTION_SECRETS, Struct(order + "LL").pack(TLS_KEY_LOG, len(key_log)) + key_log)


def _block(order: str, kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    total = len(padded) + 12
    return Struct(order + "LL").pack(kind, total) + padded + Struct(order + "L").pack(total)
