"""What UDP carries of TLS, which is not read: QUIC and DTLS, told apart from all else.

Only what begins a connection can be told: QUIC's long headers (RFC 9000 §17.2), and DTLS records with the header that
every version has in the clear (RFC 6347 §4.1).  No port is asked for; so it must be well-formed as far as it says.
"""

from __future__ import annotations

QUIC = "quic"
DTLS = "dtls"

_UDP_HEADER = 8
_QUIC_VERSIONS = (0x00000001, 0x6B3343CF)  # RFC 9000 §15, RFC 9369 §3.1
_QUIC_DRAFTS = 0xFF000000  # RFC 9000 §15, and the number of the draft
_LAST_DRAFT = 34
_CONNECTION_ID = 20  # bytes at most (RFC 9000 §17.2)
_DTLS_VERSIONS = (0xFEFF, 0xFEFD, 0xFEFC)
_DTLS_TYPES = range(20, 27)  # those of TLS, tls12_cid (RFC 9146), ACK (RFC 9147)
_DTLS_HEADER = 13
_MAX_FRAGMENT = (1 << 14) + 2048  # RFC 6347 §4.1


def datagram_kind(block: bytes, start: int, end: int) -> str | None:
    """What the UDP datagram is whose header begins at `start`, of a frame that was captured to `end`."""
    if end - start < _UDP_HEADER + _DTLS_HEADER:
        return None
    reach = start + (block[start + 4] << 8 | block[start + 5])  # RFC 768
    start += _UDP_HEADER
    first = block[start]
    if first & 0xC0 == 0xC0:
        return QUIC if _is_quic(block, start, end, reach) else None
    if first in _DTLS_TYPES:
        return DTLS if _is_dtls(block, start, end, reach) else None
    return None


def _is_quic(block: bytes, start: int, end: int, reach: int) -> bool:
    version = int.from_bytes(block[start + 1 : start + 5], "big")
    if version not in _QUIC_VERSIONS and not 0 < version - _QUIC_DRAFTS <= _LAST_DRAFT:
        return False
    destination = block[start + 5]
    source = start + 6 + destination
    # At least a length or a tag follows the connection IDs.
    return (
        destination <= _CONNECTION_ID
        and source < end
        and block[source] <= _CONNECTION_ID
        and source + 1 + block[source] < reach
    )


def _is_dtls(block: bytes, start: int, end: int, reach: int) -> bool:
    """Records follow each other to the end of the datagram, or as far as it was captured."""
    while start < min(end, reach):
        if start + _DTLS_HEADER > end:
            return end < reach  # the rest was cut off
        if block[start] not in _DTLS_TYPES or (block[start + 1] << 8 | block[start + 2]) not in _DTLS_VERSIONS:
            return False
        length = block[start + 11] << 8 | block[start + 12]
        start += _DTLS_HEADER + length
        if not 0 < length <= _MAX_FRAGMENT or start > reach:
            return False
    return True
