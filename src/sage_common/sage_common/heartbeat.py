"""Heartbeats of a process, in memory that it shares with the one that watches it.

A thread of the process writes one, and the executor another: a process that is stopped or whose
interpreter is held writes neither, one whose executor is stuck in a callback writes the first only.
Times are those of CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from dataclasses import dataclass
from enum import IntEnum

HEARTBEAT_VARIABLE = "SAGE_HEARTBEAT"
"""Names the memory that a process writes its heartbeats into; unset: nobody watches it."""
BEAT_PERIOD_S = 0.2
_PHASE, _BEATEN, _TURNED = range(3)
_WORDS, _WORD_BYTES = 3, 8


class Phase(IntEnum):
    """What a process is at, as it says."""

    UNHEARD = 0
    STARTING = 1
    RUNNING = 2
    ENDING = 3


@dataclass(frozen=True)
class Beat:
    """The newest heartbeats of a process.

    Attributes:
        phase: what it is at.
        beaten_s: when its thread wrote one [s, monotonic]; 0: not yet.
        turned_s: when its executor wrote one [s, monotonic]; 0: not yet.
    """

    phase: Phase
    beaten_s: float
    turned_s: float


class HeartbeatMemory:
    """The watcher's end: memory without a name, which is gone with the last process that has it.

    Attributes:
        path: by which a process of the same user opens it while this one runs.
    """

    def __init__(self) -> None:
        self._file = os.memfd_create("sage_heartbeat", os.MFD_CLOEXEC)
        os.fchmod(self._file, 0o600)
        os.ftruncate(self._file, _WORDS * _WORD_BYTES)
        self._words = _mapped(self._file)
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"

    def read(self) -> Beat:
        """What was written last."""
        phase, beaten_ns, turned_ns = self._words
        known = Phase(min(phase, Phase.ENDING))  # a process that goes wrong may write anything
        return Beat(known, beaten_ns * 1e-9, turned_ns * 1e-9)

    def clear(self) -> None:
        """Another process writes from now on."""
        for index in range(_WORDS):
            self._words[index] = 0

    def close(self) -> None:
        """Nobody opens it any more."""
        self._words.release()
        os.close(self._file)


class Heartbeat:
    """The end of the process that is watched.

    Args:
        path: as `HeartbeatMemory` names it.

    Raises:
        OSError: it cannot be opened; the watcher has ended, for instance.
    """

    def __init__(self, path: str) -> None:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._words = _mapped(file)
        finally:
            os.close(file)
        self._lock = threading.Lock()
        self.enter(Phase.STARTING)
        self.beat()

    def enter(self, phase: Phase) -> None:
        """Say what the process is at from now on; an earlier phase does not come again."""
        with self._lock:
            self._words[_PHASE] = max(self._words[_PHASE], phase)

    def beat(self) -> None:
        """Written by a thread that does nothing else."""
        self._words[_BEATEN] = time.monotonic_ns()

    def turned(self) -> None:
        """Written by the executor, between its callbacks."""
        self._words[_TURNED] = time.monotonic_ns()

    def keep_beating(self) -> None:
        """Beat in a thread until the process ends."""
        threading.Thread(target=self._beat_on, name="heartbeat", daemon=True).start()

    def _beat_on(self) -> None:
        while True:
            self.beat()
            time.sleep(BEAT_PERIOD_S)


def heartbeat() -> Heartbeat | None:
    """That of this process, as its environment says; None if nobody watches it.

    Raises:
        OSError: what is named cannot be opened.
    """
    path = os.environ.get(HEARTBEAT_VARIABLE)
    return Heartbeat(path) if path else None


def _mapped(file: int) -> memoryview:
    """Words of 64 bits; one of them is written and read at once."""
    return memoryview(mmap.mmap(file, _WORDS * _WORD_BYTES)).cast("Q")
