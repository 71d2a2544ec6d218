"""Logical clocks of rows: given to new ones, set with every change, their newest a fact."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import Connection

from sage_common.core.clock import NS_PER_MS, Clock
from sage_memory.core.engine import schema
from sage_memory.core.engine.database import upsert
from sage_memory.core.engine.plain_sql import PlainStatement

COUNTER_BITS = 16

SAVE_FACT = PlainStatement(
    update(schema.meta)
    .where(schema.meta.c.key == bindparam("fact"))
    .values(value=bindparam("newest"))
)

NEWEST_CHANGE = select(func.max(schema.clocks.c.stamp)).where(schema.clocks.c.field != schema.WHOLE)
NEWEST_ROWS = 256
NEWEST_INSERTED = (
    select(schema.experiences.c.id)
    .order_by(schema.experiences.c.number.desc())
    .limit(NEWEST_ROWS)
    .subquery()
)


def newest_stamp(connection: Connection) -> int:
    """The newest stamp of all changes and of the newest rows; 0: there is none.

    The saved clock is never behind it, unless an earlier version left the store so: stamps of
    new rows ascend with their numbers, so that few of them and an index are enough to know.
    """
    clocks = schema.clocks.c
    inserted = select(func.max(clocks.stamp)).where(
        clocks.experience_id.in_(select(NEWEST_INSERTED.c.id)), clocks.field == schema.WHOLE
    )
    stamps = (connection.execute(wanted).scalar_one() for wanted in (NEWEST_CHANGE, inserted))
    return max(int(stamp or 0) for stamp in stamps)


class RowClocks:
    """The hybrid logical clocks of one device's store: stamps that order changes over devices.

    A stamp is one integer: milliseconds of the physical clock in the upper 48 bits, a counter in
    the lower 16, which carries into the milliseconds; the database orders it as it is (Kulkarni et
    al. 2014, "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases").

    Args:
        clock: the physical clock; it may go backwards.
        last: the newest stamp that the store has given, 0 if none.
        device_id: whose changes they stamp.
    """

    def __init__(self, clock: Clock, last: int, device_id: str) -> None:
        self._clock = clock
        self._last = last
        self._device_id = device_id
        self._lock = threading.Lock()

    def tick(self) -> int:
        """A stamp for a new row or change, greater than every one before; from any thread."""
        physical = (self._clock.now_ns() // NS_PER_MS) << COUNTER_BITS
        with self._lock:
            self._last = max(physical, self._last + 1)
            return self._last

    def set(self, connection: Connection, changed: Sequence[tuple[bytes, str]]) -> None:
        """Stamp changes of fields, in the transaction that makes them.

        Args:
            changed: pairs of an experience's id and one of `schema.MUTABLE_FIELDS`.
        """
        if not changed:
            return
        rows = [
            {
                "experience_id": identifier,
                "field": field,
                "stamp": self.tick(),
                "device_id": self._device_id,
            }
            for identifier, field in changed
        ]
        entry = upsert(connection, schema.clocks)
        newer = {name: entry.excluded[name] for name in ("stamp", "device_id")}
        keys = [schema.clocks.c.experience_id, schema.clocks.c.field]
        connection.execute(entry.on_conflict_do_update(index_elements=keys, set_=newer), rows)
        self.save(connection)

    def save(self, connection: Connection) -> None:
        """Write the newest stamp, in a transaction that wrote rows with stamps."""
        newest = str(self._last)  # maybe of an entry still queued: never behind a row
        SAVE_FACT.run(connection, (newest, "clock"))
