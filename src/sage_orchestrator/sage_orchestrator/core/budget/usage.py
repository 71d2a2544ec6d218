"""CPU time that a plugin uses beside its thread: native threads, and processes that it started.

A native thread is known as a plugin's by its name in the kernel, which it has from the thread that
started it unless it takes another; so it is told apart even while several plugins load at once.
Processes are known by the thread that started them, and those that they start in turn by these. Of
processes that were waited for only the sum over all threads is known: what comes to it during a
step is that plugin's, and of two that wait for processes during the same time both are charged.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import threading
import time

from sage_orchestrator.core.hosting import proc_files
from sage_orchestrator.core.hosting.process_tree import (
    children_of_thread,
    cpu_ns,
    descendants,
    own_waited_ns,
    waited_cpu_ns,
)

_PR_SET_NAME = 15
_LONGEST_NAME = 10
"""Of 15 bytes; a number after it makes it that of one thread."""
_THREAD_CLOCK = 6
"""CPUCLOCK_SCHED of clock_getcpuclockid(3), of one thread of this process."""
_LOOK_AGE_NS = 20_000_000
"""New threads and processes are looked for so often; what they used until then is charged, too."""
_numbers = itertools.count(1)
_named = threading.local()


def name_thread(plugin: str) -> None:
    """Give the calling thread, and native threads that it starts from now on, a name of its own."""
    _named.name = f"{plugin[:_LONGEST_NAME]}.{next(_numbers)}".encode()
    ctypes.CDLL(None).prctl(_PR_SET_NAME, _named.name, 0, 0, 0)


class UsageBeside:
    """What the calling thread has started uses; only that thread asks.

    A native thread that ends during a step, or gave itself another name, is not seen.
    """

    def __init__(self) -> None:
        self._thread = threading.get_native_id()
        self._threads_known = self._listed_ns = 0
        self._threads: dict[int, int] = {}
        self._others: set[int] = set()
        self._own: dict[int, int] = {}
        self._waited: dict[int, int] = {}
        self._looked_ns = 0
        self._reaped_ns = own_waited_ns()
        self._processes_ns = self._of_processes(anew=True)
        self.total_ns = 0
        """All that was seen so far [ns]."""
        self._add_threads()
        self.total_ns = 0

    def add_between(self) -> None:
        """Add what was used since the last look, while nothing was measured."""
        self._add_threads()
        self._add_processes(reaped_ns=0)
        self._reaped_ns = own_waited_ns()

    def add_step(self) -> None:
        """Add what was used since the last look, by processes that were waited for, too."""
        self._add_threads()
        before_ns, self._reaped_ns = self._reaped_ns, own_waited_ns()
        self._add_processes(self._reaped_ns - before_ns)

    def _add_threads(self) -> None:
        name = getattr(_named, "name", None)
        if name is None:
            return
        known, now_ns = proc_files.links("/proc/self/task"), time.monotonic_ns()
        if known != self._threads_known or now_ns - self._listed_ns > _LOOK_AGE_NS:
            self._threads_known, self._listed_ns = known, now_ns
            self._look_for_threads(name)
        for thread, before_ns in self._threads.items():
            try:
                now_ns = time.clock_gettime_ns((~thread << 3) | _THREAD_CLOCK)
            except OSError:
                continue  # it has ended
            self.total_ns += now_ns - before_ns
            self._threads[thread] = now_ns

    def _look_for_threads(self, name: bytes) -> None:
        found = set(proc_files.numbers("/proc/self/task")) - {self._thread}
        self._others &= found
        ours = {t for t in found - self._others if t in self._threads or _name_of(t) == name}
        self._others = found - ours
        self._threads = {thread: self._threads.get(thread, 0) for thread in ours}

    def _add_processes(self, reaped_ns: int) -> None:
        before_ns = self._processes_ns
        self._processes_ns = self._of_processes(anew=reaped_ns > 0)
        self.total_ns += max(0, self._processes_ns - before_ns + reaped_ns)

    def _of_processes(self, anew: bool) -> int:
        """What the processes that live have used, and those that they have waited for."""
        now_ns = time.monotonic_ns()
        if anew or now_ns - self._looked_ns > _LOOK_AGE_NS:
            self._looked_ns = now_ns
            children = children_of_thread("self", self._thread)
            tree = [p for child in children for p in (child, *descendants(child))]
            self._own = {p: self._own.get(p, 0) for p in tree}
            self._waited = {p: waited_cpu_ns(p) for p in tree}
        for process in self._own:
            with contextlib.suppress(OSError):  # ended: the next look sees who waited for it
                self._own[process] = cpu_ns(process)
        return sum(self._own.values()) + sum(self._waited.values())


def _name_of(thread: int) -> bytes:
    try:
        return proc_files.read(f"/proc/self/task/{thread}/comm").rstrip(b"\n")
    except (FileNotFoundError, ProcessLookupError):
        return b""
