"""The last fusion ticks, so that an outcome finds the moment that it judges."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import FINITE, SHARE, Count
from sage_common.core.state.stateful import Stateful

RECENT = 4096
NEVER = np.iinfo(np.int64).min


class Scores(NamedTuple):
    """What was said of a moment when it came, each 0..1."""

    fused: float
    learned: float
    equal: float


class ScoredTick(NamedTuple):
    """The fusion tick that stands for a time span.

    Attributes:
        features: float64 [d].
        scores: the largest of each that were said in the span.
    """

    features: NDArray[np.float64]
    scores: Scores


class RecentTicks(Stateful):
    """The last 4,096 fusion ticks: stamps, features and scores."""

    _stamps: State[NDArray[np.int64]]
    _features: State[Annotated[NDArray[np.float64], FINITE]]
    _scores: State[Annotated[NDArray[np.float64], SHARE]]
    _next: State[Count] = 0

    def __init__(self, features: int) -> None:
        """Remember ticks of so many features."""
        self._stamps = np.full(RECENT, NEVER, np.int64)
        self._features = np.zeros((RECENT, features))
        self._scores = np.zeros((RECENT, len(Scores._fields)))

    def add(self, stamp_ns: int, features: NDArray[np.float64], scores: Scores) -> None:
        """Remember a tick."""
        place = self._next % RECENT
        self._stamps[place] = stamp_ns
        self._features[place] = features
        self._scores[place] = scores
        self._next += 1

    @property
    def features(self) -> NDArray[np.float64]:
        """Features of the remembered ticks, float64 [n, d]; a view."""
        return self._features[: min(self._next, RECENT)]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores of the remembered ticks, float64 [n, 3]; a view."""
        return self._scores[: min(self._next, RECENT)]

    def strongest(self, start_ns: int, end_ns: int) -> ScoredTick | None:
        """The tick in a time span with the largest equal score; None if there is no tick."""
        within = np.flatnonzero((self._stamps >= start_ns) & (self._stamps <= end_ns))
        if not len(within):
            return None
        place = within[int(self._scores[within, -1].argmax())]
        scores = Scores(*(float(score) for score in self._scores[within].max(axis=0)))
        return ScoredTick(self._features[place].copy(), scores)
