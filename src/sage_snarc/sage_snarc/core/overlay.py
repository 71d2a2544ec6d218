"""Salience as pictures: colours for cells and bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELL_PIXELS = 24
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


def heat_map(
    grid: NDArray[np.float32], region: tuple[float, float, float, float] | None
) -> NDArray[np.uint8]:
    """A grid float32 [rows, columns] (0..1) as rgb8 uint8 [24 rows, 24 columns, 3].

    `region`: x_min, y_min, x_max, y_max as fractions, outlined in white; None: no outline.
    """
    cells = colours(grid)
    picture = cells.repeat(CELL_PIXELS, axis=0).repeat(CELL_PIXELS, axis=1)
    if region is not None:
        height, width = picture.shape[:2]
        x_min, y_min, x_max, y_max = region
        left, right = round(x_min * width), round(x_max * width) - 1
        top, bottom = round(y_min * height), round(y_max * height) - 1
        for row in (top, top + 1, bottom - 1, bottom):
            picture[row, left : right + 1] = 255
        for column in (left, left + 1, right - 1, right):
            picture[top : bottom + 1, column] = 255
    return picture
