"""tshark with the server's key (and the client's key log where there is one), as a second witness.

A capture is kept only if tshark decrypts from it the messages and the data of which the endpoints spoke; so
what tlswire is measured against has been seen from both ends and from the middle.
"""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from network import PORT
from testimony import Message

KINDS = {
    "tls.handshake_raw": "handshake",
    "tls.change_cipher_spec_raw": "change_cipher_spec",
    "tls.alert_message_raw": "alert",
}


def _tshark(capture: Path, key: Path, *arguments: str) -> str:
    command = ["tshark", "-r", str(capture), "-o", f'uat:rsa_keys:"{key}",""']
    keylog = capture.parent / "keylog.txt"
    if keylog.exists():
        command += ["-o", f"tls.keylog_file:{keylog}"]
    return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout


@functools.cache
def cipher_suites() -> dict[int, str]:
    """The cipher suites' names, by their numbers, in tshark's words."""
    listing = subprocess.run(["tshark", "-G", "values"], check=True, capture_output=True, text=True).stdout
    rows = [line.split("\t") for line in listing.splitlines()]
    return {int(row[2], 0): row[3] for row in rows if row[:2] == ["V", "tls.handshake.ciphersuite"]}


def _walk(node: Any) -> Iterator[tuple[str, Any]]:
    """The (name, value) pairs of a JSON tree in order; objects are lists of pairs, as names are repeated."""
    for pair in node:
        if isinstance(pair, tuple):
            yield pair
            if isinstance(pair[1], list) and pair[1] and not isinstance(pair[1][0], str):
                yield from _walk(pair[1])
        elif isinstance(pair, list):
            yield from _walk(pair)


def messages(capture: Path, key: Path) -> list[list[Message]]:
    """The messages of each TCP connection, in the order of the capture."""
    streams: dict[int, list[Message]] = {}
    packets = json.loads(_tshark(capture, key, "-T", "json", "-x"), object_pairs_hook=list)
    for packet in packets:
        stream: list[Message] = []
        sender = ""
        for name, value in _walk(packet):
            if name == "tcp.srcport":
                sender = "server" if value == str(PORT) else "client"
            elif name == "tcp.stream":
                stream = streams.setdefault(int(value), [])
            elif name in KINDS:
                # of a ChangeCipherSpec behind a reassembled record, tshark shows another byte than its own
                body = b"\1" if name == "tls.change_cipher_spec_raw" else bytes.fromhex(value[0])
                # it lists the fragments of a handshake message too, before the whole
                if KINDS[name] != "handshake" or len(body) == 4 + int.from_bytes(body[1:4], "big"):
                    stream.append(Message(sender, KINDS[name], body))
    return [streams[number] for number in sorted(streams)]


def application_data(capture: Path, key: Path, stream: int) -> tuple[bytes, bytes]:
    """What client and server sent on TCP connection `stream`, decrypted."""
    data = (bytearray(), bytearray())  # of node 0, the side whose data tshark decrypted first; of node 1
    swapped = False
    for line in _tshark(capture, key, "-q", "-z", f"follow,tls,raw,{stream}").splitlines():
        if line.startswith("Node 0:"):
            swapped = line.endswith(f":{PORT}")
        octets = line.strip()
        if octets and not set(octets) - set("0123456789abcdef"):
            data[line.startswith("\t")].extend(bytes.fromhex(octets))
    sent, received = reversed(data) if swapped else data
    return bytes(sent), bytes(received)
