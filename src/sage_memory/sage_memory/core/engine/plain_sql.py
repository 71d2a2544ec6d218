"""Statements of the hot path: compiled once, given plain tuples, asked for no result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Table, bindparam, insert
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import UpdateBase

SIZES = (256, 128, 64, *range(32, 0, -1))
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
        dialect = connection.dialect
        statement = self._compiled.get(dialect.name) or self._compile(dialect)
        if dialect.name == "sqlite":
            _execute_sqlite(connection, statement, values)
        else:
            connection.exec_driver_sql(statement, values)

    def run_many(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute it once for each tuple of values.

        Raises:
            DBAPIError: as SQLAlchemy does.
        """
        statement = self._compiled.get(connection.dialect.name)
        statement = statement or self._compile(connection.dialect)
        if connection.dialect.name == "sqlite":
            _execute_sqlite(connection, statement, rows, many=True)
        elif rows:
            connection.exec_driver_sql(statement, list(rows))

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
        self._statements = {size: PlainStatement(row, size) for size in SIZES}

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows of values that the driver takes as they are."""
        start = 0
        while start < len(rows):
            left = len(rows) - start
            size = next(size for size in SIZES if size <= left)
            values = tuple(chain.from_iterable(rows[start : start + size]))
            self._statements[size].run(connection, values)
            start += size


def _execute_sqlite(
    connection: Connection, statement: str, values: Sequence[Any], many: bool = False
) -> None:
    """Past SQLAlchemy's execution context, which takes ten times as long as the statement."""
    driver: Any = connection.connection.driver_connection
    try:
        (driver.executemany if many else driver.execute)(statement, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            statement, None, error, connection.dialect.loaded_dbapi.Error
        ) from error
