"""Arousal of puzzles, and the grid of where in them it is."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, Count
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.analogues import Analogues
from sage_snarc.core.dimensions.surprise import Surprise
from sage_snarc.core.dimensions.whitening import Whitening

GRID = 10
BLOCK = 3
MEAN_HORIZON = 100
SPREAD_HORIZON = 300
CELL_FLOOR = np.float32(0.15)
SPREAD_FLOOR = np.float32(0.05)
CELL_FULL = 4.0
TOP_CELLS = 8
NEWEST_COLUMNS = (3, 6, 10)
"""Of a puzzle that scrolls: 100, 200 and 333 ms of sound."""
REMEMBERED_PROFILES = 2
"""Those of the fewest columns are compared with the past as well."""
PROFILE_HORIZON = 50
BAND_FULL = 3.0
SIDE = GRID * BLOCK
POOL = np.kron(np.eye(GRID), np.full((1, BLOCK), 1.0 / BLOCK)).astype(np.float32)
POOL_COLUMNS = np.ascontiguousarray(POOL.T)
PATCHES = 8
_STARTS = np.arange(PATCHES)[:, None] * (SIDE / PATCHES)
PATCH_MEANS = np.clip(
    np.minimum(_STARTS + SIDE / PATCHES, np.arange(SIDE) + 1.0)
    - np.maximum(_STARTS, np.arange(SIDE)),
    0.0,
    1.0,
).astype(np.float32) * np.float32(PATCHES / SIDE)
"""Of eight parts of the rows, or columns, of a puzzle; a row that lies in two counts in both."""
PATCH_COLUMNS = np.ascontiguousarray(PATCH_MEANS.T)
NEWEST_MEANS = np.stack(
    [(np.arange(SIDE) >= SIDE - count) / count for count in NEWEST_COLUMNS], axis=1
).astype(np.float32)
BLOCK_MEAN = np.full(GRID, 1.0 / GRID, np.float32)
Codes = NDArray[np.uint8]
Grid = NDArray[np.float32]
EMPTY_GRID = np.zeros((0, 0), np.float32)


class Details(NamedTuple):
    """What parts of a percept say beside its whole embedding.

    Attributes:
        arousals: raw arousal of each, >= 0, usually about 1.
        errors: whitened error of the prediction of each that is predicted, >= 0, usually about 1.
        grid: where it is, float32 [10, 10] or [0, 0].
    """

    arousals: tuple[float, ...]
    errors: tuple[float, ...]
    grid: Grid


NO_DETAILS = Details((), (), EMPTY_GRID)


class Layout(Enum):
    """What the rows and columns of a puzzle are.

    PICTURE: places. SCROLL: rows are bands, columns are time, newest at the right. BODY: a fixed
    table of the same physical values that the embedding holds.
    """

    PICTURE = "picture"
    SCROLL = "scroll"
    BODY = "body"


def code_arousal(layout: Layout) -> CodeArousal:
    """The arousal of puzzles of a layout."""
    return BandArousal() if layout is Layout.SCROLL else CellArousal(layout is Layout.PICTURE)


class CellArousal(Stateful):
    """Arousal of a puzzle whose cells are places.

    Codes are ordered, so differences mean something. A cell of the 10x10 grid is the change of the
    mean of its 3x3 codes since the last sample and its deviation from where it lately was, in
    units of what is usual for that cell: 0 up to once and 1 from four times the usual; half of
    0.15 codes is nothing anywhere.

    There are two errors of prediction. One is how many usual spreads the changes of the eight most
    unusual cells are away from their means: what comes in at one corner must not drown in the
    rest. The other is the whitened error of 8x8 patches, predicted each: a camera that moves
    changes all of them together, and an object those of one place.
    """

    new_keys = frozenset({"predictor"})
    _count: State[Count] = 0
    _last: State[Annotated[NDArray[np.float32], FINITE]]
    _mean: State[Annotated[NDArray[np.float32], FINITE]]
    _usual: State[Annotated[NDArray[np.float32], NOT_NEGATIVE]]
    _change: State[Annotated[NDArray[np.float32], FINITE]]
    _variance: State[Annotated[NDArray[np.float32], NOT_NEGATIVE]]
    _predictor: State[Surprise | None]

    def __init__(self, counts: bool = True) -> None:
        """`counts`: whether errors are computed; else there are none."""
        self._predictor = (
            Surprise(PATCHES * PATCHES, float(CELL_FLOOR), shrunk=True) if counts else None
        )
        self._last = np.zeros((GRID, GRID), np.float32)
        self._mean = np.zeros((GRID, GRID), np.float32)
        self._usual = np.zeros((GRID, GRID), np.float32)
        self._change = np.zeros((GRID, GRID), np.float32)
        self._variance = np.zeros((GRID, GRID), np.float32)
        self._spread = np.full((GRID, GRID), SPREAD_FLOOR, np.float32)

    def observe(self, codes: Codes, gap: bool) -> Details:
        """Of codes uint8 [30, 30]; the first sample after a `gap` has no change, only deviation."""
        values = codes.astype(np.float32)
        now = _pooled(values)
        self._count += 1
        if self._count == 1:
            self._mean[...] = now
            self._last = now
            return Details((), self._errors(values, None, gap), np.zeros((GRID, GRID), np.float32))
        offset = now - self._mean
        cells = np.abs(offset)
        change = None if gap else np.abs(now - self._last)
        if change is not None:
            cells += change
        errors = self._errors(values, change, gap)
        rate = np.float32(1.0 / min(self._count, MEAN_HORIZON))
        grid = cells / (self._usual + CELL_FLOOR)
        grid -= 1.0
        grid *= 1.0 / (CELL_FULL - 1.0)
        _clip(grid)
        offset *= rate
        self._mean += offset
        cells -= self._usual
        cells *= rate
        self._usual += cells
        self._last = now
        return Details((), errors, grid)

    def _errors(
        self, codes: NDArray[np.float32], change: Grid | None, gap: bool
    ) -> tuple[float, ...]:
        if self._predictor is None:
            return ()
        patches = PATCH_MEANS @ codes @ PATCH_COLUMNS
        whole = self._predictor.observe(patches.ravel().astype(np.float64), 0.0, gap)
        return (0.0 if change is None else self._unusual_change(change), whole)

    def _unusual_change(self, change: Grid) -> float:
        change = change - self._change
        spreads = np.abs(change).ravel()
        spreads /= self._spread.ravel()
        spreads.partition(GRID * GRID - TOP_CELLS)
        rate = np.float32(1.0 / min(self._count, SPREAD_HORIZON))
        self._change += rate * change
        change *= change
        change *= np.float32(1.0) - rate
        change -= self._variance
        change *= rate
        self._variance += change
        np.sqrt(self._variance + SPREAD_FLOOR**2, out=self._spread)
        return float(np.add.reduce(spreads[-TOP_CELLS:])) / TOP_CELLS

    def restored(self) -> None:
        self._spread = np.sqrt(self._variance + np.float32(SPREAD_FLOOR**2))


class BandArousal(Stateful):
    """Arousal of a puzzle that scrolls: rows are bands, the newest columns are at the right.

    Raw arousal is the whitened distance of the profile over the bands from its mean of the last 50
    samples, of the newest three, six and ten columns: in noise a sound stands out in its own bands
    long before it does in the whole. The newest three and six are predicted as well, by the most
    similar ones of the past: places have sounds of their own, which are like those before them. A
    cell of the grid is the deviation of three columns from their bands' means in units of the
    bands' usual deviation, so the same sound is seen to wander through the grid.
    """

    new_keys = frozenset({"spans", "past"})
    _count: State[int] = 0
    _spans: State[list[Whitening]]
    _past: State[list[Analogues]]
    _mean: State[NDArray[np.float32]]
    _usual: State[NDArray[np.float32]]

    def __init__(self) -> None:
        floor = float(CELL_FLOOR)
        self._spans = [
            Whitening(SIDE, PROFILE_HORIZON, floor=floor, shrunk=True) for _ in NEWEST_COLUMNS
        ]
        self._past = [Analogues(SIDE) for _ in range(REMEMBERED_PROFILES)]
        self._mean = np.zeros(SIDE, np.float32)
        self._usual = np.zeros(SIDE, np.float32)

    def observe(self, codes: Codes, gap: bool) -> Details:
        """Of codes uint8 [30, 30]; what is heard after a `gap` is compared with what was before."""
        cells = codes.astype(np.float32)
        now = cells @ POOL_COLUMNS
        self._count += 1
        newest = (cells @ NEWEST_MEANS).T.astype(np.float64)
        spans = list(zip(newest, self._spans, strict=True))
        arousals = tuple(usual.observe(profile) for profile, usual in spans)
        errors = tuple(
            past.observe(profile.astype(np.float32), usual)
            for past, (profile, usual) in zip(self._past, spans, strict=False)
        )
        rate = np.float32(1.0 / min(self._count, SPREAD_HORIZON))
        bands = now @ BLOCK_MEAN
        if self._count == 1:
            self._mean = bands
        offset = np.abs(now - self._mean[:, None])
        unusual = offset / (self._usual + CELL_FLOOR)[:, None]
        grid: Grid = POOL @ unusual
        grid -= 1.0
        grid *= 1.0 / (BAND_FULL - 1.0)
        _clip(grid)
        self._mean = self._mean + rate * (bands - self._mean)
        self._usual += rate * (offset @ BLOCK_MEAN - self._usual)
        grid = grid if self._count > 1 else np.zeros_like(grid)
        return Details(arousals, errors, grid)


def _pooled(cells: NDArray[np.float32]) -> Grid:
    """Means of 3x3 blocks: float32 [30, 30] -> [10, 10]."""
    pooled: Grid = POOL @ cells @ POOL_COLUMNS
    return pooled


def _clip(grid: Grid) -> None:
    """To 0..1, in place; `numpy.clip` takes several times as long for so few cells."""
    np.maximum(grid, 0.0, out=grid)
    np.minimum(grid, 1.0, out=grid)


CodeArousal: TypeAlias = CellArousal | BandArousal
