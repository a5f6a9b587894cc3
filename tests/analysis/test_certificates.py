"""The certificates of captures: those of which the endpoints and tshark tell, each once, with all its places."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import ssl
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tlswire
from tlswire.analysis import certificates, explain
from tlswire.analysis.story import Row
from tlswire.capture import CaptureReader, Provenance, load_key_log, load_server_keys
from tlswire.crypto import Secrets
from tlswire.errors import CaptureError
from tlswire.registry import HandshakeType, ProtocolVersion
from tlswire.schema import CertificateEntry, CertificateSSL3, CertificateTLS13, decode_body
from tlswire.session import HandshakeMessage, Role
from tlswire.wire import Context, Unresolved

CAPTURES = Path(__file__).parents[1] / "captures"
NAMES = sorted(path.parent.name for path in CAPTURES.glob("*/capture.json"))
KEY = CAPTURES / "keys" / "server.pem"


def capture_of(name: str) -> Path:
    (capture,) = (CAPTURES / name).glob("capture.pcap*")
    return capture


def reader_of(name: str, *, secrets: bool = True) -> CaptureReader:
    known = Secrets(load_server_keys(KEY)) if secrets else Secrets()
    key_log = CAPTURES / name / "keylog.txt"
    if secrets and key_log.exists():
        known.add_key_log(load_key_log(key_log).entries)
    return CaptureReader([capture_of(name)], secrets=known)


@pytest.mark.parametrize("name", NAMES)
def test_they_were_sent_by_whom_the_endpoints_say_in_the_epochs_they_say(name: str) -> None:
    truth = json.loads((CAPTURES / name / "capture.json").read_text())
    expected = Counter(
        (stream["stream"], sender, epoch)
        for stream in truth["streams"]
        for sender, message, epoch in stream["messages"]
        # a client that has none says so by an empty list
        if message == "certificate" and (sender, stream["epochs"][epoch]["client_certificate"]) != ("client", "none")
    )
    found = list(certificates(reader_of(name)))
    own = [place for certificate in found for place in certificate.appearances if place.depth == 0]
    assert Counter((place.stream, place.role.value, place.epoch) for place in own) == expected
    in_tls13 = {stream["stream"] for stream in truth["streams"] if stream["protocol"] == "TLSv1.3"}
    assert all(place.encrypted == (place.epoch > 0 or place.stream in in_tls13) for place in own)
    assert len({certificate.der for certificate in found}) == len(found)
    # The frame is that of the message's row in the story.
    rows = {
        (row.at, row.source) for row in explain(reader_of(name)) if isinstance(row, Row) and row.name == "certificate"
    }
    assert {(place.at, place.source) for place in own} <= rows
    firsts = [certificate.appearances[0].at.frame for certificate in found]
    assert firsts == sorted(firsts)


def tshark_decrypts(name: str) -> bool:
    return json.loads((CAPTURES / name / "capture.json").read_text()).get("tshark_decrypts", True) is not False


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", [name for name in NAMES if tshark_decrypts(name)])
def test_their_bytes_are_those_that_tshark_decrypts(name: str) -> None:
    command = ["tshark", "-r", str(capture_of(name)), "-o", f'uat:rsa_keys:"{KEY}",""']
    key_log = CAPTURES / name / "keylog.txt"
    if key_log.exists():
        command += ["-o", f"tls.keylog_file:{key_log}"]
    command += ["-Y", "tls.handshake.certificate", "-T", "fields", "-e", "tls.handshake.certificate"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    expected = Counter(bytes.fromhex(one) for one in listed.replace(",", "\n").split())
    assert {one.der: one.count for one in certificates(reader_of(name))} == expected


def test_without_secrets_only_those_in_the_clear_are_there() -> None:
    (server,) = certificates(reader_of("apache-tls12-3-names", secrets=False))
    assert (server.count, [place.epoch for place in server.appearances]) == (1, [0])
    again, client = certificates(reader_of("apache-tls12-3-names"))
    assert (again.der, again.count) == (server.der, 2)
    assert (client.count, client.appearances[0].role) == (1, Role.client)


def test_what_is_told_of_one() -> None:
    certificate = list(tlswire.certificates(reader_of("apache-tls12-3-names")))[1]
    assert ssl.PEM_cert_to_DER_cert(certificate.pem) == certificate.der
    assert certificate.pem == ssl.DER_cert_to_PEM_cert(certificate.der)
    assert certificate.sha256 == hashlib.sha256(certificate.der).hexdigest()
    found = certificate.as_json()
    (place,) = found.pop("appearances")  # type: ignore[misc]
    assert found == {
        "kind": "certificate",
        "sha256": certificate.sha256,
        "length": len(certificate.der),
        "subject": "CN=client one,O=Example Corporation,C=US",
        "issuer": "CN=Example Client Issuing CA,O=Example Corporation,C=US",
        "serial_number": "00BC1394E282A76482",
        "not_before": "2000-01-01T00:00:00Z",
        "not_after": "2099-12-31T23:59:59Z",
        "error": None,
        "count": 1,
        "pem": certificate.pem,
    }
    assert place == {
        "file": str(capture_of("apache-tls12-3-names")),
        "frame": 16,
        "time": certificate.appearances[0].at.time,
        "stream": 0,
        "tcp_stream": 0,
        "src": "10.10.10.16:51808",
        "dst": "10.10.10.15:443",
        "direction": "client",
        "epoch": 1,
        "encrypted": True,
        "depth": 0,
        "chain_length": 1,
    }
    assert repr(certificate).startswith("<SentCertificate CN=client one,")


def test_of_several_captures_the_order_is_that_of_their_frames() -> None:
    names = ("apache-tls12-unlisted", "apache-tls12-3-names", "openssl-tls12-client-full")
    firsts = {name: next(CaptureReader([capture_of(name)]).batches())[0][1] for name in names}
    times = {}
    for name, events in firsts.items():
        assert events is not None
        at = events[0].at
        assert isinstance(at, Provenance)
        times[name] = at.ticks / at.ticks_per_second
    files = [str(capture_of(name)) for name in sorted(names, key=times.__getitem__)]
    secrets = Secrets(load_server_keys(KEY))
    found = list(certificates(CaptureReader([capture_of(name) for name in names], secrets=secrets)))
    places = [(files.index(one.appearances[0].at.file), one.appearances[0].at.frame) for one in found]
    assert places == sorted(places)
    for one in found:
        where = [(files.index(place.at.file), place.at.frame) for place in one.appearances]
        assert where == sorted(where)
    assert len({place[0] for place in places}) > 1


def test_of_what_is_sent_ever_again_the_first_places_are_kept_and_all_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules["tlswire.analysis.certificates"], "MOST_APPEARANCES", 2)
    (server,) = certificates(reader_of("openssl-tls12-six-epochs"))
    places = [place.epoch for place in server.appearances]
    assert places == [0, 1]
    assert server.count > 2


def test_what_came_before_the_damage_is_given_before_the_error() -> None:
    whole = capture_of("apache-tls12-3-names").read_bytes()
    found: list[Any] = []
    with pytest.raises(CaptureError, match="cut short"):
        found.extend(certificates(CaptureReader([io.BytesIO(whole[:5000])])))
    assert len(found) == 1


def test_the_message_has_them_whatever_its_form() -> None:
    assert CertificateSSL3((b"own", b"issuer")).certificates == (b"own", b"issuer")
    entries = (CertificateEntry(b"own", ()), CertificateEntry(b"issuer", ()))
    assert CertificateTLS13(b"", entries).certificates == (b"own", b"issuer")


class Stream:
    """As much of a `TLSStream` as is asked for."""

    number, tcp_stream, addresses = 0, 0, ("a:1", "b:2")

    def role(self, side: int) -> Role:
        return Role.client


def given(message: object, *, protected: bool = False) -> list[bytes]:
    raw = b"\x0b\0\0\0"
    at = Provenance(1, 1, 1, "a.pcap")
    event: Any = HandshakeMessage(0, at, 0, protected, HandshakeType.certificate, message, raw)  # type: ignore[arg-type]
    reader: Any = CaptureReader([])
    reader._files["a.pcap"] = 0
    stream: Any = Stream()
    return [one.der for one in certificates(reader, [[(stream, [event])], [(stream, None)]])]


def test_where_the_version_is_not_known_what_is_in_the_clear_is_read() -> None:
    body = CertificateSSL3((b"own", b"", b"issuer")).encode()
    unresolved = decode_body(HandshakeType.certificate, body)
    assert isinstance(unresolved, Unresolved)
    resolved = decode_body(HandshakeType.certificate, body, Context(ProtocolVersion.TLSv1_2))
    assert given(resolved) == given(resolved, protected=True) == given(unresolved) == [b"own", b"issuer"]
    assert given(unresolved, protected=True) == []
    assert given(decode_body(HandshakeType.certificate, body[:-1])) == []
