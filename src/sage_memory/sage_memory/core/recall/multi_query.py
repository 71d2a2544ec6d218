"""The few experiences that can be the nearest to several meanings at once.

As for one meaning (see `scan`), with the mean of the distances in place of the distance, and the
mean of the cosines in place of the cosine: how the two go together is measured anyway.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.bit_distances import bit_distances
from sage_memory.core.index.index import View
from sage_memory.core.index.int8_scan import Compared, Int8Query, cosines
from sage_memory.core.index.scan import SMALL_DIM, narrowed
from sage_memory.core.recall.meaning import Meaning


class MeaningScan:
    """One of several meanings, compared with experiences: of several vectors the best counts.

    Args:
        slots: of all vectors of the experiences, ascending, of each at least one; None: all slots.
    """

    def __init__(self, view: View, meaning: Meaning, slots: NDArray[np.int64] | None) -> None:
        self._space, self._query = view.spaces[meaning.encoder_id], meaning.vector
        self._asked = Int8Query.of(meaning.vector)
        self._slots = np.arange(self._space.count) if slots is None else slots
        owners = self._space.rows[self._slots]
        self._starts = np.flatnonzero(np.diff(owners, prepend=-1))
        self._counts = np.diff(self._starts, append=len(owners))

    @staticmethod
    def possible(view: View, meaning: Meaning) -> bool:
        """Whether there are bits, of vectors in the order of their experiences."""
        space = None if meaning.codes is not None else view.spaces[meaning.encoder_id]
        bits = space is not None and space.statistics is not None and space.dim > SMALL_DIM
        return bits and space is not None and space.ascending

    def distances(self) -> NDArray[np.uint8]:
        """Of each experience [n]."""
        assert self._space.statistics is not None
        slots = None if len(self._slots) == self._space.count else self._slots
        found = bit_distances(self._space, self._space.statistics, self._query, slots)
        return np.asarray(np.minimum.reduceat(found, self._starts), np.uint8)

    def cosines(self, places: NDArray[np.int64]) -> Compared:
        """Of the experiences in ascending places [n]."""
        counts = self._counts[places]
        firsts = np.cumsum(counts) - counts
        own = np.repeat(self._starts[places] - firsts, counts) + np.arange(counts.sum())
        _, similar, error = cosines(self._space, self._slots[own], self._asked)
        upper = np.maximum.reduceat(similar + error, firsts)
        lower = np.maximum.reduceat(similar - error, firsts)
        half = np.float32(0.5)
        return Compared(places, half * (upper + lower), half * (upper - lower))


def nearest_to_all(meanings: list[MeaningScan], limit: int) -> Compared:
    """Places of experiences that hold the `limit` best, with the mean of their cosines."""
    share = np.float32(len(meanings))

    def compare(places: NDArray[np.int64]) -> Compared:
        found = [meaning.cosines(places) for meaning in meanings]
        similar, bounds = (sum(parts) / share for parts in list(zip(*found, strict=True))[1:])
        return Compared(places, similar, bounds)

    distances = np.zeros(0, np.uint16)
    for number, meaning in enumerate(meanings):
        own = meaning.distances().astype(np.uint16)
        distances = own if number == 0 else distances + own
    shared = (distances // len(meanings)).astype(np.uint8)
    found = narrowed(shared, compare, limit)
    return compare(np.arange(len(shared))) if found is None else found
