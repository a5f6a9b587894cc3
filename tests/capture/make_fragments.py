"""Makes the captures in `fragments/`: TLS between real peers, over real networks that fragment IP.

    # python tests/capture/make_fragments.py tests/capture/fragments

needs root, ip (iproute2), ethtool, openssl and tcpdump.  Each host is a network namespace:

    client ==== left ---- right ==== server        ipv4: the link in the midst takes 576 bytes, the others 1,500
    client ==== server                             vxlan: in a tunnel whose packets exceed the link's 1,500 bytes

OpenSSL's s_client sends a request of 3,000 bytes, its s_server sends it back reversed; TLS 1.2 with RSA key exchange,
under `tests/captures/keys/server.pem`.  tcpdump listens where the fragments are.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

KEYS = Path(__file__).parents[1] / "captures" / "keys"
REQUEST = bytes(48 + number % 43 for number in range(2999)) + b"\n"  # s_server -rev reverses lines


def run(command: str) -> None:
    subprocess.run(command.split(), check=True, capture_output=True)


def of(host: str) -> str:
    """The name of a host's network namespace."""
    return f"tlswire-fragments-{host}"


def inside(host: str, command: str) -> None:
    run(f"ip netns exec {of(host)} {command}")


def start(stack: ExitStack, host: str, command: str) -> subprocess.Popen[bytes]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(f"ip netns exec {of(host)} {command}".split(), **pipes)
    stack.callback(process.kill)
    return stack.enter_context(process)


def cable(left: str, right: str, name: str, addresses: tuple[str, str], mtu: int = 1500) -> None:
    """An Ethernet cable between two hosts; the interfaces have the same name at both ends."""
    run(f"ip link add {name} netns {of(left)} type veth peer name {name} netns {of(right)}")
    for side, address in zip((left, right), addresses, strict=True):
        # Frames as they are on the wire, not as the sender's kernel passes them to the card.
        inside(side, f"ip link set {name} mtu {mtu} gso_max_segs 1")
        inside(side, f"ethtool -K {name} tx off tso off gso off gro off")
        inside(side, f"ip address add {address} dev {name}")
        inside(side, f"ip link set {name} up")


def routers() -> str:
    """Two routers with a narrow link between them, and hosts that allow their packets to be fragmented."""
    cable("client", "left", "eth0", ("10.1.0.2/24", "10.1.0.1/24"))
    cable("left", "right", "eth1", ("10.2.0.1/24", "10.2.0.2/24"), 576)
    cable("server", "right", "eth2", ("10.3.0.2/24", "10.3.0.1/24"))
    inside("client", "ip route add default via 10.1.0.1")
    inside("server", "ip route add default via 10.3.0.1")
    inside("left", "ip route add 10.3.0.0/24 via 10.2.0.2")
    inside("right", "ip route add 10.1.0.0/24 via 10.2.0.1")
    for host in ("left", "right"):
        inside(host, "sysctl -w net.ipv4.ip_forward=1")
    for host in ("client", "server"):
        inside(host, "sysctl -w net.ipv4.ip_no_pmtu_disc=1")
    return "10.3.0.2"


def tunnel() -> str:
    """A VXLAN of which the inner packets may be as long as the outer ones."""
    cable("client", "server", "eth1", ("10.2.0.1/24", "10.2.0.2/24"))
    for number, host in enumerate(("client", "server"), 1):
        ends = f"local 10.2.0.{number} remote 10.2.0.{3 - number}"
        inside(host, f"ip link add tunnel type vxlan id 7 dstport 4789 {ends}")
        inside(host, f"ip address add 10.4.0.{number}/24 dev tunnel")
        inside(host, "ip link set tunnel mtu 1500 gso_max_segs 1 up")
    return "10.4.0.2"


NETWORKS: dict[str, tuple[Callable[[], str], str]] = {"ipv4": (routers, "left"), "vxlan": (tunnel, "client")}


def make(name: str, path: Path) -> None:
    network, where = NETWORKS[name]
    with ExitStack() as stack:
        for host in ("client", "left", "right", "server"):
            run(f"ip netns add {of(host)}")
            stack.callback(run, f"ip netns delete {of(host)}")
            inside(host, "ip link set lo up")
        address = network()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        certificate = Path(folder) / "server.crt"
        run(f"openssl req -x509 -new -key {KEYS / 'server.pem'} -subj /CN=server -days 3650 -out {certificate}")
        server = start(
            stack, "server", "openssl s_server -accept 443 -tls1_2 -cipher AES128-SHA256 -rev -naccept 1"
            f" -key {KEYS / 'server.pem'} -cert {certificate}",
        )  # fmt: skip
        assert server.stdout is not None
        while b"ACCEPT" not in server.stdout.readline():
            pass
        dump = start(stack, where, f"tcpdump -i eth1 --immediate-mode -U -s 0 -w {path} ip")
        assert dump.stderr is not None
        while b"listening on" not in dump.stderr.readline():
            pass
        client = start(stack, "client", f"openssl s_client -quiet -no_ign_eof -connect {address}:443")
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(REQUEST)
        client.stdin.flush()
        answer = client.stdout.readline()
        assert answer == REQUEST[:-1][::-1] + b"\n", answer
        client.stdin.close()
        client.wait()
        server.wait()
        dump.terminate()
        said = dump.stderr.read().decode()
        captured, received = re.findall(r"^(\d+) packets? (?:captured|received)", said, re.MULTILINE)
        assert captured == received, f"not all was captured; try again: {said}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(exist_ok=True)
    for network in sys.argv[2:] or NETWORKS:
        make(network, target / f"{network}.pcap")
