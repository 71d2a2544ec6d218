"""Export and import of the store in a home folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from sage.memory.exports.checking import check_export
from sage.memory.exports.exporting import Exported, Progress, export
from sage.memory.exports.formats import table_files
from sage.memory.exports.importing import Imported, import_rows
from sage.memory.exports.tables import TABLES
from sage.memory.opening import open_memory
from sage_memory.core.errors import DiskRefuses

Totals = Callable[[dict[str, int]], None]
"""Called with how many rows each table has, before the first one is done."""


def export_home(
    home: Path, folder: Path, encoding: str, progress: Progress, totals: Totals
) -> Exported:
    """Write the memory of `home` into a folder; a graph may run meanwhile.

    Raises:
        InvalidInput: there is no such format, the folder is there, or a row is damaged.
        MemoryFailure: the store cannot be opened.
        DiskRefuses: it is full, or the folder cannot be written; nothing is left there.
        RuntimeError: the format's library is not installed.
    """
    files = table_files(encoding)
    with open_memory(home, read_only=True) as memory:

        def write(connection: Connection) -> Exported:
            totals(_rows(connection))
            with _naming(folder):
                return export(connection, memory.payload_files, folder, files, progress)

        return memory.read(write)


def import_home(
    home: Path, folder: Path, merge: bool, progress: Progress, totals: Totals
) -> Imported:
    """Take an export into the store of `home`, in one transaction; no graph runs.

    Raises:
        ExportRefused: it is no whole export; nothing was written.
        InvalidInput: the store is not empty, and `merge` is false.
        StoreLocked: a graph writes the store.
        DiskRefuses: the disk is full; nothing was taken in.
    """
    checked = check_export(folder)
    with open_memory(home) as memory:
        payloads = memory.payload_files
        rows = dict(checked.manifest.rows)
        totals(rows | {"payload files": rows["payloads"] - checked.manifest.payloads_missing})

        def take(connection: Connection) -> Imported:
            with _naming(home):
                return import_rows(connection, payloads, checked, merge, progress)

        return memory.change(take).result()


@contextmanager
def _naming(place: Path) -> Iterator[None]:
    """Let errors of the disk name a place: that of a full one does not."""
    try:
        yield
    except OSError as error:
        detail = error.strerror or str(error)
        raise DiskRefuses(Path(error.filename or place), detail) from error


def _rows(connection: Connection) -> dict[str, int]:
    counted = {
        name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in TABLES.items()
    }
    return counted | {"payload files": counted["payloads"]}
