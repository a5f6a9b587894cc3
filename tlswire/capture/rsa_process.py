"""RSA in a process of its own, beside the reader that will ask for it.

RSA is most of the work on a short connection, and needs nothing but the key and some bytes that can be seen in the
file.  So while the reader takes a block of the file apart, a forked process decrypts what in that block looks like a
ClientKeyExchange, in the order of the file, and is soon ahead of the reader.  Nothing is believed for that: the reader
asks with the bytes that it has found by itself, and is told what they decrypt to.  It waits for no more than one
decryption: what the process was not given, or has others to do before, it decrypts itself; so it does if the process
cannot be had, or is gone.

    reader    key, length, encrypted premaster secret  ->   process
    reader   <-   length, premaster secret                  process, in the same order

A thread was tried: it has to wait for the interpreter after each decryption, and the reader for the thread.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from struct import Struct
from threading import get_ident
from types import TracebackType
from typing import NoReturn

from tlswire.crypto import RSAKey, Secrets
from tlswire.errors import DecryptError

Asked = tuple[int, bytes]
"""The key's number, and the encrypted premaster secret."""

_REQUEST, _RESULT = Struct(">BH"), Struct(">H")
_NOTHING = 0xFFFF  # in place of a length: it could not be decrypted
_LEAST = 4  # key exchanges in a block for which a process is begun
_MOST = 512  # of a key in a block: twice as many as a pipe holds
_MOST_KEYS = 256
_READ = 1 << 16
_BATCH = 32  # requests that are sent at once, if they fit
_PASS = 7  # blocks that are not looked at after one in which there was nothing


def available() -> bool:
    """True where processes can be forked and there is a core for one."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


class RSAProcess:
    """The process, which begins when there is something to do; to be used with `with`.

    Parameters: `secrets`, whose RSA keys are asked through it until it is closed.
    """

    def __init__(self, secrets: Secrets) -> None:
        keys = [key for key in secrets.server_keys if isinstance(key, RSAKey)]
        self._keys = keys[:_MOST_KEYS] if available() else []
        self._key = 0 if len(self._keys) == 1 else None  # what is looked for: the key that was asked last
        self._hooked: list[RSAKey] = []  # the keys that have this for `ahead`
        self._thread = 0  # that asks
        self._owner = self._process = 0
        self._requests = self._results = -1
        self._sent: deque[Asked] = deque()  # what the process has not answered
        self._news = b""  # bytes of an answer that is not whole
        self._waiting: set[Asked] = set()  # those of them that may still be asked for
        self._answers: dict[Asked, bytes | None] = {}
        self._last: set[Asked] = set()  # what was found in the last block, and in the one before; what is older
        self._before: set[Asked] = set()  # is forgotten
        self._to_pass = 0

    def __enter__(self) -> RSAProcess:
        self._thread = get_ident()
        self._hooked = list(self._keys)
        for number, key in enumerate(self._hooked):
            key.ahead = partial(self._answer, number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for key in self._hooked:
            key.ahead = None
        self._end()

    def look_at(self, block: bytes) -> None:
        """Has decrypted what is in bytes that are about to be read; where there is little, few blocks are looked at."""
        if not self._keys or self._key is None:
            return
        if self._to_pass:
            self._to_pass -= 1
            return
        found = [(self._key, one) for one in self._keys[self._key].find(block, _MOST)]
        if not found:
            self._to_pass = _PASS
        old, self._before, self._last = self._before, self._last, set(found)
        for asked in old - self._before - self._last:
            self._waiting.discard(asked)
            self._answers.pop(asked, None)
        if found and (self._process or (len(found) >= _LEAST and self._begin())):
            self._send(found)

    def _answer(self, number: int, encrypted: bytes) -> bytes | None:
        """What the process has made of it; None where it was not asked, or could not."""
        if get_ident() != self._thread:  # a connection of another thread has the same key
            return None
        self._key = number
        asked = number, encrypted
        if asked in self._waiting:
            self._receive()
            if self._sent and self._sent[0] == asked:
                self._wait()
                self._receive()
            self._waiting.discard(asked)
        return self._answers.pop(asked, None)

    def _send(self, found: list[Asked]) -> None:
        """Sends as much as the pipe takes at once: for the rest, nobody shall have to wait."""
        position = 0
        while position < len(found):
            batch, size = list[bytes](), 0
            for number, encrypted in found[position : position + _BATCH]:
                piece = _REQUEST.pack(number, len(encrypted)) + encrypted
                size += len(piece)
                if size > select.PIPE_BUF:  # up to that it is written whole, or not at all
                    break
                batch.append(piece)
            if not batch:
                position += 1  # a key of more than 32,000 bits
                continue
            try:
                os.write(self._requests, b"".join(batch))
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._end()
                return
            self._sent += found[position : position + len(batch)]
            self._waiting.update(found[position : position + len(batch)])
            position += len(batch)

    def _wait(self) -> None:
        """Waits until there is an answer."""
        ready = select.poll()
        ready.register(self._results, select.POLLIN)
        ready.poll()

    def _receive(self) -> None:
        """Takes the answers that there are."""
        try:
            news = os.read(self._results, _READ)
        except BlockingIOError:
            return
        if not news:
            self._end()
            return
        data, position = self._news + news, 0
        while position + _RESULT.size <= len(data):
            (length,) = _RESULT.unpack_from(data, position)
            start = position + _RESULT.size
            end = start if length == _NOTHING else start + length
            if end > len(data):
                break
            asked = self._sent.popleft()
            if asked in self._waiting:
                self._waiting.discard(asked)
                self._answers[asked] = None if length == _NOTHING else data[start:end]
            position = end
        self._news = data[position:]

    def _begin(self) -> bool:
        """Forks; False where the system refuses."""
        # It is for the reader to stop at SIGINT; the process inherits that it is held back.
        held_back = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        its: list[int] = []  # ends of the pipes
        try:
            requests, self._requests = os.pipe()
            its.append(requests)
            self._results, results = os.pipe()
            its.append(results)
            os.set_blocking(self._requests, False)
            os.set_blocking(self._results, False)
            self._owner = os.getpid()
            self._process = os.fork()
            if not self._process:
                self._serve_and_exit(requests, results)
        except OSError:
            self._end()
        finally:
            for descriptor in its:
                os.close(descriptor)
            signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
        return bool(self._process)

    def _serve_and_exit(self, requests: int, results: int) -> NoReturn:
        """What the process does."""
        try:
            # What else was open is the reader's: files, and sockets whose peers wait for their end.
            low, high = sorted((requests, results))
            os.closerange(0, low)
            os.closerange(low + 1, high)
            os.closerange(high + 1, os.sysconf("SC_OPEN_MAX"))
            _serve([key.alone for key in self._keys], requests, results)
        finally:
            os._exit(0)  # nothing of the reader's is to be flushed or cleaned up here

    def _end(self) -> None:
        """Ends the process; nothing that it was asked is waited for."""
        if self._process and os.getpid() == self._owner:  # and not in a copy of the program, forked meanwhile
            # Whoever else may have waited for it: as long as it is to be waited for, its number is its own.
            with suppress(ChildProcessError, ProcessLookupError):
                if os.waitpid(self._process, os.WNOHANG) == (0, 0):
                    os.kill(self._process, signal.SIGKILL)
                    os.waitpid(self._process, 0)
        self._process = 0
        for descriptor in (self._requests, self._results):
            if descriptor >= 0:
                os.close(descriptor)
        self._requests = self._results = -1
        self._keys = []
        self._sent.clear()
        self._waiting.clear()
        self._answers.clear()


def _serve(decrypt: list[Callable[[bytes], bytes]], requests: int, results: int) -> None:
    """Answers until nobody asks any more."""
    with open(requests, "rb") as source:
        while len(head := source.read(_REQUEST.size)) == _REQUEST.size:
            number, length = _REQUEST.unpack(head)
            try:
                premaster = decrypt[number](source.read(length))
            except DecryptError:
                os.write(results, _RESULT.pack(_NOTHING))
            else:
                os.write(results, _RESULT.pack(len(premaster)) + premaster)
