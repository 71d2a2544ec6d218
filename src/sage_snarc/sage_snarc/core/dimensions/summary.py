"""The few numbers that sum up the newest sample, watched by themselves and with a short memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.surprise import Surprise
from sage_snarc.core.dimensions.whitening import Whitening

HORIZON = 50
FLOOR = 0.002
"""Of an embedding: lengths below it are nothing."""


class Summary(Stateful):
    """Raw arousal and surprise of the numbers at the end of an embedding.

    A distance over many components hides what happens in a few of them. Where an encoder puts the
    few that matter most at the end (how strongly the body turns, shakes and is struck), these are
    whitened on their own. A moving body changes its manner within seconds, so they are compared
    with the last 50 samples only.
    """

    _usual: State[Whitening]
    _predictor: State[Surprise]

    def __init__(self, size: int) -> None:
        """`size`: how many numbers."""
        self._size = size
        self._usual = Whitening(size, HORIZON, floor=FLOOR)
        self._predictor = Surprise(size, FLOOR)

    def observe(self, vector: NDArray[np.float32], gap: bool) -> tuple[float, float]:
        """Arousal and whitened error of the end of `vector`, float32 [n], each usually about 1.

        The error is 0 where nothing was predicted, as of `Surprise`.
        """
        newest = vector[-self._size :].astype(np.float64)
        return self._usual.observe(newest), self._predictor.observe(newest, 0.0, gap)
