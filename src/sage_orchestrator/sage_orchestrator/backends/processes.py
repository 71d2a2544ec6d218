"""The processes of the graph that this one belongs to, and what memory each takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

_NODE = "__node:="


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
