"""A stage for one capture, what is recorded on it, and the keys and certificates that all captures share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from certificates import Authority
from network import Network, Tcpdump
from peers import Peer
from testimony import Connection

KEYLOG = "keylog.txt"


@dataclass
class Recording:
    """What one run gave: the capture and the testimony of those who took part.

    `witness` says whose words `connections` are; where no endpoint tells whole messages, `connections` lack
    them, and `names_seen` has the names of the messages that each side sent, in order.
    """

    pcap: bytes
    commands: list[str]
    witness: str
    connections: list[Connection]
    names_seen: dict[str, list[str]] | None = None
    configured_names: list[bytes] = field(default_factory=list)
    server_settings: list[str] = field(default_factory=list)
    server_log: list[str] = field(default_factory=list)
    keylog: bytes = b""
    first_tcp_stream: int = 0  # TCP connections before the first that is TLS


class Stage:
    """The network with tcpdump running on it; peers that are started here end with it."""

    def __init__(self, folder: Path, *, offload: bool = False, tcpdump: str = "-i eth0") -> None:
        """Prepare a stage on which processes have `folder` as their working directory."""
        self._network = Network(folder, offload=offload)
        self._tcpdump_options = tcpdump
        self.commands: list[str] = []

    def __enter__(self) -> Stage:
        with ExitStack() as stack:
            stack.enter_context(self._network)
            self._tcpdump = Tcpdump(self._network, self._tcpdump_options)
            stack.enter_context(self._tcpdump.peer)
            self.commands.append(f"server: {self._tcpdump.peer.command}")
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def start(self, side: str, command: str, ready: bytes = b"") -> Peer:
        """Start a process on one side, and wait until it has said that it is `ready`."""
        peer = self._exit.enter_context(self._network.start(side, command))
        self.commands.append(f"{side}: {command}")
        if ready:
            peer.expect(ready)
        return peer

    def finish(self, connections: int) -> bytes:
        """Wait for the end of so many TCP connections; the capture."""
        self._tcpdump.wait_closed(connections)
        return self._tcpdump.stop()


class Lab:
    """A working folder with keys and certificates, in which captures are made one after the other."""

    def __init__(self, folder: Path, keys: Path) -> None:
        """Put keys and certificates into `folder`; the server's key comes from `keys`."""
        self.folder = folder
        self.authority = Authority(keys)
        self.authority.write_peers(folder)

    def stage(self, *, offload: bool = False, tcpdump: str = "-i eth0") -> Stage:
        """A stage in the working folder."""
        (self.folder / KEYLOG).unlink(missing_ok=True)  # peers append to it
        return Stage(self.folder, offload=offload, tcpdump=tcpdump)

    def write_names(self, subjects: list[bytes]) -> str:
        """Write a file of CA certificates with these subjects; its name."""
        self.authority.write_authorities(self.folder / "names.pem", subjects)
        return "names.pem"

    def read_keylog(self) -> bytes:
        """The key log that a peer has written on the last stage; empty if none did."""
        path = self.folder / KEYLOG
        return path.read_bytes() if path.exists() else b""


@dataclass(frozen=True)
class Scenario:
    """A capture to be made; `format` as editcap names it.

    `tshark_misses` has the messages (sender, name, epoch) that tshark is known to leave encrypted; where
    `tshark_decrypts` is false, these are all that came encrypted, and the data.  `undecryptable` is the reason
    for which tlswire can decrypt it no more than tshark.
    """

    name: str
    summary: str
    run: Callable[[Lab], Recording]
    format: str = "pcap"
    tshark_misses: tuple[tuple[str, str, int], ...] = ()
    tshark_decrypts: bool = True
    undecryptable: str | None = None
