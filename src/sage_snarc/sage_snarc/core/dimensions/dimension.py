"""From a raw measure to a calibrated dimension and to what it contributes to salience."""

from __future__ import annotations

import math
from typing import NamedTuple

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.quantile import Quantile

HIGH_SHARE = 0.95
LEAST_SPREAD = 0.25
LEAST_SEEN = 10
REFRESH, EAGER = 8, 64
MOST = 5.0
HALF = 1.3
STEEPNESS = 3


class Reading(NamedTuple):
    """One calibrated reading.

    Attributes:
        rank: share of the past that was smaller, [0, 1).
        excess: how far beyond what is usual, [0, 5]: 0 up to the past's median, 1 at its 0.95
            quantile, 2 as far above that again, by ratio.
    """

    rank: float
    excess: float

    @property
    def drive(self) -> float:
        """How strongly it speaks for salience by itself, [0, 1)."""
        return drive_of(self.excess)


NOTHING = Reading(0.0, 0.0)


class Dimension(Stateful):
    """A raw measure (>= 0), its calibration and its excess.

    A rank alone cannot be salience: in a steady stream ranks are uniform, however little happens,
    and they say nothing of how far beyond the largest something is. The excess is the logarithm
    of the ratio to the past's median in units of that of the past's 0.95 quantile, but of at
    least 0.25: where everything is nearly alike, nothing stands out.

    Where most of the past is 0 (repeated or quantised values), what is not 0 is compared with its
    like, and its rarity is added: log20 of one over the share that is not 0, which is 1 at 5 %.
    """

    old_keys = renamed(quantile="", scale=("middle", "spread", "rarity"))
    quantile: State[Quantile]
    _rarity: State[float] = 0.0
    _middle: State[float] = 0.0
    _spread: State[float] = LEAST_SPREAD

    def __init__(self, floor: float = 0.0, spreads: float = 1.0) -> None:
        """Calibrate a measure.

        Args:
            floor: its absolute resolution: what is small beside it is nothing, however rare; 0:
                free scale.
            spreads: log ratios of the 0.95 quantile to the median that make an excess of 1.
        """
        self.floor = floor
        self.spreads = spreads
        self.quantile = Quantile()

    def observe(self, value: float) -> Reading:
        """Compare `value` (finite, >= 0) with the past, then let it become past."""
        reading = Reading(self.quantile.rank(value), self.excess(value))
        self.quantile.add(value)
        # Quantiles of hundreds of values move slowly.
        if self.quantile.count % REFRESH == 0 or self.quantile.count < EAGER:
            self._calibrate()
        return reading

    def excess(self, value: float) -> float:
        """How far `value` is beyond what is usual, [0, 5]; 0 while less than ten are known."""
        floored = value + self.floor
        if floored <= (0.0 if self._rarity else self._middle) or len(self.quantile) < LEAST_SEEN:
            return 0.0
        if self._middle <= 0.0:
            return MOST
        beyond = max(math.log(floored / self._middle), 0.0) / self._spread
        return min(self._rarity + beyond, MOST)

    def _calibrate(self) -> None:
        zeros = self.quantile.share_of_zeros if self.floor <= 0.0 else 0.0
        below = zeros if zeros > 0.5 else 0.0
        above = 1.0 - below
        self._rarity = math.log(above) / math.log(1.0 - HIGH_SHARE) if 0.0 < above < 1.0 else 0.0
        self._middle = self.quantile.value(below + 0.5 * above) + self.floor
        high = self.quantile.value(below + HIGH_SHARE * above) + self.floor
        ratio = high / self._middle if self._middle > 0.0 else 1.0
        self._spread = max(self.spreads * math.log(ratio), LEAST_SPREAD)


def drive_of(excess: float) -> float:
    """Excess (>= 0) as a number in [0, 1): 0.03 at 0.4, 0.31 at 1, 0.78 at 2, 0.92 at 3."""
    cubed = excess**STEEPNESS
    return cubed / (cubed + HALF**STEEPNESS)
