"""`decrypt`: files byte for byte as the endpoints wrote them, the manifest, and what is left alone."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_the_files_are_what_the_endpoints_wrote_and_the_manifest_describes_them(
    run: Run, captures: Path, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a" / "b"
    done = run("decrypt", demo, "--key", demo_key, "-o", out)
    assert done.status == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["captures"], manifest["complete"]) == ([str(demo)], True)
    assert [entry["file"] for entry in manifest["files"]] == ["stream-0.client.bin", "stream-0.server.bin"]
    for entry in manifest["files"]:
        data = (out / entry["file"]).read_bytes()
        assert data == (captures / "apache-tls12-3-names" / entry["file"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert entry["missing"] == []
        assert stat.S_IMODE((out / entry["file"]).stat().st_mode) == 0o600
        assert entry["file"] in done.stdout
    client, server = manifest["files"]
    assert (client["src"], client["dst"]) == (server["dst"], server["src"])
    assert server["src"] == "10.10.10.15:443"
    assert sorted(path.name for path in out.iterdir()) == [
        "manifest.json", "stream-0.client.bin", "stream-0.server.bin",
    ]  # fmt: skip


def test_several_streams_have_files_of_their_own(run: Run, captures: Path, tmp_path: Path) -> None:
    folder = captures / "openssl-tls12-resumed-ticket"
    done = run("decrypt", folder / "capture.pcap", "--key", captures / "keys" / "server.pem", "-o", tmp_path)
    assert done.status == 0
    expected = {path.name: path.read_bytes() for path in folder.glob("stream-*.bin")}
    assert {path.name: path.read_bytes() for path in tmp_path.glob("stream-*.bin")} == expected
    assert len(expected) == 12


def test_a_side_that_sent_nothing_has_an_empty_file(run: Run, captures: Path, tmp_path: Path) -> None:
    capture = captures / "apache-tls12-no-certificate" / "capture.pcap"
    done = run("decrypt", capture, "--key", captures / "keys" / "server.pem", "-o", tmp_path, "--json")
    assert done.status == 0
    (manifest,) = done.objects
    assert [(entry["file"] is None, entry["bytes"] > 0) for entry in manifest["files"]] == [
        (False, True),
        (False, False),
    ]
    assert (tmp_path / "stream-0.server.bin").read_bytes() == b""


def test_what_is_missing_is_said_with_its_reason_and_has_no_file(
    run: Run, captures: Path, demo: Path, tmp_path: Path
) -> None:
    done = run("decrypt", demo, "--key", captures / "keys" / "unrelated.pem", "-o", tmp_path, "--json")
    assert done.status == 3
    (manifest,) = done.objects
    assert manifest == json.loads((tmp_path / "manifest.json").read_text())
    client, server = manifest["files"]
    assert (client["file"], client["bytes"], client["sha256"]) == (None, 0, None)
    (missing,) = client["missing"]  # the request is one record
    assert missing == {
        "offset": 0,
        "reason": "wrong_key",
        "file": str(demo),
        "first_frame": 10,
        "last_frame": 10,
        "records": 1,
        "wire_bytes": 132,
    }
    assert [missing["reason"] for missing in server["missing"]] == ["previous_epoch_encrypted"]
    text = run("decrypt", demo, "-o", tmp_path).stdout
    assert "stream 0, client: nothing readable" in text
    assert "no_secrets" in text


def test_another_run_replaces_the_files_of_the_one_before_and_touches_no_others(
    run: Run, captures: Path, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    many = captures / "openssl-tls12-resumed-ticket" / "capture.pcap"
    assert run("decrypt", many, "--key", captures / "keys" / "server.pem", "-o", tmp_path).status == 0
    (tmp_path / "notes.txt").write_text("mine")
    assert run("decrypt", demo, "--key", demo_key, "-o", tmp_path).status == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "manifest.json", "notes.txt", "stream-0.client.bin", "stream-0.server.bin",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["stream-0.client.bin", "stream-7.server.bin", "manifest.json"])
def test_a_file_that_is_not_of_an_earlier_run_is_not_overwritten(
    name: str, run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_text('{"kind": "mine"}')
    done = run("decrypt", demo, "--key", demo_key, "-o", tmp_path)
    assert done.status == 1
    assert f"{tmp_path / name}: exists" in done.complaint
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == '{"kind": "mine"}'


def test_a_manifest_cannot_name_files_outside_of_its_directory(
    run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "precious").write_text("mine")
    files = [{"file": name} for name in ("../precious", str(tmp_path / "precious"), None)]
    (out / "manifest.json").write_text(json.dumps({"kind": "manifest", "made_by": "tlswire 0", "files": files}))
    assert run("decrypt", demo, "--key", demo_key, "-o", out).status == 0
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_capture_that_cannot_be_opened_leaves_everything_as_it_was(
    run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run("decrypt", tmp_path / "missing.pcap", "-o", out).status == 1
    assert not out.exists()
    assert run("decrypt", demo, "--key", demo_key, "-o", out).status == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run("decrypt", tmp_path / "missing.pcap", "-o", out).status == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_came_before_the_damage_is_written_and_the_manifest_says_that_it_is_not_all(
    run: Run, demo: Path, demo_key: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(demo.read_bytes()[:6000])
    done = run("decrypt", cut, "--key", demo_key, "-o", tmp_path / "out")
    assert done.status == 1
    assert "cut short" in done.complaint
    assert not json.loads((tmp_path / "out" / "manifest.json").read_text())["complete"]
    assert (tmp_path / "out" / "stream-0.client.bin").read_bytes().startswith(b"GET /1.aspx")


def test_an_output_that_is_no_directory_is_one_line(run: Run, demo: Path, demo_key: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = run("decrypt", demo, "--key", demo_key, "-o", tmp_path / "file")
    assert done.status == 1
    assert f"{tmp_path / 'file'}: cannot be written" in done.complaint
