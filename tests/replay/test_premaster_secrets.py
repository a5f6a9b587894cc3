"""A key log of premaster secrets (`PMS_CLIENT_RANDOM`) opens what the server's key opens, here and in tshark."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tlswire.capture import CaptureReader, load_key_log, load_server_keys
from tlswire.crypto import KeyLogEntry, Secrets
from tlswire.schema import EncryptedPreMasterSecret
from tlswire.session import ApplicationData

CAPTURES = Path(__file__).parents[1] / "captures"

# With extended master secret and renegotiated; without it; TLS 1.0.
NAMES = ["apache-tls12-3-names", "gnutls-tls11-old", "gnutls-tls10-rc4", "gnutls-tls12-camellia-gcm"]


def sides(file: Path, secrets: Secrets) -> list[bytes]:
    found = [b"", b""]
    for _, event in CaptureReader([file], secrets=secrets):
        if isinstance(event, ApplicationData):
            found[event.side] += event.data
    return sorted(found)


def premaster_lines(file: Path) -> list[str]:
    (key,) = load_server_keys(CAPTURES / "keys" / "server.pem")
    reader = CaptureReader([file], secrets=Secrets([key]), keep_messages=True)
    lines = []
    for stream, event in reader:
        if event is None:
            for handshake in stream.handshakes:
                exchange = handshake.message(EncryptedPreMasterSecret)
                assert exchange is not None
                assert handshake.client_random is not None
                premaster = key.decrypt(exchange.encrypted_pre_master_secret)
                lines.append(KeyLogEntry("PMS_CLIENT_RANDOM", handshake.client_random, premaster).line())
    return lines


@pytest.fixture(params=NAMES)
def capture(request: pytest.FixtureRequest) -> tuple[Path, list[bytes]]:
    """A capture, and what the endpoints say that its one connection carried."""
    folder = CAPTURES / request.param
    truth = json.loads((folder / "capture.json").read_text(encoding="utf-8"))
    said = [(folder / truth["streams"][0][side]["file"]).read_bytes() for side in ("client", "server")]
    return folder / truth["file"], sorted(said)


def test_premaster_secrets_of_a_key_log_open_the_capture(capture: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    file, said = capture
    key_log = tmp_path / "premasters.log"
    key_log.write_text("\n".join(premaster_lines(file)) + "\n")
    assert sides(file, Secrets(key_log=load_key_log(key_log).entries)) == said


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_reads_the_same_of_it(capture: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    file, said = capture
    key_log = tmp_path / "premasters.log"
    key_log.write_text("\n".join(premaster_lines(file)) + "\n")
    command = ["tshark", "-r", str(file), "-o", f"tls.keylog_file:{key_log}", "-d", "tcp.port==443,tls"]
    command += ["-Y", "tls.app_data", "-q", "-z", "follow,tls,raw,0"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = [b"", b""]
    for line in printed.splitlines():
        digits = line.strip()
        if digits and all(digit in "0123456789abcdef" for digit in digits):
            found[line.startswith("\t")] += bytes.fromhex(digits)
    assert sorted(found) == said
