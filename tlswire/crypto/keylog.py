"""The lines of NSS key logs (SSLKEYLOGFILE, RFC 9850), and the older forms that tools still write.

    CLIENT_RANDOM <client random> <master secret>
    RSA <first 8 bytes of the encrypted premaster secret> <premaster secret>
    PMS_CLIENT_RANDOM <client random> <premaster secret of any key exchange>
    RSA Session-ID:<session ID> Master-Key:<master secret>
    <a label of TLS 1.3> <client random> <secret>

Whatever is wrong with a line is told by its number and its lengths, and never by what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import field

from tlswire.values import Value, frozen

_SECRET = rb"([0-9A-Fa-f]+)"
_LINE = re.compile(rb"([A-Z0-9_]+)[ \t]+" + _SECRET + rb"[ \t]+" + _SECRET)
_SESSION = re.compile(rb"RSA Session-ID:" + _SECRET + rb" Master-Key:" + _SECRET)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which editors put before UTF-8
_LONGEST_LINE = 4096  # bytes; the longest of a known label has some 300

# Label: bytes of the identifier, and of the secret (None: that of the hash or the group, which varies).
_LABELS: dict[str, tuple[int, int | None]] = {
    "CLIENT_RANDOM": (32, 48),
    "RSA": (8, 48),
    "PMS_CLIENT_RANDOM": (32, None),  # Wireshark's
    "CLIENT_EARLY_TRAFFIC_SECRET": (32, None),
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": (32, None),
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": (32, None),
    "CLIENT_TRAFFIC_SECRET_0": (32, None),
    "SERVER_TRAFFIC_SECRET_0": (32, None),
    "EARLY_EXPORTER_SECRET": (32, None),
    "EARLY_EXPORTER_MASTER_SECRET": (32, None),
    "EXPORTER_SECRET": (32, None),
    "ECH_SECRET": (32, None),
    "ECH_CONFIG": (32, None),
}
_NAMES = {label.encode(): label for label in _LABELS}  # one string each for the million lines of a key log


@frozen
class KeyLogEntry(Value):
    """A secret, and what tells to which session it belongs.

    `label` as in the file; `RSA Session-ID` for that form.  `identifier`: the client random, the first 8
    bytes of the encrypted premaster secret, or the session ID.
    """

    label: str
    identifier: bytes
    secret: bytes = field(repr=False)

    def line(self) -> str:
        """The entry as a line of a key log, without its end: this is the secret itself, in hexadecimal."""
        if self.label == "RSA Session-ID":
            return f"RSA Session-ID:{self.identifier.hex()} Master-Key:{self.secret.hex()}"
        return f"{self.label} {self.identifier.hex()} {self.secret.hex()}"


@frozen
class KeyLogProblem(Value):
    """A line that is no entry: its 1-based number, and what is wrong with it (never what it holds)."""

    line: int
    message: str


def parse_key_log(lines: Iterable[bytes]) -> Iterator[KeyLogEntry | KeyLogProblem]:
    """The entries of a key log, in order; a malformed line becomes a `KeyLogProblem` and loses no other.

    Parameters: `lines`, with or without their ends.  Blank lines and comments (`#`) are passed over, and
    labels that nobody knows too (RFC 9850 §2).
    """
    for number, line in enumerate(lines, 1):
        line = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).strip()
        if not line or line.startswith(b"#"):
            continue
        parsed = _parse(number, line)
        if parsed is not None:
            yield parsed


def _parse(number: int, line: bytes) -> KeyLogEntry | KeyLogProblem | None:
    if len(line) > _LONGEST_LINE:
        return KeyLogProblem(number, f"{len(line)} bytes long, expected at most {_LONGEST_LINE}")
    found = _LINE.fullmatch(line)
    if found is not None:
        label = _NAMES.get(found[1])
        return None if label is None else _entry(number, label, found[2], found[3], _LABELS[label])
    session = _SESSION.fullmatch(line)
    if session is not None:
        return _entry(number, "RSA Session-ID", session[1], session[2], (None, 48))
    return KeyLogProblem(number, "no label and two hexadecimal numbers")


def _entry(
    number: int, label: str, identifier: bytes, secret: bytes, lengths: tuple[int | None, int | None]
) -> KeyLogEntry | KeyLogProblem:
    for what, digits, length in (("identifier", identifier, lengths[0]), ("secret", secret, lengths[1])):
        if len(digits) % 2 or (length is not None and len(digits) != 2 * length):
            expected = f"{2 * length}" if length is not None else "an even number of"
            return KeyLogProblem(number, f"{label}: {what} of {len(digits)} digits, expected {expected}")
    return KeyLogEntry(label, bytes.fromhex(identifier.decode()), bytes.fromhex(secret.decode()))
