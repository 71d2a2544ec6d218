"""Conflict: do the modalities still agree the way they usually do?"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State, Transient, renamed
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, Count, NotNegative, Range
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.calibration.dimension import NOTHING, Dimension, Reading
from sage_snarc.core.dimensions.whitening import Whitening

WIDTH = 8
HORIZON = 500
FORGETTING = 0.998
WARM_UP = 50
FULL_SKILL = 0.25
UNKNOWN = NOTHING
HORIZON_OF_RANKS = 4096
LARGEST_SIZE = 2**20


class CrossError(NamedTuple):
    """How far a modality was from what the others predict.

    Attributes:
        error: whitened distance from the prediction, >= 0, usually about 1.
        usual: what that distance usually is beside the same surprise, >= 0.
        skill: share of its variance that the others predicted until then, [0, 1].
    """

    error: float
    usual: float
    skill: float


NO_ERROR = CrossError(0.0, 0.0, 0.0)


class CrossModal(Stateful):
    """Predicts each modality from the others, online, and scores what that leaves unexplained.

    Every embedding is projected to 8 numbers (fixed random projection seeded by the modality's
    name, so the order of modalities does not matter; Johnson and Lindenstrauss 1984) and
    standardised online. At a tick of modality `m` the others' newest numbers predict m's by
    recursive least squares with forgetting 0.998 (Haykin, Adaptive Filter Theory, ch. 10). The
    whitened error beyond what m's own surprise explains (a line through error against own
    surprise, fitted online) is calibrated like every dimension, and counts only as far as the
    prediction has skill over predicting the mean: who cannot predict cannot be contradicted.
    """

    old_keys = renamed(views="view", predictors="predictor")
    _views: State[dict[str, _View]]
    _predictors: State[dict[str, _LeastSquares]]

    def __init__(self, modalities: Sequence[str]) -> None:
        self.modalities = tuple(sorted(modalities))
        self._views = {name: _View(name) for name in self.modalities}
        inputs = WIDTH * (len(self.modalities) - 1) + 1
        self._predictors = {name: _LeastSquares(inputs) for name in self.modalities}

    def observe(
        self,
        modality: str,
        embeddings: Mapping[str, NDArray[np.float32]],
        surprise: float,
        learns: bool = True,
    ) -> Reading | None:
        """Conflict at a tick of `modality`; then learn from it.

        Args:
            embeddings: newest embedding float32 [D] of every live modality.
            surprise: the modality's own surprise, 0..1.
            learns: False: only look.

        Returns:
            None while unknown: no other live modality, or fewer than 50 ticks together.
        """
        if modality not in embeddings or modality not in self._views:
            return None
        view = self._views[modality]
        target = (view.observe if learns else view.look)(embeddings[modality])
        others = [name for name in self.modalities if name != modality]
        live = [name for name in others if name in embeddings]
        if not live:
            return None
        # An absent modality is at its mean: it says nothing.
        parts = [
            self._views[name].look(embeddings[name]) if name in live else np.zeros(WIDTH)
            for name in others
        ]
        inputs = np.concatenate([*parts, [1.0]])
        return self._predictors[modality].observe(inputs, target, surprise, learns)

    def skill(self, modality: str) -> float:
        """Share of a modality's variance that the others predict ahead of learning, [0, 1]."""
        return self._predictors[modality].skill

    def last_error(self, modality: str) -> CrossError:
        """What the modality's newest tick with others was compared with; not kept in `state()`."""
        return self._predictors[modality].last


class _View(Stateful):
    """Eight standardised numbers of one modality's embedding."""

    old_keys = renamed(size=("size", "count"))
    _size: State[Annotated[int, Range(0, LARGEST_SIZE)]] = 0
    _count: State[Count] = 0
    _mean: State[Annotated[NDArray[np.float64], FINITE]]
    _variance: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]

    def __init__(self, name: str) -> None:
        self._seed = zlib.crc32(name.encode())
        self._mean = np.zeros(WIDTH)
        self._variance = np.zeros(WIDTH)

    def observe(self, embedding: NDArray[np.float32]) -> NDArray[np.float64]:
        """The numbers, float64 [8]; then follow their mean and variance."""
        raw = self._project(embedding)
        numbers = self._standardise(raw)
        self._count += 1
        offset = raw - self._mean
        rate = 1.0 / min(self._count, HORIZON)
        self._mean += rate * offset
        self._variance += rate * (offset * offset * (1.0 - rate) - self._variance)
        return numbers

    def look(self, embedding: NDArray[np.float32]) -> NDArray[np.float64]:
        """The numbers, float64 [8], without learning."""
        return self._standardise(self._project(embedding))

    def _project(self, embedding: NDArray[np.float32]) -> NDArray[np.float64]:
        if self._size != embedding.size:
            self._size = embedding.size
            self.restored()
            self._count = 0
            self._mean[:] = 0.0
            self._variance[:] = 0.0
        return (self._projection @ embedding).astype(np.float64)

    def _standardise(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        deviation = np.sqrt(self._variance)
        offset = raw - self._mean
        # Below a millionth of the embedding's length a component does not vary at all.
        safe = np.divide(offset, deviation, out=np.zeros(WIDTH), where=deviation > 1e-6)
        return np.clip(safe, -5.0, 5.0, out=safe)

    def restored(self) -> None:
        generator = np.random.default_rng([self._seed, self._size])
        self._projection = generator.standard_normal((WIDTH, self._size), np.float32)


class _LeastSquares(Stateful):
    """Recursive least squares with forgetting, and the calibration of what it leaves."""

    old_keys = renamed(powers=("count", "error_power", "target_power"))
    _inverse: State[Annotated[NDArray[np.float64], FINITE]]
    _weights: State[Annotated[NDArray[np.float64], FINITE]]
    _count: State[int] = 0
    _error_power: State[NotNegative] = 0.0
    _target_power: State[NotNegative] = 0.0
    _moments: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    """Means of surprise, error, surprise^2, surprise * error: the line of error on surprise."""
    _residual: State[Dimension]
    _whitening: State[Whitening]
    last: Transient[CrossError] = NO_ERROR

    def __init__(self, inputs: int) -> None:
        self._inverse = np.eye(inputs)
        self._weights = np.zeros((inputs, WIDTH))
        self._moments = np.zeros(4)
        self._residual = Dimension(floor=0.05)
        self._whitening = Whitening(WIDTH, HORIZON, centred=False)

    @property
    def skill(self) -> float:
        if self._count < WARM_UP or self._target_power <= 0.0:
            return 0.0
        return min(max(1.0 - self._error_power / self._target_power, 0.0), 1.0)

    def observe(
        self,
        inputs: NDArray[np.float64],
        target: NDArray[np.float64],
        surprise: float,
        learns: bool,
    ) -> Reading | None:
        error = target - inputs @ self._weights
        size = self._whitening.observe(error)
        usual = self._explained(surprise)
        excess = max(size - usual, 0.0)
        skill = self.skill
        self.last = CrossError(size, max(usual, 0.0), skill)
        if learns:
            self._learn(inputs, error)
            self._follow(size, float(error @ error), float(target @ target), surprise)
        if self._count <= WARM_UP:
            return None
        reading = self._residual.compare(excess)
        if learns:
            self._residual.learn(excess, HORIZON_OF_RANKS)
        certainty = min(skill / FULL_SKILL, 1.0)
        return Reading(reading.rank * certainty, reading.excess * certainty)

    def _explained(self, surprise: float) -> float:
        mean_surprise, mean_error, square, product = self._moments
        variance = square - mean_surprise**2
        covariance = product - mean_surprise * mean_error
        slope = max(covariance / variance, 0.0) if variance > 1e-4 else 0.0
        return float(mean_error + slope * (surprise - mean_surprise))

    def _learn(self, inputs: NDArray[np.float64], error: NDArray[np.float64]) -> None:
        product = self._inverse @ inputs
        gain = product / (FORGETTING + inputs @ product)
        self._weights += np.outer(gain, error)
        self._inverse -= np.outer(gain, product)
        # Directions that are not excited would grow without bound; there forgetting rests.
        if float(np.trace(self._inverse)) < 2.0 * len(inputs):
            self._inverse /= FORGETTING
        self._inverse = 0.5 * (self._inverse + self._inverse.T)

    def _follow(self, size: float, error: float, power: float, surprise: float) -> None:
        self._count += 1
        rate = 1.0 / min(self._count, HORIZON)
        self._error_power += rate * (error - self._error_power)
        self._target_power += rate * (power - self._target_power)
        seen = np.array([surprise, size, surprise * surprise, surprise * size])
        self._moments += rate * (seen - self._moments)
