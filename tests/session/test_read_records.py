"""`read_records`: the record layer alone, on bytes of real peers and on what is no record."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tlswire.schema import TLSPlaintext
from tlswire.session import DiscardedBytes, Record, read_records

ALERT = bytes.fromhex("15030300020100")
DATA = bytes.fromhex("1703030003616263")


def test_records_follow_each_other_with_their_places() -> None:
    first, second, third = read_records(ALERT + DATA + ALERT, side=1, at="here")
    assert first == Record(1, "here", 0, 5, 21, 0x303, b"\x01\x00", 0, False)
    assert second == Record(1, "here", 7, 5, 23, 0x303, b"abc", 0, False)
    assert third == Record(1, "here", 15, 5, 21, 0x303, b"\x01\x00", 0, False)


def test_versions_may_change_and_fragments_may_be_empty() -> None:
    empty = bytes.fromhex("1703010000")
    assert [(one.version, one.fragment) for one in read_records(DATA + empty + ALERT) if isinstance(one, Record)] == [
        (0x303, b"abc"), (0x301, b""), (0x303, b"\x01\x00"),
    ]  # fmt: skip


def test_an_sslv2_compatible_hello_has_its_short_header() -> None:
    hello = bytes.fromhex("802e0103010015000000100000040000050000") + bytes(29)
    first, second = read_records(hello + ALERT)
    assert isinstance(first, Record)
    assert (first.header_length, first.version, len(first.fragment)) == (2, 2, 0x2E)
    assert isinstance(second, Record)


def test_what_is_no_record_is_told() -> None:
    told = read_records(DATA + b"what is this" + DATA + ALERT[:-1])
    assert [type(one) for one in told] == [Record, DiscardedBytes, Record, DiscardedBytes]
    assert read_records(b"") == []


@given(
    st.lists(st.tuples(st.sampled_from([20, 21, 22, 23, 24]), st.binary(max_size=40)), max_size=20),
    st.binary(max_size=9),
)
def test_it_is_what_the_schema_says_and_loses_no_byte(contents: list[tuple[int, bytes]], rest: bytes) -> None:
    records = [bytes([kind, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment for kind, fragment in contents]
    told = read_records(b"".join(records) + rest)
    for raw, record in zip(records, told, strict=False):
        expected = TLSPlaintext.decode(raw)
        assert isinstance(record, Record)
        assert (record.content_type, record.version, record.fragment) == (
            expected.type, expected.version, expected.fragment,
        )  # fmt: skip
    length = sum(one.header_length + len(one.fragment) if isinstance(one, Record) else len(one.data) for one in told)
    assert length == sum(map(len, records)) + len(rest)
