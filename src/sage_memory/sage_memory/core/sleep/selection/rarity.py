"""Moments that nothing else in the memory is like: what only they hold must not go first.

Rare is a moment whose percept has no other of the same encoder with a cosine of `similarity` or
more, anywhere in the memory. The rarest keep their words and puzzles, and as far as there is room
their payloads, within a share of the bytes that a run may terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, select

from sage_memory.core.engine.schema import ROLE_PERCEPT, vectors
from sage_memory.core.rows.encoded_vectors import decode_all
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.selection.survey import Survey
from sage_memory.core.store.store import Store

SHARE = 0.25
"""Of the bytes that a run aims at: so many may be kept for being rare."""
PAYLOAD_SHARE = 0.02
"""The same for their payloads, which are large: words say more in fewer bytes."""
SAMPLE = 1024
"""Moments that all are compared with first: whatever is frequent is like one of them."""
MOST = 2048
"""Moments that are then compared with all the others, the least like the sample first."""
BLOCK = 4096
IDS_A_QUERY = 1000
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Rarity:
    """What a run keeps because it is rare.

    Attributes:
        words: experiences of a survey that keep words, puzzle and vectors, bool [n].
        payloads: those of them that keep their payload, too, bool [n].
    """

    words: NDArray[np.bool_]
    payloads: NDArray[np.bool_]

    @classmethod
    def none(cls, seen: Survey) -> Rarity:
        """Nothing is rare."""
        nothing = np.zeros(len(seen), np.bool_)
        return cls(nothing, nothing)


def rarity_of(store: Store, seen: Survey, options: SleepOptions, target_bytes: int) -> Rarity:
    """What is rare among the moments of a survey, within its share of the target."""
    found = Rarity.none(seen)
    candidates = seen.free(options.salience_floor)
    if not candidates.size:
        return found
    rows, nearest = _nearest(store, seen, candidates)
    alone = nearest < options.similarity
    rows = rows[alone][np.argsort(nearest[alone], kind="stable")]
    words_bytes = seen.text_bytes[rows] + seen.vector_bytes[rows] - seen.int8_bytes[rows]
    room = SHARE * target_bytes
    kept = rows[np.cumsum(words_bytes) <= room]
    left = min(room - float(words_bytes[: len(kept)].sum()), PAYLOAD_SHARE * target_bytes)
    words, payloads = found.words.copy(), found.payloads.copy()
    words[kept] = True
    payloads[kept[np.cumsum(seen.payload_bytes[kept]) <= left]] = True
    return Rarity(words, payloads)


def _nearest(
    store: Store, seen: Survey, candidates: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The candidates that may be rare, and the largest cosine of each with any other."""
    with store.reader.snapshot() as connection:
        encoders = select(vectors.c.encoder_id).where(vectors.c.role == ROLE_PERCEPT).distinct()
        named = sorted(connection.execute(encoders).scalars())
    largest = np.full(len(seen), np.nan)  # of one that several encoders saw: if one found another
    for encoder_id in named:
        rows, near = _Space(store, encoder_id, seen).nearest(candidates)
        largest[rows] = np.fmax(largest[rows], near)
    known = np.flatnonzero(~np.isnan(largest))
    return known, largest[known]


class _Space:
    """The percepts of one encoder, read a block at a time."""

    def __init__(self, store: Store, encoder_id: str, seen: Survey) -> None:
        self._store = store
        self._encoder_id = encoder_id
        self._seen = seen
        self._row_of = {bytes(key): row for row, key in enumerate(seen.identifier)}

    def nearest(
        self, candidates: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """At most `MOST` of the candidates, the rarest, and their largest cosine with another."""
        if len(candidates) > MOST:
            candidates = self._least_like_a_sample(candidates)
        rows, unit = self._of(candidates)
        largest = np.full(len(rows), -np.inf)
        for others, of_others in self._blocks() if len(rows) else ():
            np.maximum(largest, _largest(unit, rows, others, of_others), out=largest)
        return rows, largest

    def _least_like_a_sample(self, candidates: NDArray[np.int64]) -> NDArray[np.int64]:
        sample = self._of(np.arange(0, len(self._seen), max(1, len(self._seen) // SAMPLE)))
        near = np.full(len(self._seen), np.inf)
        for rows, unit in self._blocks():
            near[rows] = _largest(unit, rows, *sample)
        order = np.argsort(near[candidates], kind="stable")[:MOST]
        return np.sort(candidates[order])

    def _of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
        """Those of the rows that have a vector, ascending, and their vectors."""
        found = []
        for first in range(0, len(rows), IDS_A_QUERY):
            keys = self._seen.identifier[rows[first : first + IDS_A_QUERY]].tolist()
            found += self._read(vectors.c.experience_id.in_(keys))
        return self._decoded(found)

    def _blocks(self) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """Rows, ascending, and their vectors, of all experiences of the survey that have one."""
        number = 0
        while found := self._read(vectors.c.number > number):
            number = found[-1].number
            yield self._decoded(found)

    def _read(self, which: ColumnElement[bool]) -> list[Any]:
        column = vectors.c
        names = (column.number, column.experience_id, column.encoding, column.dim, column.vector)
        mine = (column.encoder_id == self._encoder_id, column.role == ROLE_PERCEPT)
        wanted = select(*names).where(*mine, which).order_by(column.number).limit(BLOCK)
        with self._store.reader.snapshot() as connection:  # a short one: it holds the log back
            return list(connection.execute(wanted).all())

    def _decoded(self, found: list[Any]) -> tuple[NDArray[np.int64], Floats]:
        rows = np.array([self._row_of.get(row.experience_id, -1) for row in found], np.int64)
        order = np.argsort(rows, kind="stable")
        order = order[rows[order] >= 0]
        if not len(order):
            return np.zeros(0, np.int64), np.zeros((0, 1), np.float32)
        own = [found[place] for place in order]
        unit = decode_all([r.encoding for r in own], own[0].dim, [r.vector for r in own])
        lengths = np.linalg.norm(unit, axis=1, keepdims=True)
        return rows[order], np.asarray(unit / np.where(lengths > 0, lengths, 1), np.float32)


def _largest(
    unit: Floats, rows: NDArray[np.int64], others: NDArray[np.int64], of_others: Floats
) -> NDArray[np.float64]:
    """Largest cosine of each row with one of the others (ascending), itself left out."""
    if not len(others) or not len(rows):
        return np.full(len(rows), -np.inf)
    cosines = unit @ of_others.T
    places = np.searchsorted(others, rows)
    same = places < len(others)
    same[same] = others[places[same]] == rows[same]
    cosines[np.flatnonzero(same), places[same]] = -np.inf
    return np.asarray(cosines.max(axis=1), np.float64)
