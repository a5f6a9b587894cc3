"""What the benchmarks compare is the same work: the floors give what the library gives, the inputs what was sent."""

from __future__ import annotations

import hashlib
import itertools
import json
import ssl
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

import tlswire
from benchmarks import floors, kept, micro, prototype, report, scale
from benchmarks.inputs import INPUTS, KEY, Input, by_tlswire
from benchmarks.wanted import AtLeast, AtMost
from tlswire.capture import CaptureReader

SMALL = [
    Input("gcm", "AES128-GCM-SHA256", ssl.TLSVersion.TLSv1_2, 16_384, 8),
    Input("cbc", "AES128-SHA", ssl.TLSVersion.TLSv1_2, 16_384, 8),
    Input("cbc10", "AES128-SHA", ssl.TLSVersion.TLSv1, 16_384, 8),
    Input("small", "AES128-GCM-SHA256", ssl.TLSVersion.TLSv1_2, 100, 200),
    Input("connections", "AES128-GCM-SHA256", ssl.TLSVersion.TLSv1_2, 440, 1, connections=5),
    Input("reordered", "AES128-GCM-SHA256", ssl.TLSVersion.TLSv1_2, 16_384, 8, reordered=True),
]


def values(message: object) -> list[object]:
    """The values of a message's or an extension's fields, without its type."""
    return [getattr(message, name) for name in getattr(message, "__match_args__", ()) if name != "type"]


@pytest.mark.parametrize("small", SMALL, ids=lambda small: small.name)
def test_captures_hold_what_was_sent_and_the_prototype_gets_it_out(small: Input, tmp_path: Path) -> None:
    sent = small.make(tmp_path)
    assert by_tlswire(small.path(tmp_path), KEY) == (sent["client"], sent["server"])
    prototype.main(str(KEY), str(small.path(tmp_path)), str(tmp_path / "out"))
    for side in ("client", "server"):
        files = [tmp_path / "out" / f"stream-{number}.{side}.bin" for number in range(small.connections)]
        assert hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() == sent[side]


def test_reordered_segments_come_early(tmp_path: Path) -> None:
    small = next(small for small in SMALL if small.reordered)
    small.make(tmp_path)
    raw, numbers, position = small.path(tmp_path).read_bytes(), [], 24
    while position < len(raw):
        length = int.from_bytes(raw[position + 8 : position + 12], "little")
        if length == 1514:
            numbers.append(int.from_bytes(raw[position + 54 : position + 58], "big"))
        position += 16 + length
    assert sum(later < earlier for earlier, later in itertools.pairwise(numbers)) > len(numbers) / 4


def test_copies_of_a_capture_are_connections_of_their_own(tmp_path: Path) -> None:
    small = next(small for small in SMALL if small.name == "connections")
    small.make(tmp_path)
    copies = scale.Copies(small.path(tmp_path))
    capture = tmp_path / "copies.pcap"
    capture.write_bytes(b"".join(copies(3)))
    assert capture.read_bytes()[: 24 + len(copies.frames)].startswith(small.path(tmp_path).read_bytes()[:24])
    read = tlswire.open(capture)
    assert len(read.connections) == 3 * small.connections
    assert {stream.client.rsplit(":", 1)[0] for stream in read.connections} == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}


def test_idle_connections_are_those_that_nobody_ended(tmp_path: Path) -> None:
    small = next(small for small in SMALL if small.name == "connections")
    small.make(tmp_path)
    whole = scale.Copies(small.path(tmp_path))
    idle = scale.Copies(small.path(tmp_path), without=1)
    assert len(whole.clients) - len(idle.clients) == 2 * small.connections


def test_half_open_connections_are_read_as_such(tmp_path: Path) -> None:
    capture = tmp_path / "half-open.pcap"
    capture.write_bytes(b"".join(scale.half_open(70_000)))
    reader = CaptureReader([capture])
    assert not list(reader)
    assert reader.frames == 70_000
    assert not reader.notices  # each is a connection of its own, and none was let go of


def test_client_hello_by_hand_has_the_same_content() -> None:
    raw = micro.client_hello()[4:]
    ours, by_hand = tlswire.ClientHello.decode(raw), floors.client_hello(raw)
    assert len(raw) + 4 == 512
    for name in ("client_version", "random", "session_id", "cipher_suites", "compression_methods"):
        assert getattr(ours, name) == getattr(by_hand, name)
    assert ours.extensions is not None
    assert len(ours.extensions) == len(by_hand.extensions) == 12
    for extension, other in zip(ours.extensions, by_hand.extensions, strict=True):
        assert extension.type == other.type
        expected = values(extension)[0] if values(extension) else None
        if isinstance(expected, tuple) and isinstance(other.value, tuple) and isinstance(other.value[0], floors.Pair):
            assert [values(item) for item in expected] == [[item.first, item.second] for item in other.value]
        else:
            assert expected == other.value


def test_certificate_request_by_hand_has_the_same_content() -> None:
    raw = micro.certificate_request()[4:]
    ours, by_hand = tlswire.CertificateRequestTLS12.decode(raw), floors.certificate_request(raw)
    assert (ours.certificate_types, ours.supported_signature_algorithms) == (by_hand.types, by_hand.algorithms)
    assert [name.der for name in ours.certificate_authorities] == list(by_hand.authorities)
    assert len(by_hand.authorities) == 200


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_floors_refuse_what_ends_early(cut: int) -> None:
    for by_hand, raw in (
        (floors.records, micro.stream(2, 300)),
        (floors.client_hello, micro.client_hello()[4:]),
        (floors.certificate_request, micro.certificate_request()[4:]),
    ):
        with pytest.raises((ValueError, IndexError)):
            by_hand(raw[:-cut])


@pytest.mark.parametrize("floor", [floors.GCM, floors.CBC_SHA1])
def test_floors_open_and_check_records(floor: type[floors.GCM | floors.CBC_SHA1]) -> None:
    records = [floor.seal(number, bytes([number]) * size) for number, size in enumerate((100, 16_384, 0))]
    opened = floor()
    assert [len(opened.open(record)) for record in records] == [100, 16_384, 0]
    broken = bytearray(records[0])
    broken[40] ^= 1
    with pytest.raises((InvalidTag, ValueError)):
        floor().open(bytes(broken))


def test_both_sides_of_a_benchmark_run_to_their_end() -> None:
    for name in ("gcm-100", "cbc-100-segments", "client-hello"):
        for subject in (micro.OURS, micro.FLOOR):
            micro.MICROS[name].subjects[subject]()()()


def test_the_check_fails_below_three_quarters_and_for_what_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorded = tmp_path / "expected.json"
    monkeypatch.setattr(kept, "EXPECTED", recorded)
    kept.record("time", {"one": 0.8, "two": 0.4})
    assert kept.compare("time", {"one": 0.8, "two": 0.31})
    assert not kept.compare("time", {"one": 0.8, "two": 0.29})
    assert not kept.compare("time", {"one": 0.8})


def test_every_benchmark_is_recorded_for_both_ways_of_measuring() -> None:
    for kind in json.loads(kept.EXPECTED.read_text()).values():
        for recorded in kind.values():
            assert set(recorded) == set(micro.MICROS)


def test_ratios_and_what_is_wanted() -> None:
    assert AtMost("floor", 1.5).ratio(3.0, 2.0) == 1.5
    assert AtLeast("tshark", 2.5).ratio(2.0, 5.0) == 2.5
    assert AtMost("floor", 1.5).met(1.5)
    assert not AtMost("floor", 1.5).met(1.6)
    assert not AtLeast("tshark", 2.5).met(2.4)


def test_the_picture_is_xml_and_the_table_has_each_ratio() -> None:
    import xml.etree.ElementTree as ET

    ratio = {"to": "tshark", "ratio": 3.1, "wanted": "at least 2.5", "met": True}
    job = {
        "name": "decrypt-gcm",
        "item": "64 MB & more",
        "process": True,
        "seconds": {"tlswire": 0.3, "tshark": 0.93},
        "memory": {"tlswire": 60_000_000, "tshark": 380_000_000},
        "ratios": [ratio],
        "missing": {"ssldump": "ssldump is not installed"},
        "floor_without": None,
    }
    results = {"machine": {"cores": 2}, "rounds": 3, "benchmarks": [job]}
    ET.fromstring(report.picture(results))
    assert "| | tshark | 930 ms | 380 MB | 3.10 x as fast | at least 2.5 | yes |" in report.markdown(results).replace(
        "|  |", "| |"
    )
    assert "1 of 1 ratios met" in report.terminal(results)


def test_inputs_have_the_sizes_that_they_promise() -> None:
    bulk = INPUTS["gcm"]
    assert bulk.size * bulk.records == 64 * 2**20
    assert INPUTS["small"].records == 200_000
    assert INPUTS["connections"].connections == 2_000
