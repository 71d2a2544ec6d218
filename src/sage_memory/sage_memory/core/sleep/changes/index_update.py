"""Tells the index what a step of a run has changed; on the writer's thread, after the commit."""

from __future__ import annotations

from sage_memory.core.index.index import VectorIndex
from sage_memory.core.rows.indexed import VectorRow
from sage_memory.core.sleep.records.rewriting import Change


def update_index(index: VectorIndex, change: Change) -> None:
    """Take a committed change over into the index."""
    for encoder_id, numbers in change.dropped.items():
        index.drop_vectors(numbers, encoder_id)
    fresh = [
        VectorRow._make(
            row["experience_number" if name == "number" else name] for name in VectorRow._fields
        )
        for row in [*change.kept, *change.vectors]
    ]
    index.add(change.news.experiences, [*change.news.vectors, *fresh])
    numbers_of: dict[bytes, list[int]] = {}
    for number, sketch in change.sketches.items():
        numbers_of.setdefault(sketch, []).append(number)
    for sketch, numbers in numbers_of.items():
        index.update_all(numbers, sketch=sketch)
    if change.forgotten:
        index.forget(change.forgotten)
