"""The processes of the graph that this one belongs to, and what memory each takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

_NODE = "__node:="
FRESH_NS = 8_000_000_000
"""Memory of processes decides nothing before red, and is published every 10 s."""


@dataclass(frozen=True)
class ProcessUse:
    """Memory of one process.

    Attributes:
        name: of its node, if it runs one; else of its command.
        pid: process id.
        pss_mb: proportional set size [MB].
    """

    name: str
    pid: int
    pss_mb: float


class ProcessReader:
    """Memory of the graph's processes; the kernel counts pages for milliseconds, so not often."""

    def __init__(self) -> None:
        self._found: list[ProcessUse] = []
        self._read_ns = -FRESH_NS

    def read(self, now_ns: int, anew: bool) -> list[ProcessUse]:
        """As they were in the last 8 s, or now.

        Args:
            now_ns: monotonic time [ns].
            anew: they are needed as they are now.
        """
        if anew or now_ns - self._read_ns >= FRESH_NS:
            self._found, self._read_ns = graph_processes(), now_ns
        return self._found


def graph_processes() -> list[ProcessUse]:
    """All that the parent of this process has started, by pid; of one that stands alone, itself."""
    own = psutil.Process()
    parent = own.parent()
    siblings = parent.children(recursive=True) if parent is not None and parent.pid > 1 else [own]
    found = []
    for process in siblings:
        try:
            found.append(ProcessUse(_name(process), process.pid, pss_mb(process.pid)))
        except (psutil.Error, OSError):
            continue  # it has ended
    return sorted(found, key=lambda use: use.pid)


def pss_mb(pid: int) -> float:
    """Proportional set size of a process [MB].

    Raises:
        OSError: it has ended, or belongs to somebody else.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024.0
    return 0.0


def _name(process: psutil.Process) -> str:
    arguments = process.cmdline()
    for argument in arguments:
        if argument.startswith(_NODE):
            return argument.removeprefix(_NODE)
    script = next((a for a in arguments[1:] if not a.startswith("-")), "")
    return os.path.basename(script) or process.name()
