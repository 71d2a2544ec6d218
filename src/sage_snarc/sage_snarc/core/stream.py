"""The five dimensions of one stream of stamped vectors, whatever they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import Fixed, State, renamed
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.arousal import VectorArousal
from sage_snarc.core.dimensions.bounds import Bounds
from sage_snarc.core.dimensions.code_arousal import (
    NO_DETAILS,
    CodeArousal,
    Details,
    Layout,
    code_arousal,
)
from sage_snarc.core.dimensions.dimension import MOST, Dimension, Reading, drive_of
from sage_snarc.core.dimensions.flatline import Flatline
from sage_snarc.core.dimensions.habituation import Habituation
from sage_snarc.core.dimensions.novelty import Neighbour, NoveltyMemory
from sage_snarc.core.dimensions.reward import Reward
from sage_snarc.core.dimensions.sketch import sketch
from sage_snarc.core.dimensions.summary import Summary
from sage_snarc.core.dimensions.surprise import Surprise

RAW_FLOOR = 0.3

GAP_S = 1.0
GAP_PERIODS = 10.0
PERIOD_SMOOTHING = 0.05


@dataclass(frozen=True)
class Scale:
    """Absolute scales of a stream; all 0 where its unit is free (a current, a temperature).

    Attributes:
        error: length of an error, a difference or a change that is nothing [units of the vector].
        distance: distance below which two vectors are the same situation.
        resolution: relative precision of the vector's numbers.
        spreads: log ratios of the 0.95 quantile to the median that make an excess of 1. A few
            numbers spread widely by chance: 1.6 puts an excess of 1 near the 0.999 quantile of
            Gaussian (1.5), Laplacian (1.6) and chi noise of up to 64 components (1.5 to 1.8).
            Embeddings have absolute scales, which bound theirs.
    """

    error: float = 0.0
    distance: float = 0.0
    resolution: float = 1e-6
    spreads: float = 1.6


FREE = Scale()
UNIT = Scale(error=0.02, distance=0.1, resolution=1e-5, spreads=1.0)


class Observation(NamedTuple):
    """What a stream makes of one sample.

    Attributes:
        surprise, novelty, arousal: each rank (published) and drive (towards the total).
        reward: learned value, 0.5 unknown.
        near: nearest remembered vector.
        error: whitened distance of the vector from its prediction, >= 0; 0 if none was made. The
            geometric mean with that of every part of the percept that is predicted as well.
        usual_error: the median of that distance in the past, >= 0.
        lull: surprise is that the stream changes far less than it nearly ever did.
        habituation: share of salience that repetition has taken away, [0, 0.97].
        grid: where it is, float32 [10, 10] or [0, 0].
        total: [0, 1].
        gap: the stream had stopped, or its clock went back, before this sample.
    """

    surprise: Reading
    novelty: Reading
    arousal: Reading
    reward: float
    near: Neighbour
    error: float
    usual_error: float
    lull: bool
    habituation: float
    grid: NDArray[np.float32]
    total: float
    gap: bool


class Stream(Stateful):
    """Online salience of a stream of vectors, optionally with a puzzle beside each.

    `total = drive(x) * (1 - habituation) * 2^(2 reward - 1)`, clipped to [0, 1], where `x` is the
    root mean square of the excesses of surprise, novelty and arousal: one strong cause is enough
    to matter, causes that agree matter more. The learned value scales and does not add: a rewarded
    but unchanging scene must not hold attention for ever.

    Long vectors are predicted and whitened through a sketch of 64 numbers; only the memory keeps
    them whole.
    """

    old_keys = renamed(clock=("last_ns", "count"), period_s="period", flatline="lull")
    size: Fixed[int]
    memory: State[NoveltyMemory]
    predictor: State[Surprise]
    _flatline: State[Flatline]
    _before: State[NDArray[np.float64]]
    habituation: State[Habituation]
    reward: State[Reward]
    _codes: State[CodeArousal]
    _summary: State[Summary | None]
    _vectors: State[VectorArousal]
    _surprise: State[Dimension]
    _distance: State[Dimension]
    _arousal: State[Dimension]
    _origin: State[NDArray[np.float32]]
    _bounds: State[Bounds]
    _last_ns: State[int] = 0
    _period_s: State[float] = 0.0
    count: State[int] = 0

    def __init__(
        self,
        size: int,
        capacity: int = 1000,
        scale: Scale = FREE,
        layout: Layout = Layout.PICTURE,
        summary: int = 0,
    ) -> None:
        """`summary`: how many numbers at the end of each vector sum up its newest sample."""
        self.size = size
        self.scale = scale
        self.free = scale == FREE
        self.memory = NoveltyMemory(size, capacity, scale.distance)
        self._sketch = sketch(size)
        width = size if self._sketch is None else len(self._sketch)
        self.predictor = Surprise(width, scale.error)
        self._flatline = Flatline(scale.error / 4.0, scale.spreads if self.free else 0.0)
        self._before = np.zeros(width)
        self.habituation = Habituation(capacity)
        self.reward = Reward(capacity)
        self._codes = code_arousal(layout)
        self._summary = Summary(summary) if 0 < summary < size else None
        self._vectors = VectorArousal(width, scale.error)
        self._surprise = Dimension(RAW_FLOOR, scale.spreads)
        self._distance = Dimension(scale.error, scale.spreads)
        self._arousal = Dimension(RAW_FLOOR, scale.spreads)
        self._origin = np.zeros(size, np.float32)
        self._bounds = Bounds(size)

    def observe(
        self, stamp_ns: int, vector: NDArray[np.float32], codes: NDArray[np.uint8] | None
    ) -> Observation:
        """Score a finite float32 [size] vector and uint8 [30, 30] codes, and learn from them."""
        gap, period_s = self._follow_clock(stamp_ns)
        # Near 0 a number has digits that the stream's other numbers have not.
        square = max(float(vector @ vector), self.memory.mean_square if self.free else 0.0)
        resolution = self.scale.resolution * math.sqrt(square)
        if self.count == 0 and self.free:
            self._origin = vector.copy()
        # Large offsets would eat the digits of squared distances; unit vectors have none.
        centred = self._bounds.bounded(vector - self._origin) if self.free else vector
        near = self.memory.nearest(centred, resolution, stamp_ns)
        wide = (centred if self._sketch is None else self._sketch @ centred).astype(np.float64)
        usual_error = self._surprise.quantile.value(0.5)
        details = self._details(vector, codes, gap)
        ratio = _together(self.predictor.observe(wide, resolution, gap), *details.errors)
        surprise = self._surprising(ratio, wide, resolution, gap)
        raw_arousal = _together(self._vectors.observe(wide), *details.arousals)
        arousal = self._arousal.observe(raw_arousal)
        novelty = self._novelty(near)
        reward = self.reward.predict(near, self.memory.ids)
        habituation = self.habituation.strength(near.squared, self._usual_distance, stamp_ns)
        excesses = (surprise.excess, novelty.excess, arousal.excess)
        call = drive_of(math.hypot(*excesses) / math.sqrt(len(excesses)))
        total = min(call * (1.0 - habituation) * 2.0 ** (2.0 * reward - 1.0), 1.0)
        slot = self.memory.learn(centred, near, stamp_ns)
        sample_id = int(self.memory.ids[slot])
        self.habituation.visit(slot, sample_id == self.memory.seen_total, call, period_s)
        self.reward.visit(slot, sample_id, stamp_ns)
        self.count += 1
        return Observation(
            surprise=surprise,
            novelty=novelty,
            arousal=arousal,
            reward=reward,
            near=near,
            error=ratio,
            usual_error=usual_error,
            lull=surprise.excess > 0.0 and ratio <= usual_error,
            habituation=habituation,
            grid=details.grid,
            total=total,
            gap=gap,
        )

    def _surprising(
        self, ratio: float, wide: NDArray[np.float64], resolution: float, gap: bool
    ) -> Reading:
        """The larger of an unusual error and an unusual lull."""
        step = wide - self._before
        change = math.sqrt(float(step @ step))
        self._before = wide
        flat = self._flatline.observe(
            change if change > resolution else 0.0, gap or self.count == 0
        )
        return max(self._surprise.observe(ratio), flat, key=lambda reading: reading.excess)

    def _details(
        self, vector: NDArray[np.float32], codes: NDArray[np.uint8] | None, gap: bool
    ) -> Details:
        """What the codes and the vector's summary say beside the whole vector."""
        found = NO_DETAILS if codes is None else self._codes.observe(codes, gap)
        if self._summary is None:
            return found
        arousal, error = self._summary.observe(vector, gap)
        return Details((*found.arousals, arousal), (*found.errors, error), found.grid)

    def _novelty(self, near: Neighbour) -> Reading:
        """Relative distance, raised by its rarity: `relative^(1 - rank/2)`."""
        if near.slot < 0:
            return Reading(1.0, MOST)
        reading = self._distance.observe(near.distance)
        return Reading(near.relative ** (1.0 - 0.5 * reading.rank), reading.excess)

    @property
    def _usual_distance(self) -> float:
        """Usual distance to the nearest situation; what is nearer is the same one."""
        return self._distance.quantile.value(0.8) + self.scale.distance

    def _follow_clock(self, stamp_ns: int) -> tuple[bool, float]:
        """Whether there was a gap, and the time since the last sample [s] (0 after a gap)."""
        elapsed_s = (stamp_ns - self._last_ns) * 1e-9
        first = self.count == 0
        self._last_ns = stamp_ns
        if first or elapsed_s < 0.0:
            return not first, 0.0
        if self.count > 1 and elapsed_s > max(GAP_S, GAP_PERIODS * self._period_s):
            return True, 0.0
        smoothing = PERIOD_SMOOTHING if self._period_s > 0.0 else 1.0
        self._period_s += smoothing * (elapsed_s - self._period_s)
        return False, elapsed_s


def _together(*raw: float) -> float:
    """Geometric mean of raw measures (>= 0) of one percept, as if each were larger by 0.3.

    So a part that never varies does not silence the others.
    """
    if not any(raw):
        return 0.0
    floored = math.prod(value + RAW_FLOOR for value in raw) ** (1.0 / len(raw))
    return float(max(floored - RAW_FLOOR, 0.0))
