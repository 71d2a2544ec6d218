"""Exports of earlier schemas, read as those of the present one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Column, MetaData, Table

from sage.memory.exports.manifest import Manifest
from sage.memory.exports.tables import Row
from sage_memory.core.engine import schema
from sage_memory.core.rows.checksums import COLUMNS, row_crc32

CHECKSUMS_SINCE = 4
"""Schema from which on rows of experiences have a checksum."""
NAMES_SINCE = 5
"""Schema from which on what was called otherwise has its present names."""
LABELS_SINCE = 6
"""Schema from which on there are labels and their vocabularies."""
PLACES_SINCE = 7
"""Schema from which on there are places that are known by name."""
TAUGHT_SINCE = 8
"""Schema from which on there are words that were taught."""
Value = TypeVar("Value")


def with_present_tables(manifest: Manifest) -> Manifest:
    """The manifest with the tables of the present schema, and their names."""
    rows, tables = manifest.rows, manifest.tables
    if manifest.schema_version < NAMES_SINCE:
        rows, tables = _renamed(rows), _renamed(tables)
    later: list[str] = []
    if manifest.schema_version < LABELS_SINCE:
        later += (schema.vocabularies.name, schema.labels.name)
    if manifest.schema_version < PLACES_SINCE:
        later.append(schema.places.name)
    if manifest.schema_version < TAUGHT_SINCE:
        later.append(schema.taught_words.name)
    rows, tables = {**rows, **dict.fromkeys(later, 0)}, {**tables, **dict.fromkeys(later, ())}
    return replace(manifest, rows=rows, tables=tables)


def exported_table(table: Table, version: int) -> Table:
    """A table of the present schema as exports of a schema version hold it."""
    # Files of vectors are named by their kind, by which table it is; no column of theirs changed.
    if version >= NAMES_SINCE or table is schema.vectors:
        return table
    bare = table is schema.experiences and version < CHECKSUMS_SINCE
    columns = [
        Column(schema.FORMER_NAMES.get(column.name, column.name), column.type)
        for column in table.columns
        if not (bare and column.name == "crc32")
    ]
    return Table(table.name, MetaData(), *columns)


def completed(table: Table, rows: Sequence[Row], version: int) -> list[Row]:
    """Rows of such a table with the columns that came later, by their present names."""
    if version >= NAMES_SINCE:
        return list(rows)
    present = [_renamed(row) for row in rows]
    if table is schema.experiences and version < CHECKSUMS_SINCE:
        return [row | {"crc32": checksum(row)} for row in present]
    return present


def checksum(row: Row) -> int:
    """The checksum that a row of an experience must have."""
    return row_crc32([row.get(name) for name in COLUMNS])


def _renamed(values: Mapping[str, Value]) -> dict[str, Value]:
    return {schema.PRESENT_NAMES.get(name, name): value for name, value in values.items()}
