"""What was looked at so far, and the squares of an image that are encoded."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_orchestrator.core.plugin.interface import Budget, Region
from sage_orchestrator.core.tile_choice import Tile

Pixels = NDArray[np.uint8]
Square = tuple[int, int, int]
"""Left, top and side in px of the native image."""

TILE_PX = 224
ALL_SEEN = 0.02
NOISE_LEVEL = 2.0
"""Grey levels (of 255) of sensor noise: variation of this size is no detail."""


@dataclass(frozen=True)
class TileLook:
    """A tile of the periphery that was looked at: the square around it, encoded."""

    tile: Tile
    square: Square
    percept: Percept


@dataclass(frozen=True)
class Look:
    """What was looked at so far.

    Attributes:
        image: native RGB uint8 [H, W, 3].
        region: of attention, inside the image.
        tile: square around the region seen last.
        first, percept: the encoded whole and the encoded tile.
        missing: [0, 1] part of the region's detail that the tile's pixels are too coarse to show.
        around: tiles of the periphery that stand out, best first, but for those in the region.
        affordable: K, how many of them there is budget for; None: the region is not seen yet.
        looks: at the best tiles, in order.
        budget: of the run.
        spent_atp: before this look.
    """

    image: Pixels
    region: Region
    tile: Square
    first: Percept
    percept: Percept
    missing: float
    around: tuple[Tile, ...]
    budget: Budget
    affordable: int | None = None
    looks: tuple[TileLook, ...] = ()
    spent_atp: float = 0.0

    @property
    def sees_region(self) -> bool:
        """Whether a closer look at the region would show no more."""
        closest = max(self.region.width, self.region.height, 1)
        return self.missing <= ALL_SEEN or self.tile[2] <= closest

    @property
    def unseen(self) -> float:
        """[0, 1] part of the salience around that was not looked at."""
        whole = sum(tile.salience for tile in self.around)
        seen = sum(look.tile.salience for look in self.looks)
        return 1.0 - seen / whole if whole else 0.0


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
        InvalidInput: it lies outside.
    """
    left, top = max(region.left, 0), max(region.top, 0)
    right = min(region.left + region.width, width)
    bottom = min(region.top + region.height, height)
    if right <= left or bottom <= top:
        raise InvalidInput("region", region, f"a region inside {width} x {height} px")
    return Region(left, top, right - left, bottom - top)


def centre(width: int, height: int) -> Region:
    return Region(width // 4, height // 4, max(1, width // 2), max(1, height // 2))
