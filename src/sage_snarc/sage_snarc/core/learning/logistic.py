"""Does this moment matter? Logistic regression on judged moments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import FINITE, Range
from sage_common.core.state.stateful import Stateful

Vector = NDArray[np.float64]

STEPS = 3
HALVINGS = 4
INTERCEPT_SPREAD = 10.0
LARGEST_INTERCEPT = 10.0
EDGE = 1e-4


def log_odds(share: float) -> float:
    """Log-odds of a share 0..1, bounded: shares beyond 0.0001 and 0.9999 count as these."""
    kept = min(max(share, EDGE), 1.0 - EDGE)
    return math.log(kept / (1.0 - kept))


def share_of(log_odds: float) -> float:
    """The share with these log-odds: > 0, for its logarithm is taken; at most 1."""
    if log_odds < 0.0:
        odds = math.exp(max(log_odds, -700.0))
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + math.exp(-log_odds))


class LogisticRegression(Stateful):
    """Weights of features, regularised towards a prior and bounded.

    The mode of the posterior under a Gaussian prior (Bishop 2006, ch. 4.3 to 4.5), by Newton's
    method that goes on from the last weights: each outcome moves them little, so few steps do.
    The intercept takes up how often anything matters; its prior is all but flat.

    """

    _values: State[Annotated[Vector, FINITE]]

    def __init__(self, prior: Vector, spread: float, low: float, high: float) -> None:
        """Begin with the weights `prior` [d].

        Args:
            prior: what the weights are without evidence, each in [low, high].
            spread: standard deviation of the prior around it, > 0.
            low, high: bounds of every weight.
        """
        self._prior = np.append(prior, 0.0)
        precision = np.full(len(self._prior), spread**-2.0)
        precision[-1] = INTERCEPT_SPREAD**-2.0
        self._precision = precision
        self._low = np.append(np.full(len(prior), low), -LARGEST_INTERCEPT)
        self._high = np.append(np.full(len(prior), high), LARGEST_INTERCEPT)
        self._values = self._prior.copy()

    @property
    def weights(self) -> Vector:
        """Of the features, float64 [d]; the prior before the first fit."""
        weights: Vector = self._values[:-1]
        return weights

    @property
    def intercept(self) -> float:
        """Log-odds of a moment whose features are all 0."""
        return float(self._values[-1])

    def log_odds(self, features: Vector) -> float:
        """Log-odds that a moment with these features [d] matters."""
        return float(features @ self._values[:-1]) + float(self._values[-1])

    def fit(self, features: Vector, mattered: NDArray[np.bool_], counts: Vector) -> None:
        """Go to the mode of the posterior.

        Args:
            features: of the judged moments, float64 [n, d], n >= 1.
            mattered: bool [n].
            counts: how much each judgement counts, float64 [n], > 0.
        """
        design = np.column_stack((features, np.ones(len(features))))
        loss = self._loss(self._values, design, mattered, counts)
        for _ in range(STEPS):
            shares = _shares(design @ self._values)
            offset = self._values - self._prior
            slope = design.T @ (counts * (shares - mattered)) + self._precision * offset
            curvature = (design.T * (counts * shares * (1.0 - shares))) @ design
            curvature.flat[:: len(slope) + 1] += self._precision
            step = np.linalg.solve(curvature, slope)
            for halving in range(HALVINGS):
                values = np.clip(self._values - step * 0.5**halving, self._low, self._high)
                lower = self._loss(values, design, mattered, counts)
                if lower < loss:
                    break
            else:
                return
            self._values, loss = values, lower

    def check_values(self, values: Mapping[str, Any]) -> None:
        for low, high, value in zip(self._low, self._high, values["values"], strict=True):
            Range(low, high).check("values", value)

    def _loss(
        self, values: Vector, design: Vector, mattered: NDArray[np.bool_], counts: Vector
    ) -> float:
        """Negative logarithm of the posterior, up to a constant."""
        signed = np.where(mattered, 1.0, -1.0) * (design @ values)
        offset = values - self._prior
        return float(counts @ np.logaddexp(0.0, -signed) + 0.5 * self._precision @ offset**2)


def _shares(log_odds: Vector) -> Vector:
    shares: Vector = 0.5 * (1.0 + np.tanh(0.5 * log_odds))
    return shares
