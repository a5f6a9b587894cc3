"""GCM that is made here, against that of `cryptography`, with AES in both; with Camellia: test_known_answers.py.

And the first ChaCha20-Poly1305: how its records choose the nonce.
"""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from tlswire.crypto import record_protection
from tlswire.crypto.gcm import GCM, DraftChaCha20Poly1305
from tlswire.registry import CipherSuite, ProtocolVersion, parameters

# McGrew and Viega, The Galois/Counter Mode of Operation, Appendix B: those with a nonce of 12 bytes and no associated
# data (the others: test_known_answers.py).  Test case: key, nonce, plaintext, ciphertext, tag.
KEY, NONCE = "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888"
PLAINTEXT = """
    d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525
    b16aedf5aa0de657ba637b391aafd255"""
PUBLISHED = {
    1: ("00" * 16, "00" * 12, "", "", "58e2fccefa7e3061367f1d57a4e7455a"),
    2: ("00" * 16, "00" * 12, "00" * 16, "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"),
    3: (
        KEY,
        NONCE,
        PLAINTEXT,
        """42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05
        1ba30b396a0aac973d58e091473f5985""",
        "4d5c2af327cd64a62cf35abd2ba6fab4",
    ),
    13: ("00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    14: ("00" * 32, "00" * 12, "00" * 16, "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"),
}


@pytest.mark.parametrize("case", PUBLISHED)
def test_published_answers(case: int) -> None:
    key, nonce, plaintext, ciphertext, tag = map(bytes.fromhex, PUBLISHED[case])
    gcm = GCM(AES(key))
    assert gcm.encrypt(nonce, plaintext, None) == ciphertext + tag
    assert gcm.decrypt(nonce, ciphertext + tag, None) == plaintext


@settings(deadline=None)
@given(
    st.binary(min_size=16, max_size=16) | st.binary(min_size=32, max_size=32),
    st.binary(min_size=12, max_size=12),
    st.binary(max_size=100),
    st.none() | st.binary(max_size=40),
    st.booleans(),
)
def test_it_is_the_gcm_of_cryptography(
    key: bytes, nonce: bytes, plaintext: bytes, associated: bytes | None, by_tables: bool
) -> None:
    theirs, ours = AESGCM(key), GCM(AES(key))
    if by_tables:
        ours.encrypt(nonce, bytes(300), None)
    protected = theirs.encrypt(nonce, plaintext, associated)
    assert ours.encrypt(nonce, plaintext, associated) == protected
    assert ours.decrypt(nonce, protected, associated) == plaintext
    assert ours.decrypt(nonce, memoryview(protected), associated) == plaintext


def test_a_key_that_is_only_tried_takes_no_memory() -> None:
    record = GCM(AES(bytes(16))).encrypt(bytes(12), bytes(16), bytes(13))  # a Finished
    tracemalloc.start()
    try:
        tried = [GCM(AES(number.to_bytes(16, "big"))) for number in range(1, 65)]
        for gcm in tried:
            with pytest.raises(InvalidTag):
                gcm.decrypt(bytes(12), record, bytes(13))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 64 * 4096  # one with its tables holds 180 KB


@pytest.mark.parametrize("length", [2**14 - 1, 2**14, 2**14 + 2048])
def test_the_longest_records(length: int) -> None:
    key, nonce, plaintext = bytes(range(16)), bytes(range(12)), bytes(range(256)) * 72
    protected = AESGCM(key).encrypt(nonce, plaintext[:length], b"associated")
    assert GCM(AES(key)).decrypt(nonce, protected, b"associated") == plaintext[:length]


@pytest.mark.parametrize(
    ("aead", "nonce"),
    [(GCM(AES(bytes(range(16)))), bytes(12)), (DraftChaCha20Poly1305(bytes(range(32))), bytes(8))],
    ids=["GCM", "ChaCha20-Poly1305"],
)
def test_whatever_is_changed_is_noticed(aead: GCM | DraftChaCha20Poly1305, nonce: bytes) -> None:
    protected = aead.encrypt(nonce, b"plaintext of 21 bytes", b"associated")
    changed = [protected[:at] + bytes([protected[at] ^ 1]) + protected[at + 1 :] for at in range(len(protected))]
    changed += [protected[:length] for length in range(len(protected))] + [protected + b"\0"]
    for one in changed:
        with pytest.raises(InvalidTag):
            aead.decrypt(nonce, one, b"associated")
    for associated in (b"associatee", b"associated\0", b"", None):
        with pytest.raises(InvalidTag):
            aead.decrypt(nonce, protected, associated)
    with pytest.raises(InvalidTag):
        aead.decrypt(b"\1" + nonce[1:], protected, b"associated")
    assert aead.decrypt(nonce, protected, b"associated") == b"plaintext of 21 bytes"


def test_the_first_chacha20_poly1305_takes_the_sequence_number_for_its_nonce() -> None:
    # draft-agl-tls-chacha20poly1305-04 §5: no IV from the key block, nothing in the record, the number as 8 bytes
    suite = parameters(CipherSuite.OLD_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)
    assert suite is not None
    key = bytes(range(32))
    reader = record_protection(ProtocolVersion.TLSv1_2, suite, b"", key, b"")
    for number in range(3):
        header = struct.pack(">QBHH", number, 23, 0x0303, 5)
        record = DraftChaCha20Poly1305(key).encrypt(number.to_bytes(8, "big"), b"hello", header)
        assert len(record) == 5 + 16
        assert reader.unprotect(23, 0x0303, record) == b"hello"


@given(st.binary(max_size=100), st.integers(0, 40))
def test_the_associated_data_that_verifies_is_found_among_many(plaintext: bytes, right: int) -> None:
    cipher = GCM(AES(bytes(range(16))))
    headers = [bytes([number]) * 13 for number in range(41)]
    sealed = AESGCM(bytes(range(16))).encrypt(bytes(12), plaintext, headers[right])
    assert cipher.find(bytes(12), sealed, headers) == (right, plaintext)
    assert cipher.find(bytes(12), memoryview(sealed), headers[right + 1 :] or [bytes(12) + b"x"]) is None
    changed = bytes([sealed[0] ^ 1]) + sealed[1:]
    assert cipher.find(bytes(12), changed, headers) is None
