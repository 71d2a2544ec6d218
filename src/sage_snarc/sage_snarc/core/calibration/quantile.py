"""Online calibration: how rare is this value in its own past?"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.ranges import Count, NotNegative
from sage_common.core.state.stateful import Stateful

GOLDEN = 0.6180339887498949
PLASTIC = 0.7548776662466927
TOLERANCE = 0.02
PRIOR = 10.0
"""Pseudo-count of values above, so that ranks start at 0 and earn their height."""


class Quantile(Stateful):
    """Ranks values against a bounded, exponentially forgetting sample of their past.

    A sorted sample of at most `capacity` values. Until `horizon` values have been seen it is a
    uniform sample of all of them (reservoir sampling); from then on it forgets exponentially with
    a time constant of `horizon` values. Which values enter and which leave is drawn from
    additive-recurrence low-discrepancy sequences (golden ratio, plastic number) instead of a
    random generator: even over ranks, and bit-equal when resumed.

    Values are non-negative with a natural zero (an error, a distance, a change). Ties are not
    rare: only what lies below `(1 - TOLERANCE) * value` counts, so a constant ranks 0.
    """

    count: State[Count] = 0
    _kept: State[list[NotNegative]]

    def __init__(self, capacity: int = 512) -> None:
        self.capacity = capacity
        self._kept = []

    def __len__(self) -> int:
        return len(self._kept)

    def check_values(self, values: Mapping[str, Any]) -> None:
        kept = values["kept"]
        if any(later < value for value, later in pairwise(kept)):
            raise InvalidInput("kept", kept, "numbers in ascending order")

    def rank(self, value: float) -> float:
        """Share of the past that lies clearly below `value`, in [0, 1); 0 before any past."""
        below = bisect_left(self._kept, value * (1.0 - TOLERANCE))
        return below / (len(self._kept) + PRIOR)

    def value(self, share: float) -> float:
        """The value below which `share` (0..1) of the past lies; 0 before any past."""
        if not self._kept:
            return 0.0
        return self._kept[min(int(share * len(self._kept)), len(self._kept) - 1)]

    @property
    def kept(self) -> list[float]:
        """The sample, ascending; not to be changed."""
        return self._kept

    def count_from(self, value: float) -> int:
        """How many of the sample are at least `value`."""
        return len(self._kept) - bisect_left(self._kept, value)

    def add(self, value: float, horizon: int = 4096) -> None:
        """Let a value (finite, >= 0) become part of the past; `horizon`: samples of memory."""
        self.count += 1
        if len(self._kept) < self.capacity:
            insort(self._kept, value)
            return
        admission = self.capacity / min(self.count, horizon)
        if (self.count * GOLDEN) % 1.0 < admission:
            del self._kept[int((self.count * PLASTIC) % 1.0 * self.capacity)]
            insort(self._kept, value)
