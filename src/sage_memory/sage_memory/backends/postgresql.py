"""A store on a PostgreSQL server: one schema a device, so that a fleet shares one database.

A device writes its own schema alone, under an advisory lock that the server releases when the
writer's connection ends. Row numbers, clock and facts are thus each device's own, as in a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import Connection, Engine, ExceptionContext
from sqlalchemy.pool import QueuePool

from sage_common.core.clock import Clock
from sage_memory.backends.server_address import ServerAddress
from sage_memory.core.engine import schema
from sage_memory.core.engine.database import naming
from sage_memory.core.engine.errors import NotDurable, OptionMissing, StoreUnreachable
from sage_memory.core.errors import StoreLocked, StoreMissing
from sage_memory.core.payloads import Seal

LOG = logging.getLogger(__name__)
RECONNECT_S = 10.0
LOCK_WAIT_S = 2.0
"""A killed writer's session ends a moment after the writer."""
PAUSE_S = 0.05
COMPACT_WAIT_S = 30
"""For readers to be done with a table that is to be rewritten."""
ANSWER_TIMEOUT_S = 60.0
KEEPALIVE = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}
GONE = ("57P01", "57P02", "57P03", "08")
"""SQLSTATEs of a server that stops, crashed, starts, or of a lost connection."""
COMING = ("57P03", "53300")
HOLDER = text(
    "SELECT activity.pid, activity.application_name FROM pg_locks AS locks "
    "JOIN pg_stat_activity AS activity USING (pid) "
    "WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objsubid = 1 "
    "AND (locks.classid::bigint << 32 | locks.objid::bigint) = :key"
)

SIZE = (
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = %s::text::regnamespace"
)

NUMBERED = ("vectors", "forgettings", "vocabularies", "labels")
"""Tables whose rows the server numbers."""


def schema_name(device_id: str) -> str:
    """Schema of a device: its name as far as PostgreSQL allows, and eight digits of its hash."""
    plain = re.sub(r"[^a-z0-9]+", "_", device_id.lower()).strip("_")[:40]
    return f"sage_{plain}_{hashlib.sha256(device_id.encode()).hexdigest()[:8]}"


class ServerStorage:
    """The schema of one device.

    Args:
        url: see `ServerAddress`.
        device_id: whose store it is.

    Raises:
        InvalidInput: the URL is wrong.
        OptionMissing: pg8000 is not installed.
    """

    seal: Seal | None = None

    def __init__(self, url: str, device_id: str) -> None:
        try:
            import pg8000.dbapi
        except ImportError as error:
            raise OptionMissing("a store on a PostgreSQL server", "pg8000") from error
        self._driver = pg8000.dbapi
        self._address = ServerAddress.parse(url)
        self._schema = schema_name(device_id)
        self._device_id = device_id
        digest = hashlib.sha256(self._schema.encode()).digest()
        self._lock_key = int.from_bytes(digest[:8], "big", signed=True)
        self.place: Path = self._address.place(self._schema)

    def create(self, device_id: str, clock: Clock) -> None:
        engine = self.open_writer()
        with naming(self.place), engine.begin() as connection:
            if not self._exists(connection):
                connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"'))
                schema.create(connection, device_id, clock.now_ns())
        with engine.connect() as connection:  # the writer that follows does not wait for the end
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
        engine.dispose()

    def exists(self) -> bool:
        engine = self.open_reader()
        try:
            with naming(self.place), engine.connect() as connection:
                return self._exists(connection)
        finally:
            engine.dispose()

    def check(self) -> None:
        if not self.exists():
            raise StoreMissing(self.place)

    def open_writer(self) -> Engine:
        engine = self._engine(self._connect_writer, pool_size=1, max_overflow=0)
        engine.dialect.use_insertmanyvalues_wo_returning = True  # one round trip a group, not a row
        return engine

    def open_reader(self) -> Engine:
        def connect() -> Any:
            return self._connect(time.monotonic() + RECONNECT_S)

        return self._engine(
            connect, pool_size=4, pool_pre_ping=True, isolation_level="REPEATABLE READ"
        )

    def durability(self, connection: Connection) -> str:
        version = connection.execute(text("SHOW server_version")).scalar_one()
        level = connection.execute(text("SHOW synchronous_commit")).scalar_one()
        return f"PostgreSQL {str(version).split()[0]}, synchronous_commit {level}, fsync on"

    def prove_in_place(self) -> None:
        pass  # a server does not lose its files to a copy

    def compact(self, connection: Connection) -> int:
        """Rewrite the tables: they hold no copy of a removed row then; the server's log may.

        `connection` takes no part: a transaction of it would be waited for.
        """
        sweeper = self._connect(time.monotonic() + RECONNECT_S)
        try:
            sweeper.autocommit = True
            cursor = sweeper.cursor()
            cursor.execute(f"SET lock_timeout = '{COMPACT_WAIT_S}s'")
            before = self._size_bytes(cursor)
            for table in schema.metadata.sorted_tables:
                cursor.execute(f'VACUUM FULL "{table.name}"')
            return before - self._size_bytes(cursor)
        finally:
            sweeper.close()

    def _size_bytes(self, cursor: Any) -> int:
        cursor.execute(SIZE, (self._schema,))
        return int(cursor.fetchone()[0])

    def _engine(self, connect: Callable[[], Any], **pool: Any) -> Engine:
        engine = create_engine(
            "postgresql+pg8000://",
            creator=connect,
            poolclass=QueuePool,
            hide_parameters=True,
            **pool,
        )
        event.listen(engine, "handle_error", _note_loss)
        return engine

    def _exists(self, connection: Connection) -> bool:
        return inspect(connection).has_table("meta", schema=self._schema)

    def _connect_writer(self) -> Any:
        """A connection that holds the lock and is durable."""
        deadline = time.monotonic() + RECONNECT_S
        connection = self._connect(deadline)
        try:
            self._prove_durable(connection)
            self._lock(connection, time.monotonic() + LOCK_WAIT_S)
            self._count_on(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self, deadline: float) -> Any:
        """A connection, tried until `deadline` while the server is away or starting.

        Whoever waits learns of it at the first failure.
        """
        waiting = False
        while True:
            try:
                connection = self._driver.connect(
                    **self._address.connect_arguments(),
                    timeout=ANSWER_TIMEOUT_S,
                    application_name=f"sage {os.getpid()}@{socket.gethostname()}"[:63],
                )
                break
            except (self._driver.InterfaceError, self._driver.DatabaseError) as error:
                state = _state(error)
                if (state and state not in COMING) or time.monotonic() > deadline:
                    raise StoreUnreachable(self.place, _words(error)) from error
                if not waiting:
                    waiting = True
                    left_s = deadline - time.monotonic()
                    LOG.warning(
                        "%s: the server cannot be reached (%s); trying again for %.0f s",
                        self.place, _words(error), left_s,
                    )  # fmt: skip
                time.sleep(PAUSE_S)
        _close_quietly(connection, self._driver.InterfaceError)
        settings: dict[str, object] = {"search_path": f'"{self._schema}"'}
        if not self._address.unix_socket:
            settings |= KEEPALIVE
        cursor = connection.cursor()
        for name, value in settings.items():
            cursor.execute(f"SET {name} = {value}")
        connection.commit()
        return connection

    def _prove_durable(self, connection: Any) -> None:
        cursor = connection.cursor()
        for setting in ("fsync", "full_page_writes"):
            cursor.execute(f"SHOW {setting}")
            (value,) = cursor.fetchone()
            if value != "on":
                raise NotDurable(self.place, setting, value)
        cursor.execute("SHOW synchronous_commit")
        if cursor.fetchone()[0] in ("off", "local", "remote_write"):
            cursor.execute("SET synchronous_commit = on")
        connection.commit()

    def _count_on(self, connection: Any) -> None:
        """Let numbers that the server gives follow those that an import brought along."""
        cursor = connection.cursor()
        for table in NUMBERED:
            cursor.execute("SELECT to_regclass(%s::text) IS NOT NULL", (table,))
            if cursor.fetchone()[0]:
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'number'), max(number)) "
                    f"FROM {table} HAVING max(number) > 0"
                )
        connection.commit()

    def _lock(self, connection: Any, deadline: float) -> None:
        cursor = connection.cursor()
        while True:
            cursor.execute(f"SELECT pg_try_advisory_lock({self._lock_key})")
            (locked,) = cursor.fetchone()
            connection.commit()
            if locked:
                return
            if time.monotonic() > deadline:
                break
            time.sleep(PAUSE_S)
        cursor.execute(str(HOLDER).replace(":key", str(self._lock_key)))
        holder = cursor.fetchone()
        name = f"{holder[1]} (server process {holder[0]})" if holder else ""
        raise StoreLocked(self.place, 0, name)


def _close_quietly(connection: Any, loss: type[Exception]) -> None:
    """Let closing a connection that is gone already be no news."""
    close = connection.close

    def quietly() -> None:
        with contextlib.suppress(loss):
            close()

    connection.close = quietly


def _note_loss(context: ExceptionContext) -> None:
    """Tell SQLAlchemy that the connection is gone, of which the driver says it otherwise."""
    if _state(context.original_exception).startswith(GONE):
        context.is_disconnect = True


def _state(error: BaseException) -> str:
    """SQLSTATE of an error of the server; empty: it is not one."""
    facts = error.args[0] if error.args else None
    return str(facts.get("C", "")) if isinstance(facts, dict) else ""


def _words(error: BaseException) -> str:
    facts = error.args[0] if error.args else error
    said = str(facts.get("M", facts)) if isinstance(facts, dict) else str(facts)
    return f"{said}: {error.__cause__}" if error.__cause__ else said
