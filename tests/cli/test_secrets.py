"""`secrets`: what it writes opens the captures, in other programs too, and in the hands of their owner alone."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import open_capture
from tlswire.crypto import KeyLogEntry, parse_key_log

Run = Callable[..., Any]

CAPTURES = Path(__file__).parents[1] / "captures"
NAMES = sorted(
    path.parent.name
    for path in CAPTURES.glob("*/capture.json")
    if not json.loads(path.read_text()).get("undecryptable")
)
KEY = CAPTURES / "keys" / "server.pem"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def capture_of(name: str) -> Path:
    (capture,) = (CAPTURES / name).glob("capture.pcap*")
    return capture


def secrets_of(name: str) -> list[object]:
    key_log = CAPTURES / name / "keylog.txt"
    return ["--key", KEY, *(["--keylog", key_log] if key_log.exists() else [])]


def plaintext(name: str) -> dict[str, tuple[int, str]]:
    """What each side of each connection sent, in an endpoint's words: bytes and SHA-256, by the file's name."""
    truth = json.loads((CAPTURES / name / "capture.json").read_text())
    return {
        f"stream-{stream['stream']}.{side}.bin": (stream[side]["bytes"], stream[side]["sha256"])
        for stream in truth["streams"]
        for side in ("client", "server")
    }


def frames_of(capture: Path) -> list[tuple[int, str, int, bytes, int]]:
    with open_capture(capture) as opened:
        return [
            (
                frame.number,
                str(frame.ticks / frame.ticks_per_second),
                frame.link_type,
                frame.data,
                frame.original_length,
            )
            for frame in opened.frames()
        ]


@pytest.mark.parametrize("name", NAMES)
def test_the_key_log_alone_and_the_capture_alone_give_what_the_endpoints_sent(
    name: str, run: Run, tmp_path: Path
) -> None:
    key_log, injected = tmp_path / "keys.log", tmp_path / "injected.pcapng"
    done = run("secrets", capture_of(name), *secrets_of(name), "-o", key_log, "--inject", injected)
    truth = plaintext(name)
    assert done.status in (0, 3)
    if not key_log.exists():
        assert not any(size for size, _ in truth.values())
        return
    assert frames_of(injected) == frames_of(capture_of(name))
    for number, how in enumerate(([capture_of(name), "--keylog", key_log], [injected])):
        decrypted = run("decrypt", *how, "-o", tmp_path / str(number), "--json")
        (manifest,) = decrypted.objects
        found = {entry["file"]: (entry["bytes"], entry["sha256"]) for entry in manifest["files"]}
        sent = {file: content for file, content in truth.items() if content[0]}
        assert {file: found.get(file) for file in sent} == sent


# Of every kind one; the others are for the long run.
FEW = {
    "apache-tls12-3-names", "openssl-tls12-six-epochs", "apache-tls10-resumed-id", "gnutls-tls12-ecdhe-chacha20",
    "openssl-tls13-key-updates", "openssl-tls13-early-data", "gnutls-tls13-hello-retry", "apache-tls13-resumed",
}  # fmt: skip
TSHARK_DECRYPTS = [
    name for name in NAMES if json.loads((CAPTURES / name / "capture.json").read_text()).get("tshark_decrypts", True)
]


@needs_tshark
@pytest.mark.parametrize(
    "name", [name if name in FEW else pytest.param(name, marks=pytest.mark.live) for name in TSHARK_DECRYPTS]
)
def test_wireshark_opens_both(name: str, run: Run, tmp_path: Path) -> None:
    key_log, injected = tmp_path / "keys.log", tmp_path / "injected.pcapng"
    run("secrets", capture_of(name), *secrets_of(name), "-o", key_log, "--inject", injected)
    truth = json.loads((CAPTURES / name / "capture.json").read_text())
    for how in (["-r", injected], ["-r", capture_of(name), "-o", f"tls.keylog_file:{key_log}"]):
        for stream in truth["streams"]:
            command = ["tshark", *map(str, how), "-q", "-z", f"follow,tls,raw,{stream['tcp_stream']}"]
            told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
            lines = told.splitlines()
            sides = [b"", b""]
            for line in lines[6:-1]:
                sides[line.startswith("\t")] += bytes.fromhex(line.strip())
            # The first data lines are of the side that it saw first; which one that is, it says nowhere for certain.
            sent = sorted(stream[side]["sha256"] for side in ("client", "server"))
            assert sorted(hashlib.sha256(side).hexdigest() for side in sides) == sent


@needs_tshark
def test_wireshark_sees_the_same_frames(run: Run, tmp_path: Path) -> None:
    name = "openssl-tls12-resumed-ticket"
    capture, injected = capture_of(name), tmp_path / "injected.pcapng"
    assert capture.suffix == ".pcap"
    run("secrets", capture, "--key", KEY, "--inject", injected)
    fields = ["frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "ip.src", "tcp.seq_raw", "tcp.payload"]
    chosen = [part for field in fields for part in ("-e", field)]
    said = [
        subprocess.run(
            ["tshark", "-n", "-r", str(one), "-T", "fields", *chosen],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout
        for one in (capture, injected)
    ]  # fmt: skip
    # It writes as many digits as the file has; both have microseconds.
    assert said[0] == said[1]
    assert said[0].count("\n") == len(frames_of(capture))


def test_each_handshake_has_its_line_and_each_line_once(run: Run, tmp_path: Path) -> None:
    done = run("secrets", capture_of("openssl-tls12-six-epochs"), "--key", KEY, "-o", "-")
    entries = list(parse_key_log(done.stdout.encode().splitlines()))
    assert len(entries) == 6
    assert all(isinstance(entry, KeyLogEntry) and entry.label == "CLIENT_RANDOM" for entry in entries)
    capture = capture_of("openssl-tls12-six-epochs")
    twice = run("secrets", capture, capture, "--key", KEY, "-o", "-")
    assert twice.stdout == done.stdout


def test_what_the_client_logged_is_what_is_written(run: Run) -> None:
    logged = {
        entry.line()
        for entry in parse_key_log((CAPTURES / "apache-tls12-rsa-then-ecdhe" / "keylog.txt").read_bytes().splitlines())
        if isinstance(entry, KeyLogEntry)
    }
    # With the RSA key alone, the first handshake is decrypted; the client has logged its secret too.
    done = run("secrets", capture_of("apache-tls12-rsa-then-ecdhe"), "--key", KEY, "-o", "-")
    assert done.status == 3
    (line,) = done.stdout.splitlines()
    assert line in logged


def test_the_files_are_their_owners_and_replace_what_was_there(
    run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    key_log, injected = tmp_path / "keys.log", tmp_path / "injected.pcapng"
    key_log.write_text("old")
    key_log.chmod(0o644)
    assert run("secrets", demo, "--key", demo_key, "-o", key_log, "--inject", injected).status == 0
    for path in (key_log, injected):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "old" not in key_log.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["injected.pcapng", "keys.log"]


def test_no_secret_is_in_what_is_printed(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    key_log = tmp_path / "keys.log"
    done = run("secrets", demo, "--key", demo_key, "-o", key_log)
    assert done.stdout == f"{key_log}: 2 secrets of 1 connection\n"
    assert not any(line.split()[2] in done.stdout + done.stderr for line in key_log.read_text().splitlines())


def test_where_nothing_is_decrypted_nothing_is_written(run: Run, demo: Path, tmp_path: Path) -> None:
    key_log, injected = tmp_path / "keys.log", tmp_path / "injected.pcapng"
    wrong = ["--key", CAPTURES / "keys" / "unrelated.pem"]
    assert run("secrets", demo, *wrong, "-o", key_log, "--inject", injected).status == 3
    assert run("secrets", demo, "-o", key_log).status == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [[], ["--inject", "out.pcapng", "second.pcap"]],
    ids=["without a file to write", "two captures and one to be written"],
)
def test_what_cannot_be_meant_is_a_usage_error(run: Run, demo: Path, arguments: list[str]) -> None:
    done = run("secrets", demo, *arguments)
    assert done.status == 2
    assert "--inject" in done.stderr
    assert not done.stdout


def test_the_capture_itself_is_not_written_over(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    capture = tmp_path / "a.pcapng"
    capture.write_bytes(demo.read_bytes())
    (tmp_path / "link").symlink_to(capture)
    done = run("secrets", capture, "--key", demo_key, "--inject", tmp_path / "link")
    assert done.status == 1
    assert "choose another file" in done.complaint
    assert capture.read_bytes() == demo.read_bytes()


def test_nothing_that_is_read_or_written_already_is_written_over(
    run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    for name, original in (("capture", demo), ("key", demo_key)):
        (tmp_path / name).write_bytes(original.read_bytes())
    (tmp_path / "log").write_text("# of other connections\n")
    (tmp_path / "password").write_text("unused\n")
    given = [tmp_path / "capture", "--key", tmp_path / "key", "--keylog", tmp_path / "log"]
    given += ["--password-file", tmp_path / "password"]
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for outputs in (
        ["-o", "capture"],
        ["-o", "key"],
        ["-o", "log"],
        ["--inject", "log"],
        ["-o", "password"],
        ["-o", "x", "--inject", "x"],
    ):
        named = [tmp_path / part if not part.startswith("-") else part for part in outputs]
        done = run("secrets", *given, *named)
        assert done.status == 1
        assert "choose another file" in done.complaint
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_is_no_file_is_not_replaced_by_one(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        done = run("secrets", demo, "--key", demo_key, "-o", path)
        assert done.status == 1
        assert "no regular file" in done.complaint
    assert pipe.is_fifo()
    assert (tmp_path / "link").is_symlink()


def test_what_cannot_be_written_is_one_line(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    for option in ("-o", "--inject"):
        done = run("secrets", demo, "--key", demo_key, option, tmp_path / "no" / "such")
        assert done.status == 1
        assert "no such file or directory" in done.complaint
    done = run("secrets", demo, "--key", demo_key, "-o", tmp_path)
    assert done.status == 1
    assert "cannot be written" in done.complaint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["pcapng", "pcap"])
def test_of_a_capture_that_is_cut_short_the_beginning_is_written(
    suffix: str, run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    whole = demo if suffix == "pcapng" else capture_of("openssl-tls12-resumed-ticket")
    capture, injected = tmp_path / f"cut.{suffix}", tmp_path / "injected.pcapng"
    capture.write_bytes(whole.read_bytes()[:-7])
    done = run("secrets", capture, "--key", KEY if suffix == "pcap" else demo_key, "--inject", injected)
    assert done.status == 1
    assert "cut short" in done.complaint
    again = run("explain", injected, "--json")
    assert any(row["kind"] == "message" and row["encrypted"] for row in again.objects)


def test_a_compressed_capture_is_written_plain(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    packed, injected, plain = tmp_path / "a.pcapng.gz", tmp_path / "packed.pcapng", tmp_path / "plain.pcapng"
    packed.write_bytes(gzip.compress(demo.read_bytes()))
    assert run("secrets", packed, "--key", demo_key, "--inject", injected).status == 0
    assert run("secrets", demo, "--key", demo_key, "--inject", plain).status == 0
    assert injected.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_section_that_says_its_length_says_the_new_one(
    order: str, run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    frames = frames_of(demo)
    blocks = [struct.pack(order + "LLHHLLHH", 1, 20, frames[0][2], 0, 0, 20, 0, 0)[:20]]
    with open_capture(demo) as opened:
        for frame in opened.frames():
            assert frame.ticks_per_second in (10**6, 10**9)
            ticks = frame.ticks * 10**6 // frame.ticks_per_second
            padded = frame.data + bytes(-len(frame.data) % 4)
            size = 32 + len(padded)
            head = struct.pack(
                order + "LLLLLLL", 6, size, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame.data), frame.original_length
            )
            blocks.append(head + padded + struct.pack(order + "L", size))
    rest = b"".join(blocks)
    section = struct.pack(order + "LLLHHqL", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, len(rest), 28)
    capture, injected = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    capture.write_bytes(section + rest)
    assert run("secrets", capture, "--key", demo_key, "--inject", injected).status == 0
    made = injected.read_bytes()
    assert struct.unpack_from(order + "q", made, 16)[0] == len(made) - 28
    assert made.endswith(rest)
    assert struct.unpack_from(order + "L", made, 28)[0] == 10
    assert frames_of(injected) == frames_of(capture)
    assert run("explain", injected, "--json").stdout.replace(str(injected), "") == run(
        "explain", capture, "--key", demo_key, "--json"
    ).stdout.replace(str(capture), "")


def test_an_empty_block_is_no_end(tmp_path: Path) -> None:
    # What `with_secrets` is given piece by piece, a byte at a time too.
    class Drip(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return self.read(1)

    from tlswire.capture.inject import with_secrets

    raw = capture_of("apache-tls12-3-names").read_bytes()
    made = b"".join(with_secrets(open_capture(Drip(raw)), b"CLIENT_RANDOM 00 00\n"))
    assert made == b"".join(with_secrets(open_capture(io.BytesIO(raw)), b"CLIENT_RANDOM 00 00\n"))
    assert len(made) == len(raw) + 12 + 8 + 20
