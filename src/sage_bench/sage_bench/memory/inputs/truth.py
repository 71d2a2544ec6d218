"""What the best answers are, by comparing with everything; and how many of them were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_bench.memory.inputs.corpus import Vectors

BLOCK = 50_000
ROUNDING = 1e-6
"""Cosines nearer than this are of equal rank."""


@dataclass(frozen=True)
class Truth:
    """Cosines of every question with every moment.

    Attributes:
        cosines: float32 [q, n].
    """

    cosines: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: Vectors, queries: Vectors) -> Truth:
        """Compare all with all, in float32."""
        cosines = np.empty((len(queries), len(vectors)), np.float32)
        for begin in range(0, len(vectors), BLOCK):
            cosines[:, begin : begin + BLOCK] = queries @ vectors[begin : begin + BLOCK].T
        return cls(cosines)

    def recall(
        self,
        found: Sequence[Sequence[int]],
        limit: int,
        kept: NDArray[np.bool_] | None = None,
    ) -> float:
        """Mean share of the true best that are among what was found, [0, 1].

        Each question's true best are the `limit` moments (all, if there are fewer) of those kept
        with the largest cosines; whoever is as near as the last of them counts as one.

        Args:
            found: rows of the moments found for the first questions, best first; more than
                `limit` are cut, one found twice counts once, one not kept counts nothing.
            kept: which moments may be found, bool [n]; None: all.
        """
        rows = np.arange(self.cosines.shape[1]) if kept is None else np.flatnonzero(kept)
        best = min(limit, len(rows))
        if not best or not found:
            return 1.0
        allowed = set(rows.tolist()) if kept is not None else None
        shares = []
        for question, answers in enumerate(found):
            own = self.cosines[question]
            last = np.partition(own[rows], len(rows) - best)[len(rows) - best]
            hits = {
                row
                for row in answers[:limit]
                if own[row] >= last - ROUNDING and (allowed is None or row in allowed)
            }
            shares.append(min(len(hits), best) / best)
        return float(np.mean(shares))
