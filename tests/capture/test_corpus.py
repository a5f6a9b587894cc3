"""Every public capture of the shared corpus: all frames are read, and each TCP frame is of the connection that tshark
says (`tshark_numbers.json`, which `make_tshark_numbers.py` made with tshark 4.0.17).

The captures are other projects' and are read from `shared/captures` beside the checkout, where that is there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import CaptureReader, TCPAssembler, open_capture
from tlswire.errors import CaptureError

CORPUS = Path(__file__).parents[3] / "shared" / "captures"
NUMBERS: dict[str, list[Any]] = json.loads((Path(__file__).parent / "tshark_numbers.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.corpus

if not CORPUS.exists():
    pytest.skip("the shared corpus of public captures is not beside the checkout", allow_module_level=True)

# Where the numbers differ, and why.
_SOCKS = "tshark's SOCKS dissector takes a number of its own for the connection that the proxy makes"
_ICMP = "tshark also numbers the packets that ICMP errors quote, which were sent before"
_SFLOW = "tshark also numbers the samples of packets in sFlow"
_CAPWAP = "TCP in 802.11 frames in CAPWAP, which is not read"
DIFFERENT = {
    "PcapPlusPlus/Tests/ExamplesTest/pcap_examples/tcp-reassembly.pcap": _SFLOW,
    "arkime/tests/pcap/socks-https-example.pcap": _SOCKS,
    "ja4/pcap/latest.pcapng": _ICMP,
    "ja4/pcap/ssh2.pcapng": _ICMP,
    "nDPI/tests/cfgs/default/pcap/capwap_data.pcapng": _CAPWAP,
    "nDPI/tests/cfgs/default/pcap/tls_heur__shadowsocks-tcp.pcapng": _SOCKS,
    "nDPI/tests/cfgs/default/pcap/tls_heur__trojan-tcp-tls.pcapng": _SOCKS,
    "nDPI/tests/cfgs/default/pcap/tls_heur__vmess-tcp-tls.pcapng": _SOCKS,
    "nDPI/tests/cfgs/default/pcap/tls_heur__vmess-tcp.pcapng": _SOCKS,
    "nDPI/tests/cfgs/default/pcap/tls_heur__vmess-websocket.pcapng": _SOCKS,
    "suricata-verify/tests/filestore-5408/input.pcap": f"{_ICMP}; {_SFLOW}",
    "zeek/testing/btest/Traces/smtp.pcap": _ICMP,
}
# Captures that are damaged or cut short, with what is said of them.  tshark says the same.
DAMAGED = {
    "suricata-verify/tests/bug-1450-04/tls_DER-incomplete-header.pcap": "a frame of 4325376 bytes",
    "suricata-verify/tests/bug-1450-05/tls_DER-incomplete-content.pcap": "a frame of 4325376 bytes",
    "wireshark-wiki/uploads/__moin_import__/attachments/SampleCaptures/ssl.dump.pcap": "cut short",
}


class Numbers:
    """A consumer that only looks at the connections; whatever else is told must be in order."""

    def __init__(self) -> None:
        self.ended: dict[tuple[int, int], bool] = {}
        self.closed_connections = 0

    def opened(self, connection: Any, at: Any) -> None:
        self.ended[connection.number, 0] = self.ended[connection.number, 1] = False

    def data(self, connection: Any, side: int, data: bytes, at: Any) -> None:
        assert data
        assert not self.ended[connection.number, side]

    def gap(self, connection: Any, side: int, length: int | None, at: Any) -> None:
        assert length is None or length > 0
        assert not self.ended[connection.number, side]

    def end(self, connection: Any, side: int, at: Any) -> None:
        assert not self.ended[connection.number, side]
        self.ended[connection.number, side] = True

    def closed(self, connection: Any, at: Any) -> None:
        self.closed_connections += 1

    def limit_reached(self, limit: str, value: int, connection: Any, dropped: int, at: Any) -> None:
        assert limit == "idle_seconds"


@pytest.mark.parametrize("file", NUMBERS)
def test_frames_and_connections_are_numbered_as_tshark_does(file: str) -> None:
    consumer = Numbers()
    assembler = TCPAssembler(consumer)
    frames = 0
    lines = []
    damage = ""
    with open_capture(CORPUS / file) as capture:
        try:
            for frame in capture.raw_frames():
                frames += 1
                assert frame[0] >= frames
                connection = assembler.receive(frame)
                if connection is not None:
                    lines.append(f"{frame[0]} {connection.number}\n")
        except CaptureError as error:
            damage = str(error)
    assembler.finish()
    assert consumer.closed_connections == assembler.connections
    assert all(consumer.ended.values())
    assert assembler.waiting == 0
    assert DAMAGED.get(file, "") in damage
    assert bool(damage) == (file in DAMAGED)
    found = [frames, len(lines), hashlib.sha256("".join(lines).encode()).hexdigest()]
    if file in DIFFERENT:
        assert found != NUMBERS[file], "the table of differences is out of date"
        assert found[0] == NUMBERS[file][0]
    else:
        assert found == NUMBERS[file]


# Datagrams of QUIC with long headers and of DTLS, as tshark 4.0.17 counts the frames with `quic.header_form == 1` and
# `dtls.record.version`; and connections of SSL 2.0, as many as the corpus's manifest says.  All others have none.
WITH_DATAGRAMS: dict[str, dict[str, int]] = {
    "TracePcap/sample-files/demo_all_rules.pcap": {"quic": 1},
    "arkime/tests/pcap/arkime_synthetic.pcap": {"quic": 4, "dtls": 2},
    "ipfixprobe/tests/functional/inputs/tls.pcap": {"quic": 2},
    "ja4/pcap/chrome-cloudflare-quic-with-secrets.pcapng": {"quic": 8},
    "ja4/pcap/ssh2.pcapng": {"quic": 17},
    "ja4/pcap/tls3.pcapng": {"quic": 41},
    "mercury/unit_tests/pcaps/geneve.pcap": {"quic": 56},
    "mercury/unit_tests/pcaps/quic_reordered_frames.pcap": {"quic": 12},
    "nDPI/tests/cfgs/default/pcap/geforcenow.pcapng": {"dtls": 36},
    "nDPI/tests/cfgs/default/pcap/google_meet.pcapng": {"quic": 6},
    "nDPI/tests/cfgs/default/pcap/sites.pcapng": {"quic": 6},
    "suricata-verify/tests/ja4-rules-disabled/input.pcap": {"quic": 8},
    "wireshark-notes/captures/voip/webrtc-freeswitch.pcapng": {"dtls": 6},
}
WITH_SSLV2 = {
    "libdssl/tests/ssl-test-data/ssl2_des_cbc_md5.cap": 5,
    "libdssl/tests/ssl-test-data/ssl2_exp_rc2_cbc_md5.cap": 5,
    "libdssl/tests/ssl-test-data/ssl2_rc2_reuse.cap": 8,
    "libdssl/tests/ssl-test-data/ssl2test2.cap": 29,
    "zeek/testing/btest/Traces/tls/ssl-v2.pcap": 1,
}
# One fragment of 744 bytes, and no other of its datagram.
WITH_FRAGMENTS = {"wireshark-wiki/uploads/__moin_import__/attachments/SampleCaptures/x509-with-logo.cap": 1}


@pytest.mark.parametrize("file", NUMBERS)
def test_what_is_not_read_is_as_much_as_tshark_counts(file: str) -> None:
    reader = CaptureReader([CORPUS / file])
    try:
        for _ in reader.batches():
            pass
    except CaptureError:
        assert file in DAMAGED
    expected = dict(WITH_DATAGRAMS.get(file, {}))
    if file in WITH_SSLV2:
        expected["sslv2"] = WITH_SSLV2[file]
    if file in WITH_FRAGMENTS:
        expected["ip_fragment"] = WITH_FRAGMENTS[file]
    assert {one.what: one.count for one in reader.not_read} == expected
