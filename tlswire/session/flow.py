"""The order of a handshake: to which handshake a message belongs, and what it has to wait for.

All questions that a `Connection` asks about the order of messages between its two sides are answered here, from
the milestones of its handshakes.  Nothing here reads or changes bytes.
"""

from __future__ import annotations

from tlswire.registry import ContentType, HandshakeType
from tlswire.session.handshake import Handshake, Role, Roles
from tlswire.session.side import Side

# Who sends a message, where only one of the two may: so the roles of the sides are found out.
SENDERS = {
    HandshakeType.hello_request: Role.server,
    HandshakeType.client_hello: Role.client,
    HandshakeType.server_hello: Role.server,
    HandshakeType.server_key_exchange: Role.server,
    HandshakeType.certificate_request: Role.server,
    HandshakeType.server_hello_done: Role.server,
    HandshakeType.certificate_status: Role.server,
    HandshakeType.certificate_verify: Role.client,
    HandshakeType.client_key_exchange: Role.client,
    HandshakeType.certificate_url: Role.client,
}


class Flow:
    """The handshakes of a connection, by epoch, and the order in which its sides take part in them.

    `refused` holds the epochs that the server refused with a no_renegotiation alert (RFC 5246 §7.2.2).
    """

    __slots__ = ("_first_open", "_most", "handshakes", "refused", "roles")

    def __init__(self, roles: Roles, most: int) -> None:
        self._most = most
        self.roles = roles
        self.handshakes: list[Handshake] = []
        self.refused: set[int] = set()
        self._first_open = 0  # the first epoch that was not refused and has none behind it that was

    def known(self, epoch: int) -> Handshake | None:
        """The handshake of that epoch, if anything was read of it."""
        return self.handshakes[epoch] if epoch < len(self.handshakes) else None

    def before(self, epoch: int) -> Handshake | None:
        """The handshake inside which that of `epoch` runs: the last before it that was not refused."""
        if not epoch:
            return None
        earlier = range(min(epoch, len(self.handshakes)) - 1, -1, -1)
        return next((self.handshakes[number] for number in earlier if number not in self.refused), None)

    def handshake(self, epoch: int) -> Handshake:
        """The handshake of that epoch, made if need be."""
        while len(self.handshakes) <= epoch:
            self.handshakes.append(Handshake(len(self.handshakes), self.roles))
        return self.handshakes[epoch]

    def target(self, side: Side, msg_type: HandshakeType | None) -> int:
        """The epoch to which a message of that type (None: a ChangeCipherSpec) belongs, coming from that side."""
        role, epoch = side.role, side.epoch
        handshake = self.known(epoch)
        if role is None or handshake is None or msg_type is HandshakeType.hello_request or handshake.is_tls13:
            return epoch
        over = handshake.flight_done[role]
        if msg_type is None and side.protected and side.holed and epoch == side.keys_epoch:
            over = True  # it came under the keys of that epoch, so its Finished lies in a gap, and a hello too
        if msg_type is HandshakeType.client_hello:
            # Another hello after a HelloRetryRequest is of the same handshake (RFC 8446 §4.1.4).
            retried = handshake.hello_retry and not handshake.hello_read[Role.server]
            over = over or (handshake.hello_read[Role.client] and not retried)
        elif msg_type is HandshakeType.server_hello:
            over = over or handshake.hello_read[Role.server]
            epoch = max(epoch, self._first_open - over)
        return min(epoch + over, self._most - 1)

    def refuse(self, side: Side) -> None:
        """Takes that the server will not renegotiate."""
        epoch = self.target(side, HandshakeType.server_hello)
        self.refused.add(epoch)
        self._first_open = epoch + 1

    def flight_may_go_on(self, side: Side, epoch: int) -> bool:
        """Whether what a side says in a handshake after its hello can be read now."""
        handshake = self.known(epoch)
        if handshake is None:
            return False
        if handshake.is_tls13:
            # The client's second flight answers the server's Finished, or a HelloRetryRequest.
            asked_again = handshake.hello_retry and not handshake.second_hello_read
            return side.role is Role.server or handshake.flight_done[Role.server] or asked_again
        if side.role is Role.client:
            return (
                handshake.server_hello_done
                or handshake.flight_done[Role.server]
                or handshake.hello_retry
                or epoch in self.refused
            )
        if side.role is Role.server:
            if handshake.flight_done[Role.client]:
                return True
            if handshake.server_hello_done or not handshake.hello_read[Role.server]:
                return False
            # A ServerHello and no ServerHelloDone: a resumption, unless the Done was lost.
            return not side.holed or handshake.client_key_exchange_read
        return False

    def message_may_go_on(self, side: Side, msg_type: HandshakeType) -> bool:
        """Whether a handshake message can be read now."""
        if msg_type is HandshakeType.hello_request:
            return True
        role = side.role or SENDERS.get(msg_type)
        if role is None:
            return False
        epoch = self.target(side, msg_type)
        handshake = self.known(epoch)
        if msg_type is HandshakeType.client_hello:
            before = self.known(side.epoch)
            return (
                before is None
                or not before.hello_read[Role.client]
                or before.flight_done[Role.client]
                or self.flight_may_go_on(side, side.epoch)
            )
        if msg_type is HandshakeType.server_hello:
            return handshake is not None and (
                (handshake.hello_read[Role.client] and (handshake.second_hello_read or not handshake.hello_retry))
                or handshake.hello_lost[Role.client]
                or handshake.flight_done[Role.client]
            )
        if handshake is not None and handshake.is_tls13 and handshake.flight_done[role]:
            return _may_follow_handshake(side, handshake, role, msg_type)
        in_first_flight = handshake is None or not handshake.server_hello_done
        if role is Role.server and in_first_flight and (msg_type in SENDERS or msg_type is HandshakeType.certificate):
            return True  # what it depends on, the ServerHello, is behind us or lost
        return self.flight_may_go_on(side, epoch)

    def record_may_go_on(self, side: Side, content_type: int, *, changed: bool) -> bool:
        """Whether a record can be opened now.

        Parameters: `changed`, whether it is the first one that is protected, its ChangeCipherSpec not having been
        seen: it asks for the keys, as that would have.
        """
        if side.protected:
            # What is readable needs nothing more; in what is not, nothing can be learnt.
            changes = content_type == ContentType.change_cipher_spec or (side.lost_records and side.may_have_changed)
            if not changes:
                return True
            if side.refusal is not None:
                # Nothing of a handshake inside can be read, but where its hello was read before the refusal.
                begun = self.known(side.keys_epoch + 1)
                if begun is None or side.role is None or not begun.hello_read[side.role]:
                    return True
        elif not changed and (
            content_type == ContentType.handshake
            or (side.role is not None and content_type in (ContentType.alert, ContentType.heartbeat))
        ):
            return True
        return self.flight_may_go_on(side, self.target(side, None))


def _may_follow_handshake(side: Side, handshake: Handshake, role: Role, msg_type: HandshakeType) -> bool:
    """Whether a message behind a side's Finished of TLS 1.3 can be read now (RFC 8446 §4.6).

    A request for the client's certificate covers the client's Finished, and the client's Certificate answers it.
    """
    later = handshake.after
    if later is None:
        return True
    if role is Role.server:
        return msg_type is not HandshakeType.certificate_request or handshake.flight_done[Role.client]
    return msg_type is not HandshakeType.certificate or later.has_asked(side.handshake_data)
