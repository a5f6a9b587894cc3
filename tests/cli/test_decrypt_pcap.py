"""`decrypt --pcap`: where the capture goes, what is never written over, and what is said beside it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlswire.analysis.plaintext_capture import PlaintextCapture
from tlswire.capture import CaptureReader, load_server_keys
from tlswire.cli import private_files
from tlswire.crypto import Secrets

Run = Callable[..., Any]


@pytest.fixture
def expected(demo: Path, demo_key: Path) -> bytes:
    """The capture of the demo's plaintext, by the library."""
    reader = CaptureReader([demo], secrets=Secrets(load_server_keys(demo_key)))
    return b"".join(PlaintextCapture(reader).pieces())


def test_the_file_is_what_the_library_makes_and_its_owners_alone(
    run: Run, demo: Path, demo_key: Path, expected: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "plain.pcap"
    out.write_bytes(b"an earlier one")
    out.chmod(0o644)
    done = run("decrypt", demo, "--key", demo_key, "--pcap", out)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == f"{out}: 400 bytes of 1 connection\n"
    assert out.read_bytes() == expected
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plain.pcap"]


def test_both_outputs_are_made_in_one_reading(
    run: Run, captures: Path, demo: Path, demo_key: Path, expected: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "all.pcap"  # in the directory too
    done = run("decrypt", "-", "--key", demo_key, "-o", tmp_path, "--pcap", out, "--json", stdin=demo.read_bytes())
    assert done.status == 0
    manifest, capture = done.objects
    assert manifest == json.loads((tmp_path / "manifest.json").read_text())
    assert capture == {
        "kind": "plaintext_capture", "file": str(out), "complete": True, "connections": 1, "bytes": 400, "missing": 0,
    }  # fmt: skip
    assert out.read_bytes() == expected
    for name in ("stream-0.client.bin", "stream-0.server.bin"):
        assert (tmp_path / name).read_bytes() == (captures / "apache-tls12-3-names" / name).read_bytes()


@pytest.mark.parametrize("beside", [False, True])
def test_standard_output_has_the_capture_and_nothing_else(
    beside: bool, demo: Path, demo_key: Path, expected: bytes, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tlswire", "decrypt", str(demo), "--key", str(demo_key), "--pcap", "-"]
    command += ["-o", str(tmp_path / "out")] if beside else []
    done = subprocess.run(command, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (expected, b"")
    assert (tmp_path / "out" / "manifest.json").exists() == beside


def test_what_stays_encrypted_is_a_status_and_an_empty_capture(
    run: Run, captures: Path, demo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "plain.pcap"
    done = run("decrypt", demo, "--key", captures / "keys" / "unrelated.pem", "--pcap", out)
    assert done.status == 3
    assert done.stdout == f"{out}: 0 bytes of 0 connections\n"
    assert len(out.read_bytes()) == 24
    assert run("decrypt", demo, "--pcap", out).status == 0


def test_what_is_missing_is_said(run: Run, captures: Path, tmp_path: Path) -> None:
    # The second epoch's key exchange is not RSA; the response stays encrypted without the key log.
    folder = captures / "apache-tls12-rsa-then-ecdhe"
    (capture,) = folder.glob("capture.pcap*")
    out = tmp_path / "plain.pcap"
    done = run("decrypt", capture, "--key", captures / "keys" / "server.pem", "--pcap", out)
    assert done.status == 3
    assert done.stdout.splitlines()[1].endswith("bytes, left out of the sequence numbers")


def test_no_input_and_no_device_is_written_over(
    run: Run, demo: Path, demo_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: tmp_path / name for name in ("a.pcapng", "key.pem", "keys.log", "password")}
    files["a.pcapng"].write_bytes(demo.read_bytes())
    files["key.pem"].write_bytes(demo_key.read_bytes())
    files["keys.log"].write_text("# none\n")
    files["password"].write_text("unused\n")
    (tmp_path / "link").symlink_to("a.pcapng")
    (tmp_path / "hard").hardlink_to(files["key.pem"])
    monkeypatch.chdir(tmp_path)
    before = {name: path.read_bytes() for name, path in files.items()}
    secrets = ["--key", "key.pem", "--keylog", "keys.log", "--password-file", "password"]
    for out in (*files, "./a.pcapng", tmp_path / "a.pcapng", "link", "hard"):
        done = run("decrypt", "a.pcapng", *secrets, "--pcap", out)
        assert done.status == 1
        assert "choose another file" in done.complaint
    done = run("decrypt", "missing", *secrets, "--pcap", os.devnull)  # said before anything is read
    assert done.status == 1
    assert "no regular file" in done.complaint
    assert {name: path.read_bytes() for name, path in files.items()} == before


def test_an_input_that_a_shell_redirects_is_known_too(demo: Path, demo_key: Path, tmp_path: Path) -> None:
    same = tmp_path / "same"
    same.write_bytes(demo.read_bytes())
    start = [sys.executable, "-m", "tlswire", "decrypt", "--key", str(demo_key)]
    with same.open("rb") as file:
        done = subprocess.run([*start, "-", "--pcap", str(same)], stdin=file, capture_output=True, check=False)
    assert (done.returncode, b"choose another file" in done.stderr) == (1, True)
    with same.open("ab") as file:
        done = subprocess.run(
            [*start, str(same), "--pcap", "-"], stdout=file, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert (done.returncode, b"standard output: is to be read" in done.stderr) == (1, True)
    assert same.read_bytes() == demo.read_bytes()


@pytest.mark.parametrize("name", ["manifest.json", "stream-3.server.bin", "."])
def test_the_capture_takes_no_name_that_the_directory_needs(
    name: str, run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = run("decrypt", demo, "--key", demo_key, "-o", out, "--pcap", out / name)
    assert done.status == 1
    assert "choose another file" in done.complaint
    assert not out.exists()


def test_a_capture_that_cannot_be_opened_leaves_everything_as_it_was(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "plain.pcap"
    out.write_bytes(b"an earlier one")
    assert run("decrypt", tmp_path / "missing.pcap", "--pcap", out).status == 1
    (tmp_path / "empty").write_bytes(b"")
    assert run("decrypt", tmp_path / "empty", "--pcap", out).status == 1
    assert out.read_bytes() == b"an earlier one"


def test_what_came_before_the_damage_is_written(
    run: Run, demo: Path, demo_key: Path, expected: bytes, tmp_path: Path
) -> None:
    cut, out = tmp_path / "cut.pcapng", tmp_path / "plain.pcap"
    cut.write_bytes(demo.read_bytes()[:6000])
    done = run("decrypt", cut, "--key", demo_key, "--pcap", out, "--json")
    assert done.status == 1
    assert "cut short" in done.complaint
    (told,) = done.objects
    assert (told["complete"], told["connections"], told["bytes"]) == (False, 1, 81)
    written = out.read_bytes()
    assert written != expected
    assert b"GET /1.aspx" in written


def test_what_cannot_be_written_is_one_line_and_leaves_nothing_behind(
    run: Run, demo: Path, demo_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("decrypt", demo, "--key", demo_key, "--pcap", tmp_path / "none" / "plain.pcap")
    assert done.status == 1
    assert "cannot be written" in done.complaint
    assert done.stdout == ""

    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_files.os, "replace", full)
    done = run("decrypt", demo, "--key", demo_key, "--pcap", tmp_path / "plain.pcap")
    assert "no space left on device" in done.complaint
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "-o DIR, --pcap OUT, or both"),
        (["--pcap", "-", "--json"], "both want standard output"),
    ],
)
def test_what_cannot_be_meant_is_usage(arguments: list[str], said: str, run: Run, demo: Path) -> None:
    done = run("decrypt", demo, *arguments)
    assert done.status == 2
    assert said in done.stderr
