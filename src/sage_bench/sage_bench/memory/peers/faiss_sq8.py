"""faiss: 8 bits a number with a range for each (SQ8), compared with all; row numbers only."""

from __future__ import annotations

from collections.abc import Mapping

import faiss
import numpy as np
from numpy.typing import NDArray

from sage_bench.memory.inputs.condition import Condition
from sage_bench.memory.inputs.corpus import Corpus
from sage_bench.memory.peers.numpy_product import best
from sage_bench.memory.peers.peer import Search

FAISS = "faiss SQ8"
FETCHED = 64
"""Of these the ten nearest by float32 are the answers: 8 bits alone do not order them."""
TRAINED_ON = 20_000


class FaissSq8:
    """`IndexScalarQuantizer` in one thread, with `IDSelectorBitmap` where there is a filter."""

    name = FAISS
    most = float("inf")

    def fill(self, corpus: Corpus) -> None:
        faiss.omp_set_num_threads(1)
        self._corpus = corpus
        kind = faiss.ScalarQuantizer.QT_8bit
        dim = corpus.vectors.shape[1]
        self._index = faiss.IndexScalarQuantizer(dim, kind, faiss.METRIC_INNER_PRODUCT)
        self._index.train(corpus.vectors[:TRAINED_ON])
        self._index.add(corpus.vectors)

    def searches(self) -> Mapping[str, Search]:
        return {FAISS: lambda vector, _: self._refined(vector, None)}

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        mask = condition.mask(self._corpus)

        def search(vector: NDArray[np.float32], _: Condition) -> list[int]:
            bits = np.packbits(mask, bitorder="little")
            wanted = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
            return self._refined(vector, wanted)

        return {FAISS: search}

    def close(self) -> None:
        del self._index, self._corpus

    def _refined(
        self, vector: NDArray[np.float32], wanted: faiss.SearchParameters | None
    ) -> list[int]:
        found = self._index.search(vector[None], FETCHED, params=wanted)[1][0]
        rows = found[found >= 0]
        return [int(rows[place]) for place in best(self._corpus.vectors[rows] @ vector)]
