"""The exceptions of tlswire.

    TLSWireError
    ├── DecodeError    bytes that do not have the structure they should have
    ├── EncodeError    a value that cannot be written in its structure
    ├── DecryptError   a protected record or secret that does not open
    ├── CaptureError   a capture file that cannot be read, or not to its end
    └── SecretsError   a key, key log or password that cannot be used

Each says what was wrong, where, and what was expected instead.  No exception of a library underneath
(construct, struct, cryptography) leaves tlswire; it is turned into one of these, and chained.
None of them ever holds a secret.
"""

from __future__ import annotations

import enum


class DecodeErrorKind(enum.StrEnum):
    """How bytes fail their structure.  Only framing refuses; odd values are a message's `violations`."""

    truncated = "truncated"  # fewer bytes than the structure, or a length in it, announces
    trailing = "trailing"  # bytes left over where the structure has ended
    malformed = "malformed"  # not what it claims to be: DER that is no DER, a record header that is none


class TLSWireError(Exception):
    """The root of all exceptions that tlswire raises on purpose.

    `alert` is the name of the alert that a TLS peer would send in this case (RFC 5246 §7.2.2), or None.
    """

    alert: str | None = None


class DecodeError(TLSWireError):
    """Bytes do not have the structure that they should have.

    Parameters: `kind`; `path`, the dotted field path from the outermost structure ("extensions[2].body");
    `offset`, in bytes from the start of what was being decoded, where decoding had to stop;
    `expected` and `actual`, in words or numbers of bytes.
    """

    alert = "decode_error"

    def __init__(
        self, kind: DecodeErrorKind, path: str, offset: int, expected: object = None, actual: object = None
    ) -> None:
        self.kind = kind
        self.path = path
        self.offset = offset
        self.expected = expected
        self.actual = actual
        super().__init__(kind, path, offset, expected, actual)

    def __str__(self) -> str:
        where = f"{self.path or 'message'} at offset {self.offset}"
        text = f"{where}: {self.kind.value}"
        if self.expected is not None:
            text += f", expected {_bytes_or_words(self.expected)}"
        if self.actual is not None:
            text += f", got {_bytes_or_words(self.actual)}"
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DecodeError):
            return NotImplemented
        return self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


class EncodeError(TLSWireError):
    """A value cannot be written in its structure: too long, out of range, of the wrong type.

    Parameters: `path`, the dotted field path; `expected` and `actual`, in words or numbers of bytes.
    """

    alert = "internal_error"

    def __init__(self, path: str, expected: object = None, actual: object = None) -> None:
        self.path = path
        self.expected = expected
        self.actual = actual
        super().__init__(path, expected, actual)

    def __str__(self) -> str:
        text = f"{self.path or 'message'} cannot be encoded"
        if self.expected is not None:
            text += f": expected {_bytes_or_words(self.expected)}"
        if self.actual is not None:
            text += f", got {_bytes_or_words(self.actual)}"
        return text


class DecryptError(TLSWireError):
    """A protected record or a secret does not open.

    Parameters: `reason`, one of the closed list of `tlswire.Reason` values or, inside `crypto`, what the
    check was ("mac_failed"); `epoch` and `sequence_number` of the record where they are known.
    """

    alert = "bad_record_mac"

    def __init__(self, reason: str, epoch: int | None = None, sequence_number: int | None = None) -> None:
        self.reason = reason
        self.epoch = epoch
        self.sequence_number = sequence_number
        super().__init__(reason, epoch, sequence_number)

    def __str__(self) -> str:
        text = str(self.reason)
        if self.epoch is not None:
            text += f", epoch {self.epoch}"
        if self.sequence_number is not None:
            text += f", record {self.sequence_number}"
        return text


class CaptureError(TLSWireError):
    """A capture cannot be read, or not to its end.

    Parameters: `message`, what is wrong; `file`, its name; `file_offset`, in bytes; `frame`, 1-based, the
    frame at which reading stopped.  What is not known is None.
    """

    def __init__(
        self, message: str, file: str | None = None, file_offset: int | None = None, frame: int | None = None
    ) -> None:
        self.message = message
        self.file = file
        self.file_offset = file_offset
        self.frame = frame
        super().__init__(message, file, file_offset, frame)

    def __str__(self) -> str:
        place = [self.file] if self.file else []
        if self.frame is not None:
            place.append(f"frame {self.frame}")
        if self.file_offset is not None:
            place.append(f"offset {self.file_offset}")
        return f"{', '.join(place)}: {self.message}" if place else self.message


class SecretsError(TLSWireError):
    """A key file, key log or password cannot be used.

    Parameters: `message`, what is wrong (never the secret); `file`, its name, or None.
    """

    def __init__(self, message: str, file: str | None = None) -> None:
        self.message = message
        self.file = file
        super().__init__(message, file)

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" if self.file else self.message


def _bytes_or_words(value: object) -> str:
    return f"{value} byte{'' if value == 1 else 's'}" if isinstance(value, int) else str(value)
