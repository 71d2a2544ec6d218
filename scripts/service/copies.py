"""Copies of the state, made while nothing runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_SPARE_BYTES = 100_000_000


class NoSpace(Exception):
    """A copy would fill the disk."""


def copy_state(state: Path, to: Path) -> None:
    """Copy a folder with owners, modes and times; a copy of that name is replaced when it is whole.

    Raises:
        NoSpace: the copy would leave less than 100 MB.
        subprocess.CalledProcessError: `cp` failed.
    """
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    taken, free = _size_bytes(state), shutil.disk_usage(to.parent).free
    if taken + _SPARE_BYTES > free:
        needs = f"{taken / 1e6:.0f} MB and {_SPARE_BYTES / 1e6:.0f} MB to spare"
        raise NoSpace(f"{to.parent}: {free / 1e6:.0f} MB free; a copy of {state} takes {needs}")
    partial = to.with_name(f"{to.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", "--", state, partial], check=True)
    shutil.rmtree(to, ignore_errors=True)
    partial.rename(to)


def restore_state(copy: Path, state: Path) -> None:
    """Put a copy in the place of the state; the copy stays."""
    replaced = state.with_name(f"{state.name}.replaced")
    copy_state(copy, state.with_name(f"{state.name}.restored"))
    shutil.rmtree(replaced, ignore_errors=True)
    state.rename(replaced)
    state.with_name(f"{state.name}.restored").rename(state)
    shutil.rmtree(replaced)


def delete_old(folder: Path, kept: int, needed: frozenset[str]) -> None:
    """Delete entries of a folder but those that are needed, and of the others the `kept` newest."""
    entries = sorted(folder.iterdir(), key=lambda path: path.stat().st_ctime, reverse=True)
    for path in [entry for entry in entries if entry.name not in needed][kept:]:
        shutil.rmtree(path)


def _size_bytes(folder: Path) -> int:
    return sum(
        os.lstat(Path(parent, name)).st_size
        for parent, _, names in os.walk(folder)
        for name in names
    )
