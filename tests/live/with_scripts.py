"""Our own peers on tlslite-ng, Mbed TLS and OpenSSL's library, for what no program of Debian's can be told to do."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from lab import KEYLOG, Lab, Recording
from peers import PeerError
from testimony import read_openssl_messages, read_peer_events
from with_openssl import agree

HERE = Path(__file__).parent


def _script(lab: Lab, name: str, *arguments: str) -> str:
    """The command that runs a script, copied into the working folder so that the record has no path."""
    (lab.folder / name).write_bytes((HERE / name).read_bytes())
    return shlex.join(["python3", name, *arguments])


def with_tlslite(
    lab: Lab,
    server: tuple[dict[str, Any], tuple[str, ...]],
    client: tuple[dict[str, Any], tuple[str, ...]],
) -> Recording:
    """Record tlslite-ng on both ends, each with its settings and steps, as tlslite_peer.py describes them."""
    files = {}
    for side, settings in (("server", {"certificate": "server"} | server[0]), ("client", client[0])):
        files[side] = json.dumps(settings)
        (lab.folder / f"{side}.json").write_text(files[side])
    subjects = [bytes.fromhex(subject) for subject in server[0].get("reqCAs", [])]
    with lab.stage() as stage:
        script = "tlslite_peer.py"
        listening = stage.start("server", _script(lab, script, "server", "server.json", *server[1]), ready=b"listening")
        calling = stage.start("client", _script(lab, script, "client", "client.json", *client[1]))
        for peer in (calling, listening):
            if peer.wait() != 0:
                raise PeerError(f"{peer.command}: {peer.stderr.decode()}")
        return Recording(
            pcap=stage.finish(1),
            commands=[*stage.commands, *(f"{side}.json: {text:.200}" for side, text in files.items())],
            witness="tlslite-ng on both ends, each for what it sent",
            connections=[read_peer_events(bytes(calling.stdout), bytes(listening.stdout))],
            configured_names=subjects,
            keylog=lab.read_keylog(),
        )


def with_mbedtls(lab: Lab, suite: int, options: str, *, certificate: str = "server") -> Recording:
    """Record Mbed TLS on both ends, with `options` as mbedtls_peer.py describes them."""
    script, sent, answered = "mbedtls_peer.py", "hello", "goodbye"
    with lab.stage() as stage:
        server_options = f"{options},certificate={certificate}"
        steps = (f"read:{sent}", f"write:{answered}", "close")
        listening = stage.start(
            "server", _script(lab, script, "server", f"{suite:#06x}", server_options, *steps), ready=b"listening"
        )
        client_options = f"{options},keylog={KEYLOG}"
        steps = (f"write:{sent}", f"read:{answered}", "close")
        calling = stage.start("client", _script(lab, script, "client", f"{suite:#06x}", client_options, *steps))
        for peer in (calling, listening):
            if peer.wait() != 0:
                raise PeerError(f"{peer.command}: {peer.stderr.decode()}")
        return Recording(
            pcap=stage.finish(1),
            commands=stage.commands,
            witness="Mbed TLS on both ends, each for what it sent",
            connections=[read_peer_events(bytes(calling.stdout), bytes(listening.stdout))],
            keylog=lab.read_keylog(),
        )


def with_openssl_library(
    lab: Lab,
    steps: list[str],
    *,
    version: str = "TLSv1.2",
    suite: str = "AES128-SHA",
    ticket: bool = True,
    unread: int = 0,
) -> Recording:
    """Record openssl_peer.py, taking `steps`, against s_server.

    Besides its own, `steps` has those of the server, in their places: `server:TEXT` (it sends a line) and
    `server!r` (it sends HelloRequest); the client waits for each (`await`) before its next step.  The last
    `unread` messages of the server are never read.
    """
    ciphers = f"{suite}:@SECLEVEL=0"
    options = "ticket" if ticket else "no_ticket"
    own = ["await" if step.startswith("server") else step for step in steps]
    with lab.stage() as stage:
        listening = stage.start(
            "server",
            f"openssl s_server -accept 443 -cipher {ciphers} -msg -client_renegotiation "
            f"-cert server.crt -key server.key {'' if ticket else '-no_ticket'}",
            ready=b"ACCEPT",
        )
        calling = stage.start("client", _script(lab, "openssl_peer.py", version, ciphers, options, *own))
        waits = 0
        for step in steps:
            if not step.startswith("server"):
                continue
            waits += 1
            calling.expect(b'"awaiting"', waits)
            text = step[len("server:") :].encode() + b"\n"
            listening.say(text)
            if step.startswith("server!"):
                listening.expect(b", HelloRequest")
            calling.say(b"\n")
        if calling.wait() != 0:
            raise PeerError(f"{calling.command}: {calling.stderr.decode()}")
        pcap = stage.finish(1)
        listening.terminate()
        connection = read_peer_events(bytes(calling.stdout))
        # the server's account is the longer one: a client that does not read does not see what was sent to it
        account = read_openssl_messages(listening.stdout.decode(), of="server")
        agree(connection.messages, account, unread=unread)
        connection.messages = account
        return Recording(
            pcap=pcap,
            commands=[*stage.commands, f"steps: {', '.join(steps)}"],
            witness="openssl s_server -msg for the messages, which the client confirms; it for the data",
            connections=[connection],
        )
