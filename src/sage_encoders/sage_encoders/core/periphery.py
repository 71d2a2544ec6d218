"""The peripheral tier of sight: how far each tile of a frame stands out, at a glance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.tiles import TILE_PX, TileGrid, TileView
from sage_encoders.core.vision import Pixels, Resize

SAMPLES = 32
"""Points looked at along each side of a tile."""
USUAL_S = 1.0
"""Time constant of the picture that change is measured against."""
NOISE_LEVEL = 2.0
"""Grey levels (of 255) of sensor noise."""
CHANGE_SHARE = 0.7
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Periphery:
    """Change and contrast of each tile, and how far they exceed those of the other tiles.

    Change: root mean square difference of luminance to its running mean over the last second (a
    background model as Wren et al. 1997 have it, without the variances). Contrast: standard
    deviation of luminance, which is higher where people look (Reinagel and Zador 1999). Of both
    counts what stands out (Itti, Koch and Niebur 1998): the excess over the median of all tiles,
    so that what the whole frame does, as in camera motion, draws attention nowhere.

    Args:
        sample: picks points of a picture on an even lattice; need not average what lies between.
        tile_px: side of a tile, about.
    """

    def __init__(self, sample: Resize, tile_px: int = TILE_PX) -> None:
        self._sample, self._tile_px = sample, tile_px
        self._usual: NDArray[np.float32] | None = None
        self._stamp_ns = 0

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
        luma = self._points(image, grid)
        contrast = np.asarray(luma.std(axis=-1), np.float32)
        change = self._change(luma, stamp_ns)
        salience = CHANGE_SHARE * stands_out(change) + (1.0 - CHANGE_SHARE) * stands_out(contrast)
        return TileView(stamp_ns, source, grid, salience.astype(np.float32), change, contrast)

    def _points(self, image: Pixels, grid: TileGrid) -> NDArray[np.float32]:
        """Luminance at the points of each tile, float32 [rows, columns, SAMPLES * SAMPLES]."""
        rows, columns = grid.rows, grid.columns
        points = self._sample(image, columns * SAMPLES, rows * SAMPLES)
        luma = np.asarray(points.astype(np.float32) @ LUMA, np.float32)
        parts = luma.reshape(rows, SAMPLES, columns, SAMPLES).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(parts).reshape(rows, columns, -1)

    def _change(self, luma: NDArray[np.float32], stamp_ns: int) -> NDArray[np.float32]:
        if self._usual is None or self._usual.shape != luma.shape:
            self._usual, self._stamp_ns = luma, stamp_ns
            return np.zeros(luma.shape[:2], np.float32)
        difference = luma - self._usual
        elapsed_s = max(stamp_ns - self._stamp_ns, 0) * 1e-9
        self._usual = self._usual + np.float32(1.0 - math.exp(-elapsed_s / USUAL_S)) * difference
        self._stamp_ns = stamp_ns
        return np.asarray(np.sqrt(np.mean(np.square(difference), axis=-1)), np.float32)


def stands_out(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Excess of each value [grey levels] over the median of all, relative to itself: [0, 1)."""
    excess = np.maximum(values - np.median(values), 0.0)
    return np.asarray(excess / (values + NOISE_LEVEL), np.float32)
