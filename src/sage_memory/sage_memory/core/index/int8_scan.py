"""Cosines of a query with vectors in int8: whole numbers, the same on every machine.

SimSIMD multiplies int8 with int8 in the widest instructions of the processor; its sums are exact.
The query is the sum of two int8 vectors: what the first leaves, the second has, so that what it is
off by does not count beside what the vectors are off by.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import simsimd
from numpy.typing import NDArray

from sage_memory.core.index.quantised import MIN_LENGTH, TOP
from sage_memory.core.index.space_view import SpaceView

Floats = NDArray[np.float32]
Slots = NDArray[np.int64]
ERROR = 1.5
"""Times a vector's scale: more than int8 can shift its cosine (5 standard deviations)."""
LENGTHENED = 1.1
"""Times 1: more than the length of a unit vector in int8."""
BLOCK = 4096
"""Vectors compared at once: few enough to stay in the cache."""
AT_ONCE = 1024
"""Up to so many vectors are compared with both parts of a query at once."""
DENSE = 0.25
"""From this share of wanted vectors on, comparing all takes less time than picking them out."""
KEPT, SAMPLED = 128, 16
"""So many are kept at least; each so-manyth says about how near they must be."""


class Int8Query(NamedTuple):
    """A query [dim] as a sum: int8 [2, dim] times a scale each; what the first one leaves has the
    length `left`."""

    codes: NDArray[np.int8]
    scales: tuple[np.float32, np.float32]
    left: float

    @classmethod
    def of(cls, query: Floats) -> Int8Query:
        """Of a vector [dim]."""
        large = np.maximum(np.abs(query).max(), np.float32(MIN_LENGTH)) / np.float32(TOP)
        small = large / np.float32(2 * TOP)
        codes = np.empty((2, len(query)), np.int8)
        first = np.rint(query / large)
        rest = query - large * first
        codes[0], codes[1] = first, np.rint(rest / small)
        return cls(codes, (large, small), math.sqrt(float(np.vdot(rest, rest))))


class Compared(NamedTuple):
    """Slots int64 [n] with cosine float32 [n], and how far at most it is off [n]."""

    slots: Slots
    similar: Floats
    bounds: Floats

    def joined(self, others: Compared) -> Compared:
        """Both together."""
        return Compared(
            np.concatenate([self.slots, others.slots]),
            np.concatenate([self.similar, others.similar]),
            np.concatenate([self.bounds, others.bounds]),
        )


def cosines(space: SpaceView, slots: Slots, query: Int8Query) -> Compared:
    """Of the slots, ascending."""
    similar, scales = _products(space, slots, query, 2)
    return Compared(slots, similar, scales * np.float32(ERROR))


def nearest_of(space: SpaceView, slots: Slots | None, query: Int8Query, limit: int) -> Compared:
    """The `limit` nearest of the slots (None: all), and what can be as near; at least `KEPT`.

    The first part of the query says which; only these are compared with both parts.
    """
    count = space.count if slots is None else len(slots)
    if count <= max(AT_ONCE, SAMPLED * limit):
        return cosines(space, np.arange(count) if slots is None else slots, query)
    if slots is not None and in_a_row(space, slots):
        similar, scales = (values[slots] for values in _products(space, None, query, 1))
    else:
        similar, scales = _products(space, slots, query, 1)
    off = 2 * (LENGTHENED * query.left + ERROR * float(scales.max()))
    # the last that is kept of some is never nearer than the last that is kept of all
    near = np.flatnonzero(similar >= _least(similar[::SAMPLED], limit, off))
    places = near[similar[near] >= _least(similar[near], limit, off)]
    return cosines(space, places if slots is None else slots[places], query)


def in_a_row(space: SpaceView, slots: Slots | None) -> bool:
    """Whether so many are wanted (None: all) that none need to be picked out."""
    return slots is None or len(slots) > DENSE * space.count


def _least(similar: Floats, limit: int, off: float) -> float:
    """How near one must be to be among the `KEPT` nearest, or perhaps among `limit`."""
    kept, last = (len(similar) - min(count, len(similar)) for count in (max(KEPT, limit), limit))
    best = np.partition(similar, kept)[kept:]
    return float(min(best[0], np.partition(best, last - kept)[last - kept] - off))


def _products(
    space: SpaceView, slots: Slots | None, query: Int8Query, parts: int
) -> tuple[Floats, Floats]:
    """Cosine with the first parts of the query [n], and scale [n]."""
    count = space.count if slots is None else len(slots)
    similar, scales = np.empty(count, np.float32), np.empty(count, np.float32)
    asked = query.codes[:parts]
    done = 0
    for codes, sizes in space.vectors(slots, BLOCK):
        here = slice(done, done + len(codes))
        scales[here] = sizes
        sums = np.asarray(simsimd.cdist(asked, codes, "dot"))  # whole numbers below 2^53
        product = sums[0] * query.scales[0]
        similar[here] = product + sums[1] * query.scales[1] if parts == 2 else product
        done = here.stop
    similar *= scales
    return similar, scales
