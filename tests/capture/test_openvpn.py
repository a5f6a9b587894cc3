"""TLS inside OpenVPN over TCP: real TLS, put into packets here as OpenVPN does; real OpenVPN is in tests/corpus."""

from __future__ import annotations

import pytest

from tlswire.capture.openvpn import OpenVPN

SESSION = b"\x38\x28\xe1\x32\x8a\x71\x85\xe6"
AUTH = {"nothing": 0, "SHA-1": 28, "SHA-256": 40, "SHA-512": 72}


class Target:
    """Takes down what is handed on."""

    def __init__(self) -> None:
        self.data: list[tuple[int, bytes]] = []
        self.gaps: list[tuple[int, int | None]] = []
        self.ends: list[int] = []

    def receive_data(self, side: int, data: bytes, at: object = None) -> None:
        self.data.append((side, data))

    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None:
        self.gaps.append((side, length))

    def receive_end(self, side: int, at: object = None) -> None:
        self.ends.append(side)

    def stream(self, side: int) -> bytes:
        return b"".join(data for one, data in self.data if one == side)


def packet(opcode: int, auth: int, payload: bytes = b"", *, acknowledged: int = 0, key_id: int = 0) -> bytes:
    body = bytes([opcode << 3 | key_id]) + SESSION + bytes(auth) + bytes([acknowledged]) + bytes(4 * acknowledged)
    body += SESSION if acknowledged else b""
    if opcode != 5:
        body += bytes(4) + payload
    return len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize("auth", AUTH.values(), ids=AUTH.keys())
@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_the_pieces_are_put_together_however_the_stream_is_cut(auth: int, size: int) -> None:
    target = Target()
    tunnel = OpenVPN(target)
    tls = bytes(range(256)) * 5
    tunnel.receive_data(0, packet(7, auth))
    tunnel.receive_data(1, packet(8, auth, acknowledged=1))
    stream = packet(5, auth, acknowledged=1)
    for start in range(0, len(tls), 100):
        stream += packet(4, auth, tls[start : start + 100], acknowledged=start // 100 % 3)
        stream += packet(5, auth, acknowledged=2) + b"\x00\x05" + b"\x30data"
    for start in range(0, len(stream), size):
        tunnel.receive_data(0, stream[start : start + size])
    assert tunnel.found
    assert target.stream(0) == tls
    assert target.stream(1) == b""
    assert not target.gaps


def test_what_is_not_openvpn_is_handed_on_as_it_is() -> None:
    target = Target()
    tunnel = OpenVPN(target)
    for data in (b"\x16\x03\x01\x00\x05hello", b"\x00\x0e8 anything", b""):
        tunnel.receive_data(1, data)
    tunnel.receive_gap(0, 7)
    tunnel.receive_end(1)
    assert tunnel.decided
    assert not tunnel.found
    assert target.stream(1) == b"\x16\x03\x01\x00\x05hello\x00\x0e8 anything"
    assert (target.gaps, target.ends) == ([(0, 7)], [1])


def test_another_session_beside_the_first_is_passed_over() -> None:
    target = Target()
    tunnel = OpenVPN(target)
    tunnel.receive_data(0, packet(7, 0))
    tunnel.receive_data(0, packet(4, 0, b"first") + packet(3, 0, key_id=1) + packet(4, 0, b"second", key_id=1))
    assert target.stream(0) == b"first"


@pytest.mark.parametrize("broken", [b"\x00\x00", b"\x00\x03\xf8\x00\x00", b"\x00\x05\x20\x00\x00\x00\x00"])
def test_behind_what_is_no_packet_nothing_more_is_handed_on_and_a_gap_says_so(broken: bytes) -> None:
    target = Target()
    tunnel = OpenVPN(target)
    tunnel.receive_data(0, packet(7, 0))
    tunnel.receive_data(0, packet(4, 0, b"tls") + broken + packet(4, 0, b"more"))
    tunnel.receive_data(0, packet(4, 0, b"and more"))
    assert target.stream(0) == b"tls"
    assert target.gaps == [(0, None)]


def test_behind_a_gap_nothing_is_handed_on_since_nobody_knows_where_the_next_packet_begins() -> None:
    target = Target()
    tunnel = OpenVPN(target)
    tunnel.receive_data(0, packet(7, 0))
    tunnel.receive_gap(0, 100)
    tunnel.receive_data(0, packet(4, 0, b"tls"))
    assert target.stream(0) == b""
    assert target.gaps == [(0, None)]
