"""The pcap format (draft-ietf-opsawg-pcap): a header of 24 bytes, then frames, each behind a header of 16.

The first four bytes tell byte order, clock and shape.  The loop over the frames is the hot path: one
`unpack` and one tuple a frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from tlswire.capture.blocks import Blocks
from tlswire.capture.frames import MAX_FRAME_LENGTH, MICROSECONDS, NANOSECONDS, Interface, RawFrame
from tlswire.errors import CaptureError

FILE_HEADER_LENGTH = 24

# magic: byte order, ticks per second, length of a frame's header
PCAP_MAGICS: dict[bytes, tuple[str, int, int]] = {
    b"\xd4\xc3\xb2\xa1": ("<", MICROSECONDS, 16),
    b"\xa1\xb2\xc3\xd4": (">", MICROSECONDS, 16),
    b"\x4d\x3c\xb2\xa1": ("<", NANOSECONDS, 16),
    b"\xa1\xb2\x3c\x4d": (">", NANOSECONDS, 16),
    b"\x34\xcd\xb2\xa1": ("<", MICROSECONDS, 24),  # "modified": A. Kuznetzov's libpcap of the 1990s adds
    b"\xa1\xb2\xcd\x34": (">", MICROSECONDS, 24),  # an interface, a protocol and a packet type
}


def pcap_frames(blocks: Blocks) -> Iterator[RawFrame]:
    """Gives the frames of a pcap file whose beginning is in `blocks`.

    Raises CaptureError at a length that cannot be, or where the file is cut short.
    """
    if len(blocks.buffer) < FILE_HEADER_LENGTH:
        raise CaptureError(
            f"the file is cut short: its header has {len(blocks.buffer)} of {FILE_HEADER_LENGTH} bytes",
            blocks.name,
            0,
        )
    order, ticks_per_second, header_length = PCAP_MAGICS[blocks.buffer[:4]]
    major, minor, link_type = Struct(order + "4xHH12xL").unpack_from(blocks.buffer)
    # The upper bits of the link type say how long the frame check sequence is; it is cut off with the
    # padding.
    interface = Interface(blocks.name, link_type & 0x03FFFFFF, ticks_per_second)
    old = (major, minor) < (2, 4)
    unpack = Struct(order + "LLLL").unpack_from
    position = FILE_HEADER_LENGTH
    number = 0
    while True:
        block = blocks.buffer
        held = len(block)
        last = held - header_length
        while position <= last:
            seconds, fraction, captured, original = unpack(block, position)
            if old and captured > original:  # before version 2.4 some programs wrote the lengths the other way
                captured, original = original, captured
            start = position + header_length
            end = start + captured
            if end > held or captured > MAX_FRAME_LENGTH:
                break
            number += 1
            yield number, seconds * ticks_per_second + fraction, interface, block, start, end, original
            position = end
        need = header_length
        if position <= last:
            if captured > MAX_FRAME_LENGTH:
                raise CaptureError(
                    f"the file is damaged: a frame of {captured} bytes, expected at most {MAX_FRAME_LENGTH}",
                    blocks.name,
                    blocks.offset + position,
                    number + 1,
                )
            need += captured
        whole = blocks.extend(position, need)
        position = 0
        if not whole:
            break
    if blocks.buffer:
        raise CaptureError(
            f"the file is cut short: expected {need} bytes of a frame, got {len(blocks.buffer)}",
            blocks.name,
            blocks.offset,
            number + 1,
        )
