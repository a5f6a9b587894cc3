"""Master and premaster secrets as bytes: with the handshake that they belong to, or tried with every one."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tlswire.crypto import CallbackKey, KeyLogEntry, Secrets
from tlswire.registry import CipherSuite, ProtocolVersion
from tlswire.session import ApplicationData, Connection, Event, ProtocolViolation, Reason
from tlswire.session.keys import Keys

CLIENT, SERVER = 0, 1
VERSIONS = [ProtocolVersion.SSLv3, ProtocolVersion.TLSv1_0, ProtocolVersion.TLSv1_1, ProtocolVersion.TLSv1_2]
RSA, DHE = CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, CipherSuite.TLS_DHE_RSA_WITH_AES_128_CBC_SHA
NULL = CipherSuite.TLS_RSA_WITH_NULL_SHA
WRONG = [bytes([number]) * 48 for number in range(20)]


def plaintext(events: list[Event]) -> list[bytes]:
    return [event.data for event in events if isinstance(event, ApplicationData)]


def exchanged(pair: Any) -> tuple[bytes, bytes]:
    """The last encrypted premaster secret (with Diffie-Hellman, the client's public value), and the clear one."""
    encrypted, premaster = list(pair.premasters.items())[-1]
    return encrypted, premaster


# How the secrets of the last handshake can be given.
GIVEN: dict[str, Callable[[Secrets, Any], None]] = {
    "master": lambda secrets, pair: secrets.add_master_secret(pair.master_secrets[-1]),
    "master of a client random": lambda secrets, pair: secrets.add_master_secret(
        pair.master_secrets[-1], client_random=pair.client_randoms[-1]
    ),
    "premaster": lambda secrets, pair: secrets.add_premaster_secret(exchanged(pair)[1]),
    "premaster of a client random": lambda secrets, pair: secrets.add_premaster_secret(
        exchanged(pair)[1], client_random=pair.client_randoms[-1]
    ),
    "premaster of a client random, in a key log": lambda secrets, pair: secrets.add_key_log(
        [KeyLogEntry("PMS_CLIENT_RANDOM", pair.client_randoms[-1], exchanged(pair)[1])]
    ),
    "premaster of an encrypted one": lambda secrets, pair: secrets.add_premaster_secret(
        exchanged(pair)[1], encrypted=exchanged(pair)[0]
    ),
    "premaster of the beginning of an encrypted one": lambda secrets, pair: secrets.add_premaster_secret(
        exchanged(pair)[1], encrypted=exchanged(pair)[0][:8]
    ),
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("version", VERSIONS, ids=str)
@pytest.mark.parametrize("extended", [False, True])
def test_a_secret_opens_its_handshake_and_those_that_resume_it(
    peers: Any, version: ProtocolVersion, given: str, extended: bool
) -> None:
    if extended and version is ProtocolVersion.SSLv3:
        extended = False  # RFC 7627 §5.2
    pair = peers(RSA, version)
    pair.full(session_id=b"s" * 32, extended=extended)
    secrets = Secrets()
    for wrong in WRONG:
        secrets.add_master_secret(wrong)
        secrets.add_premaster_secret(wrong)
    GIVEN[given](secrets, pair)
    pair.data(CLIENT, b"first")
    pair.abbreviated(b"s" * 32)
    pair.data(SERVER, b"second")
    connection, events = pair.read(secrets=secrets)
    assert plaintext(events) == [b"first", b"second"]
    assert [handshake.master_secret for handshake in connection.handshakes] == pair.master_secrets


def test_a_master_secret_opens_a_resumed_session_whose_beginning_nobody_saw(peers: Any) -> None:
    pair = peers(RSA)
    pair.sessions[b"s" * 32] = bytes(range(48))
    pair.abbreviated(b"s" * 32)
    pair.data(CLIENT, b"request")
    secrets = Secrets()
    secrets.add_premaster_secret(b"of another")
    secrets.add_master_secret(bytes(range(48)))
    assert plaintext(pair.read(secrets=secrets)[1]) == [b"request"]


@pytest.mark.parametrize("given", [name for name in GIVEN if "encrypted" not in name])
@pytest.mark.parametrize("length", [1, 32, 48, 128, 1024])
@pytest.mark.parametrize("extended", [False, True])
def test_a_premaster_secret_of_diffie_hellman_has_any_length(
    peers: Any, given: str, length: int, extended: bool
) -> None:
    pair = peers(DHE)
    pair.full(premaster=bytes(range(1, 9)) * (length // 8) or b"\7", extended=extended)
    pair.data(CLIENT, b"request")
    secrets = Secrets()
    secrets.add_premaster_secret(b"another")
    GIVEN[given](secrets, pair)
    _, events = pair.read(secrets=secrets)
    assert plaintext(events) == [b"request"]
    assert not [event for event in events if isinstance(event, ProtocolViolation)]  # no version is in it


def test_a_premaster_secret_of_rsa_has_48_bytes(peers: Any) -> None:
    pair = peers(RSA)
    pair.full(premaster=b"\3\3" + bytes(45))
    secrets = Secrets()
    GIVEN["premaster of a client random"](secrets, pair)
    connection, _ = pair.read(secrets=secrets)
    assert connection.handshakes[0].client.reason is Reason.premaster_invalid
    assert connection.handshakes[0].client.evidence["lengths"] == [47]


def everything_wrong() -> Secrets:
    secrets = Secrets()
    for wrong in WRONG:
        secrets.add_master_secret(wrong)
        secrets.add_premaster_secret(wrong)
    return secrets


@pytest.mark.parametrize(
    ("suite", "lost", "reason"),
    [
        (RSA, [], Reason.client_random_not_in_keylog),
        (RSA, [("client_key_exchange", 0)], Reason.client_random_not_in_keylog),
        (DHE, [], Reason.key_exchange_not_rsa),
        (DHE, [("finished", 0, CLIENT)], Reason.key_exchange_not_rsa),
        (DHE, [("client_hello", 0)], Reason.hello_missing),
    ],
)
def test_wrong_secrets_change_no_reason(peers: Any, suite: CipherSuite, lost: list[Any], reason: Reason) -> None:
    pair = peers(suite)
    pair.full()
    for number in range(30):
        pair.data(CLIENT, b"%d" % number)
        pair.data(SERVER, b"%d" % number)
    connection, events = pair.read(*lost, secrets=everything_wrong())
    assert not plaintext(events)
    assert connection.handshakes[0].client.reason is reason
    assert connection.handshakes[0].server.reason is reason
    assert not isinstance(connection.handshakes[0].keys, Keys)  # which would hold hundreds of them


def test_wrong_secrets_change_no_reason_of_a_resumed_session_or_a_wrong_key(peers: Any, captures: Any) -> None:
    pair = peers(RSA)
    pair.sessions[b"s" * 32] = bytes(range(48))
    pair.abbreviated(b"s" * 32)
    pair.data(CLIENT, b"request")
    connection, events = pair.read(secrets=everything_wrong())
    assert not plaintext(events)
    assert connection.handshakes[0].client.reason is Reason.resumed_session_unknown
    secrets = everything_wrong()
    secrets.add_server_key(captures.unrelated())
    stream = captures.streams("apache-tls12-3-names")[0]
    connection = Connection(secrets)
    for side, data in stream.segments:
        connection.receive_data(side, data)
    assert not plaintext(list(connection.events()))
    assert connection.handshakes[0].client.reason is Reason.wrong_key


def test_what_is_not_encrypted_is_read_with_wrong_secrets_too(peers: Any) -> None:
    pair = peers(NULL)
    pair.full()
    pair.data(CLIENT, b"in the clear")
    assert plaintext(pair.read(secrets=everything_wrong())[1]) == [b"in the clear"]


def test_a_key_that_fails_and_a_secret_that_does_not(peers: Any) -> None:
    pair = peers(RSA)
    pair.full()
    pair.data(CLIENT, b"request")
    secrets = Secrets([CallbackKey(lambda encrypted: bytes(48), name="another server's")])
    assert not plaintext(pair.read(secrets=secrets)[1])
    GIVEN["premaster"](secrets, pair)
    connection, events = pair.read(secrets=secrets)
    assert plaintext(events) == [b"request"]
    secrets = everything_wrong()
    secrets.add_server_key(CallbackKey(lambda encrypted: bytes(48), name="another server's"))
    connection, events = pair.read(secrets=secrets)
    assert not plaintext(events)
    assert connection.handshakes[0].client.reason is Reason.wrong_key
    tried = connection.handshakes[0].client.evidence["tried"]
    assert tried == ["another server's", "master secret", "premaster secret"]


@pytest.mark.parametrize("given", GIVEN)
def test_secrets_that_come_while_a_connection_is_read(peers: Any, given: str) -> None:
    """One for each of four handshakes, added when its ChangeCipherSpec is next."""
    pair = peers(RSA)
    handshakes = []  # where each one's first ChangeCipherSpec is, and what was known then
    for number in range(4):
        begin = len(pair.sent)
        pair.full()
        names = [one.name for one in pair.sent]
        known = SimpleNamespace(
            premasters=dict(pair.premasters),
            client_randoms=list(pair.client_randoms),
            master_secrets=list(pair.master_secrets),
        )
        handshakes.append((names.index("change_cipher_spec", begin), known))
        pair.data(CLIENT, b"%d" % number)
    secrets = Secrets()
    connection = Connection(secrets)
    events: list[Event] = []
    for index, one in enumerate(pair.sent):
        for change, known in handshakes:
            if index == change:
                GIVEN[given](secrets, known)
        connection.receive_data(one.side, one.data)
        events += connection.events()
    assert plaintext(events) == [b"0", b"1", b"2", b"3"]


def test_all_kinds_together_each_for_the_connection_that_needs_it(peers: Any) -> None:
    secrets = Secrets([CallbackKey(bytes, public_numbers=(3, 5), name="unrelated")])
    pairs = []
    for number, given in enumerate(GIVEN):
        pair = peers(RSA)
        pair.random.seed(number)
        pair.full(session_id=bytes([number]) * 32)
        pair.data(CLIENT, given.encode())
        GIVEN[given](secrets, pair)
        pairs.append(pair)
    for pair, given in zip(pairs, GIVEN, strict=True):
        assert plaintext(pair.read(secrets=secrets)[1]) == [given.encode()]
