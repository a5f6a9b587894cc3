"""`explain` and `demo`: the story as text, and the JSON that other programs rely on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

KEYS = json.loads((Path(__file__).parents[1] / "captures" / "keys" / "keys.json").read_text())

STORY = [
    ("client", 0, False, "client_hello"),
    ("server", 0, False, "server_hello"),
    ("server", 0, False, "certificate"),
    ("server", 0, False, "server_hello_done"),
    ("client", 0, False, "client_key_exchange"),
    ("client", 0, False, "change_cipher_spec"),
    ("client", 0, True, "finished"),
    ("server", 0, False, "change_cipher_spec"),
    ("server", 0, True, "finished"),
    ("client", 0, True, "application_data"),
    ("server", 0, True, "hello_request"),
    ("client", 1, True, "client_hello"),
    ("server", 1, True, "server_hello"),
    ("server", 1, True, "certificate"),
    ("server", 1, True, "certificate_request"),
    ("server", 1, True, "server_hello_done"),
    ("client", 1, True, "certificate"),
    ("client", 1, True, "client_key_exchange"),
    ("client", 1, True, "certificate_verify"),
    ("client", 1, True, "change_cipher_spec"),
    ("client", 1, True, "finished"),
    ("server", 1, True, "change_cipher_spec"),
    ("server", 1, True, "finished"),
    ("server", 1, True, "application_data"),
    ("client", 1, True, "close_notify"),
    ("server", 1, True, "close_notify"),
]


def test_the_demo_tells_the_story_in_order(run: Run) -> None:
    done = run("demo")
    assert done.status == 0
    assert not done.stderr
    position = 0
    for words in (
        "demo.pcapng", "No.", "Time", "Delta", "Source", "Destination", "Protocol", "Info",
        "Client Hello", "Server Hello, TLSv1.2, TLS_RSA_WITH_AES_128_CBC_SHA", "Certificate,", "Server Hello Done",
        "Client Key Exchange", "Change Cipher Spec", "0*   Finished", "Change Cipher Spec", "0*   Finished",
        "0*   GET /1.aspx HTTP/1.1", "0*   Hello Request", "handshake 1, a renegotiation", "1*   Client Hello",
        "1*   Server Hello", "1*   Certificate,", "1*   Certificate Request, 3 CA names", "1. CN=", "2. CN=", "3. OU=",
        "1*   Server Hello Done", "1*   Certificate,", "1*   Client Key Exchange", "1*   Certificate Verify",
        "1*   Finished", "1*   Finished", "HTTP/1.1 200 OK", "begun by the client", "renegotiation_info verified",
        "Finished verified", "begun by the server", "renegotiation_info verified", "Finished verified",
    ):  # fmt: skip
        position = done.stdout.index(words, position) + 1


def test_the_json_of_the_demo_is_the_story_with_the_fields_of_the_contract(run: Run) -> None:
    told = run("demo", "--json").objects
    messages = [one for one in told if one["kind"] == "message"]
    assert [(one["direction"], one["epoch"], one["encrypted"], one["name"]) for one in messages] == STORY
    for one in messages:
        assert list(one)[:16] == [
            "kind", "file", "frame", "time", "stream", "tcp_stream", "src", "dst", "direction", "protocol", "epoch",
            "encrypted", "content_type", "name", "length", "info",
        ]  # fmt: skip
    hello_request = messages[10]
    assert (hello_request["src"], hello_request["length"], hello_request["info"]) == (
        "10.10.10.15:443",
        0,
        "Hello Request",
    )
    assert {one["file"] for one in messages} == {"demo.pcapng"}
    assert messages[0]["protocol"] == "TLSv1.0"  # the record's own, before ServerHello
    assert {one["protocol"] for one in messages[1:]} == {"TLSv1.2"}
    assert len(messages[14]["certificate_authorities"]) == 3
    assert [one["level"] for one in messages[-2:]] == ["warning", "warning"]
    (connection,) = [one for one in told if one["kind"] == "connection"]
    assert connection == told[-1]
    assert list(connection) == [
        "kind", "stream", "tcp_stream", "client", "server", "protocol", "server_name", "epochs",
    ]  # fmt: skip
    assert (connection["client"], connection["server"]) == (messages[0]["src"], messages[0]["dst"])
    for epoch, initiated_by in zip(connection["epochs"], ("client", "server"), strict=True):
        assert epoch == {
            "cipher_suite": "TLS_RSA_WITH_AES_128_CBC_SHA",
            "resumed": False,
            "initiated_by": initiated_by,
            "secure_renegotiation": "verified",
            "finished": "verified",
            "client": {"verdict": "decrypted", "reason": None, "evidence": {}},
            "server": {"verdict": "decrypted", "reason": None, "evidence": {}},
        }


def test_frames_and_times_are_those_of_tshark(run: Run) -> None:
    # `tshark -r demo.pcapng -Y tls -T fields -e frame.number -e frame.time_epoch`, version 4.0.17
    told = [one for one in run("demo", "--json").objects if one["kind"] == "message"]
    assert [one["frame"] for one in told] == [
        4, 6, 6, 6, 8, 8, 8, 9, 9, 10, 11, 12, 13, 13, 13, 14, 16, 16, 17, 17, 17, 19, 19, 20, 22, 24,
    ]  # fmt: skip
    assert all(len(one["time"].partition(".")[2]) == 6 for one in told)


def test_without_a_key_what_is_encrypted_says_so_and_the_exit_status_is_0(run: Run, demo: Path) -> None:
    done = run("explain", demo, "--json")
    assert done.status == 0
    encrypted = [one for one in done.objects if one.get("name") == "encrypted"]
    assert {one["undecryptable"] for one in encrypted} == {"no_secrets", "previous_epoch_encrypted"}
    assert all(one["encrypted"] for one in encrypted)


def test_with_a_key_that_does_not_fit_the_exit_status_is_3_and_the_remedy_is_said(
    run: Run, demo: Path, captures: Path
) -> None:
    done = run("explain", demo, "--key", captures / "keys" / "unrelated.pem")
    assert done.status == 3
    assert "wrong_key" in done.stdout
    assert "Give the private key that belongs to the certificate" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize("entry", KEYS, ids=lambda entry: str(entry["file"]))
def test_a_key_is_taken_in_every_container(
    entry: dict[str, str], run: Run, demo: Path, captures: Path, tmp_path: Path
) -> None:
    options: list[object] = ["--key", captures / "keys" / entry["file"]]
    if "password" in entry:
        password = tmp_path / "password"
        password.write_text(entry["password"] + "\r\n")
        options += ["--password-file", password]
    done = run("explain", demo, *options)
    assert done.status == 0
    assert "GET /1.aspx" in done.stdout


def test_a_key_log_is_taken_and_malformed_lines_lose_no_other(run: Run, captures: Path, tmp_path: Path) -> None:
    folder = captures / "apache-tls12-ecdhe-then-rsa"
    log = tmp_path / "keys.log"
    log.write_bytes(b"# a comment\r\nnonsense\n" + (folder / "keylog.txt").read_bytes())
    done = run("explain", folder / "capture.pcap", "--keylog", log, "--key", captures / "keys" / "server.pem")
    assert done.status == 0
    assert "GET /1.aspx" in done.stdout


def test_a_capture_comes_from_standard_input_and_compressed(
    run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    plain = run("explain", demo, "--json", "--key", demo_key)
    packed = tmp_path / "demo.pcapng.gz"
    packed.write_bytes(gzip.compress(demo.read_bytes()))
    for other in (
        run("explain", "-", "--json", "--key", demo_key, stdin=demo.read_bytes()),
        run("explain", packed, "--json", "--key", demo_key),
    ):
        assert other.status == 0
        assert [{**one, "file": ""} for one in other.objects] == [{**one, "file": ""} for one in plain.objects]


def test_several_captures_are_read_as_one_in_the_order_of_their_first_frames(
    run: Run, captures: Path, demo: Path, demo_key: Path
) -> None:
    other = captures / "apache-tls12-40-names" / "capture.pcapng"
    told = [run("explain", *files, "--json", "--key", demo_key) for files in ((other, demo), (demo, other))]
    assert [done.status for done in told] == [0, 0]
    assert told[0].stdout == told[1].stdout
    messages = [one for one in told[0].objects if one["kind"] == "message"]
    times = [float(one["time"]) for one in messages]
    assert times == sorted(times)
    assert [one["stream"] for one in told[0].objects if one["kind"] == "connection"] == [0, 1]
    assert len({one["file"] for one in messages}) == 2


def test_of_many_names_the_first_are_listed_and_json_has_all(run: Run, captures: Path) -> None:
    command = ["explain", captures / "apache-tls12-250-names" / "capture.pcap"]
    command += ["--key", captures / "keys" / "server.pem"]
    (request,) = [one for one in run(*command, "--json").objects if one.get("name") == "certificate_request"]
    names = request["certificate_authorities"]
    assert len(names) > 200
    text = run(*command).stdout
    assert " 10. " in text
    assert " 11. " not in text
    assert f"… and {len(names) - 10} more (--json lists all)" in text


def test_the_tcp_rows_and_the_ack_number_come_when_asked_for(run: Run, demo: Path, demo_key: Path) -> None:
    told = run("explain", demo, "--tcp", "--json", "--key", demo_key).objects
    frames = [one["frame"] for one in told if one["kind"] in ("message", "tcp")]
    assert sorted(set(frames)) == list(range(1, 26))
    assert frames == sorted(frames)
    segments = [one for one in told if one["kind"] == "tcp"]
    assert segments[0]["flags"] == ["SYN"]
    assert (segments[0]["seq"], segments[0]["ack"], segments[0]["length"]) == (0, None, 0)
    assert {one["protocol"] for one in segments} == {"TCP"}
    assert [one["ack"] for one in told if one.get("name") == "client_hello"] == [1, 1038]  # as tshark has them
    text = run("explain", demo, "--tcp").stdout
    assert " Ack " in text
    assert "[SYN, ACK] Seq=0 Ack=1 Len=0" in text


def test_a_capture_without_tls_is_no_error_and_tells_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "none.pcap"
    path.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))  # a header and no frame
    for options in ([], ["--json"]):
        done = run("explain", path, *options)
        assert (done.status, done.stdout, done.stderr) == (0, "", "")


def test_no_secret_is_in_any_output(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    private = "".join(demo_key.read_text().splitlines()[1:-1])
    for arguments in (["explain", demo], ["explain", demo, "--json"], ["decrypt", demo, "-o", tmp_path, "--json"]):
        done = run(*arguments, "--key", demo_key)
        for start in range(0, len(private) - 24, 24):
            assert private[start : start + 24] not in done.stdout + done.stderr
