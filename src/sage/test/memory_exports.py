"""Exports of stores, written and read again, for the tests of both."""

from __future__ import annotations

from pathlib import Path

from memory_homes import START_NS

from sage.memory.checking import check_export
from sage.memory.exporting import export
from sage.memory.formats import table_files
from sage.memory.importing import Imported, take_in
from sage_common.core.clock import ManualClock
from sage_memory import Memory


def write(home: Path, folder: Path, encoding: str) -> None:
    with Memory.open(home, read_only=True) as memory:
        files = table_files(encoding)
        memory.read(lambda c: export(c, memory.payload_files, folder, files))


def read(home: Path, folder: Path, merge: bool = False) -> Imported:
    checked = check_export(folder)
    with Memory.open(home, clock=ManualClock(START_NS)) as memory:
        files = memory.payload_files
        return memory.change(lambda c: take_in(c, files, checked, merge)).wait()


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
