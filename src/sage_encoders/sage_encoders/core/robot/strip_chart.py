"""The recent past of a few quantities as a strip chart: rows are quantities, columns are time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.puzzle import CODES, GRID
from sage_common.core.specs.places import Table
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful

Floats = NDArray[np.float64]

BAR = 3
"""Rows of a bar; its level is written with three codes."""
TOP = BAR * (CODES - 1)
BARS = GRID // BAR


class StripChart(Stateful):
    """Thirty columns of a fixed time each; the newest one is filled while it lasts.

    Of the samples within one column the value of the largest magnitude stays, so that a short peak
    is not lost. A column without a sample repeats the one before; NaN is what was never known.

    Args:
        quantities: rows.
        column_ns: time of a column [ns].
    """

    values: State[Floats]
    _newest: State[int] = -1
    _last: State[Floats]

    def __init__(self, quantities: int, column_ns: int) -> None:
        self.values = np.full((quantities, GRID), np.nan)
        self._column_ns = column_ns
        self._last = np.full(quantities, np.nan)

    def add(self, stamp_ns: int, sample: Floats) -> None:
        """Take a sample [quantities], not older than the one before; NaN: not known."""
        slot = stamp_ns // self._column_ns
        if slot > self._newest:
            steps = min(slot - self._newest, GRID) if self._newest >= 0 else 1
            self.values[:, :-steps] = self.values[:, steps:]
            self.values[:, -steps:] = self._last[:, None]
            self.values[:, -1] = sample
            self._newest = slot
        else:
            now = self.values[:, -1]
            larger = ~(np.abs(sample) <= np.abs(now)) & ~np.isnan(sample)
            self.values[larger, -1] = sample[larger]
        self._last = sample.copy()


def bars(levels: Floats) -> NDArray[np.uint8]:
    """Ten quantities [10, 30], each 0..1 or NaN, as bars of three rows: codes [30, 30].

    A bar fills from its lowest row; its codes sum to 0 where the value is not known, else to 1
    (lowest) to 27 (highest).
    """
    heights = np.where(np.isnan(levels), 0.0, 1.0 + np.rint(np.clip(levels, 0.0, 1.0) * (TOP - 1)))
    floors = (CODES - 1) * np.arange(BAR)[::-1]
    codes = np.clip(heights[:, None, :] - floors[None, :, None], 0, CODES - 1)
    grid: NDArray[np.uint8] = codes.reshape(GRID, GRID).astype(np.uint8)
    return grid


def signed_level(values: Floats, limits: Floats) -> Floats:
    """From -limit to limit as 0 to 1, finer around 0 (a signed root), which is 0.5."""
    share = np.clip(values / limits, -1.0, 1.0)
    level: Floats = 0.5 + 0.5 * np.sign(share) * np.sqrt(np.abs(share))
    return level


def chart_places(quantities: Sequence[str], column_s: float) -> Table:
    """What each cell of a chart shows, by rows that are spread evenly: "turning, 0.3 s ago"."""
    ages = [_ago((GRID - 1 - column) * column_s) for column in range(GRID)]
    return Table([[f"{quantity}, {age}" for age in ages] for quantity in quantities])


def _ago(seconds: float) -> str:
    if seconds == 0.0:
        return "just now"
    return f"{seconds:.1f} s ago" if seconds < 10.0 else f"{seconds:.0f} s ago"
