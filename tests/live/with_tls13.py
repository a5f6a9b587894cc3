"""TLS 1.3 between `openssl s_client` and `openssl s_server`, a step at a time.

    c:TEXT   the client sends a line                    s:TEXT   the server sends a line
    cK ck    the client sends KeyUpdate with its next line, and asks for one (K) or not (k)
    sK sk    the server does
    s?       the server asks for a certificate, after the handshake (RFC 8446 §4.6.2)

Clients come one after the other; a session that one has written (`-sess_out`) another may offer (`-sess_in`).
"""

from __future__ import annotations

from dataclasses import dataclass

import names
from lab import KEYLOG, Lab, Recording, Stage
from peers import Peer, PeerError
from testimony import Connection, Message, read_openssl_messages
from with_openssl import agree

EARLY = b"sent early\n"


@dataclass
class Client:
    """One s_client: its options beyond the usual, its steps, and what becomes of its early data, if it has any."""

    steps: list[str]
    options: str = ""
    early: str = ""


def with_tls13(
    lab: Lab,
    clients: list[Client],
    *,
    suite: str = "TLS_AES_128_GCM_SHA256",
    server: str = "",
    restart: bool = False,
    certificate: str = "server",
    accepted: int = 3,
) -> Recording:
    """Record the clients, one after the other, with one s_server, or (`restart`) each with a new one.

    `server` has further options, `certificate` is the stem of the server's, `accepted` the number of CA names.
    """
    subjects = names.authority_names(accepted)
    (lab.folder / "early.txt").write_bytes(EARLY)
    (lab.folder / "session.pem").unlink(missing_ok=True)
    command = (
        f"openssl s_server -accept 443 -tls1_3 -ciphersuites {suite} -cert {certificate}.crt -key {certificate}.key "
        f"-CAfile {lab.write_names(subjects)} -msg {server}"
    )
    with lab.stage() as stage:
        connections, account = [], b""
        listening = stage.start("server", command, ready=b"ACCEPT")
        for number, client in enumerate(clients):
            if restart and number:
                listening.terminate()
                account += listening.stdout
                listening = stage.start("server", command, ready=b"ACCEPT")
            connections.append(_converse(lab, stage, listening, client, suite))
        pcap = stage.finish(len(clients))
        listening.terminate()
        account += listening.stdout
        told = [message for connection in connections for message in connection.messages]
        served = read_openssl_messages(account.decode(), of="server")
        agree(told, served)
        if len(clients) == 1:  # a client that has said goodbye does not read the server's
            connections[0].messages += [message for message in served if message.is_alert and message not in told]
        asked = any(message.name == "certificate_request" for message in told)
        return Recording(
            pcap=pcap,
            commands=[*stage.commands, *(f"steps: {', '.join(client.steps)}" for client in clients)],
            witness="openssl s_client -msg, which s_server -msg confirms",
            connections=connections,
            configured_names=subjects if asked else [],
            keylog=lab.read_keylog(),
        )


def _converse(lab: Lab, stage: Stage, listening: Peer, client: Client, suite: str) -> Connection:
    """One client's connection, in its words; its key log is appended to the one there is."""
    early = f"-early_data early.txt {client.options}" if client.early else client.options
    log = lab.folder / "client.log"
    log.unlink(missing_ok=True)
    calling = stage.start(
        "client",
        f"openssl s_client -connect 10.10.10.15:443 -tls1_3 -ciphersuites {suite} -CAfile server-issuer.pem "
        f"-keylogfile {KEYLOG} -brief -msg -msgfile client.log {early}",
        ready=b"CONNECTION ESTABLISHED",
    )
    if client.early:
        told = {"accepted": b"\nEarly data received", "rejected": b"\nEarly data was rejected"}
        listening.expect(told[client.early])
    data = {"c": EARLY if client.early else b"", "s": b""}
    for step in client.steps:
        side, kind, text = step[0], step[1], step[2:]
        speaker, listener = (calling, listening) if side == "c" else (listening, calling)
        if kind == ":":
            line = text.encode() + b"\n"
            times = listener.stdout.count(line) + 1
            speaker.say(line)
            listener.expect(line, times)
            data[side] += line
        elif kind == "?":
            finished = listening.stdout.count(b", Finished")
            speaker.say(b"c\n")
            listening.expect(b", Finished", finished + 1)
        else:
            # both only note the wish of a line that begins so, and take the next line for data
            done, log_of = (b"KEYUPDATE", calling.stderr) if side == "c" else (b", KeyUpdate", listening.stdout)
            times = log_of.count(done) + 1
            speaker.say(kind.encode() + b"\n")
            speaker.expect(done, times)
    calling.say(b"Q\n")
    calling.wait()
    if calling.stdout != data["s"]:
        raise PeerError(f"the client read {bytes(calling.stdout)!r}")
    messages: list[Message] = read_openssl_messages(log.read_text(), of="client")
    return Connection(messages, data["c"], data["s"])
