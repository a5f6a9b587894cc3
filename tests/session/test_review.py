"""What a reader with fresh eyes has found, kept: each case once gave a wrong answer."""

from __future__ import annotations

from pathlib import Path

import pytest

import tlswire
from tlswire.analysis import Row, explain
from tlswire.capture import CaptureReader, load_server_keys
from tlswire.crypto import Secrets
from tlswire.session import (
    ApplicationData,
    Connection,
    DiscardedBytes,
    EndOfStream,
    LimitReached,
    Limits,
    Record,
    Undecryptable,
)

CAPTURES = Path(__file__).parents[1] / "captures"


def test_another_version_in_the_premaster_secret_is_a_violation_with_its_frame(tmp_path: Path) -> None:
    data = bytearray(next((CAPTURES / "tlslite-ssl30-aes128").glob("capture.pcap*")).read_bytes())
    hello = data.index(b"\x16\x03\x00")
    client_version = data.index(b"\x03\x00", hello + 9)
    data[client_version + 1] = 2
    path = tmp_path / "version.pcap"
    path.write_bytes(data)
    secrets = Secrets(load_server_keys(CAPTURES / "keys" / "server.pem"))
    rows = [told for told in explain(CaptureReader([path], secrets=secrets)) if isinstance(told, Row)]
    assert "the premaster secret has another version" in {row.more.get("rule") for row in rows}


def test_a_side_that_waits_goes_on_when_the_other_ends_with_bytes_that_are_no_record() -> None:
    connection = Connection(client=1)
    connection.receive_data(0, b"\x18\x03\x01\x00\x01A")
    connection.receive_data(1, b"B")
    connection.receive_end(0)
    connection.receive_end(1)
    told = list(connection.events())
    assert {type(event) for event in told} >= {Record, DiscardedBytes, EndOfStream}
    assert [event.side for event in told if isinstance(event, EndOfStream)] in ([0, 1], [1, 0])
    assert list(connection.events()) == []


HELLO = bytes.fromhex("16030300310100002d0303") + bytes(32) + bytes.fromhex("000006003b002f00ff0100")


def null_hello() -> bytes:
    """A ServerHello that chooses TLS_RSA_WITH_NULL_SHA256, and a ServerHelloDone."""
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x3b" + b"\x00"
    return b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26" + body + b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"


def test_that_nothing_is_encrypted_is_believed_only_of_what_reads_as_a_finished() -> None:
    change, data = b"\x14\x03\x03\x00\x01\x01", b"\x17\x03\x03\x00\x30" + bytes(48)
    noise, finished = bytes(range(48)), b"\x14\x00\x00\x0c" + bytes(12) + bytes(32)
    for first, believed in ((noise, False), (finished, True)):
        connection = Connection()
        hello = HELLO[:4] + b"\x31" + HELLO[5:]
        connection.receive_data(0, hello)
        connection.receive_data(1, null_hello())
        exchange = b"\x16\x03\x03\x00\x08\x10\x00\x00\x04\x00\x02ab"
        connection.receive_data(0, exchange + change + b"\x16\x03\x03\x00\x30" + first + data)
        connection.receive_end(0)
        connection.receive_end(1)
        told = list(connection.events())
        assert any(isinstance(event, ApplicationData) for event in told) is believed
        assert any(isinstance(event, Undecryptable) for event in told) is not believed


def test_epochs_without_end_are_counted_only_up_to_the_limit() -> None:
    connection = Connection(limits=Limits(handshakes=5))
    change = b"\x14\x03\x03\x00\x01\x01"
    connection.receive_data(0, HELLO[:4] + b"\x31" + HELLO[5:] + change * 1000)
    connection.receive_end(0)
    connection.receive_end(1)
    list(connection.events())
    assert len(connection.handshakes) == 5
    many = Connection(limits=Limits(handshakes=5))
    many.receive_data(0, (HELLO[:4] + b"\x31" + HELLO[5:]) * 20)
    many.receive_end(0)
    many.receive_end(1)
    told = list(many.events())
    assert len(many.handshakes) == 5
    assert any(isinstance(event, LimitReached) and event.limit == "handshakes" for event in told)


def test_a_side_that_there_is_not_and_a_gap_of_less_than_nothing_are_refused() -> None:
    connection = Connection()
    with pytest.raises(ValueError, match="sides 0 and 1"):
        connection.receive_data(2, b"x")
    with pytest.raises(ValueError, match="sides 0 and 1"):
        connection.receive_end(-1)
    with pytest.raises(ValueError, match="-5 bytes"):
        connection.receive_gap(0, -5)


def test_bytes_that_the_caller_changes_afterwards_change_nothing() -> None:
    connection = tlswire.Connection()
    data = bytearray(b"\x15\x03\x03\x00\x02\x01\x00")
    connection.receive_data(0, data)
    data[:] = bytes(7)
    connection.receive_end(0)
    connection.receive_end(1)
    (record,) = [event for event in connection.events() if isinstance(event, Record)]
    assert record.fragment == b"\x01\x00"
