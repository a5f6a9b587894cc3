"""RSA in a process beside the reader: the same answers, whatever becomes of the process."""

from __future__ import annotations

import errno
import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from benchmarks.inputs import KEY, Input
from tlswire.analysis import explain
from tlswire.capture import CaptureReader, load_server_keys, rsa_process
from tlswire.capture.rsa_process import RSAProcess
from tlswire.crypto import RSAKey, Secrets
from tlswire.errors import DecryptError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the reader does RSA alone")

PREMASTERS = [bytes([number]) * 48 for number in range(12)]


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rsa_process, "available", lambda: True)


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert set(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture(scope="module")
def private() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def exchanges(private: RSAPrivateKey, premasters: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Bytes with a ClientKeyExchange for each, and the encrypted ones."""
    encrypted = [private.public_key().encrypt(premaster, PKCS1v15()) for premaster in premasters]
    size = len(encrypted[0])
    head = b"\x10" + (size + 2).to_bytes(3, "big") + size.to_bytes(2, "big")
    return b"".join(b"some bytes" + head + one for one in encrypted), encrypted


def answered(process: RSAProcess) -> None:
    """Waits until all that the process was asked is answered."""
    while process._sent:
        process._wait()
        process._receive()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What this process decrypts by itself."""
    asked: list[bytes] = []
    original = RSAKey.alone

    def counted(key: RSAKey, encrypted: bytes) -> bytes:
        asked.append(encrypted)
        return original(key, encrypted)

    monkeypatch.setattr(RSAKey, "alone", counted)
    return asked


def test_the_process_gives_what_the_key_would(private: RSAPrivateKey, alone: list[bytes]) -> None:
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        answered(process)
        assert [key.decrypt(one) for one in encrypted[::-1]] == PREMASTERS[::-1]
        assert not alone
        assert key.decrypt(encrypted[0]) == PREMASTERS[0]  # an answer is given once
    assert key.decrypt(encrypted[1]) == PREMASTERS[1]
    assert alone == [encrypted[0], encrypted[1]]


def test_what_is_asked_for_in_the_next_block_is_still_known(private: RSAPrivateKey, alone: list[bytes]) -> None:
    key = RSAKey(private)
    first, late = exchanges(private, PREMASTERS[:6])
    second, _ = exchanges(private, PREMASTERS[6:])
    with RSAProcess(Secrets([key])) as process:
        process.look_at(first)
        process.look_at(second)
        answered(process)
        assert key.decrypt(late[0]) == PREMASTERS[0]
        assert not alone
        process.look_at(second)
        answered(process)
        assert key.decrypt(late[1]) == PREMASTERS[1]
        assert alone == [late[1]]  # it is forgotten


def test_with_several_keys_the_one_that_was_asked_last_is_looked_for(
    private: RSAPrivateKey, alone: list[bytes]
) -> None:
    other = RSAKey(generate_private_key(public_exponent=65537, key_size=2048), "other")
    key = RSAKey(private, "used")
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([other, key])) as process:
        process.look_at(block)
        assert key.decrypt(encrypted[0]) == PREMASTERS[0]
        assert alone == [encrypted[0]]
        process.look_at(block)
        answered(process)
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS
        assert len(alone) == 1


def test_the_reader_waits_for_one_decryption_and_for_no_more(private: RSAPrivateKey, alone: list[bytes]) -> None:
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        answered(process)
        os.kill(process._process, signal.SIGSTOP)
        process.look_at(block)
        assert key.decrypt(encrypted[5]) == PREMASTERS[5]  # an answer of before
        assert key.decrypt(encrypted[5]) == PREMASTERS[5]  # it stands behind five that nobody works at
        assert alone == [encrypted[5]]
        os.kill(process._process, signal.SIGCONT)
        for one, premaster in zip(encrypted, PREMASTERS, strict=True):
            assert key.decrypt(one) == premaster


def test_a_process_that_another_has_waited_for_is_not_missed(private: RSAPrivateKey) -> None:
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        os.kill(process._process, signal.SIGKILL)
        os.waitpid(process._process, 0)
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS


def test_a_copy_of_the_program_leaves_the_process_alone(private: RSAPrivateKey) -> None:
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        copy = os.fork()
        if not copy:
            process._end()
            os._exit(0)
        assert os.waitpid(copy, 0)[1] == 0
        answered(process)
        assert process._process
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS


def test_a_process_that_ends_is_not_missed(private: RSAPrivateKey) -> None:
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        assert key.decrypt(encrypted[0]) == PREMASTERS[0]
        os.kill(process._process, signal.SIGKILL)
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS
        process.look_at(block)
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS


def test_a_process_that_ended_before_it_was_asked_is_not_missed(private: RSAPrivateKey) -> None:
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS
        os.kill(process._process, signal.SIGKILL)
        os.waitid(os.P_PID, process._process, os.WEXITED | os.WNOWAIT)
        process.look_at(block)
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS


def test_a_system_that_refuses_a_process_is_put_up_with(
    private: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch, alone: list[bytes]
) -> None:
    def refused() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refused)
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS
    assert alone == encrypted


def test_few_key_exchanges_are_not_worth_a_process(private: RSAPrivateKey, alone: list[bytes]) -> None:
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS[:3])
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        assert not process._process
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS[:3]
    assert alone == encrypted


def test_more_than_the_pipe_holds_is_left_to_the_reader(private: RSAPrivateKey, alone: list[bytes]) -> None:
    key = RSAKey(private)
    size = len(exchanges(private, PREMASTERS[:1])[1][0])
    head = b"\x10" + (size + 2).to_bytes(3, "big") + size.to_bytes(2, "big")
    numbers = [number.to_bytes(size, "big") for number in range(1, 3_000)]  # made up: what comes out is made up too
    with RSAProcess(Secrets([key])) as process:
        process.look_at(b"".join(head + number for number in numbers))
        sent = len(process._sent)
        assert rsa_process._LEAST < sent < len(numbers)
        last = numbers[-1]
        with suppress(DecryptError):  # before OpenSSL 3.2; since then, what comes out is made up
            key.decrypt(last)
        assert alone == [last]


def test_a_key_that_is_too_long_for_a_pipe_is_not_asked_for(private: RSAPrivateKey) -> None:
    class Long(RSAKey):
        def find(self, data: bytes, most: int) -> list[bytes]:
            return [bytes([number]) * 5_000 for number in range(8)]

        def decrypt(self, encrypted_pre_master_secret: bytes) -> bytes:
            known = self.ahead(encrypted_pre_master_secret) if self.ahead is not None else None
            return known if known is not None else b"alone"

    key = Long(private)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(b"")
        assert not process._sent
        assert key.decrypt(b"\x01" * 5_000) == b"alone"


def test_a_connection_of_another_thread_has_no_part_in_it(private: RSAPrivateKey, alone: list[bytes]) -> None:
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process, ThreadPoolExecutor(1) as thread:
        process.look_at(block)
        answered(process)
        assert list(thread.map(key.decrypt, encrypted[:3])) == PREMASTERS[:3]
        assert alone == encrypted[:3]
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS
        assert len(alone) == 3


def test_the_process_holds_nothing_of_the_readers_and_no_signal_of_the_terminal(private: RSAPrivateKey) -> None:
    near, far = socket.socketpair()
    block, encrypted = exchanges(private, PREMASTERS)
    key = RSAKey(private)
    with far, RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        assert key.decrypt(encrypted[0]) == PREMASTERS[0]
        near.close()
        assert far.recv(1) == b""
        os.kill(process._process, signal.SIGINT)
        answered(process)
        assert process._process
        assert [key.decrypt(one) for one in encrypted[1:]] == PREMASTERS[1:]
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


@pytest.mark.parametrize("refused_at", [1, 2])
def test_without_descriptors_for_pipes_there_is_no_process(
    refused_at: int, private: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, calls = os.pipe, []

    def few() -> tuple[int, int]:
        calls.append(1)
        if len(calls) == refused_at:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return pipe()

    monkeypatch.setattr(os, "pipe", few)
    key = RSAKey(private)
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        assert [key.decrypt(one) for one in encrypted] == PREMASTERS


def test_what_cannot_be_decrypted_is_told_as_ever(private: RSAPrivateKey) -> None:
    def refuse(encrypted: bytes) -> bytes:
        if encrypted == b"bad":
            raise DecryptError("premaster_invalid")
        return encrypted[::-1]

    def asked(*questions: tuple[int, bytes]) -> bytes:
        requests, to_process = os.pipe()
        from_process, results = os.pipe()
        for number, encrypted in questions:
            os.write(to_process, bytes([number]) + len(encrypted).to_bytes(2, "big") + encrypted)
        os.close(to_process)
        rsa_process._serve([refuse, bytes.upper], requests, results)
        os.close(results)
        with open(from_process, "rb") as answers:
            return answers.read()

    assert asked((0, b"abc"), (0, b"bad"), (1, b"xyz")) == b"\0\x03cba" + b"\xff\xff" + b"\0\x03XYZ"


def test_blocks_without_key_exchanges_are_passed_over_for_a_while(private: RSAPrivateKey) -> None:
    looked = []

    class Watched(RSAKey):
        def find(self, data: bytes, most: int) -> list[bytes]:
            looked.append(data)
            return super().find(data, most)

    with RSAProcess(Secrets([Watched(private)])) as process:
        for number in range(17):
            process.look_at(bytes([number]))
    assert looked == [b"\0", b"\x08", b"\x10"]


def test_without_a_key_or_a_second_core_there_is_no_process(
    private: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch, alone: list[bytes]
) -> None:
    block, encrypted = exchanges(private, PREMASTERS)
    with RSAProcess(Secrets()) as process:
        process.look_at(block)
    monkeypatch.setattr(rsa_process, "available", lambda: False)
    key = RSAKey(private)
    with RSAProcess(Secrets([key])) as process:
        process.look_at(block)
        assert key.decrypt(encrypted[0]) == PREMASTERS[0]
    assert alone == encrypted[:1]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("capture")
    small = Input("connections", "AES128-GCM-SHA256", ssl.TLSVersion.TLSv1_2, 440, 1, connections=40)
    small.make(directory)
    return small.path(directory)


def story(capture: Path, both_cores: bool) -> list[dict[str, object]]:
    secrets = Secrets(load_server_keys(KEY))
    return [told.as_json() for told in explain(CaptureReader([capture], secrets=secrets, both_cores=both_cores))]


def test_the_story_is_the_same_in_the_same_order(capture: Path, alone: list[bytes]) -> None:
    told = story(capture, both_cores=True)
    assert len(alone) < 40  # what lies across the border of two blocks, or was not done in time
    assert told == story(capture, both_cores=False)
    assert len(alone) >= 40


def test_a_reader_that_is_given_up_leaves_nothing_behind(capture: Path) -> None:
    reader = CaptureReader([capture], secrets=Secrets(load_server_keys(KEY)), both_cores=True)
    batches = reader.batches()
    assert next(batches)
    batches.close()  # type: ignore[attr-defined]


def test_a_reader_that_fails_leaves_nothing_behind(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(key: RSAKey, encrypted: bytes) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(RSAKey, "decrypt", broken)
    reader = CaptureReader([capture], secrets=Secrets(load_server_keys(KEY)), both_cores=True)
    with pytest.raises(ZeroDivisionError):
        list(reader.batches())
