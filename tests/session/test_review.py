"""What a reader with fresh eyes has found, kept: each case once gave a wrong answer."""

from __future__ import annotations

from pathlib import Path

import pytest

import tlswire
from tlswire.analysis import Row, explain
from tlswire.capture import CaptureReader, load_server_keys
from tlswire.crypto import KeyLogEntry, Secrets, traffic_protection
from tlswire.registry import CipherSuite, ProtocolVersion, parameters
from tlswire.session import (
    ApplicationData,
    Connection,
    DiscardedBytes,
    EndOfStream,
    Handshake,
    Heartbeat,
    LimitReached,
    Limits,
    Malformed,
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


def message(msg_type: int, body: bytes) -> bytes:
    return bytes([msg_type]) + len(body).to_bytes(3, "big") + body


def sent(content_type: int, fragment: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


RANDOM = bytes(range(32))
CLIENT_HELLO = message(1, b"\3\3" + RANDOM + b"\0" + b"\0\4\x13\x01\0\x2f" + b"\1\0")
SERVER_HELLO_TLS13 = message(2, b"\3\3" + bytes(32) + b"\0" + b"\x13\x01" + b"\0" + bytes.fromhex("0006002b00020304"))
SERVER_HELLO_TLS12 = message(2, b"\3\3" + bytes(32) + b"\0" + b"\0\x2f" + b"\0")
EXCHANGE = message(16, b"\0\x08" + bytes(8))


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("tls13", [True, False])
def test_both_finished_may_come_before_any_key(tls13: bool, keep: bool) -> None:
    finished = message(20, bytes(32 if tls13 else 12))
    labels = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")
    secrets = Secrets(key_log=[KeyLogEntry(label, RANDOM, bytes(32)) for label in labels])
    secrets.add_master_secret(bytes(48))
    connection = Connection(secrets, keep_messages=keep)
    server = SERVER_HELLO_TLS13 if tls13 else SERVER_HELLO_TLS12 + message(14, b"")
    steps = [
        (0, sent(22, CLIENT_HELLO)),
        (1, sent(22, server + finished)),
        (0, sent(22, (b"" if tls13 else EXCHANGE) + finished)),
    ]
    for side, data in [*steps, (1, sent(23, bytes(40))), (0, sent(20, b"\1") + sent(22, bytes(40)))]:
        connection.receive_data(side, data)
    connection.receive_gap(0, None)
    connection.receive_data(0, sent(20, b"\1") + sent(23, bytes(40)) * 3)
    assert not [event for event in connection.events() if isinstance(event, ApplicationData)]


def test_an_inner_content_type_that_nobody_knows_is_no_heartbeat() -> None:
    application = bytes(range(1, 33))
    secrets = Secrets(key_log=[KeyLogEntry("SERVER_TRAFFIC_SECRET_0", RANDOM, application)])
    suite = parameters(CipherSuite.TLS_AES_128_GCM_SHA256)
    assert suite is not None
    keys = traffic_protection(ProtocolVersion.TLSv1_3, suite, application)
    heartbeat = b"\1\0\1x" + bytes(16)
    records = [sent(23, keys.protect(200, 0x303, heartbeat)), sent(23, keys.protect(0, 0x303, bytes(7)))]
    connection = Connection(secrets)
    connection.receive_data(0, sent(22, CLIENT_HELLO))
    connection.receive_data(
        1, sent(22, SERVER_HELLO_TLS13) + b"".join(records) + sent(23, keys.protect(23, 0x303, b"x"))
    )
    told = list(connection.events())
    assert [int(event.content_type) for event in told if isinstance(event, Malformed)] == [200, 0]
    assert [event.data for event in told if isinstance(event, ApplicationData)] == [b"x"]
    assert not [event for event in told if isinstance(event, Heartbeat)]


def test_hellos_that_repeat_themselves_are_looked_at_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a second ServerHello nor what looks like a second ClientHello makes the first be searched for."""
    asked = []
    whole = Handshake.client_hello.fget
    monkeypatch.setattr(Handshake, "client_hello", property(lambda self: asked.append(1) or whole(self)))  # type: ignore
    counts = []
    for size in (50, 100):
        asked.clear()
        connection = Connection(Secrets(key_log=[KeyLogEntry("SERVER_TRAFFIC_SECRET_0", RANDOM, bytes(32))]))
        connection.receive_data(0, sent(22, CLIENT_HELLO) + sent(23, bytes(40)))
        connection.receive_data(1, sent(22, SERVER_HELLO_TLS13 * size))
        connection.receive_data(0, sent(22, b"\1" + bytes(60)) * size)
        list(connection.events())
        counts.append(len(asked))
    assert counts[1] - counts[0] < 10
