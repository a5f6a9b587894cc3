"""TCP connections and their streams: order, repetition, holes, beginnings, ends, reused ports, limits."""

from __future__ import annotations

from typing import Any

import pytest

from tlswire.capture import CaptureLimits

FIN, SYN, RST = 0x01, 0x02, 0x04
PATIENCE = 4
IMPATIENT = CaptureLimits(acknowledged_patience=PATIENCE)


def begun(talk: Any) -> Any:
    """A connection that is open, both sides at known numbers: 1001 and 5001."""
    return talk().open()


# In order


def test_a_whole_connection(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"GET / ")
    t.send(0, b"HTTP/1.1")
    t.send(1, b"200 OK")
    heard, assembler = hear(t.close().frames)
    assert heard.said == {(0, 0): [b"GET / ", b"HTTP/1.1", "end"], (0, 1): [b"200 OK", "end"]}
    assert heard.at == {(0, 0): [4, 5, 7], (0, 1): [6, 8]}
    (connection,) = heard.connections
    assert (connection.endpoint(0), connection.endpoint(1)) == ("10.10.10.16:49685", "10.10.10.15:443")
    assert connection.opener == 0
    assert connection.reset_by is None
    assert connection.start_seen(0)
    assert connection.start_seen(1)
    assert (assembler.frames, assembler.connections) == (9, 1)
    assert not assembler.not_read
    assert not assembler.counts
    assert not heard.limits


def test_ipv6(talk: Any, hear: Any) -> None:
    t = talk(("2001:db8::16", 49685), ("::1", 443)).open()
    t.send(0, b"hello")
    t.send(1, b"world")
    heard, _ = hear(t.frames)
    assert heard.said == {(0, 0): [b"hello", "end"], (0, 1): [b"world", "end"]}
    assert repr(heard.connections[0]) == "TCPConnection(0, [2001:db8::16]:49685, [::1]:443)"
    assert heard.connections[0].address(1) == "::1"


def test_side_0_sent_the_first_frame_whoever_opened(talk: Any, hear: Any) -> None:
    t = begun(talk)
    heard, _ = hear([t.frames[1], t.frames[0], t.frames[2], t.send(0, b"hello")])
    assert heard.said == {(0, 0): ["end"], (0, 1): [b"hello", "end"]}
    assert heard.connections[0].opener == 1
    assert heard.connections[0].port(0) == 443


def test_frames_that_are_not_read_are_counted_by_reason(make: Any, talk: Any, hear: Any) -> None:
    arp = make.ethernet(b"\0" * 28, 0x0806)
    udp = make.ethernet(make.ipv4("10.0.0.1", "10.0.0.2", b"\0" * 20, protocol=17))
    heard, assembler = hear([arp, *begun(talk).frames, udp, udp, udp[:20]])
    assert assembler.not_read == {"not_ip": 1, "not_tcp": 2, "header_cut": 1}
    assert len(heard.connections) == 1


# Repeated and reordered


def test_a_repeated_segment_is_told_once(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"hello")
    t.at(0, 1001, b"hello")
    t.send(0, b"world")
    t.at(0, 1001, b"helloworld")
    heard, assembler = hear(t.frames)
    assert heard.said[0, 0] == [b"hello", b"world", "end"]
    assert assembler.counts == {"repeated": 15}


def test_a_segment_that_goes_on_where_another_has_been(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"hello")
    t.at(0, 1004, b"loworld")
    heard, _ = hear(t.frames)
    assert heard.said[0, 0] == [b"hello", b"world", "end"]
    assert heard.at[0, 0] == [4, 5, 5]


@pytest.mark.parametrize("early", [True, False], ids=["told", "waiting"])
def test_of_bytes_sent_twice_the_first_copy_counts(talk: Any, hear: Any, early: bool) -> None:
    t = begun(talk)
    if early:
        t.at(0, 1001, b"abcdef")
        t.at(0, 1001, b"ABCDEFGH")
    else:
        t.at(0, 1003, b"cd")
        t.at(0, 1002, b"BCDEF")
        t.at(0, 1007, b"gh")
        t.at(0, 1001, b"aXXXXXXX")
    heard, _ = hear(t.frames)
    assert heard.stream() == [b"abcdefGH" if early else b"aBcdEFgh", "end"]


def test_reordered_segments_become_readable_with_the_one_that_was_missing(talk: Any, hear: Any) -> None:
    t = begun(talk)
    for seq in (1007, 1004, 1010, 1001):
        t.at(0, seq, b"%03d" % (seq % 1000))
    heard, assembler = hear(t.frames)
    assert heard.said[0, 0] == [b"001", b"004", b"007", b"010", "end"]
    assert heard.at[0, 0] == [7, 7, 7, 7, 7]
    assert not assembler.counts


def test_the_directions_do_not_wait_for_each_other(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.at(0, 1005, b"late")
    t.send(1, b"answer")
    t.at(0, 1001, b"asks")
    heard, _ = hear(t.frames)
    assert heard.at == {(0, 0): [6, 6, 6], (0, 1): [5, 6]}


@pytest.mark.parametrize("isn", [0, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFF00, 0x7FFFFFFF, 0x80000000])
def test_sequence_numbers_wrap_around(talk: Any, hear: Any, isn: int) -> None:
    t = talk(isn=(isn, isn)).open()
    sent = [bytes([number]) * 100 for number in range(10)]
    for data in sent:
        t.send(0, data)
    *head, ninth, tenth = t.frames
    heard, _ = hear([*head, tenth, ninth, *head[3:5]])
    assert heard.stream() == [b"".join(sent), "end"]


# Holes


def lossy(talk: Any, patience: int, *, fill: bool = False) -> list[bytes]:
    """A segment is missing, the one behind it is acknowledged, and so many frames follow."""
    t = begun(talk)
    t.send(0, b"one")
    t.send(0, b"two")
    lost = t.frames.pop()
    t.send(0, b"three")
    for _ in range(patience + 1):
        t.send(1)
    if fill:
        t.frames.append(lost)
    t.send(0, b"four")
    return t.frames


def test_a_hole_that_was_acknowledged_is_a_gap_when_the_capture_has_gone_on(talk: Any, hear: Any) -> None:
    heard, _ = hear([*lossy(talk, PATIENCE + 1)], IMPATIENT)
    assert heard.said[0, 0] == [b"one", ("gap", 3), b"three", b"four", "end"]
    first_acknowledgement = 6
    assert heard.at[0, 0][1:3] == [first_acknowledgement + PATIENCE + 1] * 2


@pytest.mark.parametrize("patience", [0, PATIENCE])
def test_a_hole_may_be_filled_until_then(talk: Any, hear: Any, patience: int) -> None:
    heard, _ = hear(lossy(talk, patience, fill=True), IMPATIENT)
    assert heard.stream() == [b"onetwothreefour", "end"]


def test_a_hole_that_nobody_acknowledged_waits_for_a_repetition(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    lost = t.at(0, 1004, b"two")
    t.frames.pop()
    for number in range(50):
        t.at(0, 1007 + number, b"x")
    t.frames.append(lost)
    heard, _ = hear(t.frames, IMPATIENT)
    assert heard.stream() == [b"onetwo" + b"x" * 50, "end"]


def test_a_hole_of_which_a_part_was_acknowledged(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.at(0, 1010, b"late")
    t.next[0] = 1004
    for _ in range(PATIENCE + 2):
        t.send(1)
    t.at(0, 1004, b"abcdef")
    heard, _ = hear(t.frames, IMPATIENT)
    assert heard.stream() == [("gap", 3), b"abcdeflate", "end"]


def test_an_acknowledgement_that_was_captured_before_its_data(talk: Any, hear: Any) -> None:
    """Two receive queues: again and again the acknowledgement is ahead, and nothing is missing."""
    t = begun(talk)
    for number in range(30):
        t.send(0, bytes([number]) * 10)
        data = t.frames.pop()
        t.send(1)
        t.frames.append(data)
    heard, _ = hear(t.frames, CaptureLimits(acknowledged_patience=1))
    assert heard.stream() == [b"".join(bytes([number]) * 10 for number in range(30)), "end"]


def test_what_was_sent_last_and_lost_is_known_from_the_acknowledgement(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.next[0] += 500
    t.send(1)
    heard, _ = hear(t.frames)
    assert heard.stream() == [b"one", ("gap", 500), "end"]


def test_or_from_fin(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.next[0] += 500
    t.close()
    heard, _ = hear(t.frames[:5])
    assert heard.stream() == [b"one", ("gap", 500), "end"]


def test_a_fin_that_was_not_captured_is_no_gap(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.send(0, flags=FIN)
    t.frames.pop()
    for _ in range(10):
        t.send(1)
    heard, _ = hear(t.frames, IMPATIENT)
    assert heard.stream() == [b"one", "end"]


def test_one_direction_that_was_not_captured_at_all(talk: Any, hear: Any) -> None:
    """The other one's acknowledgements tell what is missing, while the capture goes on."""
    t = begun(talk)
    t.frames = t.frames[1:2]
    t.next[0] += 300
    for number in range(PATIENCE + 3):
        t.send(1, bytes([number]))
    heard, _ = hear(t.frames, IMPATIENT)
    assert heard.stream(0, 0) == [bytes(range(PATIENCE + 3)), "end"]
    assert heard.stream(0, 1) == [("gap", 300), "end"]
    assert heard.at[0, 1][0] < len(t.frames)


def test_bytes_that_the_snap_length_cut_off(make: Any, talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"x" * 100)
    t.send(0, b"y" * 100)
    cut = [(number, frame[:94], len(frame)) for number, frame in enumerate(t.frames)]
    heard, _ = hear(make.pcap(cut))
    assert heard.stream() == [b"x" * 40, ("gap", 60), b"y" * 40, ("gap", 60), "end"]
    assert heard.at[0, 0] == [4, 4, 5, 5, 5]


def test_what_was_cut_off_may_have_come_in_another_segment(make: Any, talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.at(0, 1061, b"z" * 10)
    t.at(0, 1001, b"x" * 100)
    cut = [(number, frame[:94], len(frame)) for number, frame in enumerate(t.frames)]
    heard, _ = hear(make.pcap(cut))
    assert heard.stream() == [b"x" * 40, ("gap", 20), b"z" * 10, ("gap", 30), "end"]


def test_too_much_waits_behind_a_hole(talk: Any, hear: Any) -> None:
    t = begun(talk)
    for number in range(1, 40):
        t.at(0, 1001 + number * 1000, b"x" * 1000)
    t.at(0, 1001, b"too late")
    heard, assembler = hear(t.frames, CaptureLimits(reassembly_window=20_000))
    assert heard.stream() == [("gap", 1000), b"x" * 39_000, "end"]
    assert heard.limits == [("reassembly_window", 0)]
    assert heard.at[0, 0][0] == 3 + 17  # frames of 1,000 bytes and what keeping them costs
    assert assembler.counts == {"repeated": 8}


def test_small_segments_behind_a_hole_cost_more_than_their_bytes(talk: Any, hear: Any) -> None:
    t = begun(talk)
    for number in range(1, 200):
        t.at(0, 1001 + number, b"x")
    heard, _ = hear(t.frames, CaptureLimits(reassembly_window=20_000))
    assert heard.limits == [("reassembly_window", 0)]


def test_too_much_waits_in_all_connections_together(talk: Any, hear: Any) -> None:
    frames = []
    for port in range(50_000, 50_010):
        t = talk(("10.0.0.1", port)).open()
        t.at(0, 2001, b"x" * 1000)
        frames += t.frames
    heard, _ = hear(frames, CaptureLimits(reassembly_total=5_000))
    assert {limit for limit, _ in heard.limits} == {"reassembly_total"}
    assert [heard.stream(number, 0) for number in range(10)] == [[("gap", 1000), b"x" * 1000, "end"]] * 10


# Probes


def test_a_keep_alive_is_no_data(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.at(0, 1003, b"\0")
    t.at(0, 1003, b"")
    t.send(0, b"two")
    heard, _ = hear(t.frames)
    assert heard.stream() == [b"onetwo", "end"]


def test_a_keep_alive_before_all_else(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.frames.clear()
    t.send(1)
    t.at(0, 1000, b"\0")
    t.send(1)
    t.send(0, b"one")
    heard, _ = hear(t.frames)
    assert heard.stream(0, 1) == [("gap", None), b"one", "end"]


def test_a_probe_of_a_closed_window_is_the_next_byte(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.at(0, 1001, b"a")
    t.at(0, 1001, b"a")
    t.at(0, 1001, b"abcdef")
    heard, _ = hear(t.frames)
    assert heard.stream() == [b"abcdef", "end"]


# Beginnings


def test_data_with_syn(talk: Any, hear: Any) -> None:
    """TCP Fast Open (RFC 7413)."""
    t = talk()
    t.send(0, b"hello", SYN, ack=False)
    t.send(1, b"hi", SYN)
    t.send(0, b"world")
    heard, _ = hear(t.frames)
    assert heard.said == {(0, 0): [b"hello", b"world", "end"], (0, 1): [b"hi", "end"]}


def test_data_with_syn_that_was_refused_is_sent_again(talk: Any, hear: Any) -> None:
    t = talk()
    t.send(0, b"hello", SYN, ack=False)
    t.next[0] = 1001
    t.send(1, flags=SYN)
    t.send(0, b"hello")
    heard, _ = hear(t.frames)
    assert heard.said[0, 0] == [b"hello", "end"]


def test_a_capture_that_begins_in_the_midst(talk: Any, hear: Any) -> None:
    """What came before is missing, nobody knows how much."""
    t = begun(talk)
    t.frames.clear()
    t.send(0, b"one")
    t.send(1, b"two")
    heard, _ = hear(t.frames)
    assert heard.said == {(0, 0): [("gap", None), b"one", "end"], (0, 1): [("gap", None), b"two", "end"]}
    assert heard.connections[0].opener is None
    assert not heard.connections[0].start_seen(0)


def test_the_answer_to_a_syn_tells_where_the_stream_begins(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.send(0, b"two")
    heard, _ = hear([t.frames[1], t.frames[4]])
    assert heard.stream(0, 1) == [("gap", 3), b"two", "end"]
    assert heard.connections[0].start_seen(1)


def test_what_was_acknowledged_before_is_where_the_stream_goes_on(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.frames.clear()
    t.send(1)
    t.at(0, 1101, b"one")
    heard, _ = hear(t.frames)
    assert heard.stream(0, 1) == [("gap", None), ("gap", 100), b"one", "end"]


def test_data_captured_behind_its_acknowledgement_is_not_lost(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.frames.clear()
    t.send(0, b"one")
    data = t.frames.pop()
    t.send(1)
    heard, _ = hear([*t.frames, data])
    assert heard.stream(0, 1) == [("gap", None), b"one", "end"]


def test_an_old_acknowledgement_from_elsewhere_is_no_beginning(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.frames.clear()
    t.next[0] = 0x50000000
    t.send(1)
    t.at(0, 1001, b"one")
    heard, _ = hear(t.frames)
    assert heard.stream(0, 1) == [("gap", None), b"one", "end"]


# Ends


def test_a_side_may_end_before_the_other(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"asks", FIN)
    for number in range(20):
        t.send(1, bytes([number]))
    t.send(1, flags=FIN)
    heard, _ = hear(t.frames, IMPATIENT)
    assert heard.said[0, 0] == [b"asks", "end"]
    assert heard.at[0, 0] == [4, 4]
    assert heard.stream(0, 1) == [bytes(range(20)), "end"]


def test_fin_waits_for_what_is_missing_before_it(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    lost = t.frames.pop()
    t.send(0, b"two", FIN)
    t.send(1)
    t.frames.append(lost)
    heard, _ = hear(t.frames)
    assert heard.said[0, 0] == [b"one", b"two", "end"]
    assert heard.at[0, 0] == [6, 6, 6]


def test_the_end_comes_with_the_last_of_the_missing_segments(talk: Any, hear: Any) -> None:
    t = begun(talk)
    missing = [t.send(0, b"one"), t.send(0, b"two"), t.send(0, b"three")]
    del t.frames[3:]
    t.send(0, flags=FIN)
    heard, _ = hear([*t.frames, *missing, t.send(1, b"later")])
    assert heard.said[0, 0] == [b"one", b"two", b"three", "end"]
    assert heard.at[0, 0] == [5, 6, 7, 7]


def test_segments_after_the_end_are_counted(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.close()
    t.send(0, b"more")
    t.at(0, 1001, b"one")
    t.send(1, flags=FIN)
    heard, assembler = hear(t.frames)
    assert heard.stream() == [b"one", "end"]
    assert assembler.counts == {"after_end": 7}
    assert len(heard.connections) == 1


def test_data_behind_a_fin_is_not_told(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.at(0, 1004, b"beyond")
    t.at(0, 1004, flags=FIN)
    t.at(0, 1001, b"one")
    heard, _ = hear(t.frames)
    assert heard.stream()[-1] == "end"
    assert heard.stream()[0].startswith(b"one")


def test_what_was_on_its_way_at_a_reset_is_told(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.send(0, flags=RST)
    t.send(1, b"two")
    heard, _ = hear(t.frames)
    assert heard.said == {(0, 0): [b"one", "end"], (0, 1): [b"two", "end"]}
    assert heard.connections[0].reset_by == 0


def test_a_reset_connection_is_let_go_when_others_have_been_closed(talk: Any, hear: Any) -> None:
    frames = []
    for port in range(50_000, 50_005):
        t = talk(("10.0.0.1", port)).open()
        t.send(1, flags=RST)
        frames += t.frames
    heard, _ = hear(frames, CaptureLimits(closing_connections=2))
    assert heard.over[:3] == [0, 1, 2]
    assert heard.at[0, 0] == [12]


def test_the_end_of_the_capture_ends_all(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.at(0, 1011, b"behind a hole")
    heard, _ = hear(t.frames)
    assert heard.said == {(0, 0): [("gap", 10), b"behind a hole", "end"], (0, 1): ["end"]}


# Connections, as Wireshark numbers them (that it does: test_against_tools.py)


def test_a_syn_with_another_number_opens_a_new_connection(talk: Any, hear: Any) -> None:
    old, new = begun(talk), talk(isn=(9000, 99000)).open()
    old.send(0, b"old")
    new.send(0, b"new")
    heard, _ = hear([*old.frames, *new.frames])
    assert [heard.stream(number) for number in (0, 1)] == [[b"old", "end"], [b"new", "end"]]
    assert heard.at[0, 0] == [4, 5]


def test_a_repeated_syn_does_not(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    heard, _ = hear([t.frames[0], *t.frames, *t.frames[:2]])
    assert len(heard.connections) == 1
    assert heard.stream() == [b"one", "end"]


def test_each_pair_of_endpoints_is_a_connection(talk: Any, hear: Any) -> None:
    talks = [talk(("10.0.0.1", 50_000)), talk(("10.0.0.1", 50_001)), talk(("10.0.0.2", 50_000))]
    heard, _ = hear([frame for t in talks for frame in t.open().frames])
    assert [str(connection.endpoint(0)) for connection in heard.connections] == [
        "10.0.0.1:50000",
        "10.0.0.1:50001",
        "10.0.0.2:50000",
    ]


def test_ports_used_again_after_the_end_without_a_syn_in_the_capture(talk: Any, hear: Any) -> None:
    old, new = begun(talk).close(), talk(isn=(0x40000000, 0x60000000))
    new.open()
    new.frames.clear()
    new.send(0, b"new")
    new.send(1, b"answer")
    heard, _ = hear([*old.frames, *new.frames])
    assert heard.said == {
        (0, 0): ["end"],
        (0, 1): ["end"],
        (1, 0): [("gap", None), b"new", "end"],
        (1, 1): [("gap", None), b"answer", "end"],
    }


def test_a_stream_that_goes_on_far_away(talk: Any, hear: Any) -> None:
    """A capture that was interrupted: two segments say where it has gone."""
    t = begun(talk)
    t.send(0, b"one")
    t.next[0] += 1 << 30
    t.send(0, b"two")
    t.send(0, b"three")
    t.send(0, b"four")
    heard, assembler = hear(t.frames)
    assert heard.stream() == [b"one", ("gap", None), b"twothreefour", "end"]
    assert not assembler.counts


def test_a_single_segment_from_elsewhere_is_not_followed(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.at(0, 0x30000000, b"stray")
    t.at(0, 0x70000000, b"another")
    t.send(0, b"two")
    heard, assembler = hear(t.frames)
    assert heard.stream() == [b"onetwo", "end"]
    assert assembler.counts == {"unrelated": 12}


def test_acknowledgements_from_elsewhere_are_no_holes(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    real = t.next[0]
    t.next[0] = 0x30000000
    for _ in range(PATIENCE + 3):
        t.send(1)
    t.next[0] = real
    t.send(0, b"two")
    heard, _ = hear(t.frames, IMPATIENT)
    assert heard.stream() == [b"onetwo", "end"]


# Nobody listens


def test_a_connection_that_was_muted_is_only_kept_apart(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.at(0, 2000, b"waits")
    t.send(0, b"two")
    t.next[0] += 100
    t.send(1, b"answer")
    t.close()
    new = talk(isn=(9000, 99000)).open()
    new.send(0, b"new")
    heard, _ = hear([*t.frames, *new.frames], mute=True)
    assert heard.said == {(0, 0): [b"one"], (0, 1): [], (1, 0): [b"new"], (1, 1): []}
    assert heard.over == [0, 1]


def test_a_side_that_begins_after_that_is_muted_too(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(0, b"one")
    t.send(1, b"answer")
    heard, _ = hear([*(t.frames[n] for n in (0, 3, 1, 2, 4))], mute=True)
    assert heard.said == {(0, 0): [b"one"], (0, 1): []}


def test_muting_lets_go_of_what_waits(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.at(0, 1005, b"waits")
    t.at(0, 1020, b"waits longer")
    t.at(0, 1001, b"data")
    t.send(1, b"answer")
    heard, assembler = hear(t.frames, mute=True)
    assert heard.said == {(0, 0): [b"data"], (0, 1): []}
    assert assembler.waiting == 0


def test_muting_in_the_midst_of_what_is_told_does_not_hide_the_end(talk: Any, hear: Any) -> None:
    t = begun(talk)
    t.send(1, flags=FIN)
    t.at(0, 1005, b"waits", FIN)
    t.at(0, 1001, b"data")  # fills the hole: both sides have ended
    t.send(1)  # nothing is known any more of what this answers
    heard, _ = hear(t.frames, CaptureLimits(closed_connections=0), mute=True)
    assert heard.said[0, 0] == [b"data"]
    assert len(heard.connections) == 2


# Limits


def timed(make: Any, frames: list[tuple[float, bytes]], **shape: Any) -> bytes:
    per_second = 1_000_000_000 if shape.get("nanoseconds") else 1_000_000
    return make.pcap([(int(seconds * per_second), frame, len(frame)) for seconds, frame in frames], **shape)


def test_a_connection_that_is_silent_too_long_is_given_up(make: Any, talk: Any, hear: Any) -> None:
    idle, busy = talk(("10.0.0.1", 1)).open(), talk(("10.0.0.2", 2)).open()
    frames = [(1000, frame) for frame in idle.frames + busy.frames]
    frames += [(1000 + seconds, busy.send(0, b"x")) for seconds in range(1, 200)]
    heard, _ = hear(timed(make, frames), CaptureLimits(idle_seconds=80))
    assert heard.limits == [("idle_seconds", 0)]
    assert 80 <= heard.at[0, 0][0] - 6 <= 100
    assert heard.stream(1) == [b"x" * 199, "end"]


def test_one_wrong_time_stamp_ends_no_connection(make: Any, talk: Any, hear: Any) -> None:
    t = begun(talk)
    frames = [(1000 + number, t.send(0, b"x")) for number in range(20)]
    frames[7] = (4_000_000_000, frames[7][1])
    frames[12] = (0, frames[12][1])
    heard, _ = hear(timed(make, frames), CaptureLimits(idle_seconds=80))
    assert heard.limits == []


def test_clocks_of_different_pace_are_one_time(make: Any, talk: Any, hear: Any) -> None:
    """Two interfaces, microseconds and nanoseconds, by turns."""
    idle, busy = talk(("10.0.0.1", 1)).open(), talk(("10.0.0.2", 2)).open()
    data = make.section() + make.interface() + make.interface(resolution=9)
    for frame in idle.frames:
        data += make.packet(frame, 1000 * 10**6)
    for second in range(200):
        interface = second % 2
        data += make.packet(busy.send(0, b"x"), (1000 + second) * (10**9 if interface else 10**6), interface=interface)
    heard, _ = hear(data, CaptureLimits(idle_seconds=80))
    assert heard.limits == [("idle_seconds", 0)]
    assert heard.at[1, 0][:3] == [4, 4, 5]


def test_when_too_many_are_open_the_longest_silent_are_given_up(talk: Any, hear: Any) -> None:
    talks = [talk(("10.0.0.1", 1000 + number)).open() for number in range(40)]
    frames = [frame for t in talks[:32] for frame in t.frames]
    frames += [talks[0].send(0, b"alive")]
    frames += [frame for t in talks[32:] for frame in t.frames]
    frames += [talks[0].send(0, b"still")]
    heard, _ = hear(frames, CaptureLimits(open_connections=32))
    closed_early = [number for limit, number in heard.limits if limit == "open_connections"]
    assert closed_early == list(range(1, 10))
    assert heard.stream(0) == [b"alivestill", "end"]


def test_closed_connections_are_remembered_for_a_while(talk: Any, hear: Any) -> None:
    talks = [talk(("10.0.0.1", 1000 + number)).open().close() for number in range(4)]
    frames = [frame for t in talks for frame in t.frames]
    late = [t.frames[-1] for t in talks]
    heard, _ = hear(frames + late, CaptureLimits(closed_connections=2))
    assert len(heard.connections) == 6  # the late acknowledgements of the first two are taken for new ones
    heard, _ = hear(frames + late)
    assert len(heard.connections) == 4
