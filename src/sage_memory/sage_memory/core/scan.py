"""The few vectors of a space that can be the nearest: by sign bits, then by int8.

Bits: a vector is far if many of its signs differ from the query's in those components in which
the query weighs most. How distance and cosine go together is measured on a sample for each
query; the cut is where a vector as near as the k-th best would be with a probability of 99 %
(the asymmetric estimate follows Gao and Long, RaBitQ, 2024). Int8 then says each cosine to
within a bound, see `ERROR`.

Counts are integers, and `einsum` sums each row by itself in a fixed order: what a vector scores
does not depend on what stands beside it, on threads, or on how the store was filled.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.quantised import pack
from sage_memory.core.space_view import SpaceView

FEW = 2048
"""Up to so many vectors are compared in int8 at once."""
SMALL_DIM = 64
"""Vectors up to this size have too few bits to be told apart by."""
MOST_WEIGHTY, WEIGHTY_SHARE = 254, 0.55
FARTHEST = 255
FIRST = 128
SAMPLE = 192
SURE = 2.4
"""Standard deviations below the estimate at which the cut is made."""
ERROR = 1.5
"""Times a vector's scale: more than int8 can shift its cosine (5 standard deviations)."""
SCAN_BLOCK = 16384
TAKE_BLOCK = 4096
PRODUCT_BLOCK = 1024
FROM_GRAPH = 64
WEAKLY = 0.5
"""Share of wanted vectors from which a graph, which finds wanted and others alike, is of use."""
COUNT_BELOW = 65536
"""Of fewer distances, counting each value is cheaper than halving their range."""
GATHER_BELOW = 0.3
"""Below this share of wanted vectors, copying out their bits is cheaper than comparing all."""


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
    distances = bit_distances(space, query, slots)
    sample = np.arange(0, wanted, max(1, wanted // SAMPLE))
    sampled, _ = cosines(space, sample if slots is None else slots[sample], query)
    line = _Line.through(sampled, distances[sample])
    cut, chosen = -1, np.zeros(0, np.int64)
    similar = bounds = np.zeros(0, np.float32)
    needed = max(FIRST, 8 * limit)
    farthest = least_cut(distances, needed)
    while farthest > cut:
        ring = _ring(distances, cut, farthest)
        more = ring if slots is None else slots[ring]
        found, bound = cosines(space, more, query)
        chosen = np.concatenate([chosen, more])
        similar, bounds = np.concatenate([similar, found]), np.concatenate([bounds, bound])
        cut = farthest
        worst = float(np.partition(similar, len(similar) - limit)[len(similar) - limit])
        limit_of_ring = least_cut(distances, 4 * len(chosen)) if len(chosen) < wanted else cut
        farthest = min(line.cut(worst), max(limit_of_ring, cut))
    return chosen, similar, bounds


def by_graph(
    space: SpaceView, query: NDArray[np.float32], slots: NDArray[np.int64] | None, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]] | None:
    """The same as `nearest` by the graph of a space; None where the graph is of no use."""
    if space.graph is None or (slots is not None and len(slots) < WEAKLY * space.count):
        return None
    graph, known = space.graph
    near = graph.nearest(query, max(FROM_GRAPH, 4 * limit))
    later = np.arange(known, space.count)
    if slots is not None:
        places = np.minimum(np.searchsorted(slots, near), len(slots) - 1)
        near = near[slots[places] == near]
        later = slots[np.searchsorted(slots, known) :]
    if space.live is not None:
        near, later = near[space.live[near]], later[space.live[later]]
    if len(near) < limit:
        return None
    chosen = near
    if later.size:
        chosen = np.sort(np.concatenate([near, nearest(space, query, later, limit)[0]]))
    return (chosen, *cosines(space, chosen, query))


def bit_distances(
    space: SpaceView, query: NDArray[np.float32], slots: NDArray[np.int64] | None
) -> NDArray[np.uint8]:
    """How many weighty signs differ: uint8 [n] of the wanted slots (None: all)."""
    assert space.centre is not None
    signs = pack((query > 0)[None])[0]
    weights = np.abs(query) * space.centre.deviation
    weighty = min(MOST_WEIGHTY, max(1, round(WEIGHTY_SHARE * space.dim)))
    mask = np.zeros((1, space.dim), np.bool_)
    mask[0, np.argsort(-weights, kind="stable")[:weighty]] = True
    if slots is not None and len(slots) < GATHER_BELOW * space.count:
        return _distances_of(space, slots, signs, pack(mask)[0])
    distances = _all_distances(space, signs, pack(mask)[0])
    return distances if slots is None else distances[slots]


def _all_distances(
    space: SpaceView, signs: NDArray[np.uint64], mask: NDArray[np.uint64]
) -> NDArray[np.uint8]:
    distances = np.empty(space.count, np.uint8)
    for index, chunk in enumerate(space.chunks):
        base = index * space.size
        for start in range(0, min(space.size, space.count - base), SCAN_BLOCK):
            stop = min(start + SCAN_BLOCK, space.size, space.count - base)
            _differing(
                chunk.bits[:, start:stop], signs, mask, distances[base + start : base + stop]
            )
    return distances


def _distances_of(
    space: SpaceView,
    slots: NDArray[np.int64],
    signs: NDArray[np.uint64],
    mask: NDArray[np.uint64],
) -> NDArray[np.uint8]:
    distances = np.empty(len(slots), np.uint8)
    for index, part, inside in _by_chunk(space, slots):
        for start in range(0, len(inside), TAKE_BLOCK):
            picked = inside[start : start + TAKE_BLOCK]
            bits = np.ascontiguousarray(space.chunks[index].packed.take(picked, axis=0).T)
            first = part.start + start
            _differing(bits, signs, mask, distances[first : first + len(picked)])
    return distances


def _differing(
    bits: NDArray[np.uint64],
    signs: NDArray[np.uint64],
    mask: NDArray[np.uint64],
    out: NDArray[np.uint8],
) -> None:
    """Count differing bits under the mask; blocks are small enough to stay in the cache."""
    word = np.empty(bits.shape[1], np.uint64)
    count = np.empty(bits.shape[1], np.uint8)
    out[:] = 0
    for index in range(len(bits)):
        if mask[index]:
            np.bitwise_xor(bits[index], signs[index], out=word)
            np.bitwise_and(word, mask[index], out=word)
            np.bitwise_count(word, out=count)
            np.add(out, count, out=out)


def cosines(
    space: SpaceView, slots: NDArray[np.int64], query: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosine by int8 of each slot [n], ascending, and how far at most the true one is off [n]."""
    similar = np.empty(len(slots), np.float32)
    scales = np.empty(len(slots), np.float32)
    block = np.empty((min(PRODUCT_BLOCK, len(slots)), space.dim), np.float32)
    for index, part, inside in _by_chunk(space, slots):
        chunk = space.chunks[index]
        scales[part] = chunk.scales[inside]
        for start in range(0, len(inside), PRODUCT_BLOCK):
            picked = inside[start : start + PRODUCT_BLOCK]
            values = block[: len(picked)]
            values[:] = chunk.codes.take(picked, axis=0)
            first = part.start + start
            # einsum, not @: no BLAS threads that spin on cores which others need, and each
            # row's bits do not depend on which rows stand beside it
            np.einsum("ij,j->i", values, query, out=similar[first : first + len(picked)])
    return similar * scales, scales * np.float32(ERROR)


def _by_chunk(
    space: SpaceView, slots: NDArray[np.int64]
) -> list[tuple[int, slice, NDArray[np.int64]]]:
    """Chunk, part of `slots` in it, and their places within it; `slots` ascend."""
    edges = np.searchsorted(slots, np.arange(len(space.chunks) + 1) * space.size)
    return [
        (index, slice(start, stop), slots[start:stop] - index * space.size)
        for index, (start, stop) in enumerate(pairwise(edges.tolist()))
        if start < stop
    ]


def least_cut(distances: NDArray[np.uint8], count: int) -> int:
    """The least distance up to which there are `count` vectors."""
    if len(distances) < COUNT_BELOW:
        upto = np.add.accumulate(np.bincount(distances, minlength=FARTHEST + 1))
        return min(int(np.searchsorted(upto, count)), FARTHEST)
    low, high = 0, FARTHEST
    while low < high:
        middle = (low + high) // 2
        if np.count_nonzero(distances <= middle) >= count:
            high = middle
        else:
            low = middle + 1
    return low


def _ring(distances: NDArray[np.uint8], above: int, upto: int) -> NDArray[np.int64]:
    inside = distances <= upto
    if above >= 0:
        inside &= distances > above
    return np.flatnonzero(inside)


class _Line:
    """Distance as a straight line of cosine, and how far it strays from that."""

    def __init__(self, slope: float, level: float, stray: float) -> None:
        self._slope, self._level, self._stray = slope, level, stray

    @classmethod
    def through(cls, similar: NDArray[np.float32], distances: NDArray[np.uint8]) -> _Line:
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
