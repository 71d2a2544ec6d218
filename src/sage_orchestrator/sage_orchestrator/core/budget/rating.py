"""What the processor gives to plugins now, beside what the budget promises.

1 ATP is 0.1 ms of a worker's time at any clock: where the clock falls, steps cost more ATP, and a
run that ends with its share still ends in time. Where workers want to compute and get no core (a
quota of their group, a throttled or crowded processor), a share takes longer than promised; so the
budget of a cycle is multiplied by what the workers got of what they wanted, as the kernel accounts
it (`schedstat`: time on a core, and time that a thread waited for one).
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable
from typing import NamedTuple

from sage_orchestrator.core.hosting import proc_files
from sage_orchestrator.core.hosting.process_tree import children_of_thread, descendants

NOMINAL = 1.0
LEAST = 0.05
SMOOTHING_NS = 300_000_000
"""Of time that the workers wanted: what is older counts little."""
TOLERATED = 0.1
"""Of a cycle: who waits no longer in it gets its share in time."""
LEAVE_NOMINAL, RETURN_TO_NOMINAL, STEP = 0.9, 0.95, 0.05
"""Below the first the rating leaves 1, above the second it returns; between them it moves by the
third at least."""


class CoreTime(NamedTuple):
    """Of a thread: nanoseconds on a core, and nanoseconds for which it could run and had none."""

    had: int
    waited: int


def core_time(thread: int) -> CoreTime:
    """Of a thread of this process, by its number in the kernel, and of processes that it started.

    Raises:
        OSError: there is no such thread, or the kernel does not account it.
    """
    total = _account(f"self/task/{thread}")
    for child in children_of_thread("self", thread):
        for process in (child, *descendants(child)):
            with contextlib.suppress(OSError):  # it has just ended
                found = _account(str(process))
                total = CoreTime(total.had + found.had, total.waited + found.waited)
    return total


def crowded_ns() -> int:
    """For how long so far some thread of this machine could run and had no core [ns].

    Nothing is known where the kernel does not account for pressure (CONFIG_PSI): 0.
    """
    try:
        some = proc_files.read("/proc/pressure/cpu").split(b"\n")[0]
    except OSError:
        return 0
    return int(some.rpartition(b"total=")[2]) * 1000


def _account(task: str) -> CoreTime:
    had, waited, _ = proc_files.read(f"/proc/{task}/schedstat").split()
    return CoreTime(int(had), int(waited))


class ProcessorRating:
    """The share of its promise that the processor keeps, in [0.05, 1]; 1: all of it.

    Plugins that wait for each other do not lower it as long as all together get what the budget
    promises to all together, and at least one core. Safe to use from several threads.

    Args:
        wall_ns: clock.
        read: the core time of a thread.
    """

    def __init__(
        self, wall_ns: Callable[[], int], read: Callable[[int], CoreTime] = core_time
    ) -> None:
        self._wall_ns = wall_ns
        self._read = read
        self._lock = threading.Lock()
        self._active: dict[str, tuple[int, CoreTime]] = {}
        self._busy_since_ns = 0
        self._busy_ns = self._had_ns = self._waited_ns = 0
        self._got = self._wanted = float(SMOOTHING_NS)
        self._value = NOMINAL
        self._fault = ""

    @property
    def value(self) -> float:
        """The rating in force."""
        return self._value

    @property
    def words(self) -> str:
        """The rating in words."""
        if self._fault:
            return f"1.00: not measured: {self._fault}"
        if self._value == NOMINAL:
            return "1.00: plugins get the time that is promised"
        return f"{self._value:.2f}: plugins get {self._value:.0%} of the time that is promised"

    def rated_ns(self, budget_ns: int, period_ns: int) -> int:
        """As much of the budget of a cycle as the processor keeps now, at least 1."""
        self._rate(max(1.0, budget_ns / period_ns), TOLERATED * period_ns)
        return max(1, round(budget_ns * self._value))

    def begin(self, name: str, thread: int) -> None:
        """A worker begins to work for a plugin."""
        with self._lock:
            now_ns = self._wall_ns()
            self._count_busy(now_ns)
            self._busy_since_ns = now_ns
            try:
                self._active[name] = (thread, self._read(thread))
                self._fault = ""
            except (OSError, ValueError) as error:
                self._active.pop(name, None)
                self._fault = f"the kernel does not say how long a thread waits: {error}"
                self._value = NOMINAL

    def end(self, name: str, thread: int) -> None:
        """It came back."""
        with self._lock:
            if self._active.get(name, (None,))[0] == thread:
                self._collect(name)
                self._count_busy(self._wall_ns())
                del self._active[name]

    def forget(self, name: str) -> None:
        """Its thread hangs and is given up."""
        with self._lock:
            self._count_busy(self._wall_ns())
            self._active.pop(name, None)

    def _rate(self, cores: float, tolerated_ns: float) -> None:
        """Take in what happened since the last time, against a promise of so many cores."""
        with self._lock:
            for name in self._active:
                self._collect(name)
            self._count_busy(self._wall_ns())
            waited_ns = self._waited_ns if self._waited_ns > tolerated_ns else 0
            wanted = min(self._had_ns + waited_ns, max(self._had_ns, cores * self._busy_ns))
            got, self._had_ns, self._waited_ns, self._busy_ns = self._had_ns, 0, 0, 0
            if wanted <= 0.0:
                return
            kept = math.exp(-wanted / SMOOTHING_NS)
            self._got = kept * self._got + got
            self._wanted = kept * self._wanted + wanted
            self._settle(self._got / self._wanted)

    def _settle(self, smoothed: float) -> None:
        if smoothed > RETURN_TO_NOMINAL:
            self._value = NOMINAL
        elif self._value == NOMINAL and smoothed >= LEAVE_NOMINAL:
            return
        elif abs(smoothed - self._value) >= STEP * self._value:
            self._value = max(LEAST, smoothed)

    def _collect(self, name: str) -> None:
        thread, before = self._active[name]
        now = self._read(thread)
        self._had_ns += max(0, now.had - before.had)  # less where a process has ended
        self._waited_ns += max(0, now.waited - before.waited)
        self._active[name] = (thread, now)

    def _count_busy(self, now_ns: int) -> None:
        if self._active:
            self._busy_ns += now_ns - self._busy_since_ns
        self._busy_since_ns = now_ns
