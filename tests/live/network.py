"""Two network namespaces joined by a cable, and tcpdump on it.

The server is 10.10.10.15, the client 10.10.10.16, as in the case that the project exists for.  Frames are
limited to 1,514 bytes unless segmentation offload is wanted, so that captures look as from a mirror port.
tcpdump writes to a pipe that is read here: so the end of every TCP connection is an event that can be
awaited, and no capture stops too early.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from peers import Peer, PeerError

HOSTS = {"server": 15, "client": 16}
PORT = 443
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
LINK_HEADERS = {1: 14, 113: 16, 276: 20}  # pcap link type: Ethernet, Linux cooked v1 and v2: bytes before IP


class Network:
    """The two namespaces; `start("client", command)` runs a process in one of them."""

    def __init__(self, folder: Path, *, offload: bool = False) -> None:
        """Name the network; the processes started in it have `folder` as their working directory."""
        self._folder = folder
        self._namespaces = {side: f"tlswire-{side}-{os.getpid()}" for side in HOSTS}
        self._offload = offload

    def __enter__(self) -> Network:
        server, client = self._namespaces.values()
        with ExitStack() as stack:
            for namespace in (server, client):
                _ip("netns", "add", namespace)
                stack.callback(_ip, "netns", "delete", namespace)
            _ip(
                "link",
                "add",
                "eth0",
                "netns",
                server,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                client,
            )
            for side, host in HOSTS.items():
                self._set_up(side, host)
            self._exit = stack.pop_all()
        return self

    def _set_up(self, side: str, host: int) -> None:
        self._ip(side, "link", "set", "lo", "up")
        self._ip(side, "link", "set", "eth0", "address", f"02:00:0a:0a:0a:{host}")
        if not self._offload:
            self._ip(side, "link", "set", "eth0", "gso_max_segs", "1")
        self._ip(side, "address", "add", f"10.10.10.{host}/24", "dev", "eth0")
        self._ip(side, "address", "add", f"fd0a:a:a::{host}/64", "dev", "eth0", "nodad")
        self._ip(side, "link", "set", "eth0", "up")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def start(self, side: str, command: str) -> Peer:
        """Start a process in the namespace of `side`."""
        return Peer(command, prefix=["ip", "netns", "exec", self._namespaces[side]], folder=self._folder)

    def _ip(self, side: str, *arguments: str) -> None:
        _ip("-n", self._namespaces[side], *arguments)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


class Tcpdump:
    """tcpdump on the server's side; its output, the capture, comes through a pipe."""

    def __init__(self, network: Network, options: str) -> None:
        """Start it and wait until it listens."""
        command = f"tcpdump {options} --immediate-mode -U -B 8192 -w - tcp port {PORT}"
        self.peer = network.start("server", command)
        self.peer.expect(b"listening on")

    def wait_closed(self, connections: int) -> None:
        """Wait until so many TCP connections have come to their end: RST, or both FINs acknowledged."""
        self.peer.until(
            lambda: count_closed(bytes(self.peer.stdout)) >= connections,
            f"the end of {connections} connections",
        )

    def stop(self) -> bytes:
        """Stop it; the capture, in pcap format.  To have lost a frame is an error."""
        self.peer.interrupt()
        if b"\n0 packets dropped by kernel" not in self.peer.stderr:
            raise PeerError(f"tcpdump: {bytes(self.peer.stderr)!r}")
        return bytes(self.peer.stdout)


class Segment(NamedTuple):
    """What of a TCP segment matters here."""

    source: int
    destination: int
    sequence: int
    acknowledged: int
    flags: int
    length: int


def segments(pcap: bytes) -> Iterator[Segment]:
    """The TCP segments of a little-endian pcap file that may still be growing."""
    offset = 24
    while offset + 16 <= len(pcap):
        (length,) = struct.unpack_from("<I", pcap, offset + 8)
        if offset + 16 + length > len(pcap):
            return
        ip = offset + 16 + LINK_HEADERS[pcap[20] | pcap[21] << 8]
        if pcap[ip] >> 4 == 6:
            tcp, end = ip + 40, ip + 40 + int.from_bytes(pcap[ip + 4 : ip + 6], "big")
        else:
            tcp, end = ip + (pcap[ip] & 15) * 4, ip + int.from_bytes(pcap[ip + 2 : ip + 4], "big")
        source, destination, sequence, acknowledged, header, flags = struct.unpack_from(">HHIIBB", pcap, tcp)
        data = end - tcp - (header >> 4) * 4
        yield Segment(source, destination, sequence, acknowledged, flags, data)
        offset += 16 + length


def client_ports(pcap: bytes) -> list[int]:
    """The client's port of each connection, in the order in which they were opened."""
    return [segment.source for segment in segments(pcap) if segment.flags & (SYN | ACK) == SYN]


def count_closed(pcap: bytes) -> int:
    """How many TCP connections in the capture are over."""
    closed: set[int] = set()  # by the client's port
    awaited: dict[tuple[int, int], int] = {}  # (source, destination): the number that acknowledges its FIN
    finished: dict[int, set[int]] = {}  # the client's port: which sides' FINs are acknowledged
    for segment in segments(pcap):
        client = segment.source if segment.destination == PORT else segment.destination
        if awaited.get((segment.destination, segment.source)) == segment.acknowledged:
            finished.setdefault(client, set()).add(segment.destination)
        if segment.flags & FIN:
            awaited[segment.source, segment.destination] = (segment.sequence + segment.length + 1) % 2**32
        if segment.flags & RST or len(finished.get(client, ())) == 2:
            closed.add(client)
    return len(closed)
