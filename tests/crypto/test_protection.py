"""Record protection of every suite and version: what was protected opens, and nothing else does.

A `Case` is a version, a suite's cipher and MAC, and the two extensions that change records.  SSL 3.0 proves
less than TLS: neither the version nor the bytes of the padding; the properties say so where it matters.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import tracemalloc
from dataclasses import dataclass
from typing import cast

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given, settings
from hypothesis import strategies as st

from tlswire.crypto import RecordProtection, key_block, record_protection
from tlswire.crypto.protection import StreamProtection
from tlswire.errors import DecryptError
from tlswire.registry import CipherSuite, CipherSuiteParameters, KeyExchange, ProtocolVersion, parameters

OLD_VERSIONS = (ProtocolVersion.SSLv3, ProtocolVersion.TLSv1_0, ProtocolVersion.TLSv1_1)
HANDSHAKE, APPLICATION_DATA = 22, 23

# What `cryptography` has in no version: a suite with one of these says cipher_unsupported.
UNSUPPORTED = {
    "28147_CNT", "AEGIS_128L", "AEGIS_256", "ARIA_128_CBC", "ARIA_128_GCM", "ARIA_256_CBC", "ARIA_256_GCM",
    "ASCONAEAD128", "ESTREAM_SALSA20", "FORTEZZA_CBC", "KUZNYECHIK_CTR", "MAGMA_CTR", "SALSA20", "SM1", "SM4_CCM",
}  # fmt: skip

HASHES = {"md5", "sha1", "sha256", "sha384"} | ({"sm3"} & hashlib.algorithms_available)


@dataclass(frozen=True)
class Case:
    """What decides how a record is protected."""

    version: ProtocolVersion
    parameters: CipherSuiteParameters
    encrypt_then_mac: bool = False
    truncated_hmac: bool = False

    def __str__(self) -> str:
        mac = self.parameters.mac
        words = [str(self.version), self.parameters.cipher.name, mac.name if mac else "AEAD"]
        words += ["export"] if self.parameters.export else []
        words += ["EtM"] if self.encrypt_then_mac else []
        words += ["truncated"] if self.truncated_hmac else []
        return "-".join(words)

    def make(self, secret: bytes = b"secret") -> RecordProtection:
        """A client's protection, new; the same for the same secret."""
        master = hashlib.sha384(secret).digest()
        keys = key_block(self.version, self.parameters, master, bytes(32), bytes(32))
        return record_protection(
            self.version,
            self.parameters,
            keys.client_write_MAC_key,
            keys.client_write_key,
            keys.client_write_IV,
            encrypt_then_mac=self.encrypt_then_mac,
            truncated_hmac=self.truncated_hmac,
        )

    @property
    def chains_records(self) -> bool:
        """Whether a record's IV is the last block of the one before."""
        return self.parameters.cipher.kind == "block" and self.version <= ProtocolVersion.TLSv1_0


def _suites() -> list[CipherSuiteParameters]:
    """One suite for each cipher and MAC up to TLS 1.2."""
    found = {}
    for suite in CipherSuite:
        made = parameters(suite)
        if made is not None and made.key_exchange not in (KeyExchange.null, KeyExchange.TLS13):
            found[made.cipher, made.mac, made.export] = made
    return list(found.values())


def _cases() -> list[Case]:
    cases = []
    for suite in _suites():
        if suite.cipher.name in UNSUPPORTED or (suite.mac is not None and suite.mac.hash not in HASHES):
            continue
        if suite.cipher.kind == "aead":
            cases.append(Case(ProtocolVersion.TLSv1_2, suite))
            continue
        for version in (*OLD_VERSIONS, ProtocolVersion.TLSv1_2):
            cases.append(Case(version, suite))
            if version is not ProtocolVersion.SSLv3:
                cases.append(Case(version, suite, truncated_hmac=True))
                if suite.cipher.kind == "block":
                    cases.append(Case(version, suite, encrypt_then_mac=True))
                    cases.append(Case(version, suite, encrypt_then_mac=True, truncated_hmac=True))
    return cases


CASES = _cases()
each_case = pytest.mark.parametrize("case", CASES, ids=str)
any_case = st.sampled_from(CASES)
plaintexts = st.binary(max_size=300)
relaxed = settings(deadline=None)


def opens(protection: RecordProtection, case: Case, record: bytes, lost: int = 0) -> bytes | None:
    """The plaintext of a record; None when it failed as it should."""
    before = protection.sequence_number
    try:
        return protection.unprotect(APPLICATION_DATA, case.version, record, lost)
    except DecryptError as error:
        failure = error
    assert failure.reason == "mac_failed"
    if not (case.chains_records and case.encrypt_then_mac):
        assert failure.sequence_number == protection.sequence_number == before
    return None


# What was protected opens


@each_case
def test_what_was_protected_opens(case: Case) -> None:
    writer, reader = case.make(), case.make()
    for number, length in enumerate((0, 1, 15, 16, 17, 31, 32, 100, 255, 256, 2**14)):
        plaintext = bytes([number]) * length
        record = writer.protect(HANDSHAKE, case.version, plaintext)
        assert reader.unprotect(HANDSHAKE, case.version, record) == plaintext
        assert reader.sequence_number == writer.sequence_number == number + 1


@relaxed
@given(any_case, st.lists(st.tuples(st.integers(0, 255), plaintexts), max_size=5), st.integers(0, 2**63))
def test_what_was_protected_opens_at_any_number(case: Case, messages: list[tuple[int, bytes]], first: int) -> None:
    writer, reader = case.make(), case.make()
    writer.sequence_number = reader.sequence_number = first
    for content_type, plaintext in messages:
        record = writer.protect(content_type, case.version, plaintext)
        assert reader.unprotect(content_type, case.version, record) == plaintext


# And nothing else does


@relaxed
@given(any_case, plaintexts, st.data())
def test_a_changed_byte_is_noticed(case: Case, plaintext: bytes, data: st.DataObject) -> None:
    record = bytearray(case.make().protect(APPLICATION_DATA, case.version, plaintext))
    record[data.draw(st.integers(0, len(record) - 1))] ^= data.draw(st.integers(1, 255))
    opened = opens(case.make(), case, bytes(record))
    if case.version is ProtocolVersion.SSLv3 and case.parameters.cipher.kind == "block":
        assert opened in (None, plaintext)  # the padding may have changed
    else:
        assert opened is None


@relaxed
@given(any_case, plaintexts, st.integers(1, 40), st.binary(min_size=1, max_size=40))
def test_a_changed_length_is_noticed(case: Case, plaintext: bytes, cut: int, more: bytes) -> None:
    record = case.make().protect(APPLICATION_DATA, case.version, plaintext)
    assert opens(case.make(), case, record[:-cut]) is None
    assert opens(case.make(), case, record[cut:]) is None
    assert opens(case.make(), case, more + record) is None
    longer = opens(case.make(), case, record + more)
    if case.version is ProtocolVersion.SSLv3 and case.parameters.cipher.kind == "block":
        assert longer in (None, plaintext)  # one time in 256 a block more is padding, whose bytes SSL 3.0 leaves open
    else:
        assert longer is None


@each_case
def test_another_number_type_version_or_key_is_noticed(case: Case) -> None:
    record = case.make().protect(APPLICATION_DATA, case.version, b"plaintext")
    assert opens(case.make(), case, record) == b"plaintext"
    late = case.make()
    late.sequence_number = 1
    assert opens(late, case, record) is None
    with pytest.raises(DecryptError, match="mac_failed"):
        case.make().unprotect(HANDSHAKE, case.version, record)
    assert opens(case.make(b"another secret"), case, record) is None
    other = ProtocolVersion.TLSv1_1 if case.version is ProtocolVersion.TLSv1_2 else ProtocolVersion.TLSv1_2
    if case.version is not ProtocolVersion.SSLv3:  # whose MAC leaves the version out (RFC 6101 §5.2.3.1)
        with pytest.raises(DecryptError, match="mac_failed"):
            case.make().unprotect(APPLICATION_DATA, other, record)


@each_case
def test_short_and_odd_fragments(case: Case) -> None:
    reader = case.make()
    record = case.make().protect(APPLICATION_DATA, case.version, bytes(40))
    for length in range(len(record)):
        assert opens(reader, case, record[:length]) is None
        assert opens(case.make(), case, bytes(length)) is None


@relaxed
@given(any_case, st.lists(st.binary(max_size=120), max_size=5), st.integers(0, 3))
def test_no_fragment_raises_anything_else(case: Case, fragments: list[bytes], lost: int) -> None:
    reader = case.make()
    for fragment in fragments:
        assert opens(reader, case, fragment, lost) is None


# After a failure, and after lost records


@each_case
def test_the_records_after_a_changed_one_open(case: Case) -> None:
    writer, reader = case.make(), case.make()
    records = [writer.protect(APPLICATION_DATA, case.version, b"%d" % n * 50) for n in range(4)]
    assert opens(reader, case, bytes([records[0][0] ^ 1]) + records[0][1:]) is None
    if case.chains_records and case.encrypt_then_mac:
        assert opens(reader, case, records[1], lost=1) is None  # its MAC verifies, its first block may be wrong
    else:
        assert opens(reader, case, records[1], lost=1) == b"1" * 50
    assert reader.sequence_number == 2
    assert opens(reader, case, records[2]) == b"2" * 50
    assert opens(reader, case, records[3]) == b"3" * 50


@each_case
def test_the_records_after_one_of_odd_length_open(case: Case) -> None:
    writer, reader = case.make(), case.make()
    records = [writer.protect(APPLICATION_DATA, case.version, b"%d" % n * 50) for n in range(4)]
    assert opens(reader, case, records[0][:-1]) is None
    if isinstance(reader, StreamProtection):
        reader.skip(1)
    if case.chains_records:  # the block before the second record was never seen
        assert opens(reader, case, records[1], lost=1) is None
        assert opens(reader, case, records[2], lost=2) == b"2" * 50
    else:
        assert opens(reader, case, records[1], lost=1) == b"1" * 50
        assert opens(reader, case, records[2]) == b"2" * 50
    assert opens(reader, case, records[3]) == b"3" * 50


@relaxed
@given(any_case, st.lists(plaintexts, min_size=3, max_size=8), st.data())
def test_the_number_of_lost_records_is_found(case: Case, messages: list[bytes], data: st.DataObject) -> None:
    writer, reader = case.make(), case.make()
    records = [writer.protect(APPLICATION_DATA, case.version, message) for message in messages]
    read = data.draw(st.integers(0, len(records) - 3))
    lost = data.draw(st.integers(1, len(records) - read - 2))
    for record, message in zip(records[:read], messages, strict=False):
        assert opens(reader, case, record) == message
    position = read + lost
    if isinstance(reader, StreamProtection):
        reader.skip(sum(5 + len(record) for record in records[read:position]))
    more = data.draw(st.integers(0, 3))
    if case.chains_records:  # the block before this record is lost too
        assert opens(reader, case, records[position], lost + more) is None
        position += 1
    elif not isinstance(reader, StreamProtection):  # which takes that a record which failed has passed
        assert opens(reader, case, records[position], lost - 1) is None
    assert opens(reader, case, records[position], position - reader.sequence_number + more) == messages[position]
    assert reader.sequence_number == position + 1
    for record, message in zip(records[position + 1 :], messages[position + 1 :], strict=True):
        assert opens(reader, case, record) == message


# A stream cipher: a record's place in the key stream follows from its number and from the bytes before it.

RC4 = Case(ProtocolVersion.TLSv1_2, cast("CipherSuiteParameters", parameters(CipherSuite.TLS_RSA_WITH_RC4_128_SHA)))


@relaxed
@given(
    st.lists(st.tuples(plaintexts, st.sampled_from(["read", "lost", "spoilt", "junk behind it"])), max_size=30),
    st.integers(0, 3),
)
def test_a_key_stream_is_followed_over_losses_and_failures(steps: list[tuple[bytes, str]], more: int) -> None:
    writer, reader = RC4.make(), RC4.make()
    assert isinstance(reader, StreamProtection)
    lost = 0
    for plaintext, what in steps:
        record = writer.protect(APPLICATION_DATA, RC4.version, plaintext)
        if what == "lost":
            reader.skip(5 + len(record))
        elif what == "spoilt":
            assert opens(reader, RC4, bytes([record[0] ^ 1]) + record[1:], lost + more) is None
        else:
            assert opens(reader, RC4, record, lost + more) == plaintext
            assert reader.sequence_number == writer.sequence_number
        lost = 0 if what in ("read", "junk behind it") else lost + 1
        if what == "junk behind it":
            # What is skipped is not always all of it records.
            reader.skip(5)
            writer.protect(APPLICATION_DATA, RC4.version, b"")
            reader.skip(20)
            lost = 1


def test_behind_a_loss_of_unknown_length_no_key_stream_is_followed() -> None:
    writer, reader = RC4.make(), RC4.make()
    assert isinstance(reader, StreamProtection)
    for skipped in (None, 0, 100):
        reader.skip(skipped)
        record = writer.protect(APPLICATION_DATA, RC4.version, b"plaintext")
        assert opens(reader, RC4, record, lost=1000) is None


def test_a_long_loss_holds_no_more_than_the_places_to_be_tried() -> None:
    writer, reader = RC4.make(), RC4.make()
    assert isinstance(reader, StreamProtection)
    for _ in range(300):
        reader.skip(5 + len(writer.protect(APPLICATION_DATA, RC4.version, bytes(16_384))))
    record = writer.protect(APPLICATION_DATA, RC4.version, b"plaintext")
    tracemalloc.start()
    assert opens(reader, RC4, record[:-1] + b"\0", lost=400) is None
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000  # of the 4.9 MB that were skipped
    record = writer.protect(APPLICATION_DATA, RC4.version, b"plaintext")
    assert opens(reader, RC4, record, lost=401) == b"plaintext"


# Up to TLS 1.0 encrypt-then-MAC proves all of a record but its first block, which depends on the block before.


def chained_encrypt_then_mac() -> tuple[RecordProtection, list[bytes]]:
    """A reader, and four records of a block and more."""
    suite = parameters(CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA)
    assert suite is not None
    case = Case(ProtocolVersion.TLSv1_0, suite, encrypt_then_mac=True)
    writer = case.make()
    return case.make(), [writer.protect(APPLICATION_DATA, 0x0301, b"%d" % n * 50) for n in range(4)]


def test_a_first_block_after_a_lost_record_is_not_given_out() -> None:
    reader, records = chained_encrypt_then_mac()
    assert reader.unprotect(APPLICATION_DATA, 0x0301, records[0]) == b"0" * 50
    with pytest.raises(DecryptError, match="mac_failed, record 2"):
        reader.unprotect(APPLICATION_DATA, 0x0301, records[2], 1)
    assert reader.sequence_number == 3
    assert reader.unprotect(APPLICATION_DATA, 0x0301, records[3]) == b"3" * 50


def test_a_first_block_after_an_inserted_record_is_not_given_out() -> None:
    reader, records = chained_encrypt_then_mac()
    with pytest.raises(DecryptError, match="mac_failed, record 0"):
        reader.unprotect(APPLICATION_DATA, 0x0301, bytes(52))
    with pytest.raises(DecryptError, match="mac_failed, record 0"):
        reader.unprotect(APPLICATION_DATA, 0x0301, records[0])
    assert reader.sequence_number == 1
    assert reader.unprotect(APPLICATION_DATA, 0x0301, records[1]) == b"1" * 50


# What records look like


def test_an_hmac_is_truncated_to_ten_bytes() -> None:
    suite = parameters(CipherSuite.TLS_RSA_WITH_NULL_SHA)
    assert suite is not None
    full = Case(ProtocolVersion.TLSv1_2, suite).make().protect(APPLICATION_DATA, 0x0303, b"plaintext")
    case = Case(ProtocolVersion.TLSv1_2, suite, truncated_hmac=True)
    assert case.make().protect(APPLICATION_DATA, 0x0303, b"plaintext") == full[:-10]  # RFC 6066 §7


def _padded_by_hand(padding: bytes, *, version: int, plaintext: bytes) -> tuple[RecordProtection, bytes]:
    """A reader, and a record of the AES suite with this padding, made by the letter of RFC 5246 §6.2.3.2."""
    suite = parameters(CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA)
    assert suite is not None
    mac_key, key, iv = bytes(range(20)), bytes(range(20, 36)), bytes(range(36, 52))
    header = struct.pack(">QBHH", 0, APPLICATION_DATA, version, len(plaintext))
    content = plaintext + hmac.digest(mac_key, header + plaintext, "sha1") + padding
    record = Cipher(AES(key), CBC(iv)).encryptor().update(content)
    implicit = version == ProtocolVersion.TLSv1_0
    reader = record_protection(ProtocolVersion.of(version), suite, mac_key, key, iv if implicit else b"")
    return reader, record if implicit else iv + record


@pytest.mark.parametrize("version", [0x0301, 0x0302, 0x0303])
def test_padding_may_be_longer_than_it_need_be(version: int) -> None:
    for blocks in range(16):
        count = 16 * blocks + 7  # 5 bytes of content, 20 of MAC, and so many
        reader, record = _padded_by_hand(bytes([count - 1]) * count, version=version, plaintext=b"hello")
        assert reader.unprotect(APPLICATION_DATA, version, record) == b"hello"


@pytest.mark.parametrize("version", [0x0301, 0x0302, 0x0303])
def test_every_byte_of_the_padding_counts(version: int) -> None:
    for index in range(23):
        padding = bytearray([22]) * 23
        padding[index] ^= 1
        reader, record = _padded_by_hand(bytes(padding), version=version, plaintext=b"hello")
        with pytest.raises(DecryptError, match="mac_failed"):
            reader.unprotect(APPLICATION_DATA, version, record)


@pytest.mark.parametrize("version", [0x0301, 0x0302, 0x0303])
@pytest.mark.parametrize("claimed", [22 + 5, 22 + 6, 22 + 25, 255])
def test_padding_that_claims_the_mac_or_more(version: int, claimed: int) -> None:
    reader, record = _padded_by_hand(bytes([claimed]) * 23, version=version, plaintext=b"hello")
    with pytest.raises(DecryptError, match="mac_failed"):
        reader.unprotect(APPLICATION_DATA, version, record)


# What cannot be opened


@pytest.mark.parametrize(
    "suite", [one for one in _suites() if one.cipher.name in UNSUPPORTED], ids=lambda one: str(one.suite)
)
def test_a_cipher_that_cryptography_lacks_is_reported(suite: CipherSuiteParameters) -> None:
    cipher = suite.cipher
    mac_length = suite.mac.length if suite.mac else 0
    with pytest.raises(DecryptError) as caught:
        record_protection(ProtocolVersion.TLSv1_2, suite, bytes(mac_length), bytes(cipher.key_length), bytes(16))
    assert caught.value.reason == "cipher_unsupported"


def test_no_record_of_the_null_suite_is_believed() -> None:
    suite = parameters(CipherSuite.TLS_NULL_WITH_NULL_NULL)
    assert suite is not None
    reader = record_protection(ProtocolVersion.TLSv1_2, suite, b"", b"", b"")
    with pytest.raises(DecryptError, match="mac_failed"):
        reader.unprotect(APPLICATION_DATA, 0x0303, b"anything")
