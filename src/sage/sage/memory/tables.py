"""The tables that an export holds, and what their columns are."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import Column, LargeBinary, Table
from sqlalchemy.types import Float, Integer, String

from sage_common.core.errors import InvalidInput
from sage_memory.core import schema

ID_BYTES = 16
MAX_INTEGER = 2**63 - 1
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        schema.payloads,
        schema.experiences,
        schema.vectors,
        schema.clocks,
        schema.summary_members,
        schema.nights,
        schema.forgettings,
        schema.entities,
    )
}
"""In the order in which they are imported: what refers to another comes after it."""
FACTS = ("device_id", "created_ns", "clock")
"""Facts of the `meta` table that an export holds; the others belong to the file."""

Row = dict[str, Any]


def kind_of(column: Column[Any]) -> str:
    """What a column holds: id (16 bytes), bytes, integer, number or text."""
    if isinstance(column.type, LargeBinary):
        return "id" if column.type.length == ID_BYTES else "bytes"
    if isinstance(column.type, Integer):
        return "integer"
    if isinstance(column.type, Float):
        return "number"
    assert isinstance(column.type, String), column
    return "text"


def check_row(table: Table, row: Row) -> None:
    """Prove that a row has the table's columns, each with a value of its kind.

    Raises:
        InvalidInput: names table and column, the value, and what was expected.
    """
    names = {column.name for column in table.columns}
    if row.keys() != names:
        wrong = sorted(names ^ row.keys())
        raise InvalidInput(f"columns of {table.name}", wrong, f"exactly {sorted(names)}")
    for column in table.columns:
        value = row[column.name]
        if value is None:
            if not column.nullable:
                raise InvalidInput(f"{table.name}.{column.name}", value, "a value")
        elif not _fits(kind_of(column), value):
            raise InvalidInput(f"{table.name}.{column.name}", value, kind_of(column))


def _fits(kind: str, value: object) -> bool:
    if kind == "id":
        return isinstance(value, bytes) and len(value) == ID_BYTES
    if kind == "bytes":
        return isinstance(value, bytes)
    if kind == "integer":
        return isinstance(value, int) and abs(value) <= MAX_INTEGER
    if kind == "number":
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, str)
