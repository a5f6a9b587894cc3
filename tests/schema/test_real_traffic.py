"""Every handshake message that peers sent: in the project's own captures, and in the public ones beside the checkout.

What was read is written again to the same bytes, the generated decoder and the interpreted schema agree, the spans
cover every byte, and what a name or an extension says of itself never raises.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tlswire.capture import CaptureReader
from tlswire.crypto import RSAKey, Secrets
from tlswire.errors import CaptureError
from tlswire.schema import CertificateRequest, MalformedExtension, SSLv2ClientHello, UnknownExtension
from tlswire.session import HandshakeMessage
from tlswire.wire import Context, Message, Unresolved
from tlswire.wire.stream import reference, reference_bytes

OWN = Path(__file__).parents[1] / "captures"
CORPUS = Path(__file__).parents[3] / "shared" / "captures"
MANIFEST = CORPUS / "manifest.json"
ENTRIES: list[dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8")) if MANIFEST.exists() else []

HEADER_LENGTH = 4  # bytes, of which an SSLv2-compatible hello has none


def messages(file: Path, secrets: Secrets) -> Iterator[HandshakeMessage]:
    try:
        for _, event in CaptureReader([file], secrets=secrets):
            if isinstance(event, HandshakeMessage):
                yield event
    except CaptureError:
        return  # tests/corpus says which captures are cut short


def check(event: HandshakeMessage) -> None:
    message = event.message
    body = event.raw if isinstance(message, SSLv2ClientHello) else event.raw[HEADER_LENGTH:]
    assert message.encode() == body
    assert isinstance(message.violations, tuple)
    if isinstance(message, Unresolved):
        return
    schema = message.SCHEMA
    assert reference(schema, body, Context()) == (message, None)
    assert reference_bytes(schema, message) == (body, None)
    position = 0
    for span in message.spans(body):
        assert span.start == position
        position = span.end
    assert position == len(body)
    for extension in getattr(message, "extensions", None) or ():
        assert isinstance(extension, Message | UnknownExtension | MalformedExtension)
        assert message.extension(extension.type) is not None
    if isinstance(message, CertificateRequest):
        for name in message.certificate_authorities:
            assert str(name).isprintable()


def own_secrets(folder: Path) -> Secrets:
    truth = json.loads((folder / "capture.json").read_text(encoding="utf-8"))
    return Secrets([RSAKey(load_pem_private_key((folder / truth["key"]).read_bytes(), None), truth["key"])])


def test_every_message_of_the_projects_own_captures() -> None:
    seen: Counter[str] = Counter()
    for path in sorted(OWN.glob("*/capture.json")):
        file = next(path.parent.glob("capture.pcap*"))
        for event in messages(file, own_secrets(path.parent)):
            check(event)
            seen[type(event.message).__name__] += 1
    assert seen["Unresolved"] == 0
    assert seen["CertificateRequestSSL3"] > 5
    assert seen["CertificateRequestTLS11"] > 1
    assert seen["CertificateRequestTLS12"] > 20
    assert seen["CertificateVerifySSL3"] > 5
    assert seen["HelloRequest"] > 20
    assert seen["ClientKeyExchangeRSASSL3"] > 2


# What a context cannot tell: captures that begin in the middle, and key exchanges that have no declaration.
UNRESOLVED_IN_CORPUS = 23
FORMS_IN_CORPUS = {  # at least; some came under protection
    "CertificateRequestSSL3": 6,
    "CertificateRequestTLS11": 3,
    "CertificateRequestTLS12": 101,
    "CertificateStatus": 88,
    "ClientKeyExchangeDHEPSK": 1,
    "ClientKeyExchangeECDHEPSK": 1,
    "ClientKeyExchangePSK": 2,
    "ClientKeyExchangeRSAPSK": 1,
    "ClientKeyExchangeRSASSL3": 16,
    "HelloRequest": 1,
    "SSLv2ClientHello": 108,
    "ServerHelloTLS13Draft": 11,
    "ServerKeyExchangeDHAnon": 7,
    "ServerKeyExchangeDHEPSK": 1,
    "ServerKeyExchangeECDHAnon": 6,
    "ServerKeyExchangeECDHEPSK": 1,
    "ServerKeyExchangeRSATLS12": 9,
}

EXTENSIONS_IN_CORPUS = {  # at least
    "ApplicationSettingsSupportOld": 110,
    "CertificateStatusRequestListV2": 1,
    "ChannelIDExtension": 78,
    "ChannelIDExtensionOld": 2,
    "ClientEncryptedSNI": 2,
    "DelegatedCredentialRequest": 63,
    "ECHClientHello": 80,
    "KeyShareClientHelloDraft": 18,
    "KeyShareHelloRetryRequestDraft": 1,
    "KeyShareServerHelloDraft": 13,
    "TokenBindingParameters": 9,
}


@pytest.mark.corpus
@pytest.mark.skipif(not ENTRIES, reason="the shared corpus of public captures is not beside the checkout")
def test_every_message_of_the_public_captures(corpus_secrets: Any) -> None:
    seen: Counter[str] = Counter()
    malformed: Counter[str] = Counter()
    extensions: Counter[str] = Counter()
    for entry in ENTRIES:
        for event in messages(CORPUS / entry["file"], corpus_secrets(entry)):
            check(event)
            seen[type(event.message).__name__] += 1
            for extension in getattr(event.message, "extensions", None) or ():
                extensions[type(extension).__name__] += 1
                malformed[entry["file"]] += isinstance(extension, MalformedExtension)
    assert sum(seen.values()) > 8000
    assert seen["Unresolved"] <= UNRESOLVED_IN_CORPUS
    assert [name for name, count in FORMS_IN_CORPUS.items() if seen[name] < count] == []
    assert [name for name, count in EXTENSIONS_IN_CORPUS.items() if extensions[name] < count] == []
    # A ServerHello made up with all types of extension and no bodies, of which tshark calls those that it dissects
    # malformed, too; and four hellos made of fingerprints, in which
    # pre_shared_key is empty.
    assert +malformed == {
        "arkime/tests/pcap/arkime_synthetic.pcap": 19,
        "mercury/test/data/top_100_fingerprints.pcap": 4,
    }
