"""`PlaintextFiles`: what is held, what is written beside the work, and what a thread that cannot write leads to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlswire.cli import plaintext_files

Run = Callable[..., Any]
CAPTURES = ("apache-tls12-post-100k/capture.pcap", "apache-tls12-interleaved/capture.pcapng")


@pytest.mark.parametrize(("held", "in_all"), [(64, 1 << 20), (1 << 20, 64)], ids=["in a thread", "all at once"])
@pytest.mark.parametrize("capture", CAPTURES)
def test_it_does_not_matter_in_how_many_pieces_a_file_is_written(
    held: int, in_all: int, capture: str, run: Run, captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = captures / "keys" / "server.pem"
    assert run("decrypt", captures / capture, "--key", key, "-o", tmp_path / "whole").status == 0
    monkeypatch.setattr(plaintext_files, "HELD", held)
    monkeypatch.setattr(plaintext_files, "HELD_IN_ALL", in_all)
    assert run("decrypt", captures / capture, "--key", key, "-o", tmp_path / "pieces").status == 0
    whole, pieces = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "pieces")
    )
    assert pieces == whole
    for entry in json.loads(pieces["manifest.json"])["files"]:
        data = pieces[entry["file"]]
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("held", [64, 1 << 20], ids=["in the thread", "at the end"])
def test_what_cannot_be_written_is_one_line_and_leaves_nothing_behind(
    held: int, run: Run, captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plaintext_files, "HELD", held)
    monkeypatch.setattr(plaintext_files, "_append", full)
    out = tmp_path / "out"
    done = run("decrypt", captures / CAPTURES[0], "--key", captures / "keys" / "server.pem", "-o", out)
    assert done.status == 1
    assert done.stderr.count("\n") == 1
    assert "no space left on device" in done.stderr
    assert not out.exists() or not list(out.iterdir())
