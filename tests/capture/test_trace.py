"""A capture in memory, as a notebook has it."""

from __future__ import annotations

from pathlib import Path

import pytest

import tlswire

CAPTURES = Path(__file__).parents[1] / "captures"
FOLDER = CAPTURES / "apache-tls12-3-names"
CAPTURE = next(FOLDER.glob("capture.pcap*"))
KEY = CAPTURES / "keys" / "server.pem"


def test_a_trace_shows_its_connections_handshakes_names_and_plaintext() -> None:
    trace = tlswire.open(CAPTURE, keys=[KEY])
    (connection,) = trace.connections
    assert len(trace) == 1
    assert list(trace) == [connection]
    assert str(connection.cipher_suite) == "TLS_RSA_WITH_AES_128_CBC_SHA"
    request = connection.handshakes[1].certificate_request
    assert request is not None
    assert len(request.certificate_authorities) == 3
    assert connection.application_data("client") == (FOLDER / "stream-0.client.bin").read_bytes()
    assert connection.application_data("server") == (FOLDER / "stream-0.server.bin").read_bytes()
    table = repr(trace).splitlines()
    assert table[0].split() == [
        "No.",
        "Client",
        "Server",
        "Version",
        "Cipher",
        "suite",
        "Hs.",
        "Server",
        "name",
        "Outcome",
    ]
    assert table[1].split()[-2:] == ["2", "decrypted"]
    assert "10.10.10.15:443" in repr(connection)


def test_what_stays_encrypted_has_its_reason_in_the_table() -> None:
    assert repr(tlswire.open(CAPTURE)).splitlines()[1].endswith("no_secrets")


def test_keys_come_as_files_with_a_password_or_as_objects() -> None:
    (key,) = tlswire.load_server_keys(KEY)
    for keys, password in (([key], None), ([CAPTURES / "keys" / "server.p12"], "renegotiate")):
        trace = tlswire.open(CAPTURE, keys=keys, password=password)
        assert trace.connections[0].outcome == "decrypted"
    with pytest.raises(tlswire.SecretsError, match="int is no key"):
        tlswire.open(CAPTURE, keys=[5])  # type: ignore[list-item]


def test_a_key_log_opens_what_the_key_does_not() -> None:
    folder = CAPTURES / "apache-tls12-ecdhe-then-rsa"
    trace = tlswire.open(next(folder.glob("capture.pcap*")), keylog=folder / "keylog.txt")
    assert trace.connections[0].outcome == "decrypted"


def test_of_a_capture_that_is_cut_short_the_trace_has_what_came_before_and_the_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    path.write_bytes(CAPTURE.read_bytes()[:6000])
    trace = tlswire.open(path, keys=[KEY])
    assert trace.error is not None
    assert trace.connections[0].application_data("client").startswith(b"GET /1.aspx")
    assert "not read to its end" in repr(trace)


def test_of_a_file_that_is_no_capture_nothing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("hello, world")
    with pytest.raises(tlswire.CaptureError, match="no capture"):
        tlswire.open(path)
