"""No secret is in what an object or an error shows of itself."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tlswire.crypto import (
    CallbackKey,
    KeyLogEntry,
    RSAKey,
    Secrets,
    SessionState,
    key_block,
    master_secret,
    parse_key_log,
    record_protection,
)
from tlswire.errors import DecryptError
from tlswire.registry import CipherSuite, ProtocolVersion, parameters

SECRET = bytes(range(0x41, 0x71))  # 48 bytes, printable, so that a repr of bytes would show them
RANDOM = bytes(32)

SUITES = (
    CipherSuite.TLS_RSA_WITH_NULL_SHA256,
    CipherSuite.TLS_RSA_WITH_RC4_128_SHA,
    CipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA,
    CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite.TLS_RSA_WITH_CAMELLIA_128_GCM_SHA256,
    CipherSuite.OLD_TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
)


def shows(told: str, secret: bytes) -> bool:
    """Whether a text holds a secret, or eight bytes of it, in any usual spelling."""
    for start in range(len(secret) - 7):
        part = secret[start : start + 8]
        spellings = (part.hex(), part.hex(" "), part.hex(":"), repr(part)[2:-1], str(int.from_bytes(part, "big")))
        if any(spelling.lower() in told.lower() for spelling in spellings):
            return True
    return False


def told_by(thing: object) -> str:
    return f"{thing!r} {thing} {[thing]!r}"


def test_the_search_finds_what_it_looks_for() -> None:
    for told in (repr(SECRET), SECRET.hex(), SECRET.hex().upper(), SECRET[20:28].hex(":"), str({"key": SECRET})):
        assert shows(told, SECRET)
    assert not shows(repr(RANDOM), SECRET)


def test_sessions_key_logs_and_their_store() -> None:
    entry = KeyLogEntry("CLIENT_RANDOM", RANDOM, SECRET)
    state = SessionState(ProtocolVersion.TLSv1_2, CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, SECRET)
    secrets = Secrets(key_log=[entry])
    secrets.remember_session(state, session_id=b"id", ticket=b"ticket")
    for thing in (entry, state, secrets):
        assert not shows(told_by(thing), SECRET)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line[:-1],
        lambda line: line + b" 00",
        lambda line: line.replace(b"CLIENT_RANDOM ", b""),
        lambda line: line.replace(b"CLIENT_RANDOM", line.split()[-1].upper()),
        lambda line: b" ".join(reversed(line.split())),
    ],
)
def test_problems_of_a_key_log(spoil: Callable[[bytes], bytes]) -> None:
    line = f"CLIENT_RANDOM {RANDOM.hex()} {SECRET.hex()}".encode()
    for found in parse_key_log([spoil(line)]):
        assert not shows(told_by(found), SECRET)


@pytest.mark.parametrize("suite", SUITES, ids=str)
@pytest.mark.parametrize("version", [ProtocolVersion.SSLv3, ProtocolVersion.TLSv1_0, ProtocolVersion.TLSv1_2])
def test_keys_and_record_protections(suite: CipherSuite, version: ProtocolVersion) -> None:
    found = parameters(suite)
    assert found is not None
    block = key_block(version, found, SECRET, RANDOM, RANDOM)
    mac_key, key, iv = block.client_write_MAC_key, block.client_write_key, block.client_write_IV
    protection = record_protection(version, found, mac_key, key, iv)
    with pytest.raises(DecryptError) as caught:
        protection.unprotect(23, version, SECRET)
    told = [told_by(block), told_by(protection), *traceback.format_exception(caught.value)]
    told += [repr(caught.value), str(caught.value), repr(caught.value.args)]
    for secret in (SECRET, mac_key, key):
        assert not any(shows(one, secret) for one in told)


def test_keys_of_servers_and_what_they_raise() -> None:
    private_key = generate_private_key(65537, 2048)
    numbers = private_key.private_numbers()
    key = RSAKey(private_key, "server.pem")
    elsewhere = CallbackKey(lambda _: SECRET, public_numbers=key.public_numbers, name="HSM")
    assert repr(key) == "<RSAKey 'server.pem', 2048 bits>"
    assert repr(elsewhere) == "<CallbackKey 'HSM'>"
    assert repr(Secrets([key, elsewhere])) == "<Secrets: 2 server keys, 0 key log entries, 0 sessions>"
    with pytest.raises(DecryptError) as caught:
        key.decrypt(b"\x01" * 300)
    told = [*traceback.format_exception(caught.value), told_by(key), told_by(elsewhere)]
    for number in (numbers.d, numbers.p, numbers.q):
        secret = number.to_bytes(256, "big").lstrip(b"\0")
        assert not any(shows(one, secret) for one in told)


def test_what_a_missing_hash_raises() -> None:
    found = parameters(CipherSuite.TLS_GOSTR341112_256_WITH_28147_CNT_IMIT)
    assert found is not None
    with pytest.raises(DecryptError) as caught:
        master_secret(ProtocolVersion.TLSv1_2, found, SECRET, RANDOM, RANDOM)
    assert not any(shows(one, SECRET) for one in traceback.format_exception(caught.value))
