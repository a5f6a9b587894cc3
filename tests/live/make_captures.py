"""Make the project's own captures with real peers.

    python tests/live/make_captures.py OUTDIR [--only NAME …]

Needs root (network namespaces), from Debian what packages.txt lists, from PyPI cryptography and tlslite-ng.
Each capture becomes a folder of OUTDIR, which tests/captures/README.md describes; the server's key is made once
and kept in OUTDIR/keys.  A capture about which the endpoints and tshark disagree is not kept.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import shutil
import subprocess
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import Any

import truth
import tshark
from lab import KEYLOG, Lab, Recording, Scenario
from network import client_ports
from scenarios import SCENARIOS
from testimony import ALERT_NAMES, Connection, Message

LARGEST_FILE = 16384  # bytes of application data; of more, only the digest is kept
TOOLS = {
    "apache2": ["apache2", "-v"],
    "curl": ["curl", "--version"],
    "openssl": ["openssl", "version"],
    "tcpdump": ["tcpdump", "--version"],
    "tshark": ["tshark", "--version"],
    "gnutls": ["gnutls-cli", "--version"],
    "wget": ["wget", "--version"],
    "nss": ["dpkg-query", "-W", "libnss3-tools"],
    "mbedtls": ["dpkg-query", "-W", "libmbedtls14"],
}


def tool_versions() -> dict[str, str]:
    """The first line that each tool prints about its version."""
    versions = {}
    for name, command in TOOLS.items():
        printed = subprocess.run(command, check=True, capture_output=True, text=True)
        versions[name] = (printed.stdout or printed.stderr).splitlines()[0].replace("\t", " ")
    return versions | {"tlslite-ng": importlib.metadata.version("tlslite-ng")}


class DisagreementError(Exception):
    """The witnesses of a capture do not say the same."""


def missed_by_tshark(scenario: Scenario, connections: list[Connection]) -> list[tuple[str, str, int]]:
    """The messages that tshark is known to leave encrypted."""
    if scenario.tshark_decrypts:
        return list(scenario.tshark_misses)
    return [
        (message.sender, message.name, epoch)
        for connection in connections
        for message, epoch in truth.with_epochs(connection.messages)
        if message not in in_the_clear(connection.messages) and not message.is_alert
    ]


def in_the_clear(messages: list[Message]) -> list[Message]:
    """The messages of a connection that came before their sender's ChangeCipherSpec, and that itself."""
    clear, changed = [], set()
    for message in messages:
        if message.sender not in changed:
            clear.append(message)
        if message.content_type == "change_cipher_spec":
            changed.add(message.sender)
    return clear


def confirm(misses: list[tuple[str, str, int]], recording: Recording, seen: list[list[Message]]) -> None:
    """Hold what the endpoints said of the messages against what tshark decrypted, which are `seen`.

    `misses` are those that tshark is known to leave encrypted.

    Alerts are left out: endpoints tell of them when they read them, which at a connection's end they may not.
    """
    if len(seen) != len(recording.connections):
        raise DisagreementError(f"{len(seen)} connections were captured")
    for connection, observed in zip(recording.connections, seen, strict=True):
        if recording.names_seen is not None:
            connection.messages = observed
        for side in ("client", "server"):
            said = [
                message
                for message, epoch in truth.with_epochs(connection.messages)
                if message.sender == side and not message.is_alert and (side, message.name, epoch) not in misses
            ]
            read = [message for message in observed if message.sender == side and not message.is_alert]
            for endpoint, witness in zip_longest(said, read):
                if endpoint != witness:
                    raise DisagreementError(f"of the {side}:\n{endpoint} says the endpoint,\n{witness} tshark")
    for side, spoken in (recording.names_seen or {}).items():
        read = [message for observed in seen for message in observed if message.sender == side]
        names = [message.name for message in read if message.content_type == "handshake"]
        if spoken != names:
            raise DisagreementError(f"{side}: {spoken} says the endpoint, {names} tshark")


def known_alerts(scenario: Scenario, connection: Connection, seen: list[Message]) -> list[tuple[str, str]] | None:
    """The alerts that tshark saw, and behind them those that only the endpoint tells of; None if not even that."""
    if not scenario.tshark_decrypts:
        return [(message.sender, message.name) for message in connection.messages if message.is_alert]
    missed = [(sender, name) for sender, name, _ in scenario.tshark_misses if name in ALERT_NAMES.values()]
    told = [(message.sender, message.name) for message in connection.messages if message.is_alert]
    if not set(missed) <= set(told):
        return None
    return [(message.sender, message.name) for message in seen if message.is_alert] + missed


def describe_streams(
    scenario: Scenario, recording: Recording, capture: Path, key: Path, lists: Path
) -> list[dict[str, Any]]:
    """The description of each connection; what the endpoints wrote goes into files beside the capture."""
    seen = tshark.messages(capture, key)[recording.first_tcp_stream :]
    if not scenario.tshark_decrypts:
        seen = [in_the_clear(messages) for messages in seen]
    confirm(missed_by_tshark(scenario, recording.connections), recording, seen)
    streams: list[dict[str, Any]] = []
    ports = client_ports(recording.pcap)
    for number, connection in enumerate(recording.connections):
        tcp_stream = recording.first_tcp_stream + number
        data = (connection.from_client, connection.from_server)
        decrypted = tshark.application_data(capture, key, tcp_stream)
        if decrypted != data and scenario.tshark_decrypts:
            raise DisagreementError(f"of the data of stream {number}:\n{data} says the endpoint,\n{decrypted} tshark")
        described = truth.describe(connection, recording.configured_names, lists)
        for side, octets in zip(("client", "server"), data, strict=True):
            if len(octets) <= LARGEST_FILE:
                described[side]["file"] = f"stream-{number}.{side}.bin"
                (capture.parent / described[side]["file"]).write_bytes(octets)
        alerts = known_alerts(scenario, connection, seen[number])
        identity = {"stream": number, "tcp_stream": tcp_stream, "client_port": ports[tcp_stream]}
        streams.append(identity | described | {"alerts": alerts})
    return streams


def write(scenario: Scenario, recording: Recording, outdir: Path) -> None:
    """Write the capture, what the endpoints wrote, and the description, once tshark has confirmed them."""
    with tempfile.TemporaryDirectory(dir=outdir) as temporary:
        source, folder = Path(temporary) / "tcpdump.pcap", Path(temporary) / scenario.name
        folder.mkdir()
        source.write_bytes(recording.pcap)
        capture = folder / f"capture.{'pcapng' if scenario.format == 'pcapng' else 'pcap'}"
        subprocess.run(["editcap", "-F", scenario.format, source, capture], check=True)
        if recording.keylog:
            (folder / KEYLOG).write_bytes(recording.keylog)
        key, lists = outdir / "keys" / "server.pem", outdir / "names"
        description = {
            "name": scenario.name,
            "summary": scenario.summary,
            "file": capture.name,
            "key": f"../keys/{key.name}",
            "keylog": KEYLOG if recording.keylog else None,
            "witness": recording.witness,
            "tshark_misses": missed_by_tshark(scenario, recording.connections),
            "tshark_decrypts": scenario.tshark_decrypts,
            "undecryptable": scenario.undecryptable,
            "streams": describe_streams(scenario, recording, capture, key, lists),
            "made_with": tool_versions(),
            "commands": recording.commands,
            "server_settings": recording.server_settings,
            "server_log": recording.server_log,
        }
        text = compact(json.dumps(description, indent=1, ensure_ascii=False))
        (folder / "capture.json").write_text(text + "\n")
        shutil.rmtree(outdir / scenario.name, ignore_errors=True)
        folder.rename(outdir / scenario.name)


def compact(text: str) -> str:
    """JSON with its short lists on one line each."""
    return re.sub(r"\[\n\s+[^\[\]{}]{1,100}?\n\s+\]", lambda found: re.sub(r"\n\s+", " ", found[0]), text)


def main() -> None:
    """Make all captures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=[scenario.name for scenario in SCENARIOS])
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
