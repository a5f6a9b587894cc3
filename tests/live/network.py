"""Two network namespaces joined by a cable, and tcpdump on it.

The server is 10.10.10.15, the client 10.10.10.16, as in the case that the project exists for.  Frames are
limited to 1,514 bytes unless segmentation offload is wanted, so that the captures look as from a mirror port.
tcpdump writes to a pipe that is read here: so the end of every TCP connection is an event that can be awaited,
and no capture stops too early.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from peers import Peer, PeerError

HOSTS = {"server": 15, "client": 16}
PORT = 443
FIN, RST = 0x01, 0x04


class Network:
    """The two namespaces; `start("client", argv)` runs a process in one of them."""

    def __init__(self, folder: Path, *, offload: bool = False) -> None:
        """Name the network; the processes started in it have `folder` as their working directory."""
        self.folder = folder
        self._namespaces = {side: f"tlswire-{side}-{os.getpid()}" for side in HOSTS}
        self._offload = offload

    def __enter__(self) -> Network:
        for namespace in self._namespaces.values():
            _ip("netns", "add", namespace)
        server, client = self._namespaces.values()
        _ip("link", "add", "eth0", "netns", server, "type", "veth", "peer", "name", "eth0", "netns", client)
        for side, host in HOSTS.items():
            self._ip(side, "link", "set", "lo", "up")
            self._ip(side, "link", "set", "eth0", "address", f"02:00:0a:0a:0a:{host}")
            if not self._offload:
                self._ip(side, "link", "set", "eth0", "gso_max_segs", "1")
            self._ip(side, "address", "add", f"10.10.10.{host}/24", "dev", "eth0")
            self._ip(side, "address", "add", f"fd0a:a:a::{host}/64", "dev", "eth0", "nodad")
            self._ip(side, "link", "set", "eth0", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for namespace in self._namespaces.values():
            _ip("netns", "delete", namespace)

    def start(self, side: str, argv: list[str]) -> Peer:
        """Start a process in the namespace of `side`."""
        return Peer(argv, prefix=["ip", "netns", "exec", self._namespaces[side]], folder=self.folder)

    def _ip(self, side: str, *arguments: str) -> None:
        _ip("-n", self._namespaces[side], *arguments)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


class Tcpdump:
    """tcpdump on the server's interface; its output, the capture, comes through a pipe."""

    ARGUMENTS = (
        "tcpdump",
        "-i",
        "eth0",
        "--immediate-mode",
        "-U",
        "-B",
        "8192",
        "-w",
        "-",
        "tcp",
        "port",
        str(PORT),
    )

    def __init__(self, network: Network) -> None:
        """Start it and wait until it listens."""
        self._peer = network.start("server", list(self.ARGUMENTS))
        self.command = self._peer.command
        self._peer.expect(b"listening on")

    def wait_closed(self, connections: int) -> None:
        """Wait until so many TCP connections have come to their end: RST, or both FINs acknowledged."""
        self._peer.until(
            lambda: count_closed(bytes(self._peer.stdout)) >= connections,
            f"the end of {connections} connections",
        )

    def stop(self) -> bytes:
        """Stop it; the capture, in pcap format.  To have lost a frame is an error."""
        self._peer.interrupt()
        if b"\n0 packets dropped by kernel" not in self._peer.stderr:
            raise PeerError(f"tcpdump: {bytes(self._peer.stderr)!r}")
        return bytes(self._peer.stdout)


def frames(pcap: bytes) -> Iterator[bytes]:
    """The frames of a little-endian pcap file that may still be growing."""
    offset = 24
    while offset + 16 <= len(pcap):
        (length,) = struct.unpack_from("<I", pcap, offset + 8)
        frame = pcap[offset + 16 : offset + 16 + length]
        if len(frame) < length:
            return
        yield frame
        offset += 16 + length


def count_closed(pcap: bytes) -> int:
    """How many TCP connections in the capture are over."""
    closed: set[int] = set()  # by the client's port
    unacknowledged: dict[tuple[int, int], int] = {}  # (source, destination) port: what acknowledges its FIN
    finished: dict[int, set[int]] = {}
    for frame in frames(pcap):
        ip = frame[14:]
        start, total = (
            (40, 40 + int.from_bytes(ip[4:6], "big"))
            if ip[0] >> 4 == 6
            else (
                (ip[0] & 15) * 4,
                int.from_bytes(ip[2:4], "big"),
            )
        )
        source, destination, sequence, acknowledged, offset, flags = struct.unpack_from(">HHIIBB", ip, start)
        client = source if destination == PORT else destination
        if unacknowledged.get((destination, source)) == acknowledged:
            finished.setdefault(client, set()).add(destination)
        if flags & FIN:
            length = total - start - (offset >> 4) * 4
            unacknowledged[source, destination] = (sequence + length + 1) % 2**32
        if flags & RST or len(finished.get(client, ())) == 2:
            closed.add(client)
    return len(closed)
