"""Waiting for the end of one of several processes."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Iterable

from sage.run.forked_process import ForkedProcess

Process = subprocess.Popen[bytes] | ForkedProcess


class ProcessEnds:
    """Wakes who waits as soon as a process ends, by a descriptor of each: pidfd_open(2)."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._descriptors: dict[Process, int] = {}

    def wait(self, processes: Iterable[Process], timeout_s: float) -> None:
        """Until one of them ends, or has ended and was not waited for; or for so long.

        Args:
            processes: children that run; those of the last time that are not among them any more
                are forgotten.
        """
        watched = set(processes)
        for gone in self._descriptors.keys() - watched:
            self._forget(gone)
        for process in watched - self._descriptors.keys():
            if process.returncode is not None:
                return
            if process.pid is not None:
                self._descriptors[process] = os.pidfd_open(process.pid)
                self._poll.register(self._descriptors[process], select.POLLIN)
        self._poll.poll(max(timeout_s, 0.0) * 1e3)

    def close(self) -> None:
        """Nobody waits any more."""
        for process in tuple(self._descriptors):
            self._forget(process)

    def _forget(self, process: Process) -> None:
        descriptor = self._descriptors.pop(process)
        self._poll.unregister(descriptor)
        os.close(descriptor)
