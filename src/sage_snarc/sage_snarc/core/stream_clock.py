"""The time of a stream: how often its samples come, and when it stopped."""

from __future__ import annotations

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import Count, NotNegative, Stamp
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.calibration.false_alarms import USUAL_PER_HOUR

GAP_S = 1.0
GAP_PERIODS = 10.0
PERIOD_SMOOTHING = 0.05
GAPS = 3
"""So many in a row are a new rate."""
LEAST_PERIOD_S = 1e-4
USUAL_PERIOD_S = 0.1


class StreamClock(Stateful):
    """Follows the stamps of a stream's samples.

    Attributes:
        period_s: usual time between two samples [s]; 0 while unknown.
    """

    old_keys = renamed(clock=("last_ns", "count"), period_s="period")
    new_keys = frozenset({"gaps"})
    period_s: State[NotNegative] = 0.0
    _last_ns: State[Stamp] = 0
    _count: State[Count] = 0
    _gaps: State[Count] = 0

    def follow(self, stamp_ns: int) -> tuple[bool, float]:
        """Whether there was a gap before a sample, and the time since the last one [s].

        A gap is a pause of more than 1 s and ten periods, or a clock that goes back. The time is 0
        after a gap, and of the first sample.
        """
        elapsed_s = (stamp_ns - self._last_ns) * 1e-9
        self._last_ns = stamp_ns
        self._count += 1
        if self._count == 1 or elapsed_s < 0.0:
            return self._count > 1, 0.0
        if elapsed_s == 0.0:
            return False, 0.0
        if self._count > 2 and elapsed_s > max(GAP_S, GAP_PERIODS * self.period_s):
            self._gaps += 1
            self.period_s = elapsed_s if self._gaps >= GAPS else self.period_s
            return True, 0.0
        self._gaps = 0
        smoothing = PERIOD_SMOOTHING if self.period_s > 0.0 else 1.0
        self.period_s += smoothing * (max(elapsed_s, LEAST_PERIOD_S) - self.period_s)
        return False, elapsed_s

    @property
    def samples_per_hour(self) -> float:
        """Usual rate of samples [1/h], > 0."""
        return 3600.0 / self.period_s if self.period_s > 0.0 else USUAL_PER_HOUR

    @property
    def usual_per_hour(self) -> float:
        """What is usual comes with every sample, or ten times a second where they come faster."""
        return min(USUAL_PER_HOUR, self.samples_per_hour)

    @property
    def pace(self) -> float:
        """By how much horizons in samples are longer where samples come fast, >= 1."""
        return max(USUAL_PERIOD_S / self.period_s, 1.0) if self.period_s > 0.0 else 1.0
