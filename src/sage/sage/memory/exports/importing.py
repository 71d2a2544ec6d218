"""Taking an export that was proven into a store, in one transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.engine import Connection

from sage.memory.exports.checking import Checked
from sage.memory.exports.exporting import Progress
from sage.memory.exports.labels import VocabularyNumbers
from sage.memory.exports.manifest import ExportRefused
from sage.memory.exports.tables import TABLES, Row
from sage.memory.exports.taught_words import taught_here
from sage_common.core.errors import InvalidInput
from sage_memory.core.engine import schema
from sage_memory.core.experience import Payload
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.places.private import private_names, read_private, save_private
from sage_memory.core.store.modality_facts import (
    merged_instances,
    save_instances,
    stored_instances,
)

OWNER = dict.fromkeys(("vectors", "labels", "clocks", "forgettings"), "experience_id")
"""Column with the experience that a row belongs to."""


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


def import_rows(
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
        InvalidInput: the store is not empty, and `merge` is false, or a vector has another size
            than the store's of the same encoder, or a model other names of its classes; nothing
            was written.
        ExportRefused: a payload was changed since it was proven.
        OSError: a payload cannot be written.
    """
    counts = {name: _count(connection, table) for name, table in TABLES.items()}
    name = max(counts, key=lambda key: (counts[key] > 0, key == "experiences"))
    if not counts[name]:
        return _restore(connection, payloads, export, progress)
    if not merge:
        expected = "an empty one, or --merge to add what it lacks"
        raise InvalidInput("store", f"{counts[name]} {name}", expected)
    for encoder_id, size in export.sizes.items():
        known = _size(connection, encoder_id)
        if known not in (None, size):
            raise InvalidInput("vectors.dim", size, f"{known}, as all of {encoder_id} here")
    return _merge(connection, payloads, export, progress)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _size(connection: Connection, encoder_id: str) -> int | None:
    own = schema.vectors.c
    wanted = select(own.dim).where(own.encoder_id == encoder_id).limit(1)
    return connection.execute(wanted).scalar_one_or_none()


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
    for key in ("device_id", "created_ns"):
        row, value = schema.meta.c.key == key, export.manifest.facts[key]
        connection.execute(update(schema.meta).where(row).values(value=value))
    _add_instances(connection, export)
    _add_private(connection, export)
    _advance_clock(connection, export.clock)
    done.payload_files = _copy_payloads(connection, payloads, export, None, progress)
    return done


def _merge(
    connection: Connection, payloads: PayloadFiles, export: Checked, progress: Progress
) -> Imported:
    done = Imported()
    columns = schema.experiences.c
    had = {
        bytes(row.id): row.forgotten_ns is not None
        for row in connection.execute(select(columns.id, columns.forgotten_ns))
    }
    fresh = export.identifiers - had.keys()
    gone = {identifier for identifier, is_forgotten in had.items() if is_forgotten}
    done.forgotten = len(export.identifiers & gone)
    named = _named_payloads(export, fresh)
    number = _last(connection, schema.experiences) + 1
    vocabularies = VocabularyNumbers(connection)
    for name, table in TABLES.items():
        done.rows[name] = done.skipped[name] = 0
        present = _present(connection, table)
        for rows in export.rows(table):
            taken = [row for row in rows if _is_new(table, row, fresh, present)]
            if table is schema.payloads:  # what nobody names any more was forgotten
                there = named & export.payload_names.keys()
                taken = [row for row in taken if row["sha256"] in there]
            elif table is schema.summary_members:
                taken = [row for row in taken if gone.isdisjoint(row.values())]
            if table is schema.experiences:
                taken = [row | {"number": number + index} for index, row in enumerate(taken)]
                number += len(taken)
            elif table is schema.vocabularies:
                taken = vocabularies.taken(rows)
            elif "number" in table.columns:
                taken = [{k: v for k, v in row.items() if k != "number"} for row in taken]
            if table is schema.taught_words:
                taken = [row for row in (taught_here(row, gone) for row in taken) if row]
            if table is schema.labels:
                taken = [vocabularies.renumbered(row) for row in taken]
            if taken:
                connection.execute(insert(table), taken)
            done.rows[name] += len(taken)
            done.skipped[name] += len(rows) - len(taken)
            progress(name, len(rows))
    _add_instances(connection, export)
    _add_private(connection, export)
    _advance_clock(connection, export.clock)
    alive = select(columns.payload_sha256).where(columns.forgotten_ns.is_(None))
    promised = schema.payloads.c.sha256.in_(alive)  # a lost file of theirs comes back, too
    kept = set(connection.execute(select(schema.payloads.c.sha256).where(promised)).scalars())
    done.payload_files = _copy_payloads(connection, payloads, export, kept | named, progress)
    return done


def _named_payloads(export: Checked, fresh: frozenset[bytes]) -> set[str]:
    """Payloads that the experiences to be taken in have, or would have if a sleep were undone."""
    rows_of_export = (row for rows in export.rows(schema.experiences) for row in rows)
    named = {row["payload_sha256"] for row in rows_of_export if row["id"] in fresh}
    forgettings = (row for rows in export.rows(schema.forgettings) for row in rows)
    copies = [
        bytes(row["saved"])
        for row in forgettings
        if row["experience_id"] in fresh and row["saved"] is not None
    ]
    every = (row["sha256"] for rows in export.rows(schema.payloads) for row in rows)
    return named | {sha for sha in every if any(sha.encode() in copy for copy in copies)}


def _present(connection: Connection, table: Table) -> set[Any]:
    """Keys that the store has, of the tables that do not belong to one experience."""
    if table in (schema.payloads, schema.runs, schema.entities, schema.places):
        (key,) = table.primary_key.columns
        return set(connection.execute(select(key)).scalars())
    if table in (schema.summary_members, schema.taught_words):
        return {tuple(row) for row in connection.execute(select(*table.primary_key.columns))}
    return set()


def _is_new(table: Table, row: Row, fresh: frozenset[bytes], present: set[Any]) -> bool:
    if table is schema.experiences:
        return row["id"] in fresh
    if table.name in OWNER:
        return row[OWNER[table.name]] in fresh
    key = tuple(row[column.name] for column in table.primary_key.columns)
    return (key if len(key) > 1 else key[0]) not in present


def _add_instances(connection: Connection, export: Checked) -> None:
    """What the store knows of a modality counts before what the export says."""
    facts = dict(connection.execute(select(schema.meta.c.key, schema.meta.c.value)).all())
    exported = stored_instances(export.manifest.facts)
    save_instances(connection, facts, merged_instances(exported, stored_instances(facts)))


def _add_private(connection: Connection, export: Checked) -> None:
    """What is private here or in the export is private."""
    if private := private_names(export.manifest.facts):
        save_private(connection, private | read_private(connection))


def _advance_clock(connection: Connection, seen: int) -> None:
    clock = schema.meta.c.key == "clock"
    own = int(connection.execute(select(schema.meta.c.value).where(clock)).scalar_one())
    connection.execute(update(schema.meta).where(clock).values(value=str(max(own, seen))))


def _last(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.max(table.c.number))).scalar_one() or 0


def _copy_payloads(
    connection: Connection,
    payloads: PayloadFiles,
    export: Checked,
    wanted: set[str] | None,
    progress: Progress,
) -> int:
    """Write the export's payload files that the store has rows for; how many."""
    table = schema.payloads.c
    found = connection.execute(select(table.sha256, table.media_type)).all()
    copied = 0
    for sha256, media_type in sorted((row.sha256, row.media_type) for row in found):
        name = export.payload_names.get(sha256)
        if name is None or (wanted is not None and sha256 not in wanted):
            continue
        data = (export.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ExportRefused(export.folder / name, "changed while the export was taken in")
        payloads.write(sha256, Payload(data, media_type))
        copied += 1
        progress("payload files", 1)
    return copied
