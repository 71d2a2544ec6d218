"""What can go wrong with a store, each with the fix in its message."""

from __future__ import annotations

from pathlib import Path


class MemoryFailure(RuntimeError):
    """Base of everything that the store raises, wrong input apart."""


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


class StoreMissing(MemoryFailure):
    """There is no store to read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path}: no store here yet; run the graph once to make one, or put {path.name} "
            "and payloads/ of a backup here"
        )


class StoreDamaged(MemoryFailure):
    """The database file cannot be trusted."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(
            f"{path}: the store is damaged ({detail}); save what is left with "
            "`sage memory repair`, put a backup in its place, or move it and its payloads aside "
            f"together (`mkdir old && mv {path.name}* payloads old/`) to start anew"
        )


class RowDamaged(StoreDamaged):
    """The experience that was asked for is not what was written; all others can be asked for."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(path, detail)
        self.args = (f"{path}: {detail}",)


class StoreTooNew(MemoryFailure):
    """The store was written by a later version."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        self.path = path
        super().__init__(
            f"{path}: schema version {found}, this version knows up to {known}; update SAGE"
        )


class StoreTooOld(MemoryFailure):
    """The store was written by an earlier version, and only a writer may migrate it."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        self.path = path
        super().__init__(
            f"{path}: schema version {found}, this version reads {known}; open it once for "
            "writing to migrate it (`sage memory verify`, or run the graph once)"
        )


class StoreNotWritable(MemoryFailure):
    """The medium, or its owner, does not let this process write."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: cannot be written ({detail}); open the store read-only, choose another "
            "folder, or copy the whole folder to a disk that can be written"
        )


class StoreNotReadable(MemoryFailure):
    """The store is another user's, or its mode does not let this process read it."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: cannot be read ({detail}); run this as the user whose store it is, or give "
            "this user the right to read its folder and files"
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


class NotStored(MemoryFailure):
    """A commit failed: the experience was not kept."""


class NoRunToUndo(MemoryFailure):
    """The last sleep was to be undone, and there is none."""

    def __init__(self) -> None:
        super().__init__(
            "no sleep to undo: this memory has not slept yet, or every sleep is undone already"
        )


class DiskRefuses(NotStored):
    """The disk is full, or does not write: what was there before is still there."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(
            f"{path}: the disk refuses ({detail}); make room on it, then try again: "
            "what was there is still there"
        )


class NotCompacted(MemoryFailure):
    """Experiences are forgotten, but the disk has no room to take their bytes out of the file."""

    def __init__(self, error: DiskRefuses) -> None:
        self.path = error.path
        super().__init__(
            f"{error.path}: the experiences are forgotten, but the disk refuses ({error.detail}) "
            "what would take their bytes out of the file; make room on it: they go when the "
            "store is next closed"
        )


class NothingToRecover(StoreDamaged):
    """A damaged store of which nothing can be saved."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(path, detail)
        self.args = (
            f"{path}: nothing is left to save ({detail}); put a backup in its place, or move it "
            f"and its payloads aside together (`mkdir old && mv {path.name}* payloads old/`) "
            "to start anew",
        )


class StoreReplaced(NotStored):
    """The file was moved, removed or replaced while it was open: nothing goes into it any more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path}: another file, or none, is in the place of the open store; "
            "restart what writes it, and stop it before putting a backup in place"
        )
