"""Weights of what fusion sees, learned from outcomes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import Finite, Range, Stamp
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.learning.logistic import LogisticRegression, log_odds, share_of
from sage_snarc.core.learning.outcome_window import OutcomeWindow
from sage_snarc.core.learning.recent_ticks import RecentTicks, ScoredTick, Scores
from sage_snarc.core.learning.trust import Trust

SPREAD = 0.15
BOUND = 2.0
LEAST_SCALE, LARGEST_SCALE = 0.25, 4.0


class Signs(NamedTuple):
    """Log-odds of what one modality says of a moment."""

    total: float
    surprise: float
    novelty: float
    arousal: float

    @classmethod
    def of(cls, total: float, surprise: float, novelty: float, arousal: float) -> Signs:
        """From salience, each 0..1."""
        return cls(log_odds(total), log_odds(surprise), log_odds(novelty), log_odds(arousal))


SILENT = Signs.of(0.0, 0.0, 0.0, 0.0)
_PARTS = ("", *(f"/{name}" for name in Signs._fields[1:]))


@dataclass(frozen=True)
class Learned:
    """What has been learned from outcomes, and whether that has paid off.

    Attributes:
        stamp_ns: stamp of the newest outcome learned from [ns]; 0 before the first.
        names: of the features: "audio" (its total), "audio/surprise", ..., "conflict", "equal".
        weights: of the features, in that order, each within +-2; 0, and 1 for "equal", before the
            first outcome.
        trust: share of the learned score in the fused one, [0, 1].
        successes, failures: outcomes learned from, by the sign of their reward.
        auroc_fused, auroc_learned, auroc_equal: of the last 512 outcomes, each judged before it
            was learned from, [0, 1]; NaN until both kinds have come.
    """

    stamp_ns: int
    names: tuple[str, ...]
    weights: tuple[float, ...]
    trust: float
    successes: int
    failures: int
    auroc_fused: float
    auroc_learned: float
    auroc_equal: float


class OutcomeWeights(Stateful):
    """Learns from outcomes what in the modalities' salience mattered, and how far to trust that.

    A moment's features are log-odds (bounded by 0.0001 and 0.9999): of each modality's total,
    surprise, novelty and arousal (0 if it is not live), of the conflict, and of the score with
    equal weights. The learned score is a logistic regression on them, fitted to the last 512
    outcomes. Its prior is 1 for the equal score and 0 for all else, with a spread of 0.15, so
    without evidence it says what equal weights say; weights are bounded by 2. What it publishes has
    the mean and spread, in log-odds, that equal weights have on the last 4,096 ticks, and no
    intercept: outcomes may order moments anew, but however many are good, they do not make every
    moment salient.

    The fused score is `(1 - trust) equal + trust learned`, see `Trust`.

    Attributes:
        names: of the features.
        recent: the last ticks.
        verdicts: the last outcomes.
    """

    old_keys = renamed(scale=("offset", "scale"), stamp_ns="stamp", outcomes="verdicts")
    _model: State[LogisticRegression]
    _rival: State[LogisticRegression]
    _trust: State[Trust]
    recent: State[RecentTicks]
    outcomes: State[OutcomeWindow]
    _offset: State[Finite] = 0.0
    _scale: State[Annotated[float, Range(LEAST_SCALE, LARGEST_SCALE)]] = 1.0
    _stamp_ns: State[Stamp] = 0

    def __init__(self, modalities: Sequence[str]) -> None:
        self.modalities = tuple(sorted(modalities))
        parts = [f"{name}{part}" for name in self.modalities for part in _PARTS]
        self.names = (*parts, "conflict", "equal")
        prior = np.zeros(len(self.names))
        prior[-1] = 1.0
        self._model = LogisticRegression(prior, SPREAD, -BOUND, BOUND)
        # Equal weights as a forecast: how often anything matters, and how much the score says.
        self._rival = LogisticRegression(prior[-1:], SPREAD, 0.0, BOUND)
        self._trust = Trust()
        self.recent = RecentTicks(len(self.names))
        self.outcomes = OutcomeWindow(len(self.names))

    @property
    def trust(self) -> float:
        """Share of the learned score in the fused one, [0, 1]."""
        return self._trust.trust

    def judge(
        self, stamp_ns: int, live: Mapping[str, Signs], conflict: float, equal: float
    ) -> Scores:
        """Score a fusion tick, and remember it.

        Args:
            live: what the live modalities say.
            conflict: [0, 1].
            equal: score with equal weights, [0, 1].
        """
        odds: list[float] = []
        for name in self.modalities:
            odds += live.get(name, SILENT)
        odds += (log_odds(conflict), log_odds(equal))
        features = np.array(odds)
        raw = float(features @ self._model.weights)
        learned = share_of(self._offset + self._scale * raw)
        fused = equal + self.trust * (learned - equal)
        scores = Scores(fused, learned, equal)
        self.recent.add(stamp_ns, features, scores)
        return scores

    def shares(self, live: Sequence[str]) -> dict[str, float]:
        """Weight of each live modality in the fused score, >= 0, sum 1.

        With equal weights all are equal. A modality's learned weight is the sum of its features'
        weights, with its part of the equal score's, as far as they are positive. The two are mixed
        by trust.
        """
        even = 1.0 / len(live)
        if self.trust == 0.0:
            return dict.fromkeys(live, even)
        by_name = dict(zip(self.names, self._model.weights.tolist(), strict=True))
        common = max(by_name["equal"], 0.0) * even
        pulls = {
            name: max(sum(by_name[name + part] for part in _PARTS) + common, 0.0) for name in live
        }
        whole = sum(pulls[name] for name in sorted(live))
        if whole <= 0.0:
            return dict.fromkeys(live, even)
        return {
            name: (1.0 - self.trust) * even + self.trust * pull / whole
            for name, pull in pulls.items()
        }

    def learn(self, start_ns: int, end_ns: int, reward: float, stamp_ns: int) -> bool:
        """Learn from an outcome about a time span: `reward` > 0 it mattered, < 0 it did not.

        What is learned are the features of the tick in the span with the largest equal score, and
        what is judged are the largest scores of the span. The outcome counts as much as the reward
        is large.

        Args:
            reward: -1..1.
            stamp_ns: when it was judged.

        Returns:
            False if none of the last 4,096 ticks lies in the span, or the reward is 0.

        Raises:
            InvalidInput: a reward beyond -1..1, or a span that ends before it starts.
        """
        if not -1.0 <= reward <= 1.0:
            raise InvalidInput("reward", reward, "a number from -1 to 1")
        if end_ns < start_ns:
            raise InvalidInput("end_ns", end_ns, f"not before the start, {start_ns}")
        moment = self.recent.strongest(start_ns, end_ns)
        if moment is None or reward == 0.0:
            return False
        self.outcomes.add(moment, reward)
        self._weigh(moment, reward)
        self._fit()
        self._stamp_ns = stamp_ns
        return True

    def _weigh(self, moment: ScoredTick, reward: float) -> None:
        """Let trust follow what the two forecasts gave for the outcome, before they learn."""
        sign = math.copysign(1.0, reward)
        learned = share_of(sign * self._model.log_odds(moment.features))
        equal = share_of(sign * self._rival.log_odds(moment.features[-1:]))
        self._trust.judge(equal, learned, abs(reward), self.outcomes.advantage())

    def _fit(self) -> None:
        rewards, features = self.outcomes.rewards, self.outcomes.features
        self._model.fit(features, rewards > 0.0, np.abs(rewards))
        self._rival.fit(features[:, -1:], rewards > 0.0, np.abs(rewards))
        raw, equal = self.recent.features @ self._model.weights, self.recent.features[:, -1]
        scale = float(equal.std()) / max(float(raw.std()), 1e-9)
        self._scale = min(max(scale, LEAST_SCALE), LARGEST_SCALE)
        self._offset = float(equal.mean()) - self._scale * float(raw.mean())

    def report(self) -> Learned:
        """What has been learned, and whether that has paid off."""
        areas = self.outcomes.areas()
        return Learned(
            stamp_ns=self._stamp_ns,
            names=self.names,
            weights=tuple(self._model.weights.tolist()),
            trust=self.trust,
            successes=self.outcomes.successes,
            failures=self.outcomes.failures,
            auroc_fused=areas.fused,
            auroc_learned=areas.learned,
            auroc_equal=areas.equal,
        )
