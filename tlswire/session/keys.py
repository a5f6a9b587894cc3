"""From the secrets that were given to the keys of an epoch, or to the one reason why there are none.

`candidates` goes through the closed list of reasons in its order.  What it gives are master secrets that may be
right; only a MAC, a tag or a Finished proves one.  `Keys` holds the record protections that they make.
"""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from tlswire.crypto import (
    PremasterSource,
    PublicNumbers,
    RecordProtection,
    Secrets,
    certificate_public_numbers,
    extended_master_secret,
    handshake_hash,
    key_block,
    key_identifiers,
    master_secret,
    record_protection,
)
from tlswire.errors import DecryptError
from tlswire.registry import ExtensionType
from tlswire.schema import ClientHello, EncryptedPreMasterSecret, SessionTicket, certificate_subject
from tlswire.session.handshake import Handshake, Role
from tlswire.session.reasons import Reason
from tlswire.values import Struct, slotted

PREMASTER_LENGTH = 48  # bytes, RFC 5246 §7.4.7.1


@slotted
class Refusal(Struct):
    """Why there are no keys."""

    proved: ClassVar[None] = None  # as with `Keys`

    reason: Reason
    evidence: dict[str, object] = field(default_factory=dict)


@slotted
class Candidate(Struct):
    """A master secret that may be the right one.

    `origin` says where it comes from, for people; `guessed`, that the key it comes from is not known to belong to the
    server's certificate.
    """

    master_secret: bytes = field(repr=False)
    origin: str
    premaster_version: int | None = None  # what the client put into its premaster secret
    guessed: bool = False


def candidates(handshake: Handshake, secrets: Secrets, previous: Handshake | None) -> list[Candidate] | Refusal:
    """The master secrets that may be those of `handshake`, the likeliest first; or the reason why there are none."""
    refusal = nothing_to_go_by(handshake, secrets)
    if refusal is not None:
        return refusal
    hello = handshake.client_hello
    assert hello is not None
    suite = handshake.cipher_suite
    named: dict[str, object] = {"cipher_suite": suite.name if suite is not None else None}
    logged = secrets.master_secret(hello.random)
    if logged is not None:
        return [Candidate(logged, "key log")]
    if handshake.resumed:
        return _resumed(handshake, secrets)
    parameters = handshake.parameters
    premaster = secrets.premaster_secret_of(hello.random)
    if premaster is not None and parameters is not None:
        if handshake.extended_master_secret and not handshake.session_hash_complete:
            return Refusal(Reason.transcript_incomplete, named)
        return _from_premasters(handshake, [(premaster, "key log", False)])
    if parameters is None or not parameters.key_exchange.is_rsa or handshake.uses_temporary_rsa_key:
        if previous is not None and previous.parameters is not None and previous.parameters.key_exchange.is_rsa:
            named["previous_cipher_suite"] = previous.cipher_suite.name if previous.cipher_suite else None
        return Refusal(Reason.key_exchange_not_rsa, named)
    exchange = handshake.message(EncryptedPreMasterSecret)
    premaster = secrets.premaster_secret(exchange.encrypted_pre_master_secret) if exchange is not None else None
    if premaster is None and not secrets.server_keys:
        return Refusal(Reason.client_random_not_in_keylog, {"client_random": hello.random.hex()})
    if exchange is None:
        return Refusal(Reason.client_key_exchange_missing, named)
    sources = _matching(handshake, secrets) if premaster is None else []
    if isinstance(sources, Refusal):
        return sources
    if handshake.extended_master_secret and not handshake.session_hash_complete:
        return Refusal(Reason.transcript_incomplete, named)
    if premaster is not None:
        return _from_premasters(handshake, [(premaster, "key log", False)])
    encrypted = exchange.encrypted_pre_master_secret
    numbers = _certificate_numbers(handshake)
    premasters: list[tuple[bytes, str, bool]] = []
    failures: list[str] = []
    for source in sources:
        try:
            guessed = numbers is None or source.public_numbers is None
            premasters.append((source.decrypt(encrypted), source.name or "server key", guessed))
        except DecryptError as error:
            failures.append(str(error))
    if not premasters:
        return Refusal(Reason.premaster_invalid, {"errors": failures})
    return _from_premasters(handshake, premasters)


def nothing_to_go_by(handshake: Handshake, secrets: Secrets) -> Refusal | None:
    """Why no secret helps, where that is so: the first of the reasons, which look at nothing but the hellos."""
    client = handshake.hello_read[Role.client]
    server = handshake.hello_read[Role.server] or handshake.is_tls13  # a HelloRetryRequest says as much
    if not (client and server):
        if handshake.epoch == 0 and not client and not server:
            return Refusal(Reason.mid_stream)
        if handshake.hello_lost[Role.client] or handshake.hello_lost[Role.server]:
            return Refusal(Reason.previous_epoch_encrypted, {"previous_epoch": handshake.epoch - 1})
        return Refusal(Reason.hello_missing, {"missing": "client_hello" if not client else "server_hello"})
    if handshake.client_hello is None:  # it was let go of: both Finished came before any key
        return Refusal(Reason.hello_missing, {"missing": "client_hello"})
    if secrets.is_empty:
        suite = handshake.cipher_suite
        return Refusal(Reason.no_secrets, {"cipher_suite": suite.name if suite is not None else None})
    return None


def _resumed(handshake: Handshake, secrets: Secrets) -> list[Candidate] | Refusal:
    client_hello, server_hello = handshake.client_hello, handshake.server_hello
    assert client_hello is not None
    assert server_hello is not None
    found: list[Candidate] = []
    offered = client_hello.extension(ExtensionType.session_ticket) if isinstance(client_hello, ClientHello) else None
    ticket = offered.ticket if isinstance(offered, SessionTicket) else b""
    session_id = server_hello.session_id
    for state, origin in (
        (secrets.session_by_ticket(ticket) if ticket else None, "session ticket"),
        (secrets.session_by_id(session_id) if session_id else None, "session ID"),
    ):
        if state is not None and state.master_secret not in [one.master_secret for one in found]:
            found.append(Candidate(state.master_secret, origin))
    if found:
        return found
    return Refusal(Reason.resumed_session_unknown, {"session_id": session_id.hex(), "ticket_length": len(ticket)})


def _matching(handshake: Handshake, secrets: Secrets) -> list[PremasterSource] | Refusal:
    """The keys that belong to the leaf certificate; every key, where no certificate was seen."""
    numbers = _certificate_numbers(handshake)
    if numbers is None:
        return list(secrets.server_keys)
    matching = [key for key in secrets.server_keys if key.public_numbers in (numbers, None)]
    if matching:
        return matching
    certificate = handshake.server_certificate
    assert certificate is not None
    named: dict[str, object] = {"subject": certificate_subject(certificate.certificates[0])}
    return Refusal(Reason.wrong_key, {"certificate": named | _named(numbers), "keys": named_keys(secrets)})


def named_keys(secrets: Secrets) -> list[dict[str, object]]:
    """The given server keys, as evidence has them: by name, modulus and identifiers, as far as these are known."""
    return [
        {"name": key.name} | (_named(key.public_numbers) if key.public_numbers else {}) for key in secrets.server_keys
    ]


def _named(numbers: PublicNumbers) -> dict[str, object]:
    key_identifier, sha256 = key_identifiers(numbers)
    return {"modulus": _short(numbers[0]), "key_identifier": key_identifier, "key_sha256": sha256}


def _certificate_numbers(handshake: Handshake) -> PublicNumbers | None:
    certificate = handshake.server_certificate
    if certificate is None or not certificate.certificates:
        return None
    return certificate_public_numbers(certificate.certificates[0])


def _short(modulus: int) -> str:
    digits = f"{modulus:x}"
    return f"{digits[:16]}… ({modulus.bit_length()} bits)"


def _from_premasters(handshake: Handshake, premasters: list[tuple[bytes, str, bool]]) -> list[Candidate] | Refusal:
    found = []
    assert handshake.parameters is not None
    by_rsa = handshake.parameters.key_exchange.is_rsa
    for premaster, origin, guessed in premasters:
        if by_rsa and len(premaster) != PREMASTER_LENGTH:
            continue
        version = int.from_bytes(premaster[:2], "big") if by_rsa else None
        found.append(Candidate(_master_secret(handshake, premaster), origin, version, guessed))
    if found:
        return found
    return Refusal(
        Reason.premaster_invalid,
        {"expected_length": PREMASTER_LENGTH, "lengths": [len(premaster) for premaster, _, _ in premasters]},
    )


def _master_secret(handshake: Handshake, premaster: bytes) -> bytes:
    version, parameters = handshake.version, handshake.parameters
    assert version is not None
    assert parameters is not None
    if handshake.extended_master_secret:
        transcript = b"".join(handshake.transcript[: handshake.session_hash_length])
        session_hash = handshake_hash(version, parameters, transcript)
        return extended_master_secret(version, parameters, premaster, session_hash)
    client_random, server_random = _randoms(handshake)
    return master_secret(version, parameters, premaster, client_random, server_random)


def _randoms(handshake: Handshake) -> tuple[bytes, bytes]:
    client_hello, server_hello = handshake.client_hello, handshake.server_hello
    assert client_hello is not None
    assert server_hello is not None
    return client_hello.random, server_hello.random


_MAY_BE_UNASSIGNED = {
    Reason.resumed_session_unknown,
    Reason.key_exchange_not_rsa,
    Reason.client_random_not_in_keylog,
    Reason.client_key_exchange_missing,
    Reason.wrong_key,
    Reason.transcript_incomplete,
    Reason.premaster_invalid,
}


def _unassigned(handshake: Handshake, secrets: Secrets, otherwise: list[Candidate] | Refusal) -> list[Candidate]:
    """The secrets that were given for no handshake in particular, where nothing else surely opens this one.

    Parameters: `otherwise`, what there is without them.
    """
    if isinstance(otherwise, Refusal):
        wanted = otherwise.reason in _MAY_BE_UNASSIGNED
    else:
        wanted = all(candidate.guessed for candidate in otherwise)
    # A suite that encrypts nothing is read without keys, and would not be any more if one of these were wrong.
    if not wanted or handshake.parameters is None or handshake.encrypts_nothing:
        return []
    found = [Candidate(secret, "master secret", guessed=True) for secret in secrets.unassigned_master_secrets]
    if not handshake.resumed and (handshake.session_hash_complete or not handshake.extended_master_secret):
        premasters = [(secret, "premaster secret", True) for secret in secrets.unassigned_premaster_secrets]
        made = _from_premasters(handshake, premasters)
        found += made if not isinstance(made, Refusal) else []
    return found


class Keys:
    """The record protections of an epoch, for each master secret that may be the right one.

    They are one until a record is verified: from then on, `proved` is the candidate that verified it, and only
    its protections are left.  `otherwise`: why there are no keys if all of them were given for no handshake in
    particular, and none verifies anything.
    """

    __slots__ = ("_options", "otherwise", "proved")

    def __init__(
        self, options: list[tuple[Candidate, dict[Role, RecordProtection]]], otherwise: Refusal | None = None
    ) -> None:
        self._options = options
        self.otherwise = otherwise
        self.proved: Candidate | None = None

    def __repr__(self) -> str:
        return f"<Keys: {len(self._options)} candidates, {'proved' if self.proved else 'not proved'}>"

    def of(self, role: Role) -> list[tuple[Candidate, RecordProtection]]:
        """What may open the records that `role` sends."""
        return [(candidate, protections[role]) for candidate, protections in self._options]

    def afresh(self, handshake: Handshake, role: Role) -> list[tuple[Candidate, RecordProtection]]:
        """The same as `of`, in new objects, which may be spoilt."""
        made = [(candidate, _protections(handshake, candidate.master_secret)) for candidate, _ in self._options]
        return [(candidate, each[role]) for candidate, each in made if not isinstance(each, Refusal)]

    def prove(self, candidate: Candidate) -> None:
        """Takes that a record was verified under this candidate."""
        self.proved = candidate
        self._options = [option for option in self._options if option[0] is candidate]


def find_keys(handshake: Handshake, secrets: Secrets, previous: Handshake | None) -> Keys | Refusal:
    """The keys of an epoch whose handshake has come to its ChangeCipherSpec, or why there are none.

    Parameters: `previous`, the handshake before it, or None.
    """
    try:
        found = candidates(handshake, secrets, previous)
        unassigned = _unassigned(handshake, secrets, found)
    except DecryptError as error:  # the suite's PRF is none that hashlib has
        return Refusal(Reason(error.reason), {"cipher_suite": str(handshake.cipher_suite)})
    otherwise = None
    if isinstance(found, Refusal):
        if not unassigned:
            return found
        otherwise, found = found, []
    options = []
    for candidate in [*found, *unassigned]:
        made = _protections(handshake, candidate.master_secret)
        if isinstance(made, Refusal):
            return made
        options.append((candidate, made))
    return Keys(options, otherwise)


def _protections(handshake: Handshake, secret: bytes) -> dict[Role, RecordProtection] | Refusal:
    """Both directions' record protections under a master secret (RFC 5246 §6.3)."""
    version, parameters = handshake.version, handshake.parameters
    assert version is not None
    if parameters is None:
        assert handshake.cipher_suite is not None
        return Refusal(Reason.cipher_unsupported, {"cipher_suite": handshake.cipher_suite.name})
    client_random, server_random = _randoms(handshake)
    try:
        block = key_block(version, parameters, secret, client_random, server_random)
    except DecryptError as error:  # its PRF is none that hashlib has
        return Refusal(Reason(error.reason), {"cipher_suite": parameters.suite.name})
    per_role = {
        Role.client: (block.client_write_MAC_key, block.client_write_key, block.client_write_IV),
        Role.server: (block.server_write_MAC_key, block.server_write_key, block.server_write_IV),
    }
    try:
        return {
            role: record_protection(
                version,
                parameters,
                mac_key,
                key,
                iv,
                encrypt_then_mac=handshake.encrypt_then_mac,
                truncated_hmac=handshake.truncated_hmac,
            )
            for role, (mac_key, key, iv) in per_role.items()
        }
    except DecryptError as error:
        return Refusal(Reason(error.reason), {"cipher_suite": parameters.suite.name})
