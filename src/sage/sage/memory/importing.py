"""Taking an export into a store: everything is checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.engine import Connection

from sage.memory.exporting import Progress
from sage.memory.formats import TableFiles, table_files
from sage.memory.manifest import ExportRefused, Manifest, check_files, read_manifest
from sage.memory.tables import TABLES, Row, check_row
from sage.memory.vectors import check_vector
from sage_common.core.errors import InvalidInput
from sage_memory.core import schema
from sage_memory.core.experience import Payload
from sage_memory.core.payloads import PayloadFiles

OWNER = {"vectors": "experience_id", "clocks": "experience_id", "forgettings": "experience_id"}
"""Column with the experience that a row belongs to."""
FIRST_EXPORTED = 2
"""Schema of the first exports; their tables have the columns of the present ones."""


@dataclass
class Imported:
    """What was taken in, and what was there already, in rows by table.

    Attributes:
        forgotten: of the experiences that were there already, those that are only tombstones.
    """

    rows: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    payload_files: int = 0
    forgotten: int = 0


@dataclass(frozen=True)
class Checked:
    """An export that was proven whole.

    Attributes:
        folder: where it is.
        manifest: what it holds.
        files: how its tables are read.
        identifiers: ids of its experiences.
    """

    folder: Path
    manifest: Manifest
    files: TableFiles
    identifiers: frozenset[bytes]

    def rows(self, table: Table) -> Iterator[list[Row]]:
        """The rows of a table, in groups."""
        return self.files.read(self.folder, table, self.manifest.tables[table.name])


def check_export(folder: Path) -> Checked:
    """Prove an export: manifest, files and checksums, columns, rows, vectors, and references.

    Raises:
        ExportRefused: it is no whole export, or of a later version; the place is named.
        RuntimeError: the library of its format is not installed.
    """
    manifest = read_manifest(folder)
    if manifest.schema_version > schema.SCHEMA_VERSION:
        raise ExportRefused(
            folder,
            f"schema version {manifest.schema_version}, this version of SAGE knows up to "
            f"{schema.SCHEMA_VERSION}; update SAGE",
        )
    if manifest.schema_version < FIRST_EXPORTED:
        raise ExportRefused(folder, f"schema version {manifest.schema_version} was never exported")
    try:
        files = table_files(manifest.encoding)
    except InvalidInput as error:
        raise ExportRefused(folder, f"manifest: {error}") from None
    if manifest.tables.keys() != TABLES.keys() or manifest.rows.keys() != TABLES.keys():
        raise ExportRefused(folder, f"expected the tables {', '.join(TABLES)}")
    check_files(folder, manifest)
    identifiers: set[bytes] = set()
    checked = Checked(folder, manifest, files, frozenset())
    for table in TABLES.values():
        _check_table(checked, table, identifiers)
    return Checked(folder, manifest, files, frozenset(identifiers))


def _check_table(export: Checked, table: Table, identifiers: set[bytes]) -> None:
    count = 0
    for rows in export.rows(table):
        for row in rows:
            count += 1
            try:
                check_row(table, row)
                _check_references(table, row, identifiers)
            except InvalidInput as error:
                where = export.folder / export.manifest.tables[table.name][0]
                raise ExportRefused(where, f"row {count}: {error}") from None
    if count != export.manifest.rows[table.name]:
        found = (
            f"{count} rows of {table.name}, the manifest says {export.manifest.rows[table.name]}"
        )
        raise ExportRefused(export.folder, found)


def _check_references(table: Table, row: Row, identifiers: set[bytes]) -> None:
    if table is schema.experiences:
        if row["id"] in identifiers:
            raise InvalidInput("experiences.id", row["id"].hex(), "each id once")
        identifiers.add(row["id"])
    elif table is schema.vectors:
        check_vector(row)
    named: tuple[str, ...] = ("experience_id",) if table is schema.vectors else ()
    if table is schema.summary_members:
        named = ("summary_id", "member_id")
    for column in named:
        if row[column] not in identifiers:
            raise InvalidInput(column, row[column].hex(), "an experience of this export")


def take_in(
    connection: Connection,
    payloads: PayloadFiles,
    export: Checked,
    merge: bool,
    progress: Progress = lambda _name, _count: None,
) -> Imported:
    """Write an export into the store of `connection`, in the caller's transaction.

    An empty store becomes what was exported: its device and its clock, too. One that is not
    empty keeps what it has, and gets what it lacks.

    Raises:
        InvalidInput: the store is not empty, and `merge` is false; nothing was written.
        OSError: a payload cannot be written.
    """
    count = select(func.count()).select_from(schema.experiences)
    if total := connection.execute(count).scalar_one():
        if not merge:
            raise InvalidInput(
                "store", f"{total} experiences", "an empty one, or --merge to add what it lacks"
            )
        return _merge(connection, payloads, export, progress)
    return _restore(connection, payloads, export, progress)


def _restore(
    connection: Connection, payloads: PayloadFiles, export: Checked, progress: Progress
) -> Imported:
    done = Imported()
    for name, table in TABLES.items():
        done.rows[name] = 0
        for rows in export.rows(table):
            connection.execute(insert(table), rows)
            done.rows[name] += len(rows)
            progress(name, len(rows))
    clock = schema.meta.c.key == "clock"
    own = int(connection.execute(select(schema.meta.c.value).where(clock)).scalar_one())
    newest = str(max(own, int(export.manifest.facts["clock"])))
    for key, value in {**export.manifest.facts, "clock": newest}.items():
        row = schema.meta.c.key == key
        connection.execute(update(schema.meta).where(row).values(value=value))
    done.payload_files = _copy_payloads(payloads, export, None, progress)
    return done


def _merge(
    connection: Connection, payloads: PayloadFiles, export: Checked, progress: Progress
) -> Imported:
    done = Imported()
    told = schema.experiences.c
    had = {
        bytes(row.id): row.forgotten_ns is not None
        for row in connection.execute(select(told.id, told.forgotten_ns))
    }
    fresh = export.identifiers - had.keys()
    gone = {identifier for identifier, is_forgotten in had.items() if is_forgotten}
    done.forgotten = len(export.identifiers & gone)
    named = _named_payloads(export, fresh)
    number = _last(connection, schema.experiences) + 1
    for name, table in TABLES.items():
        done.rows[name] = done.skipped[name] = 0
        present = _present(connection, table)
        for rows in export.rows(table):
            taken = [row for row in rows if _is_new(table, row, fresh, present)]
            if table is schema.payloads:  # what nobody names any more was forgotten
                taken = [row for row in taken if row["sha256"] in named]
            elif table is schema.summary_members:
                taken = [row for row in taken if gone.isdisjoint(row.values())]
            if table is schema.experiences:
                taken = [row | {"number": number + index} for index, row in enumerate(taken)]
                number += len(taken)
            elif "number" in table.columns:
                taken = [{k: v for k, v in row.items() if k != "number"} for row in taken]
            if taken:
                connection.execute(insert(table), taken)
            done.rows[name] += len(taken)
            done.skipped[name] += len(rows) - len(taken)
            progress(name, len(rows))
    _advance_clock(connection, int(export.manifest.facts["clock"]))
    alive = select(told.payload_sha256).where(told.forgotten_ns.is_(None))
    promised = schema.payloads.c.sha256.in_(alive)  # a lost file of theirs comes back, too
    kept = set(connection.execute(select(schema.payloads.c.sha256).where(promised)).scalars())
    done.payload_files = _copy_payloads(payloads, export, kept | named, progress)
    return done


def _named_payloads(export: Checked, fresh: frozenset[bytes]) -> set[str]:
    """Payloads that the experiences to be taken in have, or would have if a sleep were undone."""
    told = (row for rows in export.rows(schema.experiences) for row in rows)
    named = {row["payload_sha256"] for row in told if row["id"] in fresh}
    lettings_go = (row for rows in export.rows(schema.forgettings) for row in rows)
    copies = [
        bytes(row["saved"])
        for row in lettings_go
        if row["experience_id"] in fresh and row["saved"] is not None
    ]
    every = (row["sha256"] for rows in export.rows(schema.payloads) for row in rows)
    return named | {sha for sha in every if any(sha.encode() in copy for copy in copies)}


def _present(connection: Connection, table: Table) -> set[Any]:
    """Keys that the store has, of the tables that do not belong to one experience."""
    if table in (schema.payloads, schema.nights, schema.entities):
        (key,) = table.primary_key.columns
        return set(connection.execute(select(key)).scalars())
    if table is schema.summary_members:
        return {tuple(row) for row in connection.execute(select(*table.primary_key.columns))}
    return set()


def _is_new(table: Table, row: Row, fresh: frozenset[bytes], present: set[Any]) -> bool:
    if table is schema.experiences:
        return row["id"] in fresh
    if table.name in OWNER:
        return row[OWNER[table.name]] in fresh
    key = tuple(row[column.name] for column in table.primary_key.columns)
    return (key if len(key) > 1 else key[0]) not in present


def _advance_clock(connection: Connection, seen: int) -> None:
    clock = schema.meta.c.key == "clock"
    own = int(connection.execute(select(schema.meta.c.value).where(clock)).scalar_one())
    connection.execute(update(schema.meta).where(clock).values(value=str(max(own, seen))))


def _last(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.max(table.c.number))).scalar_one() or 0


def _copy_payloads(
    payloads: PayloadFiles, export: Checked, wanted: set[str] | None, progress: Progress
) -> int:
    """Write the export's payload files that the store has rows for; how many."""
    media_types = {
        row["sha256"]: row["media_type"] for rows in export.rows(schema.payloads) for row in rows
    }
    copied = 0
    for name in sorted(export.manifest.files):
        if not name.startswith("payloads/"):
            continue
        sha256 = name.split("/")[2].split(".")[0]
        if sha256 in media_types and (wanted is None or sha256 in wanted):
            data = (export.folder / name).read_bytes()
            payloads.write(sha256, Payload(data, media_types[sha256]))
            copied += 1
            progress("payload files", 1)
    return copied
