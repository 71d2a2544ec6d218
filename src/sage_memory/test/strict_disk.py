"""What a disk holds after the power fails if it keeps no more than POSIX promises.

A file's content is what it was when it was last synced, and a folder's names are those that it had
when it was last synced: what was made or renamed since is not there. Syncs are taken from
`os.fsync` and, of the database, from SQLite's file operations; each is noted with what it made
durable.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

Names = dict[str, tuple[int, bool]]
"""Name -> number of the inode, and whether it is a folder."""


class Sync(NamedTuple):
    """Content of a file, or names in a folder, made durable; or an acknowledgement in `said`."""

    inode: int
    content: bytes | Names
    said: Any = None


class StrictDisk:
    """Notes every sync below a folder, which is on the disk already.

    Inodes that were synced are held open: their numbers are not given to other files.
    """

    def __init__(self, root: Path) -> None:
        self.syncs: list[Sync] = []
        self._root = root
        self._held: list[int] = []
        self.sync_path(root)

    def say(self, what: Any) -> None:
        """Note that a client was told something."""
        self.syncs.append(Sync(0, b"", what))

    def sync_path(self, path: Path) -> None:
        """Note that a file or a folder was synced."""
        descriptor = os.open(path, os.O_RDONLY)
        self._note(descriptor)
        self._held.append(descriptor)

    def sync_open(self, descriptor: int) -> None:
        """The same of one that is open, if it is of this disk."""
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path.is_relative_to(self._root):
            self.sync_path(Path(f"/proc/self/fd/{descriptor}"))

    def _note(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            names = {}
            for name in os.listdir(descriptor):
                inner = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                names[name] = (inner.st_ino, stat.S_ISDIR(inner.st_mode))
            self.syncs.append(Sync(found.st_ino, names))
        else:
            content = os.pread(descriptor, found.st_size, 0)
            self.syncs.append(Sync(found.st_ino, content))

    def crash(self, count: int, target: Path) -> list[Any]:
        """Lay out in `target` what is left after so many syncs; what was told until then."""
        durable: dict[int, bytes | Names] = {}
        said = []
        for sync in self.syncs[:count]:
            if sync.said is not None:
                said.append(sync.said)
            else:
                durable[sync.inode] = sync.content
        self._lay_out(self.syncs[0].inode, durable, target)
        return said

    def _lay_out(self, inode: int, durable: dict[int, bytes | Names], target: Path) -> None:
        target.mkdir(mode=0o700)
        names = durable.get(inode, {})
        assert isinstance(names, dict)
        for name, (found, is_folder) in names.items():
            if is_folder:
                self._lay_out(found, durable, target / name)
            else:
                content = durable.get(found, b"")
                assert isinstance(content, bytes)
                (target / name).write_bytes(content)

    def close(self) -> None:
        """Let go of the inodes."""
        for descriptor in self._held:
            os.close(descriptor)


class Noted(list):
    """File operations of SQLite, of which the disk hears the syncs.

    SQLite syncs the folder with the first sync of a log, and where it deletes one.
    """

    def __init__(self, disk: StrictDisk, home: Path) -> None:
        self._disk = disk
        self._home = home

    def append(self, operation: Any) -> None:
        super().append(operation)
        if operation.kind == "sync":
            self._disk.sync_path(self._home / operation.file)
            if operation.file.endswith(("-wal", "-journal")):
                self._disk.sync_path(self._home)


@contextmanager
def noting(disk: StrictDisk, monkeypatch: Any) -> Iterator[None]:
    """Let the disk hear of every `os.fsync` of this process."""
    real = os.fsync

    def fsync(file: Any) -> None:
        real(file)
        disk.sync_open(file if isinstance(file, int) else file.fileno())

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        yield
