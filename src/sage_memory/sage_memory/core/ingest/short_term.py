"""Short-term memory: a moment is judged when newer ones are there to compare it with."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sage_common.core.clock import NS_PER_S
from sage_common.core.puzzle import GRID, Percept
from sage_common.core.ring import RingBuffer
from sage_common.core.state.arrays import Arrays, json_of
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful

HISTORY = 600
LEARNING_MOMENTS = 20
"""Below this many moments the recent past says nothing yet, and has no threshold."""
SLACK = 3.0
"""Moments that may pass the threshold, for each that the spacing lets through."""
DIMENSION_NAMES = ("surprise", "novelty", "arousal", "reward", "conflict", "total", "score")
WORD_NAMES = ("modality", "source", "encoder_id", "text")


@dataclass(frozen=True)
class Moment:
    """A percept with its salience.

    Attributes:
        percept: what was sensed.
        surprise, novelty, arousal, reward, conflict: [0, 1] of its own modality.
        total: [0, 1] fused over all modalities.
        score: [0, 1] what it is judged by.
        reason: why it matters, in words.
        context: modality -> its five dimensions, of all live ones then; None: unknown.
        alarms_per_hour: how often as much is said while nothing happens, over all modalities [1/h];
            infinite: unknown, as in the states of older versions.
    """

    percept: Percept
    surprise: float
    novelty: float
    arousal: float
    reward: float
    conflict: float
    total: float
    score: float
    reason: str
    context: Mapping[str, tuple[float, ...]] | None = None
    alarms_per_hour: float = math.inf


@dataclass(frozen=True)
class RetentionPolicy:
    """How moments are judged.

    Attributes:
        capacity: moments in the buffer.
        newer: moments that must follow one before it is judged, < capacity.
        false_alarms_per_hour: kept is what comes this often or less while nothing happens [1/h].
        spacing_s: least time between two kept moments of one modality.
        patience_s: a moment is judged after this time even if fewer moments follow.
    """

    capacity: int = 10
    newer: int = 3
    false_alarms_per_hour: float = 60.0
    spacing_s: float = 1.0
    patience_s: float = 2.0


class ShortTermMemory(Stateful):
    """The newest moments of one modality, and which of them are worth keeping.

    Kept is a local maximum of the score (within the spacing, and what the buffer holds) that is
    rare enough while nothing happens, and reaches the threshold: the quantile of the recent past
    above which a few moments per spacing lie. A modality slower than the spacing has none.
    """

    _moments: State[deque[Moment]]
    _unjudged: State[int] = 0
    _past: State[RingBuffer]
    """Stamps [s] and scores."""
    _last_kept_ns: State[int | None] = None

    def __init__(self, policy: RetentionPolicy) -> None:
        if not 0 <= policy.newer < policy.capacity:
            raise ValueError(
                f"newer = {policy.newer}: expected 0 to capacity - 1 = {policy.capacity - 1}"
            )
        self._rules = policy
        self._spacing_ns = round(policy.spacing_s * NS_PER_S)
        self._moments = deque(maxlen=policy.capacity)
        self._past = RingBuffer(HISTORY, (2,), np.float64)  # stamp [s], score

    def __len__(self) -> int:
        return len(self._moments)

    @property
    def newest(self) -> Moment | None:
        """The moment that was added last."""
        return self._moments[-1] if self._moments else None

    def after(self, stamp_ns: int) -> Moment | None:
        """The first moment from a time on, of the few that are held; None if there is none."""
        later = (moment for moment in self._moments if moment.percept.stamp_ns >= stamp_ns)
        return next(later, None)

    def has_kept(self, start_ns: int, end_ns: int) -> bool:
        """Whether the last moment that was kept lies in this time."""
        return self._last_kept_ns is not None and start_ns <= self._last_kept_ns <= end_ns

    def add(self, moment: Moment) -> Moment | None:
        """Add a moment; the one that is now judged and kept, if any.

        A stamp before the newest one (a recording that starts again) empties the buffer.
        """
        if self._moments and moment.percept.stamp_ns < self._moments[-1].percept.stamp_ns:
            self._moments.clear()
            self._unjudged = 0
            self._last_kept_ns = None
        self._moments.append(moment)
        self._unjudged += 1
        return self._judge_oldest() if self._unjudged > self._rules.newer else None

    def expire(self, now_ns: int) -> list[Moment]:
        """Judge what has waited longer than the patience; the kept ones, oldest first."""
        limit = now_ns - round(self._rules.patience_s * NS_PER_S)
        kept = []
        while self._unjudged and self._moments[-self._unjudged].percept.stamp_ns <= limit:
            judged = self._judge_oldest()
            if judged is not None:
                kept.append(judged)
        return kept

    @property
    def threshold(self) -> float:
        """Least score that is kept now, of what is rare enough."""
        past = np.asarray(self._past.latest(), np.float64)
        if len(past) < LEARNING_MOMENTS:
            return 0.0
        # A bag that was recorded earlier takes time back: then nothing can be said of the rate.
        span_s = max(float(past[-1, 0] - past[0, 0]), 0.0)
        wanted = min(SLACK * span_s / (self._rules.spacing_s * len(past)), 1.0)
        return float(np.quantile(past[:, 1], 1.0 - wanted))

    def _judge_oldest(self) -> Moment | None:
        position = len(self._moments) - self._unjudged
        moment = self._moments[position]
        self._unjudged -= 1
        kept = self._is_kept(moment, position)
        seconds = moment.percept.stamp_ns / NS_PER_S
        self._past.extend(np.array([[seconds, moment.score]]))
        if kept:
            self._last_kept_ns = moment.percept.stamp_ns
        return moment if kept else None

    def _is_kept(self, moment: Moment, position: int) -> bool:
        if moment.alarms_per_hour > self._rules.false_alarms_per_hour:
            return False
        stamp = moment.percept.stamp_ns
        if self._last_kept_ns is not None and stamp - self._last_kept_ns < self._spacing_ns:
            return False
        for index, other in enumerate(self._moments):
            if abs(other.percept.stamp_ns - stamp) >= self._spacing_ns:
                continue
            # on a plateau the first is the maximum, so a constant scene is kept once at most
            if index < position and other.score >= moment.score:
                return False
            if index > position and other.score > moment.score:
                return False
        return moment.score >= self.threshold

    def restored(self) -> None:
        self._unjudged = min(self._unjudged, len(self._moments))

    def from_old(self, old: Arrays) -> dict[str, object]:
        ends = np.cumsum(old["embedding_sizes"])
        rows = zip(
            old["stamps"].tolist(),
            json_of(old["words"]),
            old["codes"].reshape(-1, GRID, GRID),
            np.split(old["embeddings"].astype(np.float32), ends[:-1]),
            old["dimensions"].tolist(),
            strict=False,
        )
        moments = [
            Moment(
                Percept(stamp, words[0], words[1], grid, embedding, words[2], words[3]),
                **dict(zip(DIMENSION_NAMES, row, strict=True)),
                reason=words[4],
                context=words[5] and {key: tuple(item) for key, item in words[5].items()},
            )
            for stamp, words, grid, embedding, row in rows
        ]
        past = RingBuffer(HISTORY, (2,), np.float64)
        past.extend(old["past"].reshape(-1, 2))
        unjudged, last = old["position"].tolist()
        kept = {"moments": moments, "unjudged": unjudged, "past": past}
        return {**kept, "last_kept_ns": None if last < 0 else last}
