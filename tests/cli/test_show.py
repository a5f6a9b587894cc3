"""`show`: bytes in every form that people have them, the tree, and its errors."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

# A ClientHello in a record, by hand after RFC 5246 §7.4.1.2.
BODY = "0303" + "00" * 32 + "00" + "0004002f00ff" + "0100"
HELLO = "160301002f0100002b" + BODY
PAIRS = [HELLO[index : index + 2] for index in range(0, len(HELLO), 2)]


@pytest.mark.parametrize(
    "arguments",
    [
        [HELLO],
        ["--hex", HELLO],
        [" ".join(PAIRS)],
        [":".join(PAIRS)],
        [", ".join("0x" + pair for pair in PAIRS)],
        ["\n".join(f"{start:04x}  {' '.join(PAIRS[start : start + 16])}" for start in range(0, len(PAIRS), 16))],
        ["--base64", base64.b64encode(bytes.fromhex(HELLO)).decode()],
        [HELLO[10:]],
        ["--as", "ClientHello", BODY],
        ["--as", "client_hello", BODY],
    ],
    ids=[
        "hex", "said to be hex", "spaces", "colons", "0x", "dump", "base64", "without record", "class", "type",
    ],
)  # fmt: skip
def test_bytes_are_taken_in_every_spelling(arguments: list[str], run: Run) -> None:
    done = run("show", *arguments)
    assert done.status == 0, done.stderr
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in done.stdout
    assert "TLS_EMPTY_RENEGOTIATION_INFO_SCSV" in done.stdout


@pytest.mark.parametrize(
    "content",
    [bytes.fromhex(HELLO), HELLO.encode(), " ".join(PAIRS).encode() + b"\n", base64.encodebytes(bytes.fromhex(HELLO))],
    ids=["bytes", "hex", "hex with spaces", "base64"],
)
def test_a_file_and_standard_input_hold_bytes_or_their_spelling(content: bytes, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(content)
    for done in (run("show", path), run("show", "-", stdin=content), run("show", stdin=content)):
        assert done.status == 0
        assert "TLS_RSA_WITH_AES_128_CBC_SHA" in done.stdout


def test_an_existing_path_comes_before_hex_unless_told_otherwise(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("00000000").write_bytes(bytes.fromhex(HELLO))
    assert "client_hello" in run("show", "00000000").stdout
    assert "hello_request" in run("show", "--hex", "00000000").stdout


def test_where_the_bytes_break_is_marked_and_said(run: Run) -> None:
    done = run("show", HELLO[:-8])
    assert done.status == 1
    assert "^^ " in done.stdout
    assert "random" in done.stdout
    assert done.complaint.startswith(f"tlswire: {HELLO[:60]}…: fragment at offset 5: truncated")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["zz"], "tlswire: zz: no such file, and no hex"),
        (["/nothing/like/it"], "tlswire: /nothing/like/it: no such file, and no hex"),
        (["--base64", "!!"], "tlswire: !!: base64"),
        (["--hex", "123"], "tlswire: 123: hex"),
        (["0001020304"], "tlswire: 0001020304: "),
        (["ffffffff"], "the header of a record or a handshake message, got ff ff ff ff"),
        (["-"], "tlswire: standard input: "),
        (["/"], "tlswire: /: cannot be read: is a directory"),
    ],
)
def test_what_is_nothing_of_tls_is_one_line(arguments: list[str], words: str, run: Run) -> None:
    done = run("show", *arguments)
    assert done.status == 1
    assert words in done.complaint


def test_a_capture_is_sent_to_explain(run: Run, demo: Path) -> None:
    done = run("show", demo)
    assert done.status == 1
    assert "tlswire explain" in done.complaint
