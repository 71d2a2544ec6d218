"""Exports of stores, written and read again, for the tests of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memory_homes import START_NS

from sage.memory.exports.checking import check_export
from sage.memory.exports.exporting import export
from sage.memory.exports.formats import table_files
from sage.memory.exports.importing import Imported, import_rows
from sage.memory.exports.parquet_files import pyarrow
from sage_common.core.clock import ManualClock
from sage_memory import Memory

Row = dict[str, Any]
Change = Callable[[Row], Row]


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
    """Make an export what it was at a schema of 2 to 7; before 6 it must have no labels."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["schema_version"] = version
    since = {"taught_words": 8, "places": 7, "labels": 6, "vocabularies": 6}
    for table in (name for name, first in since.items() if version < first):
        (folder / f"{table}.{encoding}").unlink()
        del manifest["rows"][table], manifest["tables"][table]
        del manifest["files"][f"{table}.{encoding}"]
    if version < 5:
        _rename(folder, encoding, version, manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _rename(folder: Path, encoding: str, version: int, manifest: Row) -> None:
    """Give an export the names of before schema 5."""
    former = f"nights.{encoding}"
    (folder / f"consolidation_runs.{encoding}").rename(folder / former)
    for key in ("rows", "tables"):
        manifest[key]["nights"] = manifest[key].pop("consolidation_runs")
    manifest["tables"]["nights"] = [former]
    manifest["files"][former] = manifest["files"].pop(f"consolidation_runs.{encoding}")
    changed: dict[str, Change] = {"nights": _former_report, "forgettings": _former_run_id}
    if version < 4:
        changed["experiences"] = _without_checksum
    for table, change in changed.items():
        path = folder / f"{table}.{encoding}"
        _rewrite(path, change)
        data = path.read_bytes()
        manifest["files"][path.name] = [len(data), hashlib.sha256(data).hexdigest()]


def _former_report(row: Row) -> Row:
    report = json.loads(row["report"])
    report |= {"night_id": report.pop("run_id"), "replayed": 0}
    return row | {"report": json.dumps(report)}


def _former_run_id(row: Row) -> Row:
    return {"night_id" if name == "run_id" else name: value for name, value in row.items()}


def _without_checksum(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "crc32"}


def _rewrite(path: Path, change: Change) -> None:
    """Change every row of a table's file."""
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        path.write_text("".join(json.dumps(change(row)) + "\n" for row in rows), "utf-8")
        return
    table = pyarrow().parquet.read_table(path)
    rows = [change(row) for row in table.to_pylist()]
    former = {next(iter(_former_run_id({field.name: 0}))): field for field in table.schema}
    fields = [former[name].with_name(name) for name in rows[0]]
    written = pyarrow().Table.from_pylist(rows, pyarrow().schema(fields))
    pyarrow().parquet.write_table(written, path)


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
