"""What a process holds at a moment, as the kernel tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

KB_PER_MB = 1024.0
SHARED_MEMORY = Path("/dev/shm")


class Sample(NamedTuple):
    """One look at one process.

    Attributes:
        anonymous_mb: memory that no file stands behind, swapped out or not [MB].
        pss_mb: proportional set size [MB]; a shared page counts in parts.
        threads: its threads.
        descriptors: its open files and sockets.
    """

    anonymous_mb: float
    pss_mb: float
    threads: int
    descriptors: int


def sample_of(pid: int) -> Sample:
    """What a process holds now.

    Raises:
        FileNotFoundError, ProcessLookupError: it has ended.
        OSError: it is another user's.
    """
    folder = Path(f"/proc/{pid}")
    kb: dict[str, int] = {}
    for line in (folder / "smaps_rollup").read_text().splitlines()[1:]:
        name, number, *_ = line.split()
        kb[name.rstrip(":")] = int(number)
    return Sample(
        anonymous_mb=(kb["Anonymous"] + kb["Swap"]) / KB_PER_MB,
        pss_mb=kb["Pss"] / KB_PER_MB,
        threads=len(os.listdir(folder / "task")),
        descriptors=len(os.listdir(folder / "fd")),
    )


def shared_memory_mb(folder: Path = SHARED_MEMORY) -> float:
    """What lies in the shared memory of this host, of any program [MB]."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize / KB_PER_MB**2


def family_of(pid: int) -> dict[int, str]:
    """A process and all that it started, by number: what each is called.

    "command" is the process itself, "container" one that runs many nodes; a process of one node has
    the node's name, any other that of its program.
    """
    found = {pid: "command"}
    waiting = [pid]
    while waiting:
        for child in _children(waiting.pop()):
            name = _name_of(child)
            if name:
                found[child] = name
            waiting.append(child)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(number) for number in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass  # It has ended.
    return found


def _name_of(pid: int) -> str:
    """What a process is called; empty if it has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    if "--graph" in words:
        return "container"
    for word in words:
        if word.startswith("__node:="):
            return word.removeprefix("__node:=")
    return Path(words[1 if words[1:] and words[1].endswith("/fork_server") else 0]).name
