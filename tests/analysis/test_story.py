"""The story's rows: what the Info column says, in which order they come, and what they do with odd input."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlswire.analysis import ConnectionSummary, Row, explain
from tlswire.analysis.story import HTTPLine
from tlswire.capture import CaptureReader, open_capture

CAPTURES = Path(__file__).parents[1] / "captures"


@pytest.mark.parametrize(
    ("records", "line"),
    [
        ([b"GET /1.aspx HTTP/1.1\r\nHost: x\r\n\r\n"], "GET /1.aspx HTTP/1.1"),
        ([b"HTTP/1.1 200 OK\r\n"], "HTTP/1.1 200 OK"),
        ([b"HTTP/1.0 204\r\n"], "HTTP/1.0 204"),
        ([b"G", b"ET / HTTP/1.1\r\n"], "GET / HTTP/1.1"),  # 1/n-1 splitting against CVE-2011-3389
        ([b"", b"GET / HTTP/1.1\r\n"], "GET / HTTP/1.1"),  # the empty record before
        ([b"HTTP", b"/1.1 404 Not", b" Found\r\n\r\nbody"], "HTTP/1.1 404 Not Found"),
        ([b"POST /\x1b[31m HTTP/1.1\r\n"], None),  # no request that a server takes
        ([b"PRI * HTTP/2.0\r\n\r\n"], None),
        ([b"\x00\x01binary"], None),
        ([b"A" * 10_000], None),
    ],
)
def test_the_first_line_of_http_is_found_also_in_pieces(records: list[bytes], line: str | None) -> None:
    finder = HTTPLine()
    found = [text for record in records if (text := finder.feed(record)) is not None]
    assert found == ([] if line is None else [line])


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_no_data_makes_a_line_that_a_terminal_would_act_on(records: list[bytes]) -> None:
    finder = HTTPLine()
    for record in records:
        line = finder.feed(record)
        assert line is None or line.isprintable()


def test_a_response_line_with_hidden_characters_is_escaped() -> None:
    line = HTTPLine().feed("HTTP/1.1 200 \u202eKO\x1b\r\n".encode())
    assert line == "HTTP/1.1 200 \\u202eKO\\x1b"


def frames_of(path: Path) -> list[tuple[int, bytes]]:
    """Time in microseconds, and bytes, of each frame."""
    with open_capture(path) as capture:
        return [(one.ticks * 1_000_000 // one.ticks_per_second, one.data) for one in capture.frames()]


def pcap(frames: list[tuple[int, bytes]]) -> io.BytesIO:
    file = io.BytesIO()
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    for ticks, data in frames:
        file.write(struct.pack("<IIII", ticks // 1_000_000, ticks % 1_000_000, len(data), len(data)) + data)
    file.seek(0)
    return file


INTERLEAVED = next((CAPTURES / "apache-tls12-interleaved").glob("capture.pcap*"))


def test_rows_come_in_the_order_of_the_frames() -> None:
    rows = [told for told in explain(CaptureReader([INTERLEAVED])) if isinstance(told, Row)]
    assert len({row.stream.number for row in rows}) > 1
    places = [row.at.frame for row in rows]
    assert places == sorted(places)


def test_rows_come_in_the_order_of_the_frames_also_when_an_answer_was_captured_before_its_question() -> None:
    frames = frames_of(next((CAPTURES / "apache-tls12-3-names").glob("capture.pcap*")))
    client_hello, server_hello = frames[3], frames[5]
    swapped = [*frames[:3], server_hello, frames[4], client_hello, *frames[6:]]
    told = list(explain(CaptureReader([pcap(swapped)])))
    rows = [one for one in told if isinstance(one, Row)]
    assert [row.at.frame for row in rows] == sorted(row.at.frame for row in rows)
    assert [(row.at.frame, row.name) for row in rows[:4]] == [
        (4, "server_hello"),
        (4, "certificate"),
        (4, "server_hello_done"),
        (6, "client_hello"),
    ]
    assert isinstance(told[-1], ConnectionSummary)


def test_a_connection_that_is_not_over_is_summed_up_at_the_end_of_the_capture() -> None:
    frames = frames_of(next((CAPTURES / "apache-tls12-3-names").glob("capture.pcap*")))
    told = list(explain(CaptureReader([pcap(frames[:14])])))
    assert isinstance(told[-1], ConnectionSummary)
    assert told[-1].as_json()["protocol"] == "TLSv1.2"


def test_a_lost_segment_is_a_gap_with_its_length_and_what_it_cost_has_a_reason() -> None:
    frames = frames_of(next((CAPTURES / "apache-tls12-3-names").glob("capture.pcap*")))
    lost = frames[:7] + frames[8:]  # ClientKeyExchange, ChangeCipherSpec, Finished
    told = list(explain(CaptureReader([pcap(lost)])))
    (gap,) = [one for one in told if isinstance(one, Row) and one.kind == "gap"]
    assert (gap.direction, gap.length) == ("client", 346)
    assert gap.as_json()["kind"] == "gap"
    assert "content_type" not in gap.as_json()
    reasons = {one.more["undecryptable"] for one in told if isinstance(one, Row) and one.name == "encrypted"}
    assert "no_secrets" in reasons
