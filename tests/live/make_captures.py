"""Make the project's own captures with real peers: `python tests/live/make_captures.py OUTDIR [--only NAME …]`.

Needs root (network namespaces), and from Debian: apache2, curl, openssl, tcpdump, tshark, iproute2; the package
`cryptography`.  Each capture becomes a folder of OUTDIR, as OUTDIR/README.md describes; the server's key is made
once and kept in OUTDIR/keys.  A capture whose endpoints and tshark disagree is not kept.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import Any

import truth
import tshark
from lab import Lab, Recording
from network import client_ports
from scenarios import SCENARIOS, Scenario
from testimony import Message

LARGEST_FILE = 16384  # bytes of application data; of more, only the digest is kept
TOOLS = {
    "apache2": ["apache2", "-v"],
    "curl": ["curl", "--version"],
    "openssl": ["openssl", "version"],
    "tcpdump": ["tcpdump", "--version"],
    "tshark": ["tshark", "--version"],
}


def tool_versions() -> dict[str, str]:
    """The first line that each tool prints about its version."""
    return {
        name: subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]
        for name, command in TOOLS.items()
    }


def confirm(scenario: Scenario, recording: Recording, seen: list[list[Message]]) -> None:
    """Hold what the endpoints said of the messages against what tshark decrypted; `seen` completes what they did not.

    Only handshake messages and ChangeCipherSpec: of alerts, endpoints tell when they have been read, not sent.
    """
    assert len(seen) == len(recording.connections), f"{len(seen)} connections captured"
    for connection, observed in zip(recording.connections, seen, strict=True):
        if recording.names_seen is not None:
            connection.messages = observed
        for side in ("client", "server"):
            said = [
                message
                for message, epoch in truth.with_epochs(connection.messages)
                if message.sender == side
                and not message.is_alert
                and (side, message.name, epoch) not in scenario.tshark_misses
            ]
            read = [message for message in observed if message.sender == side and not message.is_alert]
            differing = [pair for pair in zip_longest(said, read) if pair[0] != pair[1]]
            assert not differing, (
                f"{side}: the endpoint and tshark differ:\n{differing[0][0]}\n{differing[0][1]}"
            )
    for side, spoken in (recording.names_seen or {}).items():
        read = [message for observed in seen for message in observed if message.sender == side]
        names = [message.name for message in read if message.content_type == "handshake"]
        assert spoken == names, f"{side}: {spoken} or {names}"


def write(scenario: Scenario, recording: Recording, outdir: Path) -> None:
    """Write the capture, what the endpoints wrote, and the description, after tshark has confirmed it."""
    folder = outdir / scenario.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    capture, key = folder / f"capture.{scenario.format}", outdir / "keys" / "server.pem"
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "capture.pcap"
        source.write_bytes(recording.pcap)
        subprocess.run(["editcap", "-F", scenario.format, source, capture], check=True)
    if recording.keylog:
        (folder / "keylog.txt").write_bytes(recording.keylog)
    seen = tshark.messages(capture, key)
    confirm(scenario, recording, seen)
    streams: list[dict[str, Any]] = []
    ports = client_ports(recording.pcap)
    for number, connection in enumerate(recording.connections):
        data = tshark.application_data(capture, key, number)
        assert data == (connection.from_client, connection.from_server), f"tshark decrypted {data}"
        described = truth.describe(connection, outdir / "names")
        for side, octets in zip(("client", "server"), data, strict=True):
            if len(octets) <= LARGEST_FILE:
                described[side]["file"] = f"stream-{number}.{side}.bin"
                (folder / described[side]["file"]).write_bytes(octets)
        alerts = [[message.sender, message.name] for message in seen[number] if message.is_alert]
        identity = {"stream": number, "tcp_stream": number, "client_port": ports[number]}
        streams.append(identity | described | {"alerts": alerts})
    description = {
        "name": scenario.name,
        "summary": scenario.summary,
        "file": capture.name,
        "key": "../keys/server.pem",
        "keylog": "keylog.txt" if recording.keylog else None,
        "witness": recording.witness,
        "tshark_misses": scenario.tshark_misses,
        "streams": streams,
        "made_with": tool_versions(),
        "commands": recording.commands,
        "server_settings": recording.server_settings,
        "server_log": recording.server_log,
    }
    (folder / "capture.json").write_text(
        compact(json.dumps(description, indent=1, ensure_ascii=False)) + "\n"
    )


def compact(text: str) -> str:
    """JSON with its short lists on one line each."""
    return re.sub(r"\[\n\s+[^\[\]{}]{1,100}?\n\s+\]", lambda found: re.sub(r"\n\s+", " ", found[0]), text)


def main() -> None:
    """Make all captures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path)
    parser.add_argument(
        "--only", metavar="NAME", nargs="+", choices=[scenario.name for scenario in SCENARIOS]
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # httpd's children run as www-data
        lab = Lab(Path(folder), arguments.outdir / "keys")
        for scenario in SCENARIOS:
            if not arguments.only or scenario.name in arguments.only:
                print(scenario.name, flush=True)
                write(scenario, scenario.run(lab), arguments.outdir)


if __name__ == "__main__":
    main()
