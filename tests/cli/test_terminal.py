"""The command as a process: terminals of any width, pipes that close, interrupts, and requirements that are missing."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tlswire

Run = Callable[..., Any]
Terminal = Callable[..., tuple[int, list[str]]]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tlswire", *map(str, arguments)]


def test_a_capture_is_not_written_to_a_terminal(demo: Path, demo_key: Path, terminal: Terminal) -> None:
    status, lines = terminal(80, "decrypt", demo, "--key", demo_key, "--pcap", "-")
    assert status == 2
    assert "redirect standard output" in " ".join(lines)
    assert "GET" not in "".join(lines)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_the_story_is_there(columns: int, terminal: Terminal) -> None:
    status, lines = terminal(columns, "demo", NO_COLOR="1")
    assert status == 0
    assert max(map(len, lines)) <= columns
    text = " ".join(" ".join(lines).split())
    for words in ("Hello Request", "GET /1.aspx HTTP/1.1", "Certificate Request, 3 CA names", "HTTP/1.1 200 OK"):
        assert words in text


def test_at_80_columns_the_messages_of_a_frame_stand_below_its_line(terminal: Terminal) -> None:
    _, lines = terminal(80, "demo", NO_COLOR="1")
    frame = next(index for index, line in enumerate(lines) if line.startswith("   6  "))
    assert re.fullmatch(
        r" +6  \d\d:\d\d:\d\d\.\d{6}  0\.\d{6}  10\.10\.10\.15:443 +10\.10\.10\.16:\d+  TLSv1\.2", lines[frame]
    )
    assert lines[frame + 1 : frame + 4] == [
        "      0    Server Hello, TLSv1.2, TLS_RSA_WITH_AES_128_CBC_SHA",
        "      0    Certificate, CN=www.example.test,C=US",
        "      0    Server Hello Done",
    ]


def test_an_annotated_tree_fits_the_terminal(terminal: Terminal) -> None:
    body = "0303" + "00" * 32 + "00" + "0004002f00ff" + "0100"
    status, lines = terminal(60, "show", "--as", "ClientHello", body, NO_COLOR="1")
    assert status == 0
    assert max(map(len, lines)) <= 60


def test_colours_are_for_terminals_unless_they_are_unwanted(terminal: Terminal, process: Run) -> None:
    assert any("\x1b[" in line for line in terminal(80, "demo", NO_COLOR="")[1])
    assert not any("\x1b[" in line for line in terminal(80, "demo", NO_COLOR="1")[1])
    assert not any("\x1b[" in line for line in terminal(80, "demo", TERM="dumb")[1])
    assert "\x1b[" not in process("demo").stdout


def test_a_long_capture_has_a_progress_bar_and_a_short_one_has_none(
    terminal: Terminal, demo: Path, tmp_path: Path
) -> None:
    long = tmp_path / "long.pcap"
    frame = struct.pack("<LLLL", 1, 0, 60_000, 60_000) + bytes(60_000)
    long.write_bytes(struct.pack("<LHHLLLL", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1) + frame * 400)
    assert any("reading" in line for line in terminal(80, "explain", long)[1])
    assert not any("reading" in line for line in terminal(80, "explain", demo)[1])


def test_a_terminal_that_cannot_show_a_sign_gets_its_code(process: Run, captures: Path) -> None:
    capture = captures / "apache-tls12-250-names" / "capture.pcap"
    done = process("explain", capture, "--key", captures / "keys" / "server.pem", PYTHONIOENCODING="ascii")
    assert done.status == 0
    assert r"\u2026 and " in done.stdout


@pytest.mark.parametrize("verb", ["explain", "decrypt", "show"])
def test_whoever_stops_reading_is_no_error(verb: str, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    arguments = {
        "explain": ["explain", demo, "--key", demo_key],
        "decrypt": ["decrypt", demo, "--key", demo_key, "-o", tmp_path],
        "show": ["show", "00000000"],
    }[verb]
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert errors == b""
    assert process.returncode == 0


def test_whoever_stops_reading_still_learns_that_the_capture_is_damaged(demo: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(demo.read_bytes()[:6000])
    with subprocess.Popen(command("explain", cut), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert b"Traceback" not in errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command("demo"), stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == ["tlswire: standard output: no space left on device"]


def test_an_interrupt_ends_with_whole_lines(demo: Path, demo_key: Path) -> None:
    arguments = command("explain", "-", "--json", "--key", demo_key)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(arguments, **pipes, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(demo.read_bytes()[:6000])
        process.stdin.flush()
        first = process.stdout.readline()  # so it is reading, and will wait for more
        process.send_signal(signal.SIGINT)
        lines = [first, *process.stdout.read().splitlines()]
        errors = process.stderr.read()
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert [json.loads(line)["kind"] for line in lines]


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_one_line_says_what_to_install(missing: str, tmp_path: Path) -> None:
    # A finder that stands first says of the package that there is none, as in an environment without it.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Nothing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {missing!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Nothing())\n"
    )
    root = str(Path(tlswire.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), root])}
    done = subprocess.run(command("demo"), capture_output=True, env=env, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        f"tlswire: the command line needs {missing}: pip install 'tlswire[cli]'"
    ]
    assert not done.stdout


def test_a_note_tells_which_lines_of_a_key_log_were_passed_over(terminal: Terminal, demo: Path, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    log.write_bytes(b"nonsense\n" * 9 + b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n")
    _, lines = terminal(200, "explain", demo, "--keylog", log)
    notes = [line for line in lines if line.startswith("tlswire: ")]
    assert len(notes) == 6
    assert notes[0].startswith(f"tlswire: {log}: line 1 passed over: ")
    assert notes[-1] == f"tlswire: {log}: 9 lines passed over in all"
