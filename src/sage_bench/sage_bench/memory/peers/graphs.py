"""usearch and hnswlib: graphs and exact scans over vectors, which know row numbers only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import hnswlib
import numpy as np
from numpy.typing import NDArray
from usearch.index import Index, MetricKind, search

from sage_bench.memory.inputs.cache import kept_folder
from sage_bench.memory.inputs.condition import Condition
from sage_bench.memory.inputs.corpus import Corpus
from sage_bench.memory.peers.peer import LIMIT, Search

EXACT, USEARCH, HNSWLIB = "usearch, exact", "usearch HNSW", "hnswlib HNSW"
AFTERWARDS = ", filtered afterwards"
CALLBACK = "hnswlib HNSW, filter function"
EXPANSION = 128
"""Of the search: at its default of 64, recall@10 is lower."""
HNSWLIB_M, HNSWLIB_BUILD, HNSWLIB_SEARCH = 16, 200, 128
MOST_FETCHED = 10_000
INDEX = "index.bin"


class UsearchExact:
    """`usearch.index.search(..., exact=True)` over the float32 matrix."""

    name = EXACT
    most = float("inf")

    def fill(self, corpus: Corpus) -> None:
        self._vectors = corpus.vectors

    def searches(self) -> Mapping[str, Search]:
        return {EXACT: self._search}

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        return {}

    def close(self) -> None:
        del self._vectors

    def _search(self, vector: NDArray[np.float32], condition: Condition) -> list[int]:
        found = search(self._vectors, vector, LIMIT, MetricKind.Cos, exact=True, threads=1)
        keys: list[int] = found.keys.tolist()
        return keys


class UsearchGraph:
    """usearch's HNSW with its defaults of connectivity and precision."""

    name = USEARCH

    def __init__(self, folder: Path, most: float) -> None:
        self._folder = folder
        self.most = most

    def fill(self, corpus: Corpus) -> None:
        self._corpus = corpus
        dim = corpus.vectors.shape[1]

        def build(folder: Path) -> None:
            index = Index(ndim=dim, metric=MetricKind.Cos)
            index.add(np.arange(len(corpus)), corpus.vectors, threads=os.cpu_count() or 1)
            index.save(folder / INDEX)

        self.made = kept_folder(self._folder, "usearch", corpus, build)
        self._index = Index(ndim=dim, metric=MetricKind.Cos, expansion_search=EXPANSION)
        self._index.load(self.made / INDEX)
        self._index.expansion_search = EXPANSION

    def searches(self) -> Mapping[str, Search]:
        return {USEARCH: self._search}

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        mask = condition.mask(self._corpus)
        fetched = fetch(condition, len(self._corpus))

        def search(vector: NDArray[np.float32], _: Condition) -> list[int]:
            keys = self._index.search(vector, fetched).keys.tolist()
            return [key for key in keys if mask[key]][:LIMIT]

        return {USEARCH + AFTERWARDS: search}

    def close(self) -> None:
        self._index.reset()

    def _search(self, vector: NDArray[np.float32], condition: Condition) -> list[int]:
        keys: list[int] = self._index.search(vector, LIMIT).keys.tolist()
        return keys


class HnswlibGraph:
    """hnswlib's HNSW as its documentation sets it up."""

    name = HNSWLIB

    def __init__(self, folder: Path, most: float) -> None:
        self._folder = folder
        self.most = most

    def fill(self, corpus: Corpus) -> None:
        self._corpus = corpus
        dim = corpus.vectors.shape[1]

        def build(folder: Path) -> None:
            index = hnswlib.Index(space="cosine", dim=dim)
            index.init_index(len(corpus), ef_construction=HNSWLIB_BUILD, M=HNSWLIB_M)
            index.add_items(corpus.vectors, num_threads=os.cpu_count() or 1)
            index.save_index(str(folder / INDEX))

        self.made = kept_folder(self._folder, "hnswlib", corpus, build)
        self._index = hnswlib.Index(space="cosine", dim=dim)
        self._index.load_index(str(self.made / INDEX))

    def searches(self) -> Mapping[str, Search]:
        return {HNSWLIB: self._search}

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        mask = condition.mask(self._corpus)
        fetched = fetch(condition, len(self._corpus))

        def afterwards(vector: NDArray[np.float32], _: Condition) -> list[int]:
            self._index.set_ef(max(HNSWLIB_SEARCH, fetched))
            labels = self._index.knn_query(vector, fetched, num_threads=1)[0][0].tolist()
            return [label for label in labels if mask[label]][:LIMIT]

        def callback(vector: NDArray[np.float32], _: Condition) -> list[int]:
            self._index.set_ef(HNSWLIB_SEARCH)
            count = min(LIMIT, int(mask.sum()))
            try:
                found = self._index.knn_query(
                    vector, count, num_threads=1, filter=lambda label: bool(mask[label])
                )
            except RuntimeError:
                # It gives up where its candidates hold fewer than were asked for.
                return []
            labels: list[int] = found[0][0].tolist()
            return labels

        return {HNSWLIB + AFTERWARDS: afterwards, CALLBACK: callback}

    def close(self) -> None:
        del self._index

    def _search(self, vector: NDArray[np.float32], condition: Condition) -> list[int]:
        self._index.set_ef(HNSWLIB_SEARCH)
        labels: list[int] = self._index.knn_query(vector, LIMIT, num_threads=1)[0][0].tolist()
        return labels


def fetch(condition: Condition, size: int) -> int:
    """How many a user fetches so that ten of them may pass: twice what chance needs, capped."""
    return min(round(2 * LIMIT / condition.share), MOST_FETCHED, size)
