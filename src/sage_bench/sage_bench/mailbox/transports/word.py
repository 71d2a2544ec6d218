"""A word in shared memory that counts, from Python: no hand-over between cores costs less.

What this loop takes is the machine's and the interpreter's own; it carries no payload.
"""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

from sage_bench.mailbox.transports.transport import Arrival

DEPTH = 4
"""How many a receiver may lag before it misses some: as many as the mailbox has slots."""


class WordSender:
    """Writes the stamp, and counts."""

    def __init__(self, channel: str) -> None:
        self._path = _path_of(channel)
        self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        os.ftruncate(self._file, mmap.PAGESIZE)
        self._words = _words(self._file)

    def wait_for(self, receivers: int) -> None:
        """Whoever looks, sees."""

    def fill(self, value: int) -> None:
        """There is nothing to fill."""

    def commit(self, stamp_ns: int) -> None:
        number = self._words[0]
        self._words[1 + number % DEPTH] = stamp_ns
        self._words[0] = number + 1

    def close(self) -> None:
        os.close(self._file)
        self._path.unlink()


class WordReceiver:
    """Looks at the word."""

    def __init__(self, channel: str) -> None:
        file = os.open(_path_of(channel), os.O_RDWR)
        self._words = _words(file)
        os.close(file)
        self._seen = self._words[0]

    def poll(self) -> Arrival | None:
        number = self._words[0]
        if number == self._seen:
            return None
        self._seen = max(self._seen, number - DEPTH)
        stamp_ns = self._words[1 + self._seen % DEPTH]
        self._seen += 1
        return Arrival(stamp_ns, time.monotonic_ns())

    def wait(self, timeout_s: float) -> None:
        raise NotImplementedError("nobody can sleep on a bare word in Python")

    def close(self) -> None:
        """The memory goes with the object."""


class WordTransport:
    """A bare word."""

    name = "shared word (no payload)"
    has_threads = False
    can_sleep = False
    most_hz = 1000.0

    def environment(self, folder: Path) -> dict[str, str]:
        return {}

    def sender(self, channel: str, payload_bytes: int, polling: bool) -> WordSender:
        return WordSender(channel)

    def receiver(self, channel: str, payload_bytes: int, polling: bool) -> WordReceiver:
        return WordReceiver(channel)


def _path_of(channel: str) -> Path:
    return Path("/dev/shm", f"sage-bench-word.{os.geteuid()}.{channel}")


def _words(file: int) -> memoryview[int]:
    return memoryview(mmap.mmap(file, mmap.PAGESIZE)).cast("q")
