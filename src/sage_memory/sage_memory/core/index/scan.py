"""The few vectors of a space that can be the nearest: by sign bits, then by int8.

Bits: a vector is far if many of its signs differ from the query's in those components in which
the query weighs most. How distance and cosine go together is measured on a sample for each
query; the cut is where a vector as near as the k-th best would be with a probability of 99 %
(the asymmetric estimate follows Gao and Long, RaBitQ, 2024). Int8 then says each cosine to
within a bound, see `ERROR`.

Counts are integers, and each row is summed by itself in a fixed order: what a vector scores does
not depend on what stands beside it, on threads, or on how the store was filled.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.bit_distances import FARTHEST, Ranking, bit_distances
from sage_memory.core.index.ivf_lists import ANSWERS
from sage_memory.core.index.numpy_two import vecdot
from sage_memory.core.index.space_view import SAMPLE, SpaceView

Compare = Callable[[NDArray[np.int64]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Similarity [n] in places [n], ascending, and how far at most the true one is off [n]."""
FEW = 2048
"""Up to so many vectors are compared in int8 at once."""
SMALL_DIM = 64
"""Vectors up to this size have too few bits to be told apart by."""
FIRST = 128
SURE = 2.4
"""Standard deviations below the estimate at which the cut is made."""
ERROR = 1.5
"""Times a vector's scale: more than int8 can shift its cosine (5 standard deviations)."""
PRODUCT_BLOCK = 1024
WEAKLY = 0.5
"""Share of wanted vectors from which cells, which hold wanted and others alike, are of use."""


def nearest(
    space: SpaceView, query: NDArray[np.float32], slots: NDArray[np.int64] | None, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Slots that hold the `limit` nearest of those wanted, with cosine [n] and its bound [n].

    Args:
        slots: wanted, ascending; None: all.
    """
    wanted = space.count if slots is None else len(slots)
    if space.centre is None or space.dim <= SMALL_DIM or wanted <= max(FEW, 8 * limit):
        chosen = np.arange(space.count) if slots is None else slots
        return (chosen, *cosines(space, chosen, query))

    def compare(places: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return cosines(space, places if slots is None else slots[places], query)

    distances = bit_distances(space, space.centre, query, slots)
    if slots is None:
        sample, similar = space.sample.slots, sample_cosines(space, query)
    else:
        sample = evenly(len(slots))
        similar, _ = compare(sample)
    line = Line.through(similar, distances[sample])
    chosen, similar, bounds = narrowed(distances, compare, limit, line)
    return (chosen if slots is None else slots[chosen]), similar, bounds


def narrowed(
    distances: NDArray[np.uint8], compare: Compare, limit: int, line: Line
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Places in `distances` that hold the `limit` best, with similarity [n] and its bound [n].

    Args:
        line: how distance and similarity go together.
    """
    ranking = Ranking(distances)
    chosen = np.zeros(0, np.int64)
    similar = bounds = np.zeros(0, np.float32)
    more = ranking.ties(max(FIRST, 8 * limit))
    while more > len(chosen):
        ring = ranking.places(len(chosen), more)
        found, bound = compare(ring)
        chosen = np.concatenate([chosen, ring])
        similar, bounds = np.concatenate([similar, found]), np.concatenate([bounds, bound])
        worst = float(np.partition(similar, len(similar) - limit)[len(similar) - limit])
        most = ranking.ties(min(4 * len(chosen), len(distances)))
        more = min(ranking.within(line.cut(worst)), most)
    return chosen, similar, bounds


def evenly(count: int) -> NDArray[np.int64]:
    """About `SAMPLE` evenly spaced places among `count`."""
    return np.arange(0, count, max(1, count // SAMPLE))


def sample_cosines(space: SpaceView, query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine by int8 of each of `space.sample` [n]."""
    sample = space.sample
    return np.asarray(vecdot(sample.codes, query) * sample.scales, np.float32)


def by_cells(
    space: SpaceView, query: NDArray[np.float32], slots: NDArray[np.int64] | None, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]] | None:
    """The same as `nearest` by the cells of a space; None where they are of no use."""
    if space.cells is None or (slots is not None and len(slots) < WEAKLY * space.count):
        return None
    effort = max(1.0, limit / ANSWERS)
    near = space.cells.near(query, effort if slots is None else effort * space.count / len(slots))
    if near is None:
        return None
    known = space.cells.known
    later = np.arange(known, space.count)
    if slots is not None:
        places = np.minimum(np.searchsorted(slots, near), len(slots) - 1)
        near = near[slots[places] == near]
        later = slots[np.searchsorted(slots, known) :]
    if space.live is not None:
        near, later = near[space.live[near]], later[space.live[later]]
    if len(near) < limit:
        return None
    if later.size:
        near = np.concatenate([near, np.sort(nearest(space, query, later, limit)[0])])
    return (near, *cosines(space, near, query))


def cosines(
    space: SpaceView, slots: NDArray[np.int64], query: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosine by int8 of each slot [n], ascending, and how far at most the true one is off [n]."""
    similar = np.empty(len(slots), np.float32)
    scales = np.empty(len(slots), np.float32)
    codes = np.empty((min(PRODUCT_BLOCK, len(slots)), space.dim), np.int8)
    values = np.empty(codes.shape, np.float32)
    for first in range(0, len(slots), PRODUCT_BLOCK):
        block = slots[first : first + PRODUCT_BLOCK]
        space.gather(block, codes[: len(block)], scales[first : first + len(block)])
        here = values[: len(block)]
        here[:] = codes[: len(block)]
        # not @: no BLAS threads that spin on cores which others need, and each row's bits do
        # not depend on which rows stand beside it
        vecdot(here, query, out=similar[first : first + len(block)])
    return similar * scales, scales * np.float32(ERROR)


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
