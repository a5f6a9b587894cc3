"""`openssl s_server` and `openssl s_client`, talked to through their standard inputs, a step at a time.

    c:TEXT   the client sends a line                s:TEXT   the server sends a line
    c!R      the client renegotiates                s!r s!R  the server does; R asks for a certificate
    s?r      the server asks, and the client refuses

s_client's 'R' makes a full handshake.  On s_server's 'r' and 'R', s_client offers its session, and s_server
resumes it unless told not to: the handshake is abbreviated, and an 'R' asks for no certificate after all.
"""

from __future__ import annotations

import names
from lab import Lab, Recording
from peers import Peer, PeerError
from testimony import Connection, Message, read_openssl_messages


class _Dialogue:
    """The steps of one connection, each completed before the next begins."""

    def __init__(self, server: Peer, client: Peer, resumptions: int) -> None:
        self._server, self._client = server, client
        self._finished = 2 + 2 * resumptions  # Finished messages that the server has seen so far
        self._renegotiations = 0  # that the client has begun
        self.data = {"c": b"", "s": b""}
        self.refused = False

    def take(self, step: str) -> None:
        side, kind, text = step[0], step[1], step[2:]
        line = text.encode() + b"\n"
        (self._client if side == "c" else self._server).say(line)
        if kind == ":":
            (self._server if side == "c" else self._client).expect(line)
            self.data[side] += line
        elif kind == "?":
            self._server.expect(b"no_renegotiation")
            self.refused = True
        else:
            self._finished += 2
            if side == "s":
                self._server.expect(b", Finished", self._finished)
            else:
                # s_client only notes the wish; the handshake goes out with the next data
                self._renegotiations += 1
                self._client.expect(b"RENEGOTIATING", self._renegotiations)


def with_openssl(
    lab: Lab,
    steps: list[str],
    *,
    version: str = "tls1_2",
    suite: str = "AES128-SHA",
    server: str = "",
    client: str = "",
    certificate: str = "server",
    accepted: int = 3,
    connections: int = 1,
) -> Recording:
    """Record s_client and s_server taking `steps`; s_client reconnects to make all the `connections`.

    `server` and `client` are further options, `certificate` the stem of the server's.
    """
    subjects = names.authority_names(accepted)
    certificates = lab.write_names(subjects)
    ciphers = f"-cipher {suite}:@SECLEVEL=0"
    with lab.stage() as stage:
        listening = stage.start(
            "server",
            f"openssl s_server -accept 443 -{version} {ciphers} -cert {certificate}.crt -key {certificate}.key "
            f"-CAfile {certificates} -client_renegotiation -msg {server}",
            ready=b"ACCEPT",
        )
        calling = stage.start(
            "client",
            f"openssl s_client -connect 10.10.10.15:443 {ciphers} -CAfile server-issuer.pem "
            f"-brief -msg -msgfile client.log {client}",
            ready=b"CONNECTION ESTABLISHED",
        )
        listening.expect(b", Finished", 2 * connections)
        dialogue = _Dialogue(listening, calling, connections - 1)
        for step in steps:
            dialogue.take(step)
        if not dialogue.refused:
            calling.say(b"Q\n")
        calling.wait()
        pcap = stage.finish(connections)
        listening.terminate()
        seen = read_openssl_messages((lab.folder / "client.log").read_text(), of="client")
        agree(seen, read_openssl_messages(listening.stdout.decode(), of="server"))
        if calling.stdout != dialogue.data["s"]:
            raise PeerError(f"the client read {bytes(calling.stdout)!r}")
        conversations = split(seen, connections)
        conversations[-1].from_client, conversations[-1].from_server = dialogue.data["c"], dialogue.data["s"]
        return Recording(
            pcap=pcap,
            commands=[*stage.commands, f"steps: {', '.join(steps)}"],
            witness="openssl s_client -msg, which s_server -msg confirms",
            connections=conversations,
            configured_names=subjects,
            keylog=lab.read_keylog(),
        )


def agree(client: list[Message], server: list[Message], *, unread: int = 0) -> None:
    """Hold the two ends' accounts of the messages together; the client did not read the last `unread`."""
    for sender, missing in (("client", 0), ("server", unread)):
        seen, sent = (
            [message for message in account if message.sender == sender and not message.is_alert]
            for account in (client, server)
        )
        if seen != sent[: len(sent) - missing]:
            raise PeerError(f"the two ends differ about what the {sender} sent")


def split(messages: list[Message], connections: int) -> list[Connection]:
    """Deal the messages to their connections: each but the last is one handshake; a ClientHello begins it."""
    conversations: list[Connection] = []
    for message in messages:
        if message.name == "client_hello" and len(conversations) < connections:
            conversations.append(Connection())
        conversations[-1].messages.append(message)
    return conversations
