"""The index follows the rows: all of them at start, later only what is new or has changed.

What is new has a higher number; what has changed has a clock with a later stamp (see
`schema.MUTABLE_FIELDS`): whoever changes what the index holds sets that clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.engine import Connection, Row

from sage_memory.core.engine.schema import (
    WHOLE,
    clocks,
    experiences,
    labels,
    vectors,
)
from sage_memory.core.index.index import VectorIndex
from sage_memory.core.labels.rows import LABEL_ROWS, LabelRow, label_rows
from sage_memory.core.rows.clocks import NEWEST_CHANGE
from sage_memory.core.rows.indexed import COLUMNS, VectorRow

BATCH = 4096
CHANGED_AT_ONCE = 256

_EXPERIENCES = select(
    *(experiences.c[name] for name in COLUMNS if name != "alive"),
    experiences.c.forgotten_ns.is_(None).label("alive"),
)
_VECTORS = select(
    experiences.c.number,
    *(vectors.c[name] for name in VectorRow._fields if name != "number"),
).join(experiences, experiences.c.id == vectors.c.experience_id)
NEW_EXPERIENCES = _EXPERIENCES.where(experiences.c.number > bindparam("last")).order_by(
    experiences.c.number
)
NEW_VECTORS = _VECTORS.where(experiences.c.number > bindparam("last")).order_by(
    experiences.c.number, vectors.c.number
)
SOME = experiences.c.number.in_(bindparam("numbers", expanding=True))
SOME_EXPERIENCES = _EXPERIENCES.where(SOME).order_by(experiences.c.number)
NEW_LABELS = LABEL_ROWS.where(experiences.c.number > bindparam("last")).order_by(
    experiences.c.number, labels.c.number
)
SOME_VECTORS = _VECTORS.where(SOME).order_by(experiences.c.number, vectors.c.number)
CHANGED = (
    select(experiences.c.number)
    .join(clocks, clocks.c.experience_id == experiences.c.id)
    .where(
        clocks.c.field != WHOLE,
        clocks.c.stamp > bindparam("stamp"),
        experiences.c.number <= bindparam("last"),
    )
    .distinct()
    .order_by(experiences.c.number)
)
RELABELLED = CHANGED.where(clocks.c.field.in_(("labels", "forgotten")))


class Follower:
    """Keeps an index equal to the rows.

    Attributes:
        stamp: logical clock of the last change that the index has taken over; None: of none yet,
            the next look takes over everything.
    """

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self.stamp: int | None = None

    def catch_up(self, connection: Connection) -> None:
        """Take over what was committed since the last look; within one snapshot."""
        known = self._index.view().columns["number"]
        last = int(known[-1]) if len(known) else 0
        if last and self.stamp is not None:
            self._take_changes(connection, last)
        self._take_new(connection, last)
        self.stamp = connection.execute(NEWEST_CHANGE).scalar_one() or 0

    def _take_new(self, connection: Connection, last: int) -> None:
        for rows in self._batches(connection, NEW_EXPERIENCES, last):
            self._index.add([tuple(row) for row in rows], [])
        for rows in self._batches(connection, NEW_VECTORS, last):
            self._index.add([], [VectorRow._make(row) for row in rows])
        for rows in self._batches(connection, NEW_LABELS, last):
            self._index.add([], [], [LabelRow._make(row) for row in rows])

    def _batches(
        self, connection: Connection, statement: Select[Any], last: int
    ) -> Iterator[Sequence[Row[Any]]]:
        wanted = statement.execution_options(yield_per=BATCH)
        return connection.execute(wanted, {"last": last}).partitions()

    def _take_changes(self, connection: Connection, last: int) -> None:
        changed = connection.execute(CHANGED, {"stamp": self.stamp, "last": last}).scalars().all()
        for start in range(0, len(changed), CHANGED_AT_ONCE):
            self._refresh(connection, changed[start : start + CHANGED_AT_ONCE])
        wanted = {"stamp": self.stamp, "last": last}
        relabelled = connection.execute(RELABELLED, wanted).scalars().all()
        for start in range(0, len(relabelled), CHANGED_AT_ONCE):
            numbers = relabelled[start : start + CHANGED_AT_ONCE]
            self._index.relabel(numbers, label_rows(connection, numbers))

    def _refresh(self, connection: Connection, numbers: Sequence[int]) -> None:
        for row in connection.execute(SOME_EXPERIENCES, {"numbers": numbers}).mappings():
            values = {name: row[name] for name in COLUMNS if name not in ("number", "id")}
            self._index.update(row["number"], **values)
        fresh = connection.execute(SOME_VECTORS, {"numbers": numbers})
        self._index.drop_vectors(numbers)
        self._index.add([], [VectorRow._make(row) for row in fresh])
