"""`diagnose`: the JSON that other programs rely on, the text for people, and the exit status."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tlswire
from tlswire.display.findings import finding_lines

Run = Callable[..., Any]

CAPTURES = Path(__file__).parents[1] / "captures"
DOCTOR = CAPTURES / "doctor"
KEY = CAPTURES / "keys" / "server.pem"
NAMES = sorted(path.parent.name for path in DOCTOR.glob("*/capture.json"))
FIELDS = {
    "kind", "code", "severity", "stream", "tcp_stream", "epoch", "file", "frame", "title", "evidence", "remedy",
    "count", "streams",
}  # fmt: skip


def capture(name: str) -> Path:
    return DOCTOR / name / "capture.pcap"


def test_a_finding_is_an_object_on_a_line_of_its_own(run: Run) -> None:
    done = run(
        "diagnose", capture("cut-list"), "--key", KEY, "--client-cert", DOCTOR / "cut-list" / "client.crt", "--json"
    )
    assert (done.status, done.stderr) == (0, "")
    assert [(one["severity"], one["code"], one["epoch"], one["frame"]) for one in done.objects] == [
        ("error", "issuer_not_listed", 1, 27),
        ("error", "empty_client_certificate", 1, 30),
        ("error", "http_client_certificate_required", 1, 32),
        ("warning", "authorities_list_probably_cut", 1, 27),
        ("note", "client_certificate_requested_by_renegotiation", 1, 27),
    ]
    for one in done.objects:
        assert set(one) == FIELDS
        assert (one["kind"], one["stream"], one["tcp_stream"], one["count"], one["streams"]) == (
            "finding",
            0,
            0,
            1,
            [0],
        )
        assert one["file"].endswith("capture.pcap")
        assert one["title"].endswith(".")
        assert isinstance(one["evidence"], dict)
        assert one["remedy"]


def test_the_json_is_what_the_api_gives(run: Run) -> None:
    trace = tlswire.open(capture("unlisted-250"), keys=[KEY])
    given = [one.as_json() for one in tlswire.diagnose(trace)]
    done = run("diagnose", capture("unlisted-250"), "--key", KEY, "--json")
    assert done.objects == json.loads(json.dumps(given))


def test_the_story_for_people(run: Run) -> None:
    done = run("diagnose", capture("cut-list"), "--key", KEY, "--client-cert", DOCTOR / "cut-list" / "client.crt")
    assert (done.status, done.stderr) == (0, "")
    position = 0
    for words in (
        "ERROR", "issuer_not_listed", "stream 0, handshake 1, frame 27", "is not among the 119 names", "-> ",
        "SSLCADNRequestFile", "ERROR", "empty_client_certificate", "ERROR", "http_client_certificate_required",
        "403: a client certificate is required (403.7)", "WARNING", "authorities_list_probably_cut",
        "16238 of at most 16384 bytes", "NOTE", "client_certificate_requested_by_renegotiation",
        "1 connection: 3 errors, 1 warning, 1 note",
    ):  # fmt: skip
        assert words in done.stdout[position:], words
        position = done.stdout.index(words, position) + len(words)


@pytest.mark.parametrize("name", NAMES)
def test_the_text_fits_into_80_columns_and_tells_all_frames(name: str) -> None:
    for finding in tlswire.diagnose(tlswire.open(capture(name), keys=[KEY])):
        lines = [line.text for line in finding_lines(finding, 80)]
        assert max(map(len, lines)) <= 80
        assert not any(line != line.rstrip() for line in lines)
        text = " ".join(" ".join(lines).split())
        assert finding.code in text
        assert re.search(rf"\bframe {finding.frame}\b", text)
        assert " ".join(finding.title.split()) in text


def test_without_a_key_the_rest_is_told_to_be_encrypted(run: Run) -> None:
    done = run("diagnose", capture("nginx-untrusted"), "--json")
    assert done.status == 0
    assert [one["code"] for one in done.objects] == ["issuer_not_listed", "cannot_tell"]
    assert done.objects[1]["evidence"]["reason"] == "no_secrets"
    assert "--key" in done.objects[1]["remedy"] or "key" in done.objects[1]["remedy"]


@pytest.mark.parametrize(
    ("name", "key", "status"),
    [
        ("listed", "server.pem", 0),
        ("listed", "unrelated.pem", 3),
        ("listed", None, 0),
        ("tls13-accepted", "server.pem", 3),  # which needs the key log
        ("overlong-list", "unrelated.pem", 0),  # nothing in it is encrypted
    ],
)
def test_the_exit_status(run: Run, name: str, key: str | None, status: int) -> None:
    done = run("diagnose", capture(name), *(["--key", CAPTURES / "keys" / key] if key else []))
    assert done.status == status


def test_what_came_before_the_damage_is_told_first(run: Run, tmp_path: Path) -> None:
    whole = capture("three-times").read_bytes()
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(whole[:-100])
    done = run("diagnose", cut, "--key", KEY, "--json")
    assert done.status == 1
    assert [one["count"] for one in done.objects][:2] == [3, 3]
    assert "cut.pcap" in done.complaint
    wrong = run("diagnose", cut, "--key", CAPTURES / "keys" / "unrelated.pem", "--json")
    assert wrong.status == 1  # which outranks 3


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--client-cert", "missing.pem"], 1, "missing.pem"),
        (["--client-cert", KEY], 1, "no certificate in it"),
        (["--limit", "0"], 2, "--limit"),
        (["--nonsense"], 2, "--nonsense"),
    ],
)
def test_what_cannot_be_used_is_named(run: Run, arguments: list[object], status: int, words: str) -> None:
    done = run("diagnose", capture("listed"), *arguments)
    assert done.status == status
    assert words in done.stderr
    assert done.stdout == ""


def test_the_client_certificate_may_come_in_several_files_in_any_order(run: Run, tmp_path: Path) -> None:
    chain = (DOCTOR / "root-sent" / "client.crt").read_text()
    pieces = [f"{piece}-----END CERTIFICATE-----\n" for piece in chain.split("-----END CERTIFICATE-----\n")[:-1]]
    assert len(pieces) == 2
    files: list[object] = []
    for number, piece in enumerate(reversed(pieces)):
        (tmp_path / f"{number}.pem").write_text(piece)
        files += ["--client-cert", tmp_path / f"{number}.pem"]
    given = [capture("tls13-required"), "--keylog", DOCTOR / "tls13-required" / "keylog.txt", "--json"]
    done = run("diagnose", *given, *files)
    found = next(one for one in done.objects if one["code"] == "issuer_not_listed")
    assert found["severity"] == "error"
    assert found["evidence"]["chain_ends_in_root"]
    assert found["evidence"]["subject"].startswith("CN=forgotten-with-root")
    alone = run("diagnose", *given, *files[2:])
    found = next(one for one in alone.objects if one["code"] == "issuer_not_listed")
    assert not found["evidence"]["chain_ends_in_root"]


def test_captures_are_read_as_one(run: Run) -> None:
    done = run("diagnose", capture("listed"), capture("chain-sent"), "--key", KEY, "--json")
    accepted = [one for one in done.objects if one["code"] == "client_certificate_accepted"]
    assert [one["stream"] for one in accepted] == [0, 1]


def test_of_several_captures_the_text_names_the_file(run: Run, tmp_path: Path) -> None:
    copies = [tmp_path / "one.pcap", tmp_path / "two\x1b[31m.pcap"]
    for copy, name in zip(copies, ("empty-list", "expired"), strict=True):
        copy.write_bytes(capture(name).read_bytes())
    done = run("diagnose", *copies, "--key", KEY)
    told = " ".join(done.stdout.split())
    assert re.search(r"handshake \d, frame \d+ of \S*one\.pcap", told)
    assert re.search(r"handshake \d, frame \d+ of \S*two\S+31m\.pcap", told)
    assert "\x1b" not in done.stdout
    assert ".pcap" not in run("diagnose", copies[0], "--key", KEY).stdout


def test_no_tls_at_all_is_no_finding(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(capture("listed").read_bytes()[:24])
    done = run("diagnose", empty)
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
