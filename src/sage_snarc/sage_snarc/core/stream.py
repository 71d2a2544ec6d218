"""The five dimensions of one stream of stamped vectors, whatever they mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.arrays import Arrays
from sage_common.core.state.fields import Fixed, State, renamed
from sage_common.core.state.ranges import FINITE, Count
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.calibration.combination import Combination
from sage_snarc.core.calibration.dimension import NOTHING, Dimension, Reading
from sage_snarc.core.calibration.false_alarms import (
    FALSE_ALARMS_PER_HOUR,
    FalseAlarms,
    Salience,
    rarity_of,
    rate_of,
)
from sage_snarc.core.dimensions.arousal import LevelArousal, VectorArousal
from sage_snarc.core.dimensions.bounds import Bounds
from sage_snarc.core.dimensions.code_arousal import (
    NO_DETAILS,
    CodeArousal,
    Details,
    Layout,
    code_arousal,
)
from sage_snarc.core.dimensions.episodes import EpisodeHabituation
from sage_snarc.core.dimensions.flatline import Flatline
from sage_snarc.core.dimensions.habituation import Habituation
from sage_snarc.core.dimensions.novelty import Neighbour, NoveltyMemory
from sage_snarc.core.dimensions.reward import Reward
from sage_snarc.core.dimensions.sketch import sketch
from sage_snarc.core.dimensions.summary import Summary
from sage_snarc.core.dimensions.surprise import Surprise
from sage_snarc.core.observation import Observation
from sage_snarc.core.stream_clock import StreamClock

RAW_FLOOR = 0.3
WEIGHTS = {
    Layout.PICTURE: (1.0, 0.5, 1.0),
    Layout.SCROLL: (1.0, 0.25, 1.0),
    Layout.BODY: (1.0, 1.0, 1.0),
}
FREE_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
"""Of surprise, novelty and arousal; of bare numbers also of their level. That a whole picture or
second is unlike any other says less of what is new in it than that a motion is."""
BELIEF = 2.0
"""So much rarer (`-ln p`) than one in all samples is believed as it is."""
REMEMBERED = 6000


@dataclass(frozen=True)
class Scale:
    """Scales of a stream; absolute ones are 0 where its unit is free (a current, a temperature).

    Attributes:
        error: length of an error, a difference or a change that is nothing [units of the vector].
        distance: distance below which two vectors are the same situation.
        resolution: relative precision of the vector's numbers.
        horizon: samples that arousal compares with, at ten a second.
        flat_price: a flat stream counts as if that were so much less rare (`-ln p`):
            most streams are now and then, and it does not matter.
    """

    error: float = 0.0
    distance: float = 0.0
    resolution: float = 1e-6
    horizon: int = 100
    flat_price: float = 3.0


FREE = Scale()
UNIT = Scale(error=0.02, distance=0.1, resolution=1e-5, horizon=50, flat_price=2.5)


class Stream(Stateful):
    """Online salience of a stream of vectors, optionally with a puzzle beside each.

    The tail probabilities of surprise, novelty and arousal are combined to one, that to a rate of
    false alarms, and the rate to `total`, less what repetition has taken away, more or less by the
    learned value, and corrected by the false alarms that came.

    Long vectors are predicted and whitened through a sketch of 64 numbers; only the memory keeps
    them whole.
    """

    old_keys = renamed(clock="", flatline="lull")
    new_keys = frozenset(
        {"clock", "combined", "episodes", "false_alarms", "level", "levels", "summary"}
    )
    size: Fixed[int]
    memory: State[NoveltyMemory]
    predictor: State[Surprise]
    _flatline: State[Flatline]
    _before: State[Annotated[NDArray[np.float64], FINITE]]
    habituation: State[Habituation]
    _episodes: State[EpisodeHabituation]
    reward: State[Reward]
    _codes: State[CodeArousal]
    _summary: State[Summary | None]
    _vectors: State[VectorArousal]
    _surprise: State[Dimension]
    _distance: State[Dimension]
    _arousal: State[Dimension]
    _level: State[LevelArousal | None]
    _levels: State[Dimension]
    _combined: State[Combination]
    false_alarms: State[FalseAlarms]
    _origin: State[Annotated[NDArray[np.float32], FINITE]]
    _bounds: State[Bounds]
    _clock: State[StreamClock]
    count: State[Count] = 0

    def __init__(
        self,
        size: int,
        capacity: int = 1000,
        scale: Scale = FREE,
        layout: Layout = Layout.PICTURE,
        false_alarms_per_hour: float = FALSE_ALARMS_PER_HOUR,
        summary: int = 0,
    ) -> None:
        """Score vectors of `size` numbers; the other arguments are those of `Scorer`.

        Args:
            scale: of the vectors.
            summary: how many numbers at the end of each vector sum up its newest sample.
        """
        self.size = size
        self.scale = scale
        self.free = scale == FREE
        self.memory = NoveltyMemory(size, capacity, scale.distance)
        self._sketch = sketch(size)
        width = size if self._sketch is None else len(self._sketch)
        self.predictor = Surprise(width, scale.error)
        self._flatline = Flatline(scale.error / 4.0)
        self._before = np.zeros(width)
        self.habituation = Habituation(capacity)
        self._episodes = EpisodeHabituation(width)
        self.reward = Reward(capacity)
        self._codes = code_arousal(Layout.BODY if self.free else layout)
        self._summary = Summary(summary) if 0 < summary < size else None
        self._vectors = VectorArousal(width, scale.horizon, scale.error)
        self._surprise = Dimension(RAW_FLOOR)
        self._distance = Dimension(scale.error)
        self._arousal = Dimension(RAW_FLOOR)
        self._level = LevelArousal(width) if self.free else None
        self._levels = Dimension(RAW_FLOOR)
        self._combined = Combination(FREE_WEIGHTS if self.free else WEIGHTS[layout])
        self._salience = Salience(false_alarms_per_hour)
        self.false_alarms = FalseAlarms()
        self._origin = np.zeros(size, np.float32)
        self._bounds = Bounds(size)
        self._clock = StreamClock()

    def observe(
        self,
        stamp_ns: int,
        vector: NDArray[np.float32],
        codes: NDArray[np.uint8] | None,
        learns: bool = True,
    ) -> Observation:
        """Score a finite float32 [size] vector and uint8 [30, 30] codes, and learn from them.

        Without `learns` nothing is remembered, calibrated or got used to. What only follows the
        signal (running means, predictions, spreads of the last samples) goes on: else the first
        sample that is learned from again would be a surprise.
        """
        gap, elapsed_s = self._clock.follow(stamp_ns)
        # Near 0 a number has digits that the stream's other numbers have not.
        square = max(float(vector @ vector), self.memory.mean_square if self.free else 0.0)
        resolution = self.scale.resolution * math.sqrt(square)
        if self.count == 0 and self.free:
            self._origin = vector.copy()
        # Large offsets would eat the digits of squared distances; unit vectors have none.
        centred = self._bounds.bounded(vector - self._origin) if self.free else vector
        near = self.memory.nearest(centred, resolution, stamp_ns)
        wide = (centred if self._sketch is None else self._sketch @ centred).astype(np.float64)
        usual_error = self._surprise.value(0.5)
        details = self._details(vector, codes, gap)
        error = _geometric_mean(
            self.predictor.observe(wide, resolution, gap, self._clock.pace), *details.errors
        )
        arousal = _geometric_mean(self._vectors.observe(wide, self._clock.pace), *details.arousals)
        flat = self._flat(wide, resolution, gap)
        measures = [error, near.distance, arousal]
        if self._level is not None:
            measures.append(self._level.observe(wide, self._clock.pace))
        excess, readings = self._compare(measures, near, flat, learns)
        rarity = rarity_of(excess, self._clock.usual_per_hour / self._clock.samples_per_hour)
        unhabituated = self._salience.total(rarity)
        # Habituation makes alarms fewer, and must not be the stronger for it.
        heard = min(unhabituated, self._salience.total(self.false_alarms.corrected(rarity)))
        habituation = max(
            self.habituation.strength(near.squared, self._usual_distance, stamp_ns),
            self._episodes.strength(wide, heard, elapsed_s, self._clock.period_s, learns),
        )
        reward = self.reward.predict(near, self.memory.ids)
        weighed = self._salience.weighed(rarity, habituation, reward)
        final = self.false_alarms.corrected(weighed)
        if learns:
            self.false_alarms.learn(
                weighed, elapsed_s, self._clock.period_s, self._clock.usual_per_hour
            )
            self._remember(centred, near, stamp_ns, unhabituated, elapsed_s)
            self.count += 1
        return Observation(
            *readings,
            reward=reward,
            near=near,
            error=error,
            usual_error=usual_error,
            flat=0.0 < flat.excess == readings[0].excess,
            habituation=habituation,
            grid=details.grid,
            unhabituated=unhabituated,
            p_value=math.exp(-excess),
            alarms_per_hour=rate_of(final, self._clock.usual_per_hour),
            total=self._salience.total(final),
            known=self._surprise.count,
            gap=gap,
        )

    def from_old(self, old: Arrays) -> dict[str, object]:
        return {"count": int(old["clock"][1])} if "clock" in old else {}

    def _compare(
        self, measures: Sequence[float], near: Neighbour, flat: Reading, learns: bool
    ) -> tuple[float, tuple[Reading, Reading, Reading]]:
        """`-ln p` of a sample, and its surprise, novelty and arousal; then they become past.

        `measures`: error, distance, arousal and, of bare numbers, that of their level.
        """
        dimensions = (self._surprise, self._distance, self._arousal, self._levels)
        pairs = list(zip(dimensions, measures, strict=False))
        found = [dimension.compare(value) for dimension, value in pairs]
        if near.slot < 0:
            found[1] = NOTHING
        parts = [reading.excess for reading in found]
        excess = max(self._combined.excess(parts), flat.excess - self.scale.flat_price)
        excess = _within_experience(excess, self.count)
        horizon = round(self._clock.pace * REMEMBERED)
        for dimension, value in pairs if learns else ():
            if dimension is not self._distance or near.slot >= 0:
                dimension.learn(value, horizon)
        if learns:
            self._combined.learn(parts)
        surprise = max(found[0], flat, key=_excess)
        # Rarity raises relative distance.
        novelty = near.relative ** (1.0 - 0.5 * found[1].rank)
        return excess, (surprise, Reading(novelty, found[1].excess), max(found[2:], key=_excess))

    def _remember(
        self,
        centred: NDArray[np.float32],
        near: Neighbour,
        stamp_ns: int,
        unhabituated: float,
        elapsed_s: float,
    ) -> None:
        slot = self.memory.learn(centred, near, stamp_ns)
        sample_id = int(self.memory.ids[slot])
        self.habituation.visit(slot, sample_id == self.memory.seen_total, unhabituated, elapsed_s)
        self.reward.visit(slot, sample_id, stamp_ns)

    def _flat(self, wide: NDArray[np.float64], resolution: float, gap: bool) -> Reading:
        """Whether the stream is unusually flat."""
        step = wide - self._before
        change = math.sqrt(float(step @ step))
        self._before = wide
        return self._flatline.observe(
            change if change > resolution else 0.0,
            gap or self.count == 0,
            round(self._clock.pace * REMEMBERED),
            self._clock.pace,
        )

    def _details(
        self, vector: NDArray[np.float32], codes: NDArray[np.uint8] | None, gap: bool
    ) -> Details:
        """What the codes and the vector's summary say beside the whole vector."""
        found = NO_DETAILS if codes is None else self._codes.observe(codes, gap)
        if self._summary is None:
            return found
        arousals, errors = self._summary.observe(vector, gap)
        return Details(found.arousals + arousals, found.errors + errors, found.grid)

    @property
    def _usual_distance(self) -> float:
        """Usual distance to the nearest situation; what is nearer is the same one."""
        return self._distance.value(0.8) + self.scale.distance


def _within_experience(excess: float, count: int) -> float:
    """What is so rare that `count` samples cannot bear it out counts by its logarithm only."""
    borne_out = BELIEF + math.log(count + 1.0)
    beyond = excess - borne_out
    return excess if beyond <= 0.0 else borne_out + math.log1p(beyond)


def _excess(reading: Reading) -> float:
    return reading.excess


def _geometric_mean(*raw: float) -> float:
    """Geometric mean of raw measures (>= 0) of one percept, as if each were larger by 0.3.

    So a part that never varies does not silence the others.
    """
    if not any(raw):
        return 0.0
    floored = math.prod(value + RAW_FLOOR for value in raw) ** (1.0 / len(raw))
    return float(max(floored - RAW_FLOOR, 0.0))
