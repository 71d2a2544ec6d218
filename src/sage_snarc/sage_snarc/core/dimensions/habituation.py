"""Habituation: what comes again and again fades, and recovers when it stays away."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import NOT_NEGATIVE, Range, Share, Stamp
from sage_common.core.state.stateful import Stateful

STAY_S = 1.0
RECOVERY_S = 120.0
LIMIT = 0.97
REACH = 2.0
REACH_OF_ALL = 0.3
HORIZON = 3.0
LEAST_FADE = 1e-6


class Habituation(Stateful):
    """How used one is to the present situation, from the doses that it and its like have had.

    Each remembered situation (a slot of the novelty memory) holds a dose: its salience
    (0..1), once for every new visit and once for every second of staying, decaying with a time
    constant of 120 s. One gets used to what is salient; the rest needs no getting used to,
    and what is a little like it must not be muffled. The present one's
    habituation is `1 - exp(-sum k_i dose_i)`, `k_i = 1 / (1 + (d_i / R)^4)` up to 3 R. `R` is
    twice the usual distance to the nearest, but at most 0.3 of the present root mean square
    distance to all: repetitions that differ by noise share their doses, a drift leaves its doses
    behind, and where everything is equally far from everything nothing is a repetition.
    This is the stimulus-specific, graded, spontaneously recovering decrement of Thompson and
    Spencer (1966).
    """

    old_keys = renamed(last=("last_slot", "last_ns", "stays"))
    _dose: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _fade: State[Share] = 1.0
    """All doses fade alike, so one factor fades for all; doses are kept divided by it."""
    _last_slot: State[Annotated[int, Range(-1)]] = -1
    _last_ns: State[Stamp] = 0
    _stays: State[bool] = False

    def __init__(self, capacity: int) -> None:
        self._dose = np.zeros(capacity)

    def strength(self, squared: NDArray[np.float32], usual: float, stamp_ns: int) -> float:
        """Habituation to the present situation, [0, 0.97].

        Args:
            squared: its squared distances to all slots in use, float32 [count].
            usual: usual distance to the nearest slot, >= 0.
        """
        away_s = max(stamp_ns - self._last_ns, 0) * 1e-9
        self._fade *= math.exp(-away_s / RECOVERY_S)
        self._last_ns = stamp_ns
        self._stays = False
        if not len(squared):
            return 0.0
        around = math.sqrt(max(float(squared.sum()), 0.0) / len(squared))
        reach = min(REACH * usual, REACH_OF_ALL * around)
        near = (squared <= (HORIZON * reach) ** 2).nonzero()[0]
        if self._last_slot >= 0:
            self._stays = float(squared[self._last_slot]) <= reach * reach
        if not len(near):
            return 0.0
        dose = float(_kernel(squared[near], reach) @ self._dose[near]) * self._fade
        return min(1.0 - math.exp(-dose), LIMIT)

    def visit(self, slot: int, fresh: bool, salience: float, period_s: float) -> None:
        """The situation asked about last is in `slot`, `fresh` if just put there.

        Args:
            salience: its own before habituation, 0..1.
            period_s: time since the last sample [s].
        """
        if fresh:
            self._dose[slot] = 0.0
        if self._fade < LEAST_FADE:
            self._dose *= self._fade
            self._fade = 1.0
        taken = salience * min(period_s / STAY_S, 1.0) if self._stays else salience
        self._dose[slot] += taken / self._fade
        self._last_slot = slot

    def check_values(self, values: Mapping[str, Any]) -> None:
        Range(-1, len(self._dose) - 1).check("last_slot", values["last_slot"])


def _kernel(squared: NDArray[np.float32], reach: float) -> NDArray[np.float64]:
    """1 / (1 + (d / reach)^4) of squared distances up to 3 reaches; 1 if the reach is 0."""
    if reach <= 0.0:
        return np.ones(len(squared))
    ratio = np.maximum(squared, 0.0, dtype=np.float64) / (reach * reach)
    return np.reciprocal(1.0 + ratio * ratio)
