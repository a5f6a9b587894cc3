"""The paragraph on a connection: what was agreed, what was readable, and what would help where it was not."""

from __future__ import annotations

from pathlib import Path

from tlswire.analysis import ConnectionSummary, explain
from tlswire.capture import CaptureReader, load_server_keys
from tlswire.crypto import Secrets
from tlswire.display.summary import summary_lines

CAPTURES = Path(__file__).parents[1] / "captures"


def summaries(name: str, key: str | None = None, width: int | None = None) -> list[list[str]]:
    (capture,) = (CAPTURES / name).glob("capture.*pcap*")
    keys = [] if key is None else load_server_keys(CAPTURES / "keys" / key)
    reader = CaptureReader([capture], secrets=Secrets(keys))
    told = [one for one in explain(reader) if isinstance(one, ConnectionSummary)]
    return [[line.text for line in summary_lines(one, width)] for one in told]


def test_a_renegotiated_connection_that_was_decrypted() -> None:
    (lines,) = summaries("apache-tls12-3-names", "server.pem")
    assert lines[0].startswith("stream 0: 10.10.10.16:")
    assert lines[0].endswith("to 10.10.10.15:443, TLSv1.2, no server name")
    assert [line.strip() for line in lines[1:]] == [
        "handshake 0: TLS_RSA_WITH_AES_128_CBC_SHA, full, begun by the client",
        "renegotiation_info verified (both sides signalled it); Finished verified",
        "client decrypted (7 records); server decrypted (7 records)",
        "handshake 1: TLS_RSA_WITH_AES_128_CBC_SHA, full, begun by the server",
        "renegotiation_info verified (both sides sent the previous verify_data); Finished verified",
        "client decrypted (2 records); server decrypted (3 records)",
    ]


def test_each_side_that_stays_encrypted_has_its_reason_evidence_and_remedy() -> None:
    (lines,) = summaries("apache-tls12-3-names", "unrelated.pem")
    text = "\n".join(lines)
    assert "client stays encrypted (7 records): wrong_key (first in frame 8, " in text
    assert "server stays encrypted (7 records): wrong_key (first in frame 9, " in text
    assert text.count("Give the private key that belongs to the certificate the server sent.") == 1
    assert "previous_epoch_encrypted" in text
    assert "Make the handshake before this one readable" in text


def test_without_secrets_the_remedy_names_the_options() -> None:
    (lines,) = summaries("apache-tls12-3-names")
    assert any("--key" in line and "--keylog" in line for line in lines)


def test_a_resumed_session_is_said_to_be_one() -> None:
    found = sorted(summaries("openssl-tls12-resumed-id", "server.pem"))  # by stream
    assert len(found) == 6
    assert ", full, " in found[0][1]
    assert ", resumed, " in found[1][1]


def test_lines_fit_the_terminal() -> None:
    (lines,) = summaries("apache-tls12-3-names", "unrelated.pem", 60)
    assert max(map(len, lines)) <= 60
