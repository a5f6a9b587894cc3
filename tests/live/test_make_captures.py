"""Captures are made afresh with real peers, and the committed ones are whole.

A live test makes one capture by make_captures.py in a temporary folder; the script itself fails when
endpoints and tshark disagree.  Checked here is what it left behind, and that tlswire reads the same from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from tlswire.capture import CaptureReader
from tlswire.crypto import KeyLogEntry, RSAKey, Secrets, parse_key_log
from tlswire.session import ApplicationData, ChangeCipherSpecMessage, HandshakeMessage

HERE = Path(__file__).parent
CAPTURES = HERE.parent / "captures"
DATA = HERE.parent.parent / "tlswire" / "data"
COMMITTED = sorted(path.parent.name for path in CAPTURES.glob("*/capture.json"))

# One of each kind of peer, and the programs that it needs besides those that all need
NEEDED_BY_ALL = ("apache2", "curl", "editcap", "gnutls-cli", "ip", "openssl", "selfserv", "tcpdump", "tshark", "wget")
REPRESENTATIVE = [
    "apache-tls12-3-names",
    "apache-tls10-250-names",
    "apache-tls12-interleaved",
    "wget-tls12-unlisted",
    "openssl-tls12-six-epochs",
    "openssl-tls12-client-abbreviated-ticket",
    "gnutls-tls12-3des",
    "gnutls-tls12-ecdhe-chacha20",
    "tlslite-tls12-malformed-names",
    "tlslite-tls12-dhe-aes128-ccm",
    "nss-tls10-des",
    "mbedtls-tls12-truncated-hmac",
    "openssl-tls13-early-data",
    "nss-tls13-post-handshake",
]


def what_is_missing() -> str:
    """What keeps the captures from being made on this machine; empty if nothing does."""
    missing = [program for program in NEEDED_BY_ALL if shutil.which(program) is None]
    missing += [module for module in ("cryptography", "tlslite") if find_spec(module) is None]
    missing += [library for library in ("mbedtls",) if find_library(library) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "not root"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return "" if probe.returncode == 0 else f"no network namespaces: {probe.stderr.strip()}"


def check(folder: Path) -> dict[str, Any]:
    """That a capture's folder has what its description says; the description."""
    description: dict[str, Any] = json.loads((folder / "capture.json").read_text())
    assert description["name"] == folder.name
    assert (folder / description["file"]).stat().st_size < 120_000
    assert (folder / description["key"]).is_file()
    expected = {"capture.json", description["file"]}
    if description["keylog"]:
        expected.add(description["keylog"])
    for stream in description["streams"]:
        for side in ("client", "server"):
            data = stream[side]
            if "file" in data:
                expected.add(data["file"])
                assert describe((folder / data["file"]).read_bytes()) == (data["bytes"], data["sha256"])
        for request in (epoch["certificate_request"] for epoch in stream["epochs"]):
            if request:
                names = (folder / request["file"]).read_bytes()
                assert describe(names) == (request["bytes"], request["sha256"])
        hellos = [name for sender, name, _ in stream["messages"] if name == "client_hello"]
        retries = sum(epoch.get("hello_retry_request", False) for epoch in stream["epochs"])
        assert len(hellos) == len(stream["epochs"]) + retries
    assert {path.name for path in folder.iterdir()} == expected
    return description


def describe(data: bytes) -> tuple[int, str]:
    """Length and digest, as descriptions have them."""
    return len(data), hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_capture_is_whole(name: str) -> None:
    check(CAPTURES / name)


def test_every_list_of_names_belongs_to_a_capture() -> None:
    used = {
        Path(epoch["certificate_request"]["file"]).name
        for name in COMMITTED
        for stream in json.loads((CAPTURES / name / "capture.json").read_text())["streams"]
        for epoch in stream["epochs"]
        if epoch["certificate_request"]
    }
    assert used == {path.name for path in (CAPTURES / "names").iterdir()}


def test_the_demo_is_the_first_of_the_captures() -> None:
    capture = CAPTURES / "apache-tls12-3-names" / "capture.pcapng"
    assert (DATA / "demo.pcapng").read_bytes() == capture.read_bytes()
    assert (DATA / "demo-key.pem").read_bytes() == (CAPTURES / "keys" / "server.pem").read_bytes()


def test_every_container_has_the_same_key() -> None:
    keys = CAPTURES / "keys"
    listed = json.loads((keys / "keys.json").read_text())
    assert {entry["file"] for entry in listed} | {"keys.json", "unrelated.pem"} == set(os.listdir(keys))
    moduli = set()
    for entry in listed:
        data, password = (keys / entry["file"]).read_bytes(), entry.get("password", "").encode() or None
        if entry["form"] == "PKCS #12":
            key = load_pkcs12(data, password).key
        else:
            load = load_der_private_key if entry["form"].startswith("DER") else load_pem_private_key
            key = load(data, password)
        assert isinstance(key, RSAPrivateKey)
        moduli.add(key.public_key().public_numbers().n)
    assert len(moduli) == 1


def test_captures_show_no_machine() -> None:
    """Of paths and hosts, only what the peers have by themselves: Debian's paths are in no capture."""
    for name in COMMITTED:
        text = (CAPTURES / name / "capture.json").read_text()
        assert not any(word in text for word in ("/tmp", "/home", "/root", "site-packages"))


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for captures made now; skips where they cannot be made."""
    if missing := what_is_missing():
        pytest.skip(missing)
    return tmp_path_factory.mktemp("captures")


@pytest.mark.live
@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_capture_made_afresh(fresh: Path, name: str) -> None:
    command = [sys.executable, str(HERE / "make_captures.py"), str(fresh), "--only", name]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    now, then = check(fresh / name), json.loads((CAPTURES / name / "capture.json").read_text())
    assert len(now["streams"]) == len(then["streams"])
    for stream, committed in zip(now["streams"], then["streams"], strict=True):
        assert stream["messages"] == committed["messages"]
        assert stream["epochs"] == committed["epochs"]
    assert read_with_tlswire(fresh / name, now) == [
        {side: told_by_endpoints(stream, side) for side in ("client", "server")} for stream in now["streams"]
    ]


def told_by_endpoints(stream: dict[str, Any], side: str) -> tuple[list[tuple[str, int]], tuple[int, str]]:
    """The names and epochs of the messages of one side, and length and digest of its data."""
    messages = [(name, epoch) for sender, name, epoch in stream["messages"] if sender == side]
    return messages, (stream[side]["bytes"], stream[side]["sha256"])


def read_with_tlswire(
    folder: Path, description: dict[str, Any]
) -> list[dict[str, tuple[list[tuple[str, int]], tuple[int, str]]]]:
    """The same of each stream, as tlswire decrypts it with the server's key and the key log."""
    key = load_pem_private_key((folder / description["key"]).read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    secrets = Secrets([RSAKey(key)])
    if description["keylog"]:
        lines = (folder / description["keylog"]).read_bytes().splitlines()
        secrets.add_key_log(entry for entry in parse_key_log(lines) if isinstance(entry, KeyLogEntry))
    messages: dict[tuple[int, str], list[tuple[str, int]]] = defaultdict(list)
    data: dict[tuple[int, str], bytes] = defaultdict(bytes)
    for stream, event in CaptureReader([folder / description["file"]], secrets=secrets):
        match event:
            case HandshakeMessage():
                messages[stream.number, stream.role(event.side)].append((event.msg_type.name, event.epoch))
            case ChangeCipherSpecMessage():
                messages[stream.number, stream.role(event.side)].append(("change_cipher_spec", event.epoch))
            case ApplicationData():
                data[stream.number, stream.role(event.side)] += event.data
    return [
        {side: (messages[number, side], describe(data[number, side])) for side in ("client", "server")}
        for number in range(len(description["streams"]))
    ]
