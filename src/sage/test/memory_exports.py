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


def as_of_schema(folder: Path, encoding: str, version: int) -> None:
    """Make an export what it was at a schema of 2 to 4."""
    manifest = json.loads((folder / "manifest.json").read_text())
    former = f"nights.{encoding}"
    (folder / f"consolidation_runs.{encoding}").rename(folder / former)
    for key in ("rows", "tables"):
        manifest[key]["nights"] = manifest[key].pop("consolidation_runs")
    manifest["tables"]["nights"] = [former]
    manifest["files"][former] = manifest["files"].pop(f"consolidation_runs.{encoding}")
    changed = [("forgettings", {"run_id": "night_id"})]
    if version < 4:
        changed.append(("experiences", {"crc32": None}))
    for table, names in changed:
        path = folder / f"{table}.{encoding}"
        _rename_columns(path, names)
        data = path.read_bytes()
        manifest["files"][path.name] = [len(data), hashlib.sha256(data).hexdigest()]
    manifest["schema_version"] = version
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _rename_columns(path: Path, names: dict[str, str | None]) -> None:
    """Give columns of a file other names; None: take them out."""
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        kept = [{names.get(name, name): row[name] for name in row} for row in rows]
        for row in kept:
            row.pop(None, None)
        path.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
        return
    table = pyarrow().parquet.read_table(path)
    table = table.drop_columns([name for name, other in names.items() if other is None])
    table = table.rename_columns([names.get(name, name) for name in table.column_names])
    pyarrow().parquet.write_table(table, path)


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
