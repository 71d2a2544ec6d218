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


class PlainQuery:
    """A SELECT of rows whose key is in a list.

    Args:
        statement: makes it for the parameters of its keys; it may have others, by name.
    """

    def __init__(self, statement: Callable[[Keys], Select[Any]]) -> None:
        self._statement = statement
        names = statement(_keys(1)).selected_columns.keys()
        self._row: Any = namedtuple("Row", names)  # type: ignore[misc]
        self._compiled: dict[tuple[str, int], tuple[str, list[str], dict[str, Any]]] = {}

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
        text, names, constants = self._text(connection, len(keys))
        given = constants | values | {f"key_{place}": key for place, key in enumerate(keys)}
        arguments = tuple(given[name] for name in names)
        if connection.dialect.name != "sqlite":
            return list(connection.exec_driver_sql(text, arguments))
        driver: Any = connection.connection.driver_connection
        errors = connection.dialect.loaded_dbapi
        try:
            return list(map(self._row._make, driver.execute(text, arguments)))
        except errors.Error as error:
            raise DBAPIError.instance(text, None, error, errors.Error) from error

    def _text(self, connection: Connection, size: int) -> tuple[str, list[str], dict[str, Any]]:
        key = (connection.dialect.name, size)
        if key not in self._compiled:
            compiled = self._statement(_keys(size)).compile(dialect=connection.dialect)
            names = list(compiled.positiontup or ())
            self._compiled[key] = (str(compiled), names, dict(compiled.params))
        return self._compiled[key]


def _keys(size: int) -> Keys:
    return [bindparam(f"key_{place}") for place in range(size)]
