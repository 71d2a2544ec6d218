"""When a process that ended is started again, and when it is no more."""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class RestartLimits:
    """How often, and after how long.

    Attributes:
        first_s: delay after the first end; it doubles with each one after.
        longest_s: the delay grows no further.
        jitter: part of the delay, to both sides, that chance decides: what ended together does not
            start together.
        most_ends: so many ends within `window_s` are a crash loop: the process is quarantined.
        clean_s: after so long without an end, those before no longer count.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    jitter: float = 0.1
    most_ends: int = 5
    window_s: float = 300.0
    clean_s: float = 600.0


class RestartPolicy:
    """Of one process: exponential back-off with jitter, and a circuit breaker.

    Args:
        limits: how often, and after how long.
        rng: decides the jitter.

    Attributes:
        quarantined: why the process is not started again, in words; empty: it is.
    """

    def __init__(self, limits: RestartLimits, rng: random.Random) -> None:
        self._limits = limits
        self._rng = rng
        self._ends_s: deque[float] = deque(maxlen=limits.most_ends)
        self._doublings = 0
        self.quarantined = ""

    def ended(self, now_s: float) -> float:
        """The process ended by itself; how long to wait before it is started again [s].

        Infinite: it is quarantined.
        """
        limits = self._limits
        if self._ends_s and now_s - self._ends_s[-1] >= limits.clean_s:
            self.release()
        self._ends_s.append(now_s)
        within_s = now_s - self._ends_s[0]
        if len(self._ends_s) == limits.most_ends and within_s <= limits.window_s:
            self.quarantined = f"quarantined: it ended {limits.most_ends} times in {within_s:.0f} s"
            return math.inf
        delay_s = min(math.ldexp(limits.first_s, self._doublings), limits.longest_s)
        self._doublings = min(self._doublings + 1, 64)
        return delay_s * (1.0 + limits.jitter * self._rng.uniform(-1.0, 1.0))

    def release(self) -> None:
        """Nothing is held against it any more."""
        self._ends_s.clear()
        self._doublings = 0
        self.quarantined = ""
