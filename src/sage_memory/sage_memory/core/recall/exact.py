"""Exact scores of the few experiences that a search has left, out of the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.puzzle import CODES, GRID
from sage_memory.core.identifiers import ID_BYTES
from sage_memory.core.index.index import View
from sage_memory.core.index.space_view import ROLES
from sage_memory.core.recall.meaning import Meaning, Source
from sage_memory.core.recall.query import Part, made

WORST_PUZZLE = (CODES - 1) * GRID * GRID
LARGEST = np.float32(1)
OfMeaning = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Score [n], NaN: nothing to compare was left; and role [n], index into `ROLES`."""


class Hit(NamedTuple):
    """An experience that was found: its row in the index, score, and the parts of the score."""

    row: int
    score: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Scored:
    """Experiences with their scores.

    Attributes:
        rows: int64 [n].
        totals: float32 [n], mean of the parts, [-1, 1].
        scores: float64 [n, meanings].
        roles: int64 [n, meanings], of the vectors compared.
    """

    rows: NDArray[np.int64]
    totals: NDArray[np.float32]
    scores: NDArray[np.float64]
    roles: NDArray[np.int64]

    def joined(self, others: Scored) -> Scored:
        """Both together."""
        return Scored(
            np.concatenate([self.rows, others.rows]),
            np.concatenate([self.totals, others.totals]),
            np.concatenate([self.scores, others.scores]),
            np.concatenate([self.roles, others.roles]),
        )

    def best(self, limit: int) -> Scored:
        """The best, best first; ties go to the later one."""
        order = np.lexsort((-self.rows, -self.totals))[:limit]
        return Scored(self.rows[order], self.totals[order], self.scores[order], self.roles[order])

    def hits(self, asked: list[Meaning]) -> list[Hit]:
        """All, in their order."""
        found = []
        for row, total, scores, roles in zip(
            self.rows.tolist(), self.totals.tolist(), self.scores.tolist(), self.roles.tolist(),
            strict=True,
        ):  # fmt: skip
            parts = tuple(
                made(
                    Part,
                    name=meaning.name,
                    encoder_id=meaning.encoder_id,
                    score=score,
                    role=ROLES[role],
                )
                for meaning, score, role in zip(asked, scores, roles, strict=True)
            )
            found.append(Hit(row, total, parts))
        return found


def exact_scores(
    view: View, rows: NDArray[np.int64], asked: list[Meaning], source: Source
) -> Scored:
    """Exact scores of experiences [n]; what was evicted in between is left out."""
    joined = view.columns["id"][rows].tobytes()
    ids = [joined[start : start + ID_BYTES] for start in range(0, len(joined), ID_BYTES)]
    scores = np.empty((len(ids), len(asked)), np.float64)
    roles = np.empty((len(ids), len(asked)), np.int64)
    totals = np.zeros(len(ids), np.float32)
    for place, meaning in enumerate(asked):
        scores[:, place], roles[:, place] = (
            _of_vectors(meaning, ids, source)
            if meaning.codes is None
            else _of_puzzles(meaning.codes, ids, source)
        )
        totals += scores[:, place].astype(np.float32) / np.float32(len(asked))
    scored = Scored(rows, np.minimum(np.maximum(totals, -LARGEST), LARGEST), scores, roles)
    gone = np.isnan(totals)
    if not gone.any():
        return scored
    there = ~gone
    return Scored(rows[there], scored.totals[there], scores[there], roles[there])


def _of_vectors(meaning: Meaning, ids: list[bytes], source: Source) -> OfMeaning:
    """Of several roles the best one; of equal ones the first."""
    exact = source.vectors(meaning.encoder_id, ids)
    roles = ROLES[:1] if meaning.percepts_only else ROLES
    if not exact:
        return np.full(len(ids), np.nan), np.zeros(len(ids), np.int64)
    stored = np.concatenate(list(exact.values())).reshape(len(exact), -1)
    scores = np.einsum("ij,j->i", stored, meaning.vector).tolist()
    by_key = dict(zip(exact, scores, strict=True))
    chosen, best = [math.nan] * len(ids), [0] * len(ids)
    for place, key in enumerate(ids):
        for number, role in enumerate(roles):
            score = by_key.get((key, role))
            if score is not None and not score <= chosen[place]:
                chosen[place], best[place] = score, number
    return np.array(chosen), np.array(best)


def _of_puzzles(codes: NDArray[np.uint8], ids: list[bytes], source: Source) -> OfMeaning:
    """1 - difference / (9 * 900)."""
    puzzles = source.puzzles(ids)
    own = codes.astype(np.int16)
    scores = np.full(len(ids), np.nan)
    for place, key in enumerate(ids):
        if key in puzzles:
            difference = int(np.abs(puzzles[key].astype(np.int16) - own).sum())
            scores[place] = 1.0 - difference / WORST_PUZZLE
    return scores, np.zeros(len(ids), np.int64)
