"""Where TLS begins: at once, behind another protocol, in the midst, behind a hole, or nowhere."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlswire.capture import Recogniser


def record(content_type: int, fragment: bytes, version: int = 0x0301) -> bytes:
    return struct.pack("!BHH", content_type, version, len(fragment)) + fragment


def hello(
    msg_type: int, version: int = 0x0303, session_id: bytes = b"", rest: bytes = b"\x00\x02\x13\x01\x01\x00"
) -> bytes:
    body = struct.pack("!H", version) + b"R" * 32 + bytes([len(session_id)]) + session_id + rest
    return bytes([msg_type]) + len(body).to_bytes(3, "big") + body


CLIENT = record(22, hello(1)) + record(22, b"\x10\0\0\x02ab") + record(20, b"\1") + record(22, b"q" * 40)
SERVER = record(22, hello(2) + b"\x0e\0\0\0", 0x0303) + record(20, b"\1", 0x0303) + record(22, b"Q" * 40, 0x0303)
DATA = record(23, b"d" * 100) + record(23, b"D" * 1500)
# A version 2 hello of OpenSSL 0.9.8, as in RFC 5246 App. E.2: two cipher specs and a challenge of 16 bytes.
SSLV2 = bytes.fromhex("801f 01 0301 0006 0000 0010 00002f 000005") + b"c" * 16
HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


class Heard:
    """A receiver that joins what it gets: bytes, gaps as their length, "end"."""

    def __init__(self) -> None:
        self.said: tuple[list[Any], list[Any]] = ([], [])
        self.at: tuple[list[Any], list[Any]] = ([], [])

    def _say(self, side: int, what: Any, at: object) -> None:
        said = self.said[side]
        assert "end" not in said
        if isinstance(what, bytes) and said and isinstance(said[-1], bytes):
            said[-1] += what
        else:
            said.append(what)
        self.at[side].append(at)

    def receive_data(self, side: int, data: bytes, at: object = None) -> None:
        assert type(data) is bytes
        assert data
        self._say(side, data, at)

    def receive_gap(self, side: int, length: int | None = None, at: object = None) -> None:
        self._say(side, length, at)

    def receive_end(self, side: int, at: object = None) -> None:
        self._say(side, "end", at)


def feed(*said: tuple[int, Any], limit: int = 65536) -> tuple[Heard, Recogniser]:
    """Each is a side and its bytes, a gap's length (None: unknown) or "end"; `at` is the place in this order."""
    heard = Heard()
    begun = []

    def begin() -> Heard:
        begun.append(1)
        return heard

    recogniser = Recogniser(begin, limit)
    for at, (side, what) in enumerate(said):
        if isinstance(what, bytes):
            recogniser.receive_data(side, what, at)
        elif what == "end":
            recogniser.receive_end(side, at)
        else:
            recogniser.receive_gap(side, what, at)
        assert not (recogniser.passed_over and recogniser.receiver)
    assert len(begun) <= 1
    assert (recogniser.receiver is heard) == bool(begun)
    return heard, recogniser


# At once


@pytest.mark.parametrize("client", [0, 1])
def test_a_hello_at_the_beginning(client: int) -> None:
    heard, recogniser = feed(
        (client, CLIENT), (1 - client, SERVER), (client, DATA), (client, "end"), (1 - client, "end")
    )
    assert heard.said[client] == [CLIENT + DATA, "end"]
    assert heard.said[1 - client] == [SERVER, "end"]
    assert heard.at[client] == [0, 2, 3]
    assert recogniser.settled
    assert recogniser.prelude == (0, 0)


def test_one_byte_at_a_time() -> None:
    heard, recogniser = feed(*[(0, CLIENT[n : n + 1]) for n in range(len(CLIENT))], *[(1, bytes([b])) for b in SERVER])
    assert heard.said == ([CLIENT], [SERVER])
    assert heard.at[0] == list(range(len(CLIENT)))
    assert recogniser.settled


def test_before_it_is_known_nothing_is_handed_on() -> None:
    heard, recogniser = feed((0, CLIENT[:5]))
    assert heard.said == ([], [])
    assert recogniser.receiver is None
    assert not recogniser.passed_over


def test_a_version_2_hello() -> None:
    heard, _ = feed((0, SSLV2), (1, SERVER))
    assert heard.said == ([SSLV2], [SERVER])


@pytest.mark.parametrize(
    "change",
    [
        (1, 0x20),  # the length does not agree
        (2, 2),  # no ClientHello
        (3, 9),  # no such version
        (6, 5),  # cipher specs are of 3 bytes
        (8, 7),  # session IDs of 0, 16 or 32
        (10, 15),  # a challenge has 16 to 32
    ],
)
def test_what_is_no_version_2_hello(change: tuple[int, int]) -> None:
    data = bytearray(SSLV2)
    data[change[0]] = change[1]
    _, recogniser = feed((0, bytes(data)), (1, b"\x80\x02\1\2"), (0, "end"), (1, "end"))
    assert recogniser.passed_over


@pytest.mark.parametrize("size", [1, 3, 4, 5, 20])
def test_a_hello_over_many_records(size: int) -> None:
    whole = hello(1)
    data = b"".join(record(22, whole[n : n + size]) for n in range(0, len(whole), size))
    heard, _ = feed((0, data[:6]), (0, data[6:]), (1, SERVER))
    assert heard.said == ([data], [SERVER])


def test_a_hello_larger_than_its_record() -> None:
    """A ClientHello with post-quantum key shares, in a small record."""
    whole = hello(1, rest=b"\0\x02\x13\x01\x01\0\x06\x00" + b"k" * 0x600)
    data = record(22, whole[:300]) + record(22, whole[300:])
    heard, _ = feed((0, b"PROXY TCP4 1 2 3 4\r\n" + data))
    assert heard.said[0] == [data]


def test_an_alert_instead_of_a_hello() -> None:
    alert = record(21, b"\x02\x28")
    heard, _ = feed((1, alert), (0, b"GET / HTTP/1.0\r\n\r\n"), (0, "end"), (1, "end"))
    assert heard.said[1] == [alert, "end"]


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x7F17])
def test_every_version_of_a_server_hello(version: int) -> None:
    data = record(22, hello(2, version))
    heard, _ = feed((0, b"x" * 10), (0, data))
    assert heard.said[0] == [data]


def test_only_the_servers_side_was_captured() -> None:
    heard, recogniser = feed((1, SERVER), (1, DATA), (0, "end"), (1, "end"))
    assert heard.said == (["end"], [SERVER + DATA, "end"])
    assert recogniser.prelude == (0, 0)


def test_the_answer_was_captured_before_the_hello() -> None:
    heard, _ = feed((1, SERVER), (0, CLIENT))
    assert heard.said == ([CLIENT], [SERVER])


# Behind something else

DIALOGUES: dict[str, list[tuple[int, bytes]]] = {
    "smtp": [
        (1, b"220 mail\r\n"), (0, b"EHLO a\r\n"), (1, b"250 STARTTLS\r\n"), (0, b"STARTTLS\r\n"), (1, b"220 go\r\n"),
    ],
    "postgresql": [(0, bytes.fromhex("0000000804d2162f")), (1, b"S")],
    "ldap": [
        (0, bytes.fromhex("301d02010177188016312e332e362e312e342e312e313436362e3230303337")),
        (1, bytes.fromhex("300c02010178070a010004000400")),
    ],
    "socks 5": [(0, b"\5\1\0"), (1, b"\5\0"), (0, b"\5\1\0\1\1\2\3\4\x01\xbb"), (1, b"\5\0\0\1\0\0\0\0\0\0")],
    "connect": [(0, b"CONNECT a:443 HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\n\r\n")],
    "proxy protocol": [(0, b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n")],
    "rdp": [
        (0, bytes.fromhex("030000130ee000000000000100080003000000")),
        (1, bytes.fromhex("030000130ed000001234000209080002000000")),
    ],
    "mysql": [(1, b"\x4a\0\0\0\x0a8.0.36\0"), (0, b"\x20\0\0\1\x05\xae\xff\x19\0\0\0\1\xff" + b"\0" * 23)],
}  # fmt: skip


def prelude(said: list[tuple[int, bytes]]) -> tuple[int, int]:
    return sum(len(data) for side, data in said if side == 0), sum(len(data) for side, data in said if side == 1)


@pytest.mark.parametrize("name", DIALOGUES)
def test_tls_behind_another_protocol(name: str) -> None:
    before = DIALOGUES[name]
    heard, recogniser = feed(*before, (0, CLIENT), (1, SERVER), (0, DATA), (1, DATA), (0, "end"), (1, "end"))
    assert heard.said == ([CLIENT + DATA, "end"], [SERVER + DATA, "end"])
    assert recogniser.prelude == prelude(before)
    assert recogniser.settled


@pytest.mark.parametrize("name", DIALOGUES)
def test_and_in_the_same_segment(name: str) -> None:
    before = DIALOGUES[name]
    sides = [b"".join(data for side, data in before if side == n) for n in (0, 1)]
    for said in ([(0, sides[0] + CLIENT), (1, sides[1] + SERVER)], [(1, sides[1] + SERVER), (0, sides[0] + CLIENT)]):
        heard, recogniser = feed(*said)
        assert heard.said == ([CLIENT], [SERVER])
        assert recogniser.prelude == prelude(before)


def test_a_client_that_does_not_wait_for_the_proxy() -> None:
    heard, recogniser = feed(
        (0, b"CONNECT a:443 HTTP/1.1\r\n\r\n" + CLIENT), (1, b"HTTP/1.1 200 OK\r\n\r\n"), (1, SERVER)
    )
    assert heard.said == ([CLIENT], [SERVER])
    assert recogniser.prelude == (26, 19)


def test_a_server_that_answers_with_an_alert() -> None:
    alert = record(21, b"\x02\x46")
    heard, _ = feed((0, b"STARTTLS\r\n"), (1, b"220 go\r\n"), (0, CLIENT), (1, alert))
    assert heard.said == ([CLIENT], [alert])


def test_a_server_whose_hello_was_lost() -> None:
    heard, recogniser = feed((0, b"STARTTLS\r\n"), (1, b"220 go\r\n"), (0, CLIENT), (1, 90), (1, DATA))
    assert heard.said == ([CLIENT], [90, DATA])
    assert recogniser.prelude == (10, 8)


def test_a_server_that_answers_in_the_clear() -> None:
    """HTTP in answer to a hello: what looks like an alert in it is none."""
    answer = b"HTTP/1.1 400 Bad Request\r\n\r\n" + record(21, b"\x02\x46")
    heard, recogniser = feed((0, CLIENT), (1, answer), (1, "end"))
    assert heard.said == ([CLIENT], [answer, "end"])
    assert recogniser.prelude == (0, 0)


def test_a_server_that_never_answers() -> None:
    heard, recogniser = feed((0, b"STARTTLS\r\n"), (1, b"220 go\r\n"), (0, CLIENT), (1, "end"), (0, "end"))
    assert heard.said == ([CLIENT, "end"], ["end"])
    assert recogniser.settled


def test_a_server_that_ended_before_the_hello() -> None:
    heard, recogniser = feed((1, b"220 go\r\n"), (1, "end"), (0, b"STARTTLS\r\n" + CLIENT), (0, "end"))
    assert heard.said == ([CLIENT, "end"], ["end"])
    assert heard.at[1] == [1]
    assert recogniser.settled


def test_a_server_that_goes_on_in_the_clear() -> None:
    """Nothing in it looks like a record: it is handed on in the end, for the session to say that it is none."""
    heard, recogniser = feed((0, b"STARTTLS\r\n" + CLIENT), *[(1, b"x" * 1000)] * 70, (1, b"more"))
    assert heard.said[0] == [CLIENT]
    assert heard.said[1] == [b"x" * 1000 * 4 + b"more"]
    assert recogniser.prelude == (10, 66_000)


# In the midst


def test_records_that_follow_each_other() -> None:
    heard, _ = feed((0, None), (0, DATA), (1, None), (1, DATA))
    assert heard.said == ([None, DATA], [None, DATA])


def test_the_rest_of_a_record_comes_first() -> None:
    rest = b"\x17\x03\x03rest of a record" * 50
    heard, recogniser = feed((0, None), (0, rest + DATA[:90]), (0, DATA[90:]), (1, None), (1, DATA))
    assert heard.said == ([None, DATA], [None, DATA])
    assert recogniser.prelude == (len(rest), 0)
    assert heard.at[0] == [0, 1, 2]


def test_both_sides_begin_within_a_record() -> None:
    heard, _ = feed((0, None), (0, b"rest" + DATA), (1, None), (1, b"other rest" + DATA))
    assert heard.said == ([None, DATA], [None, DATA])


def test_a_record_that_ends_where_its_segment_does() -> None:
    data = record(23, b"x" * 24)
    heard, _ = feed((0, None), (0, data), (1, None), (1, data))
    assert heard.said == ([None, data], [None, data])


def test_a_record_that_never_ends() -> None:
    data = record(23, b"x" * 2000)[:1460]
    heard, recogniser = feed((0, None), (0, data), (0, "end"), (1, "end"))
    assert heard.said == ([None, data, "end"], ["end"])
    assert recogniser.settled


def test_a_hello_of_which_nothing_before_was_captured_begins_the_session() -> None:
    heard, _ = feed((0, None), (0, CLIENT), (1, None), (1, SERVER))
    assert heard.said == ([CLIENT], [SERVER])


def test_the_first_bytes_were_lost() -> None:
    heard, _ = feed((0, 100), (0, DATA), (1, SERVER))
    assert heard.said == ([100, DATA], [SERVER])


def test_the_hello_was_lost_behind_another_protocol() -> None:
    heard, recogniser = feed((0, b"STARTTLS\r\n"), (1, b"220 go\r\n"), (0, 100), (0, DATA), (1, SERVER))
    assert heard.said == ([100, DATA], [SERVER])
    assert recogniser.prelude == (10, 8)


def test_gaps_before_the_beginning_are_one() -> None:
    heard, _ = feed((0, 100), (0, 50), (0, DATA))
    assert heard.said[0] == [150, DATA]
    heard, _ = feed((0, None), (0, 50), (0, DATA))
    assert heard.said[0] == [None, DATA]


def test_gaps_and_ends_are_handed_on() -> None:
    heard, _ = feed((0, CLIENT), (1, SERVER), (0, 7), (0, DATA), (1, None), (1, "end"), (0, "end"))
    assert heard.said == ([CLIENT, 7, DATA, "end"], [SERVER, None, "end"])


# Nowhere


def test_another_protocol() -> None:
    heard, recogniser = feed((0, b"GET / HTTP/1.1\r\n\r\n"), (1, HTTP + b"x" * 1000), (0, "end"), (1, "end"))
    assert heard.said == ([], [])
    assert recogniser.passed_over
    assert recogniser.receiver is None


def test_after_the_limit_nobody_looks() -> None:
    said = [(0, b"GET / HTTP/1.1\r\n\r\n"), *[(1, b"x" * 1460)] * 12]
    assert not feed(*said[:11], limit=16_000)[1].passed_over
    heard, recogniser = feed(*said, (0, CLIENT), (1, SERVER), (0, 5), (0, "end"), limit=16_000)
    assert recogniser.passed_over
    assert heard.said == ([], [])


def test_what_cannot_be_tls_is_not_held() -> None:
    _, recogniser = feed(*[(1, b"x" * 1000)] * 60)
    assert recogniser.prelude[1] > 59_900


def test_no_records() -> None:
    for data in (
        b"\x16\x03\x01\x00\x00",  # empty
        b"\x16\x03\x01\xff\xff\x01" + b"x" * 100,  # too long for a record
        b"\x16\x02\x01\x00\x30\x01" + b"x" * 100,
        record(22, b"\x01\0\0\x02\x03\x03" + b"x" * 60),  # hello of 2 bytes, when it is not the first in a stream
        record(22, hello(1, session_id=b"i" * 33)),  # session IDs have 32 at most
        record(22, hello(1) + b"more"),
        record(23, b"x" * 20) + b"no record",
    ):
        _, recogniser = feed((0, b"before "), (0, data), (0, "end"), (1, "end"))
        assert recogniser.passed_over, data


@given(st.integers(0, 1 << 32), st.booleans())
def test_random_bytes_are_not_tls(seed: int, mid_stream: bool) -> None:
    source = random.Random(seed)
    said: list[tuple[int, Any]] = [(0, None)] if mid_stream else []
    said += [(0, source.randbytes(1460)) for _ in range(40)]
    _, recogniser = feed(*said, (0, "end"), (1, "end"))
    assert recogniser.passed_over


# Any way


@given(st.data(), st.sampled_from(list(DIALOGUES)), st.booleans())
def test_the_same_is_handed_on_however_it_comes(data: st.DataObject, name: str, from_the_start: bool) -> None:
    before = [] if from_the_start else DIALOGUES[name]
    streams = [b"".join(said for side, said in before if side == n) + (CLIENT, SERVER)[n] + DATA for n in (0, 1)]
    pieces: list[tuple[int, int, bytes]] = []
    for side, stream in enumerate(streams):
        cuts = sorted({0, len(stream), *data.draw(st.lists(st.integers(0, len(stream)), max_size=12))})
        places = data.draw(st.lists(st.integers(0, 99), min_size=len(cuts), max_size=len(cuts)).map(sorted))
        for start, end, place in zip(cuts, cuts[1:], places, strict=False):
            pieces.append((place, side, stream[start:end]))
    pieces.sort(key=lambda piece: piece[0])
    heard, recogniser = feed(*[(side, said) for _, side, said in pieces], (0, "end"), (1, "end"))
    assert heard.said == ([CLIENT + DATA, "end"], [SERVER + DATA, "end"])
    assert recogniser.prelude == prelude(before)
    assert heard.at[0] == sorted(heard.at[0])
