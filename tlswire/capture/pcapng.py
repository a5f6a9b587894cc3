"""The pcapng format (draft-ietf-opsawg-pcapng): blocks, each with its type and its length at both ends.

    | type | total length | body, padded to 4 bytes | total length |

A section header starts over: byte order and interfaces are those of the section.  Enhanced packet blocks,
which is what there is by the million, are read in the loop; the rare blocks by functions.  What is
neither is passed over without being held.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from struct import Struct
from typing import TypeAlias

from tlswire.capture.blocks import Blocks
from tlswire.capture.frames import MAX_FRAME_LENGTH, MICROSECONDS, Interface, RawFrame
from tlswire.errors import CaptureError

SECTION_HEADER = b"\x0a\x0d\x0d\x0a"  # the same in both byte orders
TLS_KEY_LOG = 0x544C534B  # "TLSK": the secrets of a Decryption Secrets Block are an NSS key log

_SECTION = 0x0A0D0D0A
_INTERFACE = 1
_PACKET = 2  # obsolete
_SIMPLE_PACKET = 3
_JOURNAL_EXPORT = 9
_DECRYPTION_SECRETS = 10
_ENHANCED_PACKET = 6
_CUSTOM = (0x0BAD, 0x40000BAD)

_OPTION_TSRESOL = 9
_OPTION_TSOFFSET = 14

# The longest block that is held in memory.  Comments and other options are at most 64 KB each; a block beyond
# this is damage.  What is not needed is passed over whatever its length.
MAX_BLOCK_LENGTH = 16 << 20
_MIN_BLOCK_LENGTH = 12
_HELD = (_SECTION, _INTERFACE, _PACKET, _SIMPLE_PACKET, _DECRYPTION_SECRETS, _ENHANCED_PACKET)

OnSecrets: TypeAlias = Callable[[int, bytes], None]


class _Section:
    """What holds within a section."""

    def __init__(self, order: str, file: str) -> None:
        self.order = order
        self.file = file
        self.interfaces: list[Interface] = []
        self.time_offsets: list[int] = []  # in ticks, by interface
        self.snap_lengths: list[int] = []

    def add_interface(self, body: bytes) -> None:
        """Takes in an interface description block."""
        link_type, snap_length = Struct(self.order + "HxxL").unpack_from(body)
        ticks_per_second, offset = MICROSECONDS, 0
        for code, value in _options(self.order, body, 8):
            if code == _OPTION_TSRESOL and value:
                exponent = value[0] & 0x7F
                ticks_per_second = 1 << exponent if value[0] & 0x80 else 10**exponent
            elif code == _OPTION_TSOFFSET and len(value) >= 8:
                (offset,) = Struct(self.order + "q").unpack_from(value)
        self.interfaces.append(Interface(self.file, link_type, ticks_per_second))
        self.time_offsets.append(offset * ticks_per_second)
        self.snap_lengths.append(snap_length)


def _options(order: str, body: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    header = Struct(order + "HH")
    while position + 4 <= len(body):
        code, length = header.unpack_from(body, position)
        if not code:
            return
        yield code, body[position + 4 : position + 4 + length]
        position += 4 + (length + 3 & ~3)


def pcapng_frames(blocks: Blocks, on_secrets: OnSecrets | None = None) -> Iterator[RawFrame]:
    """Gives the frames of a pcapng file whose beginning is in `blocks`.

    `on_secrets` is called with the type and the bytes of each Decryption Secrets Block.
    Raises CaptureError at a block that cannot be, or where the file is cut short.
    """
    name = blocks.name
    number = 0
    position = 0
    section = _Section("<", name)
    head = Struct("<LL")
    enhanced = Struct("<LLLLLLL").unpack_from
    while True:
        block = blocks.buffer
        held = len(block)
        last = held - 32
        interfaces = section.interfaces
        time_offsets = section.time_offsets
        # The hot path: enhanced packet blocks that are held whole.
        while position <= last:
            kind, total, index, high, low, captured, original = enhanced(block, position)
            start = position + 28
            end = position + (total + 3 & ~3)
            if (
                kind != _ENHANCED_PACKET
                or end > held
                or captured > MAX_FRAME_LENGTH
                or captured + 32 > total
                or index >= len(interfaces)
            ):
                break
            number += 1
            ticks = (high << 32 | low) + time_offsets[index]
            yield number, ticks, interfaces[index], block, start, start + captured, original
            position = end

        # Anything else, the end of what is held included.
        if held - position < _MIN_BLOCK_LENGTH:
            if not blocks.extend(position, _MIN_BLOCK_LENGTH):
                break
            position = 0
            block = blocks.buffer
        if block.startswith(SECTION_HEADER, position):
            order = byte_order(block[position + 8 : position + 12])
            if order is None:
                raise _damaged(blocks, position, number, "no byte-order magic where one should be")
            section = _Section(order, name)
            head = Struct(order + "LL")
            enhanced = Struct(order + "LLLLLLL").unpack_from
        kind, total = head.unpack_from(block, position)
        length = total + 3 & ~3
        if total < _MIN_BLOCK_LENGTH or (length > MAX_BLOCK_LENGTH and kind in _HELD):
            raise _damaged(blocks, position, number, f"a block of {total} bytes")
        if kind not in _HELD:
            if kind == _JOURNAL_EXPORT or kind in _CUSTOM:
                number += 1  # as Wireshark counts
            if not blocks.skip(position, length):
                raise _cut_short(blocks, f"the file ends in a block of {total} bytes", number)
            position = 0
            continue
        if len(block) - position < length:
            if not blocks.extend(position, length):
                raise _cut_short(blocks, f"expected a block of {total} bytes, got {len(blocks.buffer)}", number)
            position = 0
            if kind == _ENHANCED_PACKET:
                continue
            block = blocks.buffer
        body = block[position + 8 : position + total - 4]
        try:
            if kind == _INTERFACE:
                section.add_interface(body)
            elif kind == _DECRYPTION_SECRETS:
                if on_secrets is not None:
                    _tell_secrets(section.order, body, on_secrets)
            elif kind != _SECTION:
                frame = _rare_packet(section, kind, body)
                number += 1
                ticks, interface, start, end, original = frame
                yield number, ticks, interface, body, start, end, original
        except (struct.error, IndexError) as error:
            raise _damaged(blocks, position, number, f"a block of type {kind} that is too short") from error
        except ValueError as error:
            raise _damaged(blocks, position, number, str(error)) from error
        position += length
    if blocks.buffer:
        raise _cut_short(
            blocks,
            f"expected a block of at least {_MIN_BLOCK_LENGTH} bytes, got {len(blocks.buffer)}",
            number,
        )


def _rare_packet(section: _Section, kind: int, body: bytes) -> tuple[int, Interface, int, int, int]:
    """Reads a packet of any of the three kinds: its ticks, its interface, where its bytes are, its length."""
    if kind == _SIMPLE_PACKET:
        (original,) = Struct(section.order + "L").unpack_from(body)
        index, ticks, start = 0, 0, 4  # there is no time in this block
        captured = min(original, len(body) - start)
        if section.snap_lengths and section.snap_lengths[0]:
            captured = min(captured, section.snap_lengths[0])
    else:
        shape = "LLLLL" if kind == _ENHANCED_PACKET else "HxxLLLL"
        index, high, low, captured, original = Struct(section.order + shape).unpack_from(body)
        ticks, start = high << 32 | low, 20
    if index >= len(section.interfaces):
        raise ValueError(f"a frame of interface {index}, which is not described")
    if captured > MAX_FRAME_LENGTH or start + captured > len(body):
        raise ValueError(f"a frame of {captured} bytes in a block of {len(body) + _MIN_BLOCK_LENGTH}")
    if kind != _SIMPLE_PACKET:
        ticks += section.time_offsets[index]
    return ticks, section.interfaces[index], start, start + captured, original


def _tell_secrets(order: str, body: bytes, on_secrets: OnSecrets) -> None:
    secrets_type, length = Struct(order + "LL").unpack_from(body)
    on_secrets(secrets_type, body[8 : 8 + length])


def byte_order(magic: bytes) -> str | None:
    """`<` or `>`, by the magic number of a section header; None where that is none."""
    return {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(magic)


def _damaged(blocks: Blocks, position: int, number: int, what: str) -> CaptureError:
    return CaptureError(f"the file is damaged: {what}", blocks.name, blocks.offset + position, number + 1)


def _cut_short(blocks: Blocks, what: str, number: int) -> CaptureError:
    return CaptureError(f"the file is cut short: {what}", blocks.name, blocks.offset, number + 1)
