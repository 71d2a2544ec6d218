"""INSERT of many rows in few statements."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Table, bindparam, insert
from sqlalchemy.engine import Connection, Dialect

CHUNKS = (64, 16, 4, 1)
"""Rows a statement takes, largest first."""


class Insertion:
    """Inserts plain tuples into a table.

    The driver lets other threads run once a statement. With one statement a row the writer would
    have to win Python's lock back for every row from whoever remembers at the same time.

    Args:
        table: where the rows go.
        columns: names of the columns, in the order of the values of a row.
    """

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._table = table
        self._statements: dict[tuple[str, int], str] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows of values that the driver takes as they are."""
        start = 0
        for size in CHUNKS:
            while len(rows) - start >= size:
                values = tuple(chain.from_iterable(rows[start : start + size]))
                connection.exec_driver_sql(self._statement(connection.dialect, size), values)
                start += size

    def _statement(self, dialect: Dialect, size: int) -> str:
        key = (dialect.name, size)
        if key not in self._statements:
            places: list[dict[str, Any]] = [
                {name: bindparam(f"{name}_{row}") for name in self.columns} for row in range(size)
            ]
            self._statements[key] = str(insert(self._table).values(places).compile(dialect=dialect))
        return self._statements[key]
