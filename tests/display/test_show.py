"""`tlswire.show`: what bytes are taken for, and that each of them stands in the tree, also when they are broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tlswire
from tlswire.capture import open_capture
from tlswire.display import Node, Tree, show
from tlswire.errors import CaptureError, DecodeError
from tlswire.registry import HandshakeType, KeyExchange, ProtocolVersion
from tlswire.schema import ClientHello, TLSPlaintext
from tlswire.testing import mutants
from tlswire.wire import Context

CAPTURES = Path(__file__).parents[1] / "captures"

# By hand, after RFC 5246 §7.4.1.2, §7.4.1.4 and RFC 6066 §3.
BODY = bytes.fromhex(
    "0303" + "00" * 32 + "00" + "0004002f00ff" + "0100" + "0012" + "0000000e000c00000965782e1b5b31" + "6d2e6f"
)
MESSAGE = b"\x01" + len(BODY).to_bytes(3, "big") + BODY
RECORD = b"\x16\x03\x01" + len(MESSAGE).to_bytes(2, "big") + MESSAGE
# An SSLv2-compatible hello by hand, after RFC 5246 App. E.2.
SSLV2 = bytes.fromhex("801c" + "01" + "0301" + "0003" + "0000" + "0010" + "00002f") + bytes(16)


def record(content_type: int, fragment: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


def labels(tree: Tree) -> list[str]:
    return [f"{node.label}: {node.value}" for top in tree.nodes for node in top.walk()]


def covered(tree: Tree) -> list[tuple[int, int]]:
    """The input's bytes in the leaves of the tree, joined where they touch."""
    leaves = [node for top in tree.nodes for node in top.walk() if not node.children]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(piece for leaf in leaves for piece in leaf.pieces if piece[0] < piece[1]):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


@pytest.mark.parametrize(
    ("raw", "as_"),
    [(RECORD, None), (MESSAGE, None), (BODY, "ClientHello"), (BODY, "client_hello"), (BODY, ClientHello)],
    ids=["record", "message", "class's name", "type's name", "class"],
)
def test_a_hello_is_read_in_every_frame(raw: bytes, as_: str | type[ClientHello] | None) -> None:
    tree = show(raw, as_=as_)
    assert not tree.errors
    assert covered(tree) == [(0, len(raw))]
    assert "[0]: TLS_RSA_WITH_AES_128_CBC_SHA" in labels(tree)
    assert "[0]: ServerNameList" in labels(tree)


def test_the_forms_that_people_have_give_the_same_tree(tmp_path: Path) -> None:
    path = tmp_path / "hello.bin"
    path.write_bytes(RECORD)
    expected = str(show(RECORD))
    for what in (bytearray(RECORD), memoryview(RECORD), RECORD.hex(), RECORD.hex(":"), path, str(path)):
        assert str(show(what)) == expected
    assert str(show(ClientHello.decode(BODY))) == str(show(BODY, as_=ClientHello))


def test_the_tree_is_its_own_repr_and_is_part_of_the_package() -> None:
    tree = tlswire.show(RECORD)
    assert repr(tree) == str(tree) == tree.text()
    lines = str(tree).splitlines()
    assert lines[0].split() == ["0000", "record:", "handshake"]
    assert lines[1].split() == ["0000", "16", "type:", "handshake"]


def test_what_a_peer_wrote_cannot_steer_the_terminal() -> None:
    text = str(show(RECORD))
    assert "\x1b" not in text
    assert "1b 5b 31 6d" in text


def test_a_message_in_several_records_stands_behind_the_last_with_its_places() -> None:
    first, second = MESSAGE[:20], MESSAGE[20:]
    raw = record(22, first) + record(22, second) + record(20, b"\1")
    tree = show(raw)
    assert [top.label for top in tree.nodes] == ["record", "record", "handshake", "record"]
    message = tree.nodes[2]
    assert message.data == MESSAGE
    assert message.pieces == ((5, 25), (30, 30 + len(second)))
    random = next(node for node in message.walk() if node.label == "random")
    assert random.pieces == ((11, 25), (30, 48))
    assert covered(tree)[0][0] == 0


def test_several_messages_in_one_record_stand_in_it() -> None:
    tree = show(record(22, MESSAGE + bytes.fromhex("0e000000")))
    (top,) = tree.nodes
    assert [node.value for node in top.walk() if node.label == "handshake"] == [
        f"client_hello, {len(BODY)} bytes",
        "server_hello_done, 0 bytes",
    ]


def test_what_follows_change_cipher_spec_is_encrypted_unless_it_is_a_message() -> None:
    sealed = bytes(range(40, 80))
    raw = record(20, b"\1") + record(22, sealed) + record(23, sealed) + record(21, sealed) + record(22, MESSAGE)
    encrypted = [node for node in labels(show(raw)) if "encrypted" in node]
    assert encrypted == ["data: 40 bytes, encrypted"] * 3
    assert any("client_hello" in label for label in labels(show(raw)))


def test_an_sslv2_hello_is_read_and_the_records_behind_it() -> None:
    tree = show(SSLV2 + record(21, b"\2\x28"))
    assert not tree.errors
    assert [top.label for top in tree.nodes] == ["SSLv2ClientHello", "record"]
    assert "description: handshake_failure" in labels(tree)


def test_an_empty_record_is_shown() -> None:
    assert not show(record(23, b"")).errors


@pytest.mark.parametrize("cut", range(1, len(RECORD) - 4))
def test_a_record_that_is_cut_is_shown_as_far_as_it_goes(cut: int) -> None:
    raw = RECORD[:-cut]
    tree = show(raw)
    assert tree.errors
    assert "^^ " in str(tree)
    assert covered(tree)[0][0] == 0
    assert all(error.offset <= len(raw) for error in tree.errors)


def test_the_error_stands_at_its_place_in_the_input() -> None:
    broken = bytearray(MESSAGE)
    broken[4 + 2 + 32] = 0xFF  # the length of session_id
    tree = show(record(22, bytes(broken)))
    (error,) = tree.errors
    (node,) = [node for top in tree.nodes for node in top.walk() if node.error]
    assert node.label == "session_id"
    assert error.offset == 5 + 4 + 2 + 32 + 1


def test_records_that_are_followed_by_something_else_say_where_that_begins() -> None:
    tree = show(record(21, b"\1\0") + b"GET / HTTP/1.1")
    assert [error.offset for error in tree.errors] == [7]


@pytest.mark.parametrize("what", [b"", b"GET / HTTP/1.1\r\n", bytes([255]) * 8, "neither, nor", "ff"])
def test_what_is_nothing_of_tls_is_refused(what: bytes | str) -> None:
    with pytest.raises(DecodeError):
        show(what)


def test_a_file_that_is_none_or_is_a_capture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no such file"):
        show(tmp_path / "missing")
    with pytest.raises(CaptureError, match="is a directory"):
        show(str(tmp_path))
    with pytest.raises(DecodeError, match="tlswire explain"):
        show(Path(tlswire.__file__).parent / "data" / "demo.pcapng")
    with pytest.raises(LookupError, match="no message"):
        show(BODY, as_="NoSuchMessage")


# ServerKeyExchange as RFC 8422 §5.4 has it, with a point and a signature of made-up bytes.
ECDHE = bytes.fromhex("03001d20" + "11" * 32 + "0401" + "0040" + "22" * 64)


def test_what_is_not_known_of_the_connection_is_guessed_when_one_form_alone_fits() -> None:
    tree = show(ECDHE, as_="server_key_exchange")
    assert any("x25519" in label for label in labels(tree))
    ambiguous = bytes.fromhex("0004aabbccdd")  # RSA and Diffie-Hellman have the same form here
    tree = show(ambiguous, as_=HandshakeType.client_key_exchange)
    assert any("not decoded: the key exchange is not known" in label for label in labels(tree))
    known = Context(version=ProtocolVersion.TLSv1_2, key_exchange=KeyExchange.RSA)
    tree = show(ambiguous, as_=HandshakeType.client_key_exchange, context=known)
    assert any(label.startswith("encrypted_pre_master_secret") for label in labels(tree))


@pytest.mark.parametrize("width", [20, 40, 80])
def test_lines_fit_the_width_as_soon_as_the_bytes_do(width: int) -> None:
    least = 4 + 2 + 24 + 1 + 2 * 12 + 20  # offset, bytes, the deepest indentation, and a word
    assert max(map(len, show(RECORD).text(width).splitlines())) <= max(width, least)


BROKEN_HELLOS = mutants(ClientHello.decode(BODY)).map(lambda body: record(22, b"\1" + len(body).to_bytes(3) + body))
BROKEN_RECORDS = mutants(TLSPlaintext.decode(RECORD)).map(lambda raw: raw + record(20, b"\1") + record(22, bytes(40)))


@given(BROKEN_HELLOS | BROKEN_RECORDS)
def test_whatever_the_bytes_are_every_one_stands_in_the_tree(raw: bytes) -> None:
    try:
        tree = show(raw)
    except DecodeError:
        return
    pieces = covered(tree)
    assert pieces[0][0] == 0
    assert max(end for _, end in pieces) == len(raw)
    assert tree.text(60)


@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd_for_any_message(raw: bytes) -> None:
    for msg_type in HandshakeType:
        assert isinstance(show(raw, as_=msg_type), Tree)


def test_the_first_segments_of_a_real_server_are_read() -> None:
    # Frame 6 of the demo is the server's first flight in one segment; TCP begins at 34 and has 32 bytes of header.
    with open_capture(CAPTURES / "apache-tls12-3-names" / "capture.pcapng") as capture:
        (frame,) = [frame for frame in capture.frames() if frame.number == 6]
    tree = show(frame.data[66:])
    assert not tree.errors
    names = [node.value.split(",")[0] for top in tree.nodes for node in top.walk() if node.label == "handshake"]
    assert names == ["server_hello", "certificate", "server_hello_done"]
    assert any("CN=www.example.test" in label for label in labels(tree))


def test_a_node_tells_its_bytes() -> None:
    node = next(node for top in show(RECORD).nodes for node in top.walk() if node.label == "cipher_suites")
    assert isinstance(node, Node)
    assert node.data == bytes.fromhex("0004002f00ff")
    assert node.pieces == ((44, 50),)


@pytest.mark.parametrize(("what", "kind"), [(5, None), (None, None), (b"\0", int), (b"\0", HandshakeType)])
def test_what_is_neither_bytes_nor_a_message_is_refused(what: object, kind: object) -> None:
    with pytest.raises(TypeError):
        tlswire.show(what, as_=kind)  # type: ignore[arg-type]
