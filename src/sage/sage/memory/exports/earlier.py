"""Tables of exports of earlier schemas, completed to those of the present one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, MetaData, Table

from sage.memory.exports.tables import Row
from sage_memory.core.engine import schema
from sage_memory.core.rows.checksums import COLUMNS, row_crc32

CHECKSUMS_SINCE = 4
"""Schema from which on rows of experiences have a checksum."""
_BARE = Table(
    "experiences",
    MetaData(),
    *(
        Column(column.name, column.type, nullable=column.nullable)
        for column in schema.experiences.columns
        if column.name != "crc32"
    ),
)


def exported_table(table: Table, version: int) -> Table:
    """A table of the present schema as exports of a schema version hold it."""
    return _BARE if table is schema.experiences and version < CHECKSUMS_SINCE else table


def completed(table: Table, rows: Sequence[Row], version: int) -> list[Row]:
    """Rows of such a table with the columns that came later."""
    if exported_table(table, version) is table:
        return list(rows)
    return [row | {"crc32": checksum(row)} for row in rows]


def checksum(row: Row) -> int:
    """The checksum that a row of an experience must have."""
    return row_crc32([row.get(name) for name in COLUMNS])
