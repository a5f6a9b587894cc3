"""Opening a capture: from a path, standard input or a file object to the reader of its format.

Files are read in blocks, front to back, so that memory does not grow with the file and a pipe does as
well as a file.  What is compressed with gzip is opened on the way; what is no capture is named, with the
remedy where there is one.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias

from tlswire.capture.blocks import Blocks
from tlswire.capture.frames import Frame, RawFrame
from tlswire.capture.pcap import FILE_HEADER_LENGTH, PCAP_MAGICS, pcap_frames
from tlswire.capture.pcapng import SECTION_HEADER, OnSecrets, pcapng_frames
from tlswire.errors import CaptureError

if TYPE_CHECKING:
    from fractions import Fraction

EXPECTED = "expected a pcap or pcapng capture"

_EDITCAP = "convert it with `editcap -F pcapng IN OUT`"
_DECOMPRESS = "decompress it first"
_UNPACK = "unpack it first"
# What people give for a capture, by its first bytes; {name} is said, then the remedy.
_OTHER_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"GMBU", "a Microsoft Network Monitor capture", _EDITCAP),
    (b"RTSS", "a Microsoft Network Monitor capture", _EDITCAP),
    (b"snoop\0\0\0", "a snoop capture", _EDITCAP),
    (b"TRSNIFF data", "a Sniffer capture", _EDITCAP),
    (b"XCP\0", "a NetXRay capture", _EDITCAP),
    (b"ObserverPktBuff", "an Observer capture", _EDITCAP),
    (b"\x05VNF", "a Visual Networks capture", _EDITCAP),
    (b"\xaa\xaa\xaa\xaa", "a 5View capture", _EDITCAP),
    (b"\x7fver", "an OmniPeek capture", _EDITCAP),
    (b"iptrace ", "an iptrace of AIX", _EDITCAP),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", _DECOMPRESS),
    (b"\x04\x22\x4d\x18", "compressed with lz4", _DECOMPRESS),
    (b"\xfd7zXZ\0", "compressed with xz", _DECOMPRESS),
    (b"BZh", "compressed with bzip2", _DECOMPRESS),
    (b"PK\x03\x04", "a zip archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"MSCF", "a cabinet", "unpack it first; of `netsh trace`, what is wanted is the .etl file"),
    (b"-----BEGIN", "a PEM file", EXPECTED),
)
_MOST_TOLD = 76  # bytes that tell a format apart
_ETL = "an event trace log (.etl)", "convert it with `pktmon etl2pcap` or etl2pcapng"

CaptureSource: TypeAlias = "str | os.PathLike[str] | BinaryIO"


class _Reads(Protocol):
    def __call__(self, size: int, /) -> bytes: ...


class Capture:
    """An open capture.

    `name` is what it is called in messages; `format` is "pcap" or "pcapng".  `frames` can be iterated
    over once.
    """

    def __init__(
        self,
        name: str,
        format: str,
        frames: Iterator[RawFrame],
        close: Callable[[], None],
        source: _Source,
        blocks: Blocks,
    ) -> None:
        self._blocks = blocks
        self.name = name
        self.format = format
        self._frames = frames
        self._close = close
        self._source = source

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file have been read, as it is stored."""
        return self._source.count

    def watch(self, on_block: Callable[[bytes], object]) -> None:
        """Has `on_block` called with each block of the file, decompressed, before the frames in it are given."""
        self._blocks.on_block = on_block
        on_block(self._blocks.buffer)

    def raw_frames(self) -> Iterator[RawFrame]:
        """The frames, in the order of the file.

        Raises CaptureError where the file is damaged or cut short, after the frames before that.
        """
        return self._frames

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file, decompressed, instead of its frames; raises CaptureError where they cannot be read."""
        while data := self._blocks.take():
            yield data

    def frames(self) -> Iterator[Frame]:
        """The same as `raw_frames`, as `Frame` objects with bytes of their own."""
        for number, ticks, interface, block, start, end, original_length in self._frames:
            yield Frame(
                number,
                ticks,
                interface.ticks_per_second,
                interface.link_type,
                block[start:end],
                original_length,
                interface.file,
            )

    @property
    def begins(self) -> Fraction:
        """When the first frame was captured, in seconds since 1970; 0 when no frame can be read."""
        from fractions import Fraction  # which is asked for of several captures only

        try:
            first = next(self._frames, None)
        except CaptureError as error:
            self._frames = _failing(error)
            return Fraction(0)
        if first is None:
            return Fraction(0)
        self._frames = chain((first,), self._frames)
        return Fraction(first[1], first[2].ticks_per_second)

    def close(self) -> None:
        """Closes what `open_capture` has opened."""
        self._close()

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_capture(source: CaptureSource, name: str | None = None, *, on_secrets: OnSecrets | None = None) -> Capture:
    """Opens a capture: pcap or pcapng, plain or compressed with gzip.

    Parameters: `source`, a path, "-" for standard input, or a binary file object that need not be seekable;
    `name`, what to call it in messages; `on_secrets`, called with the type and the bytes of each Decryption
    Secrets Block when it is read.
    Raises CaptureError when it cannot be read or is no capture.
    """
    close: Callable[[], None] = _nothing
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if path == "-":
            file, name = sys.stdin.buffer, name or "standard input"
        else:
            name = name or path
            try:
                file = open(path, "rb", buffering=0)  # noqa: SIM115 (the Capture closes it)
            except (OSError, ValueError) as error:
                raise CaptureError(_why_unreadable(error), name) from error
            close = file.close
    else:
        file = source
        name = name or str(getattr(source, "name", "capture"))
    with ExitStack() as opened:
        opened.callback(close)
        capture = _open_format(file, name, close, on_secrets)
        opened.pop_all()
    return capture


def open_captures(sources: Iterable[CaptureSource], *, on_secrets: OnSecrets | None = None) -> Iterator[Capture]:
    """Opens captures one after the other, in the order of their first frames, as one that was rotated.

    Only the capture that was given last is open.  Those without a frame come first.
    Raises CaptureError at the first that cannot be opened, before any is given.
    """
    order: list[tuple[Fraction, CaptureSource, Capture | None]] = []
    sources = list(sources)
    if len(sources) == 1:
        yield from _one_by_one([(sources[0], None)], on_secrets)
        return
    for source in sources:
        capture = open_capture(source, on_secrets=on_secrets)
        first = capture.begins
        if isinstance(source, (str, os.PathLike)) and os.fspath(source) != "-":
            capture.close()
            order.append((first, source, None))
        else:
            order.append((first, source, capture))
    order.sort(key=lambda entry: entry[0])
    yield from _one_by_one([(source, capture) for _, source, capture in order], on_secrets)


def _one_by_one(
    captures: list[tuple[CaptureSource, Capture | None]], on_secrets: OnSecrets | None
) -> Iterator[Capture]:
    for source, opened in captures:
        with opened or open_capture(source, on_secrets=on_secrets) as capture:
            yield capture


def _open_format(file: BinaryIO, name: str, close: Callable[[], None], on_secrets: OnSecrets | None) -> Capture:
    # read1 gives what a pipe holds without waiting for more.
    read: _Reads = getattr(file, "read1", file.read)
    source = _Source(read, name)
    blocks = Blocks(source, name)
    blocks.extend(0, 2)
    if blocks.buffer.startswith(b"\x1f\x8b"):
        blocks = Blocks(_gunzipped(blocks, name), name)
    blocks.extend(0, 4)
    magic = blocks.buffer[:4]
    if magic in PCAP_MAGICS:
        blocks.extend(0, FILE_HEADER_LENGTH)
        return Capture(name, "pcap", pcap_frames(blocks), close, source, blocks)
    if magic == SECTION_HEADER:
        return Capture(name, "pcapng", pcapng_frames(blocks, on_secrets), close, source, blocks)
    blocks.extend(0, _MOST_TOLD)
    raise CaptureError(_what_else(blocks.buffer[:_MOST_TOLD], name), name)


def _nothing() -> None:
    pass


def _failing(error: CaptureError) -> Iterator[RawFrame]:
    raise error
    yield


class _Source:
    """Reads a file, counts its bytes, and turns what the system refuses into a CaptureError."""

    def __init__(self, read: _Reads, name: str) -> None:
        self._read = read
        self._name = name
        self.count = 0

    def __call__(self, size: int) -> bytes:
        try:
            data = self._read(size)
        except OSError as error:
            raise CaptureError(_why_unreadable(error), self._name) from error
        self.count += len(data)
        return data


def _gunzipped(packed: Blocks, name: str) -> Callable[[int], bytes]:
    """Reads what `packed` gives, decompressed; several gzip members are one stream (RFC 1952 §2.2)."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    offset = 0
    rest = packed.take()

    def gunzipped(size: int) -> bytes:
        nonlocal inflater, rest, offset
        while True:
            if not rest:
                rest = packed.take()
                if not rest:
                    if not inflater.eof:
                        raise CaptureError("the compressed file is cut short", name, offset)
                    return b""
            if inflater.eof:
                if not rest.strip(b"\0"):  # padding, as on tapes
                    rest = b""
                    continue
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                data = inflater.decompress(rest, size)
            except zlib.error as error:
                raise CaptureError("the compressed file is damaged", name, offset) from error
            left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            offset += len(rest) - len(left)
            rest = left
            if data:
                return data

    return gunzipped


def _why_unreadable(error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot be read: {reason[:1].lower()}{reason[1:]}"


def _what_else(start: bytes, name: str) -> str:
    if not start:
        return f"the file is empty; {EXPECTED}"
    for magic, what, remedy in _OTHER_FORMATS:
        if start.startswith(magic):
            return f"this is {what}; {remedy}"
    if b"NetScaler" in start and b"Performance Data" in start:
        return f"this is a NetScaler trace; {_EDITCAP}"
    # The first event of a trace log is of system type, with TRACE_HEADER_FLAG and
    # TRACE_HEADER_EVENT_TRACE set.
    if (start[75:76] == b"\xc0" and start[74] in (1, 2)) or name.lower().endswith(".etl"):
        return f"this is {_ETL[0]}; {_ETL[1]}"
    return f"no capture: it begins with {start[:4].hex(' ')}; {EXPECTED}"
