"""TLS inside TDS: of real clients (`tds/`, made by `make_tds.py`), and however its packets are cut."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlswire.capture import open_trace
from tlswire.capture.tds import TDS
from tlswire.session import DiscardedBytes, HandshakeMessage, Malformed

HERE = Path(__file__).parent
KEY = HERE.parent / "captures" / "keys" / "server.pem"
CAPTURES = sorted((HERE / "tds").glob("*.pcap"))
assert len(CAPTURES) == 4


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_login_of_a_real_client(path: Path) -> None:
    trace = open_trace(path, keys=[KEY])
    (connection,) = trace.connections
    assert connection.outcome == "decrypted"
    assert connection.application_data("client") == path.with_suffix(".client.bin").read_bytes()
    said = path.with_suffix(".server.bin")  # nothing, where TLS was for the login alone
    assert connection.application_data("server") == (said.read_bytes() if said.exists() else b"")
    assert not [event for event in connection.events if isinstance(event, DiscardedBytes | Malformed)]
    assert connection.stream.prelude == (58, 26)  # a PRELOGIN each
    assert [type(event.message).__name__ for event in connection.events if isinstance(event, HandshakeMessage)] == [
        "ClientHello", "ServerHello", "CertificateSSL3", "ServerHelloDone", "ClientKeyExchangeRSA", "Finished",
        "NewSessionTicketTLS10", "Finished",
    ]  # fmt: skip


# Packets made here, by [MS-TDS] §2.2.3.1

PRELOGIN, REPLY, LOGIN = 0x12, 0x04, 0x10
OPTIONS = bytes.fromhex("00000b0006 0100110001 ff 0f0007d00000 01")


def packet(kind: int, payload: bytes, *, status: int = 1, number: int = 0) -> bytes:
    return struct.pack("!BBHHBB", kind, status, 8 + len(payload), 0, number, 0) + payload


def record(content_type: int, fragment: bytes) -> bytes:
    return struct.pack("!BHH", content_type, 0x0303, len(fragment)) + fragment


class Target:
    """Takes down what is handed on."""

    def __init__(self) -> None:
        self.said: tuple[list[Any], list[Any]] = ([], [])

    def receive_data(self, side: int, data: bytes, at: object = None) -> None:
        assert data
        said = self.said[side]
        if said and isinstance(said[-1], bytes):
            said[-1] += data
        else:
            said.append(data)

    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None:
        self.said[side].append(length)

    def receive_end(self, side: int, at: object = None) -> None:
        self.said[side].append("end")


def unwrap(*said: tuple[int, Any]) -> Target:
    """Each is a side and its bytes, a gap's length (None: unknown) or "end"."""
    target = Target()
    tds = TDS(target)
    for side, what in said:
        if isinstance(what, bytes):
            tds.receive_data(side, what)
        elif what == "end":
            tds.receive_end(side)
        else:
            tds.receive_gap(side, what)
    assert tds.decided
    return target


ASKED, ANSWERED = packet(PRELOGIN, OPTIONS), packet(REPLY, OPTIONS)
FLIGHT = record(22, b"\x01" + b"hello" * 300) + record(20, b"\x01") + record(22, b"finished" * 5)
DATA = record(23, b"login" * 40) + record(21, b"\x01\x00")


def wrapped(data: bytes, size: int, kind: int = PRELOGIN) -> bytes:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(packet(kind, piece, status=piece is pieces[-1]) for piece in pieces)


@given(st.integers(1, 2000), st.lists(st.integers(1, 2500), max_size=20))
def test_however_the_packets_and_the_stream_are_cut(size: int, cuts: list[int]) -> None:
    stream = wrapped(FLIGHT, size) + DATA
    pieces, start = [], 0
    for end in [*sorted({cut for cut in cuts if cut < len(stream)}), len(stream)]:
        pieces.append((0, stream[start:end]))
        start = end
    # Of a record in packets the first has the header's first bytes at least, or it would be no TLS.
    if size > 1:
        assert unwrap((0, ASKED), (1, ANSWERED), *pieces, (0, "end")).said[0] == [ASKED + FLIGHT + DATA, "end"]


@pytest.mark.parametrize("begin", [ASKED, ANSWERED, wrapped(FLIGHT, 1000)[:1008], packet(REPLY, FLIGHT)])
def test_it_is_known_by_its_first_packet(begin: bytes) -> None:
    target = unwrap((1, begin), (0, ASKED), (0, wrapped(FLIGHT, 4088)))
    assert target.said[0] == [ASKED + FLIGHT]


OTHERS = [
    b"\x12",
    b"\x12\x01\x00\x2f\x00\x00\x00\x00",
    packet(PRELOGIN, b"\xff" * 30),
    packet(LOGIN, OPTIONS),
    packet(PRELOGIN, OPTIONS) + b"more than the packet says",
    packet(PRELOGIN, OPTIONS, status=7),
    FLIGHT,
    b"\x12\x34" * 40,
]


@pytest.mark.parametrize("begin", OTHERS)
def test_what_is_not_tds_is_handed_on_as_it_is(begin: bytes) -> None:
    rest = wrapped(FLIGHT, 1000)
    target = unwrap((0, begin), (0, rest), (1, rest), (0, 5), (1, "end"))
    assert target.said == ([begin + rest, 5], [rest, "end"])


def test_a_gap_before_all_else() -> None:
    stream = ASKED + wrapped(FLIGHT, 500)
    assert unwrap((0, None), (0, ASKED), (0, stream[len(ASKED) :]), (0, "end")).said[0] == [None, stream, "end"]


def test_replies_may_wrap_tls_too() -> None:
    stream = ANSWERED + packet(REPLY, FLIGHT) + DATA
    assert unwrap((0, ASKED), (1, stream)).said[1] == [ANSWERED + FLIGHT + DATA]


def test_behind_the_login_both_go_on_in_the_clear() -> None:
    client = wrapped(FLIGHT, 4088) + DATA + packet(1, b"SELECT 1")
    server = ANSWERED + wrapped(FLIGHT, 4088) + packet(REPLY, b"\x81\x01\x00" + b"row" * 50)
    target = unwrap((0, ASKED), (1, server), (0, client), (0, packet(1, FLIGHT)), (0, 7), (0, "end"), (1, "end"))
    assert target.said == ([ASKED + FLIGHT + DATA, "end"], [ANSWERED + FLIGHT, "end"])


@pytest.mark.parametrize("kind", [PRELOGIN, REPLY])
def test_behind_bare_records_nothing_is_wrapped_any_more(kind: int) -> None:
    target = unwrap((0, ASKED), (0, wrapped(FLIGHT, 500) + DATA), (0, packet(kind, b"no record")), (0, DATA))
    assert target.said[0] == [ASKED + FLIGHT + DATA]


@pytest.mark.parametrize("length", range(8))
def test_a_packet_shorter_than_its_header(length: int) -> None:
    packet = struct.pack("!BBHHBB", PRELOGIN, 1, length, 0, 0, 0)
    assert unwrap((0, ASKED), (0, packet), (0, wrapped(FLIGHT, 500))).said[0] == [ASKED + packet + FLIGHT]


def test_where_the_server_has_no_encryption_there_is_no_tls() -> None:
    target = unwrap((0, ASKED), (1, ANSWERED), (0, packet(LOGIN, b"in the clear")), (0, "end"))
    assert target.said[0] == [ASKED, "end"]


def test_a_gap_in_the_handshake_is_of_unknown_length_and_what_follows_comes_as_it_is() -> None:
    target = unwrap((0, ASKED), (0, wrapped(FLIGHT, 500)[:700]), (0, 100), (0, DATA), (0, 9), (0, DATA), (0, "end"))
    assert target.said[0] == [ASKED + FLIGHT[:684], None, DATA, 9, DATA, "end"]


def test_a_gap_between_bare_records_has_its_length() -> None:
    target = unwrap((0, ASKED), (0, wrapped(FLIGHT, 500)), (0, DATA[:50]), (0, 100), (0, DATA[150:]))
    assert target.said[0] == [ASKED + FLIGHT + DATA[:50], 100, DATA[150:]]


def test_a_record_that_never_ends() -> None:
    target = unwrap((0, ASKED), (0, wrapped(FLIGHT, 500) + DATA[:100]), (0, "end"))
    assert target.said[0] == [ASKED + FLIGHT + DATA[:100], "end"]


def test_an_alert_in_the_clear_is_not_held_back() -> None:
    """7 bytes, less than the header of a packet has."""
    assert unwrap((0, ASKED), (0, wrapped(FLIGHT, 500)), (0, DATA)).said[0] == [ASKED + FLIGHT + DATA]
