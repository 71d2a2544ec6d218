"""What Fast DDS leaves in shared memory when a process is killed, and its removal.

A process locks `NAME_el` (or `_sl`, where several may read) beside each segment and each port that
it reads from; the kernel releases the lock however it ends. `fastdds shm clean` asks only for that
lock; here no living process may have the file mapped, either: who writes to a port locks nothing.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

FOLDER = Path("/dev/shm")
MIN_AGE_S = 5.0
_NAME = r"((?:fastrtps|fastdds)_(?:[0-9a-f]{16}|port\d{1,5}))"
_FILE = re.compile(rf"{_NAME}(?:_[es]l)?|sem\.{_NAME}_mutex")


def remove_dead(folder: Path = FOLDER) -> list[str]:
    """Remove this user's files of Fast DDS that no living process uses; the names of those removed.

    Files of other users, and what cannot be looked at, stay.
    """
    found = (_FILE.fullmatch(path.name) for path in folder.glob("*fast*"))
    names = sorted({match[1] or match[2] for match in found if match})
    idle = [name for name in names if _is_ours(folder, name) and _is_idle(folder, name)]
    used = _used(folder) if idle else set()
    return [file for name in idle for file in _remove_if_dead(folder, name, used)]


def has_lost_segment(pid: int, folder: Path = FOLDER) -> bool:
    """Whether a segment that a process has made is no longer there: who joins now never hears it.

    Whoever may remove files there can do that; systemd does when a user logs out (`RemoveIPC`).
    """
    gone = re.compile(
        rf"{re.escape(str(folder))}/(?:fastrtps|fastdds)_[0-9a-f]{{16}}_el \(deleted\)"
    )
    descriptors = f"/proc/{pid}/fd"
    try:  # without Path, which takes more time than the kernel: all processes are asked for ever
        targets = [_target(f"{descriptors}/{number}") for number in os.listdir(descriptors)]
        return any(gone.fullmatch(target) for target in targets if target.endswith("_el (deleted)"))
    except OSError:  # it has ended
        return False


def port_locks(pid: int, folder: Path = FOLDER) -> set[Path]:
    """Locks of the ports from which a process reads; none if it has ended."""
    lock = re.compile(rf"{re.escape(str(folder))}/(?:fastrtps|fastdds)_port\d{{1,5}}_el")
    try:
        links = map(_target, Path(f"/proc/{pid}/fd").iterdir())
        return {Path(link) for link in links if lock.fullmatch(link)}
    except OSError:  # it has ended
        return set()


class RetiredPorts:
    """Ports of the newest processes that have ended, from which nobody else reads.

    Who takes over such a port may find that it is broken, and makes it anew; who wrote to the one
    before goes on writing there, and is never heard again. So the next process takes others.

    Args:
        capacity: processes whose ports are kept; each keeps two open files or so.
    """

    def __init__(self, capacity: int = 32) -> None:
        self._capacity = capacity
        self._held: deque[ExitStack] = deque()

    def add(self, locks: Iterable[Path]) -> None:
        """Keep the ports of one process; those of the oldest may be taken then."""
        held = ExitStack()
        for lock in locks:
            _locked(lock, held)
        self._held.append(held)
        if len(self._held) > self._capacity:
            self._held.popleft().close()

    def close(self) -> None:
        """Others may take all of them."""
        while self._held:
            self._held.popleft().close()


def _remove_if_dead(folder: Path, name: str, used: set[str]) -> list[str]:
    names = [name, f"{name}_el", f"{name}_sl", f"sem.{name}_mutex"]
    if not used.isdisjoint(names):
        return []
    with ExitStack() as held:
        if not _is_idle(folder, name) or not _locked_all(folder, name, held):
            return []
        return [file for file in names if _unlinked(folder / file)]


def _is_idle(folder: Path, name: str) -> bool:
    """True if nobody locks it; of what has no lock file, if it is no longer new."""
    if not any(lock.exists() for lock in _locks(folder, name)):
        return all(_is_old(folder / file) for file in (name, f"sem.{name}_mutex"))
    with ExitStack() as held:
        return _locked_all(folder, name, held)


def _is_old(path: Path) -> bool:
    try:
        return path.lstat().st_mtime < time.time() - MIN_AGE_S
    except FileNotFoundError:
        return True


def _locks(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}{end}" for end in ("_el", "_sl")]


def _locked_all(folder: Path, name: str, held: ExitStack) -> bool:
    """Lock those lock files of a segment or port that are there, until `held` closes."""
    return all(_locked(lock, held) for lock in _locks(folder, name) if lock.exists())


def _is_ours(folder: Path, name: str) -> bool:
    main = _owners([folder / name, *_locks(folder, name)])
    return (main or _owners([folder / f"sem.{name}_mutex"])) == {os.getuid()}


def _owners(paths: list[Path]) -> set[int]:
    return {path.lstat().st_uid for path in paths if path.exists()}


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


def _used(folder: Path) -> set[str]:
    """Names of the folder's files that processes of this user have mapped or open."""
    processes = list(Path("/proc").glob("[0-9]*"))
    mapped = {name for process in processes for name in _mapped(process / "maps", folder)}
    return mapped.union(*(_open(process / "fd", folder) for process in processes))


def _mapped(maps: Path, folder: Path) -> Iterator[str]:
    try:
        lines = maps.read_text(errors="replace").splitlines()
    except OSError:  # it has ended, or is another user's
        return
    marker = f" {folder}/"
    for line in lines:
        _, found, name = line.partition(marker)
        if found:
            yield name.removesuffix(" (deleted)")


def _open(descriptors: Path, folder: Path) -> Iterator[str]:
    try:
        for descriptor in descriptors.iterdir():
            path = _target(descriptor)
            if path.startswith(f"{folder}/"):
                yield path.removeprefix(f"{folder}/").removesuffix(" (deleted)")
    except OSError:  # it has ended, or is another user's
        return


def _target(descriptor: Path | str) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:  # it was closed meanwhile
        return ""
