"""Health of one input (is it alive, at its rate, and valid?), and of the machine's memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from sage_common.core.clock import NS_PER_S
from sage_common.core.diagnosis.timing import Timing
from sage_common.core.state.fields import Fixed, State
from sage_common.core.state.stateful import Stateful

RATE_SMOOTHING = 0.1
RATE_TOLERANCE = 0.5
REJECTION_S = 10.0
"""So long an input is said to be wrong after a message was."""


class PressureLevel(IntEnum):
    """How tight memory is, as `sage_msgs/ResourcePressure` numbers it."""

    GREEN = 0
    YELLOW = 1
    ORANGE = 2
    RED = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """Its name for people: green, yellow, ..."""
        return self.name.lower()


@dataclass
class InputHealth(Stateful):
    """Counters and freshness of one subscribed topic.

    Attributes:
        topic: full name.
        rate_hz: nominal rate; 0 for events, which have neither a rate nor an age limit.
        max_age_s: older than this, the input is not alive; 0: never too old.
        received: messages delivered to the callback.
        rejected: messages dropped because a field was wrong.
        last_fault: the newest fault in words; empty if there was none.
        refused: why the middleware does not connect a publisher (QoS); empty if it does.
        busy_ns: time spent in the callback, in total [ns].
        slowest_ns: the longest single callback [ns].
        timing: measures each callback, too; None: none does.
    """

    topic: Fixed[str]
    rate_hz: float = 0.0
    max_age_s: float = 0.0
    received: State[int] = 0
    rejected: State[int] = 0
    last_fault: State[str] = ""
    refused: State[str] = ""
    busy_ns: State[int] = 0
    slowest_ns: State[int] = 0
    timing: Timing | None = field(default=None, repr=False)
    _last_arrival_ns: State[int | None] = field(default=None, repr=False)
    _period_s: State[float] = field(default=0.0, repr=False)
    _rejected_ns: State[int | None] = field(default=None, repr=False)
    """When the newest message was dropped; None: it was good."""

    def expect(self, rate_hz: float) -> None:
        """From now on messages come at another nominal rate."""
        if rate_hz != self.rate_hz:
            self.rate_hz = rate_hz
            self._period_s = 1.0 / rate_hz if rate_hz > 0.0 else 0.0

    def accept(self, now_ns: int) -> None:
        """Count a good message that arrived at `now_ns`."""
        if self._last_arrival_ns is not None:
            period_s = max(now_ns - self._last_arrival_ns, 0) / NS_PER_S
            smoothing = RATE_SMOOTHING if self._period_s else 1.0
            self._period_s += smoothing * (period_s - self._period_s)
        self._last_arrival_ns = now_ns
        self._rejected_ns = None
        self.received += 1

    def reject(self, fault: str, now_ns: int) -> None:
        """Count a message that was dropped at `now_ns` because of `fault`."""
        self.rejected += 1
        self.last_fault = fault
        self._rejected_ns = now_ns

    def took(self, duration_ns: int) -> None:
        """Count the time of one callback."""
        self.busy_ns += duration_ns
        self.slowest_ns = max(self.slowest_ns, duration_ns)
        if self.timing is not None:
            self.timing.add(duration_ns)

    def age_s(self, now_ns: int) -> float:
        """Time since the newest good message [s]; infinite before the first.

        After a clock was set back it is how far: who falls silent then is seen at once.
        """
        if self._last_arrival_ns is None:
            return float("inf")
        return abs(now_ns - self._last_arrival_ns) / NS_PER_S

    def alive(self, now_ns: int) -> bool:
        """True if a good message came within `max_age_s`; always true for events."""
        if self.max_age_s <= 0.0:
            return True
        return self.age_s(now_ns) <= self.max_age_s

    @property
    def measured_rate_hz(self) -> float:
        """Smoothed rate of arrival [Hz]; 0 before the second message."""
        return 1.0 / self._period_s if self._period_s > 0.0 else 0.0

    @property
    def rate_ok(self) -> bool:
        """True if messages come at no less than half the nominal rate, or have none."""
        if self.rate_hz <= 0.0 or self.received < 2:
            return True
        return self.measured_rate_hz >= RATE_TOLERANCE * self.rate_hz

    def valid(self, now_ns: int) -> bool:
        """True unless the newest message was rejected, within the last `REJECTION_S`.

        Of what comes by events the next good one may be hours away.
        """
        if self._rejected_ns is None:
            return True
        return abs(now_ns - self._rejected_ns) > REJECTION_S * NS_PER_S
