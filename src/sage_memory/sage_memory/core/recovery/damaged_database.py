"""Reads what can still be read of a damaged database file, row by row."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Float, Integer, LargeBinary, Table

from sage_common.core.clock import SystemClock
from sage_memory.core.engine.database import Driver, connect_file, create_database
from sage_memory.core.engine.schema import FORMER_NAMES, PRESENT_NAMES
from sage_memory.core.errors import StoreDamaged

LEAST_ROW_BYTES = 64
ROWS_AT_ONCE = 1024
Row = dict[str, Any]
PAGE_BYTES = 4096
COUNTS = struct.Struct(">I II")
"""Pages of the file, first page and number of the free ones, in the file's header."""
COUNTS_AT = 28
FILE_HEADER_BYTES = 100
BTREE_HEADER = struct.Struct(">B H H H B")
CHILD = struct.Struct(">I")
INTERIOR = 5


class DamagedDatabase:
    """A database of which pages may be unreadable.

    Args:
        path: the file; its log, if there is one, is read with it.
        driver: who reads it.

    Raises:
        StoreDamaged: not even its table of tables can be read.
    """

    def __init__(self, path: Path, driver: Driver) -> None:
        self._connection = connect_file(path, "mode=ro", driver)
        self._errors = driver.module.DatabaseError
        self._size = path.stat().st_size
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        self._connection.execute("PRAGMA cell_size_check=ON")
        try:
            self._names = {
                name: self._columns(name)
                for (name,) in self._connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                ).fetchall()
            }
        except self._errors as error:
            self._connection.close()
            raise StoreDamaged(path, f"its table of tables cannot be read: {error}") from error

    def rows(self, table: Table) -> Iterator[Row]:
        """Rows that can be read and whose values have the types of their columns, in order.

        Of a table with row numbers, ranges around an unreadable page are halved until the rows
        beside it are found; of others, the rows before it.
        """
        names = self._names.get(self._name(table), [])
        if not names:
            return
        found = self._in_order(table) if _has_no_rowid(table) else self._ranged(table)
        for values in found:
            row = dict(zip(names, values, strict=True))
            if _fits(table, row):
                yield row

    def of(self, table: Table, column: str, key: bytes) -> list[Row]:
        """Readable rows with this key, by an index or the primary key."""
        name = self._name(table)
        names = self._names.get(name, [])
        wanted = f"SELECT * FROM {name} WHERE {column} = ?"
        rows = [dict(zip(names, row, strict=True)) for row in self._read(wanted, (key,)) or ()]
        return [row for row in rows if _fits(table, row)]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _columns(self, table: str) -> list[str]:
        """Names of a table's columns, those of an earlier schema as they are called now."""
        found = self._connection.execute(f"PRAGMA table_info({table})").fetchall()
        return [PRESENT_NAMES.get(row[1], row[1]) for row in found]

    def _name(self, table: Table) -> str:
        """What the file calls a table."""
        former = FORMER_NAMES.get(table.name, "")
        return former if former in self._names else table.name

    def _in_order(self, table: Table) -> Iterator[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        with suppress(self._errors):
            yield from cursor.execute(f"SELECT * FROM {self._name(table)}")

    def _ranged(self, table: Table) -> Iterator[tuple[Any, ...]]:
        """All readable rows by their row numbers."""
        wanted = f"SELECT * FROM {self._name(table)} WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
        for start in range(1, self.highest(table) + 1, ROWS_AT_ONCE):
            waiting = [(start, start + ROWS_AT_ONCE - 1)]
            while waiting:
                first, last = waiting.pop()
                rows = self._read(wanted, (first, last))
                if rows is not None:
                    yield from rows
                elif first < last:
                    middle = (first + last) // 2
                    waiting.extend([(middle + 1, last), (first, middle)])

    def highest(self, table: Table) -> int:
        """The last row number: by the table, else by an index of it, else as many as fit."""
        name = self._name(table)
        indexes = self._read(f"PRAGMA index_list({name})", ()) or []
        scans = [f'(SELECT rowid FROM {name} INDEXED BY "{row[1]}")' for row in indexes]
        for source in (name, *scans):
            found = self._read(f"SELECT max(rowid) FROM {source}", ())
            if found is not None:
                return int(found[0][0] or 0)
        return self._size // LEAST_ROW_BYTES

    def _read(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """All rows, or None if one of them cannot be read."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except (self._errors, sqlite3.DatabaseError, OverflowError):
            return None


def open_damaged(path: Path, driver: Driver, workshop: Path) -> DamagedDatabase:
    """The damaged file, or a copy of it in `workshop` that can be opened.

    A file that is too short is filled up. Where its table of tables cannot be read, that of a new
    store takes its place: it is the same in all that were made, not migrated, at this version.

    Raises:
        StoreDamaged: no copy can be opened either.
    """
    try:
        return DamagedDatabase(path, driver)
    except StoreDamaged as error:
        detail = error.detail
    model = workshop / "model.db"
    create_database(model, "", SystemClock(), driver)
    content = model.read_bytes()
    own_head = {0: path.read_bytes()[:PAGE_BYTES].ljust(PAGE_BYTES, b"\0")}
    tables = {number: _page(content, number) for number in _table_of_tables(content)}
    for pages in (own_head, tables):
        copy = workshop / path.name
        _copy_with(path, copy, pages, at_least=len(content) // PAGE_BYTES)
        with suppress(StoreDamaged):
            return DamagedDatabase(copy, driver)
    raise StoreDamaged(path, detail)


def _page(content: bytes, number: int) -> bytes:
    return content[number * PAGE_BYTES : (number + 1) * PAGE_BYTES]


def _table_of_tables(content: bytes) -> list[int]:
    """Pages, from 0, in which a small sound database says which tables it has.

    https://www.sqlite.org/fileformat2.html#b_tree_pages: the first page is the root; it is a
    leaf, or its cells and its header point to the leaves, which count from 1.
    """
    kind, _, cells, _, _ = BTREE_HEADER.unpack_from(content, FILE_HEADER_BYTES)
    if kind != INTERIOR:
        return [0]
    start = FILE_HEADER_BYTES + BTREE_HEADER.size
    (last,) = CHILD.unpack_from(content, start)
    places = struct.unpack_from(f">{cells}H", content, start + CHILD.size)
    children = [CHILD.unpack_from(content, place)[0] for place in places]
    return [0, *(child - 1 for child in (*children, last))]


def _copy_with(path: Path, copy: Path, pages: dict[int, bytes], at_least: int) -> None:
    """Copy a file, put `pages` into it, and let its header hold its true number of pages."""
    shutil.copyfile(path, copy)
    count = max(at_least, -(-path.stat().st_size // PAGE_BYTES))
    with copy.open("r+b") as stream:
        stream.truncate(count * PAGE_BYTES)
        for number, page in pages.items():
            stream.seek(number * PAGE_BYTES)
            stream.write(page)
        stream.seek(COUNTS_AT)
        stream.write(COUNTS.pack(count, 0, 0))


def _has_no_rowid(table: Table) -> bool:
    return table.dialect_options["sqlite"]["with_rowid"] is False


def _fits(table: Table, row: Row) -> bool:
    """Whether every value has the type of its column."""
    return all(_fits_column(table.c[name], row[name]) for name in row if name in table.c)


def _fits_column(column: Any, value: Any) -> bool:
    if value is None:
        return bool(column.nullable)
    if isinstance(column.type, LargeBinary):
        return isinstance(value, bytes)
    if isinstance(column.type, BigInteger | Integer):
        return isinstance(value, int)
    if isinstance(column.type, Float):
        return isinstance(value, float | int)
    return isinstance(value, str)
