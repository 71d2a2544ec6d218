"""SELECTs of the hot path: compiled once, given plain values, read past SQLAlchemy's results."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

SIZES = (1, 4, 16, 64, 256)
"""Keys a statement takes; the last key is repeated to fill one up."""
Keys = list[BindParameter[Any]]
Given = list[tuple[str | None, Any]]
"""Names of values that a call gives, or values that the statement has itself."""


class PlainQuery:
    """A SELECT of rows whose key is in a list.

    Args:
        statement: makes it for the parameters of its keys; it may have others, by name.
    """

    def __init__(self, statement: Callable[[Keys], Select[Any]]) -> None:
        self._statement = statement
        names = statement(_keys(1)).selected_columns.keys()
        self._row: Any = namedtuple("Row", names)  # type: ignore[misc]
        self._compiled: dict[tuple[str, int], tuple[str, Given, Given]] = {}

    def rows(self, connection: Connection, keys: Sequence[Any], **values: Any) -> list[Any]:
        """Rows by name of their columns, in the statement's order for at most 256 keys.

        Raises:
            DBAPIError: as SQLAlchemy does.
        """
        found: list[Any] = []
        for start in range(0, len(keys), SIZES[-1]):
            part = list(keys[start : start + SIZES[-1]])
            size = next(size for size in SIZES if size >= len(part))
            part += part[-1:] * (size - len(part))
            found += self._run(connection, part, values)
        return found

    def _run(self, connection: Connection, keys: list[Any], values: dict[str, Any]) -> list[Any]:
        text, before, after = self._text(connection, len(keys))
        arguments = (
            *(value if name is None else values[name] for name, value in before),
            *keys,
            *(value if name is None else values[name] for name, value in after),
        )
        if connection.dialect.name != "sqlite":
            return list(connection.exec_driver_sql(text, arguments))
        return list(map(self._row._make, read_plain(connection, text, arguments)))

    def _text(self, connection: Connection, size: int) -> tuple[str, Given, Given]:
        """The statement for so many keys, and what is given before and after them."""
        key = (connection.dialect.name, size)
        if key not in self._compiled:
            compiled = self._statement(_keys(size)).compile(dialect=connection.dialect)
            names = list(compiled.positiontup or ())
            constants = compiled.params
            given: Given = [
                (name, None) if constants[name] is None else (None, constants[name])
                for name in names
            ]
            first = names.index("key_0")  # those of one IN stand together, in their order
            self._compiled[key] = (str(compiled), given[:first], given[first + size :])
        return self._compiled[key]


def read_plain(
    connection: Connection, statement: str, arguments: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]]:
    """Rows of a statement on an SQLite connection, in the driver's own words and types.

    Raises:
        DBAPIError: as SQLAlchemy does.
    """
    driver: Any = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi
    try:
        rows: list[tuple[Any, ...]] = driver.execute(statement, arguments).fetchall()
    except errors.Error as error:
        raise DBAPIError.instance(statement, None, error, errors.Error) from error
    return rows


def _keys(size: int) -> Keys:
    return [bindparam(f"key_{place}") for place in range(size)]
