"""TLS inside OpenVPN's control channel over TCP.

OpenVPN carries TLS in packets of its own, each behind two bytes of length; so the TCP stream holds TLS in pieces with
headers between them:

    | length | opcode, key ID | session ID | [tls-auth] | acknowledgements | packet ID | piece of TLS |
        2            1             8           e          1 + 4 n (+ 8)          4

How long `tls-auth` is (an HMAC, a packet ID and a time), nobody says; the client's first packet, which has neither
acknowledgements nor TLS, gives it away by its length.  With tls-crypt, which encrypts all that, no TLS comes out.
What is here was checked against OpenVPN's own protocol description and tshark's reading of public captures.
"""

from __future__ import annotations

from tlswire.capture.recognise import Receiver
from tlswire.capture.wrapping import Wrapping

_CONTROL = 4  # the opcode that carries TLS
_RESETS = (1, 2, 7, 8, 10)  # of client and server, in their versions
_SILENT = (3, 5, 6, 9, *_RESETS)  # soft reset, acknowledgement, data in two forms: no TLS of this session
_CLIENT_RESETS = (1, 7)
_BARE_RESET = 1 + 8 + 1 + 4  # bytes: opcode, session ID, no acknowledgements, packet ID
# HMAC of MD5, SHA-1, SHA-256, SHA-384, SHA-512 with 8 bytes of packet ID and time; or nothing.
_TLS_AUTH = (0, 24, 28, 40, 56, 72)
_LENGTH = 2


class OpenVPN(Wrapping):
    """Takes the TLS out of OpenVPN's packets.

    A renegotiation of OpenVPN (soft reset) begins another TLS session beside the first, which is passed over.
    """

    __slots__ = ("_auth", "_buffers", "_key_id", "_lost")

    def __init__(self, target: Receiver) -> None:
        super().__init__(target)
        self._buffers = (bytearray(), bytearray())
        self._lost = [False, False]
        self._auth = 0
        self._key_id = 0

    def _begins(self, data: bytes) -> bool:
        length = int.from_bytes(data[:_LENGTH], "big")
        if len(data) == _LENGTH + length and length - _BARE_RESET in _TLS_AUTH and data[2] >> 3 in _CLIENT_RESETS:
            self._auth = length - _BARE_RESET
            self._key_id = data[2] & 7
            return True
        return False

    def _miss(self, side: int, length: int | None, at: object) -> None:
        """Nobody knows where the next packet begins."""
        self._lost[side] = True
        self.target.receive_gap(side, None, at)

    def _unwrap(self, side: int, data: bytes, at: object) -> None:
        if self._lost[side]:
            return
        buffer = self._buffers[side]
        buffer.extend(data)
        while len(buffer) >= _LENGTH:
            end = _LENGTH + int.from_bytes(buffer[:_LENGTH], "big")
            if len(buffer) < end:
                return
            packet = bytes(buffer[_LENGTH:end])
            del buffer[:end]
            piece = self._piece(packet)
            if piece is None:
                self._miss(side, None, at)
                return
            if piece:
                self.target.receive_data(side, piece, at)

    def _piece(self, packet: bytes) -> bytes | None:
        """The TLS of a packet; None where it is no packet of OpenVPN."""
        if not packet:
            return None
        opcode, key_id = packet[0] >> 3, packet[0] & 7
        if opcode in _SILENT or (opcode == _CONTROL and key_id != self._key_id):
            return b""
        position = 1 + 8 + self._auth
        if opcode != _CONTROL or len(packet) <= position:
            return None
        acknowledged = packet[position]
        position += 1 + (4 * acknowledged + 8 if acknowledged else 0) + 4
        return packet[position:] if len(packet) >= position else None
