"""What goes wrong: one line on standard error that says what and where, the exit status, and no traceback."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import tlswire
from tlswire.cli.commands import commands

Run = Callable[..., Any]

DATA = Path(tlswire.__file__).parent / "data"
DEMO = (DATA / "demo.pcapng").read_bytes()
DEMO_KEY = (DATA / "demo-key.pem").read_bytes()
KEYS = Path(__file__).parents[1] / "captures" / "keys"

UNREADABLE: dict[str, tuple[bytes | None, str]] = {
    "missing.pcap": (None, "no such file"),
    "empty.pcap": (b"", "the file is empty"),
    "text.txt": (b"hello, world\n", "no capture"),
    "trace.etl": (bytes(100), "etl2pcap"),
    "monitor.cap": (b"GMBU" + bytes(100), "Network Monitor"),
    "header.pcap": (bytes.fromhex("d4c3b2a1"), "cut short"),
    "cut.pcapng": (DEMO[:5000], "cut short"),
    "cut.gz": (gzip.compress(DEMO)[:3000], "cut short"),
    "damaged.pcapng": (DEMO[:5000] + b"\xff" * 4000, "offset"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("verb", ["explain", "decrypt", "secrets"])
def test_a_capture_that_cannot_be_read_is_one_line_with_its_name(
    name: str, verb: str, run: Run, demo_key: Path, tmp_path: Path
) -> None:
    content, words = UNREADABLE[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    options = ["-o", tmp_path / "out"] if verb != "explain" else []
    done = run(verb, path, "--key", demo_key, *options)
    assert done.status == 1
    assert done.complaint.startswith(f"tlswire: {path}: ")
    assert words in done.complaint


def test_standard_input_that_is_no_capture_is_one_line(run: Run) -> None:
    done = run("explain", "-", stdin=b"hello, world")
    assert done.status == 1
    assert done.complaint.startswith("tlswire: standard input: no capture")


def test_a_directory_is_one_line(run: Run, tmp_path: Path) -> None:
    done = run("explain", tmp_path)
    assert done.status == 1
    assert "is a directory" in done.complaint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "closed.pcap"
    path.write_bytes(DEMO)
    path.chmod(0)
    assert "permission denied" in run("explain", path).complaint


def test_what_came_before_the_damage_is_told_first_and_1_outranks_3(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    path.write_bytes(DEMO[:6000])
    done = run("explain", path, "--json", "--key", KEYS / "unrelated.pem")
    assert done.status == 1
    names = [one["name"] for one in done.objects if one["kind"] == "message"]
    assert names[:6] == [
        "client_hello", "server_hello", "certificate", "server_hello_done", "client_key_exchange",
        "change_cipher_spec",
    ]  # fmt: skip
    assert "encrypted" in names
    assert done.objects[-1]["kind"] == "connection"
    assert "frame" in done.complaint
    assert "offset" in done.complaint


BAD_KEYS: dict[str, tuple[bytes | None, str]] = {
    "missing.pem": (None, "no such file"),
    "empty.pem": (b"", "empty"),
    "text.pem": (b"hello", "private key"),
    "binary.key": (bytes(range(256)), ""),
    "public.pem": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
    "damaged.pem": (DEMO_KEY.replace(b"M", b"N"), ""),
    "encrypted.pem": ((KEYS / "server-encrypted.pem").read_bytes(), "no password was given"),
    "server.p12": ((KEYS / "server.p12").read_bytes(), "password"),
    "ec.pem": (
        generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "this is a key for",
    ),
    "capture.pcapng": (DEMO, ""),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_file_that_is_no_key_is_one_line_and_nothing_is_read(name: str, run: Run, demo: Path, tmp_path: Path) -> None:
    content, words = BAD_KEYS[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = run("explain", demo, "--key", path)
    assert done.status == 1
    assert done.complaint.startswith(f"tlswire: {path}: ")
    assert words in done.complaint
    assert not done.stdout


@pytest.mark.parametrize("name", ["server-encrypted.pem", "server.p12"])
def test_a_wrong_password_is_one_line_and_is_not_repeated(name: str, run: Run, demo: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("not-the-password")
    done = run("explain", demo, "--key", KEYS / name, "--password-file", password)
    assert done.status == 1
    assert "password is wrong" in done.complaint
    assert "not-the-password" not in done.complaint


def test_a_password_file_that_is_missing_is_one_line(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    done = run("explain", demo, "--key", demo_key, "--password-file", tmp_path / "missing")
    assert done.status == 1
    assert done.complaint.startswith(f"tlswire: {tmp_path / 'missing'}: ")


@pytest.mark.parametrize("content", [None, b"\x00\xff\x80 garbage \x1b[31m\n" * 50], ids=["missing", "binary"])
def test_a_key_log_that_is_none_is_one_line(content: bytes | None, run: Run, demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    if content is not None:
        path.write_bytes(content)
    done = run("explain", demo, "--keylog", path)
    assert done.status == 1
    assert done.complaint.startswith(f"tlswire: {path}: ")
    assert "\x1b" not in done.stderr


def test_a_name_with_control_characters_does_not_reach_the_terminal(run: Run, tmp_path: Path) -> None:
    done = run("explain", tmp_path / "\x1b[31mred\nline.pcap")
    assert done.status == 1
    assert r"\x1b[31mred\x0aline.pcap" in done.complaint


@pytest.mark.parametrize(
    "arguments",
    [["explain"], ["decrypt", "x"], ["explain", "x", "--nonsense"], ["nonsense"], ["show", "--as", "Nothing", "00"]],
    ids=" ".join,
)
def test_wrong_arguments_are_exit_status_2(arguments: list[str], run: Run) -> None:
    done = run(*arguments)
    assert done.status == 2
    assert done.stderr
    assert not done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["decrypt", "-h"], ["--version"]])
def test_help_and_version_are_exit_status_0(arguments: list[str], run: Run) -> None:
    done = run(*arguments)
    assert done.status == 0
    assert done.stdout
    assert not done.stderr


def test_the_status_is_the_same_where_click_runs_the_verbs(demo: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(commands, ["demo"]).exit_code == 0
    assert runner.invoke(commands, ["explain", str(tmp_path / "missing")]).exit_code == 1
    assert runner.invoke(commands, ["explain"]).exit_code == 2
    assert runner.invoke(commands, ["explain", str(demo), "--key", str(KEYS / "unrelated.pem")]).exit_code == 3


def imported(*arguments: object) -> set[str]:
    """The modules that a command has imported."""
    code = (
        "import atexit, sys; from tlswire.cli import main\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "main()"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["explain", "--help"]])
def test_version_and_help_wait_for_no_import_but_clicks(arguments: list[str]) -> None:
    assert not imported(*arguments) & {"construct", "cryptography", "rich", "tlswire.registry"}


@pytest.mark.parametrize("verb", [["explain"], ["decrypt", "-o"]])
def test_a_job_waits_for_no_import_that_it_does_not_use(
    verb: list[str], demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    found = imported(*verb, *([tmp_path / "out"] if "-o" in verb else []), demo, "--key", demo_key)
    assert "construct" in found
    assert not found & {
        "rich",
        "cryptography.x509",
        "pathlib",
        "tempfile",
        "concurrent.futures",
        "fractions",
        "logging",
    }


def test_the_version_is_the_packages(process: Run) -> None:
    assert process("--version").stdout == f"tlswire {tlswire.__version__}\n"
