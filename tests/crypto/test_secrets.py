"""The store of secrets: what is found, what is forgotten, and that it shows none of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tlswire.crypto import CallbackKey, KeyLogEntry, Secrets, SessionState
from tlswire.errors import SecretsError
from tlswire.registry import CipherSuite, ProtocolVersion

MASTER_SECRET = bytes(range(100, 148))
CLIENT_RANDOM = bytes(range(32))


def state(number: int = 0, *, extended: bool = False) -> SessionState:
    secret = number.to_bytes(48, "big")
    return SessionState(
        ProtocolVersion.TLSv1_2,
        CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA,
        secret,
        extended_master_secret=extended,
    )


def test_a_key_log_is_asked_by_label_and_identifier() -> None:
    premaster, session = bytes(48), bytes([1]) * 48
    secrets = Secrets(
        key_log=[
            KeyLogEntry("CLIENT_RANDOM", CLIENT_RANDOM, MASTER_SECRET),
            KeyLogEntry("RSA", b"12345678", premaster),
            KeyLogEntry("RSA Session-ID", b"id", session),
            KeyLogEntry("EXPORTER_SECRET", CLIENT_RANDOM, b"exporter"),
        ]
    )
    assert secrets.master_secret(CLIENT_RANDOM) == MASTER_SECRET
    assert secrets.master_secret(bytes(32)) is None
    assert secrets.premaster_secret(b"12345678 and the rest") == premaster
    assert secrets.premaster_secret(b"1234567") is None
    assert secrets.logged("EXPORTER_SECRET", CLIENT_RANDOM) == b"exporter"
    assert secrets.logged("EXPORTER_SECRET", bytes(32)) is None
    found = secrets.session_by_id(b"id")
    assert found is not None
    assert found.master_secret == session


def test_of_two_entries_the_later_counts() -> None:
    secrets = Secrets(key_log=[KeyLogEntry("CLIENT_RANDOM", CLIENT_RANDOM, bytes(48))])
    secrets.add_key_log([KeyLogEntry("CLIENT_RANDOM", CLIENT_RANDOM, MASTER_SECRET)])
    assert secrets.master_secret(CLIENT_RANDOM) == MASTER_SECRET


def test_empty_until_something_is_given() -> None:
    assert Secrets().is_empty
    assert not Secrets(key_log=[KeyLogEntry("CLIENT_RANDOM", CLIENT_RANDOM, MASTER_SECRET)]).is_empty
    secrets = Secrets()
    secrets.remember_session(state(), session_id=b"id")
    assert secrets.is_empty  # what was seen on the wire is nothing that was given
    key = CallbackKey(bytes)
    secrets.add_server_key(key)
    assert not secrets.is_empty
    assert secrets.server_keys == [key]


def test_sessions_by_id_and_by_ticket() -> None:
    secrets = Secrets()
    secrets.remember_session(state(1, extended=True), session_id=b"same", ticket=b"ticket")
    secrets.remember_session(state(2), ticket=b"same")
    secrets.remember_session(state(3), session_id=b"", ticket=None)  # a session without a name
    assert secrets.session_by_id(b"same") == state(1, extended=True)
    assert secrets.session_by_ticket(b"ticket") == state(1, extended=True)
    assert secrets.session_by_ticket(b"same") == state(2)
    assert secrets.session_by_id(b"ticket") is None
    assert secrets.session_by_id(b"") is None
    assert secrets.forgotten_sessions == 0


def test_the_session_used_least_recently_is_forgotten_and_counted() -> None:
    secrets = Secrets(most_sessions=3)
    for number in (1, 2, 3):
        secrets.remember_session(state(number), session_id=bytes([number]))
    assert secrets.session_by_id(b"\x01") == state(1)  # used, and so the youngest
    secrets.remember_session(state(4), ticket=b"\x04")
    assert secrets.session_by_id(b"\x02") is None
    assert secrets.forgotten_sessions == 1
    secrets.remember_session(state(5), session_id=b"\x03")  # remembered again
    assert secrets.session_by_id(b"\x03") == state(5)
    assert secrets.forgotten_sessions == 1
    for number in range(100):
        secrets.remember_session(state(number), session_id=b"id %d" % number, ticket=b"ticket %d" % number)
    assert secrets.forgotten_sessions == 1 + 200
    assert secrets.session_by_ticket(b"ticket 99") == state(99)
    assert repr(secrets) == "<Secrets: 0 server keys, 0 key log entries, 3 sessions>"


# Secrets as bytes; what sessions make of them: tests/session/test_given_secrets.py


def test_secrets_with_what_they_belong_to_are_asked_for_like_those_of_a_key_log() -> None:
    secrets = Secrets()
    secrets.add_master_secret(MASTER_SECRET, client_random=CLIENT_RANDOM)
    secrets.add_premaster_secret(b"premaster", client_random=CLIENT_RANDOM, encrypted=b"encrypted and longer")
    assert secrets.master_secret(CLIENT_RANDOM) == MASTER_SECRET
    assert secrets.premaster_secret_of(CLIENT_RANDOM) == b"premaster"
    assert secrets.premaster_secret_of(bytes(32)) is None
    assert secrets.premaster_secret(b"encrypted, the beginning of which counts") == b"premaster"
    assert not secrets.unassigned_master_secrets
    assert not secrets.unassigned_premaster_secrets
    assert not secrets.is_empty


def test_secrets_alone_are_kept_once_and_bounded() -> None:
    secrets = Secrets()
    for number in range(200):
        secrets.add_master_secret(number.to_bytes(48, "big"))
        secrets.add_master_secret(number.to_bytes(48, "big"))
    assert len(secrets.unassigned_master_secrets) == 200
    assert not secrets.is_empty
    assert repr(secrets) == "<Secrets: 0 server keys, 0 key log entries, 200 unassigned secrets, 0 sessions>"
    for number in range(56):
        secrets.add_premaster_secret(number.to_bytes(32, "big"))
    assert not Secrets(key_log=[KeyLogEntry("PMS_CLIENT_RANDOM", CLIENT_RANDOM, b"1")]).is_empty
    for add in (secrets.add_master_secret, secrets.add_premaster_secret):
        with pytest.raises(SecretsError, match="more than 256 secrets without a client random"):
            add(b"\1" * 48)
    secrets.add_master_secret(bytes(48))  # which is known already
    secrets.add_premaster_secret(bytes(32))


@pytest.mark.parametrize(
    ("what", "add"),
    [
        ("master secret of 47 bytes, expected 48", lambda secrets: secrets.add_master_secret(b"S" * 47)),
        ("master secret of 0 bytes, expected 48", lambda secrets: secrets.add_master_secret(b"")),
        ("premaster secret of 0 bytes, expected some", lambda secrets: secrets.add_premaster_secret(b"")),
        (
            "client random of 31 bytes, expected 32",
            lambda secrets: secrets.add_master_secret(b"S" * 48, client_random=b"R" * 31),
        ),
        (
            "client random of 0 bytes, expected 32",
            lambda secrets: secrets.add_premaster_secret(b"S" * 48, client_random=b""),
        ),
        (
            "encrypted premaster secret of 7 bytes, expected 8 at least",
            lambda secrets: secrets.add_premaster_secret(b"S" * 48, encrypted=b"E" * 7),
        ),
    ],
)
def test_a_secret_or_name_of_the_wrong_length_is_refused(what: str, add: Callable[[Secrets], None]) -> None:
    secrets = Secrets()
    with pytest.raises(SecretsError) as caught:
        add(secrets)
    assert str(caught.value) == what
    assert secrets.is_empty
