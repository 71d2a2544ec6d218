"""A point cloud as a range image, and an embedding of what is where.

The image: columns are bearings, from behind over the left to ahead in the middle, and over the
right to behind again; rows are elevations, straight up at the top and straight down at the bottom.
Both are finest in the middle: 3 degrees of bearing and 1.6 of elevation. A code is how near the
nearest return in its direction is: 9 at 0.5 m and less, one less for every 1.7 times as far, 1 at
32 m and more; 0: nothing seen there.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sage_common.core.puzzle import CODES, GRID, Percept
from sage_common.core.specs.places import Table
from sage_encoders.core.robot import polar

Floats = NDArray[np.float64]
Points = NDArray[np.float32]

NEAREST_M, FARTHEST_M = 0.5, 32.0
RINGS = 5
STEPS = 512
"""Distances that the embedding tells apart, 0.8 % each."""
BAND, SECTOR = 6, 2
"""Rows and columns of the image whose distances the embedding joins."""
BLOCKS = (GRID // BAND) * (GRID // SECTOR)
PRESENCE = 0.3
ENCODER_ID = polar.encoder_id(
    "range-image",
    1,
    (NEAREST_M, FARTHEST_M, RINGS, STEPS, BAND, SECTOR, PRESENCE, polar.NEAR_M, polar.WIDENING),
)

_COLUMNS, _ROWS = polar.AngleBins(math.pi), polar.AngleBins(math.pi / 2.0)
_ROW, _COLUMN = np.divmod(np.arange(GRID * GRID), GRID)
_BLOCK = (_ROW // BAND) * (GRID // SECTOR) + _COLUMN // SECTOR


def _step_vectors() -> Floats:
    """What a return at each distance says [512, 5]: its two rings, by nearness."""
    position = (np.arange(STEPS) + 0.5) / STEPS
    ring, here, next_one = polar.ring_weights(position, RINGS)
    weight = polar.nearness_weight(NEAREST_M * (FARTHEST_M / NEAREST_M) ** position)
    vectors = np.zeros((STEPS, RINGS))
    vectors[np.arange(STEPS), ring] = weight * here
    vectors[np.arange(STEPS), ring + 1] = weight * next_one
    return vectors


_STEP_VECTORS = _step_vectors()
_STEPS_OF_LOG = np.float32(STEPS / (2.0 * math.log(FARTHEST_M / NEAREST_M)))
_NEAREST_SQUARE = np.float32(NEAREST_M**2)


class PointCloudEncoder:
    """Encodes clouds, each by itself.

    Args:
        modality, source: of its percepts.
        ignored_m: points nearer than this to the sensor are the robot's own body [m].
    """

    def __init__(
        self, modality: str = "cloud", source: str = "cloud", ignored_m: float = 0.3
    ) -> None:
        self._modality, self._source = modality, source
        self._ignored = np.float32(ignored_m) ** 2

    def encode(self, stamp_ns: int, points: Points, optical: bool = False) -> Percept:
        """Encode one cloud.

        Args:
            points: x, y and z [3, n] in the sensor's frame [m]; those that are no numbers or
                infinite are left out.
            optical: axes are those of a camera (z ahead, x right, y down) and not of a body (x
                ahead, y left, z up); see REP-103.
        """
        x, y, z = (points[2], -points[0], -points[1]) if optical else points
        cells, square = in_cells(x, y, z, self._ignored)
        nearest = np.full(GRID * GRID, np.inf, np.float32)
        np.minimum.at(nearest, cells, square)
        return Percept(
            stamp_ns=stamp_ns,
            modality=self._modality,
            source=self._source,
            codes=codes_of(nearest),
            embedding=embedding(cells, square, np.isfinite(nearest)),
            encoder_id=ENCODER_ID,
        )


def in_cells(
    x: Points, y: Points, z: Points, ignored_square: np.float32
) -> tuple[NDArray[np.intp], Points]:
    """The cell of the image, 0..899, and the square of the distance [m^2] of every point in use.

    Args:
        x, y, z: ahead, left and up, each [n] [m].
        ignored_square: square of the distance of nearer points, which are left out [m^2].
    """
    with np.errstate(over="ignore", invalid="ignore"):
        flat_square = x * x + y * y
        square = flat_square + z * z
        used = (square >= ignored_square) & (square < math.inf)
    if not used.all():
        x, y, z, flat_square, square = x[used], y[used], z[used], flat_square[used], square[used]
    column = _COLUMNS.of(np.arctan2(-y, x))
    row = GRID - 1 - _ROWS.of(np.arctan2(z, np.sqrt(flat_square)))
    return row * GRID + column, square


def codes_of(nearest_square: Points) -> NDArray[np.uint8]:
    """The puzzle [30, 30] of the square of the nearest distance in each cell [900]; inf: none."""
    nearest = np.sqrt(nearest_square.astype(np.float64))
    far = polar.log_position(nearest, NEAREST_M, FARTHEST_M)
    codes = np.rint(1.0 + (1.0 - far) * (CODES - 2))
    grid: NDArray[np.uint8] = np.where(np.isinf(nearest), 0, codes).astype(np.uint8)
    return grid.reshape(GRID, GRID)


def embedding(
    cells: NDArray[np.intp], square: Points, known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """What is where, as a unit vector [376]: presence, and of each 6 rows x 2 columns 5 distances.

    A block is the mean of what its points say, near ones weighing more (`polar.nearness_weight`),
    by the share of its cells in which there is anything. The mean, and not the nearest, so that a
    point more or less is next to nothing.

    Args:
        cells, square: of the points; see `in_cells`.
        known: cells [900] with a point.
    """
    log = np.log(np.maximum(square, _NEAREST_SQUARE) / _NEAREST_SQUARE)
    steps = np.minimum((log * _STEPS_OF_LOG).astype(np.intp), STEPS - 1)
    counts = np.bincount(_BLOCK[cells] * STEPS + steps, minlength=BLOCKS * STEPS)
    counts = counts.reshape(BLOCKS, STEPS)
    share = np.bincount(_BLOCK, known, BLOCKS) / (BAND * SECTOR)
    vectors = counts @ _STEP_VECTORS * (share / np.maximum(counts.sum(axis=1), 1))[:, None]
    whole = np.concatenate(([PRESENCE], vectors.ravel()))
    unit: NDArray[np.float32] = (whole / np.linalg.norm(whole)).astype(np.float32)
    return unit


def _places() -> Table:
    """The direction of each cell [30][30] of the image: "ahead left, level"."""
    directions = [polar.direction_words(-bearing) for bearing in polar.bin_centres(math.pi)]
    heights = [polar.elevation_words(at) for at in polar.bin_centres(90.0)[::-1]]
    return Table([[f"{direction}, {height}" for direction in directions] for height in heights])


PLACES = _places()
