"""From a premaster secret to the keys of both directions, and to the Finished messages.

RFC 5246 §8.1, §6.3, §7.4.9.  Every function takes the version and the suite's parameters, since both decide
which hash works; each raises DecryptError `cipher_unsupported` where hashlib lacks it (GOST suites).
"""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import Literal

from tlswire.crypto.prf import prf, ssl3_expand
from tlswire.errors import DecryptError
from tlswire.registry import CipherSuiteParameters, ProtocolVersion
from tlswire.values import Value, frozen

MASTER_SECRET_LENGTH = 48  # bytes, RFC 5246 §8.1

Sender = Literal["client", "server"]


@frozen
class KeyBlock(Value):
    """The keys that RFC 5246 §6.3 cuts from the key block; empty where the cipher has none."""

    client_write_MAC_key: bytes = field(repr=False)
    server_write_MAC_key: bytes = field(repr=False)
    client_write_key: bytes = field(repr=False)
    server_write_key: bytes = field(repr=False)
    client_write_IV: bytes = field(repr=False)
    server_write_IV: bytes = field(repr=False)


def master_secret(
    version: ProtocolVersion,
    parameters: CipherSuiteParameters,
    premaster_secret: bytes,
    client_random: bytes,
    server_random: bytes,
) -> bytes:
    """The master secret, 48 bytes (RFC 5246 §8.1; SSL 3.0: RFC 6101 §6.1).

    Parameters: both randoms, 32 bytes.
    """
    seed = client_random + server_random
    if version <= ProtocolVersion.SSLv3:
        return ssl3_expand(premaster_secret, seed, MASTER_SECRET_LENGTH)
    return prf(version, parameters.prf_hash, premaster_secret, b"master secret", seed, MASTER_SECRET_LENGTH)


def extended_master_secret(
    version: ProtocolVersion, parameters: CipherSuiteParameters, premaster_secret: bytes, session_hash: bytes
) -> bytes:
    """The extended master secret, 48 bytes (RFC 7627 §4).

    Parameters: `session_hash`, `handshake_hash` of the messages from ClientHello to ClientKeyExchange.
    """
    label = b"extended master secret"
    return prf(version, parameters.prf_hash, premaster_secret, label, session_hash, MASTER_SECRET_LENGTH)


def key_block(
    version: ProtocolVersion,
    parameters: CipherSuiteParameters,
    master_secret: bytes,
    client_random: bytes,
    server_random: bytes,
) -> KeyBlock:
    """The keys of both directions (RFC 5246 §6.3; export suites: RFC 2246 §6.3.1, RFC 6101 §6.2.2).

    A truncated HMAC changes nothing here: the MAC's keys keep their length (RFC 6066 §7).
    """
    cipher = parameters.cipher
    mac_length = parameters.mac.length if parameters.mac is not None and cipher.kind != "aead" else 0
    # The IV of a CBC cipher is in the key block up to TLS 1.0; later each record brings its own.
    implicit = cipher.kind == "block" and version <= ProtocolVersion.TLSv1_0
    iv_length = cipher.block_length if implicit else cipher.fixed_iv_length
    export_iv = parameters.export and implicit
    lengths = [mac_length, mac_length, cipher.key_material_length, cipher.key_material_length]
    lengths += [0, 0] if export_iv else [iv_length, iv_length]
    total = sum(lengths)
    seed = server_random + client_random
    if version <= ProtocolVersion.SSLv3:
        block = ssl3_expand(master_secret, seed, total)
    else:
        block = prf(version, parameters.prf_hash, master_secret, b"key expansion", seed, total)
    parts, position = [], 0
    for length in lengths:
        parts.append(block[position : position + length])
        position += length
    if parameters.export:
        parts[2:] = _export_keys(version, parameters, parts[2], parts[3], client_random, server_random, export_iv)
    return KeyBlock(*parts)


def _export_keys(
    version: ProtocolVersion,
    parameters: CipherSuiteParameters,
    client_key: bytes,
    server_key: bytes,
    client_random: bytes,
    server_random: bytes,
    with_iv: bool,
) -> list[bytes]:
    """Both final write keys and IVs of an export suite; the IVs come from public values alone."""
    key_length, iv_length = parameters.cipher.key_length, parameters.cipher.block_length if with_iv else 0
    client_seed, server_seed = client_random + server_random, server_random + client_random
    if version <= ProtocolVersion.SSLv3:
        return [
            _md5(client_key + client_seed)[:key_length],
            _md5(server_key + server_seed)[:key_length],
            _md5(client_seed)[:iv_length],
            _md5(server_seed)[:iv_length],
        ]
    prf_hash = parameters.prf_hash
    ivs = prf(version, prf_hash, b"", b"IV block", client_seed, 2 * iv_length)
    return [
        prf(version, prf_hash, client_key, b"client write key", client_seed, key_length),
        prf(version, prf_hash, server_key, b"server write key", client_seed, key_length),
        ivs[:iv_length],
        ivs[iv_length:],
    ]


def handshake_hash(version: ProtocolVersion, parameters: CipherSuiteParameters, transcript: bytes) -> bytes:
    """The hash of handshake messages (RFC 5246 §7.4.9; up to TLS 1.1 MD5 and SHA-1 one after the other).

    Parameters: `transcript`, the messages with their headers, without HelloRequest.
    """
    if version >= ProtocolVersion.TLSv1_2:
        try:
            return hashlib.new(parameters.prf_hash, transcript).digest()
        except ValueError as error:
            raise DecryptError("cipher_unsupported") from error
    sha1 = hashlib.sha1(transcript, usedforsecurity=False).digest()
    return _md5(transcript) + sha1


def verify_data(
    version: ProtocolVersion,
    parameters: CipherSuiteParameters,
    master_secret: bytes,
    sender: Sender,
    transcript: bytes,
) -> bytes:
    """The verify_data of a Finished: 12 bytes; in SSL 3.0 36 (RFC 5246 §7.4.9, RFC 6101 §5.6.9).

    Parameters: `sender`, whose Finished it is; `transcript`, all messages before it.
    """
    if version <= ProtocolVersion.SSLv3:
        return _ssl3_verify_data(master_secret, b"CLNT" if sender == "client" else b"SRVR", transcript)
    label = b"client finished" if sender == "client" else b"server finished"
    digest = handshake_hash(version, parameters, transcript)
    return prf(version, parameters.prf_hash, master_secret, label, digest, 12)


def _ssl3_verify_data(secret: bytes, sender: bytes, transcript: bytes) -> bytes:
    parts = []
    for name, count in (("md5", 48), ("sha1", 40)):
        pad_1, pad_2 = b"\x36" * count, b"\x5c" * count
        inner = hashlib.new(name, transcript + sender + secret + pad_1, usedforsecurity=False).digest()
        parts.append(hashlib.new(name, secret + pad_2 + inner, usedforsecurity=False).digest())
    return b"".join(parts)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
