"""What a disk may hold after the power fails, told from the file operations of a real run.

A recording VFS notes every write, truncation, sync and deletion. A crash image is made of the
first so many of them: what was synced is there; of what was written since, each sector of 512
bytes is there, or not, or is garbage. Databases rest on no more than that (powersafe overwrite:
a sector that was not being written keeps what it held).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import apsw

SECTOR = 512
FATES = ("all kept", "none kept", "some kept", "torn", "garbage")


class Operation(NamedTuple):
    """One thing that happened to a file, or an acknowledgement (`kind` "said")."""

    kind: str
    file: str = ""
    offset: int = 0
    data: Any = b""


class Recorder(apsw.VFS):
    """Passes everything on to the system's VFS, and notes what changes files."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.operations: list[Operation] = []
        super().__init__(name, "unix")

    def say(self, what: Any) -> None:
        """Note that a client was told something."""
        self.operations.append(Operation("said", data=what))

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - SQLite's name
        return RecordedFile(self, name, flags)

    def xDelete(self, name: str, sync_folder: bool) -> None:  # noqa: N802
        self.operations.append(Operation("delete", Path(name).name))
        super().xDelete(name, sync_folder)


class RecordedFile(apsw.VFSFile):
    """Locks nothing: the store's own readers look at the file through another library."""

    def __init__(self, recorder: Recorder, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        path = name if isinstance(name, str) else name.filename()
        self._file = Path(path).name
        self._operations = recorder.operations

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._operations.append(Operation("write", self._file, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._operations.append(Operation("truncate", self._file, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._operations.append(Operation("sync", self._file))

    def xLock(self, level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False


@contextmanager
def recording(name: str) -> Iterator[Recorder]:
    """A VFS of this name, for as long as the block runs."""
    recorder = Recorder(name)
    try:
        yield recorder
    finally:
        recorder.unregister()


@dataclass
class _File:
    """A file on the simulated disk.

    Attributes:
        durable: what is there for certain; None: perhaps not even the name.
        pending: operations since the last sync.
    """

    durable: bytearray | None = None
    pending: list[Operation] = field(default_factory=list)


class Disk:
    """Files after some operations, and what may be left of them if the power fails now.

    Args:
        files: what lay there before the first operation, for certain.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = {name: _File(bytearray(data)) for name, data in files.items()}
        self.said: list[Any] = []

    def apply(self, operation: Operation) -> None:
        """One more operation happened."""
        if operation.kind == "said":
            self.said.append(operation.data)
            return
        file = self._files.setdefault(operation.file, _File())
        if operation.kind == "sync":
            file.durable = _applied(file.durable or bytearray(), file.pending)
            file.pending = []
        elif operation.kind == "delete":  # SQLite syncs the folder with it
            del self._files[operation.file]
        else:
            file.pending.append(operation)

    def crash(self, fate: str, chance: random.Random) -> dict[str, bytes]:
        """The files that are found after a power cut."""
        left = {}
        for name, file in self._files.items():
            if file.durable is None and (fate == "none kept" or chance.random() < 0.2):
                continue
            kept = _survivors(file.pending, fate, chance)
            left[name] = bytes(_applied(file.durable or bytearray(), kept))
        return left


def _applied(content: bytearray, operations: Sequence[Operation]) -> bytearray:
    content = bytearray(content)
    for operation in operations:
        if operation.kind == "truncate":
            del content[operation.offset :]
            continue
        end = operation.offset + len(operation.data)
        content.extend(bytes(max(0, end - len(content))))
        content[operation.offset : end] = operation.data
    return content


def _survivors(pending: Sequence[Operation], fate: str, chance: random.Random) -> list[Operation]:
    if fate == "all kept":
        return list(pending)
    if fate == "none kept":
        return []
    if fate == "torn":  # in order, up to the middle of one
        whole = chance.randrange(len(pending) + 1)
        kept = list(pending[:whole])
        if whole < len(pending) and pending[whole].kind == "write":
            kept.extend(_sectors(pending[whole])[: chance.randrange(9)])
        return kept
    kept = []
    for operation in pending:
        if operation.kind == "truncate":
            kept.extend([operation] if chance.random() < 0.5 else [])
            continue
        for sector in _sectors(operation):
            if chance.random() < 0.5:
                kept.append(sector)
            elif fate == "garbage" and chance.random() < 0.5:
                kept.append(sector._replace(data=chance.randbytes(len(sector.data))))
    return kept


def _sectors(write: Operation) -> list[Operation]:
    """A write as writes that do not cross the border of a sector."""
    pieces = []
    start = write.offset
    end = write.offset + len(write.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        data = write.data[start - write.offset : stop - write.offset]
        pieces.append(write._replace(offset=start, data=data))
        start = stop
    return pieces
