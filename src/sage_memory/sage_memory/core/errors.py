"""What can go wrong with a store, each with the fix in its message."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class MemoryFailure(RuntimeError):
    """Base of everything that the store raises, wrong input apart."""


class NotStored(MemoryFailure):
    """A commit failed: the experience was not kept."""


class StoreFailure(MemoryFailure):
    """Something about the files of a store.

    Args:
        path: the database.
        detail: the cause in words, where there is more to say.
    """

    text: ClassVar[str]
    """The message, with places for the path, its name and the detail."""

    def __init__(self, path: Path, detail: str = "") -> None:
        self.path, self.detail = path, detail
        super().__init__(self.text.format(path=path, name=path.name, detail=detail))


class StoreLocked(MemoryFailure):
    """Another process writes this store.

    Args:
        path: the database.
        pid: the process, 0 if it is not known.
        holder: who it is where a number does not say: on a server.
        fix: what helps whoever wanted to write.
    """

    def __init__(
        self,
        path: Path,
        pid: int,
        holder: str = "",
        fix: str = "stop it, ask the running graph instead, or open the store read-only",
    ) -> None:
        self.path = path
        self.pid = pid
        self.holder = holder or (f"process {pid}" if pid else "another process")
        super().__init__(f"{path}: the store is in use by {self.holder}; {fix}")


class StoreMissing(StoreFailure):
    """There is no store to read."""

    text = (
        "{path}: no store here yet; run the graph once to make one, or put {name} and payloads/ of "
        "a backup here"
    )


class StoreDamaged(StoreFailure):
    """The database file cannot be trusted."""

    text = (
        "{path}: the store is damaged ({detail}); save what is left with `sage memory repair`, put "
        "a backup in its place, or move it and its payloads aside together (`mkdir old && mv "
        "{name}* payloads old/`) to start anew"
    )


class RowDamaged(StoreDamaged):
    """The experience that was asked for is not what was written; all others can be asked for."""

    text = "{path}: {detail}"


class NothingToRecover(StoreDamaged):
    """A damaged store of which nothing can be saved."""

    text = (
        "{path}: nothing is left to save ({detail}); put a backup in its place, or move it and its "
        "payloads aside together (`mkdir old && mv {name}* payloads old/`) to start anew"
    )


class StoreTooNew(StoreFailure):
    """The store was written by a later version."""

    text = "{path}: schema version {detail}; update SAGE"

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(path, f"{found}, this version knows up to {known}")


class StoreTooOld(StoreFailure):
    """The store was written by an earlier version, and only a writer may migrate it."""

    text = (
        "{path}: schema version {detail}; open it once for writing to migrate it (`sage memory "
        "verify`, or run the graph once)"
    )

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(path, f"{found}, this version reads {known}")


class StoreNotWritable(StoreFailure):
    """The medium, or its owner, does not let this process write."""

    text = (
        "{path}: cannot be written ({detail}); open the store read-only, choose another folder, or "
        "copy the whole folder to a disk that can be written"
    )


class StoreNotReadable(StoreFailure):
    """The store is another user's, or its mode does not let this process read it."""

    text = (
        "{path}: cannot be read ({detail}); run this as the user whose store it is, or give this "
        "user the right to read its folder and files"
    )


class StoreReplaced(NotStored, StoreFailure):
    """The file was moved, removed or replaced while it was open: nothing goes into it any more."""

    text = (
        "{path}: another file, or none, is in the place of the open store; restart what writes it, "
        "and stop it before putting a backup in place"
    )


class DiskRefuses(NotStored, StoreFailure):
    """The disk is full, or does not write: what was there before is still there."""

    text = (
        "{path}: the disk refuses ({detail}); make room on it, then try again: what was there is "
        "still there"
    )


class NotCompacted(StoreFailure):
    """Experiences are forgotten, but the disk has no room to take their bytes out of the file."""

    text = (
        "{path}: the experiences are forgotten, but the disk refuses ({detail}) what would take "
        "their bytes out of the file; make room on it: they go when the store is next closed"
    )


class MemoryBusy(MemoryFailure):
    """The queue is full: the experience was refused, nothing waited.

    Attributes:
        refused: experiences refused since the store was opened, this one included.
    """

    def __init__(self, refused: int, capacity: int) -> None:
        self.refused = refused
        super().__init__(
            f"the queue of {capacity} experiences is full; {refused} refused since start"
        )


class NoRunToUndo(MemoryFailure):
    """The last sleep was to be undone, and there is none."""

    def __init__(self) -> None:
        super().__init__(
            "no sleep to undo: this memory has not slept yet, or every sleep is undone already"
        )
