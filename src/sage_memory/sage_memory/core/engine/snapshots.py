"""Connections that read, each the store as it is at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection, Engine

from sage_memory.core.engine.database import begin_snapshot

KEPT = 4


class Snapshots:
    """Lends connections on which a snapshot has begun, and keeps a few for the next ones.

    SQLAlchemy's pool takes longer to lend a connection to a file than SQLite to begin a snapshot
    on it. A server's connections come from the pool each time, which proves that they are alive.

    Args:
        engine: read-only connections to the store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept = KEPT if engine.dialect.name == "sqlite" else 0
        self._idle: list[Connection] = []

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """A connection that sees one moment, whatever is committed meanwhile."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            begin_snapshot(connection)
            yield connection
            connection.rollback()  # of what SQLAlchemy knows
            connection.connection.rollback()
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < self._kept:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close what is kept, and keep nothing any more."""
        self._kept = 0
        while self._idle:
            self._idle.pop().close()
