"""Writing a memory into a folder of plain files: lossless, and the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Table, select
from sqlalchemy.engine import Connection

from sage.memory.exports.earlier import checksum
from sage.memory.exports.formats import TableFiles
from sage.memory.exports.labels import check_label_row, check_vocabulary_row
from sage.memory.exports.manifest import Manifest
from sage.memory.exports.tables import FACTS, TABLES, Row
from sage.memory.exports.vectors import check_vector
from sage_common.core.errors import InvalidInput
from sage_common.core.home import make_private, sha256_of, sync_folder
from sage_memory.core.engine import schema
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.identifiers import id_text
from sage_memory.core.labels.packing import unpack_names
from sage_memory.core.payloads import EXTENSIONS, PayloadFiles
from sage_memory.core.places.private import FACT as PRIVATE_PLACES
from sage_memory.core.places.private import private_names
from sage_memory.core.store.modality_facts import FACT as INSTANCES
from sage_memory.core.store.modality_facts import stored_instances

ROWS_A_GROUP = 4096
CHECKED = ("experiences", "vectors", "vocabularies", "labels")
"""Tables whose rows are proven before they are written."""
FIX = "repair the store with `sage memory repair` first"
Progress = Callable[[str, int], None]
"""Called with the name of a table (or `payload files`), and how many more of it are done."""


@dataclass(frozen=True)
class Exported:
    """What was written: rows by table, payload files, bytes in all, and what was missing."""

    rows: dict[str, int]
    payload_files: int
    payloads_missing: int
    bytes: int


def export(
    connection: Connection,
    payloads: PayloadFiles,
    folder: Path,
    files: TableFiles,
    progress: Progress = lambda _name, _count: None,
) -> Exported:
    """Write everything that `connection` sees: one snapshot, while others may write.

    The folder appears whole or not at all. What is written is not encrypted; only the owner can
    read it.

    Raises:
        InvalidInput: the folder is there already, or a row is damaged: repair the store first.
        OSError: the disk is full, or the folder cannot be written.
    """
    if folder.exists():
        raise InvalidInput("folder", str(folder), "one that is not there yet")
    make_private(folder.parent)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        exported = _write_all(connection, payloads, partial, files, progress)
        os.replace(partial, folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return exported


def _write_all(
    connection: Connection,
    payloads: PayloadFiles,
    folder: Path,
    files: TableFiles,
    progress: Progress,
) -> Exported:
    meta = connection.execute(select(schema.meta.c.key, schema.meta.c.value))
    facts = {row.key: row.value for row in meta}
    counts: dict[str, int] = {}
    tables = {}
    sizes = _copy_payloads(connection, payloads, folder, progress)
    for name, table in TABLES.items():
        counts[name] = 0
        rows = _counted(connection, table, counts, sizes, progress)
        tables[name] = tuple(files.write(folder, table, rows))
    missing = counts["payloads"] - len(sizes)
    written = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = Manifest(
        encoding=files.encoding,
        schema_version=int(facts["schema_version"]),
        facts=_exported_facts(facts),
        rows=counts,
        tables=tables,
        files={
            path.relative_to(folder).as_posix(): (path.stat().st_size, sha256_of(path))
            for path in written
        },
        payloads_missing=missing,
    )
    manifest.write(folder)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if path.is_dir():
            sync_folder(path)
        else:
            _sync(path)
    sync_folder(folder)
    size = sum(size for size, _ in manifest.files.values())
    return Exported(counts, counts["payloads"] - missing, missing, size)


def _exported_facts(facts: Mapping[str, str]) -> dict[str, str]:
    exported = {key: facts[key] for key in FACTS}
    if instances := stored_instances(facts):
        exported[INSTANCES] = "\n".join(instances)
    if private := private_names(facts):
        exported[PRIVATE_PLACES] = "\n".join(sorted(private))
    return exported


def _counted(
    connection: Connection,
    table: Table,
    counts: dict[str, int],
    sizes: Mapping[str, int],
    progress: Progress,
) -> Iterator[list[Row]]:
    """The rows of a table in the order of its key, proven, counted as they pass."""
    ordered = select(table).order_by(*table.primary_key.columns)
    models = _models(connection) if table is schema.labels else {}
    streamed = connection.execution_options(yield_per=ROWS_A_GROUP).execute(ordered)
    for part in streamed.mappings().partitions(ROWS_A_GROUP):
        rows = [dict(row) for row in part]
        for row in rows if table.name in CHECKED else ():
            _check(table, row, models)
        for row in rows if table is schema.payloads else ():
            row["bytes"] = sizes.get(row["sha256"], row["bytes"])  # a repair counts sealed ones
        counts[table.name] += len(rows)
        progress(table.name, len(rows))
        yield rows


def _models(connection: Connection) -> dict[int, tuple[str, int]]:
    """Number of a vocabulary -> its model, and how many classes it has."""
    found = connection.execute(select(schema.vocabularies)).mappings()
    return {row["number"]: (row["model_id"], len(unpack_names(row["names"]))) for row in found}


def _check(table: Table, row: Row, models: Mapping[int, tuple[str, int]]) -> None:
    if table is schema.experiences:
        if row["crc32"] != checksum(row):
            expected = f"{checksum(row)}; {FIX}"
            raise InvalidInput(f"experience {id_text(row['id'])}, crc32", row["crc32"], expected)
        return
    try:
        if table is schema.vectors:
            check_vector(row)
        elif table is schema.vocabularies:
            check_vocabulary_row(row)
        else:
            check_label_row(row, *models.get(row["vocabulary"], ("", 0)))
    except InvalidInput as error:
        raise InvalidInput(
            f"row {row['number']} of {table.name}, {error.field}",
            error.value,
            f"{error.expected}; {FIX}",
        ) from None


def _copy_payloads(
    connection: Connection, payloads: PayloadFiles, folder: Path, progress: Progress
) -> dict[str, int]:
    """Copy the files that are there, and are what their name says; hash -> bytes of each."""
    table = schema.payloads
    known = connection.execute(select(table.c.sha256, table.c.media_type).order_by(table.c.sha256))
    sizes = {}
    for sha256, media_type in known.all():
        progress("payload files", 1)
        data = _whole_payload(payloads, sha256, media_type)
        if data is None:
            continue
        sizes[sha256] = len(data)
        name = f"{sha256}.{EXTENSIONS.get(media_type, 'bin')}"
        target = folder / "payloads" / sha256[:2] / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.write_bytes(data)
    return sizes


def _whole_payload(payloads: PayloadFiles, sha256: str, media_type: str) -> bytes | None:
    try:
        data = payloads.read(sha256, media_type)
    except (OSError, PayloadDamaged):  # evicted by the running graph, or lost
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
