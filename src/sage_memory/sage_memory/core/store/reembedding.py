"""New vectors for what was kept before an encoder changed: in the background, resumable.

The work is derived from the rows: an experience lacks a vector of the present encoder, and has
the text or the payload to make one of. Nothing else is noted, so it goes on wherever it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, and_, exists, func, insert, select
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.engine.schema import (
    ENCODING_FLOAT32,
    ROLE_PERCEPT,
    ROLE_WORDS,
    experiences,
    forgettings,
    vectors,
)
from sage_memory.core.experience import unit_vector
from sage_memory.core.identifiers import id_text
from sage_memory.core.rows.encoded_vectors import vector_values
from sage_memory.core.rows.indexed import VectorRow
from sage_memory.core.store.completion import Completed
from sage_memory.core.store.store import Store

BATCH = 32
Vector = NDArray[np.float32]
Entry = tuple[int, dict[str, Any]]
"""Number of an experience, and the values of its new vector."""


@dataclass(frozen=True)
class Embedder:
    """An encoder of the present.

    Attributes:
        modality: whose payloads it embeds; empty: it embeds texts of all modalities.
        encoder_id: of its vectors.
        embed: float32 [D] of a text in UTF-8, or of a payload; raises InvalidInput.
    """

    modality: str
    encoder_id: str
    embed: Callable[[bytes], Vector]


class Reembedding:
    """Makes the missing vectors of a store, a batch at each call.

    Args:
        store: open for writing.
        embedders: of the present.
        batch: vectors of one transaction.
    """

    def __init__(self, store: Store, embedders: Sequence[Embedder], batch: int = BATCH) -> None:
        self._store = store
        self._batch = batch
        self._embedders = embedders
        self._passed = {_key(embedder): 0 for embedder in embedders}
        self.done = Completed()

    def missing(self) -> int:
        """Vectors that are still to be made, as far as is known."""
        with self._store.reader.snapshot() as connection:
            return sum(
                int(connection.execute(_counted(self._wanted(embedder))).scalar_one())
                for embedder in self._embedders
            )

    def step(self) -> int:
        """Make one batch of vectors; how many experiences it has looked at, 0: all is done.

        Raises:
            NotStored: the disk refused; nothing of the batch was kept.
        """
        for embedder in self._embedders:
            ordered = self._wanted(embedder).order_by(experiences.c.number).limit(self._batch)
            with self._store.reader.snapshot() as connection:
                rows = connection.execute(ordered).all()
            if rows:
                self._make(embedder, rows)
                return len(rows)
        return 0

    def _wanted(self, embedder: Embedder) -> Select[Any]:
        # What was tried and could not be made is not tried again while this object lives.
        passed = self._passed[_key(embedder)]
        return _lacking(embedder).where(experiences.c.number > passed)

    def _make(self, embedder: Embedder, rows: Sequence[Any]) -> None:
        entries: list[Entry] = []
        for row in rows:
            try:
                vector = unit_vector("embedding", embedder.embed(self._source(embedder, row)))
            except (InvalidInput, PayloadDamaged, OSError) as error:
                self.done.fail(f"{id_text(bytes(row.id))}: {error}")
                continue
            speaks = self._store.reader.specs[row.modality].words  # they were what was sensed
            role = ROLE_PERCEPT if embedder.modality or speaks else ROLE_WORDS
            values = vector_values(
                row.id, embedder.encoder_id, role, vector.size, ENCODING_FLOAT32, vector.tobytes()
            )
            entries.append((row.number, values))
        self.done.made += len(self._write(entries))
        self._passed[_key(embedder)] = rows[-1].number

    def _source(self, embedder: Embedder, row: Any) -> bytes:
        if not embedder.modality:
            return str(row.text).encode()
        return self._store.reader.files.read(row.payload_sha256, row.payload_media_type)

    def _write(self, entries: Sequence[Entry]) -> list[Entry]:
        """Write those whose experience has not been forgotten meanwhile."""
        if not entries:
            return []
        ids = [values["experience_id"] for _, values in entries]

        def write(connection: Connection) -> list[Entry]:
            alive = select(experiences.c.id).where(
                experiences.c.id.in_(ids), experiences.c.forgotten_ns.is_(None)
            )
            known = {bytes(key) for key in connection.execute(alive).scalars()}
            kept = [entry for entry in entries if entry[1]["experience_id"] in known]
            if kept:
                connection.execute(insert(vectors), [values for _, values in kept])
                changed = [(values["experience_id"], "vectors") for _, values in kept]
                self._store.set_clocks(connection, changed)
            return kept

        def update(kept: list[Entry]) -> None:
            names = VectorRow._fields[1:]
            rows = [VectorRow(number, *(values[n] for n in names)) for number, values in kept]
            self._store.reader.index.add([], rows)

        return self._store.change(write, update).result()


def _key(embedder: Embedder) -> tuple[str, str]:
    return embedder.modality, embedder.encoder_id


def _lacking(embedder: Embedder) -> Select[Any]:
    """Experiences that have something to embed, and no vector of this encoder."""
    has_one = exists().where(
        vectors.c.experience_id == experiences.c.id,
        vectors.c.encoder_id == embedder.encoder_id,
    )
    evicted = exists().where(
        forgettings.c.experience_id == experiences.c.id,
        forgettings.c.what == "vectors",
        forgettings.c.undone_ns.is_(None),
    )
    source = experiences.c.text != ""
    if embedder.modality:
        source = and_(
            experiences.c.modality == embedder.modality, experiences.c.payload_sha256 != ""
        )
    return select(
        experiences.c.number,
        experiences.c.id,
        experiences.c.modality,
        experiences.c.text,
        experiences.c.payload_sha256,
        experiences.c.payload_media_type,
    ).where(experiences.c.forgotten_ns.is_(None), source, ~has_one, ~evicted)


def _counted(wanted: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(wanted.subquery())
