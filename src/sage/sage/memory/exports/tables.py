"""The tables that an export holds, and what their columns are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, LargeBinary, Table
from sqlalchemy.types import Float, Integer, String

from sage_memory.core.engine import schema

ID_BYTES = 16
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        schema.payloads,
        schema.experiences,
        schema.vectors,
        schema.vocabularies,
        schema.labels,
        schema.clocks,
        schema.summary_members,
        schema.runs,
        schema.forgettings,
        schema.entities,
        schema.places,
        schema.taught_words,
    )
}
"""In the order in which they are imported: what refers to another comes after it."""
FACTS = ("device_id", "created_ns", "clock")
"""Facts of the `meta` table that every export holds.

Beside them it holds the instances of modalities and the names of private places, if the store knows
any; the other facts belong to the file.
"""

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
