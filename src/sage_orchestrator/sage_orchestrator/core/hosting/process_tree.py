"""A process and all that it started: what they use, and their end; from Linux' /proc.

A process stays in the tree of the one that started it as long as that lives, or has an ancestor
there that is a subreaper (prctl(2)).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sage_orchestrator.core.hosting import proc_files

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PROCESS_CLOCK = 2
"""CPUCLOCK_SCHED of clock_getcpuclockid(3), of a whole process."""
_CUTIME, _CSTIME = 16, 17
"""Fields of /proc/PID/stat, counted from 1 as proc(5) does."""
_AFTER_NAME = 3
_NS_PER_S = 1_000_000_000
_KB = 1024
_reaped_ns: Counter[int] = Counter()
"""CPU time of processes that hosts have waited for, by the thread that did."""


def is_supported() -> bool:
    """Whether this kernel says which processes a thread started (CONFIG_PROC_CHILDREN)."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def children_of_thread(process: int | str, thread: int) -> list[int]:
    """The processes that a thread started and that have not been waited for."""
    try:
        found = proc_files.read(f"/proc/{process}/task/{thread}/children")
        return [int(number) for number in found.split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(process: int) -> Iterator[int]:
    """All that a process started, and what these started, parents first."""
    try:
        threads = proc_files.numbers(f"/proc/{process}/task")
    except (FileNotFoundError, ProcessLookupError):
        return
    for thread in threads:
        for child in children_of_thread(process, thread):
            yield child
            yield from descendants(child)


def cpu_ns(process: int) -> int:
    """CPU time of a process [ns]; raises OSError: it is gone."""
    return time.clock_gettime_ns((~process << 3) | _PROCESS_CLOCK)


def waited_cpu_ns(process: int) -> int:
    """CPU time of those that a process started and has waited for [ns], to 10 ms (a tick).

    Nothing is known of a process that ignores SIGCHLD; one that is gone has none.
    """
    try:
        fields = proc_files.read(f"/proc/{process}/stat").rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    ticks = int(fields[_CUTIME - _AFTER_NAME]) + int(fields[_CSTIME - _AFTER_NAME])
    return ticks * TICK_NS


@contextlib.contextmanager
def reaping() -> Iterator[None]:
    """While a host may wait for a process of its own: no other thread's plugin pays for that."""
    before_ns = _all_waited_ns()
    yield
    _reaped_ns[threading.get_native_id()] += _all_waited_ns() - before_ns


def own_waited_ns() -> int:
    """CPU time of processes that were waited for here, but for what hosts on other threads did."""
    own = threading.get_native_id()
    others_ns = sum(ns for thread, ns in list(_reaped_ns.items()) if thread != own)
    return _all_waited_ns() - others_ns


def _all_waited_ns() -> int:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((used.ru_utime + used.ru_stime) * _NS_PER_S)


def memory_bytes(process: int) -> int:
    """Memory that is no file's, of one process: private and shared; swapped out, too."""
    held = 0
    try:
        with open(f"/proc/{process}/status", "rb") as file:
            for line in file:
                if line.startswith((b"RssAnon:", b"RssShmem:", b"VmSwap:")):
                    held += int(line.split()[1]) * _KB
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return held


def kill_descendants(process: int) -> None:
    """End all that a process started, and itself none of it.

    They are stopped first, round after round until nothing new appears: a stopped process starts
    no other, so that none escapes while the others are killed.
    """
    stopped: set[int] = set()
    while new := set(descendants(process)) - stopped:
        for found in new:
            _send(found, signal.SIGSTOP)
        stopped |= new
    for found in stopped:
        _send(found, signal.SIGKILL)


def _send(process: int, number: signal.Signals) -> None:
    # It ended by itself; or it became another user's, as programs with setuid do.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)
