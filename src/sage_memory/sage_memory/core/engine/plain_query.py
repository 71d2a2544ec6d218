"""SELECTs of the hot path: compiled once, given plain values, read past SQLAlchemy's results."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

SIZES = (1, 4, 16, 64, 256)
"""Keys a statement takes; the last key is repeated to fill one up."""
KEYS: list[BindParameter[Any]] = [bindparam("key")]
"""Stands for the keys in a statement: `column.in_(KEYS)`, once."""
UNDECODED = "Could not decode"
"""Of the driver's words for a text that is none."""
IN = re.compile(r"IN \(([^()]+)\)")
Given = list[tuple[str | None, Any]]
"""Names of values that a call gives, or values that the statement has itself."""


class PlainQuery:
    """A SELECT of rows whose key is in a list.

    Args:
        statement: with `KEYS`; it may have other parameters, by name.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        names = statement.selected_columns.keys()
        self._row: Any = namedtuple("Row", names)  # type: ignore[misc]
        self._compiled: dict[tuple[str, int], str] = {}
        self._given: dict[str, tuple[Given, Given]] = {}

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
        dialect = connection.dialect
        text = self._compiled.get((dialect.name, len(keys))) or self._compile(dialect, len(keys))
        before, after = self._given[dialect.name]
        arguments = (
            *(value if name is None else values[name] for name, value in before),
            *keys,
            *(value if name is None else values[name] for name, value in after),
        )
        if dialect.name != "sqlite":
            return list(connection.exec_driver_sql(text, arguments))
        return list(map(self._row._make, read_plain(connection, text, arguments)))

    def _compile(self, dialect: Dialect, wanted: int) -> str:
        """The statement for so many keys; SQLAlchemy itself takes milliseconds for each size."""
        compiled = self._statement.compile(dialect=dialect)
        names = list(compiled.positiontup or ())
        given: Given = [
            (None, compiled.params[name]) if compiled.params[name] is not None else (name, None)
            for name in names
        ]
        key = names.index("key")
        self._given[dialect.name] = (given[:key], given[key + 1 :])
        head, place, tail = IN.split(str(compiled))
        for size in SIZES:
            places = ", ".join([place] * size)
            self._compiled[dialect.name, size] = f"{head}IN ({places}){tail}"
        return self._compiled[dialect.name, wanted]


def read_plain(
    connection: Connection, statement: str, arguments: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]]:
    """Rows of a statement on an SQLite connection, in the driver's own words and types.

    A text that is none has U+FFFD in place of what is wrong: the row's checksum does not match.

    Raises:
        DBAPIError: as SQLAlchemy does.
    """
    driver: Any = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi
    try:
        rows: list[tuple[Any, ...]] = driver.execute(statement, arguments).fetchall()
    except errors.Error as error:
        if UNDECODED not in str(error) or driver.text_factory is replacing:
            raise DBAPIError.instance(statement, None, error, errors.Error) from error
        with any_text(connection):
            return read_plain(connection, statement, arguments)
    return rows


@contextmanager
def any_text(connection: Connection) -> Iterator[None]:
    """Let the driver replace what is wrong in a text of an SQLite file, not fail at it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    before, driver.text_factory = driver.text_factory, replacing
    try:
        yield
    finally:
        driver.text_factory = before


def replacing(raw: bytes) -> str:
    """The text in UTF-8, U+FFFD for what is none."""
    return raw.decode("utf-8", "replace")
