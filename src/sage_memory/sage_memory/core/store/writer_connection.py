"""The one connection that writes, and its transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from sage_memory.core.engine.database import cause, move_log, refused
from sage_memory.core.engine.errors import ConnectionLost
from sage_memory.core.errors import DiskRefuses
from sage_memory.core.store.storage import Storage


class WriterConnection:
    """Of the writer's thread, once that runs.

    Args:
        storage: where the rows lie.
        engine: of its writer; closed with this.
        catch_up: on a connection that took the place of a lost one: looks what the server kept
            of the transaction that was lost.
    """

    def __init__(
        self, storage: Storage, engine: Engine, catch_up: Callable[[Connection], None]
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._catch_up = catch_up
        self.rows = engine.connect()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction; committed and synced when it is left without an error.

        Raises:
            ConnectionLost: now; whether the transaction was kept is not known.
            StoreUnreachable: the server stays away.
            DiskRefuses: the disk is full, or cannot write.
            StoreReplaced: another file is in the place of the open one; nothing is acknowledged.
        """
        self._storage.prove_in_place()
        try:
            with self.rows.begin():
                if not self.rows.info.get("known"):
                    self._catch_up(self.rows)
                    self.rows.info["known"] = True
                yield self.rows
        except DBAPIError as error:
            if error.connection_invalidated:
                raise ConnectionLost(self._storage.place, cause(error)) from error
            if refused(cause(error)):
                raise DiskRefuses(self._storage.place, cause(error)) from error
            raise
        self._storage.prove_in_place()

    def close(self) -> None:
        """Move the log into the file, and release both; the connection also after an error."""
        with ExitStack() as closing:
            closing.callback(self._engine.dispose)
            closing.callback(self.rows.close)
            move_log(self.rows)
