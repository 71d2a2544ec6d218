"""Keeps a glitch of a raw sensor from spoiling everything that is learned from the stream."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import FINITE, Count, NotNegative
from sage_common.core.state.stateful import Stateful

HORIZON = 300
EAGER = 20
FARTHEST = 1000.0


class Bounds(Stateful):
    """Moves a vector that is beyond 1,000 usual distances from the recent mean to that distance.

    It stays as salient as can be, but one reading of 1e14 among ones does not blind means,
    covariances and the memory for hundreds of samples (winsorising: Tukey 1962; Huber 1964). A
    step that stays becomes usual within a few samples. Embeddings have unit length and
    need none of this.
    """

    old_keys = renamed(scalars=("count", "square"))
    _count: State[Count] = 0
    _mean: State[Annotated[NDArray[np.float64], FINITE]]
    _square: State[NotNegative] = 0.0

    def __init__(self, size: int) -> None:
        self._mean = np.zeros(size)

    def bounded(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """`vector` float32 [size] or its stand-in; then it becomes usual."""
        offset = vector - self._mean
        square = float(offset @ offset)
        limit = FARTHEST * FARTHEST * self._square
        if self._count >= EAGER and 0.0 < limit < square:
            offset *= math.sqrt(limit / square)
            vector = (self._mean + offset).astype(np.float32)
            square = limit
        self._count += 1
        rate = 1.0 / min(self._count, HORIZON)
        self._mean += rate * offset
        self._square += rate * (square - self._square)
        return vector
