"""Cells: the slots of a space in heaps of near vectors, of which a search looks into a few.

Inverted lists over the centroids of a k-means (Sivic and Zisserman, 2003), with signs of what a
vector has beyond the mean of its cell (Jegou, Douze and Schmid, 2011, who keep a product code of
it): one bit a component. A cell is worth a look if its mean is near, or if its vectors stray so far
from the mean that some may be nearer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.numpy_two import bitwise_count, vecdot
from sage_memory.core.index.quantised import weighty_signs
from sage_memory.core.index.rotation import rotated

Floats = NDArray[np.float32]
Slots = NDArray[np.int64]
REACH = 0.4
"""How far the best of a cell lies beyond its mean, in root mean squares of what they stray."""
GAIN = 1.4
"""What signs that agree are worth, against the mean size of a component: by measurement."""
MOST_SHARE = 1 / 3
"""Looking into more of the cells saves too little."""
ANSWERS = 10
"""`probes` and `depth` are measured for so many answers; for more, they grow with them, as
`margin` does."""
ROWS = 64
"""Rows of bits worked on as one."""


@dataclass(frozen=True)
class Cells:
    """The first slots of a space by cell; the arrays may be mapped from files.

    Attributes:
        means: float32 [cells, dim], of the vectors of each cell.
        strays: float32 [cells], root mean square distance of its vectors from the mean.
        sizes: float32 [cells], mean size of a component of that distance, rotated.
        starts: int64 [cells + 1], where each cell begins in `slots` and `bits`.
        slots: int32 [known], by cell, ascending within each.
        bits: uint64 [known, words], set: that component, rotated, is above the mean of the cell.
        probes: cells that a search for `ANSWERS` looks into at most.
        margin: how much farther than the nearest one such a cell may be.
        depth: slots that it compares in int8.
    """

    means: Floats
    strays: Floats
    sizes: Floats
    starts: NDArray[np.int64]
    slots: NDArray[np.int32]
    bits: NDArray[np.uint64]
    probes: int
    margin: float
    depth: int

    @property
    def known(self) -> int:
        """How many slots it knows: the first ones."""
        return len(self.slots)

    def near(self, query: Floats, effort: float) -> Slots | None:
        """Slots among which the nearest to a unit vector [dim] are, ascending.

        Args:
            effort: times as far as for `ANSWERS`; None comes where that is no gain any more.
        """
        if math.ceil(self.probes * effort) > MOST_SHARE * len(self.means):
            return None
        similar = vecdot(self.means, query)
        found, estimates = self.estimated(query, similar, self.chosen(similar, effort))
        depth = math.ceil(self.depth * effort)
        if depth < len(found):
            found = found[estimates.argpartition(len(found) - depth)[len(found) - depth :]]
        return np.sort(found).astype(np.int64)

    def chosen(self, similar: Floats, effort: float) -> Slots:
        """The cells worth a look, ascending.

        Args:
            similar: of every cell's mean with the query; -inf: not that one.
        """
        probes = math.ceil(self.probes * effort)
        ranks = similar + REACH * self.strays
        first = np.sort(ranks.argpartition(len(ranks) - probes)[len(ranks) - probes :])
        near = ranks[first]
        kept: Slots = first[near >= near.max() - self.margin * effort]
        return kept

    def estimated(
        self, query: Floats, similar: Floats, chosen: Slots
    ) -> tuple[NDArray[np.int32], Floats]:
        """Slots [n] of cells, and about how near each is to a query [n].

        Args:
            similar: of every cell's mean with the query.
            chosen: cells.
        """
        firsts, lasts = self.starts[chosen], self.starts[chosen + 1]
        spans = list(zip(firsts.tolist(), lasts.tolist(), strict=True))
        slots = np.concatenate([self.slots[first:last] for first, last in spans])
        turned = rotated(query[None])[0]
        signs, mask, weight = weighty_signs(turned, np.abs(turned))
        differing = self._differing(spans, len(slots), signs, mask)
        agreement = np.float32(1) - np.float32(2 / int(bitwise_count(mask).sum())) * differing
        counts = lasts - firsts
        agreement *= np.repeat(np.float32(GAIN * weight) * self.sizes[chosen], counts)
        agreement += np.repeat(similar[chosen], counts)
        return slots, agreement

    def _differing(
        self,
        spans: list[tuple[int, int]],
        count: int,
        signs: NDArray[np.uint64],
        mask: NDArray[np.uint64],
    ) -> NDArray[np.uint8]:
        """Bits under the mask that differ, of each slot in those spans."""
        words = len(signs)
        rows = np.empty((-(-count // ROWS) * ROWS, words), np.uint64)
        np.concatenate([self.bits[first:last] for first, last in spans], out=rows[:count])
        many = rows.reshape(-1, ROWS * words)  # long inner loops: a row has a few words only
        repeated = np.empty((2, ROWS, words), np.uint64)
        repeated[0], repeated[1] = signs, mask
        np.bitwise_xor(many, repeated[0].reshape(-1), out=many)
        np.bitwise_and(many, repeated[1].reshape(-1), out=many)
        counts = bitwise_count(many).reshape(-1, words)[:count]
        total: NDArray[np.uint8] = counts[:, 0].copy()
        for word in range(1, words):
            total += counts[:, word]
        return total
