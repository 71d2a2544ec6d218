"""One turn of a laser scanner as a polar picture and an embedding of what is where.

The picture: columns are bearings, from behind over the left to ahead in the middle, and over the
right to behind again; they are finest ahead (3 degrees beside the middle, 18 at the edges). Rows
are distances: the bottom row is 0.15 m and less, each row above it 1.2 times as far, row 1 is 30 m
and more; row 0: nothing within reach. A code is the share of its column's angle that has its
nearest return there, from 0 for none to 9 for all; a column of which nothing is known is blank.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import CODES, GRID, Percept
from sage_common.core.specs.places import Table
from sage_encoders.core.robot import polar

Floats = NDArray[np.float64]

NEAREST_M, FARTHEST_M = 0.15, 30.0
BINS = 1440
"""Directions, a quarter of a degree each."""
REACH = 3
"""Directions to either side whose nearest return counts, so that a lost beam is bridged."""
RINGS = 9
"""Distances in the embedding; one more stands for nothing within reach."""
NOTHING_WEIGHT = 0.1
MOST_TURNS = 1.01
EMPTY, UNKNOWN = 1e30, math.inf
ENCODER_ID = polar.encoder_id(
    "laser-scan",
    1,
    (NEAREST_M, FARTHEST_M, BINS, REACH, RINGS, NOTHING_WEIGHT, polar.NEAR_M, polar.WIDENING),
)

_BEARINGS = (np.arange(BINS) + 0.5) / BINS * 2.0 * math.pi - math.pi
# To the left is positive, and left in the picture.
_COLUMN = polar.AngleBins(math.pi).of(-_BEARINGS.astype(np.float32))
_BINS_OF_COLUMN = np.bincount(_COLUMN, minlength=GRID).astype(np.float64)
_SHARE = 1.0 / _BINS_OF_COLUMN[_COLUMN]


class Beams(NamedTuple):
    """How beams lie to the bins.

    Attributes:
        first, increment: angle of the first beam, and from one to the next [rad].
        bins: bin of each beam.
        sparse, filler: bins without a beam, and the beam whose breadth covers each.
    """

    first: float
    increment: float
    bins: NDArray[np.intp]
    sparse: NDArray[np.intp]
    filler: NDArray[np.intp]


class LaserScanEncoder:
    """Encodes scans, each by itself.

    Args:
        modality, source: of its percepts.
    """

    def __init__(self, modality: str = "scan", source: str = "scan") -> None:
        self._modality, self._source = modality, source
        self._beams = beams_of(0.0, 0.0, 1)

    def encode(
        self,
        stamp_ns: int,
        ranges: NDArray[np.float32],
        angles: tuple[float, float],
        limits: tuple[float, float],
    ) -> Percept:
        """Encode one scan (REP-117).

        Args:
            ranges: [n], in the order of the beams [m]; inf: no return; -inf: too near to measure;
                NaN, or beyond `limits`: not measured.
            angles: of the first beam, and from one to the next [rad]; a negative one turns
                clockwise.
            limits: shortest and longest range that is measured [m]; the longest may be infinite.

        Raises:
            InvalidInput: no beam, no usable one, more than one turn, or angles or limits that are
                none.
        """
        nearest = self._nearest(_checked(ranges, angles, limits), angles, limits)
        if not (nearest < UNKNOWN).any():
            raise InvalidInput("ranges", f"{len(ranges)} beams, none usable", "a range, or inf")
        return Percept(
            stamp_ns=stamp_ns,
            modality=self._modality,
            source=self._source,
            codes=picture(nearest),
            embedding=embedding(nearest),
            encoder_id=ENCODER_ID,
        )

    def _nearest(
        self,
        ranges: NDArray[np.float32],
        angles: tuple[float, float],
        limits: tuple[float, float],
    ) -> Floats:
        """Nearest return of each bin [1440], [m]; 1e30: none within reach; inf: unknown."""
        if angles != self._beams[:2] or len(ranges) != len(self._beams.bins):
            self._beams = beams_of(*angles, len(ranges))
        values = np.full(len(ranges), UNKNOWN)
        measured = (ranges >= limits[0]) & (ranges <= limits[1]) & (ranges < math.inf)
        values[measured] = ranges[measured]
        values[ranges == math.inf] = EMPTY
        values[ranges == -math.inf] = limits[0]
        nearest = np.full(BINS, UNKNOWN)
        np.minimum.at(nearest, self._beams.bins, values)
        nearest[self._beams.sparse] = values[self._beams.filler]
        return spread(nearest)


def beams_of(first: float, increment: float, count: int) -> Beams:
    """Where `count` beams lie; a beam is as broad as the angle to the next one."""
    angles = first + increment * np.arange(count)
    turned = np.mod(angles + math.pi, 2.0 * math.pi)
    bins = np.minimum((turned * (BINS / (2.0 * math.pi))).astype(np.intp), BINS - 1)
    empty = np.setdiff1d(np.arange(BINS), bins)
    if increment == 0.0:
        return Beams(first, increment, bins, empty[:0], empty[:0])
    ahead = np.mod((_BEARINGS[empty] - first) * math.copysign(1.0, increment), 2.0 * math.pi)
    with np.errstate(over="ignore"):  # what is beyond the last beam is nearest to that
        beam = np.minimum(np.rint(ahead / abs(increment)), count - 1).astype(np.intp)
    apart = np.abs(ahead - beam * abs(increment))
    # Those just before the first beam are nearly a turn after it.
    before = 2.0 * math.pi - ahead
    beam[before < apart] = 0
    # A hair more than half the breadth, so that no bin falls between two beams.
    covered = np.minimum(apart, before) <= abs(increment) / 2.0 * 1.001
    return Beams(first, increment, bins, empty[covered], beam[covered])


def spread(nearest: Floats) -> Floats:
    """The smallest of each direction [n] and its neighbours within `REACH`, all around."""
    ring = np.concatenate((nearest[-REACH:], nearest, nearest[:REACH]))
    windows = np.lib.stride_tricks.sliding_window_view(ring, 2 * REACH + 1)
    smallest: Floats = windows.min(axis=1)
    return smallest


def picture(nearest: Floats) -> NDArray[np.uint8]:
    """The polar picture [30, 30] of the nearest returns [1440]; see the module."""
    known, empty = nearest < EMPTY, nearest == EMPTY
    at = polar.log_position(nearest[known], NEAREST_M, FARTHEST_M) * (GRID - 2)
    lower = np.minimum(at.astype(np.intp), GRID - 3)
    rest, row = at - lower, GRID - 1 - lower
    column, share = _COLUMN[known], _SHARE[known]
    cells = np.concatenate((row * GRID + column, (row - 1) * GRID + column, _COLUMN[empty]))
    weights = np.concatenate((share * (1.0 - rest), share * rest, _SHARE[empty]))
    shares = np.bincount(cells, weights, GRID * GRID)
    codes: NDArray[np.uint8] = np.rint(shares * (CODES - 1)).astype(np.uint8).reshape(GRID, GRID)
    return codes


def embedding(nearest: Floats) -> NDArray[np.float32]:
    """What is where, as a unit vector [300]: for each column nine distances, and nothing there.

    Near things weigh more (`polar.nearness_weight`), and a thing as much as its angle.
    """
    known, empty = nearest < EMPTY, nearest == EMPTY
    ranges, column = nearest[known], _COLUMN[known]
    ring, here, next_one = polar.ring_weights(
        polar.log_position(ranges, NEAREST_M, FARTHEST_M), RINGS
    )
    weight = _SHARE[known] * polar.nearness_weight(ranges)
    cells = column * (RINGS + 1) + ring
    of_empty = _COLUMN[empty] * (RINGS + 1) + RINGS
    weights = np.concatenate((weight * here, weight * next_one, _SHARE[empty] * NOTHING_WEIGHT))
    vector = np.bincount(np.concatenate((cells, cells + 1, of_empty)), weights, GRID * (RINGS + 1))
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def _places() -> Table:
    """What each cell [30][30] of the picture shows: "ahead left, 0.8 m"."""
    bearings = -polar.bin_centres(math.pi)
    ratio = FARTHEST_M / NEAREST_M
    rows = ["nothing within reach"]
    for row in range(1, GRID):
        rows.append(polar.distance_words(NEAREST_M * ratio ** ((GRID - 1 - row) / (GRID - 2))))
    directions = [polar.direction_words(bearing) for bearing in bearings]
    return Table([[f"{direction}, {words}" for direction in directions] for words in rows])


def _checked(
    ranges: NDArray[np.float32], angles: tuple[float, float], limits: tuple[float, float]
) -> NDArray[np.float32]:
    if ranges.ndim != 1 or len(ranges) == 0:
        raise InvalidInput("ranges", f"shape {list(ranges.shape)}", "at least one beam")
    first, increment = angles
    if not abs(first) <= 2.0 * math.pi:
        raise InvalidInput("angle_min", first, "radians, within a turn")
    sweep = (len(ranges) - 1) * abs(increment)
    if not sweep <= 2.0 * math.pi * MOST_TURNS or (len(ranges) > 1 and increment == 0.0):
        raise InvalidInput(
            "angle_increment", increment, f"radians; {len(ranges)} beams within a turn"
        )
    shortest, longest = limits
    if not 0.0 <= shortest < math.inf:
        raise InvalidInput("range_min", shortest, "meters, at least 0")
    if not longest > shortest:
        raise InvalidInput("range_max", longest, f"meters, more than range_min, {shortest:g}")
    return ranges


PLACES = _places()
