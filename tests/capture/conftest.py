"""A small writer of packets and capture files, by `struct` alone: what the readers are tested against.

It is a fixture (`make`) because the tests are no package.  The formats are those of the RFCs and of
draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; that tshark reads what is written here as the tests expect it
is a test of its own (`test_against_tools.py`).
"""

from __future__ import annotations

import io
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tlswire.capture import CaptureLimits, Provenance, RawFrame, TCPAssembler, TCPConnection, open_capture

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
MASK = 0xFFFFFFFF


class Make:
    """Packets and files."""

    FIN, SYN, RST, PSH, ACK = FIN, SYN, RST, PSH, ACK
    CLIENT = ("10.10.10.16", 49685)
    SERVER = ("10.10.10.15", 443)

    # Packets

    @staticmethod
    def tcp(
        source: int, destination: int, seq: int, ack: int, flags: int, payload: bytes = b"", options: bytes = b""
    ) -> bytes:
        words = 5 + len(options) // 4
        head = struct.pack("!HHLLBBHHH", source, destination, seq & MASK, ack & MASK, words << 4, flags, 0xFFFF, 0, 0)
        return head + options + payload

    @staticmethod
    def ipv4(
        source: str,
        destination: str,
        payload: bytes,
        *,
        protocol: int = 6,
        options: bytes = b"",
        total_length: int | None = None,
        fragment: int = 0,
    ) -> bytes:
        header_length = 20 + len(options)
        if total_length is None:
            total_length = header_length + len(payload)
        head = struct.pack(
            "!BBHHHBBH4s4s",
            0x40 | header_length // 4, 0, total_length, 1, fragment, 64, protocol, 0,
            socket.inet_aton(source), socket.inet_aton(destination),
        )  # fmt: skip
        return head + options + payload

    @staticmethod
    def ipv6(
        source: str, destination: str, payload: bytes, *, next_header: int = 6, length: int | None = None
    ) -> bytes:
        addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
        length = len(payload) if length is None else length
        return struct.pack("!LHBB", 0x60000000, length, next_header, 64) + addresses + payload

    @staticmethod
    def ethernet(payload: bytes, ethertype: int = 0x0800) -> bytes:
        return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + struct.pack("!H", ethertype) + payload

    @classmethod
    def segment(
        cls,
        source: tuple[str, int],
        destination: tuple[str, int],
        seq: int,
        ack: int | None,
        flags: int = PSH,
        payload: bytes = b"",
    ) -> bytes:
        """An Ethernet frame with a TCP segment; `ack` None: without ACK."""
        flags |= 0 if ack is None else ACK
        packet = cls.tcp(source[1], destination[1], seq, ack or 0, flags, payload)
        if ":" in source[0]:
            return cls.ethernet(cls.ipv6(source[0], destination[0], packet), 0x86DD)
        return cls.ethernet(cls.ipv4(source[0], destination[0], packet))

    # Files

    @staticmethod
    def pcap(
        frames: Iterable[bytes | tuple[int, bytes, int]],
        *,
        order: str = "<",
        nanoseconds: bool = False,
        link_type: int = 1,
        modified: bool = False,
        version: tuple[int, int] = (2, 4),
    ) -> bytes:
        """A pcap file; a frame is its bytes, or ticks, bytes and original length."""
        magic = 0xA1B23C4D if nanoseconds else 0xA1B2CD34 if modified else 0xA1B2C3D4
        per_second = 1_000_000_000 if nanoseconds else 1_000_000
        out = [struct.pack(order + "LHHlLLL", magic, *version, 0, 0, 262144, link_type)]
        for number, frame in enumerate(frames):
            if not isinstance(frame, tuple):
                frame = (1388063031 * per_second + number, frame, len(frame))
            ticks, data, length = frame
            seconds, fraction = divmod(ticks, per_second)
            out.append(struct.pack(order + "LLLL", seconds, fraction, len(data), length))
            out.append(b"\0" * 8 if modified else b"")
            out.append(data)
        return b"".join(out)

    @staticmethod
    def block(kind: int, body: bytes, order: str = "<") -> bytes:
        """A pcapng block."""
        body += b"\0" * (-len(body) % 4)
        length = struct.pack(order + "L", len(body) + 12)
        return struct.pack(order + "L", kind) + length + body + length

    @classmethod
    def section(cls, order: str = "<") -> bytes:
        return cls.block(0x0A0D0D0A, struct.pack(order + "LHHq", 0x1A2B3C4D, 1, 0, -1), order)

    @classmethod
    def interface(
        cls,
        link_type: int = 1,
        *,
        resolution: int | None = None,
        offset: int | None = None,
        snap_length: int = 0,
        order: str = "<",
    ) -> bytes:
        """An interface description; `resolution` is the byte of if_tsresol."""
        options = b""
        if resolution is not None:
            options += struct.pack(order + "HHB3x", 9, 1, resolution)
        if offset is not None:
            options += struct.pack(order + "HHq", 14, 8, offset)
        if options:
            options = struct.pack(order + "HH4s", 2, 4, b"eth0") + options + b"\0\0\0\0"
        return cls.block(1, struct.pack(order + "HHL", link_type, 0, snap_length) + options, order)

    @classmethod
    def packet(
        cls, data: bytes, ticks: int = 0, *, interface: int = 0, length: int | None = None, order: str = "<"
    ) -> bytes:
        """An enhanced packet block, with a comment."""
        head = struct.pack(
            order + "LLLLL", interface, ticks >> 32, ticks & MASK, len(data), len(data) if length is None else length
        )
        options = struct.pack(order + "HH", 1, 5) + b"hello\0\0\0" + b"\0\0\0\0"
        return cls.block(6, head + data + b"\0" * (-len(data) % 4) + options, order)

    @classmethod
    def pcapng(cls, frames: Iterable[bytes]) -> bytes:
        packets = (cls.packet(frame, 1388063031_000000 + n) for n, frame in enumerate(frames))
        return cls.section() + cls.interface() + b"".join(packets)


def udp(port: int, data: bytes) -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(data), 0) + data


def tagged(tags: str, packet: bytes) -> bytes:
    """An Ethernet frame with these bytes from the EtherType on."""
    return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + bytes.fromhex(tags) + packet


def tunnelled(protocol: int, packet: bytes) -> bytes:
    return Make.ethernet(Make.ipv4("192.0.2.1", "192.0.2.2", packet, protocol=protocol))


# An IPv4 packet in every tag and tunnel that is passed through.
WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda packet: tagged("0800", packet),
    "vlan": lambda packet: tagged("8100 0018 0800", packet),
    "qinq": lambda packet: tagged("88a8 0064 8100 0018 0800", packet),
    "old qinq": lambda packet: tagged("9100 0064 8100 0018 0800", packet),
    "three tags": lambda packet: tagged("88a8 0064 8100 0018 8100 0019 0800", packet),
    "cisco metadata": lambda packet: tagged("8909 0101 0001 0002 0800", packet),
    "mpls": lambda packet: tagged("8847 00010040 00020140", packet),
    "mpls with a vlan": lambda packet: tagged("8100 0018 8847 00010140", packet),
    "pppoe": lambda packet: tagged(f"8864 1100 0001 {len(packet) + 2:04x} 0021", packet),
    "pppoe with a short protocol": lambda packet: tagged(f"8864 1100 0001 {len(packet) + 1:04x} 21", packet),
    "pppoe with mpls": lambda packet: tagged(f"8864 1100 0001 {len(packet) + 6:04x} 0281 00010140", packet),
    "ip in ip": lambda packet: tunnelled(4, packet),
    "ip in ip in ip": lambda packet: tunnelled(4, Make.ipv4("192.0.2.3", "192.0.2.4", packet, protocol=4)),
    "ip in ipv6": lambda packet: Make.ethernet(Make.ipv6("2001:db8::1", "2001:db8::2", packet, next_header=4), 0x86DD),
    "gre": lambda packet: tunnelled(47, bytes.fromhex("0000 0800") + packet),
    "gre with key and sequence": lambda packet: tunnelled(47, bytes.fromhex("3000 0800 00000001 00000002") + packet),
    "gre with ethernet": lambda packet: tunnelled(47, bytes.fromhex("0000 6558") + Make.ethernet(packet)),
    "pptp": lambda packet: tunnelled(
        47, bytes.fromhex(f"3081 880b {len(packet) + 4:04x} 0001 00000001 00000002 ff030021") + packet
    ),
    "vxlan": lambda packet: tunnelled(17, udp(4789, bytes.fromhex("08000000 00000100") + Make.ethernet(packet))),
    "geneve": lambda packet: tunnelled(
        17, udp(6081, bytes.fromhex("02 00 6558 00000100 0102 8001 00000000") + Make.ethernet(packet))
    ),
    "geneve with ip": lambda packet: tunnelled(17, udp(6081, bytes.fromhex("00 00 0800 00000100") + packet)),
    "gtp": lambda packet: tunnelled(17, udp(2152, bytes.fromhex(f"30 ff {len(packet):04x} 00000001") + packet)),
    "gtp with extension headers": lambda packet: tunnelled(
        17,
        udp(2152, bytes.fromhex(f"34 ff {len(packet) + 12:04x} 00000001 0000 00 85 01 1009 85 01 1009 00") + packet),
    ),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "wrapping" in metafunc.fixturenames:
        metafunc.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)


class Talk:
    """The frames of a TCP connection, both sides, as they are sent."""

    def __init__(
        self,
        client: tuple[str, int] = Make.CLIENT,
        server: tuple[str, int] = Make.SERVER,
        isn: tuple[int, int] = (1000, 5000),
    ) -> None:
        self.ends = (client, server)
        self.next = list(isn)
        self.frames: list[bytes] = []

    def send(self, side: int, payload: bytes = b"", flags: int = 0, *, ack: bool = True) -> bytes:
        """The next segment of a side; its sequence number moves on."""
        frame = self.at(side, self.next[side], payload, flags, ack=ack)
        self.next[side] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        return frame

    def at(self, side: int, seq: int, payload: bytes = b"", flags: int = 0, *, ack: bool = True) -> bytes:
        """A segment at a sequence number of its own."""
        acknowledged = self.next[1 - side] if ack else None
        frame = Make.segment(self.ends[side], self.ends[1 - side], seq, acknowledged, flags, payload)
        self.frames.append(frame)
        return frame

    def open(self) -> Talk:
        self.send(0, flags=SYN, ack=False)
        self.send(1, flags=SYN)
        self.send(0)
        return self

    def close(self) -> Talk:
        self.send(0, flags=FIN)
        self.send(1, flags=FIN)
        self.send(0)
        return self


class Heard:
    """A `Consumer` that keeps what it is told: per connection and side the bytes, gaps as ("gap", length), "end"."""

    def __init__(self) -> None:
        self.connections: list[TCPConnection] = []
        self.said: dict[tuple[int, int], list[Any]] = {}
        self.at: dict[tuple[int, int], list[int]] = {}
        self.limits: list[tuple[str, int | None]] = []
        self.over: list[int] = []
        self.mute = False

    def _say(self, connection: TCPConnection, side: int, what: Any, at: Provenance) -> None:
        assert connection.number not in self.over
        said = self.said[connection.number, side]
        assert "end" not in said
        said.append(what)
        self.at[connection.number, side].append(at.frame)

    def opened(self, connection: TCPConnection, at: Provenance) -> None:
        assert connection.number == len(self.connections)
        self.connections.append(connection)
        for side in (0, 1):
            self.said[connection.number, side] = []
            self.at[connection.number, side] = []

    def data(self, connection: TCPConnection, side: int, data: bytes, at: Provenance) -> None:
        assert type(data) is bytes
        assert data
        self._say(connection, side, data, at)
        if self.mute:
            connection.mute()

    def gap(self, connection: TCPConnection, side: int, length: int | None, at: Provenance) -> None:
        assert length is None or length > 0
        self._say(connection, side, ("gap", length), at)

    def end(self, connection: TCPConnection, side: int, at: Provenance) -> None:
        self._say(connection, side, "end", at)

    def closed(self, connection: TCPConnection, at: Provenance) -> None:
        assert connection.number not in self.over
        self.over.append(connection.number)

    def limit_reached(
        self, limit: str, value: int, connection: TCPConnection | None, dropped: int, at: Provenance
    ) -> None:
        self.limits.append((limit, None if connection is None else connection.number))

    def stream(self, number: int = 0, side: int = 0) -> list[Any]:
        """What a side said, bytes that follow each other joined."""
        joined: list[Any] = []
        for what in self.said[number, side]:
            if isinstance(what, bytes) and joined and isinstance(joined[-1], bytes):
                joined[-1] += what
            else:
                joined.append(what)
        return joined


@pytest.fixture(scope="session")
def wrappings() -> dict[str, Callable[[bytes], bytes]]:
    return WRAPPINGS


@pytest.fixture(scope="session")
def make() -> type[Make]:
    return Make


@pytest.fixture(scope="session")
def talk() -> type[Talk]:
    return Talk


@pytest.fixture(scope="session")
def hear() -> Callable[..., tuple[Heard, TCPAssembler]]:
    """Assembles frames: (frames or a file's bytes, limits) to what was heard, and the assembler."""

    def hear(
        source: bytes | Iterable[bytes], limits: CaptureLimits | None = None, *, mute: bool = False
    ) -> tuple[Heard, TCPAssembler]:
        heard = Heard()
        heard.mute = mute
        assembler = TCPAssembler(heard, limits)
        data = source if isinstance(source, bytes) else Make.pcap(source)
        with open_capture(io.BytesIO(data), "test") as capture:
            frames: Iterator[RawFrame] = capture.raw_frames()
            assembler.receive_all(frames)
        assembler.finish()
        assert len(heard.over) == len(heard.connections)
        if not mute:
            assert all(said[-1] == "end" for said in heard.said.values())
        assert assembler.waiting == 0
        return heard, assembler

    return hear
