"""Entities that a memory knows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_memory.core.engine import schema


def known_entities(connection: Connection) -> list[dict[str, Any]]:
    """Every entity with its figures, the most trusted first."""
    table = schema.entities
    ordered = select(table).order_by(table.c.trust.desc(), table.c.name)
    return [dict(row) for row in connection.execute(ordered).mappings()]
