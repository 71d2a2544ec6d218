"""Directions and distances around a range sensor: bins of a grid, weights, words."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.puzzle import GRID

Floats = NDArray[np.float64]

HALF = GRID // 2
WIDENING = 1.5
"""Bins grow with the angle from ahead: the edges are at `limit * (number / 15)^WIDENING`."""
NEAR_M = 3.0
"""Distance [m] at which a return counts half as much as one right at the sensor."""
_LOOK_UP = 8192
_SECTORS = ("ahead", "ahead left", "left", "behind left", "behind")
_LEVELS = ((-45.0, "far below"), (-15.0, "below"), (15.0, "level"), (45.0, "above"))


def bin_edges(limit: float) -> Floats:
    """Edges [31] of the 30 bins from -limit to +limit, finest in the middle [unit of limit]."""
    upper = limit * (np.arange(HALF + 1) / HALF) ** WIDENING
    return np.concatenate((-upper[:0:-1], upper))


def bin_centres(limit: float) -> Floats:
    """Middles [30] of the bins, rising."""
    edges = bin_edges(limit)
    return (edges[1:] + edges[:-1]) / 2.0


class AngleBins:
    """Finds the bin of each of many angles, by a table of 0.02 to 0.04 degrees a step.

    Args:
        limit: largest angle [rad]; those beyond belong to the last bin.
    """

    def __init__(self, limit: float) -> None:
        middles = (np.arange(_LOOK_UP) + 0.5) / _LOOK_UP * 2.0 * limit - limit
        found = np.searchsorted(bin_edges(limit), middles, side="right") - 1
        self._table = np.clip(found, 0, GRID - 1).astype(np.intp)
        self._scale = np.float32(_LOOK_UP / (2.0 * limit))
        self._limit = np.float32(limit)

    def of(self, angles: NDArray[np.float32]) -> NDArray[np.intp]:
        """Bins [n], each 0..29 and rising with the angle, of angles [n], [rad]."""
        steps = ((angles + self._limit) * self._scale).astype(np.intp)
        np.clip(steps, 0, _LOOK_UP - 1, out=steps)
        bins: NDArray[np.intp] = self._table[steps]
        return bins


def log_position(distance_m: Floats, nearest_m: float, farthest_m: float) -> Floats:
    """Distances [m] on a scale of ratios: 0 at the nearest and before, 1 at the farthest on."""
    ratio = np.log(np.maximum(distance_m, nearest_m) / nearest_m)
    return np.minimum(ratio / math.log(farthest_m / nearest_m), 1.0)


def nearness_weight(distance_m: Floats) -> Floats:
    """How much a return matters: 1 at the sensor, 0.5 at `NEAR_M`, about NEAR_M / d far away."""
    weight: Floats = NEAR_M / (NEAR_M + distance_m)
    return weight


def ring_weights(position: Floats, rings: int) -> tuple[NDArray[np.intp], Floats, Floats]:
    """The two neighbouring rings of each position, as a vector of length 1.

    Quarter waves, so that a small step is a small angle everywhere and a step of a ring is a right
    one: similar distances are alike, and different ones are different however far apart.

    Args:
        position: [n], each 0..1.
        rings: at least 2.

    Returns:
        Index [n] of the first ring, at most rings - 2; its weight [n]; that of the next one [n].
    """
    at = position * (rings - 1)
    first = np.minimum(at.astype(np.intp), rings - 2)
    angle = (at - first) * (math.pi / 2.0)
    return first, np.cos(angle), np.sin(angle)


def direction_words(bearing: float) -> str:
    """A bearing [rad], positive to the left, in words: "ahead left"."""
    words = _SECTORS[round(abs(math.remainder(bearing, 2.0 * math.pi)) / (math.pi / 4.0))]
    return words if bearing > 0.0 else words.replace("left", "right")


def elevation_words(elevation_deg: float) -> str:
    """An elevation [degrees] in words: "level", "above"."""
    return next((words for top, words in _LEVELS if elevation_deg < top), "far above")


def distance_words(distance_m: float) -> str:
    """A distance [m] in words: "0.8 m", "12 m"."""
    return f"{distance_m:.0f} m" if distance_m >= 9.5 else f"{distance_m:.1f} m"


def encoder_id(name: str, version: int, numbers: Sequence[float]) -> str:
    """Identity of an encoder without weights; the hash is that of the numbers that define it."""
    digest = hashlib.sha256(np.asarray(numbers, np.float64).tobytes()).hexdigest()
    return f"sage-{name}-{version}@{digest[:12]}"
