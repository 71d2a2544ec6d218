"""What Fast DDS leaves in shared memory when a process is killed, and its removal.

A process locks `NAME_el` (or `_sl`, where several may read) beside each segment and each port that
it reads from; the kernel releases the lock however it ends. `fastdds shm clean` asks only for that
lock; here no living process may have the file mapped, either: who writes to a port locks nothing.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

FOLDER = Path("/dev/shm")
_LOCK = re.compile(r"((?:fastrtps|fastdds)_(?:[0-9a-f]{16}|port\d{1,5}))_[es]l")


def remove_dead(folder: Path = FOLDER) -> list[str]:
    """Remove this user's files of Fast DDS that no living process uses; the names of those removed.

    Files of other users, and what cannot be looked at, stay.
    """
    names = sorted({m[1] for path in folder.glob("fast*_*l") if (m := _LOCK.fullmatch(path.name))})
    unlocked = [name for name in names if _is_ours(folder, name) and _is_unlocked(folder, name)]
    mapped = _mapped(folder) if unlocked else set()
    return [file for name in unlocked for file in _remove_if_dead(folder, name, mapped)]


def _remove_if_dead(folder: Path, name: str, mapped: set[str]) -> list[str]:
    names = [name, f"{name}_el", f"{name}_sl", f"sem.{name}_mutex"]
    if not mapped.isdisjoint(names):
        return []
    with ExitStack() as held:
        if not _locked_all(folder, name, held):
            return []
        return [file for file in names if _unlinked(folder / file)]


def _is_unlocked(folder: Path, name: str) -> bool:
    with ExitStack() as held:
        return _locked_all(folder, name, held)


def _locked_all(folder: Path, name: str, held: ExitStack) -> bool:
    """Lock those lock files of a segment or port that are there, until `held` closes."""
    locks = (folder / f"{name}{end}" for end in ("_el", "_sl"))
    return all(_locked(lock, held) for lock in locks if lock.exists())


def _is_ours(folder: Path, name: str) -> bool:
    paths = [folder / f"{name}{end}" for end in ("", "_el", "_sl")]
    owners = {path.lstat().st_uid for path in paths if path.exists()}
    return owners == {os.getuid()}


def _locked(path: Path, held: ExitStack) -> bool:
    """Lock a file until `held` closes; False if a living process has it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        held.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unlinked(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _mapped(folder: Path) -> set[str]:
    """Names of the folder's files that processes of this user have mapped."""
    return {name for maps in Path("/proc").glob("[0-9]*/maps") for name in _of(maps, folder)}


def _of(maps: Path, folder: Path) -> Iterator[str]:
    try:
        lines = maps.read_text(errors="replace").splitlines()
    except OSError:  # it has ended, or is another user's
        return
    marker = f" {folder}/"
    for line in lines:
        _, found, name = line.partition(marker)
        if found:
            yield name.removesuffix(" (deleted)")
