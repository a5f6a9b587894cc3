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
from pathlib import Path
from typing import Any

import truth
import tshark
from lab import Lab, Recording
from scenarios import SCENARIOS, Scenario
from testimony import ALERT_NAMES, Connection

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


def confirm(connection: Connection, seen: list[tuple[str, str]], data: tuple[bytes, bytes]) -> None:
    """Hold what the endpoints said of one connection against what tshark decrypted from the capture."""
    for side in ("client", "server"):
        said = [
            message.name
            for message in connection.messages
            if (message.sender, message.content_type != "alert") == (side, True)
        ]
        read = [name for sender, name in seen if sender == side and name not in ALERT_NAMES.values()]
        assert said == read, f"{side}: the endpoints say {said}, tshark {read}"
    assert data == (connection.sent, connection.received), f"application data: tshark has {data}"


def write(scenario: Scenario, recording: Recording, outdir: Path) -> None:
    """Write the capture, what the endpoints wrote, and the description, after tshark has confirmed all of it."""
    folder = outdir / scenario.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    capture = folder / f"capture.{scenario.format}"
    if scenario.format == "pcapng":
        with tempfile.TemporaryDirectory() as temporary:
            source = Path(temporary) / "capture.pcap"
            source.write_bytes(recording.pcap)
            subprocess.run(["editcap", "-F", "pcapng", source, capture], check=True)
    else:
        capture.write_bytes(recording.pcap)
    streams: list[dict[str, Any]] = []
    key = outdir / "keys" / "server.pem"
    seen = tshark.messages(capture, key)
    for number, connection in enumerate(recording.connections):
        described = truth.describe(connection)
        for side, data in (("client", connection.sent), ("server", connection.received)):
            described[side]["file"] = f"stream-{number}.{side}.bin"
            (folder / described[side]["file"]).write_bytes(data)
        confirm(connection, seen[number], tshark.application_data(capture, key, number))
        alerts = [[sender, name] for sender, name in seen[number] if name in ALERT_NAMES.values()]
        streams.append({"stream": number, "tcp_stream": number} | described | {"alerts": alerts})
    description = {
        "name": scenario.name,
        "summary": scenario.summary,
        "file": capture.name,
        "key": "../keys/server.pem",
        "streams": streams,
        "made_with": tool_versions(),
        "commands": recording.commands,
        "server_settings": recording.server_settings,
        "server_log": recording.server_log,
    }
    text = json.dumps(description, indent=1, ensure_ascii=False)
    on_one_line = re.sub(
        r"\[\s+([^\[\]{}]{1,100}?)\s+\]", lambda found: f"[{re.sub(chr(10) + ' +', ' ', found[1])}]", text
    )
    (folder / "capture.json").write_text(on_one_line + "\n")


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
                write(scenario, scenario.run(lab), arguments.outdir)
                print(scenario.name)


if __name__ == "__main__":
    main()
