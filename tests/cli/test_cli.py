"""The command line as other programs see it: output, JSON, files, exit statuses; and no traceback, whatever comes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tlswire

CAPTURES = Path(__file__).parents[1] / "captures"
KEYS = CAPTURES / "keys"
DATA = Path(tlswire.__file__).parent / "data"
DEMO, DEMO_KEY = DATA / "demo.pcapng", DATA / "demo-key.pem"


def run(*arguments: object, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tlswire", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, env={**os.environ, **environment}, check=False)
    assert b"Traceback" not in done.stderr
    return done


def objects(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def one_line(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1
    return lines[0]


STORY = [
    ("client", 0, "client_hello"),
    ("server", 0, "server_hello"),
    ("server", 0, "certificate"),
    ("server", 0, "server_hello_done"),
    ("client", 0, "client_key_exchange"),
    ("client", 0, "change_cipher_spec"),
    ("client", 0, "finished"),
    ("server", 0, "change_cipher_spec"),
    ("server", 0, "finished"),
    ("client", 0, "application_data"),
    ("server", 0, "hello_request"),
    ("client", 1, "client_hello"),
    ("server", 1, "server_hello"),
    ("server", 1, "certificate"),
    ("server", 1, "certificate_request"),
    ("server", 1, "server_hello_done"),
    ("client", 1, "certificate"),
    ("client", 1, "client_key_exchange"),
    ("client", 1, "certificate_verify"),
    ("client", 1, "change_cipher_spec"),
    ("client", 1, "finished"),
    ("server", 1, "change_cipher_spec"),
    ("server", 1, "finished"),
    ("server", 1, "application_data"),
    ("client", 1, "close_notify"),
    ("server", 1, "close_notify"),
]


def test_the_demo_tells_the_story() -> None:
    done = run("demo")
    assert done.returncode == 0
    text = done.stdout.decode()
    position = 0
    for words in (
        "Client Hello", "Server Hello", "Certificate,", "Server Hello Done", "Client Key Exchange",
        "Change Cipher Spec", "Finished", "GET /1.aspx HTTP/1.1", "Hello Request", "Client Hello", "Server Hello",
        "Certificate Request, 3 CA names", "1. CN=", "2. CN=", "3. OU=", "Server Hello Done", "Certificate Verify",
        "Finished", "HTTP/1.1 200 OK", "renegotiation_info verified", "Finished verified",
    ):  # fmt: skip
        position = text.index(words, position) + 1
    assert not done.stderr


def test_the_json_of_the_demo_is_the_story_with_the_fields_of_the_contract() -> None:
    told = objects(run("demo", "--json"))
    messages = [one for one in told if one["kind"] == "message"]
    assert [(one["direction"], one["epoch"], one["name"]) for one in messages] == STORY
    for one in messages:
        assert list(one)[:16] == [
            "kind", "file", "frame", "time", "stream", "tcp_stream", "src", "dst", "direction", "protocol", "epoch",
            "encrypted", "content_type", "name", "length", "info",
        ]  # fmt: skip
    hello_request = messages[10]
    assert hello_request["src"] == "10.10.10.15:443"
    assert (hello_request["length"], hello_request["info"], hello_request["encrypted"]) == (0, "Hello Request", True)
    assert messages[0]["protocol"] == "TLSv1.0"  # the record's own, before ServerHello
    assert {one["protocol"] for one in messages[1:]} == {"TLSv1.2"}
    assert len(messages[14]["certificate_authorities"]) == 3
    assert [one["level"] for one in messages[-2:]] == ["warning", "warning"]
    (connection,) = [one for one in told if one["kind"] == "connection"]
    assert connection == told[-1]
    assert (connection["client"], connection["server"]) == (messages[0]["src"], messages[0]["dst"])
    for epoch, initiated_by in zip(connection["epochs"], ("client", "server"), strict=True):
        assert epoch["initiated_by"] == initiated_by
        assert (epoch["secure_renegotiation"], epoch["finished"], epoch["resumed"]) == ("verified", "verified", False)
        for side in ("client", "server"):
            assert epoch[side] == {"verdict": "decrypted", "reason": None, "evidence": {}}


def test_frames_times_and_lengths_are_those_of_tshark() -> None:
    # `tshark -r demo.pcapng -Y tls -T fields -e frame.number -e frame.time_epoch`, version 4.0.17
    told = [one for one in objects(run("demo", "--json")) if one["kind"] == "message"]
    assert [one["frame"] for one in told] == [
        4, 6, 6, 6, 8, 8, 8, 9, 9, 10, 11, 12, 13, 13, 13, 14, 16, 16, 17, 17, 17, 19, 19, 20, 22, 24,
    ]  # fmt: skip
    assert all(len(one["time"].partition(".")[2]) == 6 for one in told)


def test_without_a_key_what_is_encrypted_says_so_and_the_exit_status_is_0() -> None:
    done = run("explain", DEMO, "--json")
    assert done.returncode == 0
    encrypted = [one for one in objects(done) if one.get("name") == "encrypted"]
    assert {one["undecryptable"] for one in encrypted} == {"no_secrets", "previous_epoch_encrypted"}


def test_with_a_key_that_does_not_fit_the_exit_status_is_3() -> None:
    done = run("explain", DEMO, "--key", KEYS / "unrelated.pem")
    assert done.returncode == 3
    assert b"wrong_key" in done.stdout
    assert b"Give the private key that belongs to the certificate" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize("entry", json.loads((KEYS / "keys.json").read_text()), ids=lambda entry: entry["file"])
def test_a_key_is_taken_in_every_container(entry: dict[str, str], tmp_path: Path) -> None:
    options: list[object] = ["--key", KEYS / entry["file"]]
    if "password" in entry:
        password = tmp_path / "password"
        password.write_text(entry["password"] + "\r\n")
        options += ["--password-file", password]
    done = run("explain", DEMO, *options)
    assert done.returncode == 0
    assert b"GET /1.aspx" in done.stdout


def test_a_key_log_is_taken_and_malformed_lines_lose_no_other(tmp_path: Path) -> None:
    folder = CAPTURES / "apache-tls12-ecdhe-then-rsa"
    log = tmp_path / "keys.log"
    log.write_bytes(b"# a comment\r\nnonsense\n" + (folder / "keylog.txt").read_bytes())
    (capture,) = folder.glob("capture.pcap*")
    done = run("explain", capture, "--keylog", log, "--key", KEYS / "server.pem")
    assert done.returncode == 0
    assert b"GET /1.aspx" in done.stdout


def test_decrypt_writes_what_the_endpoints_wrote_and_a_manifest(tmp_path: Path) -> None:
    folder = CAPTURES / "apache-tls12-3-names"
    done = run("decrypt", DEMO, "--key", DEMO_KEY, "-o", tmp_path / "out")
    assert done.returncode == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [entry["file"] for entry in manifest["files"]] == ["stream-0.client.bin", "stream-0.server.bin"]
    for entry in manifest["files"]:
        path = tmp_path / "out" / entry["file"]
        data = path.read_bytes()
        assert data == (folder / entry["file"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert entry["missing"] == []
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.json", "stream-0.client.bin", "stream-0.server.bin",
    ]  # fmt: skip


def test_decrypt_again_replaces_its_own_files_and_touches_no_others(tmp_path: Path) -> None:
    assert run("decrypt", DEMO, "--key", DEMO_KEY, "-o", tmp_path).returncode == 0
    (tmp_path / "notes.txt").write_text("mine")
    assert run("decrypt", DEMO, "--key", DEMO_KEY, "-o", tmp_path).returncode == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_decrypt_does_not_overwrite_a_file_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "stream-0.client.bin").write_text("mine")
    done = run("decrypt", DEMO, "--key", DEMO_KEY, "-o", tmp_path)
    assert done.returncode == 1
    assert "exists" in one_line(done)
    assert (tmp_path / "stream-0.client.bin").read_text() == "mine"


def test_decrypt_says_what_is_missing_and_why(tmp_path: Path) -> None:
    done = run("decrypt", DEMO, "--key", KEYS / "unrelated.pem", "-o", tmp_path, "--json")
    assert done.returncode == 3
    (manifest,) = objects(done)
    assert manifest == json.loads((tmp_path / "manifest.json").read_text())
    assert {missing["reason"] for entry in manifest["files"] for missing in entry["missing"]} >= {"wrong_key"}


def test_a_capture_comes_from_standard_input_and_compressed(tmp_path: Path) -> None:
    plain = run("explain", DEMO, "--json", "--key", DEMO_KEY)
    piped = run("explain", "-", "--json", "--key", DEMO_KEY, stdin=DEMO.read_bytes())
    packed = tmp_path / "demo.pcapng.gz"
    packed.write_bytes(gzip.compress(DEMO.read_bytes()))
    unpacked = run("explain", packed, "--json", "--key", DEMO_KEY)
    for other in (piped, unpacked):
        assert other.returncode == 0
        assert [{**one, "file": ""} for one in objects(other)] == [{**one, "file": ""} for one in objects(plain)]


def test_several_captures_are_read_as_one() -> None:
    other = next((CAPTURES / "apache-tls12-40-names").glob("capture.pcap*"))
    done = run("explain", other, DEMO, "--json", "--key", DEMO_KEY)
    assert done.returncode == 0
    connections = [one for one in objects(done) if one["kind"] == "connection"]
    assert [one["stream"] for one in connections] == [0, 1]
    files = [one["file"] for one in objects(done) if one["kind"] == "message"]
    assert files == sorted(files, key=[str(DEMO), str(other)].index) or files == sorted(
        files, key=[str(other), str(DEMO)].index
    )


UNREADABLE = {
    "missing.pcap": (None, "no such file"),
    "empty.pcap": (b"", "empty"),
    "text.txt": (b"hello, world\n", "no capture"),
    "trace.etl": (b"\0" * 100, "etl2pcap"),
    "monitor.cap": (b"GMBU" + bytes(100), "Network Monitor"),
    "header.pcap": (bytes.fromhex("d4c3b2a1"), "cut short"),
    "cut.pcapng": (DEMO.read_bytes()[:5000], "cut short"),
    "cut.gz": (gzip.compress(DEMO.read_bytes())[:3000], "cut short"),
    "damaged.pcapng": (DEMO.read_bytes()[:5000] + b"\xff" * 4000, ""),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("verb", ["explain", "decrypt"])
def test_what_cannot_be_read_is_one_line_with_the_name_and_exit_status_1(name: str, verb: str, tmp_path: Path) -> None:
    content, words = UNREADABLE[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    options = ["-o", tmp_path / "out"] if verb == "decrypt" else []
    done = run(verb, path, "--key", DEMO_KEY, *options)
    assert done.returncode == 1
    line = one_line(done)
    assert str(path) in line
    assert words in line


def test_a_directory_and_a_file_without_permission_are_one_line(tmp_path: Path) -> None:
    assert "is a directory" in one_line(run("explain", tmp_path))
    if os.geteuid() == 0:
        return  # root reads everything
    closed = tmp_path / "closed.pcap"
    closed.write_bytes(b"")
    closed.chmod(0)
    assert "permission denied" in one_line(run("explain", closed))


def test_what_came_before_the_damage_is_told_first(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    path.write_bytes(DEMO.read_bytes()[:6000])
    done = run("explain", path, "--json", "--key", DEMO_KEY)
    assert done.returncode == 1
    names = [one["name"] for one in objects(done) if one["kind"] == "message"]
    assert names[:11] == [name for _, _, name in STORY[:11]]
    assert "frame" in one_line(done)
    assert "offset" in one_line(done)


BAD_KEYS = {
    "missing.pem": (None, "no such file"),
    "empty.pem": (b"", "empty"),
    "text.pem": (b"hello", "no private key"),
    "public.pem": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
    "damaged.pem": (DEMO_KEY.read_bytes().replace(b"M", b"N"), ""),
    "encrypted.pem": ((KEYS / "server-encrypted.pem").read_bytes(), "no password was given"),
    "server.p12": ((KEYS / "server.p12").read_bytes(), "password"),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_file_that_is_no_key_is_one_line_and_exit_status_1(name: str, tmp_path: Path) -> None:
    content, words = BAD_KEYS[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = run("explain", DEMO, "--key", path)
    assert done.returncode == 1
    assert str(path) in one_line(done)
    assert words in one_line(done)
    assert not done.stdout


@pytest.mark.parametrize("name", ["server-encrypted.pem", "server.p12"])
def test_a_wrong_password_is_one_line_and_is_not_repeated(name: str, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("not-the-password")
    done = run("explain", DEMO, "--key", KEYS / name, "--password-file", password)
    assert done.returncode == 1
    assert "password is wrong" in one_line(done)
    assert "not-the-password" not in one_line(done)


def test_a_key_that_decrypts_no_session_is_said_to_be_one(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = tmp_path / "ec.pem"
    path.write_bytes(generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert "decrypts no session" in one_line(run("explain", DEMO, "--key", path))


def test_a_key_log_that_is_none_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    path.write_bytes(os.urandom(2000) + b"\n")
    assert run("explain", DEMO, "--keylog", path).returncode == 1


@pytest.mark.parametrize("arguments", [[], ["explain"], ["decrypt", "x"], ["explain", "x", "--nonsense"], ["nonsense"]])
def test_wrong_arguments_are_exit_status_2(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


def test_whoever_stops_reading_is_no_error() -> None:
    command = [sys.executable, "-m", "tlswire", "explain", str(DEMO), "--key", str(DEMO_KEY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert errors == b""
    assert process.returncode == 0


def in_terminal(columns: int, *arguments: object, **environment: str) -> list[str]:
    """What a terminal of so many columns is sent, line by line."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "tlswire", *map(str, arguments)]
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **environment}
    with subprocess.Popen(command, stdout=slave, stderr=subprocess.PIPE, env=env) as process:
        os.close(slave)
        sent = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            sent += piece
        os.close(master)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    return sent.decode().split("\r\n")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_in_a_terminal_no_line_is_wider_than_it_and_the_story_is_there(columns: int) -> None:
    lines = in_terminal(columns, "demo", NO_COLOR="1")
    assert max(map(len, lines)) <= columns
    text = " ".join(" ".join(lines).split())
    assert "GET /1.aspx HTTP/1.1" in text
    assert "Certificate Request, 3 CA names" in text


def test_colours_are_for_terminals_and_not_when_they_are_unwanted() -> None:
    assert any("\x1b[" in line for line in in_terminal(80, "demo", NO_COLOR=""))
    assert not any("\x1b[" in line for line in in_terminal(80, "demo", NO_COLOR="1"))
    assert b"\x1b[" not in run("demo").stdout


def test_the_tcp_rows_and_the_ack_number_come_when_asked_for() -> None:
    told = objects(run("explain", DEMO, "--tcp", "--json", "--key", DEMO_KEY))
    frames = [one["frame"] for one in told if one["kind"] in ("message", "tcp")]
    assert sorted(set(frames)) == list(range(1, 26))
    assert frames == sorted(frames)
    segments = [one for one in told if one["kind"] == "tcp"]
    assert segments[0]["flags"] == ["SYN"]
    assert (segments[0]["seq"], segments[0]["ack"], segments[0]["length"]) == (0, None, 0)
    assert [one["ack"] for one in told if one.get("name") == "client_hello"] == [1, 1038]  # as tshark has them
    assert b" Ack " in run("explain", DEMO, "--tcp").stdout


HELLO = "160301002f0100002b0303" + "00" * 32 + "00" + "0004002f00ff" + "0100"


@pytest.mark.parametrize(
    "arguments",
    [
        [HELLO],
        ["--hex", HELLO],
        [" ".join(HELLO[index : index + 2] for index in range(0, len(HELLO), 2))],
        [":".join(HELLO[index : index + 2] for index in range(0, len(HELLO), 2))],
        ["--base64", __import__("base64").b64encode(bytes.fromhex(HELLO)).decode()],
        ["--as", "ClientHello", HELLO[18:]],
        ["--as", "client_hello", HELLO[18:]],
    ],
    ids=["hex", "said to be hex", "spaces", "colons", "base64", "class", "type"],
)
def test_show_takes_bytes_in_every_spelling(arguments: list[str]) -> None:
    done = run("show", *arguments)
    assert done.returncode == 0, done.stderr
    assert b"TLS_RSA_WITH_AES_128_CBC_SHA" in done.stdout
    assert b"TLS_EMPTY_RENEGOTIATION_INFO_SCSV" in done.stdout


def test_show_reads_a_file_and_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(bytes.fromhex(HELLO))
    assert b"TLS_RSA_WITH_AES_128_CBC_SHA" in run("show", path).stdout
    assert b"TLS_RSA_WITH_AES_128_CBC_SHA" in run("show", "-", stdin=bytes.fromhex(HELLO)).stdout
    assert b"TLS_RSA_WITH_AES_128_CBC_SHA" in run("show", stdin=HELLO.encode()).stdout


def test_show_marks_where_the_bytes_break() -> None:
    done = run("show", HELLO[:-8])
    assert done.returncode == 1
    assert b"random" in done.stdout
    assert "truncated" in one_line(done)


@pytest.mark.parametrize("what", ["zz", "nothing like it", "--base64=!!"])
def test_show_of_what_is_no_bytes_is_one_line(what: str) -> None:
    assert run("show", "--", what).returncode == 1


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout.decode().split() == ["tlswire", tlswire.__version__]


def test_no_secret_is_in_any_output(tmp_path: Path) -> None:
    private = "".join(DEMO_KEY.read_text().splitlines()[1:-1])
    for arguments in (["explain", DEMO], ["explain", DEMO, "--json"], ["decrypt", DEMO, "-o", tmp_path, "--json"]):
        done = run(*arguments, "--key", DEMO_KEY)
        for output in (done.stdout.decode(), done.stderr.decode()):
            assert not any(private[start : start + 24] in output for start in range(0, len(private) - 24, 24))
