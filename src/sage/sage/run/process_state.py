"""What the kernel says of a process, and of the machine: proc(5)."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_STATE, _USER, _SYSTEM = 0, 11, 12
"""Of the fields of /proc/PID/stat after the name."""
_COUNTS_WAITS = Path("/proc/self/schedstat").exists()
"""Of the kernel (CONFIG_SCHED_INFO); else threads are said to have waited for no core."""
LEAST_POLLS, LONGEST_POLL_S = 3, 0.0002
"""A thread had a core so often between two looks, for so short a time each: it asks for something
again and again, such as the interpreter, and is not what others wait for."""


@dataclass(frozen=True)
class ThreadState:
    """One look at a thread.

    Attributes:
        letter: R (runs, or is ready to), S (sleeps), D (waits for a disk, or for memory that was
            swapped out), T (stopped), t (traced), or another of proc(5).
        ran_s: for how long it had a core so far [s].
        waited_s: for how long it was ready and had none, but for a wait that still goes on [s].
        times: how often it got a core.
    """

    letter: str
    ran_s: float = 0.0
    waited_s: float = 0.0
    times: int = 0

    def polls(self, before: ThreadState) -> bool:
        """Whether it asked for something again and again since an earlier look."""
        times = self.times - before.times
        return times >= LEAST_POLLS and self.ran_s - before.ran_s < times * LONGEST_POLL_S

    def starves(self, before: ThreadState) -> bool:
        """Whether it was ready to run since an earlier look, and had no core once."""
        return self.letter == before.letter == "R" and self.ran_s == before.ran_s


@dataclass(frozen=True)
class ProcessState:
    """One look at a process.

    Attributes:
        threads: by their numbers.
        first: number of the thread that the process began with.
    """

    threads: dict[int, ThreadState]
    first: int

    @property
    def stopped(self) -> bool:
        """Whether a signal has stopped it."""
        return self.threads[self.first].letter == "T"

    @property
    def is_held(self) -> bool:
        """Whether a thread waits for a disk, or a debugger holds it."""
        return any(thread.letter in "Dt" for thread in self.threads.values())

    def starves(self, before: ProcessState) -> bool:
        """Whether a thread was ready to run since an earlier look, and had no core once."""
        return any(thread.starves(then) for thread, then in self._since(before))

    def waited_s(self, before: ProcessState) -> float:
        """How long threads were ready and had no core, added up, in waits that ended since an
        earlier look [s]; but for threads that poll."""
        found = self._since(before)
        return sum(t.waited_s - then.waited_s for t, then in found if not t.polls(then))

    def _since(self, before: ProcessState) -> list[tuple[ThreadState, ThreadState]]:
        """The threads that there are, with those at an earlier look."""
        nothing = ThreadState("S")
        return [(t, before.threads.get(number, nothing)) for number, t in self.threads.items()]


def process_state(pid: int) -> ProcessState | None:
    """How a process is now; None if it has ended."""
    try:
        numbers = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except FileNotFoundError:
        return None
    found = {number: thread for number in numbers if (thread := _thread_state(pid, number))}
    return ProcessState(found, pid) if pid in found else None


@dataclass(frozen=True)
class HostState:
    """One look at the machine.

    Attributes:
        looked_s: when [s, monotonic].
        contended_s: for how long a thread, whichever, was ready to run and had no core so far [s];
            None: the kernel does not say (pressure stall information, CONFIG_PSI).
        ready: threads that are ready to run for each core, now.
    """

    looked_s: float
    contended_s: float | None
    ready: float

    def crowding(self, before: HostState) -> float:
        """How many times longer than alone a thread took since an earlier look, at least 1.

        A look finds more threads ready than there are on average: what woke it woke others, too. So
        they count for the time only in which one of them waited.
        """
        share = 1.0
        if self.contended_s is not None and before.contended_s is not None:
            passed_s = max(self.looked_s - before.looked_s, 1e-9)
            share = min((self.contended_s - before.contended_s) / passed_s, 1.0)
        return 1.0 / (1.0 - share + share / max(self.ready, 1.0))


def host_state() -> HostState:
    """How the machine is now."""
    running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    ready = (running - 1) / (os.cpu_count() or 1)  # without this one
    return HostState(time.monotonic(), _contended_s(), ready)


def process_pss_mb(pid: int) -> float:
    """Proportional set size of one process [MB]; 0 if it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024.0
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0.0


def process_cpu_s(pid: int) -> float:
    """Processor time that a process has taken, all threads [s]; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[_USER]) + int(fields[_SYSTEM])) * _TICK_S


def _contended_s() -> float | None:
    try:
        some = Path("/proc/pressure/cpu").read_text().partition("\n")[0]
    except OSError:  # the kernel was built, or started, without
        return None
    return int(some.rpartition("=")[2]) * 1e-6


def _thread_state(pid: int, number: int) -> ThreadState | None:
    task = Path(f"/proc/{pid}/task/{number}")
    try:
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        if not _COUNTS_WAITS:
            ticks = int(fields[_USER]) + int(fields[_SYSTEM])
            return ThreadState(fields[_STATE], ticks * _TICK_S)
        ran_ns, waited_ns, times = map(int, (task / "schedstat").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return None
    return ThreadState(fields[_STATE], ran_ns * 1e-9, waited_ns * 1e-9, times)
