"""What takes the processor: threads of a process, by what they are for."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from sage.run.process_state import process_state

EXECUTOR = "executor"
MIDDLEWARE = "middleware"
LIBRARIES = "libraries"
"""Threads without a name of their own: those of inference and of Python's own pools."""


def thread_seconds(pid: int) -> dict[str, float]:
    """Processor time of each group of a process's threads so far [s]; empty if it has ended.

    The executor runs the callbacks of all its nodes; a group with a node's name has its workers.
    """
    state = process_state(pid)
    if state is None:
        return {}
    found: dict[str, float] = defaultdict(float)
    process = _name(pid, pid)
    for number, thread in state.threads.items():
        name = _name(pid, number)
        found[EXECUTOR if number == pid else group_of(name, process)] += thread.ran_s
    return dict(found)


def _name(pid: int, thread: int) -> str:
    """Of a thread; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/task/{thread}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def group_of(thread: str, process: str) -> str:
    """What a thread is for, by its name and that of its process."""
    if thread.startswith("dds."):
        return MIDDLEWARE
    return LIBRARIES if thread in ("", process) else thread.partition("/")[0]


def shares(before: dict[str, float], after: dict[str, float], within_s: float) -> dict[str, float]:
    """Of one core, what each group took between two looks, the most first."""
    used = {name: (s - before.get(name, 0.0)) / within_s for name, s in after.items()}
    return dict(sorted(used.items(), key=lambda item: -item[1]))
