"""How many signs of vectors differ from a query's, and which vectors differ in the fewest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.quantised import weighty_signs
from sage_memory.core.space_view import Centre, Chunk, Inside, SpaceView

Part = tuple[Chunk, Inside]
FARTHEST = 255
BLOCK = 16384
"""Words worked on at once: few enough to stay in the cache."""
GATHER_BELOW = 0.3
"""Below this share of wanted vectors, picking out their bits is cheaper than comparing all."""
RANKED_AT_FIRST = 1024
"""About so many are ranked at least."""
COUNTED = 2048
"""Of so many it is estimated down to which distance that is."""


def bit_distances(
    space: SpaceView,
    centre: Centre,
    query: NDArray[np.float32],
    slots: NDArray[np.int64] | None,
) -> NDArray[np.uint8]:
    """How many weighty signs differ: uint8 [n] of the wanted slots (None: all)."""
    signs, mask, _ = weighty_signs(query, np.abs(query) * centre.deviation)
    if slots is None or len(slots) < GATHER_BELOW * space.count:
        return _differing(space, slots, signs, mask)
    return _differing(space, None, signs, mask)[slots]


def _differing(
    space: SpaceView,
    slots: NDArray[np.int64] | None,
    signs: NDArray[np.uint64],
    mask: NDArray[np.uint64],
) -> NDArray[np.uint8]:
    """Differing bits under the mask, of the slots (None: all)."""
    distances = np.zeros(space.count if slots is None else len(slots), np.uint8)
    words = np.empty(min(BLOCK, len(distances)), np.uint64)
    counts = np.empty(len(words), np.uint8)
    weighty = [
        (place, sign, bits) for place, (sign, bits) in enumerate(zip(signs, mask, strict=True))
        if bits
    ]  # fmt: skip
    for start, parts in _blocks(space, slots):
        size = sum(inside.size for _, inside in parts)
        total = distances[start : start + size]
        word, count = words[:size], counts[:size]
        for place, sign, bits in weighty:
            np.bitwise_xor(_joined(parts, place, word), sign, out=word)
            np.bitwise_and(word, bits, out=word)
            np.bitwise_count(word, out=count)
            np.add(total, count, out=total)
    return distances


def _blocks(space: SpaceView, slots: NDArray[np.int64] | None) -> Iterator[tuple[int, list[Part]]]:
    """Place of the first one in `slots`, and where up to `BLOCK` of them lie."""
    if slots is None:
        for chunk, start, inside in space.parts(None, BLOCK):
            yield start, [(chunk, inside)]
        return
    for start in range(0, len(slots), BLOCK):
        block = slots[start : start + BLOCK]
        yield start, [(chunk, inside) for chunk, _, inside in space.parts(block, BLOCK)]


def _joined(parts: list[Part], place: int, out: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One word of each vector; those of one part are not copied if they are a run."""
    if len(parts) == 1:
        chunk, inside = parts[0]
        return inside.of(chunk.bits[place])
    start = 0
    for chunk, inside in parts:
        out[start : start + inside.size] = inside.of(chunk.bits[place])
        start += inside.size
    return out


class Ranking:
    """Vectors by their distance, the nearest first, as far down as it was asked for.

    Args:
        distances: uint8 [n], at most `FARTHEST`.
    """

    def __init__(self, distances: NDArray[np.uint8]) -> None:
        self._distances = distances
        self._places = np.zeros(0, np.int64)
        self._ranked = np.zeros(0, np.uint8)

    def ties(self, count: int) -> int:
        """How many are at least as near as the one in place `count`, which exists."""
        self._rank(count)
        return self.within(int(self._ranked[count - 1]))

    def within(self, distance: int) -> int:
        """How many of those ranked so far are at most so far away."""
        return int(np.searchsorted(self._ranked, distance, side="right"))

    def places(self, start: int, stop: int) -> NDArray[np.int64]:
        """Which vectors are in these places of the ranking, ascending."""
        return np.sort(self._places[start:stop])

    def _rank(self, count: int) -> None:
        """Rank all up to some distance, at least so many."""
        if count <= len(self._ranked):
            return
        distances = self._distances
        count = min(max(count, RANKED_AT_FIRST), len(distances))
        sample = distances[:: max(1, len(distances) // COUNTED)]
        upto = np.add.accumulate(np.bincount(sample, minlength=FARTHEST + 1))
        cut = int(np.searchsorted(upto, count / len(distances) * len(sample)))
        places = np.flatnonzero(distances <= cut)
        while len(places) < count:  # the sample promised too many
            cut += 1
            places = np.flatnonzero(distances <= cut)
        near = distances[places]
        order = np.argsort(near, kind="stable")
        self._places, self._ranked = places[order], near[order]
