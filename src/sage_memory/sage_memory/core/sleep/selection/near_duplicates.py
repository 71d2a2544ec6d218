"""Finds what a run merges: groups of moments alike, their vectors read bucket by bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from sage_memory.core.engine.schema import ENCODING_FLOAT32, ROLE_PERCEPT, vectors
from sage_memory.core.rows.encoded_vectors import decode, rounded_to_int8
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.selection.grouping import Group, groups
from sage_memory.core.sleep.selection.survey import Survey
from sage_memory.core.store.store import Store

VECTORS_A_QUERY = 1000


def near_duplicates(store: Store, seen: Survey, options: SleepOptions) -> Iterator[Group]:
    """Groups of a survey, each moment in one of them at most, found as they are asked for."""

    def load(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        with store.reader.snapshot() as connection:  # a short one: it holds the log back
            return _percepts(connection, [bytes(key) for key in seen.identifier[rows]])

    free = seen.free(options.salience_floor)
    taken = np.zeros(len(seen), np.bool_)
    for buckets in seen.buckets:
        left = free[~taken[free]]
        for group in groups(buckets, left, load, options.similarity, options.min_group):
            taken[group.rows] = True
            yield group


def _percepts(connection: Connection, identifiers: Sequence[bytes]) -> NDArray[np.float32]:
    """Vectors in int8 precision, [n, dim]: what was evicted to int8 groups as it did before."""
    column = vectors.c
    row_of = {key: row for row, key in enumerate(identifiers)}
    width = connection.execute(select(func.max(column.dim))).scalar_one() or 1
    table = np.zeros((len(identifiers), width), np.float32)  # zeros beyond change no cosine
    for first in range(0, len(identifiers), VECTORS_A_QUERY):
        whole: list[int] = []
        wanted = select(column.experience_id, column.encoding, column.dim, column.vector).where(
            column.experience_id.in_(identifiers[first : first + VECTORS_A_QUERY]),
            column.role == ROLE_PERCEPT,
        )
        for key, encoding, dim, blob in connection.execute(wanted):
            row = row_of[bytes(key)]
            table[row, :dim] = decode(encoding, dim, blob)
            if encoding == ENCODING_FLOAT32:
                whole.append(row)
        table[whole] = rounded_to_int8(table[whole])
    return table
