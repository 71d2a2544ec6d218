"""How rare is a value this large, also beyond everything seen so far?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.ranges import Finite, NotNegative, Positive
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.calibration.quantile import Quantile

CAPACITY = 2048
TAIL_SHARE = 0.06
LEAST_TAIL = 20
LEAST_SEEN = 10
REFRESH, EAGER = 16, 64
LEAST_SPREAD = 0.005
LONGEST = math.log(1e30)
POWERS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
PRIOR = np.log([0.02, 0.1, 0.38, 0.3, 0.1, 0.1])
INDEPENDENCE = 0.3


class Tail(Stateful):
    """Survival function of a measure (>= 0), learned online, that keeps its order for ever.

    Below the threshold `u`, which a few per cent of the past exceed, the share of the past counts.
    Above it, the Box-Cox transform `y = ((x/u)^c - 1) / c` of an exceedance is taken to be
    exponential: c = 0 is a Pareto tail, 1/2 a stretched exponential, 1 an exponential, 2 a Gaussian
    one, more a bounded one (peaks over threshold: Pickands 1975; Box and Cox 1964). They are
    averaged by their likelihood, and of each the predictive distribution is taken (Lomax), which is
    the wider the fewer exceedances are known: what has not been learned yet is not rare. Far out
    the heaviest tail decides.
    """

    quantile: State[Quantile]
    _log_threshold: State[Finite] = 0.0
    _rarity: State[NotNegative] = 0.0
    """`-ln` of the share of the past beyond the threshold."""
    _shape: State[Positive] = 1.0
    _means: State[list[Positive]]
    """Of each transform of the exceedances; none: there are no exceedances."""
    _weights: State[list[Finite]]
    """Logarithms of what each transform is believed."""

    def __init__(self, floor: float = 0.0) -> None:
        """`floor`: the measure's absolute resolution: what is small beside it is nothing."""
        self.floor = floor
        self.quantile = Quantile(CAPACITY)
        self._means = []
        self._weights = []

    def excess(self, value: float) -> float:
        """`-ln p`, p the chance of a value at least as large as `value`; 0 while unknown."""
        if len(self.quantile) < LEAST_SEEN:
            return 0.0
        if not self._means:
            return self._excess_within(value)
        floored = value + self.floor
        reach = math.log(floored) - self._log_threshold if floored > 0.0 else 0.0
        if reach <= 0.0:
            # The threshold is of up to 16 samples ago, the past is not.
            return min(self._excess_within(value), self._rarity)
        return self._rarity + self._excess_beyond(min(reach, LONGEST))

    def add(self, value: float, horizon: int) -> None:
        """Let `value` (finite, >= 0) become past; `horizon`: samples of memory."""
        self.quantile.add(value, horizon)
        if self.quantile.count % REFRESH == 0 or self.quantile.count < EAGER:
            self._fit()

    def check_values(self, values: Mapping[str, Any]) -> None:
        known = [len(values[name]) for name in ("means", "weights")]
        if known not in ([0, 0], [len(POWERS)] * 2):
            raise InvalidInput(
                "means", f"{known[0]} beside {known[1]} weights", f"{len(POWERS)} each"
            )

    def _excess_within(self, value: float) -> float:
        above = self.quantile.count_from(value)
        return -math.log((above + 0.5) / (len(self.quantile) + 0.5))

    def _excess_beyond(self, reach: float) -> float:
        """`reach`: logarithm of the ratio to the threshold, > 0."""
        terms = [
            weight - self._shape * math.log1p(_transformed(reach, power) / (mean * self._shape))
            for power, mean, weight in zip(POWERS, self._means, self._weights, strict=True)
        ]
        top = max(terms)
        return -top - math.log(sum(math.exp(term - top) for term in terms))

    def _fit(self) -> None:
        kept = np.array(self.quantile.kept) + self.floor
        size = len(kept)
        positive = size - int(np.searchsorted(kept, 0.0, side="right"))
        count = max(min(size // 2, LEAST_TAIL), int(TAIL_SHARE * size))
        count = min(count, positive - 1)
        if count < 1:
            self._means, self._weights = [], []
            return
        threshold = kept[size - count - 1]
        # Of quantised values many are the threshold: then it lies half-way to the next of them.
        first = int(np.searchsorted(kept, threshold, side="right"))
        beyond = kept[first if first < size else size - count :]
        self._log_threshold = math.log(0.5 * (threshold + beyond[0]))
        self._rarity = -math.log(len(beyond) / size)
        self._shape = INDEPENDENCE * len(beyond) + 1.0
        self._believe(np.minimum(np.log(beyond) - self._log_threshold, LONGEST))

    def _believe(self, reaches: NDArray[np.float64]) -> None:
        count, total = len(reaches), float(reaches.sum())
        means = [
            float((np.expm1(power * reaches) / power if power else reaches).mean())
            for power in POWERS
        ]
        self._means = [max(mean + LEAST_SPREAD / count, LEAST_SPREAD) for mean in means]
        scores = np.array(POWERS) * total - count * np.log(self._means) + PRIOR
        scores -= scores.max()
        self._weights = (scores - math.log(float(np.exp(scores).sum()))).tolist()


def _transformed(reach: float, power: float) -> float:
    return math.expm1(power * reach) / power if power else reach
