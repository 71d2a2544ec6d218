"""Reward: what came of situations like this one?"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.ranges import NOT_NEGATIVE, Count, Range
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.novelty import Neighbour

RECENT = 4096
MOST_TRIALS = 20.0
BANDWIDTH = 0.25
UNKNOWN = 0.5


class Reward(Stateful):
    """Value of remembered situations, learned from outcomes, read by a kernel over distance.

    Kernel regression (Nadaraya 1964, Watson 1964) over the slots of the novelty memory whose
    outcome is known, with one pseudo-observation of "unknown" (0.5): far from every judged
    situation the answer is 0.5. Each slot holds the running mean of its outcomes.
    """

    _value: State[Annotated[NDArray[np.float64], Range(-1.0, 1.0)]]
    _trials: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _owner: State[Annotated[NDArray[np.int64], NOT_NEGATIVE]]
    _stamps: State[NDArray[np.int64]]
    _slots: State[Annotated[NDArray[np.int64], NOT_NEGATIVE]]
    _ids: State[Annotated[NDArray[np.int64], NOT_NEGATIVE]]
    _next: State[Count] = 0

    def __init__(self, capacity: int) -> None:
        self._value = np.zeros(capacity)
        self._trials = np.zeros(capacity)
        self._owner = np.zeros(capacity, np.int64)
        self._stamps = np.full(RECENT, np.iinfo(np.int64).min, np.int64)
        self._slots = np.zeros(RECENT, np.int64)
        self._ids = np.zeros(RECENT, np.int64)
        self._judged = np.zeros(0, np.int64)

    def predict(self, near: Neighbour, ids: NDArray[np.int64]) -> float:
        """Value of the present situation in [0, 1]; `ids` are the novelty memory's."""
        if not len(self._judged) or near.unit <= 0.0:
            return UNKNOWN
        judged = self._judged[self._owner[self._judged] == ids[self._judged]]
        if not len(judged):
            return UNKNOWN
        squared = np.maximum(near.squared[judged], 0.0) / (BANDWIDTH * near.unit) ** 2
        weight = np.exp(-0.5 * squared) * self._trials[judged]
        return float(0.5 + 0.5 * (weight @ self._value[judged]) / (weight.sum() + 1.0))

    def visit(self, slot: int, sample_id: int, stamp_ns: int) -> None:
        """Note that the situation in `slot` (whose content is `sample_id`) was there."""
        place = self._next % RECENT
        self._stamps[place] = stamp_ns
        self._slots[place] = slot
        self._ids[place] = sample_id
        self._next += 1

    def learn(self, start_ns: int, end_ns: int, reward: float) -> int:
        """Judge the situations of a time span by `reward` (-1..1).

        Returns:
            Number of situations judged: 0 if none of the last 4,096 samples lies in the span.

        Raises:
            InvalidInput: a reward beyond -1..1.
        """
        if not isinstance(reward, Real) or not -1.0 <= reward <= 1.0:
            raise InvalidInput("reward", reward, "a number from -1 to 1")
        places = np.flatnonzero((self._stamps >= start_ns) & (self._stamps <= end_ns))
        places = places[np.argsort(self._stamps[places], kind="stable")]
        # A slot that changed hands within the span is judged for what it holds last.
        newest: dict[int, int] = dict(
            zip(self._slots[places].tolist(), self._ids[places].tolist(), strict=True)
        )
        for slot, sample_id in newest.items():
            if self._owner[slot] != sample_id:
                self._owner[slot] = sample_id
                self._value[slot] = self._trials[slot] = 0.0
            self._trials[slot] = min(self._trials[slot] + 1.0, MOST_TRIALS)
            self._value[slot] += (reward - self._value[slot]) / self._trials[slot]
        self._judged = np.flatnonzero(self._trials > 0.0)
        return len(newest)

    def check_values(self, values: Mapping[str, Any]) -> None:
        Range(0, len(self._value) - 1).check("slots", values["slots"])

    def restored(self) -> None:
        self._judged = np.flatnonzero(self._trials > 0.0)
