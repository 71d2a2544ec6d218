"""Has a profile like this one been there before? The nearest of many, in units of what is usual."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, Count
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.whitening import Whitening

CAPACITY = 1000
DELAY = 10
LEAST_KNOWN = 20
REFRESH, EAGER = 16, 48


class Analogues(Stateful):
    """Prediction of a profile by the nearest of the last 1,000 (analogues: Lorenz 1969).

    A place whose sound varies by nature (waves, traffic, speech) is badly described by one mean and
    one covariance, but what it does it has done before. The last ten profiles do not count: they
    may be part of what happens. Distances are whitened as those from the mean are, by a metric that
    is renewed every 16 samples.
    """

    _count: State[Count] = 0
    _pending: State[Annotated[NDArray[np.float32], FINITE]]
    _profiles: State[Annotated[NDArray[np.float32], FINITE]]
    _whitened: State[Annotated[NDArray[np.float32], FINITE]]
    _squares: State[Annotated[NDArray[np.float32], NOT_NEGATIVE]]
    """Squared lengths of the whitened."""
    _root: State[Annotated[NDArray[np.float64], FINITE]]
    _centre: State[Annotated[NDArray[np.float64], FINITE]]

    def __init__(self, size: int) -> None:
        """`size`: numbers of a profile."""
        self._pending = np.zeros((DELAY, size), np.float32)
        self._profiles = np.zeros((CAPACITY, size), np.float32)
        self._whitened = np.zeros((CAPACITY, size), np.float32)
        self._squares = np.zeros(CAPACITY, np.float32)
        self._root = np.zeros((size, size))
        self._centre = np.zeros(size)

    def observe(self, profile: NDArray[np.float32], usual: Whitening) -> float:
        """Whitened distance to the nearest that is known; then the profile is learned.

        Args:
            profile: float32 [size].
            usual: with a floor, which has seen the same profiles, this one included.

        Returns:
            a distance >= 0, usually below 1; 0 while less than 20 are known.
        """
        known = min(max(self._count - DELAY, 0), CAPACITY)
        if known and (self._count % REFRESH == 0 or self._count < EAGER):
            self._renew(known, usual)
        distance = self._nearest(profile, known) if known >= LEAST_KNOWN else 0.0
        self._learn(profile)
        return distance

    def _nearest(self, profile: NDArray[np.float32], known: int) -> float:
        whitened = self._to_whitened(profile)
        # The square of the profile itself is the same for all.
        squares = self._whitened[:known] @ (-2.0 * whitened)
        squares += self._squares[:known]
        offset = self._whitened[int(squares.argmin())] - whitened
        return math.sqrt(float(offset @ offset) / len(profile))

    def _learn(self, profile: NDArray[np.float32]) -> None:
        waiting = self._count % DELAY
        if self._count >= DELAY:
            slot = (self._count - DELAY) % CAPACITY
            self._profiles[slot] = self._pending[waiting]
            self._whitened[slot] = self._to_whitened(self._pending[waiting])
            self._squares[slot] = self._whitened[slot] @ self._whitened[slot]
        self._pending[waiting] = profile
        self._count += 1

    def _renew(self, known: int, usual: Whitening) -> None:
        self._centre, inverse = usual.metric
        self._root[...] = np.linalg.cholesky(inverse)
        self._whitened[:known] = (self._profiles[:known] - self._centre) @ self._root
        self._squares = np.einsum("ij,ij->i", self._whitened, self._whitened)

    def _to_whitened(self, profile: NDArray[np.float32]) -> NDArray[np.float32]:
        whitened: NDArray[np.float32] = ((profile - self._centre) @ self._root).astype(np.float32)
        return whitened
