"""Secrets as bytes, and compression, on public captures; what is read was proved by tshark in test_corpus.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlswire.capture import CaptureReader, load_key_log, load_server_keys
from tlswire.crypto import KeyLogEntry, Secrets, parse_key_log
from tlswire.registry import CompressionMethod
from tlswire.session import ApplicationData, Handshake, Reason

CORPUS = Path(__file__).parents[3] / "shared" / "captures"

pytestmark = pytest.mark.corpus

if not (CORPUS / "manifest.json").exists():
    pytest.skip("the shared corpus of public captures is not beside the checkout", allow_module_level=True)

# https://tls12.xargs.org: an ECDHE connection whose every secret is printed beside it; the private keys are 20..3f and
# 90..af.
ILLUSTRATED = CORPUS / "illustrated-tls" / "captures" / "capture.pcap"
CLIENT_RANDOM = bytes(range(32))
PREMASTER_SECRET = bytes.fromhex("df4a291baa1eb7cfa6934b29b474baad2697e29f1f920dcc77c8a0a088447624")
MASTER_SECRET = bytes.fromhex(
    "916abf9da55973e13614ae0a3f5d3f37b023ba129aee02cc9134338127cd7049781c8e19fc1eb2a7387ac06ae237344c"
)


def read(file: Path, secrets: Secrets) -> tuple[list[bytes], list[Handshake]]:
    found: list[bytes] = []
    handshakes: list[Handshake] = []
    for stream, event in CaptureReader([file], secrets=secrets):
        if isinstance(event, ApplicationData):
            found.append(event.data)
        elif event is None:
            handshakes += stream.handshakes
    return found, handshakes


def in_a_key_log(secrets: Secrets) -> None:
    lines = [f"PMS_CLIENT_RANDOM {CLIENT_RANDOM.hex()} {PREMASTER_SECRET.hex()}\r\n".encode()]
    secrets.add_key_log(entry for entry in parse_key_log(lines) if isinstance(entry, KeyLogEntry))


@pytest.mark.parametrize(
    "give",
    [
        in_a_key_log,
        lambda secrets: secrets.add_premaster_secret(PREMASTER_SECRET, client_random=CLIENT_RANDOM),
        lambda secrets: secrets.add_premaster_secret(PREMASTER_SECRET),
        lambda secrets: secrets.add_master_secret(MASTER_SECRET, client_random=CLIENT_RANDOM),
        lambda secrets: secrets.add_master_secret(MASTER_SECRET),
    ],
)
def test_a_published_secret_opens_its_connection(give: object) -> None:
    secrets = Secrets()
    assert callable(give)
    give(secrets)
    found, (handshake,) = read(ILLUSTRATED, secrets)
    assert found == [b"ping", b"pong"]
    assert handshake.master_secret == MASTER_SECRET
    _, (handshake,) = read(ILLUSTRATED, Secrets())
    assert handshake.client.reason is Reason.no_secrets


@pytest.mark.parametrize(
    ("file", "compressed", "of"),
    [("wireshark-notes/all/dump.pcapng", 70, 73), ("py-ssl-test-gen/output/simulation.pcap", 30, 30)],
)
def test_compressed_connections_are_read(file: str, compressed: int, of: int) -> None:
    # What they say is compared with tshark's word in test_corpus.py: that it is DEFLATE (RFC 3749), here.
    path = CORPUS / file
    secrets = Secrets()
    if (key := path.with_name(path.name + ".rsa.pem")).exists():
        secrets.add_server_key(load_server_keys(key)[0])
    else:
        secrets.add_key_log(load_key_log(path.with_name(path.name + ".keylog")).entries)
    _, handshakes = read(path, secrets)
    assert len(handshakes) == of
    with_deflate = [one for one in handshakes if one.compression_method is CompressionMethod.DEFLATE]
    assert len(with_deflate) == compressed
    assert {(str(one.client), str(one.server)) for one in with_deflate} == {("decrypted", "decrypted")}
