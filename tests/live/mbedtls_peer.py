"""A TLS client or server on Mbed TLS 2.28, for the truncated HMAC (RFC 6066 §7) and ECDH with the certificate's key.

    python mbedtls_peer.py client|server SUITE OPTIONS STEP …

SUITE is a number; OPTIONS are words joined by commas: `truncated_hmac`, `encrypt_then_mac`, `certificate=STEM` (of
.crt and .key), `keylog=FILE`.  The steps are `write:TEXT`, `read:TEXT` (one record, which is TEXT) and `close`.
Standard output is one JSON object a line for all messages and data that this side sent, as Mbed TLS's debugging
output shows them before they are encrypted; each with the time of the clock that both sides share.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
import time
from pathlib import Path

tls, x509, crypto = (ctypes.CDLL(f"libmbed{name}") for name in ("tls.so.14", "x509.so.1", "crypto.so.7"))
ROOM = 65536  # bytes: more than any of Mbed TLS's structures takes
Debug = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
ExportKeys = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    *[ctypes.POINTER(ctypes.c_ubyte)] * 2,
    *[ctypes.c_size_t] * 3,
    *[ctypes.POINTER(ctypes.c_ubyte)] * 2,
    ctypes.c_int,
)
CONTENT_TYPES = {20: "change_cipher_spec", 21: "alert", 22: "handshake"}
DUMPED = re.compile(r"dumping '(.+)' \(\d+ bytes\)")
RECORD = re.compile(r"output record: msgtype = (\d+)")
PLAIN, SENT = "before encrypt: output payload", "output record sent to network"


def structure(library: ctypes.CDLL, kind: str) -> ctypes.Array[ctypes.c_char]:
    """An initialised structure of Mbed TLS."""
    made = ctypes.create_string_buffer(ROOM)
    getattr(library, f"mbedtls_{kind}_init")(made)
    return made


def call(library: ctypes.CDLL, name: str, *arguments: object) -> int:
    """Call a function, whose result is negative if it failed."""
    result: int = getattr(library, f"mbedtls_{name}")(*arguments)
    if result < 0:
        raise SystemExit(f"{name} returned -0x{-result:04x}")
    return result


def tell(**event: object) -> None:
    """Print one event, with its time in nanoseconds."""
    print(json.dumps({"time": time.monotonic_ns()} | event), flush=True)


class Teller:
    """Reads in the debugging output what was sent; a record is over with the first line after its last dump."""

    def __init__(self, side: str) -> None:
        self._side = side
        self._dumps: dict[str, bytearray] = {}  # of this record
        self._dumped = ""  # the last that was begun
        self._content_type = 0

    def __call__(self, _context: int, _level: int, _file: bytes, _line: int, text: bytes) -> None:
        line = text.decode("latin-1").partition(": ")[2]  # without the session's address
        if found := DUMPED.match(line):
            self._dumped = found[1]
            self._dumps[self._dumped] = bytearray()
        elif self._dumped and re.match(r"[0-9a-f]{4}: ", line):
            self._dumps[self._dumped] += bytes.fromhex(line[6:54])
        else:
            if self._dumped == SENT:
                self._tell_record()
            self._dumped = ""
            if found := RECORD.match(line):
                self._content_type = int(found[1])

    def _tell_record(self) -> None:
        body = self._dumps.get(PLAIN, self._dumps[SENT][5:])
        if self._content_type in CONTENT_TYPES:
            kind = CONTENT_TYPES[self._content_type]
            tell(event="message", sender=self._side, content_type=kind, body=body.hex())
        else:
            tell(event="sent", side=self._side, data=body.hex())
        self._dumps.clear()


def main(side: str, suite: str, options: str, *steps: str) -> None:
    """Take one side of one connection."""
    chosen = dict(option.partition("=")[::2] for option in options.split(","))
    configuration, session = structure(tls, "ssl_config"), structure(tls, "ssl")
    entropy, generator = structure(crypto, "entropy"), structure(crypto, "ctr_drbg")
    certificate, key = structure(x509, "x509_crt"), structure(crypto, "pk")
    listener, connection = structure(tls, "net"), structure(tls, "net")
    call(crypto, "ctr_drbg_seed", generator, crypto.mbedtls_entropy_func, entropy, None, 0)
    call(tls, "ssl_config_defaults", configuration, int(side == "server"), 0, 0)
    tls.mbedtls_ssl_conf_authmode(configuration, 0)
    tls.mbedtls_ssl_conf_rng(configuration, crypto.mbedtls_ctr_drbg_random, generator)
    suites = (ctypes.c_int * 2)(int(suite, 0), 0)
    tls.mbedtls_ssl_conf_ciphersuites(configuration, suites)
    tls.mbedtls_ssl_conf_truncated_hmac(configuration, int("truncated_hmac" in chosen))
    tls.mbedtls_ssl_conf_encrypt_then_mac(configuration, int("encrypt_then_mac" in chosen))
    if "certificate" in chosen:
        call(x509, "x509_crt_parse_file", certificate, f"{chosen['certificate']}.crt".encode())
        call(crypto, "pk_parse_keyfile", key, f"{chosen['certificate']}.key".encode(), None)
        call(tls, "ssl_conf_own_cert", configuration, certificate, key)

    def log_secret(_context: int, secret: object, _keys: object, *rest: object) -> int:
        random, master = (ctypes.string_at(octets, size).hex() for octets, size in ((rest[3], 32), (secret, 48)))
        Path(chosen["keylog"]).write_text(f"CLIENT_RANDOM {random} {master}\n")
        return 0

    debug, export = Debug(Teller(side)), ExportKeys(log_secret)  # to be kept as long as they may be called
    tls.mbedtls_debug_set_threshold(4)
    tls.mbedtls_ssl_conf_dbg(configuration, debug, None)
    if "keylog" in chosen:
        tls.mbedtls_ssl_conf_export_keys_ext_cb(configuration, export, None)
    if side == "server":
        call(tls, "net_bind", listener, b"10.10.10.15", b"443", 0)
        tell(event="listening")
        call(tls, "net_accept", listener, connection, None, 0, None)
    else:
        call(tls, "net_connect", connection, b"10.10.10.15", b"443", 0)
    call(tls, "ssl_setup", session, configuration)
    tls.mbedtls_ssl_set_bio(session, connection, tls.mbedtls_net_send, tls.mbedtls_net_recv, None)
    call(tls, "ssl_handshake", session)
    for step in steps:
        verb, _, argument = step.partition(":")
        text = argument.encode()
        if verb == "write":
            call(tls, "ssl_write", session, text, len(text))
        elif verb == "read":
            received = ctypes.create_string_buffer(16384)
            count = call(tls, "ssl_read", session, received, len(received))
            if received.raw[:count] != text:
                raise SystemExit(f"{received.raw[:count]!r} came instead of {text!r}")
        else:
            call(tls, "ssl_close_notify", session)
    tls.mbedtls_net_free(connection)


if __name__ == "__main__":
    main(*sys.argv[1:])
