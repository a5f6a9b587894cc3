"""`authorities`: the lists of names that servers sent, against what the endpoints said of them."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

Run = Callable[..., Any]

CAPTURES = Path(__file__).parents[1] / "captures"
DOCTOR = CAPTURES / "doctor"
KEY = CAPTURES / "keys" / "server.pem"


def described(name: str) -> tuple[Path, list[dict[str, Any]]]:
    description = json.loads((CAPTURES / name / "capture.json").read_text())
    requests = [
        epoch["certificate_request"]
        for stream in description["streams"]
        for epoch in stream["epochs"]
        if epoch["certificate_request"]
    ]
    return CAPTURES / name / description["file"], requests


@pytest.mark.parametrize("name", ["apache-tls12-3-names", "apache-tls10-250-names", "tlslite-tls12-malformed-names"])
def test_the_names_are_those_that_the_endpoints_saw(run: Run, name: str) -> None:
    file, (truth,) = described(name)
    done = run("authorities", file, "--key", KEY, "--json")
    assert (done.status, done.stderr) == (0, "")
    (found,) = done.objects
    names = [bytes.fromhex(one["der"]) for one in found["authorities"]]
    assert (len(names), hashlib.sha256(b"".join(names)).hexdigest()) == (truth["names"], truth["sha256"])
    assert found["names"] == truth["names"]
    assert found["bytes"] == truth["bytes"] + 2 * truth["names"]
    assert [one["number"] for one in found["authorities"]] == list(range(1, truth["names"] + 1))
    assert [one["bytes"] for one in found["authorities"]] == [2 + len(der) for der in names]
    assert found["authorities"][-1]["total"] == found["bytes"]
    assert (found["kind"], found["server"], found["count"]) == ("authorities", "10.10.10.15:443", 1)


def test_the_table(run: Run) -> None:
    done = run("authorities", CAPTURES / "apache-tls12-3-names" / "capture.pcapng", "--key", KEY)
    assert done.status == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "stream 0, 10.10.10.15:443, handshake 1, frame 13: 3 names, 280 bytes"
    assert lines[2].split() == ["No.", "Bytes", "Total", "Name"]
    assert lines[3].split(maxsplit=3) == ["1", "83", "83", "CN=Example Client Issuing CA,O=Example Corporation,C=US"]
    assert lines[5].split(maxsplit=3)[:3] == ["3", "109", "280"]


def test_the_same_list_is_told_once(run: Run) -> None:
    done = run("authorities", DOCTOR / "three-times" / "capture.pcap", "--key", KEY, "--json")
    (found,) = done.objects
    assert (found["count"], found["streams"]) == (3, [0, 1, 2])


def authority(path: Path, common_name: str, end: int) -> Path:
    """A file with a CA certificate of that name."""
    text = {
        NameOID.COUNTRY_NAME: "US",
        NameOID.ORGANIZATION_NAME: "Example Corporation",
        NameOID.COMMON_NAME: common_name,
    }
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in text.items()])
    key = ec.generate_private_key(ec.SECP256R1())
    start, stop = datetime.datetime(2000, 1, 1), datetime.datetime(end, 1, 1)
    one = x509.CertificateBuilder(name, name, key.public_key(), 1, start, stop).sign(key, SHA256())
    with path.open("ab") as file:
        file.write(one.public_bytes(Encoding.PEM))
    return path


def test_a_store_tells_what_is_named_what_is_not_and_what_has_expired(run: Run, tmp_path: Path) -> None:
    store = authority(tmp_path / "store.pem", "Example Client Issuing CA", 2020)
    authority(store, "Forgotten Issuing CA", 2099)
    capture = DOCTOR / "listed" / "capture.pcap"
    done = run("authorities", capture, "--key", KEY, "--pem", store)
    rows = [line for line in done.stdout.splitlines() if line.strip()[:1].isdigit()]
    assert [row.split()[3] for row in rows[-3:]] == ["yes", "no", "no"]
    assert "(expired on 2020-01-01)" in rows[-3]
    assert "not named, in the store: CN=Forgotten Issuing CA,O=Example Corporation,C=US" in done.stdout
    (found,) = run("authorities", capture, "--key", KEY, "--pem", store, "--json").objects
    assert (found["in_store"], found["expired"]) == ([1], [1])
    assert found["not_named"] == ["CN=Forgotten Issuing CA,O=Example Corporation,C=US"]
    # A renewed certificate of the same name is good for it.
    authority(store, "Example Client Issuing CA", 2099)
    (found,) = run("authorities", capture, "--key", KEY, "--pem", store, "--json").objects
    assert (found["in_store"], found["expired"]) == ([1], [])


def test_two_captures_are_compared(run: Run) -> None:
    here, there = DOCTOR / "listed" / "capture.pcap", DOCTOR / "respelled" / "capture.pcap"
    done = run("authorities", here, "--key", KEY, "--diff", there)
    assert "1 name here alone, 1 there alone" in done.stdout
    assert "  - CN=example client issuing ca\\ ,O=EXAMPLE  Corporation,C=US" in done.stdout.splitlines()
    assert "  + CN=Example Client Issuing CA,O=Example Corporation,C=US" in done.stdout.splitlines()
    (found,) = run("authorities", here, "--key", KEY, "--diff", there, "--json").objects
    assert found["only_here"] == ["CN=Example Client Issuing CA,O=Example Corporation,C=US"]
    assert found["only_there"] == ["CN=example client issuing ca\\ ,O=EXAMPLE  Corporation,C=US"]
    (same,) = run("authorities", here, "--key", KEY, "--diff", here, "--json").objects
    assert (same["only_here"], same["only_there"]) == ([], [])


def test_a_name_over_the_limit_and_one_named_before_are_marked(run: Run) -> None:
    file = CAPTURES / "tlslite-tls12-malformed-names" / "capture.pcap"
    lines = run("authorities", file).stdout.splitlines()
    marked = [line for line in lines[3:273] if "over the limit" in line]
    totals = [int(line.split()[2]) for line in lines[3:273]]
    assert len(marked) == sum(total > 16_384 for total in totals) > 0
    assert sum("named before" in line for line in lines) == 3
    assert sum("no valid DER" in line for line in lines) == 11


@pytest.mark.parametrize(
    ("key", "status"), [("server.pem", 0), ("unrelated.pem", 3), (None, 0)], ids=["right", "wrong", "none"]
)
def test_the_exit_status(run: Run, key: str | None, status: int) -> None:
    secrets = ["--key", CAPTURES / "keys" / key] if key else []
    done = run("authorities", DOCTOR / "listed" / "capture.pcap", *secrets, "--json")
    assert done.status == status
    assert len(done.objects) == (status == 0 and key is not None)


def test_what_came_before_the_damage_is_told_first(run: Run, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes((DOCTOR / "reset" / "capture.pcap").read_bytes()[:-20])
    done = run("authorities", cut, "--json")
    assert done.status == 1
    assert len(done.objects) == 1
    assert "cut.pcap" in done.complaint


@pytest.mark.parametrize("option", ["--pem", "--diff"])
def test_a_file_that_is_missing_is_named(run: Run, option: str) -> None:
    done = run("authorities", DOCTOR / "reset" / "capture.pcap", option, "missing.file")
    assert done.status in (1, 2)
    assert "missing.file" in done.stderr


def test_it_fits_into_80_columns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlswire.cli.authorities.terminal_width", lambda: 80)
    store = DOCTOR / "root-sent" / "client.crt"
    there = DOCTOR / "respelled" / "capture.pcap"
    for name in ("cut-list", "unlisted-250", "listed"):
        file = DOCTOR / name / "capture.pcap"
        done = run("authorities", file, "--key", KEY, "--pem", store, "--diff", there)
        assert max(map(len, done.stdout.splitlines())) <= 80
