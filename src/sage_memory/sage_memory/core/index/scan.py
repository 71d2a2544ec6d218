"""The few vectors of a space that can be the nearest: by sign bits where they are many, by int8.

Bits: a vector is far if many of its signs differ from the query's in those components in which
the query weighs most. How distance and cosine go together is measured on a sample for each
query; the cut is where a vector as near as the k-th best would be with a probability of 99.9 %
(the asymmetric estimate follows Gao and Long, RaBitQ, 2024). Where that leaves too many, and where
there are few to begin with, all are compared in int8, which says each cosine to within a bound.

Counts and sums are whole numbers: what a vector scores does not depend on what stands beside it,
on threads, or on how the store was filled.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.bit_distances import FARTHEST, bit_distances
from sage_memory.core.index.int8_scan import (
    Compared,
    Int8Query,
    Slots,
    cosines,
    in_a_row,
    nearest_of,
)
from sage_memory.core.index.space_view import SpaceView

Compare = Callable[[Slots], Compared]
FEW = 4096
"""Up to so many vectors are compared in int8 at once."""
FEW_IN_ALL = 32768
"""Of so many, all are compared, wanted or not: they need not be picked out."""
SMALL_DIM = 64
"""Vectors up to this size have too few bits to be told apart by."""
FIRST = 128
SAMPLE = 192
COUNTED = 2048
"""Of so many it is estimated how far away the nearest ones are."""
SURE = 3.0
"""Standard deviations below the estimate at which the cut is made."""
MOST_SHARE = 1 / 8
"""Picking out more of all vectors takes longer than comparing all in a row."""


def nearest(
    space: SpaceView, query: NDArray[np.float32], slots: Slots | None, limit: int
) -> Compared:
    """Slots that hold the `limit` nearest of those wanted, in any order.

    Args:
        slots: wanted, ascending; None: all.
    """
    asked = Int8Query.of(query)
    wanted = space.count if slots is None else len(slots)
    many = wanted > max(FEW, 8 * limit) and space.count > FEW_IN_ALL
    if many and space.statistics is not None and space.dim > SMALL_DIM:
        found = narrowed(
            bit_distances(space, space.statistics, query, slots),
            lambda places: cosines(space, places if slots is None else slots[places], asked),
            limit,
            MOST_SHARE if in_a_row(space, slots) else 1.0,
        )
        if found is not None:
            return found
    return nearest_of(space, slots, asked, limit)


def narrowed(
    distances: NDArray[np.uint8], compare: Compare, limit: int, most: float = MOST_SHARE
) -> Compared | None:
    """What holds the `limit` best of those at such distances; None: the bits do not show it.

    Args:
        compare: those in ascending places of `distances`.
        most: share that is worth picking out.
    """
    sample = np.arange(0, len(distances), max(1, len(distances) // SAMPLE))
    line = Line.through(compare(sample).similar, distances[sample])
    cut, places = _first(distances, max(FIRST, 8 * limit))
    found = compare(places)
    last = len(places) - limit
    least = line.cut(float(np.partition(found.similar, last)[last]))
    if least <= cut:
        return found
    near = distances <= least
    if np.count_nonzero(near) > most * len(distances):
        return None
    rest = compare(np.flatnonzero(near & (distances > cut)))
    return found.joined(rest)


def _first(distances: NDArray[np.uint8], count: int) -> tuple[int, Slots]:
    """A distance within which at least so many lie, but not many more, and their places."""
    sample = distances[:: max(1, len(distances) // COUNTED)]
    upto = np.add.accumulate(np.bincount(sample, minlength=FARTHEST + 1))
    cut = int(np.searchsorted(upto, count / len(distances) * len(sample)))
    while np.count_nonzero(distances <= cut) < count:  # the sample promised too many
        cut += 1
    return cut, np.flatnonzero(distances <= cut)


class Line:
    """Distance as a straight line of cosine, and how far it strays from that."""

    def __init__(self, slope: float, level: float, stray: float) -> None:
        self._slope, self._level, self._stray = slope, level, stray

    @classmethod
    def through(cls, similar: NDArray[np.float32], distances: NDArray[np.uint8]) -> Line:
        """The line of least squares through a sample."""
        x, y = similar.astype(np.float64), distances.astype(np.float64)
        count = len(x)
        x_mean, y_mean = float(np.add.reduce(x)) / count, float(np.add.reduce(y)) / count
        x -= x_mean
        y -= y_mean
        spread = float(np.einsum("i,i->", x, x))
        slope = float(np.einsum("i,i->", x, y)) / spread if spread > 0 else 0.0
        y -= slope * x
        stray = math.sqrt(float(np.einsum("i,i->", y, y)) / count)
        return cls(slope, y_mean - slope * x_mean, stray)

    def cut(self, similar: float) -> int:
        """The distance below which nearly every vector of that cosine lies."""
        far = self._level + self._slope * similar + SURE * self._stray
        return min(max(math.ceil(far), 0), FARTHEST)
