"""TLS inside TDS, the protocol of Microsoft SQL Server ([MS-TDS] §2.2.3.1, §2.2.6.5, §3.2.5.1).

In TDS 7.1 to 7.4 client and server first exchange PRELOGIN messages, then the handshake of TLS in packets of that type;
with the first record behind it the wrapping is gone.  Where the two agreed to encrypt the login alone, so is TLS, when
the login was sent (the server: at once):

    client   | 12 PRELOGIN | 12 | hello | .. | 12 | .. Finished | record LOGIN7 | record ..   (or | 01 SQL)
    server   | 04 PRELOGIN |      12 | hello .. | 12 | .. Finished |     record | record ..   (or | 04 rows)
               8 bytes of header: type, status, length, SPID, packet ID, window

A record may go over several packets.  TDS 8 is TLS from the first byte on, and needs nothing of this.
"""

from __future__ import annotations

import re

from tlswire.capture.recognise import Receiver
from tlswire.capture.wrapping import Wrapping

_HEADER = 8
_RECORD_HEADER = 5
_PRELOGIN, _REPLY = 0x12, 0x04  # some servers wrap their TLS in the type of their replies
# Type, status, length, SPID, packet ID, window; then the option VERSION, which is the first and has 6 bytes, or TLS.
_BEGIN = re.compile(rb"[\x12\x04][\x00\x01]......(?:\x00..\x00\x06|\x16\x03)", re.DOTALL)
_RECORD = re.compile(rb"[\x14-\x18]\x03")


class _Side:
    """What is held of a direction, up to a whole packet or record; `begun`, that TLS has begun; `bare`, that it is not
    wrapped any more; `blind`, that something was lost, and with it where a packet or record begins; `over`, that what
    comes now is not TLS."""

    __slots__ = ("bare", "begun", "blind", "buffer", "over")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.begun = self.bare = self.blind = self.over = False


class TDS(Wrapping):
    """Takes the TLS out of TDS packets."""

    __slots__ = ("_sides",)

    def __init__(self, target: Receiver) -> None:
        super().__init__(target)
        self._sides = (_Side(), _Side())

    def receive_end(self, side: int, at: object = None) -> None:
        """The side sends no more."""
        self._flush(side, at)
        self.target.receive_end(side, at)

    def _begins(self, data: bytes) -> bool:
        return _BEGIN.match(data) is not None and len(data) <= int.from_bytes(data[2:4], "big")

    def _unwrap(self, side: int, data: bytes, at: object) -> None:
        state = self._sides[side]
        if state.blind:
            self.target.receive_data(side, data, at)
            return
        buffer = state.buffer
        if not state.over:
            buffer += data
        while len(buffer) >= _RECORD_HEADER:
            if _RECORD.match(buffer):
                state.begun = state.bare = True
                end = _RECORD_HEADER + int.from_bytes(buffer[3:5], "big")
            elif buffer[0] in (_PRELOGIN, _REPLY) and not state.bare:
                end = max(_HEADER, int.from_bytes(buffer[2:4], "big"))
            else:
                self._stop(state)
                return
            if len(buffer) < end:
                return
            piece = bytes(buffer[:end])
            del buffer[:end]
            if not state.bare:
                is_tls = _RECORD.match(piece, _HEADER) or (state.begun and piece[0] == _PRELOGIN)
                if is_tls:
                    state.begun = True
                    piece = piece[_HEADER:]
                elif state.begun:
                    self._stop(state)
                    return
            self.target.receive_data(side, piece, at)

    @staticmethod
    def _stop(state: _Side) -> None:
        """TDS in the clear goes on here: of no interest."""
        state.over = True
        state.buffer.clear()

    def _miss(self, side: int, length: int | None, at: object) -> None:
        state = self._sides[side]
        if not state.over:
            self._flush(side, at)
            # Of wrapped bytes nobody knows how many were TLS.
            self.target.receive_gap(side, length if state.bare or state.blind else None, at)
            state.blind = True

    def _flush(self, side: int, at: object) -> None:
        """Hands on the beginning of a record whose end does not come."""
        state = self._sides[side]
        piece = bytes(state.buffer)
        state.buffer.clear()
        if piece[:1] in (b"\x12", b"\x04") and not state.bare:
            piece = piece[_HEADER:]
        if piece:
            self.target.receive_data(side, piece, at)
