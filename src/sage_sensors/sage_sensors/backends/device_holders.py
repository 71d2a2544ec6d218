"""Which processes have a device open, as far as /proc shows it to this user."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """A process that has a device open."""

    pid: int
    name: str


def holders(device: str) -> list[Holder]:
    """Processes that have the device open, but this one; those of other users only for root."""
    real, own = os.path.realpath(device), os.getpid()
    pids = sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return [Holder(pid, _name(pid)) for pid in pids if pid != own and real in _open_files(pid)]


def described(found: Sequence[Holder]) -> str:
    """Such as "process 4711 (cheese)"; empty for none."""
    return ", ".join(f"process {holder.pid} ({holder.name})" for holder in found)


def named(pid: int) -> Holder:
    """The process of that number."""
    return Holder(pid, _name(pid))


def _open_files(pid: int) -> set[str]:
    folder = PROC / str(pid) / "fd"
    found = set()
    try:
        for entry in os.scandir(folder):
            try:
                found.add(os.readlink(entry.path))
            except OSError:  # closed meanwhile
                continue
    except OSError:  # ended, or another user's
        return set()
    return found


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "ended"
