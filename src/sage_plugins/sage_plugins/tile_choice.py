"""Which tiles deserve a closer look, and how many of them can be paid for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.tiles import TileView
from sage_orchestrator.core.plugin import Region

LEAST_SALIENCE = 0.05
"""A tile below it does not stand out."""
COVERED = 0.5
"""A tile is seen with what was looked at before if that covers so much of it."""


@dataclass(frozen=True)
class Tile:
    """A tile that deserves a closer look: its place in the grid, its pixels, and its salience."""

    row: int
    column: int
    region: Region
    salience: float


def worthy_tiles(view: TileView, seen: Region) -> tuple[Tile, ...]:
    """Tiles that stand out and lie mostly outside of what was seen, the most salient first.

    Equal ones come row by row, from left to right.
    """
    salience = view.salience.ravel()
    boxes = view.grid.boxes()
    is_worthy = (salience >= LEAST_SALIENCE) & (_covered(boxes, seen) < COVERED)
    order = np.lexsort((np.arange(len(salience)), -salience))
    return tuple(
        Tile(
            int(i) // view.grid.columns,
            int(i) % view.grid.columns,
            Region(*(int(value) for value in boxes[i])),
            float(salience[i]),
        )
        for i in order
        if is_worthy[i]
    )


def affordable_looks(budget_atp: float, look_atp: float) -> int:
    """K: how many looks of `look_atp` each a budget pays for, >= 0.

    Raises:
        InvalidInput: a look that costs nothing, or numbers that are not finite.
    """
    if not math.isfinite(look_atp) or look_atp <= 0.0:
        raise InvalidInput("look_atp", look_atp, "a finite number above 0")
    if not math.isfinite(budget_atp):
        raise InvalidInput("budget_atp", budget_atp, "a finite number")
    return max(0, math.floor(budget_atp / look_atp))


def _covered(boxes: NDArray[np.int64], seen: Region) -> NDArray[np.float64]:
    """Part of each box [left, top, width, height] that lies inside `seen`, [0, 1]."""
    left, top, width, height = boxes.T
    across = np.minimum(left + width, seen.left + seen.width) - np.maximum(left, seen.left)
    down = np.minimum(top + height, seen.top + seen.height) - np.maximum(top, seen.top)
    area: NDArray[np.float64] = np.maximum(across, 0) * np.maximum(down, 0) / (width * height)
    return area
