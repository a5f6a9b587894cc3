"""HTTP in the clear: bytes as real servers send them, in pieces of any size, and what is no HTTP at all.

What is expected was written by hand from the bytes and RFC 9112; nothing here asks h11.
"""

from __future__ import annotations

import gzip
import random
import zlib
from typing import Any

import pytest

from tlswire.analysis.http import Exchange, HTTPReader
from tlswire.session import ApplicationData

CLIENT, SERVER = 0, 1
Said = tuple[int, bytes]

GET = b"GET /1.aspx HTTP/1.1\r\nHost: 10.10.10.15\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
HEAD = b"HEAD /1.aspx HTTP/1.1\r\nHost: 10.10.10.15\r\n\r\n"
APACHE = b"Date: Wed, 25 Nov 2026 00:00:00 GMT\r\nServer: Apache/2.4.71 (Debian) OpenSSL/3.0.22\r\n"
IIS = b"Content-Type: text/html\r\nServer: Microsoft-IIS/8.5\r\nX-Powered-By: ASP.NET\r\n"
PAGE = b"HTTP Error 403.7 - Forbidden: SSL client certificate is required."


def with_length(body: bytes, head: bytes = APACHE, status: bytes = b"403 Forbidden") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, size: int, head: bytes = b"") -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 403 Forbidden\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def piece(side: int, data: bytes, epoch: int = 0, at: object = None) -> ApplicationData:
    return ApplicationData(side, at, epoch, True, data)


def read(*said: Said, pieces: int = 0, end: bool = True, epochs: tuple[int, ...] = ()) -> HTTPReader:
    """What comes of it; `pieces`, the bytes in each record, or 0 for as it is."""
    reader = HTTPReader(CLIENT)
    number = 0
    for place, (side, data) in enumerate(said):
        step = pieces or max(1, len(data))
        for at in range(0, len(data), step):
            epoch = epochs[place] if epochs else 0
            reader.receive(piece(side, data[at : at + step], epoch, f"record {number}"))
            number += 1
    if end:
        reader.end()
    return reader


def told(exchanges: list[Exchange]) -> list[tuple[Any, ...]]:
    return [(one.method, one.target, one.status, one.body) for one in exchanges]


ONE = [("GET", b"/1.aspx", 403, PAGE)]
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
POST = b"POST /1.aspx HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
CASES: dict[str, tuple[list[Said], list[tuple[Any, ...]]]] = {
    "a length": ([(0, GET), (1, with_length(PAGE))], ONE),
    "chunks": ([(0, GET), (1, chunked(PAGE, 7))], ONE),
    "gzip": ([(0, GET), (1, with_length(gzip.compress(PAGE), b"Content-Encoding: gzip\r\n"))], ONE),
    "gzip in chunks": ([(0, GET), (1, chunked(gzip.compress(PAGE), 5, b"Content-Encoding: GZIP\r\n"))], ONE),
    "deflate": ([(0, GET), (1, with_length(zlib.compress(PAGE), b"Content-Encoding: deflate\r\n"))], ONE),
    "deflate without zlib's head": (
        [(0, GET), (1, with_length(raw_deflate(PAGE), b"Content-Encoding: deflate\r\n"))], ONE,
    ),
    "until the end": ([(0, GET), (1, b"HTTP/1.0 403 Forbidden\r\n" + IIS + b"\r\n" + PAGE)], ONE),
    "HTTP/1.0 without Host": (
        [(0, b"GET /1.aspx HTTP/1.0\r\n\r\n"), (1, b"HTTP/1.0 403 Forbidden\r\n\r\n" + PAGE)], ONE,
    ),
    "HTTP/1.0 answered with 1.1": ([(0, b"GET /1.aspx HTTP/1.0\r\n\r\n"), (1, with_length(PAGE))], ONE),
    "HEAD has no body": (
        [(0, HEAD), (1, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4711\r\n\r\n"), (0, GET), (1, with_length(PAGE))],
        [("HEAD", b"/1.aspx", 403, b""), *ONE],
    ),
    "100 Continue": (
        [(0, POST), (1, CONTINUE), (0, b"hello"), (1, with_length(PAGE))], [("POST", b"/1.aspx", 403, PAGE)],
    ),
    "pipelining": (
        [(0, GET + GET + HEAD), (1, with_length(b"no", status=b"404 Not Found") + chunked(PAGE, 9) + with_length(b""))],
        [("GET", b"/1.aspx", 404, b"no"), *ONE, ("HEAD", b"/1.aspx", 403, b"")],
    ),
    "a success has no body to be kept": (
        [(0, GET), (1, with_length(b"secret", status=b"200 OK")), (0, GET), (1, with_length(PAGE))],
        [("GET", b"/1.aspx", 200, b""), *ONE],
    ),
    "304 has no body": (
        [(0, GET), (1, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), (0, GET), (1, with_length(PAGE))],
        [("GET", b"/1.aspx", 304, b""), *ONE],
    ),
    "no request was read": ([(1, with_length(PAGE))], [(None, None, 403, PAGE)]),
    "broken gzip": (
        [(0, GET), (1, with_length(b"\x1f\x8b no gzip", b"Content-Encoding: gzip\r\n")), (0, GET),
         (1, with_length(PAGE))],
        [("GET", b"/1.aspx", 403, b""), *ONE],
    ),
    "an unknown coding": ([(0, GET), (1, with_length(PAGE, b"Content-Encoding: br\r\n"))], ONE),
    "an answer to nothing, and the request then": ([(1, with_length(PAGE)), (0, GET)], ONE),
    "cut in the body": ([(0, GET), (1, with_length(PAGE)[:-10])], [("GET", b"/1.aspx", 403, PAGE[:-10])]),
    "HTTP/2": ([(0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"), (1, b"\0\0\0\4\0\0\0\0\0")], []),
    "no HTTP": ([(1, b"220 mail.example ESMTP\r\n"), (0, b"EHLO me\r\n"), (1, b"250 OK\r\n")], []),
    "another protocol after 101": (
        [(0, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
         (1, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"),
         (0, b"\x81\x85\0\0\0\0hello")],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("pieces", [0, 1, 2, 13])
def test_in_pieces_of_any_size(name: str, pieces: int) -> None:
    said, expected = CASES[name]
    assert told(read(*said, pieces=pieces).exchanges) == expected


@pytest.mark.parametrize("name", CASES)
def test_with_all_of_one_side_before_the_other(name: str) -> None:
    if name == "no request was read":
        pytest.skip("there is one side alone")
    said, expected = CASES[name]
    by_side = [(side, b"".join(data for who, data in said if who == side)) for side in (SERVER, CLIENT)]
    assert told(read(*by_side).exchanges) == expected


def test_what_a_server_says_of_itself_and_where_it_said_it() -> None:
    (one,) = read((0, GET), (1, with_length(PAGE, IIS)), epochs=(0, 1)).exchanges
    assert (one.server, one.reason, one.epoch, one.at, one.request_at) == (
        b"Microsoft-IIS/8.5", b"Forbidden", 1, "record 1", "record 0",
    )  # fmt: skip


def test_a_request_that_is_not_answered_is_known() -> None:
    reader = read((0, GET), (1, with_length(PAGE)), (0, HEAD))
    assert [(one.method, one.target, one.at) for one in reader.requests] == [
        ("GET", b"/1.aspx", "record 0"), ("HEAD", b"/1.aspx", "record 2"),
    ]  # fmt: skip
    assert len(reader.exchanges) == 1


def test_a_hole_ends_the_reading() -> None:
    reader = read((0, GET), (1, with_length(PAGE)[:-10]))
    reader.receive(piece(1, PAGE[-10:] + with_length(b"more")))
    assert told(reader.exchanges) == [("GET", b"/1.aspx", 403, PAGE[:-10])]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_body_is_cut_after_64_kilobytes_however_long_it_is(packed: bool) -> None:
    body = bytes(50_000_000)
    response = with_length(gzip.compress(body), b"Content-Encoding: gzip\r\n") if packed else with_length(body)
    (one,) = read((0, GET), (1, response), pieces=16384).exchanges
    assert one.body == bytes(65536)


def test_the_bodies_of_a_connection_are_bounded() -> None:
    exchange = [(0, GET), (1, with_length(bytes(65536)))]
    reader = read(*(exchange * 100))
    assert len(reader.exchanges) == 100
    assert sum(len(one.body) for one in reader.exchanges) == 1 << 22


def test_successes_beyond_a_number_are_let_go_and_errors_are_not() -> None:
    ok = with_length(b"", status=b"200 OK")
    reader = read(*([(0, GET), (1, ok)] * 10_050 + [(0, GET), (1, with_length(PAGE))]))
    assert len(reader.exchanges) == 10_001
    assert told(reader.exchanges[-1:]) == ONE
    assert len(reader.requests) == 10_000


@pytest.mark.parametrize("seed", range(40))
def test_hostile_bytes_raise_nothing(seed: int) -> None:
    chance = random.Random(seed)
    said: list[Said] = []
    for _ in range(12):
        side, data = chance.choice([piece for case, _ in CASES.values() for piece in case])
        spoilt = bytearray(data)
        for _ in range(chance.randrange(4)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        said.append(
            (side if chance.random() < 0.9 else 1 - side, bytes(spoilt[: chance.randrange(1, len(spoilt) + 1)]))
        )
    for pieces in (0, 1):
        read(*said, pieces=pieces)


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_what_waits_for_the_other_side_is_bounded(side: int) -> None:
    reader = read(*([(side, b"x" * 16384)] * 100), end=False)
    reader.receive(piece(1 - side, GET if side == SERVER else with_length(PAGE)))
    assert reader.exchanges == []
    assert sum(len(event.data) for waiting in reader._waiting for event in waiting) <= 1 << 20
