"""The peripheral tier of sight: how far each tile of a frame stands out, at a glance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.tiles import TILE_PX, TileGrid, TileView
from sage_encoders.core.vision import Pixels, Resize

SAMPLES = 32
"""Points looked at along each side of a tile."""
NOISE_LEVEL = 2.0
"""Grey levels (of 255) of sensor noise."""
CHANGE_SHARE = 0.9
"""Of the salience; the rest is contrast, which decides where nothing changes."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Periphery:
    """Change and contrast of each tile, and how far they exceed those of the other tiles.

    Change: root mean square of how far the luminance of each point is outside of what it and its
    eight neighbours had in the picture before. Details that the camera moves by a point's breadth
    are not taken for change so (Elgammal, Harwood and Davis 2000 suppress detections that way).
    Contrast: standard deviation of luminance, which is higher where people look (Reinagel and
    Zador 1999). Of both counts what stands out (Itti, Koch and Niebur 1998): the excess over the
    median of all tiles, so that what the whole frame does draws attention nowhere.

    Args:
        sample: picks points of a picture on an even lattice; need not average what lies between.
        tile_px: side of a tile, about.
    """

    def __init__(self, sample: Resize, tile_px: int = TILE_PX) -> None:
        self._sample, self._tile_px = sample, tile_px
        self._before: NDArray[np.float32] | None = None

    def observe(self, image: Pixels, stamp_ns: int, source: str) -> TileView:
        """What there is to see around.

        Args:
            image: RGB uint8 [H, W, 3], any size; the first one, or one of another size, has no
                change.
            stamp_ns: when it was taken.
            source: name of the camera.

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise InvalidInput("image", f"{image.dtype} {image.shape}", "uint8 [H, W, 3], RGB")
        grid = TileGrid.of(image.shape[1], image.shape[0], self._tile_px)
        points = self._sample(image, grid.columns * SAMPLES, grid.rows * SAMPLES)
        luma = np.asarray(points.astype(np.float32) @ LUMA, np.float32)
        contrast = np.asarray(_of_tiles(luma, grid).std(axis=-1), np.float32)
        change = self._change(luma, grid)
        salience = CHANGE_SHARE * stands_out(change) + (1.0 - CHANGE_SHARE) * stands_out(contrast)
        return TileView(stamp_ns, source, grid, salience.astype(np.float32), change, contrast)

    def _change(self, luma: NDArray[np.float32], grid: TileGrid) -> NDArray[np.float32]:
        before, self._before = self._before, luma
        if before is None or before.shape != luma.shape:
            return np.zeros((grid.rows, grid.columns), np.float32)
        above = luma - _of_neighbours(before, np.maximum)
        below = _of_neighbours(before, np.minimum) - luma
        outside = np.maximum(np.maximum(above, below), 0.0)
        mean_square = np.mean(np.square(_of_tiles(outside, grid)), axis=-1)
        return np.asarray(np.sqrt(mean_square), np.float32)


def _of_tiles(points: NDArray[np.float32], grid: TileGrid) -> NDArray[np.float32]:
    """Points by tile: [rows, columns, SAMPLES * SAMPLES]."""
    apart = points.reshape(grid.rows, SAMPLES, grid.columns, SAMPLES)
    together: NDArray[np.float32] = np.ascontiguousarray(apart.transpose(0, 2, 1, 3))
    return together.reshape(grid.rows, grid.columns, SAMPLES * SAMPLES)


def _of_neighbours(points: NDArray[np.float32], extreme: np.ufunc) -> NDArray[np.float32]:
    """Of each point and its eight neighbours the largest, or smallest; at edges of those there."""
    across: NDArray[np.float32] = points.copy()
    extreme(across[:, 1:], points[:, :-1], out=across[:, 1:])
    extreme(across[:, :-1], points[:, 1:], out=across[:, :-1])
    both: NDArray[np.float32] = across.copy()
    extreme(both[1:], across[:-1], out=both[1:])
    extreme(both[:-1], across[1:], out=both[:-1])
    return both


def stands_out(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Excess of each value [grey levels] over the median of all, relative to itself: [0, 1)."""
    excess = np.maximum(values - np.median(values), 0.0)
    return np.asarray(excess / (values + NOISE_LEVEL), np.float32)
