"""Native calls that keep the interpreter: nothing in Python goes on, nor can interrupt them.

What is seen is what follows from it: a thread that wants to wake every cycle does not, although it
neither computes nor waits for a core, and no other has to wait for one, which might have the
interpreter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sage_orchestrator.core.budget.rating import CoreTime, core_time, crowded_ns
from sage_orchestrator.core.running.run import Run

_NS_PER_S = 1_000_000_000


class InterpreterWatch:
    """Which steps keep the interpreter for longer than a cycle.

    Where the kernel does not account for how long a thread waits for a core, nobody is blamed.

    Args:
        wall_ns: clock.
        period_ns: length of a cycle.
        read: the core time of a thread.
        crowded_ns: for how long so far some thread could run and had no core.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int],
        period_ns: int,
        read: Callable[[int], CoreTime] = core_time,
        crowded_ns: Callable[[], int] = crowded_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._period_ns = period_ns
        self._read = read
        self._crowded_ns = crowded_ns
        self._due: tuple[int, int, CoreTime, int] | None = None
        self._stopped = threading.Event()

    def start(self, look: Callable[[], None]) -> None:
        """Watch on a thread from now on, which calls `look` each time that it wakes."""
        self._stopped = stopped = threading.Event()

        def watch() -> None:
            self.sleep()
            while not stopped.wait(self._period_ns / _NS_PER_S):
                look()
                self.sleep()

        threading.Thread(target=watch, name="interpreter watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._due = None

    def sleep(self) -> None:
        """The calling thread sleeps for a cycle now."""
        thread = threading.get_native_id()
        try:
            due_ns = self._wall_ns() + self._period_ns
            self._due = thread, due_ns, self._read(thread), self._crowded_ns()
        except (OSError, ValueError):
            self._due = None

    def fault(self, run: Run) -> str:
        """What the step under way of a run does, in words; empty: it lets others go on."""
        due, began_ns = self._due, run.step_began_ns
        if due is None or began_ns is None:
            return ""
        thread, due_ns, before, crowded_before_ns = due
        late_ns = self._wall_ns() - due_ns
        if began_ns > due_ns or late_ns <= self._period_ns:
            return ""
        now = self._read(thread)
        waited_ns = max(now.waited - before.waited, self._crowded_ns() - crowded_before_ns)
        lost_ns = late_ns - (now.had - before.had) - waited_ns
        if lost_ns <= self._period_ns:
            return ""
        seconds = lost_ns / _NS_PER_S
        return f"a native call in one step kept the interpreter from all others for {seconds:.1f} s"
