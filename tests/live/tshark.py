"""tshark with the server's key, as a second witness beside the endpoints.

A capture is kept only if tshark decrypts from it exactly the messages and the data of which the endpoints
spoke; so what tlswire is measured against has been seen from three sides.
"""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

from network import PORT
from testimony import ALERT_NAMES, HANDSHAKE_NAMES


def _tshark(capture: Path, key: Path, *arguments: str) -> str:
    command = [
        "tshark",
        "-r",
        str(capture),
        "-o",
        f'uat:rsa_keys:"{key}",""',
        "-o",
        "tcp.reassemble_out_of_order:TRUE",
    ]
    return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout


def messages(capture: Path, key: Path) -> list[list[tuple[str, str]]]:
    """Per TCP connection: sender and name of each handshake message, ChangeCipherSpec and alert, in order."""
    streams: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for packet in ElementTree.fromstring(_tshark(capture, key, "-T", "pdml")).iter("packet"):
        fields = {field.get("name"): field.get("show") for field in packet.iter("field")}
        stream = streams[int(fields["tcp.stream"] or 0)]
        sender = "server" if fields["tcp.srcport"] == str(PORT) else "client"
        for protocol in packet.iter("proto"):
            if protocol.get("name") != "tls":
                continue
            for field in protocol.iter("field"):
                name, value = field.get("name"), field.get("show") or ""
                if name == "tls.handshake.type":
                    stream.append((sender, HANDSHAKE_NAMES[int(value)]))
                elif name == "tls.change_cipher_spec":
                    stream.append((sender, "change_cipher_spec"))
                elif name == "tls.alert_message.desc":
                    stream.append((sender, ALERT_NAMES[int(value)]))
    return [streams[number] for number in sorted(streams)]


def application_data(capture: Path, key: Path, stream: int) -> tuple[bytes, bytes]:
    """What client and server sent on TCP connection `stream`, decrypted."""
    sent, received = bytearray(), bytearray()
    for line in _tshark(capture, key, "-q", "-z", f"follow,tls,raw,{stream}").splitlines():
        octets = line.strip()
        if octets and all(digit in "0123456789abcdef" for digit in octets):
            (received if line.startswith("\t") else sent).extend(bytes.fromhex(octets))
    return bytes(sent), bytes(received)
