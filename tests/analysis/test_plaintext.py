"""What a side said, and what of it is missing: offsets in the plaintext, reasons, and how much of the wire it was."""

from __future__ import annotations

from tlswire.analysis.plaintext import Plaintext
from tlswire.capture import Provenance
from tlswire.errors import DecodeError, DecodeErrorKind
from tlswire.registry import ContentType
from tlswire.session import (
    ApplicationData,
    DiscardedBytes,
    EndOfStream,
    Event,
    Gap,
    LimitReached,
    Malformed,
    Reason,
    Undecryptable,
)


def at(frame: int, file: str = "a.pcap") -> Provenance:
    return Provenance(frame, frame, 1, file)


def data(frame: int, data: bytes) -> ApplicationData:
    return ApplicationData(0, at(frame), 0, True, data)


def sealed(frame: int, length: int, reason: Reason = Reason.gap, content_type: int = 23) -> Undecryptable:
    return Undecryptable(0, at(frame), 0, ContentType.of(content_type), length, reason)


def read(*events: Event) -> tuple[Plaintext, bytes]:
    written = bytearray()
    plaintext = Plaintext(0, written.extend)
    for event in events:
        plaintext.receive([event])
    return plaintext, bytes(written)


def missing(plaintext: Plaintext) -> list[tuple[object, ...]]:
    return [tuple(one.as_json().values()) for one in plaintext.missing]


def test_application_data_is_handed_on_in_order_without_filler() -> None:
    plaintext, written = read(data(1, b"GET"), data(2, b""), data(3, b" /"), EndOfStream(0, at(4)))
    assert written == b"GET /"
    assert plaintext.size == 5
    assert not plaintext.missing
    assert not plaintext.is_unreadable


def test_what_came_together_is_handed_on_together_and_the_other_side_is_passed_over() -> None:
    pieces: list[bytes] = []
    plaintext = Plaintext(0, pieces.append)
    other = ApplicationData(1, at(2), 0, True, b"HTTP/1.1")
    plaintext.receive(
        [data(1, b"GET"), other, data(3, b" /"), Undecryptable(1, at(4), 0, ContentType.of(23), 9, Reason.gap)]
    )
    plaintext.receive([data(5, b"\r\n")])
    assert pieces == [b"GET /", b"\r\n"]
    assert (plaintext.encrypted, plaintext.missing) == (False, [])


def test_a_side_that_sent_nothing_is_readable() -> None:
    assert not read(EndOfStream(0, at(1)))[0].is_unreadable


def test_what_is_missing_at_one_place_for_one_reason_is_one_range() -> None:
    plaintext, _ = read(
        data(1, b"abc"),
        Gap(0, at(2), 100, 50),
        sealed(3, 40),
        sealed(9, 60),
        data(10, b"def"),
        sealed(11, 20, Reason.mac_failed),
    )
    assert missing(plaintext) == [
        (3, "gap", "a.pcap", 2, 9, 2, 150),
        (6, "mac_failed", "a.pcap", 11, 11, 1, 20),
    ]


def test_a_gap_of_unknown_length_makes_the_amount_unknown() -> None:
    plaintext, _ = read(Gap(0, at(1), 0, 10), Gap(0, at(2), 10, None), sealed(3, 10))
    assert missing(plaintext) == [(0, "gap", "a.pcap", 1, 3, 1, None)]
    assert plaintext.is_unreadable


def test_another_file_or_reason_begins_another_range() -> None:
    plaintext, _ = read(
        sealed(1, 10, Reason.no_secrets),
        Undecryptable(0, at(1, "b.pcap"), 0, ContentType.application_data, 10, Reason.no_secrets),
        DiscardedBytes(0, at(2, "b.pcap"), 20, b"xyz", "record cut by a gap"),
        # A handshake message that was too long is no application data.
        LimitReached(0, at(3, "b.pcap"), "handshake_message", 100, 200),
    )
    assert [(one.reason, one.file, one.wire_bytes) for one in plaintext.missing] == [
        ("no_secrets", "a.pcap", 10),
        ("no_secrets", "b.pcap", 10),
        ("discarded", "b.pcap", 3),
    ]


def test_only_application_data_is_missed() -> None:
    error = DecodeError(DecodeErrorKind.malformed, "fragment", 0)
    plaintext, _ = read(
        sealed(1, 40, content_type=22),
        sealed(2, 40, content_type=21),
        Malformed(0, at(3), 0, False, ContentType.handshake, None, b"x", error),
    )
    assert not plaintext.missing
    clear = Malformed(0, at(4), 0, False, ContentType.application_data, None, b"in the clear", error)
    assert missing(read(clear)[0]) == [(0, "malformed", "a.pcap", 4, 4, 1, 12)]
