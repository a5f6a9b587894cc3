"""Every capture with every one of its segments missing: all is read that can be, and for the rest there is the reason.

What must come out is worked out here, from what FACTS of TLS say a loss costs: the records that the lost bytes are
of; where a block cipher takes its IV from the record before (SSL 3.0, TLS 1.0), the record behind them; and where a
message was lost on which the keys depend, all that is under those keys.  In TLS 1.3 that is a hello, of which one of
each side is enough.  Frames, TCP and the borders of messages are read by code of its own; of the session's, only what
it tells of the whole capture is used, which `test_own_captures.py` compares with the endpoints.  All of it takes half
a minute.
"""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tlswire.analysis.plaintext import Plaintext
from tlswire.capture import CaptureReader, TLSStream, load_server_keys, open_capture
from tlswire.crypto import KeyLogEntry, Secrets, parse_key_log
from tlswire.registry import HandshakeType, KeyExchange, ProtocolVersion
from tlswire.schema import ClientHello, NewSessionTicket, ServerHello, SessionTicket
from tlswire.session import (
    AlertMessage,
    ApplicationData,
    Event,
    FinishedCheck,
    Handshake,
    HandshakeMessage,
    Reason,
    Record,
    Undecryptable,
)

CAPTURES = Path(__file__).parents[1] / "captures"
NAMES = sorted(path.parent.name for path in CAPTURES.glob("*/capture.json"))

Frames: TypeAlias = list[tuple[int, bytes]]  # time in microseconds, and bytes
Range: TypeAlias = tuple[int, int, int]  # from, to; and how many of these bytes are known to be missing
Lost: TypeAlias = dict[tuple[int, int], list[Range]]  # by TCP connection and side


# Captures, and what a reader tells of them


@dataclass(frozen=True)
class Segment:
    """A segment: the numbers of its frames, from 0, and where in the stream of its side its bytes are.

    It has several frames where it was sent again.  FIN counts for a byte, and `acknowledges` is where in the other
    side's stream the next byte is to be.
    """

    frames: tuple[int, ...]
    stream: int
    side: int
    start: int
    end: int
    acknowledges: int
    has_data: bool


@cache
def truth_of(name: str) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((CAPTURES / name / "capture.json").read_text(encoding="utf-8"))
    return truth


@cache
def frames_of(name: str) -> Frames:
    file = truth_of(name)["file"]
    with open_capture(CAPTURES / name / file) as capture:
        frames = list(capture.frames())
    ethernet = [ETHERNET[frame.link_type](frame.data) for frame in frames]
    return [
        (frame.ticks * 1_000_000 // frame.ticks_per_second, data) for frame, data in zip(frames, ethernet, strict=True)
    ]


# By the link type: what makes an Ethernet frame of another.
ETHERNET = {
    1: lambda data: data,
    113: lambda data: bytes(12) + data[14:],  # LINUX_SLL: the protocol in the last two of 16 bytes
    276: lambda data: bytes(12) + data[:2] + data[20:],  # LINUX_SLL2: in the first two of 20
}


def pcap(frames: Frames) -> io.BytesIO:
    out = [struct.pack("<LHHlLLL", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for time, data in frames:
        out += [struct.pack("<LLLL", *divmod(time, 1_000_000), len(data), len(data)), data]
    return io.BytesIO(b"".join(out))


def tcp_of(frame: bytes) -> tuple[bytes, bytes, int, int, int, int] | None:
    """Source and destination with ports, seq and ack, flags, and length of the data, if it is TCP."""
    if frame[12:14] == b"\x08\x00":
        start, protocol, addresses = 14 + (frame[14] & 15) * 4, frame[23], (frame[26:30], frame[30:34])
        end = 14 + int.from_bytes(frame[16:18], "big")
    elif frame[12:14] == b"\x86\xdd":
        start, protocol, addresses = 54, frame[20], (frame[22:38], frame[38:54])
        end = 54 + int.from_bytes(frame[18:20], "big")
    else:
        return None
    if protocol != 6:
        return None
    ports = frame[start : start + 2], frame[start + 2 : start + 4]
    seq, ack, offset, flags = struct.unpack_from("!LLBB", frame, start + 4)
    return addresses[0] + ports[0], addresses[1] + ports[1], seq, ack, flags, end - start - 4 * (offset >> 4)


@cache
def segments_of(name: str) -> tuple[Segment, ...]:
    """The segments of the connections that speak TLS, but for those with SYN."""
    numbers: dict[frozenset[bytes], int] = {}
    first: dict[tuple[bytes, bytes], int] = {}
    opener: dict[int, bytes] = {}
    found: list[Segment] = []
    for frame, (_, data) in enumerate(frames_of(name)):
        tcp = tcp_of(data)
        if tcp is None:
            continue
        source, destination, seq, ack, flags, length = tcp
        number = numbers.setdefault(frozenset((source, destination)), len(numbers))
        if flags & 2:
            opener.setdefault(number, source)
            first[source, destination] = seq + 1
        if not flags & 2:
            start = (seq - first[source, destination]) & 0xFFFFFFFF
            acknowledges = (ack - first[destination, source]) & 0xFFFFFFFF if flags & 16 else 0
            end = start + length + (flags & 1)
            if flags & 4:
                start = end = 0  # where a reset stands says nothing for sure
            one = Segment((frame,), number, int(source != opener[number]), start, end, acknowledges, length > 0)
            again = [
                other
                for other in found
                if one.has_data
                and other.has_data
                and (one.stream, one.side, one.start, one.end) == (other.stream, other.side, other.start, other.end)
            ]
            for other in again:
                found.remove(other)
                one = replace(one, frames=(*other.frames, frame))
            found.append(one)
    for side in {(one.stream, one.side) for one in found}:
        mine = [one for one in found if (one.stream, one.side) == side and one.has_data]
        assert all(one.end == other.start for one, other in pairwise(mine)), "it came in order"
    tls = {one["tcp_stream"] for one in truth_of(name)["streams"]}
    return tuple(one for one in found if one.stream in tls)


@cache
def given(name: str) -> tuple[list[Any], list[KeyLogEntry]]:
    truth = truth_of(name)
    lines = (CAPTURES / name / truth["keylog"]).read_bytes().splitlines() if truth["keylog"] else []
    logged = [entry for entry in parse_key_log(lines) if isinstance(entry, KeyLogEntry)]
    return load_server_keys(CAPTURES / name / truth["key"]), logged


@dataclass
class Told:
    """What a reader told of one connection."""

    stream: TLSStream
    events: tuple[list[Event], list[Event]] = field(default_factory=lambda: ([], []))


def read(name: str, frames: Frames) -> dict[int, Told]:
    """By the number of the TCP connection."""
    told: dict[int, Told] = {}
    for stream, event in CaptureReader([pcap(frames)], secrets=Secrets(*given(name)), keep_messages=True):
        if event is not None:
            told.setdefault(stream.tcp_stream, Told(stream)).events[event.side].append(event)
    return told


# What must come out


@dataclass
class Piece:
    """A record of the whole capture, and what it completes."""

    start: int
    end: int
    content_type: int
    epoch: int
    protected: bool
    contents: list[Event]


@dataclass
class Message:
    """A handshake message of the whole capture: the numbers of its first and last record."""

    event: HandshakeMessage
    first: int
    last: int
    begins_inside: bool  # its first record begins with the message before


def pieces_of(events: list[Event]) -> list[Piece]:
    pieces: list[Piece] = []
    for event in events:
        if isinstance(event, Record):
            end = event.offset + event.header_length + len(event.fragment)
            pieces.append(Piece(event.offset, end, event.content_type, event.epoch, event.protected, []))
        elif pieces:
            pieces[-1].contents.append(event)
    return pieces


def capacity(piece: Piece, handshakes: list[Handshake]) -> int:
    """How many bytes a record holds; of an encrypted block, at most."""
    length = piece.end - piece.start - 5
    if not piece.protected:
        return length
    handshake = handshakes[piece.epoch]
    assert handshake.parameters is not None
    cipher, mac = handshake.parameters.cipher, handshake.parameters.mac
    if handshake.is_tls13:
        return length - cipher.tag_length - 1  # and the inner content type (RFC 8446 §5.2)
    if cipher.kind == "aead":
        return length - cipher.record_iv_length - cipher.tag_length
    assert mac is not None
    mac_length = 10 if handshake.truncated_hmac else mac.length  # RFC 6066 §7
    if cipher.kind != "block":
        return length - mac_length
    explicit = cipher.block_length if (handshake.version or 0) >= ProtocolVersion.TLSv1_1 else 0
    return length - mac_length - explicit - 1


def messages_of(pieces: list[Piece], handshakes: list[Handshake]) -> list[Message]:
    """The messages of a side; where one begins, the lengths of the records and of the messages say."""
    found: list[Message] = []
    ends: dict[int, int] = {}  # by the number of a record: bytes at its end, of the message that goes on in the next
    ending = {number for number, piece in enumerate(pieces) if any(map(is_message, piece.contents))}
    for number in sorted(ending, reverse=True):
        events = [event for event in pieces[number].contents if isinstance(event, HandshakeMessage)]
        missing = sum(len(event.raw) for event in events) + ends.get(number, 0) - capacity(pieces[number], handshakes)
        first = number
        while missing > 0:
            first -= 1
            if first in ending:
                ends[first] = missing
                break
            missing -= capacity(pieces[first], handshakes) if holds_handshake(pieces[first]) else 0
        found += [Message(event, number, number, True) for event in events[:0:-1]]
        found.append(Message(events[0], first, number, first != number and first in ends))
    return found[::-1]


def holds_handshake(piece: Piece) -> bool:
    """Whether it holds handshake messages; in TLS 1.3, where it is protected, what came out of it says so."""
    return piece.content_type == 22 or (piece.content_type == 23 and not piece.contents)


class Expectation:
    """What is to be told of one connection, of which bytes are missing.

    Parameters: `whole`, what a reader told of it where nothing was missing; `lost`, ranges of each side; `logged`, the
    client randoms of the key log; `sessions`, the session IDs and tickets of connections before, to which those of
    this one are added; `unsupported`, why nobody here can decrypt it, whatever is known.
    """

    def __init__(
        self,
        whole: Told,
        lost: list[list[Range]],
        logged: set[bytes],
        sessions: set[bytes],
        unsupported: Reason | None,
    ) -> None:
        self.handshakes = whole.stream.handshakes
        self.unsupported = unsupported
        self.lost, self.logged, self.sessions = lost, logged, sessions
        self.sides = [pieces_of(whole.events[side]) for side in (0, 1)]
        self.messages = [messages_of(self.sides[side], self.handshakes) for side in (0, 1)]
        self.gone = [
            {
                number
                for number, piece in enumerate(self.sides[side])
                if any(piece.start < end and start < piece.end for start, end, _ in lost[side])
            }
            for side in (0, 1)
        ]
        self.reasons: dict[int, Reason | None] = {}
        for handshake in self.handshakes:
            self.reasons[handshake.epoch] = self.reason_of(handshake)
            if self.reasons[handshake.epoch] is None:
                self.learn(handshake)

    def unreadable(self, side: int, number: int) -> Reason | None:
        """Why a record outside the holes stays encrypted."""
        piece = self.sides[side][number]
        if not piece.protected or (piece.content_type == 20 and self.handshakes[piece.epoch].is_tls13):
            return None
        reason = self.reasons.get(self.seen_epoch(side, number))
        if reason is not None:
            return reason
        if self.key_stream_is_lost(side, number):
            return Reason.gap
        before = number - 1
        same_keys = self.sides[side][before].protected and self.sides[side][before].epoch == piece.epoch
        if self.chains(self.handshakes[piece.epoch]) and before in self.gone[side] and same_keys:
            return Reason.gap
        return None

    def changes(self, side: int, number: int) -> list[int]:
        """The numbers of the ChangeCipherSpecs before a record."""
        return [place for place in range(number) if self.sides[side][place].content_type == 20]

    def seen_epoch(self, side: int, number: int) -> int:
        """The epoch of the record's keys, as far as can be seen.

        Under keys that are not known a ChangeCipherSpec that was lost leaves no trace.
        """
        epoch = self.sides[side][number].epoch
        for change in reversed(self.changes(side, number)):
            if epoch and self.reasons.get(epoch - 1) is not None and change in self.gone[side]:
                epoch -= 1
            else:
                break
        return epoch

    def two_changes_are_lost(self, side: int) -> bool:
        """Whether in a hole, or in holes without a record between, keys began and ended: of which nothing is seen."""
        pieces, gone = self.sides[side], self.gone[side]
        changes = self.changes(side, len(pieces))
        return any(set(range(first, second + 1)) <= gone for first, second in pairwise(changes))

    def key_stream_is_lost(self, side: int, number: int) -> bool:
        """Whether a stream cipher's key stream began in a hole nobody knows where.

        With the ChangeCipherSpec were lost: something before it, and something behind the Finished.
        """
        pieces, gone = self.sides[side], self.gone[side]
        handshake = self.handshakes[pieces[number].epoch]
        assert handshake.parameters is not None
        if handshake.parameters.cipher.kind != "stream":
            return False
        change = self.changes(side, number)[-1]
        if change not in gone:
            return False
        return change - 1 in gone and {change + 1, change + 2} <= gone

    def is_ambiguous(self, side: int, number: int) -> bool:
        """Whether the record may as well be under the keys before: its own, and their beginning, are not to be had.

        That is so where a record's IV is the block before it, and the MAC cannot be checked without.
        """
        piece, before = self.sides[side][number], number - 1
        if not (piece.protected and piece.epoch and before in self.gone[side]):
            return False
        keys_before = self.handshakes[piece.epoch - 1]
        return self.chains(keys_before) and not keys_before.encrypt_then_mac and self.change_is_lost(side, number)

    def change_is_lost(self, side: int, number: int) -> bool:
        change = self.changes(side, number)[-1]
        return all(place in self.gone[side] or self.is_ambiguous(side, place) for place in range(change, number))

    @property
    def reads_without_keys(self) -> bool:
        """Whether a part is under a cipher that hides nothing, though its keys are not to be had."""
        return any(one.encrypts_nothing and self.reasons[one.epoch] is not None for one in self.handshakes)

    @staticmethod
    def chains(handshake: Handshake) -> bool:
        assert handshake.parameters is not None
        assert handshake.version is not None
        return handshake.parameters.cipher.kind == "block" and handshake.version <= ProtocolVersion.TLSv1_0

    def is_read(self, side: int, number: int) -> bool:
        return number not in self.gone[side] and self.unreadable(side, number) is None

    def readable_messages(self, side: int) -> Iterator[Message]:
        before_is_read = False
        for message in self.messages[side]:
            whole = all(self.is_read(side, number) for number in range(message.first, message.last + 1))
            before_is_read = whole and (before_is_read or not message.begins_inside)
            if before_is_read:
                yield message

    def reason_of(self, handshake: Handshake) -> Reason | None:
        """Why an epoch cannot be decrypted, by the closed list of reasons; those of the epochs before are known."""
        epoch = handshake.epoch
        every = [one.event for side in (0, 1) for one in self.messages[side] if one.event.epoch == epoch]
        read_ones = {id(one.event) for side in (0, 1) for one in self.readable_messages(side)}
        lost = [event for event in every if id(event) not in read_ones]
        hellos = [one for one in every if one.msg_type in (HandshakeType.client_hello, HandshakeType.server_hello)]
        if handshake.is_tls13:
            return self.reason_of_tls13(hellos, lost)
        if len(hellos) < 2:
            return None  # it was refused, and protects nothing
        if epoch and self.reasons[epoch - 1] is not None:
            return Reason.previous_epoch_encrypted
        if any(event in lost for event in hellos):
            return Reason.mid_stream if not epoch and all(event in lost for event in hellos) else Reason.hello_missing
        client_hello, server_hello = (event.message for event in sorted(hellos, key=lambda one: one.msg_type))
        assert isinstance(client_hello, ClientHello)
        assert isinstance(server_hello, ServerHello)
        if client_hello.random in self.logged:
            return self.unsupported
        if handshake.resumed:
            offered = next((one for one in client_hello.extensions or () if isinstance(one, SessionTicket)), None)
            ticket = offered.ticket if offered is not None else b""
            return None if {ticket, server_hello.session_id} & self.sessions else Reason.resumed_session_unknown
        assert handshake.parameters is not None
        assert handshake.parameters.key_exchange is KeyExchange.RSA, "its key log is with the capture"
        types = [event.msg_type for event in every]
        exchange = types.index(HandshakeType.client_key_exchange)
        if every[exchange] in lost:
            return Reason.client_key_exchange_missing
        if handshake.extended_master_secret:
            # What the client sends before its ClientKeyExchange, and all of the server's flight.
            last = {HandshakeType.client_key_exchange, HandshakeType.server_hello_done}
            for side in (0, 1):
                hashed = [one.event for one in self.messages[side] if one.event.epoch == epoch]
                ends = next(place for place, event in enumerate(hashed) if event.msg_type in last)
                if any(event in lost for event in hashed[: ends + 1] if event.msg_type != HandshakeType.hello_request):
                    return Reason.transcript_incomplete
        return self.unsupported

    def reason_of_tls13(self, hellos: list[HandshakeMessage], lost: list[HandshakeMessage]) -> Reason | None:
        """The same for TLS 1.3: there may be two hellos of each (RFC 8446 §4.1.4), of which one says enough."""
        read_ones = {one.msg_type for one in hellos if one not in lost}
        if len(read_ones) == 2:
            return self.unsupported
        return Reason.hello_missing if read_ones or not all(one in lost for one in hellos) else Reason.mid_stream

    def learn(self, handshake: Handshake) -> None:
        """Takes that a session can be resumed from now on: a record was read that proves its secret."""
        proved = any(
            piece.protected and piece.epoch == handshake.epoch and self.is_read(side, number)
            for side in (0, 1)
            for number, piece in enumerate(self.sides[side])
        )
        for side in (0, 1):
            for message in self.readable_messages(side) if proved else ():
                content = message.event.message
                if message.event.epoch == handshake.epoch and isinstance(content, ServerHello | NewSessionTicket):
                    self.sessions.add(content.session_id if isinstance(content, ServerHello) else content.ticket)
        self.sessions.discard(b"")

    # In the words of a reader

    def records(self, side: int) -> dict[int, Reason | None]:
        """By their offset the records that must be told, with the reason for what stays encrypted."""
        return {
            piece.start: self.unreadable(side, number)
            for number, piece in enumerate(self.sides[side])
            if number not in self.gone[side]
        }

    def contents(self, side: int) -> list[tuple[str, bytes]]:
        """What must be read, in order."""
        messages = {id(one.event) for one in self.readable_messages(side)}
        return [
            one
            for number, piece in enumerate(self.sides[side])
            if self.is_read(side, number)
            for one in words(event for event in piece.contents if not is_message(event) or id(event) in messages)
        ]

    def missing(self, side: int) -> tuple[int, int, set[tuple[int, str]]]:
        """Bytes of application data; how many bytes of the wire are missing; and where, with the reasons."""
        size, wire = 0, sum(known for _, _, known in self.lost[side])
        places = set()
        for number, piece in enumerate(self.sides[side]):
            data = [event.data for event in piece.contents if isinstance(event, ApplicationData)]
            reason = self.unreadable(side, number)
            if number in self.gone[side]:
                told = (
                    piece.end
                    - piece.start
                    - sum(max(0, min(piece.end, end) - max(piece.start, start)) for start, end, _ in self.lost[side])
                )
                wire += told
                if told or any(
                    known and start < piece.end and piece.start < end for start, end, known in self.lost[side]
                ):
                    places.add((size, "gap"))
            elif reason is not None and piece.content_type == 23:
                wire += piece.end - piece.start - 5
                places.add((size, reason.value))
            elif data:
                size += len(data[0])
        return size, wire, places


def is_message(event: Event) -> bool:
    return isinstance(event, HandshakeMessage)


def words(events: Iterable[Event]) -> list[tuple[str, bytes]]:
    """The contents of records, as a reader tells them."""
    found = []
    for event in events:
        if isinstance(event, ApplicationData):
            found.append(("application_data", event.data))
        elif isinstance(event, HandshakeMessage):
            found.append((event.msg_type.name, event.raw))
        elif isinstance(event, AlertMessage):
            found.append(("alert", event.alert.encode()))
    return found


def losses(name: str, missing: Iterable[Segment]) -> Lost:
    """What of the streams is lost with these segments; known to be, what was acknowledged or has something behind."""
    lost: Lost = {}
    for segment in missing:
        others = [one for one in segments_of(name) if one.stream == segment.stream and one not in missing]
        reached = max(one.end if one.side == segment.side else one.acknowledges for one in others)
        ranges = lost.setdefault((segment.stream, segment.side), [])
        ranges.append((segment.start, segment.end, min(segment.end, max(segment.start, reached)) - segment.start))
    return lost


@cache
def whole(name: str) -> dict[int, Told]:
    return read(name, frames_of(name))


def assert_as_expected(name: str, told: dict[int, Told], lost: Lost) -> None:
    logged = {entry.identifier for entry in given(name)[1] if entry.label == "CLIENT_RANDOM"}
    unsupported = truth_of(name).get("undecryptable")
    sessions: set[bytes] = set()
    for number, complete in sorted(whole(name).items(), key=lambda one: one[1].stream.number):
        ranges = [lost.get((number, side), []) for side in (0, 1)]
        expected = Expectation(complete, ranges, logged, sessions, Reason(unsupported) if unsupported else None)
        found = told.get(number)
        assert found is not None, "the connection is not told of"
        for side in (0, 1):
            assert_side(expected, found, side)
        for handshake in found.stream.handshakes:
            assert handshake.finished is not FinishedCheck.mismatch


def assert_side(expected: Expectation, found: Told, side: int) -> None:
    events = found.events[side]
    reasons: dict[int, Reason | None] = {}
    for event in events:
        if isinstance(event, Record):
            offset = event.offset
            reasons[offset] = None
        elif isinstance(event, Undecryptable):
            reasons[offset] = event.reason
    if expected.reads_without_keys:
        rest = iter(words(event for piece in expected.sides[side] for event in piece.contents))
        assert all(one in rest for one in words(events)), "nothing but what was sent, in order"
        return
    assert words(events) == expected.contents(side)
    if expected.two_changes_are_lost(side):
        # What the reason is, and of which handshake, is then a guess; that there is one is not.
        wanted_reasons = expected.records(side)
        assert {offset for offset in reasons if reasons[offset]} == {one for one in reasons if wanted_reasons[one]}
        return
    ambiguous = {
        piece.start for number, piece in enumerate(expected.sides[side]) if expected.is_ambiguous(side, number)
    }
    reasons |= {offset: expected.records(side)[offset] for offset in ambiguous if reasons.get(offset) is Reason.gap}
    assert reasons == expected.records(side)
    pieces = list(enumerate(expected.sides[side]))
    # Behind a change of keys of which nothing is seen, the epochs that are seen to begin have other numbers.
    renumbered = any(piece.protected and piece.epoch != expected.seen_epoch(side, number) for number, piece in pieces)
    # Where the key stream is lost, whose keys are current cannot be proved.
    streamless = any(piece.protected and expected.key_stream_is_lost(side, number) for number, piece in pieces)
    for handshake in expected.handshakes if not (ambiguous or renumbered or streamless) else ():
        of_epoch = [
            expected.unreadable(side, number)
            for number, piece in pieces
            if piece.epoch == handshake.epoch and number not in expected.gone[side]
        ]
        wanted = next((reason for reason in of_epoch if reason is not None), None)
        known = found.stream.handshakes
        verdict = known[handshake.epoch].verdicts[side] if handshake.epoch < len(known) else None
        assert (verdict.reason if verdict is not None else None) == wanted
        assert verdict is None or wanted is None or {"at", "offset"} <= set(verdict.evidence)
    plaintext = Plaintext(side, lambda data: None)
    plaintext.receive(events)
    size, wire, places = expected.missing(side)
    assert plaintext.size == size
    # What a hole leaves of a record is discarded.
    found_places = {(one.offset, one.reason.replace("discarded", "gap")) for one in plaintext.missing}
    assert found_places == places or ambiguous
    assert sum(one.wire_bytes or 0 for one in plaintext.missing) == wire


def wrong_without(name: str, missing: Iterable[tuple[Segment, ...]]) -> dict[str, str]:
    """What is not as expected when these segments are missing from the capture, by the numbers of their frames."""
    frames, wrong = frames_of(name), {}
    for segments in missing:
        gone = {frame for segment in segments for frame in segment.frames}
        rest = [frame for number, frame in enumerate(frames) if number not in gone]
        try:
            assert_as_expected(name, read(name, rest), losses(name, segments))
        except AssertionError as error:
            wrong[f"without {sorted(frame + 1 for frame in gone)}"] = str(error)
    return wrong


def with_data(name: str) -> list[Segment]:
    found = [segment for segment in segments_of(name) if segment.has_data]
    assert found
    return found


@pytest.mark.parametrize("name", NAMES)
def test_any_one_segment_may_be_missing(name: str) -> None:
    assert not wrong_without(name, [(segment,) for segment in with_data(name)])


@pytest.mark.parametrize("name", NAMES)
def test_segments_that_follow_each_other_may_be_missing(name: str) -> None:
    by_side: dict[tuple[int, int], list[Segment]] = {}
    for segment in with_data(name):
        by_side.setdefault((segment.stream, segment.side), []).append(segment)
    assert not wrong_without(name, [pair for side in by_side.values() for pair in pairwise(side)])


@pytest.mark.parametrize("name", NAMES)
def test_any_two_segments_may_be_missing(name: str) -> None:
    chance, segments = random.Random(name), with_data(name)
    pairs = [tuple(chance.sample(segments, 2)) for _ in range(20)]
    assert not wrong_without(name, pairs)


@pytest.mark.parametrize("name", NAMES)
def test_segments_may_come_twice_and_in_another_order(name: str) -> None:
    """The first copy counts, and the order is that of the sequence numbers."""
    chance = random.Random(name)
    frames, segments = frames_of(name), with_data(name)
    for segment in chance.sample(segments, min(20, len(segments))):
        doubled, swapped = list(frames), list(frames)
        at = segment.frames[0]
        doubled.insert(chance.randrange(at + 1, len(frames)), frames[at])
        other = at + chance.choice([-1, 1])
        if 2 < other < len(frames):
            swapped[at], swapped[other] = swapped[other], swapped[at]
        for changed in (doubled, swapped):
            told = read(name, changed)
            for number, complete in whole(name).items():
                for side in (0, 1):
                    assert words(told[number].events[side]) == words(complete.events[side]), segment
