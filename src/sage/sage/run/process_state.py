"""What the kernel says of a process: proc(5)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_STATE, _USER, _SYSTEM = 0, 11, 12
"""Of the fields of /proc/PID/stat after the name."""


@dataclass(frozen=True)
class ProcessState:
    """One look at a process.

    Attributes:
        threads: state of each thread by its number, as a letter: R, S, D, T (stopped), t (traced).
        first: number of the thread that the process began with, which spins its executor.
        cpu_s: processor time that it has taken so far, all threads [s].
        first_cpu_s: that of the first thread.
    """

    threads: dict[int, str]
    first: int
    cpu_s: float
    first_cpu_s: float

    @property
    def stopped(self) -> bool:
        """Whether a signal has stopped it."""
        return self.threads.get(self.first) == "T"

    @property
    def traced(self) -> bool:
        """Whether a debugger holds it."""
        return "t" in self.threads.values()

    @property
    def asleep(self) -> bool:
        """Whether no thread runs, is ready to, waits for a disk, or is held by a debugger."""
        return not {"R", "D", "t"} & set(self.threads.values())

    @property
    def first_is_ready(self) -> bool:
        """Whether its first thread runs, or would if it had a core."""
        return self.threads.get(self.first) == "R"

    @property
    def waits_for_disk(self) -> bool:
        """Whether a thread waits for a disk, or for memory that was swapped out."""
        return "D" in self.threads.values()


def process_state(pid: int) -> ProcessState | None:
    """How a process is now; None if it has ended."""
    try:
        own = _fields(Path(f"/proc/{pid}/stat"))
        threads = {int(e.name): _fields(Path(e.path, "stat")) for e in os.scandir(_tasks(pid))}
        return ProcessState(
            {number: fields[_STATE] for number, fields in threads.items()},
            pid,
            _cpu_s(own),
            _cpu_s(threads[pid]),
        )
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return None


def crowding() -> float:
    """Threads that are ready to run for each core, now or in the last minute; at least 1."""
    fields = Path("/proc/loadavg").read_text().split()
    running = int(fields[3].partition("/")[0]) - 1  # without this one
    return max(1.0, max(float(fields[0]), running) / (os.cpu_count() or 1))


def process_pss_mb(pid: int) -> float:
    """Proportional set size of one process [MB]; 0 if it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024.0
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0.0


def _tasks(pid: int) -> str:
    return f"/proc/{pid}/task"


def _fields(path: Path) -> list[str]:
    return path.read_text().rpartition(")")[2].split()


def _cpu_s(fields: list[str]) -> float:
    return (int(fields[_USER]) + int(fields[_SYSTEM])) * _TICK_S
