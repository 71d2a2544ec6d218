"""From a raw measure to a calibrated dimension and to what it contributes to salience."""

from __future__ import annotations

from typing import NamedTuple

from sage_snarc.core.quantile import Quantile
from sage_snarc.core.sections import Arrays

USUAL_SHARE = 0.8
HALF_CONTRAST = 1.5
STEEPNESS = 6


class Reading(NamedTuple):
    """One calibrated reading.

    Attributes:
        rank: share of the past that was smaller, [0, 1).
        drive: how strongly it speaks for salience, [0, 1].
    """

    rank: float
    drive: float


class Dimension:
    """A raw measure (>= 0), its calibration and its drive.

    A rank alone cannot be salience: in a steady stream ranks are uniform, half of them above 0.5,
    however little happens. What is salient is rare *and* large beside what is usual. So
    `drive = rarity * contrast`: `rarity` rises from 0 at the median to 1, and
    `contrast = r^6 / (r^6 + 1.5^6)` of the ratio `r` to the usual, the past's 0.8 quantile (0.08
    at the usual, 0.5 at 1.5 times that, 0.85 at twice). `floor` is the measure's absolute
    resolution and is added to the usual: what is small beside it is nothing, however rare; 0 for
    free scales.
    """

    def __init__(self, floor: float = 0.0) -> None:
        self.floor = floor
        self.quantile = Quantile()

    def observe(self, value: float) -> Reading:
        """Rank `value` (finite, >= 0) against the past, then let it become past."""
        rank = self.quantile.rank(value)
        reading = Reading(rank, max(0.0, 2.0 * rank - 1.0) * self.contrast(value))
        self.quantile.add(value)
        return reading

    @property
    def usual(self) -> float:
        """What is usual: the past's 0.8 quantile plus the floor."""
        return self.quantile.value(USUAL_SHARE) + self.floor

    def contrast(self, value: float) -> float:
        """How far `value` stands out of the usual, in [0, 1]."""
        usual = self.usual
        if usual <= 0.0:
            return 1.0 if value > 0.0 else 0.0
        ratio = min(value / usual, 1e6) ** STEEPNESS
        return ratio / (ratio + HALF_CONTRAST**STEEPNESS)

    def state(self) -> Arrays:
        """Everything learned."""
        return self.quantile.state()

    def restore(self, state: Arrays) -> None:
        """Continue from `state()`."""
        self.quantile.restore(state)
