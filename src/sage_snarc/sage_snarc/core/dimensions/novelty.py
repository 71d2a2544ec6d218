"""Novelty: how far is this from everything remembered?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, Count, NotNegative, Positive, Range
from sage_common.core.state.stateful import Stateful

SCALE_HORIZON = 1000
AGEING = 3e-5
STRIDE = 8
SAME = 0.25
NONE = -1


class Neighbour(NamedTuple):
    """The nearest remembered vector.

    Attributes:
        slot: its place in the memory; -1 if nothing is remembered.
        distance: Euclidean, exact.
        relative: distance over that of an independent vector, clipped to [0, 1].
        id: sequence number of the sample that it came from; 0 if none.
        age_ns: time since it was last seen [ns], >= 0; -1 if none.
        squared: squared distances to all slots in use, float32 [count].
        unit: nearest distance that an independent vector would have; 0 if not known yet.
    """

    slot: int
    distance: float
    relative: float
    id: int
    age_ns: int
    squared: NDArray[np.float32]
    unit: float


class NoveltyMemory(Stateful):
    """A bounded, diverse memory of vectors with exact nearest-neighbour search.

    One matrix-vector product a sample, so time does not depend on the stream's length. When the
    memory is full, a new vector takes the place of the most redundant one (the one that was
    closest to its nearest neighbour when it came), if it is farther from everything itself; the
    spacing of old entries shrinks slowly, so that they can be replaced at last.

    `relative` distance: the unit is the nearest distance that an *independent* vector would have,
    estimated from the distances to all that is remembered: their mean square, and their spread,
    which tells the effective dimension k; the smallest of n such squares is about
    `(1 - 2/(9k) - z sqrt(2/(9k)))^3` of the mean (Wilson and Hilferty 1931), z the normal
    quantile of 1 - 1/n. Hence identical -> 0, independent -> near 1, in any number of dimensions
    and any unit.
    """

    old_keys = renamed(
        scalars=("mean_square", "dimension"), counts=("count", "seen_total", "updates")
    )
    count: State[Count] = 0
    seen_total: State[Count] = 0
    mean_square: State[NotNegative] = 0.0
    dimension: State[Positive] = 1.0
    _updates: State[Count] = 0
    _rows: State[Annotated[NDArray[np.float32], FINITE]]
    _norms: State[Annotated[NDArray[np.float32], NOT_NEGATIVE]]
    _spacing: State[Annotated[NDArray[np.float32], NOT_NEGATIVE]]
    ids: State[Annotated[NDArray[np.int64], NOT_NEGATIVE]]
    _seen: State[NDArray[np.int64]]

    def __init__(self, size: int, capacity: int = 1000, floor: float = 0.0) -> None:
        """`size`: components. `floor`: smallest unit of distance; 0 for free scales."""
        self.capacity = capacity
        self.floor = floor
        self._rows = np.zeros((capacity, size), np.float32)
        self._norms = np.zeros(capacity, np.float32)
        self._spacing = np.zeros(capacity, np.float32)
        self.ids = np.zeros(capacity, np.int64)
        self._seen = np.zeros(capacity, np.int64)

    @property
    def unit(self) -> float:
        """Nearest distance to expect of an independent vector, >= floor."""
        # Of three times as many: two in three independent vectors are beyond that.
        share = nearest_share(self.dimension, 3 * self.count)
        return max(math.sqrt(self.mean_square * share), self.floor)

    def nearest(self, vector: NDArray[np.float32], resolution: float, stamp_ns: int) -> Neighbour:
        """The nearest remembered vector; distances up to `resolution` count as 0."""
        if self.count == 0:
            return Neighbour(NONE, 0.0, 1.0, 0, -1, self._norms[:0], 0.0)
        squared = self._rows[: self.count] @ (-2.0 * vector)
        squared += self._norms[: self.count]
        squared += vector @ vector
        slot = int(squared.argmin())
        # The expanded square loses digits where it matters most, near 0: the winner is redone.
        offset = vector - self._rows[slot]
        distance = math.sqrt(float(offset @ offset))
        if distance <= resolution:
            distance = 0.0
        squared[slot] = distance * distance
        unit = self.unit
        relative = min(distance / unit, 1.0) if unit > 0.0 else float(distance > 0.0)
        age_ns = max(stamp_ns - int(self._seen[slot]), 0)
        return Neighbour(slot, distance, relative, int(self.ids[slot]), age_ns, squared, unit)

    def learn(self, vector: NDArray[np.float32], near: Neighbour, stamp_ns: int) -> int:
        """Remember `vector` if it adds anything; `near` is what `nearest` said of it.

        Returns:
            The slot that stands for it now: its own, or that of its nearest neighbour.
        """
        self.seen_total += 1
        if near.slot != NONE:
            self._measure(near.squared)
            if near.relative <= SAME:
                self._seen[near.slot] = stamp_ns
            if near.distance == 0.0:
                return near.slot
        slot = self._place(near)
        if slot == NONE:
            return near.slot
        self._rows[slot] = vector
        self._norms[slot] = vector @ vector
        self._spacing[slot] = near.distance
        if self.count == 2:
            self._spacing[0] = near.distance
        self.ids[slot] = self.seen_total
        self._seen[slot] = stamp_ns
        return slot

    def check_values(self, values: Mapping[str, Any]) -> None:
        Range(0, self.capacity).check("count", values["count"])

    def _place(self, near: Neighbour) -> int:
        if self.count < self.capacity:
            self.count += 1
            return self.count - 1
        if self.seen_total % STRIDE == 0:
            self._spacing *= 1.0 - STRIDE * AGEING
        victim = int(self._spacing.argmin())
        # The nearest is never the victim: the new vector would stand where it stood, and what
        # was learned of it would be lost.
        return victim if near.distance > self._spacing[victim] and victim != near.slot else NONE

    def _measure(self, squared: NDArray[np.float32]) -> None:
        """Follow the mean and the spread of squared distances; every eighth sample is enough."""
        if self.seen_total > 64 and self.seen_total % STRIDE:
            return
        self._updates += 1
        rate = 1.0 / min(self._updates, SCALE_HORIZON // STRIDE)
        mean = max(float(squared.mean()), 0.0)
        self.mean_square += rate * (mean - self.mean_square)
        if len(squared) < 8:
            return
        variance = float(squared.astype(np.float64).var())
        # Scaled chi-square: mean^2 / variance = k / 2.
        dimension = 2.0 * mean * mean / variance if variance > 0.0 else 1.0
        self.dimension += rate * (min(max(dimension, 1.0), 1e4) - self.dimension)


def nearest_share(dimension: float, count: int) -> float:
    """Smallest of `count` independent squared distances over their mean, in [0.05, 1]."""
    if count < 2:
        return 1.0
    # Normal quantile of 1 - 1/n, to within 2 % for n >= 2 (Hastings' leading term).
    t = math.sqrt(2.0 * math.log(count))
    z = max(t - (2.515517 + 0.802853 * t) / (1.0 + 1.432788 * t), 0.0)
    part = 2.0 / (9.0 * dimension)
    root = 1.0 - part - z * math.sqrt(part)
    return min(max(root, 0.0) ** 3, 1.0) if root**3 > 0.05 else 0.05
