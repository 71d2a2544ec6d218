"""A control group with a memory limit, of version 1, and processes in it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

CONTROLLER = Path("/sys/fs/cgroup/memory")
EMPTY_WITHIN_S = 10.0
POLL_S = 0.05


class MemoryLimit:
    """A cgroup; a context manager that removes it.

    Raises:
        OSError: this machine has no cgroup v1 of memory that may be written.
    """

    def __init__(self, name: str) -> None:
        self.folder = CONTROLLER / f"{name}-{os.getpid()}"
        self.folder.mkdir()

    def set_limit(self, limit_bytes: int) -> None:
        """Most that its processes may use together."""
        (self.folder / "memory.limit_in_bytes").write_text(f"{limit_bytes}\n")

    def start(
        self, command: Sequence[str], output: IO[bytes], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a process in it; it has a session of its own."""

        def enter() -> None:
            (self.folder / "cgroup.procs").write_text(f"{os.getpid()}\n")

        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
            preexec_fn=enter,
        )

    @property
    def unreclaimable_bytes(self) -> int:
        """Anonymous and shared memory."""
        return self._stat("total_rss") + self._stat("total_shmem")

    @property
    def kills(self) -> int:
        """How many processes the kernel has killed in it for want of memory."""
        lines = (self.folder / "memory.oom_control").read_text().splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"])

    def __enter__(self) -> MemoryLimit:
        return self

    def __exit__(self, *raised: object) -> None:
        end_s = time.monotonic() + EMPTY_WITHIN_S
        while (self.folder / "cgroup.procs").read_text() and time.monotonic() < end_s:
            time.sleep(POLL_S)
        self.folder.rmdir()

    def _stat(self, name: str) -> int:
        lines = (self.folder / "memory.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)[name])


def anonymous_bytes(pid: int) -> int:
    """Anonymous memory of a process.

    Raises:
        OSError: it has ended.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    table = dict(line.split(":") for line in lines)
    return int(table["Anonymous"].split()[0]) * 1024
