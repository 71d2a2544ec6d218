"""Salience as pictures: colours for cells and bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.specs.places import Area

CELL_PIXELS = 24
OUTLINE = 2  # pixels
ATTENDED, OTHER = 255, 160
_STOPS = np.array([0.0, 0.35, 0.7, 1.0])
_RED = np.array([8.0, 150.0, 245.0, 255.0])
_GREEN = np.array([8.0, 20.0, 140.0, 250.0])
_BLUE = np.array([24.0, 90.0, 20.0, 190.0])


def colours(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Values 0..1 of any shape [...] as colours uint8 [..., 3], dark blue to light yellow.

    Luminance rises with the value, so the picture reads without colour too.
    """
    channels = [np.interp(values, _STOPS, stops) for stops in (_RED, _GREEN, _BLUE)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def heat_map(grid: NDArray[np.float32], areas: Sequence[Area]) -> NDArray[np.uint8]:
    """A grid float32 [rows, columns] (0..1) as rgb8 uint8 [24 rows, 24 columns, 3].

    `areas` are outlined, the first, which is attended, in white, the others in grey.
    """
    picture = colours(grid).repeat(CELL_PIXELS, axis=0).repeat(CELL_PIXELS, axis=1)
    for place, area in reversed(list(enumerate(areas))):
        _outline(picture, area, ATTENDED if place == 0 else OTHER)
    return picture


def _outline(picture: NDArray[np.uint8], area: Area, shade: int) -> None:
    height, width = picture.shape[:2]
    left, right = round(area.x_min * width), round(area.x_max * width)
    top, bottom = round(area.y_min * height), round(area.y_max * height)
    for line in (slice(top, top + OUTLINE), slice(bottom - OUTLINE, bottom)):
        picture[line, left:right] = shade
    for line in (slice(left, left + OUTLINE), slice(right - OUTLINE, right)):
        picture[top:bottom, line] = shade
