"""A test for each reason why something stays encrypted, on what real peers sent.

To a capture is done what gives the reason: segments are taken away, other keys given, key logs cut, bytes changed.
The epoch then has that reason in both directions, or in the one that is meant, and no other; the evidence says where,
and has the value that shows it, read here from the peers' bytes; and nothing is told that they did not say.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tlswire.crypto import CallbackKey, KeyLogEntry, RSAKey, Secrets
from tlswire.registry import CipherSuite
from tlswire.session import (
    AlertMessage,
    ApplicationData,
    Connection,
    Event,
    Handshake,
    HandshakeMessage,
    Reason,
    Undecryptable,
)

CLIENT, SERVER = 0, 1
Steps = list[tuple[int, Any]]  # the side, and bytes or the length of a hole, None where it is unknown

PLAIN = "apache-tls12-3-names"  # RSA, extended master secret; a handshake and one inside it
CHAINED = "gnutls-tls10-insecure-renegotiation"  # TLS 1.0, MAC then encrypt, a CBC cipher
WITHOUT_EXTENSION = "tlslite-ssl30-aes128"


# What the peers sent, read without the session


def walk(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Offset, content type and fragment of each record."""
    offset = 0
    while offset < len(stream):
        length = int.from_bytes(stream[offset + 3 : offset + 5], "big")
        yield offset, stream[offset], stream[offset + 5 : offset + 5 + length]
        offset += 5 + length


def first_protected(stream: bytes) -> int:
    records = list(walk(stream))
    change = next(number for number, (_, content_type, _) in enumerate(records) if content_type == 20)
    return records[change + 1][0]


def messages_in_the_clear(stream: bytes) -> dict[int, bytes]:
    """By their type, the handshake messages before ChangeCipherSpec."""
    data = b""
    for _, content_type, fragment in walk(stream):
        if content_type == 20:
            break
        data += fragment
    found = {}
    while data:
        length = 4 + int.from_bytes(data[1:4], "big")
        found[data[0]], data = data[:length], data[length:]
    return found


def certificate_of(stream: bytes) -> x509.Certificate:
    message = messages_in_the_clear(stream)[11]
    return x509.load_der_x509_certificate(message[10 : 10 + int.from_bytes(message[7:10], "big")])


def identified(public_key: Any) -> tuple[str, str]:
    """The key identifier and the SHA-256 that `cryptography` makes of a key."""
    info = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return x509.SubjectKeyIdentifier.from_public_key(public_key).digest.hex(), hashlib.sha256(info).hexdigest()


# What is done to it


def hole(steps: Steps, side: int, start: int, end: int, length: int | None = -1) -> Steps:
    """The steps without a range of a side's bytes; `length`: what is known of how many they are (-1: all)."""
    found: Steps = []
    position = 0
    for sender, data in steps:
        if sender != side:
            found.append((sender, data))
            continue
        before, behind = data[: max(0, start - position)], data[max(0, end - position) :]
        whole = position < end and start < position + len(data)
        position += len(data)
        if not whole:
            found.append((sender, data))
            continue
        if before:
            found.append((sender, before))
        if position >= end:  # the hole is told once, with its last byte
            found.append((sender, end - start if length == -1 else length))
            if behind:
                found.append((sender, behind))
    return found


def changed(steps: Steps, side: int, offset: int, new: bytes) -> Steps:
    """The steps with other bytes at an offset of a side's stream."""
    found: Steps = []
    for sender, data in steps:
        if sender == side:
            if 0 <= offset < len(data):
                data = data[:offset] + new + data[offset + len(new) :]
            offset -= len(data)
        found.append((sender, data))
    return found


@dataclass
class Seen:
    """A connection of a capture, as it was or with something done to it, and what was told of it."""

    connection: Connection
    events: list[Event] = field(default_factory=list)

    def handshake(self, epoch: int) -> Handshake:
        return self.connection.handshakes[epoch]

    def reasons(self, epoch: int) -> tuple[Reason | None, Reason | None]:
        handshake = self.handshake(epoch)
        return handshake.client.reason, handshake.server.reason

    def told_in(self, epoch: int) -> set[Reason]:
        return {
            event.reason
            for event in self.events
            if isinstance(event, Undecryptable) and event.epoch == epoch
            if event.content_type != 20  # a ChangeCipherSpec came under the keys before
        }

    def plaintext(self) -> Counter[tuple[int, bytes]]:
        found: Counter[tuple[int, bytes]] = Counter()
        for event in self.events:
            if isinstance(event, ApplicationData | HandshakeMessage | AlertMessage) and event.protected:
                raw = event.data if isinstance(event, ApplicationData) else None
                raw = event.raw if isinstance(event, HandshakeMessage) else raw
                found[event.side, event.alert.encode() if isinstance(event, AlertMessage) else raw or b""] += 1
        return found


def see(secrets: Secrets, steps: Steps) -> Seen:
    """What is told of the steps; `at` is the number of the step."""
    seen = Seen(Connection(secrets))
    for number, (side, step) in enumerate(steps):
        if isinstance(step, bytes):
            seen.connection.receive_data(side, step, number)
        else:
            seen.connection.receive_gap(side, step, number)
        seen.events += seen.connection.events()
    for side in (CLIENT, SERVER):
        seen.connection.receive_end(side, "end")
    seen.events += seen.connection.events()
    return seen


@pytest.fixture
def take(captures: Any) -> Callable[..., tuple[Steps, tuple[bytes, bytes], Callable[..., Seen]]]:
    """The steps of a connection of a capture, its two streams, and what looks at steps.

    What is told with any secrets is compared with what is told of the whole capture with the right ones, which
    `tests/replay` compares with the endpoints.
    """

    def one(name: str, number: int = 0) -> tuple[Steps, tuple[bytes, bytes], Callable[..., Seen]]:
        secrets = captures.secrets(name)
        truth: Counter[tuple[int, bytes]] = Counter()
        for stream in captures.streams(name)[: number + 1]:  # sessions are resumed that those before made
            truth = see(secrets, list(stream.segments)).plaintext()
        assert truth

        def look(steps: Steps, secrets: Secrets | None = None) -> Seen:
            seen = see(secrets if secrets is not None else captures.secrets(name), steps)
            assert not seen.plaintext() - truth, "nothing is told that the peers did not say"
            return seen

        return list(stream.segments), (stream.side(CLIENT), stream.side(SERVER)), look

    return one


def assert_only(seen: Seen, epoch: int, reason: Reason) -> dict[str, Any]:
    """That both directions of an epoch have the reason, all of their records, and no other; gives the evidence."""
    assert seen.reasons(epoch) == (reason, reason)
    assert seen.told_in(epoch) == {reason}
    client, server = seen.handshake(epoch).client, seen.handshake(epoch).server
    assert (client.decrypted, server.decrypted) == (0, 0)
    assert client.records
    assert server.records
    different = {key for key in client.evidence if client.evidence[key] != server.evidence.get(key)}
    assert different <= {"at", "offset"}
    assert isinstance(client.evidence["at"], int | str)
    return client.evidence


# The reasons, in their order


def test_mid_stream(take: Any) -> None:
    steps, streams, look = take(PLAIN)
    begin = {side: first_protected(streams[side]) + 100 for side in (CLIENT, SERVER)}
    for known in (None, -1):
        late = hole(hole(steps, CLIENT, 0, begin[CLIENT], known), SERVER, 0, begin[SERVER], known)
        evidence = assert_only(look(late), 0, Reason.mid_stream)
        assert evidence["offset"] >= (begin[CLIENT] if known else 0)
    without_holes = [(side, data) for side, data in late if isinstance(data, bytes)]
    assert_only(look(without_holes), 0, Reason.mid_stream)


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_hello_missing(take: Any, side: int) -> None:
    steps, streams, look = take(PLAIN)
    hello = messages_in_the_clear(streams[side])[1 + side]
    evidence = assert_only(look(hole(steps, side, 0, len(hello) + 5)), 0, Reason.hello_missing)
    assert evidence["missing"] == ("client_hello", "server_hello")[side]
    assert evidence["offset"] == first_protected(streams[CLIENT])


def test_previous_epoch_encrypted(take: Any, captures: Any) -> None:
    steps, _, look = take(PLAIN)
    seen = look(steps, Secrets([captures.unrelated()]))
    evidence = assert_only(seen, 1, Reason.previous_epoch_encrypted)
    assert evidence["previous_epoch"] == 0


def test_no_secrets(take: Any) -> None:
    steps, streams, look = take(PLAIN)
    seen = look(steps, Secrets())
    evidence = assert_only(seen, 0, Reason.no_secrets)
    assert evidence["cipher_suite"] == "TLS_RSA_WITH_AES_128_CBC_SHA"
    for side, verdict in ((CLIENT, seen.handshake(0).client), (SERVER, seen.handshake(0).server)):
        assert verdict.evidence["offset"] == first_protected(streams[side])
        end = verdict.evidence["offset"]
        position = 0
        for number, (sender, data) in enumerate(steps):
            position += len(data) if sender == side else 0
            if position > end:
                assert verdict.evidence["at"] == number  # the segment that brought it
                break


@pytest.mark.parametrize("name", ["openssl-tls13-aes128-gcm", "gnutls-tls13-chacha20", "apache-tls13-post-handshake"])
def test_tls13_needs_key_log(take: Any, captures: Any, name: str) -> None:
    steps, streams, look = take(name)
    random = messages_in_the_clear(streams[CLIENT])[1][6:38]
    other = KeyLogEntry("CLIENT_HANDSHAKE_TRAFFIC_SECRET", bytes(32), bytes(32))
    for secrets in (Secrets(captures.secrets(PLAIN).server_keys), Secrets(key_log=[other])):
        evidence = assert_only(look(steps, secrets), 0, Reason.tls13_needs_key_log)
        assert evidence["client_random"] == random.hex()


@pytest.mark.parametrize("by_ticket", [False, True])
def test_resumed_session_unknown(take: Any, captures: Any, by_ticket: bool) -> None:
    name = f"openssl-tls12-resumed-{'ticket' if by_ticket else 'id'}"
    steps, streams, look = take(name, 1)
    # The connection in which the session was made is not in view, and its key opens no resumption.
    evidence = assert_only(look(steps, captures.secrets(name)), 0, Reason.resumed_session_unknown)
    hello = messages_in_the_clear(streams[SERVER])[2]
    session_id = hello[39 : 39 + hello[38]]
    assert evidence["session_id"] == session_id.hex()
    assert (evidence["ticket_length"] > 0) is by_ticket
    # A key log that has the session by its ID is enough.
    seen = look(steps, Secrets(key_log=[KeyLogEntry("RSA Session-ID", session_id, bytes(48))]))
    assert_only(seen, 0, Reason.mac_failed)  # of 48 zeros: they were tried


def test_key_exchange_not_rsa(take: Any, captures: Any) -> None:
    steps, _, look = take("apache-tls12-ecdhe-then-rsa")
    keys = Secrets(captures.secrets(PLAIN).server_keys)
    evidence = assert_only(look(steps, keys), 0, Reason.key_exchange_not_rsa)
    assert evidence["cipher_suite"] == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert "previous_cipher_suite" not in evidence


def test_key_exchange_not_rsa_where_the_one_before_was(take: Any, captures: Any) -> None:
    steps, streams, look = take("apache-tls12-rsa-then-ecdhe")
    keys = Secrets(captures.secrets(PLAIN).server_keys)
    seen = look(steps, keys)
    assert seen.reasons(0) == (None, None)
    evidence = assert_only(seen, 1, Reason.key_exchange_not_rsa)
    assert evidence["cipher_suite"].startswith("TLS_ECDHE_RSA_")
    assert evidence["previous_cipher_suite"].startswith("TLS_RSA_WITH_")
    # The key log, cut before the line of that handshake, is no help.
    random = messages_in_the_clear(streams[CLIENT])[1][6:38]
    logged = captures.secrets("apache-tls12-rsa-then-ecdhe")
    cut = KeyLogEntry("CLIENT_RANDOM", random, logged.master_secret(random))
    assert_only(look(steps, Secrets(keys.server_keys, [cut])), 1, Reason.key_exchange_not_rsa)


@pytest.mark.parametrize("with_exchange", [True, False])
def test_client_random_not_in_keylog(take: Any, with_exchange: bool) -> None:
    steps, streams, look = take(PLAIN)
    messages = messages_in_the_clear(streams[CLIENT])
    if not with_exchange:  # that comes behind in the list
        start = len(messages[1]) + 5
        steps = hole(steps, CLIENT, start, start + 5 + len(messages[16]))
    other = KeyLogEntry("CLIENT_RANDOM", bytes(32), bytes(48))
    evidence = assert_only(look(steps, Secrets(key_log=[other])), 0, Reason.client_random_not_in_keylog)
    assert evidence["client_random"] == messages[1][6:38].hex()


@pytest.mark.parametrize("and_more", [False, True], ids=["alone", "with the ChangeCipherSpec and Finished"])
def test_client_key_exchange_missing(take: Any, and_more: bool) -> None:
    steps, streams, look = take(PLAIN)
    messages = messages_in_the_clear(streams[CLIENT])
    start = len(messages[1]) + 5
    end = start + 5 + len(messages[16])
    if and_more:
        end = list(walk(streams[CLIENT]))[4][0]
    evidence = assert_only(look(hole(steps, CLIENT, start, end)), 0, Reason.client_key_exchange_missing)
    assert evidence["cipher_suite"] == "TLS_RSA_WITH_AES_128_CBC_SHA"


def test_wrong_key(take: Any, captures: Any) -> None:
    steps, streams, look = take(PLAIN)
    wrong = captures.unrelated()
    elsewhere = CallbackKey(lambda encrypted: bytes(48), public_numbers=(3 * 5, 3), name="HSM")
    evidence = assert_only(look(steps, Secrets([wrong, elsewhere])), 0, Reason.wrong_key)
    certificate = certificate_of(streams[SERVER])
    named = evidence["certificate"]
    assert named["subject"] == certificate.subject.rfc4514_string()
    assert (named["key_identifier"], named["key_sha256"]) == identified(certificate.public_key())
    assert named["modulus"].startswith(f"{certificate.public_key().public_numbers().n:x}"[:16])
    assert [one["name"].rsplit("/")[-1] for one in evidence["keys"]] == ["unrelated.pem", "HSM"]
    public_key = load_public_key(captures)
    assert (evidence["keys"][0]["key_identifier"], evidence["keys"][0]["key_sha256"]) == identified(public_key)


def load_public_key(captures: Any) -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    modulus, exponent = captures.unrelated().public_numbers
    return RSAPublicNumbers(exponent, modulus).public_key()


def test_wrong_key_with_no_certificate_in_view(take: Any, captures: Any) -> None:
    steps, streams, look = take(WITHOUT_EXTENSION)
    hello = messages_in_the_clear(streams[SERVER])[2]
    steps = hole(steps, SERVER, len(hello) + 5 + 20, len(hello) + 5 + 60)
    wrong = CallbackKey(lambda encrypted: bytes(48), name="HSM")
    evidence = assert_only(look(steps, Secrets([wrong])), 0, Reason.wrong_key)
    assert evidence["tried"] == ["HSM"]
    assert [one["name"] for one in evidence["keys"]] == ["HSM"]
    assert look(steps).reasons(0) == (None, None)  # the right one is found without


def test_transcript_incomplete(take: Any) -> None:
    steps, streams, look = take(PLAIN)
    hello = messages_in_the_clear(streams[SERVER])[2]
    steps = hole(steps, SERVER, len(hello) + 5 + 20, len(hello) + 5 + 60)
    evidence = assert_only(look(steps), 0, Reason.transcript_incomplete)
    assert evidence["cipher_suite"] == "TLS_RSA_WITH_AES_128_CBC_SHA"


def test_premaster_invalid(take: Any, captures: Any) -> None:
    steps, streams, look = take(PLAIN)
    messages = messages_in_the_clear(streams[CLIENT])
    # Of a ciphertext that was changed OpenSSL makes something up since 3.2, before that it refuses.
    last = len(messages[1]) + 5 + 5 + len(messages[16]) - 1
    spoilt = changed(steps, CLIENT, last, bytes([streams[CLIENT][last] ^ 1]))
    evidence = assert_only(look(spoilt), 0, Reason.premaster_invalid)
    assert evidence.get("errors") or 48 not in evidence["lengths"]
    # A device that gives something else.
    (key,) = captures.secrets(PLAIN).server_keys
    assert isinstance(key, RSAKey)
    short = CallbackKey(lambda encrypted: key.decrypt(encrypted)[:47], public_numbers=key.public_numbers)
    evidence = assert_only(look(steps, Secrets([short])), 0, Reason.premaster_invalid)
    assert (evidence["expected_length"], evidence["lengths"]) == (48, [47])


def test_cipher_unsupported(take: Any) -> None:
    steps, streams, look = take(PLAIN)
    hello = messages_in_the_clear(streams[SERVER])[2]
    place = 5 + 39 + hello[38]
    assert streams[SERVER][place : place + 2] == b"\x00\x2f"
    aria = CipherSuite.TLS_RSA_WITH_ARIA_128_CBC_SHA256
    steps = changed(steps, SERVER, place, aria.to_bytes(2, "big"))
    evidence = assert_only(look(steps), 0, Reason.cipher_unsupported)
    assert evidence["cipher_suite"] == aria.name


def test_gap(take: Any) -> None:
    steps, streams, look = take("tlslite-ssl30-rc4")
    records = [(offset, fragment) for offset, content_type, fragment in walk(streams[CLIENT]) if content_type == 23]
    start, end = records[0][0], records[1][0]
    seen = look(hole(steps, CLIENT, start, end, None))  # nobody knows where the key stream goes on
    assert seen.reasons(0) == (Reason.gap, None)
    assert seen.handshake(0).client.evidence["offset"] == start  # the hole counts for nothing
    assert look(hole(steps, CLIENT, start, end)).reasons(0) == (None, None)


def test_gap_where_records_are_chained(take: Any) -> None:
    steps, streams, look = take("apache-tls10-response-90k")
    records = [offset for offset, content_type, _ in walk(streams[SERVER]) if content_type == 23]
    seen = look(hole(steps, SERVER, records[1], records[2]))
    assert seen.reasons(0) == (None, None)
    assert seen.reasons(1) == (None, Reason.gap)
    assert seen.handshake(1).server.evidence["offset"] == records[2]
    verdict = seen.handshake(1).server
    assert verdict.records - verdict.decrypted == 1


def test_mac_failed(take: Any) -> None:
    steps, streams, look = take(PLAIN)
    begin = first_protected(streams[SERVER])
    spoilt = next(offset for offset, _, _ in walk(streams[SERVER]) if offset > begin)
    seen = look(changed(steps, SERVER, spoilt + 30, bytes([streams[SERVER][spoilt + 30] ^ 1])))
    assert seen.reasons(0) == (None, Reason.mac_failed)
    assert seen.handshake(0).server.evidence["offset"] == spoilt
    assert seen.told_in(0) == {Reason.mac_failed}


def test_mac_failed_by_a_key_log_of_something_else(take: Any, captures: Any) -> None:
    steps, streams, look = take(PLAIN)
    random = messages_in_the_clear(streams[CLIENT])[1][6:38]
    secrets = Secrets(captures.secrets(PLAIN).server_keys, [KeyLogEntry("CLIENT_RANDOM", random, bytes(48))])
    evidence = assert_only(look(steps, secrets), 0, Reason.mac_failed)
    assert evidence["tried"] == ["key log"]


def test_every_reason_has_a_test() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {reason.value for reason in Reason} <= tested


# A hello that is missing, and other things that name the session


@pytest.mark.parametrize("side", [CLIENT, SERVER])
@pytest.mark.parametrize("by_ticket", [False, True])
def test_a_session_that_is_known_is_no_help_without_both_hellos(
    take: Any, captures: Any, side: int, by_ticket: bool
) -> None:
    """Its ID, its ticket or its client random find the master secret, but both randoms make the keys."""
    name = f"openssl-tls12-resumed-{'ticket' if by_ticket else 'id'}"
    first = captures.streams(name)[0]
    steps, streams, look = take(name, 1)
    secrets = captures.secrets(name)
    assert see(secrets, list(first.segments)).reasons(0) == (None, None)  # so the session is known
    assert look(steps, secrets).reasons(0) == (None, None)
    hello = messages_in_the_clear(streams[side])[1 + side]
    client_random = messages_in_the_clear(streams[CLIENT])[1][6:38]
    server_hello = messages_in_the_clear(streams[SERVER])[2]
    session_id = server_hello[39 : 39 + server_hello[38]]
    logged = [
        KeyLogEntry("CLIENT_RANDOM", client_random, bytes(48)),
        KeyLogEntry("RSA Session-ID", session_id, bytes(48)),
    ]
    secrets.add_key_log(logged)
    evidence = assert_only(look(hole(steps, side, 0, len(hello) + 5), secrets), 0, Reason.hello_missing)
    assert evidence["missing"] == ("client_hello", "server_hello")[side]


def test_a_capture_that_begins_inside_is_mid_stream_whatever_the_key_log_knows(take: Any, captures: Any) -> None:
    name = "apache-tls12-ecdhe-then-rsa"
    steps, streams, look = take(name)
    secrets = captures.secrets(name)
    assert secrets.master_secret(messages_in_the_clear(streams[CLIENT])[1][6:38])
    late = hole(hole(steps, CLIENT, 0, first_protected(streams[CLIENT])), SERVER, 0, first_protected(streams[SERVER]))
    seen = look(late, secrets)
    assert_only(seen, 0, Reason.mid_stream)
    assert_only(seen, 1, Reason.previous_epoch_encrypted)
