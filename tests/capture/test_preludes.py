"""TLS behind what comes before it: a table of protocols, by their specifications, and public captures of them.

Each dialogue is put in front of a real TLS connection (`tests/captures`), which must come out as it does without.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import CaptureReader, TCPAssembler, open_capture, open_trace
from tlswire.session import HandshakeMessage

CAPTURES = Path(__file__).parents[1] / "captures"
CORPUS = Path(__file__).parents[3] / "shared" / "captures"
FOLDER = CAPTURES / "apache-tls12-3-names"
KEY = CAPTURES / "keys" / "server.pem"

C, S = 0, 1
XMPP = (
    b"<?xml version='1.0'?><stream:stream to='example.com' version='1.0' xmlns='jabber:client' "
    b"xmlns:stream='http://etherx.jabber.org/streams'>"
)
XMPP_TLS = b"<%s xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"
LDAP_STARTTLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"

DIALOGUES: dict[str, list[tuple[int, bytes]]] = {
    "SMTP, RFC 3207": [
        (S, b"220 mail.example.com ESMTP\r\n"),
        (C, b"EHLO client.example.com\r\n"),
        (S, b"250-mail.example.com\r\n250-SIZE 35882577\r\n250-STARTTLS\r\n250 SMTPUTF8\r\n"),
        (C, b"STARTTLS\r\n"),
        (S, b"220 2.0.0 Ready to start TLS\r\n"),
    ],
    "IMAP, RFC 9051 §6.2.1": [
        (S, b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n"),
        (C, b"a001 CAPABILITY\r\n"),
        (S, b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na001 OK done\r\n"),
        (C, b"a002 STARTTLS\r\n"),
        (S, b"a002 OK Begin TLS negotiation now\r\n"),
    ],
    "POP3, RFC 2595 §4": [
        (S, b"+OK POP3 ready <1896.697170952@mail.example.com>\r\n"),
        (C, b"CAPA\r\n"),
        (S, b"+OK Capability list follows\r\nTOP\r\nSTLS\r\nUIDL\r\n.\r\n"),
        (C, b"STLS\r\n"),
        (S, b"+OK Begin TLS negotiation\r\n"),
    ],
    "NNTP, RFC 4642": [
        (S, b"200 news.example.com ready\r\n"),
        (C, b"CAPABILITIES\r\n"),
        (S, b"101 Capability list:\r\nVERSION 2\r\nREADER\r\nSTARTTLS\r\n.\r\n"),
        (C, b"STARTTLS\r\n"),
        (S, b"382 Continue with TLS negotiation\r\n"),
    ],
    "ManageSieve, RFC 5804 §2.2": [
        (S, b'"IMPLEMENTATION" "Example"\r\n"SIEVE" "fileinto"\r\n"STARTTLS"\r\nOK\r\n'),
        (C, b"StartTls\r\n"),
        (S, b'OK "Begin TLS negotiation now."\r\n'),
    ],
    "FTP, RFC 4217": [(S, b"220 ready\r\n"), (C, b"AUTH TLS\r\n"), (S, b"234 AUTH TLS successful\r\n")],
    "XMPP, RFC 6120 §5.4": [
        (C, XMPP),
        (S, XMPP.replace(b"to=", b"from=")),
        (S, b"<stream:features>" + XMPP_TLS % b"starttls" + b"</stream:features>"),
        (C, XMPP_TLS % b"starttls"),
        (S, XMPP_TLS % b"proceed"),
    ],
    "LDAP, RFC 4511 §4.14": [(C, LDAP_STARTTLS), (S, bytes.fromhex("300c02010178070a010004000400"))],
    "LDAP that names the operation in its answer": [
        (C, LDAP_STARTTLS),
        (S, bytes.fromhex("302402010178 1f0a0100 0400 0400 8a16") + b"1.3.6.1.4.1.1466.20037"),
    ],
    "PostgreSQL, SSLRequest": [(C, bytes.fromhex("00000008 04d2162f")), (S, b"S")],
    "PostgreSQL, GSSENCRequest refused": [
        (C, bytes.fromhex("00000008 04d21630")),
        (S, b"N"),
        (C, bytes.fromhex("00000008 04d2162f")),
        (S, b"S"),
    ],
    "MySQL, SSLRequest": [
        (S, bytes.fromhex("4a000000 0a") + b"8.0.36\0" + bytes.fromhex("0b000000") + b"saltsalt\0" + bytes.fromhex(
            "fff7ff0200ffdf15" + "00" * 10) + b"saltsaltsalt\0caching_sha2_password\0"),
        (C, bytes.fromhex("20000001 05aeff19 00000001 ff") + bytes(23)),
    ],
    "AMQP 1.0 §5.2": [(C, b"AMQP\x02\x01\x00\x00"), (S, b"AMQP\x02\x01\x00\x00")],
    "RDP, [MS-RDPBCGR] §2.2.1.1": [
        (C, bytes.fromhex("0300002f2ae00000000000") + b"Cookie: mstshash=user\r\n" + bytes.fromhex("0100080003000000")),
        (S, bytes.fromhex("030000130ed000001234000209080002000000")),
    ],
    "HTTP CONNECT, RFC 9110 §9.3.6": [
        (C, b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n"),
        (S, b"HTTP/1.1 200 Connection established\r\n\r\n"),
    ],
    "HTTP CONNECT that asks for a password first": [
        (C, b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n"),
        (S, b"HTTP/1.1 407 Proxy Auth\r\nProxy-Authenticate: Basic\r\nContent-Length: 6\r\n\r\nsorry\n"),
        (C, b"CONNECT www.example.com:443 HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
        (S, b"HTTP/1.1 200 Connection established\r\n\r\n"),
    ],
    "HTTP Upgrade, RFC 2817 §3": [
        (C, b"OPTIONS * HTTP/1.1\r\nHost: example.com\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n"),
        (S, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n"),
    ],
    "SOCKS 4": [(C, bytes.fromhex("040101bb c0000201") + b"user\0"), (S, bytes.fromhex("005a01bb c0000201"))],
    "SOCKS 4A": [
        (C, bytes.fromhex("040101bb 00000001") + b"user\0www.example.com\0"),
        (S, bytes.fromhex("005a0000 00000000")),
    ],
    "SOCKS 5, RFC 1928": [
        (C, bytes.fromhex("050100")),
        (S, bytes.fromhex("0500")),
        (C, bytes.fromhex("05010003 0f") + b"www.example.com" + bytes.fromhex("01bb")),
        (S, bytes.fromhex("05000001 00000000 0000")),
    ],
    "SOCKS 5 with a password, RFC 1929, to IPv6": [
        (C, bytes.fromhex("05020002")),
        (S, bytes.fromhex("0502")),
        (C, bytes.fromhex("0104") + b"user" + bytes.fromhex("06") + b"secret"),
        (S, bytes.fromhex("0100")),
        (C, bytes.fromhex("05010004 20010db8000000000000000000000001 01bb")),
        (S, bytes.fromhex("05000004 20010db8000000000000000000000002 d431")),
    ],
    "PROXY protocol 1": [(C, b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n")],
    "PROXY protocol 1, IPv6": [(C, b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n")],
    "PROXY protocol 1, unknown": [(C, b"PROXY UNKNOWN\r\n")],
    "PROXY protocol 2": [(C, PROXY_V2 + bytes.fromhex("2111000c c0000201 c0000202 dc0401bb"))],
    "PROXY protocol 2, IPv6": [
        (C, PROXY_V2 + bytes.fromhex("21210024" + f"20010db8{1:024x}" + f"20010db8{2:024x}" + "dc0401bb"))
    ],
    # PP2_TYPE_ALPN, PP2_TYPE_CRC32C, PP2_TYPE_NOOP.
    "PROXY protocol 2 with values": [
        (C, PROXY_V2 + bytes.fromhex("21110021 c0000201 c0000202 dc0401bb 010002") + b"h2" + bytes.fromhex(
            "030004fd16ff3f 040006000000000000"))
    ],
    "PROXY protocol 2, local": [(C, PROXY_V2 + bytes.fromhex("20000000"))],
    "PROXY protocol 1 before SMTP": [
        (C, b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n"),
        (S, b"220 mail\r\n"),
        (C, b"EHLO a\r\n"),
        (S, b"250 STARTTLS\r\n"),
        (C, b"STARTTLS\r\n"),
        (S, b"220 go\r\n"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def tls() -> list[tuple[int, bytes]]:
    """The segments of a real connection, in order, by side: of the client, of the server."""
    said: list[tuple[int, bytes]] = []

    class Keep:
        def opened(self, connection: Any, at: Any) -> None: ...
        def gap(self, connection: Any, side: int, length: int | None, at: Any) -> None: ...
        def end(self, connection: Any, side: int, at: Any) -> None: ...
        def closed(self, connection: Any, at: Any) -> None: ...
        def data(self, connection: Any, side: int, data: bytes, at: Any) -> None:
            said.append((side, data))

    with open_capture(next(FOLDER.glob("capture.pcap*"))) as capture:
        TCPAssembler(Keep()).receive_all(capture.raw_frames())  # type: ignore[arg-type]
    return said


def read_behind(make: Any, talk: Any, said: list[tuple[int, bytes]]) -> tuple[int, int]:
    """Reads a connection, which must come out as it was; gives what came before TLS."""
    t = talk().open()
    for side, data in said:
        t.send(side, data)
    trace = open_trace(io.BytesIO(make.pcap(t.close().frames)), keys=[KEY])
    (connection,) = trace.connections
    assert connection.outcome == "decrypted"
    assert len(connection.handshakes) == 2
    for side in ("client", "server"):
        assert connection.application_data(side) == (FOLDER / f"stream-0.{side}.bin").read_bytes()
    return connection.stream.prelude


def lengths(said: list[tuple[int, bytes]]) -> tuple[int, int]:
    return sum(len(data) for side, data in said if side == C), sum(len(data) for side, data in said if side == S)


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_real_connection_behind(make: Any, talk: Any, tls: list[tuple[int, bytes]], name: str) -> None:
    before = DIALOGUES[name]
    assert read_behind(make, talk, before + tls) == lengths(before)


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_client_that_does_not_wait(make: Any, talk: Any, tls: list[tuple[int, bytes]], name: str) -> None:
    """Its last word before TLS is in one segment with the hello, as proxies send it."""
    before = DIALOGUES[name]
    last = max(place for place, (side, _) in enumerate(before) if side == C)
    (side, hello), *rest = tls
    assert side == C
    said = [*before[:last], (C, before[last][1] + hello), *before[last + 1 :], *rest]
    assert read_behind(make, talk, said) == lengths(before)


@pytest.mark.parametrize("name", DIALOGUES)
def test_segments_of_a_few_bytes(make: Any, talk: Any, tls: list[tuple[int, bytes]], name: str) -> None:
    before = DIALOGUES[name]
    said = before + tls
    cut = [(side, data[start : start + 7]) for side, data in said for start in range(0, len(data), 7)]
    assert read_behind(make, talk, cut) == lengths(before)


# Public captures: what came before TLS, in bytes of client and server, by tshark's sequence numbers of the hellos.

ZEEK, NOTES, SURICATA = "zeek/testing/btest/Traces", "wireshark-notes/tls", "suricata-verify/tests"
NDPI = "nDPI/tests/cfgs/default/pcap"
PUBLIC: list[tuple[str, str, tuple[int, int]]] = [
    ("SMTP", f"{SURICATA}/smtp-startssl/input.pcap", (31, 217)),
    ("SMTP", f"{NOTES}/smtp2525-ssl.pcapng", (35, 198)),
    ("SMTP", "junkie/tests/pcap/email/smtp.pcap", (44, 234)),
    ("IMAP", f"{ZEEK}/tls/imap-starttls.pcap", (26, 530)),
    ("IMAP", f"{NOTES}/imap-ssl.pcapng", (26, 318)),
    ("FTP", f"{NDPI}/ftp-start-tls.pcap", (10, 104)),
    ("XMPP", f"{ZEEK}/tls/xmpp-starttls.pcap", (169, 525)),
    ("XMPP", f"{NOTES}/xmpp-ssl.pcapng", (202, 416)),
    ("LDAP", f"{ZEEK}/ldap/ldap-starttls.pcap", (31, 14)),
    ("LDAP", f"{SURICATA}/ldap-starttls/input.pcap", (31, 14)),
    ("PostgreSQL", f"{SURICATA}/pgsql/pgsql-upgrade-tls/input.pcap", (8, 1)),
    ("PostgreSQL", f"{NOTES}/pgsql-ssl.pcapng", (8, 1)),
    ("MySQL", "arkime/tests/pcap/mysql-tls.pcap", (36, 78)),
    ("MySQL", f"{NOTES}/mysql-ssl-larger.pcapng", (36, 103)),
    ("RDP", f"{ZEEK}/rdp/rdp-to-ssl.pcap", (47, 19)),
    ("HTTP CONNECT", f"{NDPI}/http_connect.pcap", (203, 76)),
    ("SOCKS 4", "arkime/tests/pcap/socks-https-example.pcap", (9, 8)),
    ("SOCKS 5", f"{ZEEK}/socks-with-ssl.pcap", (24, 12)),
    ("PROXY protocol", f"{NDPI}/haproxy.pcap", (51, 0)),
]


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus of public captures is not beside the checkout")
@pytest.mark.parametrize(("protocol", "file", "prelude"), PUBLIC)
def test_a_public_capture_of(protocol: str, file: str, prelude: tuple[int, int]) -> None:
    names: list[str] = []
    streams = []
    for stream, event in CaptureReader([CORPUS / file]):
        if stream.number == 0 and isinstance(event, HandshakeMessage):
            names.append(type(event.message).__name__)
            streams.append(stream)
    assert names[0] == "ClientHello"
    assert protocol == "PROXY protocol" or names[1] == "ServerHello"  # of that, only a ClientHello was captured
    assert sorted(streams[0].prelude) == sorted(prelude)
