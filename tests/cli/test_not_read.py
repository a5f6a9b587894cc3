"""What the captures have that is not read: a note for people, an object for programs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

TEXT = "2 datagrams of QUIC handshakes are not read, the first in frame 1 of {}"


@pytest.fixture
def quic(tmp_path: Path) -> Path:
    """The client's Initial packet of RFC 9001 App. A.2, twice."""
    data = bytes.fromhex("c000000001088394c8f03e5157080000449e7b9aec34").ljust(1200, b"\0")
    datagram = struct.pack("!HHHH", 50000, 443, 8 + len(data), 0) + data
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0) + b"\n\0\0\1\n\0\0\2"
    frame = struct.pack("<LLLL", 1388063031, 5, 1228, 1228) + head + datagram
    path = tmp_path / "quic.pcap"
    path.write_bytes(struct.pack("<LHHlLLL", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101) + frame * 2)
    return path


def test_programs_get_an_object(run: Run, quic: Path) -> None:
    done = run("explain", quic, "--json")
    assert (done.status, done.stderr) == (0, "")
    assert done.objects == [
        {
            "kind": "not_read",
            "what": "quic",
            "count": 2,
            "file": str(quic),
            "frame": 1,
            "time": "1388063031.000005",
            "info": TEXT.format(quic),
        }
    ]


def test_and_what_came_before_damage_is_told_with_it(run: Run, quic: Path) -> None:
    quic.write_bytes(quic.read_bytes() + b"half a header")
    done = run("explain", quic, "--json")
    assert done.status == 1
    assert [(told["kind"], told["count"]) for told in done.objects] == [("not_read", 2)]


@pytest.mark.parametrize("verb", ["explain", "decrypt", "secrets"])
def test_people_get_a_note(verb: str, terminal: Any, quic: Path, tmp_path: Path) -> None:
    output = {"explain": [], "decrypt": ["-o", tmp_path / "out"], "secrets": ["-o", tmp_path / "out"]}[verb]
    status, lines = terminal(200, verb, quic, *output)
    assert status == 0
    assert lines.count(f"tlswire: {TEXT.format(quic)}") == 1


def test_a_pipe_gets_none(run: Run, quic: Path) -> None:
    done = run("explain", quic)
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
