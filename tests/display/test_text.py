"""The story's table: columns that stay under one another, rows by frame where it is narrow, nothing that steers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from tlswire.analysis import Row
from tlswire.capture import Provenance, TLSStream
from tlswire.display.text import Line, StoryTable, escape_name, wrapped
from tlswire.session import Role


@dataclass
class Peers:
    """As much of a stream as a row shows."""

    number: int = 0
    addresses: tuple[str, str] = ("10.0.0.1:50000", "10.0.0.2:443")
    tcp_stream: int = 0
    roles: tuple[Role, Role] = field(default=(Role.client, Role.server))

    def role(self, side: int) -> Role:
        return self.roles[side]


def row(frame: int, ticks: int, info: str = "Finished", **fields: Any) -> Row:
    at = Provenance(frame, ticks, fields.pop("ticks_per_second", 1_000_000), fields.pop("file", "a.pcap"))
    values: dict[str, Any] = {
        "kind": "message",
        "at": at,
        "stream": cast(TLSStream, Peers()),
        "side": 0,
        "protocol": "TLSv1.2",
        "epoch": 0,
        "encrypted": False,
        "content_type": "handshake",
        "name": "finished",
        "length": 12,
        "info": info,
    }
    return Row(**(values | fields))


def text(table: StoryTable, *rows: Row) -> list[str]:
    return [line.text for one in rows for line in table.lines(one)]


def test_a_row_is_one_line_under_the_names_of_its_columns() -> None:
    lines = text(StoryTable(), row(7, 1_388_063_031_666_123), row(8, 1_388_063_031_666_200, side=1, encrypted=True))
    assert lines == [
        "a.pcap",
        "2013-12-26 UTC; Ep. is the handshake's number, * what came encrypted",
        " No.  Time             Delta     Source           Destination      Protocol  Ep.  Info",
        "   7  13:03:51.666123  0.000000  10.0.0.1:50000   10.0.0.2:443     TLSv1.2   0    Finished",
        "   8  13:03:51.666200  0.000077  10.0.0.2:443     10.0.0.1:50000   TLSv1.2   0*   Finished",
    ]


def test_without_a_terminal_no_line_is_cut_or_wrapped() -> None:
    info = "GET /" + "x" * 500 + " HTTP/1.1"
    assert text(StoryTable(), row(1, 0, info))[-1].endswith(info)


def test_a_new_day_and_a_new_file_have_headings() -> None:
    table = StoryTable()
    text(table, row(1, 86_399_999_999))
    assert text(table, row(2, 86_400_000_001))[0] == "1970-01-02 UTC"
    assert text(table, row(1, 86_400_000_002, file="b\x1b.pcap"))[0] == r"b\x1b.pcap"


def test_the_digits_of_the_time_are_those_of_the_capture() -> None:
    (line,) = [one for one in text(StoryTable(), row(1, 1_000_000_001, ticks_per_second=10**9)) if "TLSv1.2" in one]
    assert "00:00:01.000000001  0.000000000  " in line
    (line,) = [one for one in text(StoryTable(), row(1, 5, ticks_per_second=1)) if "TLSv1.2" in one]
    assert "00:00:05  " in line


@pytest.mark.parametrize("ticks", [-1, 10**24, -(10**24)])
def test_a_time_that_no_calendar_has_is_shown_all_the_same(ticks: int) -> None:
    assert "Finished" in text(StoryTable(), row(1, ticks))[-1]


def test_a_clock_that_went_back_shows_a_negative_delta() -> None:
    table = StoryTable()
    text(table, row(1, 2_000_000))
    assert "  -0.500000  " in text(table, row(2, 1_500_000))[-1]


def test_wide_addresses_widen_the_columns_from_their_row_on() -> None:
    table = StoryTable()
    text(table, row(1, 0))
    wide = cast(TLSStream, Peers(1, ("[2001:db8::1234:5678]:50000", "[2001:db8::1]:443")))
    first = text(table, row(2, 0, stream=wide))[-1]
    second = text(table, row(3, 0, stream=wide, side=1))[-1]
    assert first.index("TLSv1.2") == second.index("TLSv1.2")


def test_a_renegotiation_is_announced_once() -> None:
    table = StoryTable()
    lines = text(table, row(1, 0), row(2, 0, epoch=1), row(3, 0, epoch=1, side=1), row(4, 0, epoch=1))
    assert [line for line in lines if line.startswith("--")] == ["-- stream 0: handshake 1, a renegotiation"]
    table.end_block(0)
    assert any(line.startswith("--") for line in text(table, row(5, 0, epoch=1)))


def test_in_a_narrow_terminal_the_rows_of_a_frame_stand_below_one_line() -> None:
    lines = text(StoryTable(80), row(7, 0), row(7, 0, "Change Cipher Spec"), row(8, 0, side=1, encrypted=True))
    assert lines[2:] == [
        " No.  Time             Delta     Source           Destination      Protocol",
        "      Ep.  Info",
        "   7  00:00:00.000000  0.000000  10.0.0.1:50000   10.0.0.2:443     TLSv1.2",
        "      0    Finished",
        "      0    Change Cipher Spec",
        "   8  00:00:00.000000  0.000000  10.0.0.2:443     10.0.0.1:50000   TLSv1.2",
        "      0*   Finished",
    ]


@pytest.mark.parametrize("width", [10, 20, 40, 80, 130, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    names = [f"CN=A rather long name of an authority number {number},O=Company\\, Inc.,C=US" for number in range(30)]
    table = StoryTable(width)
    lines = text(table, row(1, 0, "x" * 400), row(2, 0, more={"certificate_authorities": names}), row(3, 0, epoch=1))
    assert max(map(len, lines)) <= max(width, 15)  # which the names of the columns Ep. and Info need


@pytest.mark.parametrize(("count", "listed", "rest"), [(0, 0, 0), (1, 1, 0), (12, 12, 0), (13, 10, 3), (250, 10, 240)])
def test_few_names_are_all_listed_and_of_many_the_first(count: int, listed: int, rest: int) -> None:
    names = [f"CN=ca{number}" for number in range(count)]
    lines = text(StoryTable(), row(1, 0, more={"certificate_authorities": names}))
    assert [line.split()[-1] for line in lines if "CN=ca" in line] == names[:listed]
    assert [line.strip() for line in lines if "more" in line] == (
        [f"… and {rest} more (--json lists all)"] if rest else []
    )


def test_a_name_cannot_steer_the_terminal_and_keeps_its_own_backslashes() -> None:
    assert escape_name("CN=a\\, b\x1b[31m‮,O=é") == "CN=a\\, b\\x1b[31m\\u202e,O=é"


def test_lines_say_what_they_are() -> None:
    table = StoryTable()
    styles = [line.style for line in table.lines(row(1, 0))]
    assert styles == ["heading", "heading", "heading", "row"]
    assert [line.style for line in table.lines(row(2, 0, encrypted=True))] == ["encrypted"]
    assert list(table.lines(row(3, 0, kind="gap")))[-1].style == "warning"
    assert Line("text", "row").text == "text"


def test_wrapping_keeps_every_word_and_hangs() -> None:
    words = "one two three four five six seven eight nine ten"
    lines = wrapped(f"    {words}", 4, 30)
    assert " ".join(line.strip() for line in lines) == words
    assert all(line.startswith("    ") for line in lines)
    assert wrapped("x" * 100, 0, None) == ["x" * 100]
