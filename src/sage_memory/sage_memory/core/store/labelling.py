"""Labels for what is kept already: a model comes to it later, or a newer one looks again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Labels
from sage_memory.core.identifiers import id_bytes, id_text
from sage_memory.core.labels.packing import pack_labels
from sage_memory.core.labels.rows import (
    LabelRow,
    insert_labels,
    label_rows,
    numbers_of,
    remove_labels,
)
from sage_memory.core.labels.summarising import relabel_summaries, summaries_over
from sage_memory.core.store.store import Store
from sage_memory.core.store.writer import Future


class Relabelled(NamedTuple):
    """What the index needs: numbers of experiences, and the labels that they have now."""

    numbers: list[int]
    labels: list[LabelRow]


def label(
    store: Store, identifier: bytes | str, labels: Labels, vocabulary: Sequence[str]
) -> Future[Relabelled]:
    """Set what a model recognised in an experience; see `Memory.label`."""
    key = id_bytes(identifier)
    (packed,) = pack_labels([(labels, vocabulary)])

    def change(connection: Connection) -> Relabelled:
        number = numbers_of(connection, [key]).get(key)
        if number is None:
            named = id_text(key) if len(key) == 16 else key.hex()
            raise InvalidInput("id", named, "an experience of this store that is not forgotten")
        remove_labels(connection, [key], packed.model_id)
        insert_labels(connection, [(number, key, packed)])
        summaries = summaries_over(connection, [key])
        summaries = relabel_summaries(connection, summaries)
        store.set_clocks(connection, [(changed, "labels") for changed in (key, *summaries)])
        changed = [number, *numbers_of(connection, summaries).values()]
        return Relabelled(changed, label_rows(connection, changed))

    return store.change(change, lambda done: store.reader.index.relabel(*done))
