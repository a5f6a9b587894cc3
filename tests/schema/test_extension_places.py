"""Which extension stands in which message, against the sections that say so.

RFC 8446 §4.2 has the table for TLS 1.3, of which the hellos alone are sent in the clear (CH, SH, HRR); for the
versions before, each extension's own RFC says whether the server answers it.
"""

from __future__ import annotations

import pytest

from tlswire.registry import ExtensionType, HandshakeType
from tlswire.schema import EXTENSIONS

CLIENT, SERVER, RETRY = HandshakeType.client_hello, HandshakeType.server_hello, HandshakeType.hello_retry_request

PLACES = {
    ExtensionType.server_name: {CLIENT, SERVER},  # RFC 6066 §3: the answer is empty
    ExtensionType.max_fragment_length: {CLIENT, SERVER},  # RFC 6066 §4
    ExtensionType.truncated_hmac: {CLIENT, SERVER},  # RFC 6066 §7
    ExtensionType.status_request: {CLIENT, SERVER},  # RFC 6066 §8: the answer is empty
    ExtensionType.supported_groups: {CLIENT},  # RFC 8422 §5.2: the server answers with its point formats alone
    ExtensionType.ec_point_formats: {CLIENT, SERVER},  # RFC 8422 §5.2
    ExtensionType.signature_algorithms: {CLIENT},  # RFC 5246 §7.4.1.4.1: "Servers MUST NOT send this extension"
    ExtensionType.signature_algorithms_cert: {CLIENT},  # RFC 8446 §4.2
    ExtensionType.heartbeat: {CLIENT, SERVER},  # RFC 6520 §2
    ExtensionType.application_layer_protocol_negotiation: {CLIENT, SERVER},  # RFC 7301 §3.1
    ExtensionType.signed_certificate_timestamp: {CLIENT, SERVER},  # RFC 6962 §3.3.1
    ExtensionType.padding: {CLIENT},  # RFC 7685 §3
    ExtensionType.encrypt_then_mac: {CLIENT, SERVER},  # RFC 7366 §2
    ExtensionType.extended_master_secret: {CLIENT, SERVER},  # RFC 7627 §5.1
    ExtensionType.compress_certificate: {CLIENT},  # RFC 8879 §3
    ExtensionType.record_size_limit: {CLIENT, SERVER},  # RFC 8449 §4
    ExtensionType.session_ticket: {CLIENT, SERVER},  # RFC 5077 §3.2
    ExtensionType.supported_versions: {CLIENT, SERVER, RETRY},  # RFC 8446 §4.2
    ExtensionType.cookie: {CLIENT, RETRY},  # RFC 8446 §4.2
    ExtensionType.psk_key_exchange_modes: {CLIENT},  # RFC 8446 §4.2
    ExtensionType.key_share: {CLIENT, SERVER, RETRY},  # RFC 8446 §4.2
    ExtensionType.pre_shared_key: {CLIENT, SERVER},  # RFC 8446 §4.2
    ExtensionType.next_protocol_negotiation: {CLIENT, SERVER},  # draft-agl-tls-nextprotoneg-04 §3
    ExtensionType.renegotiation_info: {CLIENT, SERVER},  # RFC 5746 §3.2
}


@pytest.mark.parametrize("place", [CLIENT, SERVER, RETRY], ids=str)
def test_a_hello_knows_the_extensions_that_may_stand_in_it(place: HandshakeType) -> None:
    assert set(EXTENSIONS.at(place)) == {kind for kind, places in PLACES.items() if place in places}


@pytest.mark.parametrize("place", [CLIENT, SERVER, RETRY], ids=str)
def test_every_extension_says_of_which_type_it_is(place: HandshakeType) -> None:
    for kind, declaration in EXTENSIONS.at(place).items():
        assert declaration.type is kind  # type: ignore[attr-defined]


def test_what_has_one_shape_is_one_class_and_what_differs_is_several() -> None:
    """RFC 8446 §4.2.1, §4.2.8, §4.2.11; RFC 6066 §3, §8; RFC 6962 §3.3.1; draft-agl-tls-nextprotoneg-04 §3."""
    differ = {
        kind
        for kind, places in PLACES.items()
        if len({EXTENSIONS.at(place)[kind] for place in places}) == len(places) > 1
    }
    assert differ == {
        ExtensionType.server_name,
        ExtensionType.status_request,
        ExtensionType.signed_certificate_timestamp,
        ExtensionType.next_protocol_negotiation,
        ExtensionType.key_share,
        ExtensionType.pre_shared_key,
    }
