"""What was computed for a thread, wherever: on it, on another thread, or in a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence


class ThreadWork:
    """CPU time of threads, corrected by what one has computed for others.

    One thread may compute for several (a batch of their requests), and a server for one; who asked
    bears the cost. Safe to use from several threads.

    Args:
        cpu_ns: CPU time of the calling thread.
    """

    def __init__(self, cpu_ns: Callable[[], int] = time.thread_time_ns) -> None:
        self._cpu_ns = cpu_ns
        self._lock = threading.Lock()
        self._received: dict[int, int] = {}

    def now_ns(self) -> int:
        """What has been computed for the calling thread so far; only differences mean something."""
        return self._cpu_ns() + self._received.get(threading.get_ident(), 0)

    def received_ns(self) -> dict[int, int]:
        """What others have computed for each thread, less what it has computed for them."""
        with self._lock:
            return dict(self._received)

    def receive(self, cost_ns: int) -> None:
        """A server has computed for the calling thread for so long."""
        with self._lock:
            self._add(threading.get_ident(), cost_ns)

    def share(self, cost_ns: int, threads: Sequence[int]) -> None:
        """The calling thread has computed for so long for all of `threads`, equally for each.

        The parts sum to `cost_ns`; what does not divide goes to the first.

        Args:
            cost_ns: CPU time that it has spent.
            threads: by `threading.get_ident`; not empty; it may be one of them.
        """
        part, rest = divmod(cost_ns, len(threads))
        with self._lock:
            self._add(threading.get_ident(), -cost_ns)
            for place, thread in enumerate(threads):
                self._add(thread, part + (rest if place == 0 else 0))

    def _add(self, thread: int, cost_ns: int) -> None:
        self._received[thread] = self._received.get(thread, 0) + cost_ns


THREAD_WORK = ThreadWork()
"""Of this process."""
