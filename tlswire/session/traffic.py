"""The keys of one direction of TLS 1.3, in the order in which they follow each other (RFC 8446 §7).

    client    early (if offered) -> handshake -> application 0 -> application 1 ...
    server                          handshake -> application 0 -> application 1 ...

A message takes a direction to the next keys: EndOfEarlyData, Finished, KeyUpdate.  Where that message may lie in a hole
or cannot be read, and where early data ends without one because it was refused, the tag shows to which keys a record
belongs.  A key log may have some of the secrets only; so each is looked up when its turn comes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import field
from functools import lru_cache

from tlswire.crypto import Secrets, TrafficProtection, next_traffic_secret, traffic_protection
from tlswire.errors import DecryptError
from tlswire.registry import CipherSuiteParameters, ExtensionType, KeyExchange, ProtocolVersion, parameters
from tlswire.schema import ClientHello
from tlswire.session.handshake import Handshake, Role
from tlswire.session.keys import Refusal, nothing_to_go_by
from tlswire.session.reasons import Reason
from tlswire.values import Struct, slotted

_MOST_UPDATES = 2  # KeyUpdates that may lie in one hole: peers send one in many gigabytes


class Stage(enum.IntEnum):
    """Which of a direction's secrets protects it."""

    early = 0
    handshake = 1
    application = 2


_LABELS = {
    (Role.client, Stage.early): "CLIENT_EARLY_TRAFFIC_SECRET",
    (Role.client, Stage.handshake): "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    (Role.server, Stage.handshake): "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    (Role.client, Stage.application): "CLIENT_TRAFFIC_SECRET_0",
    (Role.server, Stage.application): "SERVER_TRAFFIC_SECRET_0",
}


@slotted
class TrafficKeys(Struct):
    """Keys that may be those of a record; `generation` counts KeyUpdates."""

    stage: Stage
    generation: int
    logged: bytes = field(repr=False)  # the secret in the key log, that of generation 0
    secret: bytes = field(repr=False)
    protection: TrafficProtection = field(repr=False)


class Traffic:
    """Which keys protect what one side sends, and which may follow."""

    __slots__ = (
        "_client_random", "_known", "_offered", "_parameters", "_role", "_secrets", "_version",
        "generation", "proved", "stage",
    )  # fmt: skip

    def __init__(self, handshake: Handshake, role: Role, secrets: Secrets) -> None:
        hello = handshake.client_hello
        assert hello is not None
        assert handshake.version is not None
        self._client_random = hello.random
        self._offered = hello.cipher_suites
        self._parameters = handshake.parameters
        self._version: ProtocolVersion = handshake.version
        self._role = role
        self._secrets = secrets
        self._known: dict[tuple[Stage, int], list[TrafficKeys]] = {}
        early = isinstance(hello, ClientHello) and hello.extension(ExtensionType.early_data) is not None
        self.stage = Stage.early if early and role is Role.client else Stage.handshake
        self.generation = 0
        self.proved: TrafficKeys | None = None  # a record has verified under them

    def __repr__(self) -> str:
        state = "proved" if self.proved else "not proved"
        return f"<Traffic of the {self._role}: {self.stage.name} {self.generation}, {state}>"

    @property
    def label(self) -> str:
        """The key log's label of the secret from which the present keys come."""
        return _LABELS[self._role, self.stage]

    @property
    def is_known(self) -> bool:
        """Whether the secret that protects what comes now is known."""
        return bool(self._keys(self.stage, self.generation))

    @property
    def finished_may_come(self) -> bool:
        """Whether the keys are known that will protect the side's Finished."""
        return self.stage is not Stage.application and bool(self._keys(Stage.handshake, 0))

    def refusal(self) -> Refusal:
        """Why what comes now stays encrypted, when its secret is not known."""
        return Refusal(Reason.tls13_needs_key_log, {"client_random": self._client_random.hex(), "missing": self.label})

    def options(self, *, lossy: bool) -> Iterator[TrafficKeys]:
        """The keys under which the next record may be, the likeliest first.

        Parameters: `lossy`, whether bytes were lost, and the message with them that changed the keys.
        """
        if self.proved is not None and not (lossy or self.stage is Stage.early):
            yield self.proved
            return
        now = self._keys(self.stage, self.generation)
        yield from (self.proved,) if self.proved is not None else now
        if now and not (lossy or self.stage is Stage.early):
            return
        for stage in Stage:
            if stage > self.stage:
                yield from self._keys(stage, 0)
        if lossy:
            first = self.generation + 1 if self.stage is Stage.application else 1
            for generation in range(first, first + _MOST_UPDATES):
                yield from self._keys(Stage.application, generation)

    def prove(self, keys: TrafficKeys) -> None:
        """Takes that a record has verified under `keys`."""
        self.stage, self.generation, self.proved = keys.stage, keys.generation, keys
        self._forget()

    def advance(self, stage: Stage) -> None:
        """Takes that a message has ended what was before `stage`."""
        if stage > self.stage:
            self.stage, self.generation, self.proved = stage, 0, None
            self._forget()

    def update(self) -> None:
        """Takes a KeyUpdate (RFC 8446 §4.6.3)."""
        self._keys(Stage.application, self.generation + 1)
        self.generation += 1
        self.proved = None
        self._forget()

    def _forget(self) -> None:
        """Drops what is behind: of the stage that is left nothing will come."""
        now = (self.stage, self.generation)
        self._known = {place: keys for place, keys in self._known.items() if place == now}

    def _keys(self, stage: Stage, generation: int) -> list[TrafficKeys]:
        found = self._known.get((stage, generation))
        if not found:
            if self.proved is not None and (stage, generation) == (self.stage, self.generation):
                return [self.proved]
            found = list(self._make(stage, generation))
            if found:
                self._known[stage, generation] = found
        return found

    def _make(self, stage: Stage, generation: int) -> Iterator[TrafficKeys]:
        if generation:
            # From the generation before, which may be proved or only supposed.
            for keys in self._keys(stage, generation - 1):
                assert self._parameters is not None
                secret = next_traffic_secret(self._version, self._parameters, keys.secret)
                yield self._made(stage, generation, keys.logged, secret, self._parameters)
            return
        secret_0 = self._secrets.logged(_LABELS[self._role, stage], self._client_random)
        if secret_0 is None:
            return
        for suite in self._suites(stage):
            yield self._made(stage, generation, secret_0, secret_0, suite)

    def _made(
        self, stage: Stage, generation: int, logged: bytes, secret: bytes, suite: CipherSuiteParameters
    ) -> TrafficKeys:
        return TrafficKeys(stage, generation, logged, secret, traffic_protection(self._version, suite, secret))

    def _suites(self, stage: Stage) -> Iterator[CipherSuiteParameters]:
        """The suite that was negotiated; for early data, which came before that, any that the client offered."""
        if self._parameters is not None:
            yield self._parameters
        if stage is Stage.early:
            for suite in dict.fromkeys(map(parameters, self._offered)):
                if suite is not None and suite != self._parameters and _can_open(suite):
                    yield suite


@lru_cache(maxsize=64)
def _can_open(suite: CipherSuiteParameters | None) -> bool:
    """Whether it is a suite of TLS 1.3 whose cipher and hash are there."""
    if suite is None or suite.key_exchange is not KeyExchange.TLS13:
        return False
    try:
        traffic_protection(ProtocolVersion.TLSv1_3, suite, bytes(32))
    except DecryptError:
        return False
    return True


def find_traffic(handshake: Handshake, role: Role | None, secrets: Secrets) -> Traffic | Refusal:
    """What opens the records that `role` sends in a handshake of TLS 1.3, or why nothing does."""
    refusal = nothing_to_go_by(handshake, secrets)
    if refusal is not None:
        return refusal
    hello = handshake.client_hello
    assert hello is not None
    labels = [label for (sender, _), label in _LABELS.items() if sender is role]
    if role is None or not any(secrets.logged(label, hello.random) for label in labels):
        return Refusal(Reason.tls13_needs_key_log, {"client_random": hello.random.hex()})
    if not _can_open(handshake.parameters):
        suite = handshake.cipher_suite
        return Refusal(Reason.cipher_unsupported, {"cipher_suite": suite.name if suite is not None else None})
    return Traffic(handshake, role, secrets)
