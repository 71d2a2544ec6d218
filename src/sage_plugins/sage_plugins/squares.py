"""The squares of an image that are encoded, and what is lost in them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_orchestrator.core.plugin import NothingToDo, Region

Pixels = NDArray[np.uint8]
Square = tuple[int, int, int]
"""Left, top and side in px of the native image."""

TILE_PX = 224
NOISE_LEVEL = 2.0
"""Grey levels (of 255) of sensor noise: variation of this size is no detail."""


def draw(image: Pixels, square: Square, tile: Pixels) -> None:
    """Scale a square of the image into a tile, [224, 224, 3], where that is."""
    left, top, side = square
    piece = image[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > TILE_PX else cv2.INTER_LINEAR
    cv2.resize(piece, (TILE_PX, TILE_PX), dst=tile, interpolation=method)


def cut(image: Pixels, square: Square) -> Pixels:
    """A square of the image, scaled to [224, 224, 3]."""
    tile = np.empty((TILE_PX, TILE_PX, 3), np.uint8)
    draw(image, square, tile)
    return tile


def missing_detail(image: Pixels, region: Region, side: int) -> float:
    """Part of a region's detail that is lost when a square of `side` px is seen as 224 px.

    The region is reduced as the square would be, enlarged again, and compared with itself:
    root mean square of the difference over the standard deviation, in luminance.
    """
    top, left = region.top, region.left
    piece = image[top : top + region.height, left : left + region.width]
    grey = cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = TILE_PX / side
    if scale >= 1.0:
        return 0.0
    height, width = grey.shape
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    coarse = cv2.resize(grey, small, interpolation=cv2.INTER_AREA)
    back = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    lost = float(np.sqrt(np.mean(np.square(grey - back))))
    return min(1.0, lost / (float(grey.std()) + NOISE_LEVEL))


def square_around(region: Region, side: int, width: int, height: int) -> Square:
    """The square of `side` px around the region's centre, moved to lie inside the image."""
    side = max(1, min(side, width, height))
    left = region.left + region.width // 2 - side // 2
    top = region.top + region.height // 2 - side // 2
    return min(max(left, 0), width - side), min(max(top, 0), height - side), side


def inside(region: Region, width: int, height: int) -> Region:
    """The region, cut at the image's edges.

    Raises:
        NothingToDo: it lies outside, as that of a picture does which was larger.
    """
    left, top = max(region.left, 0), max(region.top, 0)
    right = min(region.left + region.width, width)
    bottom = min(region.top + region.height, height)
    if right <= left or bottom <= top:
        where = f"{region.width} x {region.height} px at {region.left}, {region.top}"
        raise NothingToDo(f"the region, {where}, lies outside the picture of {width} x {height} px")
    return Region(left, top, right - left, bottom - top)


def centre(width: int, height: int) -> Region:
    """The middle half of an image, each way."""
    return Region(width // 4, height // 4, max(1, width // 2), max(1, height // 2))
