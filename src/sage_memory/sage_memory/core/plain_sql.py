"""Statements of the hot path: compiled once, given plain tuples, asked for no result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Table, bindparam, insert
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import UpdateBase

MOST_ROWS = 32
"""A statement takes so many rows; each number of them is a statement, which the driver caches."""


class PlainStatement:
    """A statement whose values are given in the order in which it names them.

    Args:
        statement: an INSERT, UPDATE or DELETE.
        rows: of values that an INSERT of one is given at once.
    """

    def __init__(self, statement: UpdateBase, rows: int = 1) -> None:
        self._statement = statement
        self._rows = rows
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
        if self._rows > 1:  # SQLAlchemy itself takes a hundred times as long to write it out
            head, places = compiled.rsplit(" VALUES ", 1)
            compiled = f"{head} VALUES {', '.join([places] * self._rows)}"
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
        row = insert(table).inline().values({name: bindparam(name) for name in columns})
        self._statements = [PlainStatement(row, size) for size in range(1, MOST_ROWS + 1)]

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows of values that the driver takes as they are."""
        for start in range(0, len(rows), MOST_ROWS):
            together = rows[start : start + MOST_ROWS]
            statement = self._statements[len(together) - 1]
            statement.run(connection, tuple(chain.from_iterable(together)))


def _execute_sqlite(connection: Connection, statement: str, values: tuple[Any, ...]) -> None:
    """Past SQLAlchemy's execution context, which takes ten times as long as the statement."""
    driver: Any = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi
    try:
        driver.execute(statement, values)
    except errors.Error as error:
        raise DBAPIError.instance(statement, None, error, errors.Error) from error
