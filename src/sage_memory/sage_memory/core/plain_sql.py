"""Statements of the hot path: compiled once, given plain tuples, asked for no result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Table, bindparam, insert
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import UpdateBase

CHUNKS = (64, 16, 4, 1)
"""Rows a statement takes, largest first."""


class PlainStatement:
    """A statement whose values are given in the order in which it names them."""

    def __init__(self, statement: UpdateBase) -> None:
        self._statement = statement
        self._compiled: dict[str, str] = {}

    def run(self, connection: Connection, values: tuple[Any, ...]) -> None:
        """Execute it with values that the driver takes as they are.

        Raises:
            DBAPIError: as SQLAlchemy does.
        """
        statement = self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)
        if connection.dialect.name == "sqlite":
            _execute_sqlite(connection, statement, values)
        else:
            connection.exec_driver_sql(statement, values)

    def _compile(self, dialect: Dialect) -> str:
        compiled = str(self._statement.compile(dialect=dialect))
        self._compiled[dialect.name] = compiled
        return compiled


class Insertion:
    """Inserts plain tuples into a table, many in a statement.

    The driver lets other threads run once a statement. With one statement a row the writer would
    have to win Python's lock back for every row from whoever remembers at the same time.

    Args:
        table: where the rows go.
        columns: names of the columns, in the order of the values of a row.
    """

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self._statements = []
        for size in CHUNKS:
            places: list[dict[str, Any]] = [
                {name: bindparam(f"{name}_{row}") for name in columns} for row in range(size)
            ]
            self._statements.append((size, PlainStatement(insert(table).values(places))))

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows of values that the driver takes as they are."""
        start = 0
        for size, statement in self._statements:
            while len(rows) - start >= size:
                statement.run(connection, tuple(chain.from_iterable(rows[start : start + size])))
                start += size


def _execute_sqlite(connection: Connection, statement: str, values: tuple[Any, ...]) -> None:
    """Past SQLAlchemy's execution context, which takes ten times as long as the statement."""
    driver: Any = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi
    try:
        driver.execute(statement, values)
    except errors.Error as error:
        raise DBAPIError.instance(statement, None, error, errors.Error) from error
