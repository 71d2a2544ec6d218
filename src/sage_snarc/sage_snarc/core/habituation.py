"""Habituation: what comes again and again fades, and recovers when it stays away."""

from __future__ import annotations

import math

import numpy as np

from sage_snarc.core.sections import Arrays

VISIT = 0.4
STAY_S = 2.0
RECOVERY_S = 120.0
LIMIT = 0.97


class Habituation:
    """Strength per remembered situation (a slot of the novelty memory), each in [0, 0.97].

    Each new visit closes 40 % of what is left to full strength (ten visits: 0.97), staying closes
    it with a time constant of 2 s, and absence lets it decay with one of 120 s. This is the
    stimulus-specific, spontaneously recovering decrement of Thompson and Spencer (1966).
    """

    def __init__(self, capacity: int) -> None:
        self._strength = np.zeros(capacity)
        self._updated = np.zeros(capacity, np.int64)
        self._last = -1

    def strength(self, slot: int, stamp_ns: int) -> float:
        """Present strength of a situation, recovery taken into account; 0 for slot -1."""
        if slot < 0:
            return 0.0
        away_s = max(stamp_ns - int(self._updated[slot]), 0) * 1e-9
        return float(self._strength[slot]) * math.exp(-away_s / RECOVERY_S)

    def visit(self, nearest: int, slot: int, match: float, stamp_ns: int, period_s: float) -> None:
        """The situation `slot`, like `nearest` by `match` (0..1), is there for `period_s`.

        A slot of its own inherits from its nearest by how much it matches; so a stimulus fades
        although noise makes each of its presentations a little different.
        """
        inherited = self.strength(nearest, stamp_ns) * match
        if nearest >= 0 and nearest == self._last:
            rate = (1.0 - math.exp(-max(period_s, 0.0) / STAY_S)) * match
        else:
            rate = VISIT
        strength = inherited + rate * (1.0 - inherited)
        self._strength[slot] = min(strength, LIMIT)
        self._updated[slot] = stamp_ns
        self._last = slot

    def state(self) -> Arrays:
        """Everything learned."""
        return {
            "strength": self._strength.copy(),
            "updated": self._updated.copy(),
            "last": np.array(self._last, np.int64),
        }

    def restore(self, state: Arrays) -> None:
        """Continue from `state()`."""
        self._strength = np.array(state["strength"], np.float64)
        self._updated = np.array(state["updated"], np.int64)
        self._last = int(state["last"])
