"""`certificates`: PEM on standard output or in a file, JSON, and how it ends."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from tlswire.analysis import certificates
from tlswire.capture import CaptureReader, load_server_keys
from tlswire.crypto import Secrets

Run = Callable[..., Any]


@pytest.fixture
def expected(demo: Path, demo_key: Path) -> list[bytes]:
    """The DER of the demo's certificates, by the library: the server's and the client's."""
    reader = CaptureReader([demo], secrets=Secrets(load_server_keys(demo_key)))
    return [certificate.der for certificate in certificates(reader)]


def read(pem: str | bytes) -> list[bytes]:
    loaded = load_pem_x509_certificates(pem.encode() if isinstance(pem, str) else pem)
    return [certificate.public_bytes(Encoding.DER) for certificate in loaded]


@pytest.mark.parametrize("output", [[], ["-o", "-"]])
def test_standard_output_has_each_once_with_comments(
    output: list[str], run: Run, demo: Path, demo_key: Path, expected: list[bytes]
) -> None:
    done = run("certificates", demo, "--key", demo_key, *output)
    assert (done.status, done.stderr) == (0, "")
    assert read(done.stdout) == expected
    assert len(expected) == 2
    assert "# subject: CN=www.example.test,C=US\n" in done.stdout
    assert "# sent by: client 10.10.10.16:51808 to 10.10.10.15:443\n" in done.stdout
    assert f"# in: {demo}, frame 16, stream 0, epoch 1\n" in done.stdout
    assert done.stdout.count("# sent: 2 times\n") == 1


def test_a_file_has_the_same_and_is_its_owners_alone(
    run: Run, demo: Path, demo_key: Path, expected: list[bytes], tmp_path: Path
) -> None:
    out = tmp_path / "all.pem"
    done = run("certificates", demo, "--key", demo_key, "-o", out)
    assert (done.status, done.stdout) == (0, f"{out}: 2 certificates\n")
    assert out.read_text() == run("certificates", demo, "--key", demo_key).stdout
    assert read(out.read_bytes()) == expected
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_json_is_an_object_for_each(
    run: Run, demo: Path, demo_key: Path, expected: list[bytes], tmp_path: Path
) -> None:
    done = run("certificates", demo, "--key", demo_key, "--json")
    assert done.status == 0
    objects = done.objects
    assert [one["kind"] for one in objects] == ["certificate"] * 2
    assert [read(one["pem"]) for one in objects] == [[der] for der in expected]
    assert [(one["count"], [place["epoch"] for place in one["appearances"]]) for one in objects] == [
        (2, [0, 1]),
        (1, [1]),
    ]
    out = tmp_path / "all.pem"
    assert run("certificates", demo, "--key", demo_key, "--json", "-o", out).objects == objects
    assert read(out.read_bytes()) == expected


def test_what_stays_encrypted_is_a_status_when_secrets_were_given(run: Run, captures: Path, demo: Path) -> None:
    done = run("certificates", demo, "--key", captures / "keys" / "unrelated.pem", "--json")
    assert (done.status, len(done.objects)) == (3, 1)
    assert run("certificates", demo, "--json").status == 0


def test_what_came_before_the_damage_is_written(run: Run, demo: Path, tmp_path: Path) -> None:
    cut, out = tmp_path / "cut.pcapng", tmp_path / "all.pem"
    cut.write_bytes(demo.read_bytes()[:6000])
    done = run("certificates", cut, "-o", out)
    assert done.status == 1
    assert "cut short" in done.complaint
    assert len(read(out.read_bytes())) == 1


def test_where_there_is_none_nothing_is_written(run: Run, captures: Path, tmp_path: Path) -> None:
    key, out = captures / "keys" / "server.pem", tmp_path / "all.pem"
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000000004 0001000000"))
    done = run("certificates", empty, "--key", key, "-o", out)
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    assert not out.exists()
    assert run("certificates", empty, "--json").stdout == ""


def test_no_input_is_written_over(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    same = tmp_path / "a.pcapng"
    same.write_bytes(demo.read_bytes())
    done = run("certificates", same, "--key", demo_key, "-o", same)
    assert done.status == 1
    assert "choose another file" in done.complaint
    assert same.read_bytes() == demo.read_bytes()


def test_two_forms_do_not_share_standard_output(run: Run, demo: Path) -> None:
    done = run("certificates", demo, "--json", "-o", "-")
    assert done.status == 2
    assert "both want standard output" in done.stderr
