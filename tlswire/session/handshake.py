"""One handshake of a connection: what was said in it, and what follows from that.

A connection is a list of these.  Number 0 is the initial handshake, number n the n-th renegotiation; the number
is the handshake's epoch.  A `Handshake` is told its messages in the order of the transcript, computes nothing
before it is asked, and forgets the messages when the handshake is over unless it shall keep them.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeVar

from tlswire.registry import (
    CipherSuite,
    CipherSuiteParameters,
    CompressionMethod,
    ExtensionType,
    HandshakeType,
    KeyExchange,
    ProtocolVersion,
    parameters,
)
from tlswire.schema import (
    Certificate,
    CertificateRequest,
    CertificateVerify,
    ClientHello,
    RenegotiationInfo,
    ServerHello,
    ServerHelloTLS13Draft,
    ServerKeyExchange,
    SSLv2ClientHello,
    SupportedVersions,
)
from tlswire.session.reasons import Verdict
from tlswire.wire import Context, Message

if TYPE_CHECKING:
    from tlswire.session.after import AfterHandshake
    from tlswire.session.events import HandshakeMessage
    from tlswire.session.keys import Keys, Refusal

M = TypeVar("M", bound=Message)


class Role(enum.StrEnum):
    """What a side is."""

    client = "client"
    server = "server"

    @property
    def peer(self) -> Role:
        """The other one."""
        return Role.server if self is Role.client else Role.client


class Roles:
    """Which side is which, as far as messages have shown it.

    Parameters: `guess`, the side taken for the client until then (the sender of SYN, say), or None.
    """

    __slots__ = ("_found", "_guess")

    def __init__(self, guess: int | None = None) -> None:
        self._found: list[Role | None] = [None, None]
        self._guess = guess

    def __getitem__(self, side: int) -> Role | None:
        return self._found[side]

    def find(self, side: int, role: Role) -> None:
        """Takes what a message has shown."""
        self._found[side], self._found[1 - side] = role, role.peer

    def side(self, role: Role) -> int | None:
        """The side that has that role, or is taken to have it; None where nothing is known."""
        if role in self._found:
            return self._found.index(role)
        if self._guess is None:
            return None
        return self._guess if role is Role.client else 1 - self._guess


class Binding(enum.StrEnum):
    """Whether `renegotiation_info` binds a handshake to the one before it (RFC 5746 §3)."""

    verified = "verified"  # both sides sent what they had to
    missing = "missing"  # one side at least did not signal it
    mismatch = "mismatch"  # a side sent something else than the previous verify_data
    unknown = "unknown"  # a hello, or the previous verify_data, could not be read


class FinishedCheck(enum.StrEnum):
    """What the Finished messages of a handshake say about its transcript (RFC 5246 §7.4.9)."""

    verified = "verified"
    mismatch = "mismatch"
    unknown = "unknown"


class Handshake:
    """The n-th handshake of a connection, n being `epoch`.

    `messages` holds its HandshakeMessage events while the handshake runs, and afterwards when the connection
    was told to keep them.  All else is there in any case.
    """

    __slots__ = (
        "_context", "_roles", "after", "cipher_suite", "client_key_exchange_read", "client_random",
        "compression_method", "encrypt_then_mac", "epoch", "extended_master_secret", "finished_checks", "flight_done",
        "hello_behind_hole", "hello_lost", "hello_read", "hello_retry", "initiated_by", "is_tls13", "keys", "messages",
        "parameters", "resumed", "second_hello_read", "secure_renegotiation", "secure_renegotiation_why",
        "server_end_complete", "server_flight_complete", "server_hello_done", "server_name", "session_hash_complete",
        "session_hash_length", "takes_early_data",
        "traffic_secrets", "transcript", "transcript_complete", "truncated_hmac", "verdicts", "verify_data", "version",
    )  # fmt: skip

    def __init__(self, epoch: int, roles: Roles) -> None:
        self.epoch = epoch
        self._roles = roles
        self.messages: list[HandshakeMessage] = []
        self.verdicts = (Verdict(), Verdict())  # of side 0 and side 1
        self.version: ProtocolVersion | None = None
        self.is_tls13 = False  # that, or a draft of it, was negotiated
        self._context: Context | None = None
        self.cipher_suite: CipherSuite | None = None
        self.parameters: CipherSuiteParameters | None = None
        self.compression_method: CompressionMethod | None = None
        self.server_name: str | None = None
        self.client_random: bytes | None = None  # 32 bytes
        self.resumed: bool | None = None
        self.initiated_by: Role = Role.client
        self.secure_renegotiation = Binding.unknown
        self.secure_renegotiation_why = "no ServerHello was read"
        self.extended_master_secret = False
        self.encrypt_then_mac = False
        self.truncated_hmac = False
        self.verify_data: dict[Role, bytes] = {}
        self.finished_checks: dict[Role, FinishedCheck] = {}
        # Milestones, each set once and never taken back; the sides wait for them.
        self.hello_read = {Role.client: False, Role.server: False}
        self.hello_lost = {Role.client: False, Role.server: False}  # it came encrypted, and could not be read
        self.hello_behind_hole = False  # what came before a hello, in TLS 1.3 another hello perhaps, was lost
        self.hello_retry = False
        self.second_hello_read = False  # the ClientHello that answers a HelloRetryRequest
        self.server_hello_done = False
        self.takes_early_data = False  # the server has taken the client's early data (RFC 8446 §4.2.10)
        self.client_key_exchange_read = False
        self.flight_done = {Role.client: False, Role.server: False}  # the side's Finished is behind us
        # The transcript (RFC 5246 §7.4.9), as the messages' bytes.
        self.transcript: list[bytes] = []
        self.transcript_complete = True
        self.server_end_complete = True  # the same of what the server sent after its ServerHelloDone
        self.server_flight_complete = True  # TLS 1.3: the same of all that the server's Finished covers
        self.session_hash_length: int | None = None  # messages from ClientHello to ClientKeyExchange
        self.session_hash_complete = False  # all of them were read (RFC 7627 §3)
        # Set by the session when the first ChangeCipherSpec asks for the keys.
        self.keys: Keys | Refusal | None = None
        # TLS 1.3: the secrets under which records have verified, by the key log's labels; and what comes afterwards.
        self.traffic_secrets: dict[str, bytes] = {}
        self.after: AfterHandshake | None = None

    def __repr__(self) -> str:
        suite = self.cipher_suite.name if self.cipher_suite is not None else "cipher suite unknown"
        resumed = ", resumed" if self.resumed else ""
        sides = f"client {self.client}, server {self.server}"
        return f"<Handshake {self.epoch}: {self.version or 'version unknown'}, {suite}{resumed}; {sides}>"

    # What was said

    def message(self, message_type: type[M], sender: Role | None = None) -> M | None:
        """The first message of that class, or None.

        Parameters: `sender`, to tell the two Certificate messages apart.
        """
        for event in self.messages:
            message = event.message
            if isinstance(message, message_type) and (sender is None or sender is self._roles[event.side]):
                return message
        return None

    @property
    def client_hello(self) -> ClientHello | SSLv2ClientHello | None:
        """The ClientHello; the last one, where the server asked for another (RFC 8446 §4.1.4)."""
        for event in reversed(self.messages):
            if isinstance(event.message, ClientHello | SSLv2ClientHello):
                return event.message
        return None

    @property
    def may_be_tls13(self) -> bool:
        """Whether the client's hello was read, and the server may choose TLS 1.3 or has done so (RFC 8446 §4.2.1)."""
        hello = self.client_hello
        if self.hello_read[Role.server] or not isinstance(hello, ClientHello):
            return self.is_tls13
        offered = hello.extension(ExtensionType.supported_versions)
        return isinstance(offered, SupportedVersions) and any(one.is_tls13 for one in offered.versions)

    @property
    def server_hello(self) -> ServerHello | ServerHelloTLS13Draft | None:
        """The ServerHello; not a HelloRetryRequest."""
        for event in self.messages:
            if (
                isinstance(event.message, ServerHello | ServerHelloTLS13Draft)
                and not event.message.is_hello_retry_request
            ):
                return event.message
        return None

    @property
    def server_certificate(self) -> Certificate | None:
        """The server's Certificate message."""
        return self.message(Certificate, Role.server)

    @property
    def client_certificate(self) -> Certificate | None:
        """The client's Certificate message, which may hold no certificate."""
        return self.message(Certificate, Role.client)

    @property
    def server_key_exchange(self) -> ServerKeyExchange | None:
        """The ServerKeyExchange message."""
        return self.message(ServerKeyExchange)

    @property
    def certificate_request(self) -> CertificateRequest | None:
        """The CertificateRequest message."""
        return self.message(CertificateRequest)

    @property
    def certificate_verify(self) -> CertificateVerify | None:
        """The CertificateVerify message."""
        return self.message(CertificateVerify)

    # What follows

    @property
    def master_secret(self) -> bytes | None:
        """The master secret, 48 bytes, once a record has verified under it; None before, and where none is known.

        TLS 1.3 has `traffic_secrets` instead.
        """
        proved = self.keys.proved if self.keys is not None else None
        return proved.master_secret if proved is not None else None

    @property
    def client(self) -> Verdict:
        """What became of the client's protected records in this epoch (side 0's, where no role is known)."""
        return self.verdicts[self._roles.side(Role.client) or 0]

    @property
    def server(self) -> Verdict:
        """What became of the server's protected records in this epoch (side 1's, where no role is known)."""
        side = self._roles.side(Role.server)
        return self.verdicts[1 if side is None else side]

    @property
    def finished(self) -> FinishedCheck:
        """`verified` when every Finished that was read fits the transcript, `mismatch` when one does not."""
        checks = self.finished_checks.values()
        if FinishedCheck.mismatch in checks:
            return FinishedCheck.mismatch
        if checks and all(check is FinishedCheck.verified for check in checks):
            return FinishedCheck.verified
        return FinishedCheck.unknown

    @property
    def complete(self) -> bool:
        """True when both sides' Finished are behind us."""
        return self.flight_done[Role.client] and self.flight_done[Role.server]

    def negotiate(self, version: ProtocolVersion) -> None:
        """Takes the version that the server chose."""
        self.version = version
        self.is_tls13 = version.is_tls13
        self._context = None

    @property
    def encrypts_nothing(self) -> bool:
        """True when the negotiated suite has a MAC at most, and no cipher."""
        return self.parameters is not None and self.parameters.cipher.kind == "null"

    @property
    def chains_records(self) -> bool:
        """True when a record's IV is the last block of the one before (RFC 2246 §6.2.3.2)."""
        block = self.parameters is not None and self.parameters.cipher.kind == "block"
        return block and self.version is not None and self.version <= ProtocolVersion.TLSv1_0

    def context(self) -> Context:
        """What the structure of this handshake's messages depends on, as far as it is known."""
        if self._context is None:
            exchange = self.parameters.key_exchange if self.parameters is not None else None
            self._context = Context(version=self.version, key_exchange=exchange)
        return self._context

    def lose(self, sender: Role | None) -> None:
        """Takes that a part of the transcript was lost that `sender` sent.

        What the server says after ServerHelloDone comes behind the client's Finished, which does not cover it; in
        TLS 1.3, so does what the client says after its hello, the second where the server asked for one.
        """
        if sender is Role.server and self.server_hello_done:
            self.server_end_complete = False
        else:
            self.transcript_complete = False
        if sender is not Role.client or (self.hello_retry and not self.second_hello_read):
            self.server_flight_complete = False

    def covered_by_finished(self, sender: Role) -> bool:
        """Whether all of the transcript is there that the Finished of `sender` covers."""
        if self.is_tls13 and sender is Role.server:
            return self.server_flight_complete
        return self.transcript_complete and (sender is Role.client or self.server_end_complete)

    def read_server_hello(self, hello: ServerHello | ServerHelloTLS13Draft) -> None:
        """Takes the parameters that the ServerHello fixes."""
        version = hello.negotiated_version
        self.negotiate(version)
        self.cipher_suite = hello.cipher_suite
        self.parameters = parameters(hello.cipher_suite)
        self.compression_method = hello.compression_method
        if self.is_tls13:
            self.resumed = hello.extension(ExtensionType.pre_shared_key) is not None  # RFC 8446 §4.2.11
        extended = hello.extension(ExtensionType.extended_master_secret) is not None
        self.extended_master_secret = extended and version > ProtocolVersion.SSLv3
        # RFC 7366 §3: a server that answers encrypt_then_mac for a stream or AEAD cipher means nothing by it.
        block = self.parameters is not None and self.parameters.cipher.kind == "block"
        self.encrypt_then_mac = block and hello.extension(ExtensionType.encrypt_then_mac) is not None
        self.truncated_hmac = hello.extension(ExtensionType.truncated_hmac) is not None

    def check_binding(self, previous: Handshake | None) -> None:
        """Compares both hellos' renegotiation_info with the verify_data of `previous` (RFC 5746 §3.4 to §3.7)."""
        if self.is_tls13:
            self._bound(Binding.unknown, "TLS 1.3 has no renegotiation")
            return
        client_hello, server_hello = self.client_hello, self.server_hello
        if client_hello is None or server_hello is None:
            which = "ClientHello" if client_hello is None else "ServerHello"
            self._bound(Binding.unknown, f"no {which} was read")
            return
        scsv = CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV in client_hello.cipher_suites
        offered = _renegotiated_connection(client_hello)
        if offered is None and scsv and previous is None:
            offered = b""
        answered = _renegotiated_connection(server_hello)
        if offered is None or answered is None:
            which = "client" if offered is None else "server"
            self._bound(Binding.missing, f"the {which} did not send renegotiation_info")
            return
        if previous is None:
            client_data = server_data = b""
        elif len(previous.verify_data) == 2:
            client_data, server_data = previous.verify_data[Role.client], previous.verify_data[Role.server]
        else:
            self._bound(Binding.unknown, "a Finished of the previous handshake was not read")
            return
        if offered != client_data:
            self._bound(Binding.mismatch, "the client's renegotiated_connection is not its previous verify_data")
        elif answered != client_data + server_data:
            self._bound(Binding.mismatch, "the server's renegotiated_connection is not the previous verify_data")
        else:
            why = "both sides signalled it" if previous is None else "both sides sent the previous verify_data"
            self._bound(Binding.verified, why)

    def _bound(self, binding: Binding, why: str) -> None:
        self.secure_renegotiation, self.secure_renegotiation_why = binding, why

    @property
    def uses_temporary_rsa_key(self) -> bool:
        """True when an export suite's premaster was encrypted to a key sent in ServerKeyExchange (RFC 2246 §7.4.3)."""
        exchange = self.parameters.key_exchange if self.parameters is not None else None
        sent = any(event.msg_type == HandshakeType.server_key_exchange for event in self.messages)
        return exchange is KeyExchange.RSA_EXPORT and sent


def _renegotiated_connection(
    hello: ClientHello | SSLv2ClientHello | ServerHello | ServerHelloTLS13Draft,
) -> bytes | None:
    if isinstance(hello, SSLv2ClientHello):
        return None
    extension = hello.extension(ExtensionType.renegotiation_info)
    if extension is None:
        return None
    # One that does not decode is there, but can equal no verify_data.
    return extension.renegotiated_connection if isinstance(extension, RenegotiationInfo) else b"malformed"
