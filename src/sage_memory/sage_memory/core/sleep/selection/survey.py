"""What is in the store, in columns: what a run looks at before it decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.engine import Connection

from sage_common.core.clock import NS_PER_S
from sage_memory.core.engine.schema import (
    ENCODING_FLOAT32,
    experiences,
    payloads,
    summary_members,
    vectors,
)
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.records.forgetting_list import listings
from sage_memory.core.sleep.selection.grouping import buckets_of

TEXT_BYTES = (
    func.length(experiences.c.text)
    + func.length(experiences.c.reason)
    + func.length(experiences.c.codes)
    + func.length(experiences.c.sketch)
    + func.coalesce(func.length(experiences.c.context), 0)
    + func.coalesce(func.length(experiences.c.place_covariance), 0)
)
"""What goes on the second rung: words, puzzle, context and covariance."""
SCALE_BYTES = 4
"""Of a vector in int8, beside its components."""
ROW_BYTES = 320
"""Of a row's numbers, names, index entries and clock, whatever it says, in a compacted file."""
VECTOR_BYTES = 130
"""The same of a row of `vectors`."""
PAYLOAD_BYTES = 200
"""The same of a row of `payloads`."""
LISTING_BYTES = 320
"""Of an experience that let something go: its row of the list while that can be undone, a clock."""
MEMBER_BYTES = 75
"""Of a link from a summary to a member."""


@dataclass(frozen=True)
class Survey:
    """One value an experience that was not forgotten, ascending by number.

    Attributes:
        number: row number, int64.
        identifier: the 16 bytes, object.
        start_ns: int64.
        total: salience, float64.
        pinned: bool.
        covers: moments it is a summary of, int64.
        summary: row here of the summary that covers it, -1: none.
        buckets: see `buckets_of`, int64; and the same of cells and stretches that lie across
            the borders of the first.
        payload: hash, object; empty: none.
        payload_bytes: freed when this one is evicted: 0 where a more valuable one shares it.
        text_bytes: of words, puzzle and context.
        vector_bytes, int8_bytes: as they are, and as they would be in int8.
        listed: entries that it has in the list of forgettings, int64.
    """

    number: NDArray[np.int64]
    identifier: NDArray[Any]
    start_ns: NDArray[np.int64]
    total: NDArray[np.float64]
    pinned: NDArray[np.bool_]
    covers: NDArray[np.int64]
    summary: NDArray[np.int64]
    buckets: tuple[NDArray[np.int64], NDArray[np.int64]]
    payload: NDArray[Any]
    payload_bytes: NDArray[np.int64]
    text_bytes: NDArray[np.int64]
    vector_bytes: NDArray[np.int64]
    int8_bytes: NDArray[np.int64]
    listed: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.number)

    @property
    def bytes(self) -> NDArray[np.int64]:
        """Bytes of each experience: row, vectors, its payload, and what the runs wrote of it."""
        written = LISTING_BYTES * self.listed + MEMBER_BYTES * (self.summary >= 0)
        content = self.text_bytes + self.vector_bytes + self.payload_bytes
        return ROW_BYTES + content + written

    def protected(self, floor: float) -> NDArray[np.bool_]:
        """Which ones no run may touch."""
        return self.pinned | (self.total >= floor)

    def free(self, floor: float) -> NDArray[np.int64]:
        """Rows that may be merged: moments that are neither protected nor covered."""
        return np.flatnonzero(~self.protected(floor) & (self.covers == 0) & (self.summary < 0))


def survey(connection: Connection, options: SleepOptions, horizon: int) -> Survey:
    """Look at every experience up to row number `horizon`, and at its summary beyond."""
    table = experiences.c
    found = connection.execute(
        select(
            table.number, table.id, table.start_ns, table.total, table.pinned,
            table.covers, table.modality, table.source, table.encoder_id, table.place_frame,
            table.place_x, table.place_y, table.payload_sha256,
            TEXT_BYTES, table.forgotten_ns.is_(None),
        )
        .where(_seen(horizon))
        .order_by(table.number)
    ).all()  # fmt: skip
    columns = list(zip(*found, strict=True)) if found else [()] * 15
    number, identifier, start_ns, total, pinned, covers = columns[:6]
    buckets = [_buckets(columns, options, shift) for shift in (0.0, 0.5)]
    alive = np.asarray(columns[14], np.bool_)
    ids = _objects(identifier)[alive]
    total_alive = np.asarray(total, np.float64)[alive]
    pinned_alive = np.asarray(pinned, np.bool_)[alive]
    sizes = _vector_sizes(connection, ids)
    shas = _objects(columns[12])[alive]
    worth = np.where(pinned_alive, 2.0, total_alive)
    return Survey(
        number=np.asarray(number, np.int64)[alive],
        identifier=ids,
        start_ns=np.asarray(start_ns, np.int64)[alive],
        total=total_alive,
        pinned=pinned_alive,
        covers=np.asarray(covers, np.int64)[alive],
        summary=_summaries(connection, ids),
        buckets=(buckets[0][alive], buckets[1][alive]),
        payload=shas,
        payload_bytes=_payload_sizes(connection, shas, worth),
        text_bytes=np.asarray(columns[13], np.int64)[alive],
        vector_bytes=sizes[0],
        int8_bytes=sizes[1],
        listed=_listed(connection, ids),
    )


def _seen(horizon: int) -> ColumnElement[bool]:
    return (experiences.c.number <= horizon) | (experiences.c.covers > 0)


def total_bytes(connection: Connection, horizon: int) -> int:
    """Sum of `Survey.bytes`, without looking at each."""
    column = experiences.c
    alive = and_(_seen(horizon), column.forgotten_ns.is_(None))
    ids = select(column.id).where(alive)
    shas = select(column.payload_sha256).where(alive)
    link = summary_members.c
    parts = (
        select(func.sum(TEXT_BYTES + ROW_BYTES)).where(alive),
        select(func.sum(func.length(vectors.c.vector) + VECTOR_BYTES)).where(
            vectors.c.experience_id.in_(ids)
        ),
        select(func.sum(payloads.c.bytes + PAYLOAD_BYTES)).where(payloads.c.sha256.in_(shas)),
        select(func.count() * MEMBER_BYTES).where(link.member_id.in_(ids)),
    )
    counted = sum(int(connection.execute(part).scalar_one() or 0) for part in parts)
    counts = listings(connection)
    listed = sum(counts.get(bytes(key), 0) for key in connection.execute(ids).scalars())
    return counted + LISTING_BYTES * listed


def _buckets(columns: list[Any], options: SleepOptions, shift: float) -> NDArray[np.int64]:
    start_ns = np.asarray(columns[2], np.int64)
    frame = np.array([name or "" for name in columns[9]], np.str_)
    placed = frame != ""
    x, y = (np.asarray(columns[k], np.float64) for k in (10, 11))
    cells = [
        np.where(placed, np.floor(np.where(placed, v, 0.0) / options.cell_m + shift), 0.0)
        for v in (x, y)
    ]
    span_ns = round(options.span_s * NS_PER_S)
    stretch = np.where(placed, 0, (start_ns + round(shift * span_ns)) // span_ns)
    names = [np.array(columns[k], np.str_) for k in (6, 7, 8)]
    summaries = np.asarray(columns[5], np.int64) > 0  # apart: they shift nobody's rank
    return buckets_of([summaries, *names, frame, *cells, stretch])


def _objects(values: Any) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _vector_sizes(connection: Connection, ids: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Of each experience: bytes, bytes in int8."""
    column = vectors.c
    own = func.length(column.vector) + VECTOR_BYTES
    small = case(
        (column.encoding == ENCODING_FLOAT32, column.dim + SCALE_BYTES + VECTOR_BYTES), else_=own
    )
    found = connection.execute(
        select(column.experience_id, func.sum(own), func.sum(small)).group_by(column.experience_id)
    ).all()
    sizes = {bytes(key): values for key, *values in found}
    table = np.array([sizes.get(key, (0, 0)) for key in ids], np.int64).reshape(-1, 2)
    return [table[:, 0], table[:, 1]]


def _listed(connection: Connection, ids: NDArray[Any]) -> NDArray[np.int64]:
    counts = listings(connection)
    return np.array([counts.get(identifier, 0) for identifier in ids], np.int64)


def _summaries(connection: Connection, ids: NDArray[Any]) -> NDArray[np.int64]:
    row_of = {key: row for row, key in enumerate(ids)}
    links = connection.execute(select(summary_members.c.summary_id, summary_members.c.member_id))
    summary = np.full(len(ids), -1, np.int64)
    for of, member in links:
        row = row_of.get(bytes(member))
        if row is not None:
            summary[row] = row_of.get(bytes(of), -1)
    return summary


def _payload_sizes(
    connection: Connection, shas: NDArray[Any], worth: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Bytes of a payload, at the most valuable of those that share it."""
    lengths = connection.execute(select(payloads.c.sha256, payloads.c.bytes)).all()
    sizes = {sha: length + PAYLOAD_BYTES for sha, length in lengths}
    holder = {shas[row]: row for row in np.argsort(worth, kind="stable") if shas[row]}
    freed = np.zeros(len(shas), np.int64)
    for sha, row in holder.items():
        freed[row] = sizes.get(sha, 0)
    return freed
