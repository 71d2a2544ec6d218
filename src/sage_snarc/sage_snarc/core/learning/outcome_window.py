"""The last outcomes: which moments they judged, and what had been said of these."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, SHARE, Range
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.learning.auroc import Advantage, advantage, auroc
from sage_snarc.core.learning.recent_ticks import ScoredTick, Scores

JUDGED = 512


class OutcomeWindow(Stateful):
    """The last 512 outcomes, with the features and the scores of the moments that they judged.

    Scores are those said when the moments came, so before anything was learned from its outcome:
    what is computed from them is prequential (Dawid 1984).
    """

    _features: State[Annotated[NDArray[np.float64], FINITE]]
    _scores: State[Annotated[NDArray[np.float64], SHARE]]
    _rewards: State[Annotated[NDArray[np.float64], Range(-1.0, 1.0)]]
    _counts: State[Annotated[NDArray[np.int64], NOT_NEGATIVE]]

    def __init__(self, features: int) -> None:
        """Hold moments of so many features."""
        self._features = np.zeros((JUDGED, features))
        self._scores = np.zeros((JUDGED, len(Scores._fields)))
        self._rewards = np.zeros(JUDGED)
        self._counts = np.zeros(2, np.int64)

    @property
    def successes(self) -> int:
        """Outcomes with a positive reward, all that ever came."""
        return int(self._counts[0])

    @property
    def failures(self) -> int:
        """Outcomes with a negative reward, all that ever came."""
        return int(self._counts[1])

    def add(self, moment: ScoredTick, reward: float) -> None:
        """Note that `moment` was judged by `reward` (-1..1, not 0)."""
        place = int(self._counts.sum()) % JUDGED
        self._features[place] = moment.features
        self._scores[place] = moment.scores
        self._rewards[place] = reward
        self._counts[int(reward < 0.0)] += 1

    @property
    def features(self) -> NDArray[np.float64]:
        """Of the moments judged, float64 [n, d]; a view."""
        return self._features[: self._held]

    @property
    def rewards(self) -> NDArray[np.float64]:
        """Of the outcomes, float64 [n], -1..1, never 0; a view."""
        return self._rewards[: self._held]

    def areas(self) -> Scores:
        """AUROC of each score, [0, 1]; NaN until there are outcomes of both signs."""
        mattered = self.rewards > 0.0
        return Scores(*(auroc(scores, mattered) for scores in self._scores[: self._held].T))

    def advantage(self) -> Advantage:
        """Of the learned score over equal weights."""
        _, learned, equal = self._scores[: self._held].T
        return advantage(learned, equal, self.rewards > 0.0)

    @property
    def _held(self) -> int:
        return min(int(self._counts.sum()), JUDGED)
