"""Which samples of a stream are published where fewer are wanted than come."""

from __future__ import annotations

from sage_common.core.clock import NS_PER_S
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful

EARLY = 0.1
"""A sample may come so much of a period early: stamps jitter."""


class RateLimit(Stateful):
    """Lets samples through at a rate, regularly: one that is late does not put off the next.

    Attributes:
        max_rate_hz: at most so many a second [Hz]; 0: all.
    """

    max_rate_hz: State[float] = 0.0
    _due_ns: State[int] = 0

    def admits(self, stamp_ns: int) -> bool:
        """Whether a sample is published; its stamp [ns] counts."""
        if self.max_rate_hz <= 0.0:
            return True
        period_ns = round(NS_PER_S / self.max_rate_hz)
        early_ns = self._due_ns - stamp_ns
        if EARLY * period_ns < early_ns <= period_ns:
            return False
        on_time = abs(early_ns) <= period_ns
        self._due_ns = (self._due_ns if on_time else stamp_ns) + period_ns
        return True
