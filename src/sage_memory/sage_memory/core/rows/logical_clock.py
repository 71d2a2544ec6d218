"""Hybrid logical clock: stamps that order changes over devices whose clocks disagree.

Kulkarni et al. 2014, "Logical Physical Clocks and Consistent Snapshots in Globally
Distributed Databases".
"""

from __future__ import annotations

import threading

from sage_common.core.clock import NS_PER_MS, Clock

COUNTER_BITS = 16


class LogicalClock:
    """Stamps that always ascend, and stay near the clock where it ascends.

    A stamp is one integer: milliseconds in the upper 48 bits, a counter in the lower 16; the
    database orders it as it is. A counter that overflows carries into the milliseconds.

    Args:
        clock: the physical clock; it may go backwards.
        last: the newest stamp given or seen before, 0 if none.
    """

    def __init__(self, clock: Clock, last: int = 0) -> None:
        self._clock = clock
        self._last = last
        self._lock = threading.Lock()

    @property
    def last(self) -> int:
        """The newest stamp given or seen."""
        return self._last

    def tick(self) -> int:
        """A stamp for a local change, greater than every one before."""
        physical = (self._clock.now_ns() // NS_PER_MS) << COUNTER_BITS
        with self._lock:
            self._last = max(physical, self._last + 1)
            return self._last

    def observe(self, stamp: int) -> None:
        """Note a stamp from elsewhere: later local ones will be greater."""
        with self._lock:
            self._last = max(self._last, stamp)
