"""The most memory that a graph has had, looked at in a thread: the kernel walks all of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PERIOD_S = 1.0
SHARE = 0.001
"""Of a core that looking may take: a process a node is looked at less often than one process."""


class MemoryWatch:
    """Looks from now until `stop`.

    Args:
        pss_mb: the memory of all processes together [MB].

    Attributes:
        most_mb: the most so far [MB].
    """

    def __init__(self, pss_mb: Callable[[], float]) -> None:
        self._pss_mb = pss_mb
        self._stopped = threading.Event()
        self.most_mb = 0.0
        self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look for the last time."""
        self._stopped.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        wait_s = 0.0
        while not self._stopped.wait(wait_s):
            begin_s = time.thread_time()
            self._look()
            wait_s = max((time.thread_time() - begin_s) / SHARE, PERIOD_S)

    def _look(self) -> None:
        self.most_mb = max(self.most_mb, self._pss_mb())
