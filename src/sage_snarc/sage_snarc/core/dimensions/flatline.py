"""Has a stream that always varied stopped to vary?"""

from __future__ import annotations

import math
from collections import deque
from itertools import islice

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import Count, NotNegative, Share
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.calibration.dimension import NOTHING, Reading
from sage_snarc.core.calibration.quantile import Quantile
from sage_snarc.core.calibration.tail import Tail

LOW_SHARE = 0.05
LEAST_SEEN = 50
RECENT = 40
SPEAKS = 10
RESOLUTION = 0.02
LEAST_RATIO = 1.5
HORIZON = 1000


class Flatline(Stateful):
    """The other side of surprise: the stream changes far less than it nearly ever did.

    A camera that freezes, or a motor that stops, is an event, though every predictor of it does
    better than before. The measure is how many times smaller the larger of the last two changes is
    than the smaller of the past's 0.05 quantile and the least of 30 samples that end 10 samples
    ago: a quieter scene is not flat for long, and a flat stream speaks for 10 samples. Where
    samples come faster than ten a second, a change is the largest of a tenth of a second. Less than
    1.5 times is none, however rare: so it is beside a floor.

    No change at all has no ratio. There the chance of a stop of that length is that of a two-state
    Markov chain, whose transitions are counted: where values often repeat by chance, a repetition
    is nothing.
    """

    old_keys = renamed(last=("last", "stop_rate"))
    new_keys = frozenset({"stay_rate", "stays", "stopped", "ratios", "largest", "pooled"})
    _stop_rate: State[Share] = 1.0
    _stay_rate: State[Share] = 0.5
    _stays: State[NotNegative] = 2.0
    _stopped: State[Count] = 0
    _changes: State[Quantile]
    _ratios: State[Tail]
    _recent: State[deque[NotNegative]]
    _last: State[NotNegative] = 0.0
    _largest: State[NotNegative] = 0.0
    """Change of the tenth of a second before, and of the one that goes on."""
    _pooled: State[Count] = 0
    _count: State[Count] = 0

    def __init__(self, floor: float = 0.0) -> None:
        """`floor`: absolute resolution of a change; 0: free scale."""
        self.floor = floor
        self._changes = Quantile()
        self._ratios = Tail()
        self._recent = deque(maxlen=RECENT)

    def observe(self, change: float, gap: bool, horizon: int, pace: float = 1.0) -> Reading:
        """Compare a change (>= 0) with the past; NOTHING after a `gap` and among the first 50.

        `horizon`: samples of memory. `pace`: samples in a tenth of a second, at least 1.
        """
        if gap:
            self._count = 0
            return NOTHING
        self._largest, self._pooled = max(self._largest, change), self._pooled + 1
        value = max(self._largest, self._last)
        whole = self._pooled >= round(pace)
        if whole:
            self._last, self._largest, self._pooled = self._largest, 0.0, 0
        self._count += 1
        if self._count < 2:
            return NOTHING
        ratio = self._ratio(value)
        stop = self._stop(change)
        reading = NOTHING
        if self._count > LEAST_SEEN and self._stopped <= SPEAKS * pace:
            excess = max(self._ratios.excess(ratio) if ratio > LEAST_RATIO else 0.0, stop)
            reading = Reading(1.0 - LOW_SHARE, excess) if excess > 0.0 else NOTHING
        self._ratios.add(ratio, horizon)
        if whole:
            self._recent.append(value)
        self._changes.add(value, horizon)
        return reading

    def _ratio(self, value: float) -> float:
        floor = self.floor + RESOLUTION * self._changes.value(0.5)
        before = islice(self._recent, RECENT - SPEAKS)
        low = min((self._changes.value(LOW_SHARE), *before)) + floor
        return low / (value + floor) if value + floor > 0.0 else 0.0

    def _stop(self, change: float) -> float:
        """`-ln` of the chance of as many changes of 0 in a row as there are now; then count."""
        still = change == 0.0
        if self._stopped:
            self._stays = min(self._stays + 1.0, float(HORIZON))
            self._stay_rate += (float(still) - self._stay_rate) / self._stays
        else:
            self._stop_rate += (float(still) - self._stop_rate) / min(self._count + 1, HORIZON)
        self._stopped = self._stopped + 1 if still else 0
        if not self._stopped or self._stop_rate <= 0.0:
            return 0.0
        return -math.log(self._stop_rate) - (self._stopped - 1) * math.log(self._stay_rate)
