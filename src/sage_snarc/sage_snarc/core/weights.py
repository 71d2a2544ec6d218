"""Weights of the modalities, learned from outcomes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sage_snarc.core.sections import Arrays

STEP = 0.3
BOUND = 1.0
RECENT = 4096


class OutcomeWeights:
    """Bounded multiplicative weights (exponentiated gradient: Kivinen and Warmuth 1997).

    The weight of modality `m` is proportional to `exp(v_m)`, `v` in [-1, 1], so no modality can
    outweigh another by more than e^2 = 7.4. An outcome (-1..1) about a time span moves `v_m` by
    `0.3 * reward * (peak_m - mean peak)`, where `peak_m` is m's largest salience in that span: who
    spoke up before a success gains, who spoke up before a failure loses. All equal until then.
    """

    def __init__(self, modalities: Sequence[str]) -> None:
        self.modalities = tuple(sorted(modalities))
        self._values = np.zeros(len(self.modalities))
        self._stamps = np.full(RECENT, np.iinfo(np.int64).min, np.int64)
        self._totals = np.zeros((RECENT, len(self.modalities)))
        self._next = 0

    def of(self, live: Sequence[str]) -> dict[str, float]:
        """Weights of the live modalities, > 0, sum 1."""
        raw = {name: math.exp(self._values[self.modalities.index(name)]) for name in live}
        whole = sum(raw[name] for name in sorted(raw))
        return {name: value / whole for name, value in raw.items()}

    def visit(self, stamp_ns: int, totals: Mapping[str, float]) -> None:
        """Note the totals (0..1) of the live modalities at a fusion tick."""
        place = self._next % RECENT
        self._stamps[place] = stamp_ns
        self._totals[place] = [totals.get(name, 0.0) for name in self.modalities]
        self._next += 1

    def learn(self, start_ns: int, end_ns: int, reward: float) -> bool:
        """Learn from an outcome `reward` (-1..1) about a time span.

        Returns:
            False if none of the last 4,096 ticks lies in the span.
        """
        within = (self._stamps >= start_ns) & (self._stamps <= end_ns)
        if not within.any():
            return False
        peaks: NDArray[np.float64] = self._totals[within].max(axis=0)
        self._values += STEP * reward * (peaks - peaks.mean())
        np.clip(self._values, -BOUND, BOUND, out=self._values)
        return True

    def state(self) -> Arrays:
        """Everything learned."""
        return {
            "values": self._values.copy(),
            "stamps": self._stamps.copy(),
            "totals": self._totals.copy(),
            "next": np.array(self._next, np.int64),
        }

    def restore(self, state: Arrays) -> None:
        """Continue from `state()` of the same modalities."""
        self._values = np.array(state["values"], np.float64)
        self._stamps = np.array(state["stamps"], np.int64)
        self._totals = np.array(state["totals"], np.float64)
        self._next = int(state["next"])
