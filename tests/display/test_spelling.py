"""Bytes in the spellings of Wireshark, hexdump, xxd, od, C, Python and base64; the dumps are those tools' output."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlswire.display.spelling import bytes_from_base64, bytes_from_hex, bytes_from_text
from tlswire.errors import DecodeError

RAW = bytes.fromhex("1603010020") + b"ab cd ef 12 34 | 56  beef"

DUMPS = {
    "Wireshark": (
        "0000   16 03 01 00 20 61 62 20 63 64 20 65 66 20 31 32   .... ab cd ef 12\n"
        "0010   20 33 34 20 7c 20 35 36 20 20 62 65 65 66          34 | 56  beef\n"
    ),
    "hexdump -C": (
        "00000000  16 03 01 00 20 61 62 20  63 64 20 65 66 20 31 32  |.... ab cd ef 12|\n"
        "00000010  20 33 34 20 7c 20 35 36  20 20 62 65 65 66        | 34 | 56  beef|\n"
        "0000001e\n"
    ),
    "xxd": (
        "00000000: 1603 0100 2061 6220 6364 2065 6620 3132  .... ab cd ef 12\n"
        "00000010: 2033 3420 7c20 3536 2020 6265 6566        34 | 56  beef\n"
    ),
    "xxd -p": RAW.hex()[:40] + "\n" + RAW.hex()[40:] + "\n",
    "xxd -i": "{\n  0x16, 0x03, 0x01, 0x00, 0x20, " + ", ".join(f"{byte:#04x}" for byte in RAW[5:]) + "\n};\n",
    "od -A x -t x1": (
        "000000 16 03 01 00 20 61 62 20 63 64 20 65 66 20 31 32\n"
        "000010 20 33 34 20 7c 20 35 36 20 20 62 65 65 66\n"
        "00001e\n"
    ),
    "Python": "".join(f"\\x{byte:02x}" for byte in RAW),
    "colons": RAW.hex(":"),
    "upper case": RAW.hex(" ").upper(),
    "0x before all": "0x" + RAW.hex(),
}


@pytest.mark.parametrize("tool", DUMPS)
def test_hex_is_read_as_tools_write_it(tool: str) -> None:
    assert bytes_from_hex(DUMPS[tool]) == RAW


def test_characters_that_look_like_hex_are_no_bytes() -> None:
    assert bytes_from_hex("00000000: 6162 6364 6566 3031 3233 3435 3637 3839  abcdef0123456789\n") == (
        b"abcdef0123456789"
    )
    assert bytes_from_hex("0000   61 62   ab\n") == b"ab"


@pytest.mark.parametrize(
    ("text", "raw"),
    [("", b""), ("0x1, 0x2", b"\1\2"), ("00 00 00 00", bytes(4)), ("00000000", bytes(4)), ("0000", bytes(2))],
)
def test_short_hex_is_no_dump(text: str, raw: bytes) -> None:
    assert bytes_from_hex(text) == raw


@pytest.mark.parametrize(("text", "offset"), [("16 03 zz", 6), ("hello", 0), ("16 03 0", 7), ("16é", 2)])
def test_what_is_no_hex_is_refused_at_its_place(text: str, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        bytes_from_hex(text)
    assert caught.value.offset == offset


@given(st.binary(max_size=80))
def test_hex_and_base64_come_back(raw: bytes) -> None:
    assert bytes_from_hex(raw.hex()) == raw
    assert bytes_from_hex(raw.hex(" ")) == raw
    assert bytes_from_base64(base64.b64encode(raw).decode()) == raw
    assert bytes_from_base64(base64.urlsafe_b64encode(raw).decode().rstrip("=")) == raw
    assert bytes_from_base64(base64.encodebytes(raw).decode()) == raw


@given(st.text(max_size=60))
def test_any_text_is_bytes_or_refused(text: str) -> None:
    for read in (bytes_from_hex, bytes_from_base64, bytes_from_text):
        try:
            assert isinstance(read(text), bytes)
        except DecodeError:
            continue


def test_text_is_hex_before_it_is_base64() -> None:
    assert bytes_from_text("16030100") == b"\x16\3\1\0"
    assert bytes_from_text("FgMBAA==") == b"\x16\3\1\0"
    with pytest.raises(DecodeError, match="hex or base64"):
        bytes_from_text("neither!")
