"""Which extension stands in which message, against the sections that say so.

RFC 8446 §4.2 has the table for TLS 1.3 (CH, SH, EE, CT, CR, NST, HRR); for the versions before, each extension's own
RFC says whether the server answers it.
"""

from __future__ import annotations

import pytest

from tlswire.registry import ExtensionType, HandshakeType
from tlswire.schema import EXTENSIONS

CLIENT, SERVER, RETRY = HandshakeType.client_hello, HandshakeType.server_hello, HandshakeType.hello_retry_request
ENCRYPTED, CERTIFICATE = HandshakeType.encrypted_extensions, HandshakeType.certificate
REQUEST, TICKET = HandshakeType.certificate_request, HandshakeType.new_session_ticket

PLACES = {
    ExtensionType.server_name: {CLIENT, SERVER, ENCRYPTED},  # RFC 6066 §3: the answer is empty
    ExtensionType.max_fragment_length: {CLIENT, SERVER, ENCRYPTED},  # RFC 6066 §4
    ExtensionType.truncated_hmac: {CLIENT, SERVER},  # RFC 6066 §7
    ExtensionType.status_request: {CLIENT, SERVER, REQUEST, CERTIFICATE},  # RFC 6066 §8: the answer is empty
    # RFC 8422 §5.2: the server answers with its point formats alone; since RFC 8446 §4.2.7 it may tell its groups
    ExtensionType.supported_groups: {CLIENT, ENCRYPTED},
    ExtensionType.ec_point_formats: {CLIENT, SERVER},  # RFC 8422 §5.2
    # RFC 5246 §7.4.1.4.1: "Servers MUST NOT send this extension"; RFC 8446 §4.2 has it in their requests
    ExtensionType.signature_algorithms: {CLIENT, REQUEST},
    ExtensionType.signature_algorithms_cert: {CLIENT, REQUEST},  # RFC 8446 §4.2
    ExtensionType.heartbeat: {CLIENT, SERVER, ENCRYPTED},  # RFC 6520 §2
    ExtensionType.application_layer_protocol_negotiation: {CLIENT, SERVER, ENCRYPTED},  # RFC 7301 §3.1
    ExtensionType.signed_certificate_timestamp: {CLIENT, SERVER, REQUEST, CERTIFICATE},  # RFC 6962 §3.3.1
    ExtensionType.padding: {CLIENT},  # RFC 7685 §3
    ExtensionType.encrypt_then_mac: {CLIENT, SERVER},  # RFC 7366 §2
    ExtensionType.extended_master_secret: {CLIENT, SERVER},  # RFC 7627 §5.1
    ExtensionType.compress_certificate: {CLIENT, REQUEST},  # RFC 8879 §3
    ExtensionType.record_size_limit: {CLIENT, SERVER, ENCRYPTED},  # RFC 8449 §4
    ExtensionType.session_ticket: {CLIENT, SERVER},  # RFC 5077 §3.2
    ExtensionType.supported_versions: {CLIENT, SERVER, RETRY},  # RFC 8446 §4.2
    ExtensionType.cookie: {CLIENT, RETRY},  # RFC 8446 §4.2
    ExtensionType.psk_key_exchange_modes: {CLIENT},  # RFC 8446 §4.2
    ExtensionType.key_share: {CLIENT, SERVER, RETRY},  # RFC 8446 §4.2
    ExtensionType.pre_shared_key: {CLIENT, SERVER},  # RFC 8446 §4.2
    ExtensionType.early_data: {CLIENT, ENCRYPTED, TICKET},  # RFC 8446 §4.2.10
    ExtensionType.certificate_authorities: {CLIENT, REQUEST},  # RFC 8446 §4.2.4
    ExtensionType.oid_filters: {REQUEST},  # RFC 8446 §4.2.5
    ExtensionType.post_handshake_auth: {CLIENT},  # RFC 8446 §4.2.6
    ExtensionType.client_certificate_url: {CLIENT, SERVER},  # RFC 6066 §5: the answer is empty, as the offer
    ExtensionType.trusted_ca_keys: {CLIENT, SERVER},  # RFC 6066 §6: the answer is empty
    ExtensionType.user_mapping: {CLIENT, SERVER},  # RFC 4681 §2
    ExtensionType.client_authz: {CLIENT, SERVER},  # RFC 5878 §2.1, §2.2
    ExtensionType.server_authz: {CLIENT, SERVER},
    ExtensionType.cert_type: {CLIENT, SERVER},  # RFC 6091 §3.1, §3.2
    ExtensionType.srp: {CLIENT},  # RFC 5054 §2.8.1
    ExtensionType.use_srtp: {CLIENT, SERVER, ENCRYPTED},  # RFC 5764 §4.1.1
    ExtensionType.status_request_v2: {CLIENT, SERVER},  # RFC 6961 §2.2: the answer is empty
    ExtensionType.client_certificate_type: {CLIENT, SERVER, ENCRYPTED},  # RFC 7250 §3
    ExtensionType.server_certificate_type: {CLIENT, SERVER, ENCRYPTED},
    ExtensionType.token_binding: {CLIENT, SERVER},  # RFC 8472 §2, §3
    ExtensionType.cached_info: {CLIENT, SERVER},  # RFC 7924 §3
    ExtensionType.delegated_credential: {CLIENT},  # RFC 9345 §4.1.1
    ExtensionType.ticket_request: {CLIENT},  # RFC 9149 §3: the answer is in EncryptedExtensions
    ExtensionType.encrypted_client_hello: {CLIENT, RETRY},  # RFC 9849 §5
    ExtensionType.encrypted_server_name: {CLIENT},  # draft-ietf-tls-esni-06 §5
    ExtensionType.channel_id: {CLIENT, SERVER},  # draft-balfanz-tls-channelid-01 §3
    ExtensionType.channel_id_old: {CLIENT, SERVER},
    ExtensionType.application_settings: {CLIENT},  # draft-vvv-tls-alps-01 §4: the answer is in EncryptedExtensions
    ExtensionType.application_settings_old: {CLIENT},
    ExtensionType.key_share_draft: {CLIENT, SERVER, RETRY},  # draft-ietf-tls-tls13-22 §4.2
    ExtensionType.next_protocol_negotiation: {CLIENT, SERVER},  # draft-agl-tls-nextprotoneg-04 §3
    ExtensionType.renegotiation_info: {CLIENT, SERVER},  # RFC 5746 §3.2
}


every_place = pytest.mark.parametrize(
    "place", [CLIENT, SERVER, RETRY, ENCRYPTED, CERTIFICATE, REQUEST, TICKET], ids=str
)


@every_place
def test_a_message_knows_the_extensions_that_may_stand_in_it(place: HandshakeType) -> None:
    assert set(EXTENSIONS.at(place)) == {kind for kind, places in PLACES.items() if place in places}


@every_place
def test_every_extension_says_of_which_type_it_is(place: HandshakeType) -> None:
    for kind, declaration in EXTENSIONS.at(place).items():
        assert declaration.type is kind  # type: ignore[attr-defined]


def test_what_has_one_shape_is_one_class_and_what_differs_is_several() -> None:
    """RFC 8446 §4.2.1, §4.2.8, §4.2.10, §4.2.11; RFC 6066 §3, §8; RFC 6962 §3.3.1; draft-agl-tls-nextprotoneg-04 §3."""
    differ = {kind for kind, places in PLACES.items() if len({EXTENSIONS.at(place)[kind] for place in places}) > 1}
    assert differ == {
        ExtensionType.server_name,
        ExtensionType.status_request,
        ExtensionType.signed_certificate_timestamp,
        ExtensionType.next_protocol_negotiation,
        ExtensionType.supported_versions,
        ExtensionType.key_share,
        ExtensionType.pre_shared_key,
        ExtensionType.early_data,
        ExtensionType.trusted_ca_keys,
        ExtensionType.cert_type,
        ExtensionType.status_request_v2,
        ExtensionType.client_certificate_type,
        ExtensionType.server_certificate_type,
        ExtensionType.cached_info,
        ExtensionType.encrypted_client_hello,
        ExtensionType.key_share_draft,
    }
