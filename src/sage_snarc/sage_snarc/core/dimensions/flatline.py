"""Has a stream that always varied stopped to vary?"""

from __future__ import annotations

import math
from collections import deque
from itertools import islice

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.dimension import MOST, NOTHING, Reading
from sage_snarc.core.dimensions.quantile import Quantile

LOW_SHARE = 0.05
LEAST_SEEN = 50
RECENT = 40
SPEAKS = 10
RESOLUTION = 0.02
UNIT = 0.5
HORIZON = 1000


class Flatline(Stateful):
    """The other side of surprise: the stream changes far less than it nearly ever did.

    A camera that freezes, or a motor that stops, is an event, though every predictor of it does
    better than before. The measure is the larger of the last two changes, so that one small step
    of a noisy stream is no lull. The excess is twice the logarithm of the ratio to the smaller of
    the past's 0.05 quantile and the least of 30 samples that end 10 samples ago: a quieter scene
    is no lull for long, and a lull that stays speaks for 10 samples.

    On a free scale nothing says how small a change of a few numbers may be by chance, so there the
    logarithm is taken in units of its own usual spread, from the median to the 0.05 quantile, and
    a stop (no change at all) counts for as much as stops are rare (log20 of one over their rate).
    """

    old_keys = renamed(last=("last", "stop_rate"))
    _stop_rate: State[float] = 0.0
    _changes: State[Quantile]
    _recent: State[deque[float]]
    _last: State[float] = 0.0
    _count: State[int] = 0

    def __init__(self, floor: float = 0.0, spreads: float = 0.0) -> None:
        """Watch a stream's changes.

        Args:
            floor: absolute resolution of a change; 0: free scale.
            spreads: log ratios of the median to the 0.05 quantile that make an excess of 1; 0:
                half a natural logarithm does, whatever is usual.
        """
        self.floor = floor
        self.spreads = spreads
        self._changes = Quantile()
        self._recent = deque(maxlen=RECENT)

    def observe(self, change: float, gap: bool) -> Reading:
        """Compare a change (>= 0) with the past; NOTHING after a `gap` and among the first 50."""
        if gap:
            self._count = 0
            return NOTHING
        value, self._last = max(change, self._last), change
        self._count += 1
        if self._count < 2:
            return NOTHING
        reading = self._compare(value) if self._count > LEAST_SEEN else NOTHING
        stops = value == 0.0 and len(self._recent) > 0 and self._recent[-1] > 0.0
        self._stop_rate += (float(stops) - self._stop_rate) / min(self._count, HORIZON)
        self._recent.append(value)
        self._changes.add(value)
        return reading

    def _compare(self, value: float) -> Reading:
        floor = self.floor + RESOLUTION * self._changes.value(0.5)
        before = islice(self._recent, RECENT - SPEAKS)
        low = min(self._changes.value(LOW_SHARE), *before) + floor
        if value + floor >= low:
            return NOTHING
        if self.spreads and value == 0.0:
            excess = self._rarity_of_stops
        else:
            excess = math.log(low / (value + floor)) / self._unit(floor)
        return Reading(1.0 - LOW_SHARE, min(excess, MOST))

    @property
    def _rarity_of_stops(self) -> float:
        """log20 of one over their rate; beyond all bounds if there was none."""
        return math.log(self._stop_rate) / math.log(LOW_SHARE) if self._stop_rate > 0.0 else MOST

    def _unit(self, floor: float) -> float:
        """Logarithm that makes an excess of 1."""
        middle, low = (self._changes.value(share) + floor for share in (0.5, LOW_SHARE))
        return max(self.spreads * math.log(middle / low), UNIT)
