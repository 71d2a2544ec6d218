"""SQLite as SQLAlchemy expects it of `sqlite3`, on the library that `apsw` brings.

Only what the store needs. A VFS made with `apsw` has no shared memory, so that a connection keeps
the index of its log to itself: exclusive locking.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import apsw

paramstyle = "qmark"
sqlite_version_info = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
Binary = memoryview
Error = sqlite3.Error
Warning = sqlite3.Warning  # noqa: A001 - the name is the DB-API's
DatabaseError = sqlite3.DatabaseError
DataError = sqlite3.DataError
IntegrityError = sqlite3.IntegrityError
InterfaceError = sqlite3.InterfaceError
InternalError = sqlite3.InternalError
NotSupportedError = sqlite3.NotSupportedError
OperationalError = sqlite3.OperationalError
ProgrammingError = sqlite3.ProgrammingError
CHANGES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


def through(vfs: str) -> ModuleType:
    """This module, with connections whose files go through a VFS."""
    module = ModuleType("apsw_driver")
    module.__dict__.update(globals())
    module.connect = lambda address, **_options: Connection(address, vfs)
    return module


class Cursor:
    """Rows are fetched at once: no statement stays open."""

    arraysize = 1
    lastrowid = None
    rowcount = -1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self.description: Any = None

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        self._connection.begin_before(statement)
        cursor = self._connection.library.cursor()
        self.description = None
        cursor.exec_trace = self._describe
        try:
            cursor.execute(statement, tuple(values))
            rows = cursor.fetchall()
        except apsw.ConstraintError as error:
            raise IntegrityError(str(error)) from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise DatabaseError(str(error)) from error
        except apsw.Error as error:
            raise OperationalError(str(error)) from error
        self._rows = iter(rows)
        self.rowcount = self._connection.library.changes()
        return self

    def _describe(self, cursor: apsw.Cursor, _statement: str, _values: Any) -> bool:
        self.description = cursor.get_description() or None
        return True

    def executemany(self, statement: str, many: Sequence[Sequence[Any]]) -> Cursor:
        for values in many:
            self.execute(statement, values)
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        return [row for row, _ in zip(self._rows, range(size or self.arraysize), strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)

    def close(self) -> None:
        self._rows = iter(())


class Connection:
    """Begins a transaction before the first change, as `sqlite3` does."""

    isolation_level = ""

    def __init__(self, uri: str, vfs: str) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
        self.library = apsw.Connection(uri, flags=flags, vfs=vfs)
        self.library.execute("PRAGMA locking_mode=EXCLUSIVE")

    def begin_before(self, statement: str) -> None:
        if statement.lstrip().upper().startswith(CHANGES) and not self.library.in_transaction:
            self.library.execute("BEGIN")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        return self.cursor().execute(statement, values)

    def executemany(self, statement: str, many: Sequence[Sequence[Any]]) -> Cursor:
        return self.cursor().executemany(statement, many)

    def executescript(self, script: str) -> None:
        self.library.execute(script)

    def cursor(self) -> Cursor:
        return Cursor(self)

    def commit(self) -> None:
        if self.library.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        if self.library.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        self.library.close()

    def create_function(self, *_arguments: Any, **_options: Any) -> None:
        """The store asks for none."""
