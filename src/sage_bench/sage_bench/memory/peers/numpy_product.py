"""NumPy alone: one product with a float32 matrix, rows of the best."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sage_bench.memory.inputs.condition import Condition
from sage_bench.memory.inputs.corpus import Corpus
from sage_bench.memory.peers.peer import LIMIT, Search

NUMPY = "numpy float32"


class NumpyPeer:
    """Exact; gives row numbers only. Of a filter it compares what is kept."""

    name = NUMPY
    most = float("inf")

    def fill(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def searches(self) -> Mapping[str, Search]:
        return {NUMPY: self._all}

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        return {NUMPY: self._kept}

    def close(self) -> None:
        del self._corpus

    def _all(self, vector: NDArray[np.float32], condition: Condition) -> list[int]:
        return best(self._corpus.vectors @ vector)

    def _kept(self, vector: NDArray[np.float32], condition: Condition) -> list[int]:
        rows = np.flatnonzero(condition.mask(self._corpus))
        return [int(rows[index]) for index in best(self._corpus.vectors[rows] @ vector)]


def best(scores: NDArray[np.float32]) -> list[int]:
    """Places of the ten largest, largest first."""
    count = min(LIMIT, len(scores))
    if not count:
        return []
    places = np.argpartition(-scores, count - 1)[:count]
    ordered: list[int] = places[np.argsort(-scores[places])].tolist()
    return ordered
