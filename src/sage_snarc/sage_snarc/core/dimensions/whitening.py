"""How unusual is a vector, in units of how its components usually vary together?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, Count, Range, Share
from sage_common.core.state.stateful import Stateful

RIDGE = 0.02
EVIDENCE = 4
REFRESH = 16
EAGER = 48
LEAST_SEEN = 5
LARGEST = 1e6
FARTHEST = 8.0


class Whitening(Stateful):
    """Mahalanobis distance (1936) to an exponential mean, with an exponential covariance.

    Divided by the root of the number of components, so what is usual is about 1 in any number of
    dimensions; scales, offsets and correlations of the components cancel. This is what finds a
    weak change along a direction in which little happens beside a strong usual one. The
    covariance carries a ridge of 2 % of its mean variance (and `floor^2` altogether). It learns,
    and is inverted anew, every 16 samples; at first with every sample.
    """

    old_keys = renamed(counts=("count", "known", "filled"))
    count: State[Count] = 0
    _mean: State[Annotated[NDArray[np.float64], FINITE]]
    _covariance: State[Annotated[NDArray[np.float64], FINITE]]
    _inverse: State[Annotated[NDArray[np.float64], FINITE]]
    _known: State[bool] = False
    _waiting: State[Annotated[NDArray[np.float64], FINITE]]
    _weights: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _decay: State[Share] = 1.0
    _filled: State[Annotated[int, Range(0, REFRESH - 1)]] = 0

    def __init__(
        self,
        size: int,
        horizon: int,
        centred: bool = True,
        floor: float = 0.0,
        shrunk: bool = False,
    ) -> None:
        """`size`: components. `horizon`: samples of memory. `centred`: False: the mean is 0.

        `floor`: length below which a vector is nothing; 0: free scale. `shrunk`: the fewer samples
        are known, the nearer is the covariance to equal variances (Ledoit and Wolf 2004), so that
        distances mean something from the first seconds on.
        """
        self.horizon = horizon
        self.centred = centred
        self._shrunk = shrunk
        self._floor_variance = floor * floor / size
        self._mean = np.zeros(size)
        self._covariance = np.zeros((size, size))
        self._inverse = np.zeros((size, size))
        self._waiting = np.zeros((REFRESH, size))
        self._weights = np.zeros(REFRESH)

    def observe(self, vector: NDArray[np.float64], pace: float = 1.0) -> float:
        """Distance of `vector` float64 [size], 0..1e6; then it becomes usual.

        `pace`: factor of the horizon, >= 1, for a stream whose samples come fast.

        0 for the first five samples, and for what does not differ from the mean at all.
        """
        offset = vector - self._mean if self.centred else vector
        distance = self._distance(offset) if self.count >= LEAST_SEEN else 0.0
        self.count += 1
        rate = 1.0 / min(self.count, self.horizon * pace)
        kept = 1.0 - rate
        # A glitch must not blind for a horizon (Huber 1964): it counts as if it were that far.
        share = min(FARTHEST / distance, 1.0) if self._known and distance > 0.0 else 1.0
        if self.centred:
            self._mean += (rate * share) * offset
        self._weights *= kept
        self._decay *= kept
        self._waiting[self._filled] = offset
        self._weights[self._filled] = (rate * kept if self.centred else rate) * share * share
        self._filled += 1
        if self._filled == REFRESH or self.count < EAGER:
            self._learn()
        return distance

    def check_values(self, values: Mapping[str, Any]) -> None:
        NOT_NEGATIVE.check("covariance", np.diag(values["covariance"]))

    @property
    def metric(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Copies of the mean and of the inverse covariance."""
        return self._mean.copy(), self._inverse.copy()

    def _distance(self, offset: NDArray[np.float64]) -> float:
        if not self._known:
            return LARGEST if offset.any() else 0.0
        square = float(offset @ (self._inverse @ offset)) / len(offset)
        return min(math.sqrt(max(square, 0.0)), LARGEST)

    def _learn(self) -> None:
        waiting = self._waiting[: self._filled]
        weighted = waiting * self._weights[: self._filled, None]
        self._covariance *= self._decay
        self._covariance += weighted.T @ waiting
        self._decay, self._filled = 1.0, 0
        size = len(self._mean)
        variance = float(self._covariance.trace()) / size
        share = size / (size + EVIDENCE * self.count) if self._shrunk else 0.0
        ridge = (RIDGE + share) * variance + self._floor_variance
        # What never varied has no inverse: any difference from it is as large as can be.
        self._known = ridge > 0.0 and math.isfinite(1.0 / ridge)
        if self._known:
            ridged = self._covariance.copy()
            ridged *= 1.0 - share
            ridged.flat[:: size + 1] += ridge
            self._inverse = np.linalg.inv(ridged)
