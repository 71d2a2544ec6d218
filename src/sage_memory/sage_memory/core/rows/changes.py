"""Changes of rows of experiences, each with its checksum in the same statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.schema import experiences
from sage_memory.core.rows.checksums import COLUMNS, row_crc32

_ROWS = PlainQuery(select(experiences).where(experiences.c.id.in_(KEYS)))


def set_columns(
    connection: Connection, identifiers: Sequence[bytes], values: Mapping[str, Any]
) -> None:
    """Set columns of experiences. A row that was damaged before does not match afterwards either.

    Args:
        connection: in a transaction of the writer.
        identifiers: 16 bytes each; unknown ones are left out.
        values: by name of the column; not `crc32`.
    """
    _set(connection, identifiers, values, keep_damage=True)


def replace_content(
    connection: Connection, identifiers: Sequence[bytes], values: Mapping[str, Any]
) -> None:
    """Set all columns that hold content, as of a tombstone: what was damaged in them is gone."""
    _set(connection, identifiers, values, keep_damage=False)


def _set(
    connection: Connection,
    identifiers: Sequence[bytes],
    values: Mapping[str, Any],
    keep_damage: bool,
) -> None:
    rows = _ROWS.rows(connection, list(dict.fromkeys(identifiers)))
    if not rows:
        return
    checksums = []
    for row in rows:
        old = dict(zip(COLUMNS, row, strict=False))
        checksum = row_crc32(tuple((old | dict(values)).values()))
        if keep_damage:
            checksum ^= row.crc32 ^ row_crc32(row[:-1])
        checksums.append({"key": row.number, "checksum": checksum})
    own = update(experiences).where(experiences.c.number == bindparam("key"))
    connection.execute(own.values(**values, crc32=bindparam("checksum")), checksums)
