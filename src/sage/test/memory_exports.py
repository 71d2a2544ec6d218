"""Exports of stores, written and read again, for the tests of both."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from memory_homes import START_NS

from sage.memory.exports.checking import check_export
from sage.memory.exports.exporting import export
from sage.memory.exports.formats import table_files
from sage.memory.exports.importing import Imported, import_rows
from sage.memory.exports.parquet_files import pyarrow
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
        return memory.change(lambda c: import_rows(c, files, checked, merge)).result()


def without_checksums(folder: Path, encoding: str, version: int) -> None:
    """Make an export what it was before experiences had checksums."""
    path = folder / f"experiences.{encoding}"
    if encoding == "jsonl":
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        kept = [{name: row[name] for name in row if name != "crc32"} for row in rows]
        path.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
    else:
        table = pyarrow().parquet.read_table(path)
        pyarrow().parquet.write_table(table.drop_columns(["crc32"]), path)
    data = path.read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][path.name] = [len(data), hashlib.sha256(data).hexdigest()]
    manifest["schema_version"] = version
    (folder / "manifest.json").write_text(json.dumps(manifest))


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
