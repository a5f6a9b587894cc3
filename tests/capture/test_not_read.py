"""What is not read is told with its place: QUIC, DTLS, SSL 2.0, fragments without the rest, link layers."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tlswire
from tlswire.capture import CaptureReader, NotRead, Recogniser
from tlswire.capture.datagrams import datagram_kind
from tlswire.capture.dissect import dissector

A, B = "10.10.10.16", "10.10.10.15"
# The protected headers of the Initial packets in RFC 9001 App. A.2 and A.3, and of the client's in RFC 9369 App. A.2.
QUIC = {
    "version 1": bytes.fromhex("c000000001088394c8f03e5157080000449e7b9aec34"),
    "version 1, server": bytes.fromhex("cf000000010008f067a5502a4262b5004075c0d95a48"),
    "version 2": bytes.fromhex("d76b3343cf088394c8f03e5157080000449ea0c95e82"),
    "draft 29": bytes.fromhex("c0ff00001d088394c8f03e5157080000449e7b9aec34"),
}
# ClientHellos of `openssl s_client -dtls1` and `-dtls1_2`, OpenSSL 3.0.22, as a UDP socket got them.
DTLS = {
    "1.0": bytes.fromhex(
        "16feff000000000000000000460100003a000000000000003afeff9338e0f5c641adeb3f18e24e5c2f6328c3537d53615abf6a5f17fe2d40"
        "ff9e9b00000004002f00ff0100000c002300000016000000170000"
    ),
    "1.2": bytes.fromhex(
        "16feff0000000000000000004e010000420000000000000042fefd17d8bbc1f4221ed830e05a31d0afcca2b8577742bbc710f44e97bb9f79"
        "406db500000004002f00ff01000014002300000016000000170000000d000400020401"
    ),
}
DTLS["two records"] = (
    bytes.fromhex("14fefd0000000000000001000101") + bytes.fromhex("16fefd000100000000000000 02") + b"xy"
)
SSLV2_HELLO = bytes.fromhex("801f 01 0301 0006 0000 0010 00002f 000005") + b"c" * 16


def udp(data: bytes, length: int | None = None) -> bytes:
    return struct.pack("!HHHH", 50000, 60000, 8 + len(data) if length is None else length, 0) + data


def kind(datagram: bytes, captured: int | None = None) -> str | None:
    """What a datagram is in the midst of other bytes."""
    end = len(datagram) if captured is None else captured
    behind = (b"", b"\0" * 50, b"\xff" * 50)
    found = {datagram_kind(b"?" * 50 + datagram[:end] + others, 50, 50 + end) for others in behind}
    (one,) = found
    return one


# Datagrams


@pytest.mark.parametrize("header", QUIC.values(), ids=QUIC)
def test_quic(make: Any, header: bytes) -> None:
    data = header.ljust(1200, b"\0")
    assert kind(udp(data)) == "quic"
    assert kind(udp(data), captured=60) == "quic"
    packet = make.ipv4(A, B, udp(data), protocol=17)
    assert dissector(101)(packet, 0, len(packet), len(packet)) == "quic"
    packet = make.ipv6("::1", "::2", udp(data), next_header=17)
    assert dissector(101)(packet, 0, len(packet), len(packet)) == "quic"


@pytest.mark.parametrize("hello", DTLS.values(), ids=DTLS)
def test_dtls(make: Any, hello: bytes) -> None:
    assert kind(udp(hello)) == "dtls"
    assert kind(udp(hello) + b"padding") == "dtls"
    packet = make.ipv4(A, B, udp(hello), protocol=17)
    assert dissector(101)(packet, 0, len(packet), len(packet)) == "dtls"


def test_a_datagram_cut_by_the_snap_length_is_known_by_what_is_left() -> None:
    assert kind(udp(DTLS["1.2"]), captured=60) == "dtls"
    assert kind(udp(DTLS["1.2"]), captured=20) is None
    assert kind(udp(DTLS["two records"]), captured=8 + 14 + 12) == "dtls"


QUIC_1, HELLO = QUIC["version 1"], DTLS["1.2"]
OTHER = {
    "a version that nobody speaks": QUIC_1[:1] + b"\1\2\3\4" + QUIC_1[5:],
    "version negotiation": QUIC_1[:1] + bytes(4) + QUIC_1[5:],
    "a draft too far": QUIC_1[:1] + b"\xff\0\0\x23" + QUIC_1[5:],
    "no draft": QUIC_1[:1] + b"\xff\0\0\0" + QUIC_1[5:],
    "no fixed bit": b"\x80" + QUIC_1[1:],
    "a short header": b"\x40" + QUIC_1[1:],
    "a long destination ID": QUIC_1[:5] + b"\x15" + b"\0" * 60,
    "a long source ID": QUIC_1[:14] + b"\x15" + b"\0" * 60,
    "IDs and nothing else": QUIC_1[:6] + b"\7" * 7 + b"\5" + b"\7" * 6,
    "TLS over UDP": b"\x16\3\3" + HELLO[3:],
    "another version": b"\x16\xfe\xfe" + HELLO[3:],
    "another content type": b"\x13" + HELLO[1:],
    "no bytes": HELLO[:11] + b"\0\0",
    "too long for a record": HELLO[:11] + b"\x48\x01" + b"x" * 0x4801,
    "longer than its datagram": HELLO[:-1],
    "more than records": HELLO + b"\x80" * 14,
    "a record and a header's beginning": HELLO + HELLO[:12],
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("data", OTHER.values(), ids=OTHER)
def test_what_is_neither(data: bytes) -> None:
    assert kind(udp(data)) is None


@given(st.sampled_from([b"", QUIC_1[:6], HELLO[:3]]), st.binary(max_size=80), st.integers(0, 100))
def test_any_bytes(start: bytes, rest: bytes, captured: int) -> None:
    datagram = udp(start + rest)
    assert kind(datagram, min(captured, len(datagram))) in (None, "quic", "dtls")


# SSL 2.0


class Nobody:
    """A receiver that drops what it gets."""

    def receive_data(self, side: int, data: bytes, at: object = None) -> None: ...
    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None: ...
    def receive_end(self, side: int, at: object = None) -> None: ...


@pytest.mark.parametrize("pieces", [1, 5])
def test_a_server_that_chooses_ssl_2(pieces: int) -> None:
    """The head of a SERVER-HELLO by the SSL 2.0 draft (Hickman 1995), "1.1.1 Handshake Protocol Messages"."""
    answer = bytes.fromhex("83f1 04 00 01 0002 03cb 0012 0010") + b"certificate" * 80

    recogniser = Recogniser(Nobody)
    recogniser.receive_data(0, SSLV2_HELLO, "hello")
    assert recogniser.sslv2 is None
    for place in range(0, len(answer), len(answer) // pieces):
        recogniser.receive_data(1, answer[place : place + len(answer) // pieces], place)
    assert recogniser.sslv2 == 0
    assert recogniser.settled


@pytest.mark.parametrize(
    "answer", ["83f1 01 00 01 0002", "83f1 04 02 01 0002", "83f1 04 00 01 0301", "03f1 04 00 01 0002"]
)
def test_other_answers(answer: str) -> None:
    recogniser = Recogniser(Nobody)
    recogniser.receive_data(0, SSLV2_HELLO)
    recogniser.receive_data(1, bytes.fromhex(answer) + b"x" * 100, "here")
    assert recogniser.sslv2 is None


@pytest.mark.parametrize("before", [b"STARTTLS", 5, None])
def test_an_answer_that_is_not_the_first_is_none(before: bytes | int | None) -> None:
    recogniser = Recogniser(Nobody)
    recogniser.receive_data(0, SSLV2_HELLO)
    if isinstance(before, bytes):
        recogniser.receive_data(1, before * 20, "before")
    else:
        recogniser.receive_gap(1, before, "before")
    recogniser.receive_data(1, bytes.fromhex("83f10400010002") + b"x" * 100, "here")
    assert recogniser.sslv2 is None


# Told


@pytest.fixture
def everything(make: Any, talk: Any, tmp_path: Path) -> Path:
    """QUIC twice, DTLS, an IP fragment, SSL 2.0, a link layer that is not read, and UDP of no interest."""

    def packet(data: bytes) -> bytes:
        return make.ethernet(make.ipv4(A, B, udp(data), protocol=17))

    t = talk().open()
    t.send(0, SSLV2_HELLO)
    t.send(1, bytes.fromhex("83f1 04 00 01 0002 03cb 0012 0010") + b"certificate" * 80)
    quic = packet(QUIC_1.ljust(1200, b"\0"))
    frames = [packet(b"DNS" * 20), quic, *t.close().frames, packet(HELLO), quic]
    frames.append(make.ethernet(make.ipv4(A, B, b"x" * 80, fragment=0x2000)))
    path = tmp_path / "a.pcapng"
    wlan = make.interface(105) + make.packet(b"802.11", 1388063031_000000, interface=1)
    path.write_bytes(make.pcapng(frames) + wlan)
    return path


TOLD = [
    ("quic", 2, 2, "2 datagrams of QUIC handshakes are not read"),
    ("sslv2", 1, 7, "1 connection of SSL 2.0 is not read"),
    ("dtls", 1, 11, "1 datagram of DTLS is not read"),
    ("ip_fragment", 1, 13, "1 IP fragment without the others of its datagram, or in contradiction to them is not read"),
    ("link_type_105", 1, 14, "1 frame of link type 105 is not read"),
]


def test_the_reader_has_what_is_not_read_in_order_with_its_place(everything: Path) -> None:
    reader = CaptureReader([everything])
    for _ in reader:
        pass
    assert [(one.what, one.count, one.first.frame) for one in reader.not_read] == [one[:3] for one in TOLD]
    assert [str(one) for one in reader.not_read] == [
        f"{text}, the first in frame {frame} of {everything}" for _, _, frame, text in TOLD
    ]


def test_a_trace_says_so_too(everything: Path) -> None:
    trace = tlswire.open(everything)
    assert [one.what for one in trace.not_read] == [one[0] for one in TOLD]
    assert f"note: {TOLD[0][3]}, the first in frame 2 of {everything}" in repr(trace).splitlines()


def test_a_name_cannot_write_to_the_terminal() -> None:
    told = NotRead("quic", 1, tlswire.Provenance(1, 0, 1, "\x1b[2J.pcap"))
    assert "\x1b" not in str(told)
    assert "\x1b" not in str(told.as_json()["info"])


def test_of_traffic_that_is_read_nothing_is_said(make: Any, talk: Any) -> None:
    arp = make.ethernet(b"\0" * 28, 0x0806)
    reader = CaptureReader([io.BytesIO(make.pcap([arp, *talk().open().close().frames]))])
    assert list(reader) == []
    assert reader.not_read == []
