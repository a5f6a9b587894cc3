"""What a Connection makes of handshakes: renegotiation, its refusal and binding, resumption, and what is forbidden.

The peers are written by hand (`conftest.py`), because real ones refuse to make most of this.
"""

from __future__ import annotations

from typing import Any

import pytest

from tlswire.crypto import Secrets
from tlswire.registry import CipherSuite, HandshakeType, ProtocolVersion
from tlswire.session import (
    AlertMessage,
    ApplicationData,
    Binding,
    ChangeCipherSpecMessage,
    Connection,
    Event,
    FinishedCheck,
    HandshakeMessage,
    Malformed,
    ProtocolViolation,
    Reason,
    Record,
    Role,
    Undecryptable,
)

CLIENT, SERVER = 0, 1
VERSIONS = [ProtocolVersion.SSLv3, ProtocolVersion.TLSv1_0, ProtocolVersion.TLSv1_1, ProtocolVersion.TLSv1_2]


def data_of(events: list[Event], side: int) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, ApplicationData) and event.side == side)


def messages_of(events: list[Event], side: int) -> list[tuple[str, int]]:
    return [
        (event.msg_type.name, event.epoch)
        for event in events
        if isinstance(event, HandshakeMessage) and event.side == side
    ]


def rules_of(events: list[Event]) -> list[str]:
    return [event.rule for event in events if isinstance(event, ProtocolViolation)]


def undecryptable(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Undecryptable)]


def all_is_well(connection: Connection, events: list[Event]) -> bool:
    proved = [handshake.finished for handshake in connection.handshakes if handshake.verify_data]
    return set(proved) == {FinishedCheck.verified} and not undecryptable(events) and not rules_of(events)


# Renegotiation


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_three_handshakes_one_inside_the_other(peers: Any, version: ProtocolVersion) -> None:
    pair = peers(version=version)
    pair.full()
    pair.data(CLIENT, b"first")
    pair.hello_request()
    pair.full()
    pair.data(SERVER, b"second")
    pair.full(session_id=b"s" * 32)
    pair.data(CLIENT, b"third")
    connection, events = pair.read()
    assert all_is_well(connection, events)
    assert (data_of(events, CLIENT), data_of(events, SERVER)) == (b"firstthird", b"second")
    assert [handshake.secure_renegotiation for handshake in connection.handshakes] == [Binding.verified] * 3
    assert [handshake.initiated_by for handshake in connection.handshakes] == [Role.client, Role.server, Role.client]
    assert ("hello_request", 0) in messages_of(events, SERVER)


def test_a_client_renegotiates_while_data_flow(peers: Any) -> None:
    pair = peers()
    pair.full()
    pair.client_hello()
    pair.data(SERVER, b"before the ServerHello, ")
    pair.server_hello()
    pair.message(SERVER, "server_hello_done", b"")
    pair.data(SERVER, b"before the Finished, ")
    pair.data(CLIENT, b"between the flights, ")
    pair.exchange()
    pair.change(CLIENT)
    pair.finished(CLIENT)
    pair.data(SERVER, b"old keys, ")
    pair.data(CLIENT, b"new keys")
    pair.change(SERVER)
    pair.finished(SERVER)
    pair.data(SERVER, b"new keys")
    connection, events = pair.read()
    assert all_is_well(connection, events)
    assert data_of(events, SERVER) == b"before the ServerHello, before the Finished, old keys, new keys"
    assert data_of(events, CLIENT) == b"between the flights, new keys"
    epochs = [event.epoch for event in events if isinstance(event, ApplicationData)]
    assert sorted(epochs) == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("alert", [True, False], ids=["no_renegotiation", "ignored"])
def test_a_hello_request_without_an_answer_and_a_renegotiation_later(peers: Any, alert: bool) -> None:
    pair = peers()
    pair.full()
    pair.hello_request()
    if alert:
        pair.alert(CLIENT, 1, 100)
    pair.data(CLIENT, b"goes on")
    pair.data(SERVER, b"as well")
    pair.full()
    pair.data(CLIENT, b", after all")
    connection, events = pair.read()
    assert all_is_well(connection, events)
    assert data_of(events, CLIENT) == b"goes on, after all"
    first, second = connection.handshakes
    assert (first.initiated_by, second.secure_renegotiation) == (Role.client, Binding.verified)
    # Without the refusal there is no telling whether the later hello answers the request.
    assert second.initiated_by is (Role.client if alert else Role.server)


def test_a_hello_request_that_is_refused_and_another_that_is_not(peers: Any, feed: Any) -> None:
    pair = peers()
    pair.full()
    pair.hello_request()
    pair.alert(CLIENT, 1, 100)
    pair.hello_request()
    pair.full()
    for side in (CLIENT, SERVER):  # whichever side is read first
        steps = sorted(pair.steps(), key=lambda step: step[0] != side)
        connection = Connection(Secrets([pair.key]))
        feed(connection, steps)
        assert [handshake.initiated_by for handshake in connection.handshakes] == [Role.client, Role.server]


@pytest.mark.parametrize("server_first", [False, True])
def test_a_server_refuses_a_hello_and_accepts_the_next(peers: Any, feed: Any, server_first: bool) -> None:
    pair = peers()
    pair.full()
    pair.client_hello()
    pair.alert(SERVER, 1, 100)
    pair.data(CLIENT, b"old keys, ")
    pair.full()
    pair.data(CLIENT, b"new keys")
    steps = pair.steps()
    if server_first:
        steps.sort(key=lambda step: -step[0])
    connection = Connection(Secrets([pair.key]))
    events = feed(connection, steps)
    assert all_is_well(connection, events)
    assert data_of(events, CLIENT) == b"old keys, new keys"
    assert messages_of(events, CLIENT).count(("client_hello", 1)) == 1
    assert [handshake.finished for handshake in connection.handshakes] == [
        FinishedCheck.verified, FinishedCheck.unknown, FinishedCheck.verified,
    ]  # fmt: skip
    assert connection.handshakes[2].secure_renegotiation is Binding.verified


def test_a_hello_request_is_no_part_of_the_transcript(peers: Any) -> None:
    pair = peers()
    pair.client_hello()
    pair.hello_request()
    pair.server_hello()
    pair.hello_request()
    pair.message(SERVER, "server_hello_done", b"")
    pair.exchange()
    pair.finish()
    connection, events = pair.read()
    assert all_is_well(connection, events)
    assert connection.handshakes[0].initiated_by is Role.server


# RFC 5746


@pytest.mark.parametrize(
    ("initial", "second", "bindings"),
    [
        ({}, {}, (Binding.verified, Binding.verified)),
        ({"client_info": None, "scsv": True}, {}, (Binding.verified, Binding.verified)),
        ({"client_info": None}, {}, (Binding.missing, Binding.verified)),
        ({"server_info": None}, {"server_info": None}, (Binding.missing, Binding.missing)),
        ({}, {"client_info": None}, (Binding.verified, Binding.missing)),
        ({}, {"client_info": b"x" * 12}, (Binding.verified, Binding.mismatch)),
        ({}, {"client_info": b""}, (Binding.verified, Binding.mismatch)),
        ({}, {"server_info": b"x" * 24}, (Binding.verified, Binding.mismatch)),
        ({"server_info": b"x"}, {}, (Binding.mismatch, Binding.verified)),
    ],
)
def test_the_binding_of_a_handshake_to_the_one_before(
    peers: Any, initial: dict[str, Any], second: dict[str, Any], bindings: tuple[Binding, Binding]
) -> None:
    pair = peers()
    pair.full(**initial)
    pair.full(**second)
    connection, events = pair.read()
    assert all_is_well(connection, events)
    assert tuple(handshake.secure_renegotiation for handshake in connection.handshakes) == bindings


def test_the_binding_is_unknown_when_a_finished_or_a_hello_was_lost(peers: Any) -> None:
    pair = peers()
    pair.full()
    pair.full()
    connection, _ = pair.read(("finished", 0, SERVER))
    assert connection.handshakes[1].secure_renegotiation is Binding.unknown
    connection, _ = pair.read(("client_hello", 0))
    assert connection.handshakes[0].secure_renegotiation is Binding.unknown
    assert connection.handshakes[0].secure_renegotiation_why == "no ClientHello was read"


def test_scsv_is_for_the_initial_hello_only(peers: Any) -> None:
    pair = peers()
    pair.full(client_info=None, scsv=True)
    pair.full(scsv=True)
    connection, events = pair.read()
    assert rules_of(events) == ["SCSV in a renegotiating ClientHello"]
    assert connection.handshakes[1].finished is FinishedCheck.verified


# Resumption


@pytest.mark.parametrize("by_ticket", [False, True], ids=["session ID", "ticket"])
@pytest.mark.parametrize("extended", [False, True], ids=["", "extended_master_secret"])
def test_a_session_is_resumed_inside_its_connection(peers: Any, by_ticket: bool, extended: bool) -> None:
    pair = peers()
    name = b"n" * 32
    pair.full(extended=extended, **{"ticket" if by_ticket else "session_id": name})
    pair.hello_request()
    pair.abbreviated(name, by_ticket=by_ticket)
    pair.data(SERVER, b"resumed")
    connection, events = pair.read()
    assert all_is_well(connection, events)
    assert data_of(events, SERVER) == b"resumed"
    assert [handshake.resumed for handshake in connection.handshakes] == [False, True]
    assert connection.handshakes[1].secure_renegotiation is Binding.verified


@pytest.mark.parametrize("by_ticket", [False, True], ids=["session ID", "ticket"])
def test_a_session_is_resumed_in_another_connection_that_shares_the_secrets(peers: Any, by_ticket: bool) -> None:
    name = b"n" * 32
    first, second = peers(), peers()
    first.full(**{"ticket" if by_ticket else "session_id": name})
    second.random.seed(6)
    second.sessions = first.sessions
    second.abbreviated(name, by_ticket=by_ticket)
    second.data(CLIENT, b"resumed")
    shared = Secrets([first.key])
    first.read(secrets=shared)
    connection, events = second.read(secrets=shared)
    assert all_is_well(connection, events)
    assert data_of(events, CLIENT) == b"resumed"
    # Without the first connection nobody can know.
    connection, events = second.read(secrets=Secrets([first.key]))
    assert {event.reason for event in undecryptable(events)} == {Reason.resumed_session_unknown}  # type: ignore[attr-defined]
    assert connection.handshakes[0].client.evidence["session_id"] == (b"" if by_ticket else name).hex()


def test_a_key_that_is_added_while_reading_serves_the_handshakes_that_follow(peers: Any, feed: Any) -> None:
    pair = peers()
    pair.full(session_id=b"1" * 32)
    border = len(pair.sent)
    other = peers()
    other.random.seed(8)
    other.full()
    other.data(CLIENT, b"readable")
    shared = Secrets()
    connection = Connection(shared)
    events = feed(connection, pair.steps()[:border])
    assert {event.reason for event in undecryptable(events)} == {Reason.no_secrets}  # type: ignore[attr-defined]
    shared.add_server_key(other.key)
    connection, events = other.read(secrets=shared)
    assert data_of(events, CLIENT) == b"readable"


# What is forbidden


def test_a_premaster_secret_of_another_version_is_a_violation_and_decrypts(peers: Any) -> None:
    pair = peers()
    pair.full(premaster=b"\x03\x01" + bytes(46))
    pair.data(CLIENT, b"readable")
    connection, events = pair.read()
    assert rules_of(events) == ["the premaster secret has another version"]
    assert data_of(events, CLIENT) == b"readable"
    assert connection.handshakes[0].finished is FinishedCheck.verified


def test_a_partial_message_across_a_change_cipher_spec(peers: Any) -> None:
    pair = peers()
    pair.client_hello()
    pair.server_hello()
    pair.message(SERVER, "server_hello_done", b"")
    pair.exchange()
    pair.record(CLIENT, 22, b"\x14\x00\x00\x0c half", "half a Finished")
    pair.change(CLIENT)
    pair.finished(CLIENT)
    pair.data(CLIENT, b"readable")
    _, events = pair.read()
    assert "ChangeCipherSpec inside a handshake message" in rules_of(events)
    assert [event.raw for event in events if isinstance(event, Malformed)] == [b"\x14\x00\x00\x0c half"]
    assert data_of(events, CLIENT) == b"readable"


def test_a_change_cipher_spec_in_the_middle_of_nothing(peers: Any) -> None:
    pair = peers()
    pair.full()
    pair.record(CLIENT, 20, b"\x01", "change_cipher_spec")
    pair.data(CLIENT, b"still readable")
    _, events = pair.read()
    assert rules_of(events) == ["ChangeCipherSpec outside of a handshake"]
    assert data_of(events, CLIENT) == b"still readable"


def test_application_data_in_the_clear_are_no_application_data(peers: Any) -> None:
    pair = peers()
    pair.client_hello()
    pair.server_hello()
    pair.record(SERVER, 23, b"not protected", "application_data")
    pair.message(SERVER, "server_hello_done", b"")
    _, events = pair.read()
    assert not data_of(events, SERVER)
    assert [event.raw for event in events if isinstance(event, Malformed)] == [b"not protected"]


def _flip(position: int) -> Any:
    def flip(raw: bytes) -> bytes:
        flipped = bytearray(raw)
        flipped[position] ^= 1
        return bytes(flipped)

    return flip


# Each leaves the keys as they are and the transcript not: a session ID, a suite that was offered, an extension.
TAMPERED = [("client_hello", -1), ("client_hello", 41), ("server_hello", -1), ("finished", -1)]


@pytest.mark.parametrize(("name", "position"), TAMPERED)
def test_a_finished_that_contradicts_is_never_believed(peers: Any, name: str, position: int) -> None:
    pair = peers(edit=lambda sent, epoch, raw: _flip(position)(raw) if sent == name else raw)
    pair.full()
    pair.data(CLIENT, b"not to be believed")
    connection, events = pair.read()
    assert not any(isinstance(event, HandshakeMessage) and event.msg_type == HandshakeType.finished for event in events)
    assert not data_of(events, CLIENT)
    assert connection.handshakes[0].finished is FinishedCheck.mismatch
    assert connection.handshakes[0].client.reason is Reason.mac_failed
    assert connection.handshakes[0].client.evidence["check"] == "Finished"


def test_with_the_extended_master_secret_what_was_tampered_with_gives_other_keys(peers: Any) -> None:
    pair = peers(edit=lambda name, epoch, raw: _flip(-1)(raw) if name == "client_hello" else raw)
    pair.full(extended=True)
    connection, events = pair.read()
    assert not any(isinstance(event, HandshakeMessage) and event.protected for event in events)
    assert connection.handshakes[0].finished is FinishedCheck.unknown


# Other beginnings


def test_an_sslv2_hello_begins_a_connection(peers: Any) -> None:
    """RFC 5246 App. E.2: hashed without its length, its challenge padded on the left."""
    pair = peers(version=ProtocolVersion.TLSv1_0)
    pair.epoch = 0
    challenge = bytes(range(16))
    hello = bytes.fromhex("01 0301 0003 0000 0010 00002f") + challenge
    pair.plain(CLIENT, b"\x80" + bytes([len(hello)]) + hello)
    pair.transcript = hello
    pair.client_randoms.append(challenge.rjust(32, b"\0"))
    pair.server_hello(info=None)
    pair.message(SERVER, "server_hello_done", b"")
    pair.exchange()
    pair.finish()
    pair.data(CLIENT, b"readable")
    pair.full(client_info=None, server_info=None)
    pair.data(CLIENT, b" twice")
    connection, events = pair.read()
    assert all_is_well(connection, events)
    assert data_of(events, CLIENT) == b"readable twice"


def test_the_roles_are_found_out_and_not_given(peers: Any, feed: Any) -> None:
    pair = peers()
    pair.full()
    connection = Connection(Secrets([pair.key]), client=0)
    assert (connection.role(0), connection.client_side) == (None, 0)
    events = feed(connection, [(1 - side, step) for side, step in pair.steps()])
    assert (connection.role(0), connection.role(1), connection.client_side) == (Role.server, Role.client, 1)
    assert all_is_well(connection, events)
    assert connection.handshakes[0].client.records == 1


def test_a_null_cipher_is_read_with_and_without_a_key(peers: Any) -> None:
    pair = peers(suite=CipherSuite.TLS_RSA_WITH_NULL_SHA256)
    pair.full()
    pair.data(CLIENT, b"in the open")
    _, events = pair.read()
    assert [(e.data, e.protected) for e in events if isinstance(e, ApplicationData)] == [(b"in the open", True)]
    _, events = pair.read(secrets=Secrets())
    assert [(e.data, e.protected) for e in events if isinstance(e, ApplicationData)] == [(b"in the open", False)]


def test_alerts_and_the_end(peers: Any) -> None:
    pair = peers()
    pair.full()
    pair.alert(CLIENT, 1, 0)
    pair.alert(SERVER, 2, 40)
    _, events = pair.read()
    alerts = [(event.side, event.alert.description.name) for event in events if isinstance(event, AlertMessage)]
    assert alerts == [(0, "close_notify"), (1, "handshake_failure")]


# What is kept and what is shown


@pytest.mark.parametrize("keep", [True, False])
def test_messages_are_forgotten_when_the_handshake_is_over_unless_they_shall_be_kept(peers: Any, keep: bool) -> None:
    pair = peers()
    pair.full()
    pair.full(session_id=b"s" * 32)
    pair.abbreviated(b"s" * 32)
    pair.data(CLIENT, b"readable")
    connection, events = pair.read(keep_messages=keep)
    assert all_is_well(connection, events)
    assert data_of(events, CLIENT) == b"readable"
    for handshake in connection.handshakes:
        assert bool(handshake.messages) is keep
        assert not handshake.transcript
        assert (handshake.client_hello is not None) is keep
    assert [handshake.cipher_suite for handshake in connection.handshakes] == [pair.suite] * 3


def _shows(told: str, secret: bytes) -> bool:
    parts = (secret[start : start + 8] for start in range(0, len(secret) - 7, 4))
    return any(part.hex() in told.lower() or repr(part)[2:-1] in told for part in parts)


def test_nothing_shows_a_secret(peers: Any) -> None:
    pair = peers()
    pair.full(session_id=b"s" * 32, ticket=b"t" * 32)
    pair.data(CLIENT, b"data")
    shared = Secrets([pair.key])
    connection, events = pair.read(("client_key_exchange", 1), secrets=shared)
    handshake = connection.handshakes[0]
    sides = connection._sides
    told = repr([connection, handshake, handshake.keys, shared, events, handshake.verdicts, connection.handshakes])
    told += repr(
        [
            [getattr(handshake, slot) for slot in handshake.__slots__],
            [getattr(handshake.keys, slot) for slot in ("_options", "proved")],
        ]
    )
    told += repr([getattr(side, slot) for side in sides for slot in side.__slots__])
    secrets = [*pair.master_secrets, *pair.premasters.values()]
    assert secrets
    assert not [secret for secret in secrets if _shows(told, secret)]
    assert _shows(repr(secrets), secrets[0])


def test_events_tell_where_they_come_from(peers: Any) -> None:
    pair = peers()
    pair.full()
    connection = Connection(Secrets([pair.key]))
    for number, (side, step) in enumerate(pair.steps()):
        if isinstance(step, bytes):
            connection.receive_data(side, step[:3], f"{number} begins")
            connection.receive_data(side, step[3:], f"{number}")
    found = {event.at for event in connection.events() if isinstance(event, HandshakeMessage | ChangeCipherSpecMessage)}
    assert found == {f"{number}" for number in range(len(pair.sent))}


def test_a_record_that_fails_in_a_run_is_told_and_those_behind_it_are_opened(peers: Any) -> None:
    pair = peers()
    pair.full()
    for number in range(6):
        pair.data(CLIENT, b"data %d" % number)
    _, whole = pair.read()
    raw = bytearray(b"".join(one.data for one in pair.sent if one.side == CLIENT))
    broken = [event for event in whole if isinstance(event, Record) and event.side == CLIENT][-4]
    raw[broken.offset + 5 + len(broken.fragment) - 1] ^= 1
    connection = Connection(secrets=Secrets([pair.key]))
    connection.receive_data(CLIENT, bytes(raw))
    connection.receive_data(SERVER, b"".join(one.data for one in pair.sent if one.side == SERVER))
    told = [event for event in connection.events() if event.side == CLIENT]
    data = [event.data for event in told if isinstance(event, ApplicationData)]
    assert data == [b"data 0", b"data 1", b"data 3", b"data 4", b"data 5"]
    assert [event.reason for event in told if isinstance(event, Undecryptable)] == [Reason.mac_failed]
    verdict = connection.handshakes[0].verdicts[CLIENT]
    assert verdict.records - verdict.decrypted == 1
    kinds = [type(event) for event in told if isinstance(event, Record | ApplicationData | Undecryptable)][-12:]
    assert kinds == [*[Record, ApplicationData] * 2, Record, Undecryptable, *[Record, ApplicationData] * 3]


def test_receive_data_says_whether_there_can_be_something_new() -> None:
    connection = Connection()
    request = bytes.fromhex("160303000400000000")  # a HelloRequest waits for nothing
    assert connection.receive_data(0, request[:3])
    assert not list(connection.events())
    assert not connection.receive_data(0, request[3:4])
    assert connection.receive_data(0, request[4:6])  # the length is known now
    assert not list(connection.events())
    assert not connection.receive_data(0, request[6:8])
    assert connection.receive_data(0, request[8:])
    assert [type(event) for event in connection.events()] == [Record, HandshakeMessage]


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
def test_records_that_are_read_together_come_from_where_their_last_bytes_came(size: int, peers: Any) -> None:
    pair = peers()
    pair.full()
    for number in range(9):
        pair.data(CLIENT, b"d" * 20 * number)
    connection = Connection(secrets=Secrets([pair.key]))
    connection.receive_data(SERVER, b"".join(one.data for one in pair.sent if one.side == SERVER))
    raw = b"".join(one.data for one in pair.sent if one.side == CLIENT)
    for start in range(0, len(raw), size):
        connection.receive_data(CLIENT, raw[start : start + size], start // size)
    events = [event for event in connection.events() if event.side == CLIENT]
    records = [event for event in events if isinstance(event, Record)]
    assert [one.at for one in records] == [(one.offset + 4 + len(one.fragment)) // size for one in records]
    assert [one.at for one in events if isinstance(one, ApplicationData)] == [one.at for one in records][-9:]
