"""Surprise: how wrong was the prediction, in units of how wrong it usually is?"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, Count, NotNegative
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.whitening import Whitening

STEP = 0.05
MEAN_HORIZON = 300
USUAL_HORIZON = 300
COEFFICIENT_LIMIT = 1.5
TINY = 1e-200


class Surprise(Stateful):
    """Online linear predictor of a vector stream, adapted by normalised LMS.

    Per component `i`: `x̂_i(t) = m_i + a_i (x_i(t-1) - m_i) + b_i (x_i(t-2) - m_i)`, where `m` is
    an exponential mean and `a, b` follow the error (normalised LMS: Widrow and Hoff 1960, Nagumo
    and Noda 1967). It starts as persistence (a = 1, b = 0), learns to fall back on the mean in
    noise and to alternate in an alternation. Its surprise is the length of the error, whitened by
    the covariance of the errors of the last few hundred samples (the normalised innovation
    squared of Kalman filtering: Bar-Shalom, Li and Kirubarajan 2001, ch. 5), so the sensor's
    scale and offset cancel, and an error where there never is one counts more than a larger one
    where there always are.
    """

    old_keys = renamed(scalars=("count", "lags", "error"))
    count: State[Count] = 0
    error: State[NotNegative] = 0.0
    _lags: State[Count] = 0
    _mean: State[Annotated[NDArray[np.float64], FINITE]]
    _power: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _weights: State[Annotated[NDArray[np.float64], FINITE]]
    _past: State[Annotated[NDArray[np.float64], FINITE]]
    _errors: State[Whitening]

    def __init__(self, size: int, floor: float = 0.0, shrunk: bool = False) -> None:
        """`size`: components. `floor`: smallest usual error that means anything; 0: free scale.

        `shrunk`: as of `Whitening`.
        """
        self.floor = floor
        self._mean = np.zeros(size)
        self._power = np.zeros(size)
        self._weights = np.stack([np.ones(size), np.zeros(size)])
        self._past = np.zeros((2, size))
        self._errors = Whitening(size, USUAL_HORIZON, False, floor, shrunk)

    def observe(
        self, vector: NDArray[np.float64], resolution: float, gap: bool, pace: float = 1.0
    ) -> float:
        """Whitened error of the prediction of `vector`, usually about 1; then learn from it.

        0 where nothing was predicted: the first two samples, and the first after a `gap`. Errors
        up to `resolution` (the number format's, in the vector's units) count as none.
        """
        if gap:
            self._lags = 0
        ratio = 0.0
        if self._lags > 0:
            ratio = self._compare(vector, resolution, pace)
        self.count += 1
        centred = vector - self._mean
        if self.count == 1:
            self._mean += centred
        else:
            rate = 1.0 / min(self.count, MEAN_HORIZON * pace)
            self._mean += rate * centred
            self._power += rate * (centred * centred - self._power)
        # After a gap both lags hold the same sample: the step across the gap is not a trend.
        self._past[1] = self._past[0] if self._lags else vector
        self._past[0] = vector
        self._lags += 1
        return ratio

    def _compare(self, vector: NDArray[np.float64], resolution: float, pace: float) -> float:
        inputs = self._past - self._mean
        parts = self._weights * inputs
        error = vector - self._mean
        error -= parts[0]
        error -= parts[1]
        self.error = math.sqrt(float(error @ error))
        if self.error <= resolution:
            self.error = 0.0
            error[:] = 0.0
        ratio = self._errors.observe(error, pace)
        self._adapt(inputs, error)
        return ratio

    def _adapt(self, inputs: NDArray[np.float64], error: NDArray[np.float64]) -> None:
        squares = inputs * inputs
        energy = squares[0]
        energy += squares[1]
        energy += self._power
        # The error itself bounds the step where the inputs are next to nothing.
        energy += error * error
        energy += TINY
        error *= STEP
        error /= energy
        self._weights += error * inputs
        if self.count % 8 == 0:
            np.clip(self._weights, -COEFFICIENT_LIMIT, COEFFICIENT_LIMIT, out=self._weights)
