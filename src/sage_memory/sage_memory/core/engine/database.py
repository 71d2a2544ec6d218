"""The SQLite file: made whole or not at all, opened durably, its damage named."""

from __future__ import annotations

import logging
import os
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Table, create_engine, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from sage_common.core.clock import Clock
from sage_common.core.home import sync_folder
from sage_memory.core.engine import schema
from sage_memory.core.engine.errors import ConnectionLost
from sage_memory.core.engine.plain_query import read_plain
from sage_memory.core.errors import (
    DiskRefuses,
    StoreDamaged,
    StoreLocked,
    StoreMissing,
    StoreNotReadable,
    StoreNotWritable,
    StoreTooNew,
    StoreTooOld,
)

LOG = logging.getLogger(__name__)
BUSY_TIMEOUT_S = 5.0
LOG_PAGES = 4000
"""The log is moved into the file when it has grown to so many pages of 4 KiB."""
LOG_BYTES = 32_000_000
"""The log is cut to this size when it has been moved."""
FREED_AT_ONCE = 4000
UNLOCKED = "mode=ro&vfs=unix-none"
INCREMENTAL = 2
HEADER = struct.Struct(">16s H 10x I")
MAGIC = b"SQLite format 3\x00"
DAMAGED = ("malformed", "not a database", "corrupt", "no such", "Could not decode")
"""Of the driver's words, those that only a damaged file brings forth."""
SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


@dataclass(frozen=True)
class Driver:
    """Who reads and writes the file.

    Attributes:
        module: SQLite's DB-API module, or one that behaves alike.
        unlock: gives a fresh connection its key; None: the file is not encrypted.
    """

    module: ModuleType = sqlite3
    unlock: Callable[[sqlite3.Connection], None] | None = None


PLAIN = Driver()


def create_database(path: Path, device_id: str, clock: Clock, driver: Driver = PLAIN) -> None:
    """Make an empty store: complete under another name, synced, then renamed to `path`."""
    fresh = path.with_name(f"{path.name}.new")
    for leftover in path.parent.glob(f"{fresh.name}*"):
        leftover.unlink()
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    engine = open_writer(fresh, driver)
    with engine.begin() as connection:
        schema.create(connection, device_id, clock.now_ns())
    engine.dispose()  # the last connection moves the log into the file and removes it
    os.replace(fresh, path)
    sync_folder(path.parent)


def open_writer(path: Path, driver: Driver = PLAIN) -> Engine:
    """Engine of the one writer: WAL, and every commit synced before it returns."""

    def connect() -> sqlite3.Connection:
        connection = connect_file(path, "mode=rw", driver)
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a new file; see `compact`
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # what is forgotten is overwritten
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
        return connection

    return _engine(driver, connect, pool_size=1, max_overflow=0)


def open_reader(path: Path, driver: Driver = PLAIN) -> Engine:
    """Engine that cannot write; works beside a writer, and on a read-only medium."""
    _, note = _reading(path)
    if note:
        LOG.warning("%s: %s", path, note)
    # Who reads beside another opens a connection of its own for that, within a millisecond: each
    # that is kept takes 3 MB.
    return _engine(driver, lambda: connect_reader(path, driver), pool_size=1)


def connect_reader(path: Path, driver: Driver) -> sqlite3.Connection:
    """A bare connection that cannot write, unlocked; it sees all that was committed.

    On a read-only medium SQLite cannot make the index of the log in its own file (`-shm`). Where
    an earlier one is there, it is mapped read-only, and locks work as ever. Else nobody writes: the
    index is made in memory (exclusive locking mode), without locks, which would need a file that
    can be written (VFS unix-none). Without a log the file is all there is (immutable).
    """
    options, _ = _reading(path)
    connection = connect_file(path, options, driver)
    if options == UNLOCKED:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    return connection


def _reading(path: Path) -> tuple[str, str]:
    """Options for a reader's URI, and what is to be said of the medium, in words."""
    if os.access(path.parent, os.W_OK):
        return "mode=ro", ""
    log, index = (path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm"))
    size = log.stat().st_size if log.exists() else 0
    note = f"its folder cannot be written; {size} bytes of its log are read where they lie"
    if log.exists() and index.exists():
        return "mode=ro", note if size else ""
    return (UNLOCKED, note) if size else ("mode=ro&immutable=1", "")


def compact(connection: Connection, whole: bool) -> None:
    """Give the space of removed rows back to the file system, and empty the log.

    The pages were overwritten when their rows were removed; with the log goes the last copy. Only
    outside a transaction.

    Args:
        whole: rewrite the file, which closes the gaps between rows that became shorter, too, and
            needs room for a second file. A file of before the schema 2 always is, once.
    """
    if whole or connection.exec_driver_sql("PRAGMA auto_vacuum").scalar_one() != INCREMENTAL:
        connection.exec_driver_sql("VACUUM")  # takes over the mode that `open_writer` asked for
    free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    for _ in range(0, free, FREED_AT_ONCE):
        _run_script(connection, f"PRAGMA incremental_vacuum({FREED_AT_ONCE})")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()


def move_log(connection: Connection) -> None:
    """Move the log of an SQLite file into it, as closing its last connection does.

    Python 3.10 keeps all threads waiting while a connection closes: over a second on a busy disk.
    What cannot be moved now, as the disk refuses or somebody reads it, stays safe in the log.
    """
    if connection.dialect.name == "sqlite":
        with suppress(DBAPIError):
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()


def _run_script(connection: Connection, script: str) -> None:
    """Run to its end what has rows without columns: elsewhere the driver stops at the first.

    Raises:
        DBAPIError: as SQLAlchemy does.
    """
    driver: Any = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi
    try:
        driver.executescript(script)
    except errors.Error as error:
        raise DBAPIError.instance(script, None, error, errors.Error) from error


def size_bytes(path: Path) -> int:
    """Bytes of the file and its log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def check_file(path: Path) -> None:
    """Prove by its header and size that `path`, if it has no log, is a whole database.

    Raises:
        StoreMissing: there is no file.
        StoreDamaged: it is empty, no database, or shorter than it says.
    """
    if not path.exists():
        raise StoreMissing(path)
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > 0:
        return  # the first page, and those that are missing, may be whole in there: SQLite sees
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(HEADER.size)
    if len(head) < HEADER.size:
        raise StoreDamaged(path, f"only {size} bytes long")
    magic, page_size, pages = HEADER.unpack(head)
    if magic != MAGIC:
        raise StoreDamaged(path, "not an SQLite database, or an encrypted one")
    expected = (65536 if page_size == 1 else page_size) * pages
    if size < expected:
        raise StoreDamaged(path, f"{size} bytes long, its header says {expected}")


def migrate(engine: Engine, path: Path) -> None:
    """Bring a store of an earlier version up to the present schema, in one transaction.

    No copy is made before: DDL belongs to the transaction, so that a kill or a power
    cut at any point leaves the store either as it was or migrated.

    Raises:
        StoreDamaged, StoreTooNew: as `check_schema` does.
    """
    with naming(path), engine.connect() as connection:
        try:
            check_schema(connection, path)
        except StoreTooOld:
            from sage_memory import migrations  # Alembic takes long to import

            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            migrations.upgrade(connection)
            connection.commit()


def check_schema(connection: Connection, path: Path) -> dict[str, str]:
    """The facts of the `meta` table.

    Raises:
        StoreDamaged: the table or its version is missing.
        StoreTooNew: a later version wrote the store.
        StoreTooOld: an earlier one did.
    """
    try:
        rows = connection.execute(select(schema.meta.c.key, schema.meta.c.value)).all()
    except SQLAlchemyError as error:
        raise StoreDamaged(path, f"no readable table of facts: {cause(error)}") from error
    facts = {row.key: row.value for row in rows}
    version = facts.get("schema_version", "")
    if not version.isdigit():
        raise StoreDamaged(path, f"schema version {version!r}")
    if int(version) > schema.SCHEMA_VERSION:
        raise StoreTooNew(path, int(version), schema.SCHEMA_VERSION)
    if int(version) < schema.SCHEMA_VERSION:
        raise StoreTooOld(path, int(version), schema.SCHEMA_VERSION)
    return facts


def begin_snapshot(connection: Connection) -> None:
    """Let everything that `connection` reads from now on be of one moment."""
    if connection.dialect.name == "sqlite":
        read_plain(connection, "BEGIN")  # elsewhere the isolation level sees to it


def data_version(connection: Connection) -> str:
    """Differs from its last value on the same connection once another one has committed."""
    if connection.dialect.name == "sqlite":
        return str(read_plain(connection, "PRAGMA data_version")[0][0])
    return str(connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar_one())


def damaged_pages(connection: Connection) -> list[str]:
    """What the database itself finds wrong with its pages, indexes and keys, in its words."""
    if connection.dialect.name != "sqlite":
        return []  # a server looks after its own
    try:
        found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    except DatabaseError as error:
        return [cause(error)]
    return [str(words) for words in found if words != "ok"]


def upsert(connection: Connection, table: Table) -> Any:
    """An INSERT that can say what to do on a conflict, as the database of `connection` has it."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table)


def durability(connection: Connection) -> str:
    """What is in effect on a connection to an SQLite file: journal mode and synchronous level."""
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    return f"{str(mode).upper()}, synchronous {SYNCHRONOUS.get(level, str(level))}"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn the driver's errors about the store into ours, which name it and the fix."""
    try:
        yield
    except DBAPIError as error:
        detail = cause(error)
        if error.connection_invalidated:
            raise ConnectionLost(path, detail) from error
        if "locked" in detail:
            raise StoreLocked(path, 0) from error
        if "readonly database" in detail:
            raise StoreNotWritable(path, detail) from error
        if "unable to open database file" in detail:
            raise StoreNotReadable(path, detail) from error
        if refused(detail):
            raise DiskRefuses(path, detail) from error
        if any(word in detail for word in DAMAGED):
            raise StoreDamaged(path, detail) from error
        raise
    except UnicodeDecodeError as error:
        raise StoreDamaged(path, f"a text of it is none: {error}") from error


def refused(detail: str) -> bool:
    """Whether the driver's words say that the disk did not write."""
    return "disk is full" in detail or "disk I/O error" in detail


def cause(error: SQLAlchemyError) -> str:
    """The driver's own words."""
    return str(getattr(error, "orig", None) or error)


def _engine(driver: Driver, connect: Callable[[], sqlite3.Connection], **pool: Any) -> Engine:
    return create_engine(
        "sqlite://",
        module=driver.module,
        creator=connect,
        poolclass=QueuePool,
        hide_parameters=True,  # words and pictures do not belong into logs
        **pool,
    )


def connect_file(path: Path, options: str, driver: Driver) -> sqlite3.Connection:
    """A bare connection, unlocked; `options` go into its URI."""
    uri = f"file:{quote(str(path))}?{options}"
    connection: sqlite3.Connection = driver.module.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False
    )
    if driver.unlock is not None:
        driver.unlock(connection)
    return connection
