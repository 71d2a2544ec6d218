"""The most probable experiences by what was recognised in them and by the words around them.

Both lists are followed from their best downwards until no experience further down on both can be
more probable than the last of the answers by `SLACK`, or until `MOST_LOOKED_AT` were looked at
(Fagin, Lotem and Naor 2001, "Optimal aggregation algorithms for middleware").
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.recall.exact import Hit
from sage_memory.core.recall.recognition.evidence import Evidence

Mask = NDArray[np.bool_]
ByWords = Callable[[int, Mask], list[Hit]]
"""The best so many of some experiences by their words, best first."""
LOOKED_AT, MOST_LOOKED_AT = 4, 16
"""Times as many as the answers wanted are looked at on either list at first, and at most."""
SLACK = 0.02
"""Probabilities that differ by less are the same."""


def search_fused(
    evidence: Evidence, among: Mask, by_words: ByWords | None, limit: int
) -> list[Hit]:
    """The most probable `limit` of some experiences, best first; ties go to the later one.

    Args:
        among: bool [n].
        by_words: None: words are not compared.
    """
    shown = np.flatnonzero(among & (evidence.doubt < 0.0))
    size = LOOKED_AT * limit
    while True:
        said = by_words(size, among) if by_words is not None else []
        seen = _most(shown, evidence.doubt, size)
        words = {hit.row: hit for hit in said}
        others = [row for row in seen.tolist() if row not in words]
        if by_words is not None and others:
            few = np.zeros(len(among), np.bool_)
            few[others] = True
            words |= {hit.row: hit for hit in by_words(len(others), few)}
        best = _fused(evidence, {*words, *others}, words)[:limit]
        unsaid = evidence.of_words(said[-1].score) if len(said) == size else 0.0
        unseen = -math.expm1(evidence.doubt[seen[-1]]) if len(seen) < len(shown) else 0.0
        bound = unsaid + unseen - unsaid * unseen
        enough = len(best) == limit and best[-1].score >= bound - SLACK
        if enough or bound == 0.0 or size >= MOST_LOOKED_AT * limit:
            return best
        size = min(4 * size, MOST_LOOKED_AT * limit)


def _most(rows: NDArray[np.int64], doubt: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The rows with the least doubt, ascending in it."""
    if len(rows) > count:
        limit = np.partition(doubt[rows], count - 1)[count - 1]
        rows = rows[doubt[rows] <= limit]
    order = np.lexsort((-rows, doubt[rows]))[:count]
    return np.asarray(rows[order], np.int64)


def _fused(evidence: Evidence, rows: set[int], words: dict[int, Hit]) -> list[Hit]:
    found = []
    for row in rows:
        hit = words.get(row)
        said = 0.0 if hit is None else evidence.of_words(hit.score)
        score = 1.0 - (1.0 - said) * math.exp(evidence.doubt[row])
        found.append(Hit(row, score, () if hit is None else hit.parts))
    return sorted(found, key=lambda hit: (-hit.score, -hit.row))
