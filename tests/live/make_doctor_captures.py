"""Make the captures of tests/captures/doctor with real peers.

    python tests/live/make_doctor_captures.py OUTDIR [--only NAME …]

Needs what make_captures.py needs, and nginx-light and a JDK.  OUTDIR is tests/captures; the server's key is that of
the other captures.  What tshark reads in a capture goes into its description, as the second witness of what the
client and the server say there themselves.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import tshark
from doctor_runs import Take, prepare
from doctor_scenarios import SCENARIOS, Doctored
from lab import KEYLOG, Lab
from make_captures import compact, tool_versions
from network import PORT

# RFC 8446 §4, RFC 5246 §7.2.2 and §7.4
HANDSHAKES = {
    0: "hello_request", 1: "client_hello", 2: "server_hello", 4: "new_session_ticket", 8: "encrypted_extensions",
    11: "certificate", 12: "server_key_exchange", 13: "certificate_request", 14: "server_hello_done",
    15: "certificate_verify", 16: "client_key_exchange", 20: "finished", 22: "certificate_status",
}  # fmt: skip
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter",
    48: "unknown_ca", 50: "decode_error", 51: "decrypt_error", 80: "internal_error", 100: "no_renegotiation",
    116: "certificate_required",
}  # fmt: skip


def messages_by_frame(capture: Path, key: Path) -> list[tuple[int, str, str]]:
    """What tshark reads: the frame, the sender and the name of each handshake message and alert."""
    found: list[tuple[int, str, str]] = []
    packets = json.loads(tshark._tshark(capture, key, "-T", "json", "-x"), object_pairs_hook=list)
    for packet in packets:
        frame, sender = 0, ""
        for name, value in tshark._walk(packet):
            if name == "frame.number":
                frame = int(value)
            elif name == "tcp.srcport":
                sender = "server" if value == str(PORT) else "client"
            elif name == "tls.handshake_raw":
                body = bytes.fromhex(value[0])
                if len(body) == 4 + int.from_bytes(body[1:4], "big"):
                    found.append((frame, sender, HANDSHAKES[body[0]]))
            elif name == "tls.alert_message_raw" and len(value[0]) == 4:
                found.append((frame, sender, ALERTS[int(value[0][2:], 16)]))
    return found


def describe(scenario: Doctored, take: Take, folder: Path, key: Path) -> dict[str, Any]:
    """The capture's description."""
    return {
        "name": scenario.name,
        "summary": scenario.summary,
        "file": "capture.pcap",
        "key": f"../../keys/{key.name}",
        "keylog": KEYLOG if take.keylog else None,
        "client_certificate": "client.crt" if scenario.certificate else None,
        "tshark": messages_by_frame(folder / "capture.pcap", key),
        "server_says": take.server_says,
        "client_says": take.client_says,
        "made_with": tool_versions(),
        "commands": take.commands,
        "server_settings": take.settings,
    }


def main() -> None:
    """Make all captures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=[scenario.name for scenario in SCENARIOS])
    arguments = parser.parse_args()
    key = (arguments.outdir / "keys" / "server.pem").resolve()
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)  # httpd's children run as www-data
        lab = Lab(Path(name), arguments.outdir / "keys")
        prepare(lab)
        for scenario in SCENARIOS:
            if arguments.only and scenario.name not in arguments.only:
                continue
            print(scenario.name, flush=True)
            take = scenario.run(lab)
            folder = arguments.outdir / "doctor" / scenario.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "capture.pcap").write_bytes(take.pcap)
            if take.keylog:
                (folder / KEYLOG).write_bytes(take.keylog)
            if scenario.certificate:
                chain = (lab.folder / f"{scenario.certificate}.crt").read_bytes()
                (folder / "client.crt").write_bytes(chain)
            text = compact(json.dumps(describe(scenario, take, folder, key), indent=1, ensure_ascii=False))
            (folder / "capture.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
