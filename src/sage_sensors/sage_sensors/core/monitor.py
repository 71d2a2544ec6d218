"""How far a sensor can be trusted: rate, regularity, losses, staleness, a stuck value."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.clock import NS_PER_S
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful

SMOOTHING = 0.05
STALE_PERIODS = 2.0
# Below this a delay says something about the scheduler, not about the sensor.
SHORTEST_STALE_S = 0.05
MIN_REPEATS = 5


@dataclass(frozen=True)
class SensorReport:
    """The state of one sensor.

    Attributes:
        samples: delivered so far.
        rate_hz: smoothed true rate by the stamps; 0 before the second sample.
        consistency: 0..1, regularity of the stamps (1: all periods equal).
        reliability: 0..1, smoothed share of expected samples that came.
        stale: no sample for two periods.
        stuck: the same value again and again.
        trust: 0..1, consistency x reliability; 0 if stale or stuck.
    """

    samples: int
    rate_hz: float
    consistency: float
    reliability: float
    stale: bool
    stuck: bool
    trust: float


class SensorMonitor(Stateful):
    """Watches the samples of one sensor.

    Args:
        period_s: nominal time between samples [s]; 0 for events, which can be neither
            stale nor stuck: people repeat themselves.
        stuck_after_s: the same value for this long (and at least 5 times) counts as stuck [s].
    """

    _period_s: State[float]
    _stuck_repeats: State[int]
    _samples: State[int] = 0
    _last_ns: State[int | None] = None
    _mean_s: State[float] = 0.0
    _deviation: State[float] = 0.0
    _reliability: State[float] = 1.0
    _fingerprint: State[int | None] = None
    _repeats: State[int] = 0
    _begins: State[bool] = True

    def __init__(self, period_s: float, stuck_after_s: float = 1.0) -> None:
        if period_s < 0.0 or stuck_after_s <= 0.0:
            raise ValueError(
                f"period_s, stuck_after_s = {period_s}, {stuck_after_s}: expected >= 0 and > 0"
            )
        self._stuck_after_s = stuck_after_s
        self.expect(period_s)

    def expect(self, period_s: float) -> None:
        """From now on another nominal period [s]; what regularity was learned is forgotten."""
        self._period_s = period_s
        self._stuck_repeats = MIN_REPEATS
        if period_s > 0.0:
            self._stuck_repeats = max(MIN_REPEATS, round(self._stuck_after_s / period_s))
        self._mean_s, self._deviation, self._begins = 0.0, 0.0, True

    def observe(self, stamp_ns: int, fingerprint: int) -> None:
        """Note a sample with its stamp [ns] and a number that equals for equal values."""
        if self._last_ns is not None and not self._begins:
            self._note_gap((stamp_ns - self._last_ns) / NS_PER_S)
        self._begins = False
        self._repeats = self._repeats + 1 if fingerprint == self._fingerprint else 0
        self._fingerprint = fingerprint
        self._last_ns = stamp_ns
        self._samples += 1

    def fault(self) -> None:
        """Note a failed reading or a lost device."""
        self._reliability += SMOOTHING * (0.0 - self._reliability)

    def report(self, now_ns: int) -> SensorReport:
        """The state at `now_ns`."""
        rate_hz = 1.0 / self._mean_s if self._mean_s > 0.0 else 0.0
        consistency = max(0.0, 1.0 - self._deviation)
        stale = self._stale(now_ns)
        stuck = self._period_s > 0.0 and self._repeats >= self._stuck_repeats
        trust = 0.0 if stale or stuck else consistency * self._reliability
        return SensorReport(
            self._samples, rate_hz, consistency, self._reliability, stale, stuck, trust
        )

    def _note_gap(self, gap_s: float) -> None:
        if self._period_s <= 0.0:
            return
        if self._mean_s > 0.0:
            off = min(1.0, abs(gap_s - self._mean_s) / self._mean_s)
            self._deviation += SMOOTHING * (off - self._deviation)
            self._mean_s += SMOOTHING * (max(gap_s, 0.0) - self._mean_s)
        else:
            self._mean_s = max(gap_s, 0.0)
        expected = max(1, round(gap_s / self._period_s))
        self._reliability += SMOOTHING * (1.0 / expected - self._reliability)

    def _stale(self, now_ns: int) -> bool:
        if self._period_s <= 0.0:
            return False
        if self._last_ns is None:
            return True
        limit_s = max(STALE_PERIODS * self._period_s, SHORTEST_STALE_S)
        return abs(now_ns - self._last_ns) / NS_PER_S > limit_s  # a clock may be set back
