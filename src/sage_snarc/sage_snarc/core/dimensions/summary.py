"""The few numbers that sum up the newest sample, watched by themselves and with a short memory."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import Count, NotNegative
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.surprise import Surprise
from sage_snarc.core.dimensions.whitening import Whitening

HORIZON, TURNING_HORIZON = 50, 30
FLOOR = 0.002
"""Of an embedding: lengths below it are nothing."""
LEAST_SEEN = 5


class Summary(Stateful):
    """Raw arousal and surprise of the numbers at the end of an embedding.

    A distance over many components hides what happens in a few of them. Where an encoder puts the
    few that matter most at the end (how strongly the body turns, shakes and is struck), these are
    whitened on their own. A moving body changes its manner within seconds, so they are compared
    with the last 50 samples only. The first of them (how fast it turns about the vertical) is also
    watched by its size alone, and one-sidedly: to turn faster than lately is an event, to turn
    slower is none.
    """

    new_keys = frozenset({"turning"})
    _turning: State[Rise]
    _usual: State[Whitening]
    _predictor: State[Surprise]

    def __init__(self, size: int) -> None:
        """`size`: how many numbers."""
        self._size = size
        self._turning = Rise()
        self._usual = Whitening(size, HORIZON, floor=FLOOR)
        self._predictor = Surprise(size, FLOOR)

    def observe(
        self, vector: NDArray[np.float32], gap: bool
    ) -> tuple[tuple[float, float], tuple[float]]:
        """Arousals and whitened errors of the end of `vector`, float32 [n], usually about 1.

        The error is 0 where nothing was predicted, as of `Surprise`.
        """
        newest = vector[-self._size :].astype(np.float64)
        arousals = (self._usual.observe(newest), self._turning.observe(abs(float(newest[0]))))
        return arousals, (self._predictor.observe(newest, 0.0, gap),)


class Rise(Stateful):
    """How far a number is above its mean over the last three seconds, in spreads of that time."""

    _count: State[Count] = 0
    _mean: State[NotNegative] = 0.0
    _variance: State[NotNegative] = 0.0

    def observe(self, value: float) -> float:
        """Of a finite `value`, >= 0; 0 for the first five."""
        self._count += 1
        rate = 1.0 / min(self._count, TURNING_HORIZON)
        offset = value - self._mean
        rise = max(offset, 0.0) / math.sqrt(self._variance + FLOOR * FLOOR)
        self._mean += rate * offset
        self._variance += rate * ((1.0 - rate) * offset * offset - self._variance)
        return rise if self._count > LEAST_SEEN else 0.0
