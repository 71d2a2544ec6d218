"""Several tail probabilities of one moment as one, whatever they have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, Count, Positive
from sage_common.core.state.stateful import Stateful

HORIZON = 2000
PRIOR = 50
PRIOR_VARIANCE = 0.8
CLIP = 4.0
REFRESH = 8
LEAST_VARIANCE = 1e-6


class Combination(Stateful):
    """Brown's method (1975): the weighted sum of `-ln p` as a scaled gamma variable.

    Were the parts independent, twice their sum would be chi-square (Fisher 1932); what they have in
    common makes it wider. Their correlation is followed online (the empirical Brown's method: Poole
    et al. 2016), of values clipped at 4, so that events in which all are large do not count as
    what they usually have in common. Parts that never speak, or speak in turns, count as
    independent.
    """

    _count: State[Count] = 0
    _mean: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _covariance: State[Annotated[NDArray[np.float64], FINITE]]
    _shape: State[Positive] = 1.0
    _scale: State[Positive] = 1.0

    def __init__(self, weights: Sequence[float]) -> None:
        """`weights`: of the parts, > 0."""
        self._weights = tuple(weights)
        self._mean = np.ones(len(weights))
        self._covariance = PRIOR_VARIANCE * np.eye(len(weights))
        self._refresh()

    def excess(self, excesses: Sequence[float]) -> float:
        """`-ln p` of all parts together; `excesses`: `-ln p` of each, >= 0."""
        weighted = sum(w * x for w, x in zip(self._weights, excesses, strict=True))
        return -log_gamma_survival(self._shape, weighted / self._scale)

    def learn(self, excesses: Sequence[float]) -> None:
        """Follow what the parts have in common."""
        self._count += 1
        rate = 1.0 / min(self._count + PRIOR, HORIZON)
        offset = np.minimum(excesses, CLIP) - self._mean
        self._mean += rate * offset
        self._covariance *= 1.0 - rate
        self._covariance += (rate * (1.0 - rate)) * np.outer(offset, offset)
        if self._count % REFRESH == 0:
            self._refresh()

    def check_values(self, values: Mapping[str, Any]) -> None:
        NOT_NEGATIVE.check("covariance", np.diag(values["covariance"]))

    def _refresh(self) -> None:
        weights = np.array(self._weights)
        deviation = np.sqrt(np.maximum(np.diag(self._covariance), LEAST_VARIANCE))
        scaled = weights / deviation
        total = float(weights.sum())
        variance = max(float(scaled @ self._covariance @ scaled), float(weights @ weights))
        self._shape = total * total / variance
        self._scale = variance / total


def log_gamma_survival(shape: float, value: float) -> float:
    """`ln Q(shape, value)`, the regularised upper incomplete gamma function, shape in 0.1..100.

    Series and continued fraction of Press et al., Numerical Recipes, ch. 6.2; to 1e-6.
    """
    if value <= 0.0:
        return 0.0
    front = shape * math.log(value) - value - math.lgamma(shape)
    if value < shape + 1.0:
        term = total = 1.0 / shape
        divisor = shape
        while term > 1e-7 * total:
            divisor += 1.0
            term *= value / divisor
            total += term
        return math.log1p(-min(total * math.exp(front), 1.0 - 1e-12))
    b = value + 1.0 - shape
    c, d = 1e300, 1.0 / b
    fraction = d
    for step in range(1, 200):
        a = -step * (step - shape)
        b += 2.0
        d = 1.0 / (a * d + b)
        c = b + a / c
        fraction *= c * d
        if abs(c * d - 1.0) < 1e-7:
            break
    return front + math.log(fraction)
