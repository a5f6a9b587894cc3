"""Every public capture of the shared corpus, against what tshark 4.0.17 says of it (its `manifest.json`).

The captures are other projects' and are not part of this one: they are read from `shared/captures` beside the
checkout where that is there, and the tests say so where it is not.  Where tshark and tlswire differ, the file stands
in a table below with the frame and the proof of who is right.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_der_x509_certificate

from tlswire.analysis import certificates
from tlswire.capture import CaptureReader
from tlswire.errors import CaptureError
from tlswire.registry import HandshakeType
from tlswire.schema import SSLv2ClientHello
from tlswire.session import ApplicationData, FinishedCheck, HandshakeMessage, Malformed, Reason, Undecryptable

CORPUS = Path(__file__).parents[3] / "shared" / "captures"
MANIFEST = CORPUS / "manifest.json"

pytestmark = pytest.mark.corpus

if not MANIFEST.exists():
    pytest.skip("the shared corpus of public captures is not beside the checkout", allow_module_level=True)

ENTRIES: list[dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8"))

WIKI = "wireshark-wiki/uploads/__moin_import__/attachments/SampleCaptures"
NDPI = "nDPI/tests/cfgs/default/pcap"

# Where the manifest, which has tshark's word by default, lacks messages that are there: tshark finds the same ones
# as tlswire when it is told to reassemble reordered segments, and that the port speaks TLS.  A test runs it so.
TSHARK_AGREES_WHEN_TOLD: dict[str, tuple[str, ...]] = {
    "arkime/tests/pcap/socks4-https.pcap": ("-d", "tcp.port==9901,tls"),
    "brimcap/cmd/brimcap/ztests/alerts.pcap": (),
    f"{NDPI}/KakaoTalk_talk.pcap": ("-d", "tcp.port==8080,tls", "-d", "tcp.port==9001,tls"),
    f"{NDPI}/anydesk.pcapng": ("-d", "tcp.port==80,tls", "-d", "tcp.port==7070,tls"),
    f"{NDPI}/gnutella.pcap": tuple(
        word for port in (11852, 30566, 6888, 53489, 59596) for word in ("-d", f"tcp.port=={port},tls")
    ),
    f"{NDPI}/google_ssl.pcap": (),
    f"{NDPI}/malware.pcap": (),
    f"{NDPI}/ookla.pcap": ("-d", "tcp.port==8080,tls"),
    f"{NDPI}/teams.pcap": ("-d", "tcp.port==4434,tls"),
    f"{NDPI}/viber.pcap": (),
    "nfstream/tests/pcaps/skype.pcap": ("-d", "tcp.port==443,tls"),
    "nfstream/tests/pcaps/skype_no_unknown.pcap": ("-d", "tcp.port==443,tls"),
    "nfstream/tests/pcaps/viber.pcap": (),
    f"{WIKI}/dof-short-capture.pcapng": (),
}

OPENVPN = (
    "tlswire: every message of the handshake inside OpenVPN, from frame {} on; tshark's "
    "OpenVPN dissector loses those in pieces, also when it is told of the port and of tls-auth"
)
# The others: what differs, where, and who is right.
COUNTS_DIFFER: dict[str, str] = {
    "ipfixprobe/tests/functional/inputs/tls.pcap": (
        "tlswire: streams 12, 17 and 22 have ServerKeyExchange and ServerHelloDone (stream 12: and CertificateStatus) "
        "behind segments that overlap earlier ones, which tshark drops; the bytes are in the capture once each"
    ),
    "mercury/test/afl_data/encrypted_handshake_cert_false_positive.pcap": (
        "tlswire: the one frame has an encrypted Finished (nonce of 8 bytes, 16, tag of 16) and application data "
        "behind it; tshark takes its first bytes for a ServerHello and a HelloRequest of no length"
    ),
    f"{NDPI}/capwap_data.pcapng": "tshark: a ClientHello of DTLS in CAPWAP over UDP",
    f"{NDPI}/tls_invalid_reads.pcap": (
        "neither: behind the ServerHello of frame 6 stand 758 bytes of a record that say they are a message of type 9 "
        "and 754 bytes; the capture was made by a fuzzer, and tshark takes type 9 for none"
    ),
    f"{WIKI}/jxta-sample.pcap": "tshark: TLS inside JXTA messages, in pieces with headers of their own (frame 175)",
    "zeek/testing/btest/Traces/postgresql/psql-aws-ssl-preferred.pcap": (
        "tlswire: the server's flight is in frames whose order is reversed; told to reassemble those, tshark's "
        "PostgreSQL dissector still does not see the server switch to TLS"
    ),
    f"{NDPI}/443-opvn.pcap": OPENVPN.format(10),
    f"{NDPI}/openvpn.pcap": OPENVPN.format(226),
    "nfstream/tests/pcaps/openvpn.pcap": OPENVPN.format(10),
    f"{NDPI}/openvpn_obfuscated.pcapng": (
        "tlswire: the hellos of frames 126 and 129 are whole ones, inside packets that are masked but for their TLS"
    ),
}
PLAINTEXT_DIFFERS: dict[str, str] = {
    "wireshark-4.0.17/test/captures/http2_follow_multistream.pcapng": (
        "tlswire: the server's stream has reordered segments, behind the first of which tshark decrypts nothing more "
        "(89,959 of 210,618 bytes) unless tcp.reassemble_out_of_order is set"
    ),
}
# Files that are cut short or damaged: what comes before is read, and the error says where.
DAMAGED = {
    "suricata-verify/tests/bug-1450-04/tls_DER-incomplete-header.pcap",
    "suricata-verify/tests/bug-1450-05/tls_DER-incomplete-content.pcap",
    f"{WIKI}/ssl.dump.pcap",
}


def rsa_keys(entry: dict[str, Any]) -> list[Path]:
    return [CORPUS / key["file"] for key in entry["keys"] if key["type"] == "rsa-private-key"]


def rfc_name(name: str) -> str:
    """The manifest's ServerHelloDone is the RFC's server_hello_done."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def handshake_counts(entry: dict[str, Any]) -> Counter[str]:
    """The handshake messages that are readable without keys; SSLv2-compatible hellos apart, as tshark counts them."""
    counts: Counter[str] = Counter()
    damage: CaptureError | None
    reader = CaptureReader([CORPUS / entry["file"]])
    try:
        for _, event in reader:
            if isinstance(event, HandshakeMessage) and isinstance(event.message, SSLv2ClientHello):
                counts["sslv2_client_hello"] += 1
            elif isinstance(event, HandshakeMessage | Malformed) and event.msg_type is not None:
                counts[event.msg_type.name] += 1
    except CaptureError as error:
        damage = error
    else:
        damage = None
    assert (damage is not None) == (entry["file"] in DAMAGED), damage
    if damage is not None:
        assert damage.frame is not None
        assert damage.file_offset is not None
    return counts


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["file"] for entry in ENTRIES])
def test_the_handshake_messages_in_the_clear_are_those_that_tshark_counts(entry: dict[str, Any]) -> None:
    expected = Counter({rfc_name(name): count for name, count in entry.get("handshake", {}).items()})
    expected["sslv2_client_hello"] = entry.get("sslv2_client_hello", 0)
    found = handshake_counts(entry)
    if entry["file"] in COUNTS_DIFFER or entry["file"] in TSHARK_AGREES_WHEN_TOLD:
        assert found != expected, "the table of differences is out of date"
    else:
        assert found == expected


def test_the_files_that_differ_are_few_and_known() -> None:
    assert len(TSHARK_AGREES_WHEN_TOLD) == 14
    assert len(COUNTS_DIFFER) == 10
    assert set(COUNTS_DIFFER) | set(TSHARK_AGREES_WHEN_TOLD) <= {entry["file"] for entry in ENTRIES}


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed, whose word this asks for")
@pytest.mark.parametrize("file", sorted(TSHARK_AGREES_WHEN_TOLD))
def test_tshark_finds_the_same_messages_when_it_is_told_how(file: str) -> None:
    command = ["tshark", "-r", str(CORPUS / file), "-o", "tcp.reassemble_out_of_order:TRUE"]
    command += [*TSHARK_AGREES_WHEN_TOLD[file], "-Y", "tls.handshake.type", "-T", "fields", "-e", "tls.handshake.type"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seen = Counter(HandshakeType(int(code)).name for code in listing.replace(",", "\n").split())
    entry = next(entry for entry in ENTRIES if entry["file"] == file)
    found = handshake_counts(entry)
    if entry.get("sslv2_client_hello"):
        # tshark counts such a hello among the others here and in some places twice; the rest must agree.
        for counts in (seen, found):
            del counts["client_hello"], counts["sslv2_client_hello"]
    assert found == seen


WITH_RSA_KEY = [entry for entry in ENTRIES if rsa_keys(entry) and entry["decrypted"]]
WITH_KEY_LOG = [entry for entry in ENTRIES if entry["decrypted"] and not rsa_keys(entry)]


DECRYPTED = WITH_RSA_KEY + WITH_KEY_LOG


@pytest.mark.parametrize("entry", DECRYPTED, ids=[entry["file"] for entry in DECRYPTED])
def test_the_plaintext_under_a_server_key_or_key_log_is_what_tshark_decrypts(
    entry: dict[str, Any], corpus_secrets: Any
) -> None:
    plaintext: dict[int, list[bytearray]] = {}
    for stream, event in CaptureReader([CORPUS / entry["file"]], secrets=corpus_secrets(entry)):
        if isinstance(event, ApplicationData):
            plaintext.setdefault(stream.tcp_stream, [bytearray(), bytearray()])[event.side] += event.data
    wrong = []
    for number, truth in entry["decrypted"]["per_stream"].items():
        sides = plaintext.get(int(number), [bytearray(), bytearray()])
        found = sorted(hashlib.sha256(data).hexdigest() for data in sides)
        # tshark calls client the side that it decrypted first: compare as a pair.
        empty = hashlib.sha256(b"").hexdigest()
        expected = sorted(truth.get(f"{side}_sha256") or empty for side in ("client", "server"))
        if found != expected:
            wrong.append(int(number))
    if entry["file"] in PLAINTEXT_DIFFERS:
        assert wrong, "the table of differences is out of date"
    else:
        assert wrong == []


ARIA = [entry for entry in ENTRIES if "ARIA" in entry["file"] and entry["keys"]]


@pytest.mark.parametrize("entry", ARIA, ids=[entry["file"] for entry in ARIA])
def test_a_cipher_that_cryptography_lacks_is_the_reason_and_named(entry: dict[str, Any], corpus_secrets: Any) -> None:
    streams = set()
    for stream, event in CaptureReader([CORPUS / entry["file"]], secrets=corpus_secrets(entry)):
        streams.add(stream)
        assert not isinstance(event, ApplicationData)
        assert not isinstance(event, Undecryptable) or event.reason is Reason.cipher_unsupported
    for handshake in (handshake for stream in streams for handshake in stream.handshakes):
        assert handshake.cipher_suite is not None
        for verdict in handshake.verdicts:
            assert verdict.reason is Reason.cipher_unsupported
            assert verdict.evidence["cipher_suite"] == handshake.cipher_suite.name
            assert "ARIA" in handshake.cipher_suite.name
    assert streams


def test_there_are_captures_of_a_cipher_that_cryptography_lacks() -> None:
    assert len(ARIA) > 5


@pytest.mark.parametrize("entry", WITH_RSA_KEY, ids=[entry["file"] for entry in WITH_RSA_KEY])
def test_what_stays_encrypted_under_a_server_key_has_a_reason(entry: dict[str, Any], corpus_secrets: Any) -> None:
    for stream, event in CaptureReader([CORPUS / entry["file"]], secrets=corpus_secrets(entry)):
        if isinstance(event, Undecryptable):
            verdicts = [verdict for handshake in stream.handshakes for verdict in handshake.verdicts]
            assert any(verdict.reason is event.reason for verdict in verdicts)


@pytest.mark.parametrize("entry", DECRYPTED, ids=[entry["file"] for entry in DECRYPTED])
def test_no_finished_contradicts(entry: dict[str, Any], corpus_secrets: Any) -> None:
    handshakes = set()
    for stream, _ in CaptureReader([CORPUS / entry["file"]], secrets=corpus_secrets(entry)):
        handshakes.update(stream.handshakes)
    checks = Counter(handshake.finished for handshake in handshakes)
    assert checks[FinishedCheck.mismatch] == 0
    assert checks[FinishedCheck.verified] > 0 or not entry["keys"]  # two are NULL suites without a key


def test_the_records_that_tshark_leaves_out_are_decrypted(corpus_secrets: Any) -> None:
    """16 records of one capture are empty, which is a defence of TLS 1.0 (RFC 5246 §6.2.1); tshark counts 60 of 76."""
    (entry,) = (entry for entry in ENTRIES if entry["file"].startswith("py-ssl-test-gen/"))
    events = [event for _, event in CaptureReader([CORPUS / entry["file"]], secrets=corpus_secrets(entry))]
    assert entry["decrypted"]["records"] == 60
    assert len([event for event in events if isinstance(event, ApplicationData)]) == 76
    assert len([event for event in events if isinstance(event, ApplicationData) and event.data]) == 60
    assert not [event for event in events if isinstance(event, Undecryptable)]


SSLV2 = "tshark: the certificate in a SERVER-HELLO of SSLv2, which is not read here"
CUT_DER = "tshark: the DER up to where its own length ends; the message has two bytes more, which are written too"
CERTIFICATES_DIFFER: dict[str, str] = {
    **{
        f"libdssl/tests/ssl-test-data/{name}.cap": SSLV2
        for name in ("ssl2_des_cbc_md5", "ssl2_exp_rc2_cbc_md5", "ssl2_rc2_reuse", "ssl2test2")
    },
    "zeek/testing/btest/Traces/tls/ssl-v2.pcap": SSLV2,
    "suricata-verify/tests/bug-1450-04/tls_DER-incomplete-header.pcap": CUT_DER,
    "suricata-verify/tests/bug-1450-05/tls_DER-incomplete-content.pcap": CUT_DER,
    f"{NDPI}/443-opvn.pcap": OPENVPN.format(10),
    f"{NDPI}/openvpn.pcap": OPENVPN.format(226),
    "nfstream/tests/pcaps/openvpn.pcap": OPENVPN.format(10),
    f"{WIKI}/jxta-sample.pcap": "tshark: TLS inside JXTA messages, in pieces with headers of their own (frame 175)",
}
# TLS 1.3 under secrets that the file itself has: as many of tshark's as are read.
CERTIFICATES_OF_TLS13 = {"ja4/pcap/chrome-cloudflare-quic-with-secrets.pcapng"}


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed, whose word this asks for")
@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["file"] for entry in ENTRIES])
def test_the_certificates_are_those_that_tshark_finds(entry: dict[str, Any]) -> None:
    name = entry["file"]
    found: Counter[str] = Counter()
    with contextlib.suppress(CaptureError):  # of damaged files, what comes before
        for certificate in certificates(CaptureReader([CORPUS / name])):
            found[certificate.sha256] = certificate.count
    told = [word for how in entry.get("decode_as", ()) for word in ("-d", how)]
    command = ["tshark", "-r", str(CORPUS / name), "-o", "tcp.reassemble_out_of_order:TRUE", *told]
    command += [*TSHARK_AGREES_WHEN_TOLD.get(name, ()), "-Y", "tls.handshake.certificate && !quic"]
    # A damaged file makes tshark fail at its end too; what it has found before is on its standard output.
    done = subprocess.run(
        [*command, "-T", "fields", "-e", "tls.handshake.certificate"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or name in DAMAGED, done.stderr
    listed = done.stdout.replace(",", "\n").split()
    expected = Counter(hashlib.sha256(bytes.fromhex(digits)).hexdigest() for digits in listed)
    if name in CERTIFICATES_OF_TLS13:
        assert found <= expected
    elif name in CERTIFICATES_DIFFER:
        assert found != expected, "the table of differences is out of date"
    else:
        assert found == expected


def test_the_certificates_that_cryptography_refuses_are_read_all_the_same() -> None:
    names = {
        "arkime/tests/pcap/arkime_synthetic.pcap": "CN=certs.example.com",
        "suricata-verify/tests/tls/tls-issuer-zero/input.pcap": "CN=go.microsoft.com",
        "suricata-verify/tests/tls/tls-subject-zero/input.pcap": "CN=go.microsoft.com",
        "zeek/testing/btest/Traces/tls/CVE-2015-3194.pcap": "CN=bro.org",
    }
    for name, common_name in names.items():
        refused = []
        for certificate in certificates(CaptureReader([CORPUS / name])):
            try:
                load_der_x509_certificate(certificate.der)
            except ValueError:
                refused.append(certificate.fields)
        assert refused
        assert all(fields.error is None and fields.issuer is not None and fields.not_after for fields in refused)
        assert any(common_name in str(fields.subject) for fields in refused)
