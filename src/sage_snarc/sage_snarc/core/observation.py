"""What a stream makes of one sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_snarc.core.calibration.dimension import Reading
from sage_snarc.core.dimensions.novelty import Neighbour


class Observation(NamedTuple):
    """A scored sample.

    Attributes:
        surprise, novelty, arousal: each its rank (published) and its rarity.
        reward: learned value, 0.5 unknown.
        near: nearest remembered vector.
        error: whitened distance of the vector from its prediction, >= 0; 0 if none was made. The
            geometric mean with that of every part of the percept that is predicted as well.
        usual_error: the median of that distance in the past, >= 0.
        flat: surprise is that the stream changes far less than it nearly ever did.
        habituation: share of salience that repetition has taken away, [0, 1).
        grid: where it is, float32 [10, 10] or [0, 0].
        unhabituated: what the total would be without repetition, value and correction, [0, 1).
        alarms_per_hour: how often the stream, while nothing happens, would say as much [1/h].
        p_value: chance that the past holds for a sample as unusual, (0, 1]; 1 while unknown.
        total: [0, 1).
        known: samples that it is calibrated by, with this one; after a change of the calibration
            fewer than were ever seen.
        gap: the stream had stopped, or its clock went back, before this sample.
    """

    surprise: Reading
    novelty: Reading
    arousal: Reading
    reward: float
    near: Neighbour
    error: float
    usual_error: float
    flat: bool
    habituation: float
    grid: NDArray[np.float32]
    unhabituated: float
    alarms_per_hour: float
    p_value: float
    total: float
    known: int
    gap: bool
