"""New experiences into the tables: row, vectors and clock in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from sage_memory.core.engine import schema
from sage_memory.core.engine.plain_sql import Insertion
from sage_memory.core.experience import Experience
from sage_memory.core.labels.rows import LabelRow, insert_labels
from sage_memory.core.rows.indexed import COLUMNS, VectorRow
from sage_memory.core.rows.rows import (
    EXPERIENCE_COLUMNS,
    VECTOR_COLUMNS,
    Packed,
    experience_values,
    sketches,
)

EXPERIENCES = Insertion(schema.experiences, EXPERIENCE_COLUMNS)
VECTORS = Insertion(schema.vectors, VECTOR_COLUMNS)
CLOCKS = Insertion(schema.clocks, ("experience_id", "field", "stamp", "device_id"))

_KNOWN = (*EXPERIENCE_COLUMNS, "alive")
_indexed = itemgetter(*(_KNOWN.index(name) for name in COLUMNS))


class NewRows(NamedTuple):
    """What the index needs of new rows: the arguments of `VectorIndex.add`."""

    experiences: list[tuple[Any, ...]]
    vectors: list[VectorRow]
    labels: list[LabelRow]


def insert_new(
    connection: Connection,
    numbers: range,
    experiences: Sequence[Experience],
    packed: Sequence[Packed],
    stamps: Sequence[int],
) -> NewRows:
    """Insert experiences that have their ids.

    Args:
        connection: in a transaction of the writer.
        numbers, packed, stamps: of each experience its row number, its blobs, and the logical
            clock of its insertion.

    Raises:
        InvalidInput: the store has other names of the classes of a model.
    """
    rows = []
    vectors = []
    indexed_vectors = []
    labels = []
    drawn = sketches(experiences)
    for number, experience, blobs, sums in zip(numbers, experiences, packed, drawn, strict=True):
        rows.append(experience_values(number, experience, blobs, sums))
        for vector in blobs.vectors:
            vectors.append((experience.id, *vector))
            indexed_vectors.append(VectorRow(number, *vector))
        labels += [(number, experience.id, packed_labels) for packed_labels in blobs.labels]
    EXPERIENCES.run(connection, rows)
    VECTORS.run(connection, vectors)
    CLOCKS.run(
        connection,
        [
            (experience.id, schema.WHOLE, stamp, experience.device_id)
            for experience, stamp in zip(experiences, stamps, strict=True)
        ],
    )
    labelled = insert_labels(connection, labels)
    return NewRows([_indexed((*row, True)) for row in rows], indexed_vectors, labelled)
