"""A TLS client on OpenSSL's library, for what `openssl s_client` has no command for.

    python openssl_peer.py VERSION CIPHERS OPTIONS STEP …

It connects to 10.10.10.15:443 and takes the steps in order: `write:TEXT`, `read:TEXT` (until TEXT has
come), `full` and `abbreviated` (renegotiate so), `await` (until a line comes on standard input), `close`.
OPTIONS is `ticket` or `no_ticket`.  Standard output is one JSON object a line for all that OpenSSL's message
callback and the application saw.
"""

from __future__ import annotations

import ctypes
import json
import socket
import sys

VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303}
SSL_CTRL_SET_MAX_PROTO_VERSION = 124
SSL_OP_NO_TICKET = 1 << 14
CONTENT_TYPES = {20: "change_cipher_spec", 21: "alert", 22: "handshake"}
RECORD_HEADER = 256  # a pseudo content type of the callback

ssl = ctypes.CDLL("libssl.so.3")
for function in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
    getattr(ssl, function).restype = ctypes.c_void_p
MessageCallback = ctypes.CFUNCTYPE(
    None,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_void_p,
)


def tell(**event: object) -> None:
    """Print one event."""
    print(json.dumps(event), flush=True)


def on_message(written: int, _version: int, kind: int, data: int, length: int, _ssl: int, _argument: int) -> None:
    """Tell of a message that OpenSSL sent or received."""
    octets = ctypes.string_at(data, length)
    sender = "client" if written else "server"
    if kind in CONTENT_TYPES:
        tell(event="message", sender=sender, content_type=CONTENT_TYPES[kind], body=octets.hex())
    elif kind == RECORD_HEADER and not written and octets[0] == 20:
        # of a ChangeCipherSpec that it received, OpenSSL tells only the record header
        tell(event="message", sender=sender, content_type="change_cipher_spec", body="01")


def check(result: int, what: str) -> int:
    """The result of an OpenSSL call that must be positive."""
    if result <= 0:
        raise SystemExit(f"{what} returned {result}")
    return result


def main(version: str, ciphers: str, options: str, *steps: str) -> None:
    """Connect and take the steps."""
    context = ctypes.c_void_p(ssl.SSL_CTX_new(ctypes.c_void_p(ssl.TLS_client_method())))
    check(ssl.SSL_CTX_set_cipher_list(context, ciphers.encode()), "SSL_CTX_set_cipher_list")
    limit = ctypes.c_long(VERSIONS[version])
    check(ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, limit, None), "SSL_CTX_ctrl")
    if options == "no_ticket":
        ssl.SSL_CTX_set_options(context, ctypes.c_uint64(SSL_OP_NO_TICKET))
    callback = MessageCallback(on_message)  # to be kept as long as OpenSSL may call it
    ssl.SSL_CTX_set_msg_callback(context, callback)
    with socket.create_connection(("10.10.10.15", 443)) as connection:
        session = ctypes.c_void_p(ssl.SSL_new(context))
        check(ssl.SSL_set_fd(session, connection.fileno()), "SSL_set_fd")
        check(ssl.SSL_connect(session), "SSL_connect")
        received = bytearray()
        buffer = ctypes.create_string_buffer(16384)
        for step in steps:
            verb, _, argument = step.partition(":")
            text = argument.encode()
            if verb == "write":
                check(ssl.SSL_write(session, text, len(text)), "SSL_write")
                tell(event="sent", side="client", data=text.hex())
            elif verb == "read":
                while text not in received:
                    count = check(ssl.SSL_read(session, buffer, len(buffer)), "SSL_read")
                    received += buffer.raw[:count]
                    tell(event="received", data=buffer.raw[:count].hex())
            elif verb == "await":
                tell(event="awaiting")
                sys.stdin.readline()
            elif verb == "close":
                ssl.SSL_shutdown(session)
            else:
                begin = ssl.SSL_renegotiate if verb == "full" else ssl.SSL_renegotiate_abbreviated
                check(begin(session), verb)
                check(ssl.SSL_do_handshake(session), "SSL_do_handshake")


if __name__ == "__main__":
    main(*sys.argv[1:])
