"""One capture: bring up the network and the peers, record, and put down all that is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from apache import Apache
from certificates import Authority
from network import Network, Tcpdump
from testimony import Connection, read_curl_trace


@dataclass
class Recording:
    """What one run gave: the capture and the testimony of those who took part."""

    pcap: bytes = b""
    connections: list[Connection] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    configured_names: list[bytes] = field(default_factory=list)
    server_settings: list[str] = field(default_factory=list)
    server_log: list[str] = field(default_factory=list)


class Lab:
    """A working folder with keys and certificates, in which captures are made one after the other."""

    def __init__(self, folder: Path, keys: Path) -> None:
        """Put keys and certificates into `folder`; the server's key comes from `keys`."""
        self.folder = folder
        self.authority = Authority(keys)
        self.authority.write_peers(folder)

    def apache_and_curl(
        self,
        settings: str,
        curl: list[str],
        *,
        accepted: list[bytes],
        connections: int = 1,
        offload: bool = False,
        status: int = 0,
    ) -> Recording:
        """Record curl with `curl` for its arguments against Apache with `settings`, naming `accepted` as its CAs."""
        recording = Recording(configured_names=accepted, server_settings=settings.splitlines())
        self.authority.write_authorities(self.folder / "names.pem", accepted)
        with Network(self.folder, offload=offload) as network:
            apache = Apache(network, settings)
            tcpdump = Tcpdump(network)
            client = network.start("client", ["curl", "--silent", "--raw", "--trace", "trace.txt", *curl])
            found = client.wait()
            if found != status:
                raise AssertionError(f"{client.command} ended with {found}")
            tcpdump.wait_closed(connections)
            recording.pcap = tcpdump.stop()
            recording.server_log = apache.stop()
            recording.commands = [apache.peer.command, tcpdump.command, client.command]
        recording.connections = read_curl_trace((self.folder / "trace.txt").read_text())
        assert len(recording.connections) == connections
        return recording
