"""Arousal of vectors: how far the signal is from where it lately was."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import FINITE, Count
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.whitening import Whitening

RECENT, LEVEL_HORIZON = 10, 1000


class VectorArousal(Stateful):
    """Whitened distance of a vector from its mean over the last samples.

    Unlike surprise it lasts as long as what caused it, until that becomes the mean.
    """

    _usual: State[Whitening]

    def __init__(self, size: int, horizon: int, floor: float = 0.0) -> None:
        """`size`: components. `horizon`: samples of memory.

        `floor`: length below which a difference is nothing.
        """
        self._usual = Whitening(size, horizon, floor=floor)

    def observe(self, vector: NDArray[np.float64], pace: float = 1.0) -> float:
        """Raw arousal (>= 0) of a vector float64 [size], usually about 1."""
        return self._usual.observe(vector, pace)


class LevelArousal(Stateful):
    """Whitened distance of a vector's recent mean from its mean over the last thousand samples.

    The recent mean is exponential, over ten samples (the control chart of Roberts 1959): a small
    shift that stays is no error and no unusual sample, and soon far beyond chance.
    """

    _recent: State[Annotated[NDArray[np.float64], FINITE]]
    _usual: State[Whitening]
    _count: State[Count] = 0

    def __init__(self, size: int) -> None:
        """`size`: components."""
        self._recent = np.zeros(size)
        self._usual = Whitening(size, LEVEL_HORIZON)

    def observe(self, vector: NDArray[np.float64], pace: float = 1.0) -> float:
        """Raw arousal (>= 0) of a vector float64 [size], usually about 1."""
        self._count += 1
        self._recent += (vector - self._recent) / min(self._count, RECENT)
        return self._usual.observe(self._recent, pace)
