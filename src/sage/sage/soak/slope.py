"""A straight line through measurements over time, with an error that allows for their memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 5
NORMAL_95 = 1.96


@dataclass(frozen=True)
class Slope:
    """How a quantity grows.

    Attributes:
        per_hour: growth in an hour, in the quantity's unit.
        error: its standard error, in the same unit.
        samples: measurements behind it.
    """

    per_hour: float
    error: float
    samples: int

    @property
    def low(self) -> float:
        """Lower end of the interval that holds the slope with 95 %."""
        return self.per_hour - NORMAL_95 * self.error

    @property
    def high(self) -> float:
        """Upper end of that interval."""
        return self.per_hour + NORMAL_95 * self.error


def slope_of(time_s: Sequence[float], values: Sequence[float]) -> Slope:
    """The slope by ordinary least squares.

    Memory grows in steps and stays, so neighbouring residuals are alike, and the usual error would
    be several times too small. This one is that of Newey and West (Econometrica 55, 1987): the
    residuals' covariances up to 2 sqrt(n) samples apart, with weights that fall linearly.

    Args:
        time_s: when each was measured, evenly spaced [s].
        values: what was measured.

    Raises:
        ValueError: fewer than `FEWEST` measurements, or all at one time.
    """
    count = len(time_s)
    if count < FEWEST:
        raise ValueError(f"{count} measurements: expected at least {FEWEST}")
    hours = np.asarray(time_s, np.float64) / 3600.0
    hours -= hours.mean()
    spread = float(hours @ hours)
    if spread == 0.0:
        raise ValueError("all measurements are of one time: expected several")
    y = np.asarray(values, np.float64)
    per_hour = float(hours @ (y - y.mean())) / spread
    scores = hours * (y - y.mean() - per_hour * hours)
    lags = min(int(2.0 * math.sqrt(count)), count - 1)
    total = float(scores @ scores)
    for lag in range(1, lags + 1):
        total += 2.0 * (1.0 - lag / (lags + 1)) * float(scores[lag:] @ scores[:-lag])
    error = math.sqrt(max(total, 0.0) * count / (count - 2)) / spread
    return Slope(per_hour, error, count)
