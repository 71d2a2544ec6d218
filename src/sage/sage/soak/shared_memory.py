"""Shared memory of a graph and of its host."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
BYTES_PER_BLOCK = 512
MB = 2**20


def host_shared_mb(folder: Path = SHARED_MEMORY) -> float:
    """What lies in the shared memory of this host, of any program [MB]."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize / MB


def graph_shared_mb(pids: Iterable[int], folder: Path = SHARED_MEMORY) -> float:
    """What these processes have mapped of it, each file once [MB]; files that were removed, too."""
    sizes = {}
    for pid in pids:
        sizes |= _mapped(Path(f"/proc/{pid}/maps"), folder)
    return sum(sizes.values()) / MB


def _mapped(maps: Path, folder: Path) -> dict[str, int]:
    """Bytes of each mapped file, by device and inode; of one that was removed those mapped."""
    found: dict[str, int] = {}
    for line in _lines(maps):
        start, marker, name = line.partition(f" {folder}/")
        if not marker:
            continue
        span, _, offset, device, inode = start.split()
        begin, end = (int(address, 16) for address in span.split("-"))
        size = int(offset, 16) + end - begin
        with suppress(FileNotFoundError):  # "NAME (deleted)"
            size = os.stat(folder / name).st_blocks * BYTES_PER_BLOCK
        key = f"{device} {inode}"
        found[key] = max(found.get(key, 0), size)
    return found


def _lines(maps: Path) -> list[str]:
    try:
        return maps.read_text(errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []  # It has ended.
