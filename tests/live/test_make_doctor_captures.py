"""The captures of client-certificate authentication, made afresh: tshark and `diagnose` see the same in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tlswire

HERE = Path(__file__).parent
CAPTURES = HERE.parent / "captures"
NEEDED = (
    "apache2", "curl", "editcap", "gnutls-cli", "ip", "java", "javac", "nginx", "openssl", "tcpdump", "tshark", "wget",
)  # fmt: skip

# One of each kind of peer
REPRESENTATIVE = [
    "cut-list", "tls13-required", "java-unlisted", "nginx-untrusted", "key-type", "verify-missing", "reset", "scsv",
]  # fmt: skip


def what_is_missing() -> str:
    missing = [program for program in NEEDED if shutil.which(program) is None]
    missing += [module for module in ("cryptography", "tlslite") if find_spec(module) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "not root"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return "" if probe.returncode == 0 else f"no network namespaces: {probe.stderr.strip()}"


def findings(folder: Path, key: Path) -> list[tuple[str, str, int]]:
    description = json.loads((folder / "capture.json").read_text())
    more: dict[str, Any] = {"keylog": folder / description["keylog"]} if description["keylog"] else {}
    trace = tlswire.open(folder / description["file"], keys=[key], **more)
    return [(one.severity, one.code, one.epoch) for one in tlswire.diagnose(trace)]


def said(folder: Path) -> list[list[tuple[str, str]]]:
    """What each side said, in its own order."""
    seen = json.loads((folder / "capture.json").read_text())["tshark"]
    return [[(sender, name) for _, sender, name in seen if sender == side] for side in ("client", "server")]


@pytest.mark.live
@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_capture_made_afresh(tmp_path: Path, name: str) -> None:
    if missing := what_is_missing():
        pytest.skip(missing)
    shutil.copytree(CAPTURES / "keys", tmp_path / "keys")
    command = [sys.executable, str(HERE / "make_doctor_captures.py"), str(tmp_path), "--only", name]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    now, then = tmp_path / "doctor" / name, CAPTURES / "doctor" / name
    key = CAPTURES / "keys" / "server.pem"
    assert said(now) == said(then)
    assert findings(now, key) == findings(then, key)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in (CAPTURES / "doctor").glob("*/capture.json")))
def test_committed_capture_is_whole(name: str) -> None:
    folder = CAPTURES / "doctor" / name
    text = (folder / "capture.json").read_text()
    description = json.loads(text)
    assert description["name"] == name
    assert (folder / description["key"]).is_file()
    expected = {"capture.json", description["file"], description["keylog"], description["client_certificate"]} - {None}
    assert {path.name for path in folder.iterdir()} == expected
    assert not any(word in text for word in ("/tmp", "/home", "/root", "site-packages"))
