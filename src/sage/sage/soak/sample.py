"""What a process holds at a moment, as the kernel reports it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from sage.run.process_state import process_cpu_s

KB_PER_MB = 1024.0


class Sample(NamedTuple):
    """One look at one process.

    Attributes:
        cpu_s: processor time that its threads have taken so far [s].
        anonymous_mb: memory that no file stands behind, swapped out or not [MB].
        pss_mb: proportional set size [MB]; a shared page counts in parts.
        threads: its threads.
        descriptors: its open files and sockets.
    """

    cpu_s: float
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
        cpu_s=process_cpu_s(pid),
        anonymous_mb=(kb["Anonymous"] + kb["Swap"]) / KB_PER_MB,
        pss_mb=kb["Pss"] / KB_PER_MB,
        threads=len(os.listdir(folder / "task")),
        descriptors=len(os.listdir(folder / "fd")),
    )
