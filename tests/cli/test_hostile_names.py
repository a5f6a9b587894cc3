"""Names that a hostile peer chose: shown harmlessly by `diagnose` and `authorities`, and in time that grows as they do.

The hellos are those of a real capture; CertificateRequest and Certificate are put together here.
"""

from __future__ import annotations

import struct
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tlswire.analysis.diagnosis.diagnose import diagnose
from tlswire.analysis.diagnosis.lists import authority_lists
from tlswire.capture import CaptureReader
from tlswire.registry import HandshakeType
from tlswire.session import HandshakeMessage

Run = Callable[..., Any]

REAL = Path(__file__).parents[1] / "captures" / "doctor" / "reset" / "capture.pcap"
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def tlv(tag: int, *parts: bytes) -> bytes:
    contents = b"".join(parts)
    size = len(contents)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets) + contents


def attribute(text: bytes, tag: int = 0x0C, oid: str = "550403") -> bytes:
    return tlv(0x31, tlv(0x30, tlv(0x06, bytes.fromhex(oid)), tlv(tag, text)))


def name(*texts: str) -> bytes:
    return tlv(0x30, *(attribute(text.encode("utf-8", "surrogatepass")) for text in texts))


def certificate(issuer: bytes) -> bytes:
    """The beginning of a certificate, which has its names."""
    head = (tlv(0xA0, tlv(0x02, b"\2")), tlv(0x02, b"\1"), tlv(0x30))
    validity = tlv(0x30, tlv(0x17, b"000101000000Z"), tlv(0x17, b"491231235959Z"))
    return tlv(0x30, tlv(0x30, *head, issuer, validity, name("me"), tlv(0x30)), tlv(0x30), tlv(0x03, b"\0"))


def handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def records(kind: int, data: bytes) -> bytes:
    return b"".join(
        struct.pack("!BHH", kind, 0x0303, len(data[at : at + 16384])) + data[at : at + 16384]
        for at in range(0, len(data), 16384)
    )


def hellos() -> dict[str, bytes]:
    wanted = (HandshakeType.client_hello, HandshakeType.server_hello)
    return {
        event.msg_type.name: event.raw
        for _, event in CaptureReader([REAL])
        if isinstance(event, HandshakeMessage) and event.msg_type in wanted
    }


def capture(names: Sequence[bytes], chain: Sequence[bytes] = (), connections: int = 1) -> bytes:
    """A capture in which a server asks with these names, the client answers with this chain, and is refused."""
    listed = b"".join(struct.pack("!H", len(der)) + der for der in names)
    request = b"\1\1" + struct.pack("!HH", 2, 0x0401) + struct.pack("!H", len(listed)) + listed
    sent = b"".join(len(der).to_bytes(3, "big") + der for der in chain)
    real = hellos()
    frames = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 24, 1))
    flights = [
        (0, records(22, real["client_hello"])),
        (1, records(22, real["server_hello"] + handshake(13, request) + handshake(14, b""))),
        (0, records(22, handshake(11, len(sent).to_bytes(3, "big") + sent))),
        (1, records(21, b"\2\x30")),  # unknown_ca
    ]
    for number in range(connections):
        ports, positions = (20_000 + number, 443), [1, 1]
        for side, flight in flights:
            for at in range(0, len(flight), 30_000):
                piece = flight[at : at + 30_000]
                head = (ports[side], ports[1 - side], positions[side], positions[1 - side])
                tcp = struct.pack("!HHIIBBHHH", *head, 0x50, 0x18, 65535, 0, 0) + piece
                ends = bytes([10, 10, 10, 16 - side, 10, 10, 10, 15 + side])
                ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + ends
                frame = bytes(12) + b"\x08\0" + ip + tcp
                frames += struct.pack("<IIII", 1_700_000_000, number, len(frame), len(frame)) + frame
                positions[side] += len(piece)
    return bytes(frames)


EVIL = [
    name("control \x1b[31mred\x1b[0m\r\n\x07\x9b\x7f"),
    name("right to left \u202e\u2066\u200f"),
    name("[red]markup[/red] <script>alert(1)</script> $(id) `id` %s {0}"),
    name("lines \u2028\u2029\x85"),
    name("surrogate \ud800, unassigned \U000e0000\uffff"),
    name("\\x1b\\", '"quoted"', "a,b+c;d<e>f", " #"),
    tlv(0x30, attribute(b"\xff\xfe no UTF-8 \x1b[2J")),
    tlv(0x30, attribute(b"OID " + b"\x1b", 0x0C, "2a03")),
    b"\x1b[2Jno DER at all\r\n",
    name("L" * 40_000),
]


def check_harmless(text: str) -> None:
    bad = {character for character in text if character != "\n" and unicodedata.category(character) in HIDDEN}
    assert not bad


@pytest.mark.parametrize("verb", ["diagnose", "authorities"])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_what_is_printed_is_harmless(run: Run, tmp_path: Path, verb: str, as_json: bool) -> None:
    for number, evil in enumerate(EVIL):
        file = tmp_path / f"{number}.pcap"
        file.write_bytes(capture(EVIL[number:] + EVIL[:number], [certificate(evil)]))
        done = run(verb, file, *(["--json"] if as_json else []))
        assert done.status == 0
        assert done.stdout
        check_harmless(done.stdout)
        if as_json:
            assert done.stdout.isascii()
            assert done.objects
        assert done.stderr == ""


def test_no_line_of_text_is_long_however_long_the_name(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "long.pcap"
    file.write_bytes(capture([name("L" * 60_000)], [certificate(name("M" * 60_000))]))
    assert max(map(len, run("diagnose", file).stdout.splitlines())) < 1000
    assert max(map(len, run("authorities", file).stdout.splitlines())) < 1200


def test_the_findings_of_hostile_names_are_right() -> None:
    listed = [bytes([number % 256]) for number in range(20_000)]
    found = findings_in(capture(listed, [certificate(name("nobody"))]))
    assert [one.code for one in found] == [
        "issuer_not_listed", "client_certificate_rejected", "authorities_list_over_limit", "authorities_list_malformed",
    ]  # fmt: skip
    assert found[2].evidence["bytes"] == 60_000
    assert found[3].evidence["count"] == 20_000


def findings_in(data: bytes) -> list[Any]:
    return diagnose(CaptureReader([as_file(data)]))


def as_file(data: bytes) -> Any:
    import io

    file = io.BytesIO(data)
    file.name = "hostile.pcap"
    return file


def operations(data: bytes) -> int:
    """The calls that are made for a capture, by Python and by C."""
    count = 0

    def tell(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(tell)
    try:
        for one in findings_in(data):
            one.as_json()
        for one in authority_lists(CaptureReader([as_file(data)])).lists:
            one.as_json(16_384)
    finally:
        sys.setprofile(None)
    return count


NOBODY = [certificate(name("nobody", "at all"))]
GROWING: dict[str, Callable[[int], bytes]] = {
    "names of a byte": lambda size: capture([b"x"] * (size * 50), NOBODY),
    # both more than are remembered
    "names like the issuer's": lambda size: capture([name(f"nobod{number}") for number in range(size * 6)], NOBODY),
    "attributes of a listed name": lambda size: capture([name(*["a"] * (size * 5))], NOBODY),
    "attributes of the issuer": lambda size: capture([name("nobody")], [certificate(name(*["ab"] * (size * 25)))]),
    "certificates in the chain": lambda size: capture([name("nobody")], [certificate(name("nobod"))] * (size * 5)),
    "connections": lambda size: capture([name("nobod")], NOBODY, size),
}


@pytest.mark.parametrize("what", GROWING)
def test_the_work_grows_as_the_names_do(what: str) -> None:
    make = GROWING[what]
    operations(make(10))  # what is done once
    some, many = operations(make(200)), operations(make(400))
    assert many < 2.5 * some
