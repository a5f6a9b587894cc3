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
        self._renegotiations = {"c": 0, "s": 0}
        self.from_client, self.from_server = b"", b""

    def take(self, step: str) -> None:
        side, kind, text = step[0], step[1], step[2:]
        speaker, listener = (self._client, self._server) if side == "c" else (self._server, self._client)
        line = text.encode() + b"\n"
        speaker.say(line)
        if kind == ":":
            listener.expect(line)
            if side == "c":
                self.from_client += line
            else:
                self.from_server += line
            return
        self._renegotiations[side] += 1
        if kind == "?":
            self._server.expect(b"no_renegotiation")
            return
        # s_client only notes the wish; the handshake goes out with the next data, so it cannot be waited for
        self._finished += 2
        if side == "c":
            self._client.expect(b"RENEGOTIATING", self._renegotiations["c"])
        else:
            self._server.expect(b", Finished", self._finished)


def with_openssl(
    lab: Lab,
    steps: list[str],
    *,
    version: str = "tls1_2",
    suite: str = "AES128-SHA",
    server: list[str] | None = None,
    client: list[str] | None = None,
    accepted: int = 3,
    connections: int = 1,
) -> Recording:
    """Record one s_client and one s_server taking `steps`; with more `connections`, s_client was told to reconnect."""
    subjects = names.authority_names(accepted)
    certificates = lab.write_names(subjects)
    ciphers = ["-cipher", f"{suite}:@SECLEVEL=0", "-msg"]
    with lab.stage() as stage:
        listening = stage.start(
            "server",
            ["openssl", "s_server", "-accept", "443", f"-{version}", *ciphers, "-cert", "server.crt"]
            + ["-key", "server.key", "-CAfile", certificates, "-client_renegotiation", *(server or [])],
            ready=b"ACCEPT",
        )
        calling = stage.start(
            "client",
            [
                "openssl",
                "s_client",
                "-connect",
                "10.10.10.15:443",
                "-brief",
                *ciphers,
                "-msgfile",
                "client.log",
            ]
            + ["-CAfile", "server-issuer.pem", *(client or [])],
            ready=b"CONNECTION ESTABLISHED",
        )
        listening.expect(b", Finished", 2 * connections)
        dialogue = _Dialogue(listening, calling, connections - 1)
        for step in steps:
            dialogue.take(step)
        if "?" not in steps[-1]:
            calling.say(b"Q\n")
        calling.wait()
        pcap = stage.finish(connections)
        listening.terminate()
        keylog = lab.folder / "keylog.txt"
        seen = read_openssl_messages((lab.folder / "client.log").read_text(), of="client")
        agree(seen, read_openssl_messages(listening.stdout.decode(), of="server"))
        if calling.stdout != dialogue.from_server:
            raise PeerError(f"the client read {bytes(calling.stdout)!r}")
        conversations = split(seen, connections)
        conversations[-1].from_client, conversations[-1].from_server = (
            dialogue.from_client,
            dialogue.from_server,
        )
        return Recording(
            pcap=pcap,
            commands=stage.commands + [f"steps: {', '.join(steps)}"],
            witness="openssl s_client -msg, which s_server -msg confirms",
            connections=conversations,
            configured_names=subjects,
            keylog=keylog.read_bytes() if "-keylogfile" in (client or []) else b"",
        )


def agree(client: list[Message], server: list[Message]) -> None:
    """Hold the two ends' accounts of the messages against each other."""
    for sender in ("client", "server"):
        accounts = [
            [message for message in account if message.sender == sender and not message.is_alert]
            for account in (client, server)
        ]
        if accounts[0] != accounts[1]:
            raise PeerError(f"the two ends differ about what the {sender} sent")


def split(messages: list[Message], connections: int) -> list[Connection]:
    """Deal the messages to their connections: each but the last is one handshake, which a ClientHello begins."""
    conversations: list[Connection] = []
    for message in messages:
        if message.name == "client_hello" and len(conversations) < connections:
            conversations.append(Connection())
        conversations[-1].messages.append(message)
    return conversations
