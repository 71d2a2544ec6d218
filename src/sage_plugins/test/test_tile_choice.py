"""Which tiles are looked at closely, and how many: the best, in one order, within the budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_common.core.tiles import TileGrid, TileView
from sage_orchestrator.core.plugin import Region
from sage_plugins.tile_choice import (
    LEAST_SALIENCE,
    affordable_looks,
    worthy_tiles,
)

GRID = TileGrid(848, 480, 3, 5)
NOWHERE = Region(0, 0, 1, 1)
levels = st.lists(st.sampled_from([0.0, 0.04, 0.05, 0.3, 0.9, 1.0]), min_size=15, max_size=15)
regions = st.builds(
    Region, st.integers(0, 800), st.integers(0, 400), st.integers(1, 848), st.integers(1, 480)
)


def view_with(salience: list[float]) -> TileView:
    values = np.array(salience, np.float32).reshape(GRID.rows, GRID.columns)
    return TileView(0, "front", GRID, values, values, values)


def covered(tile: Region, seen: Region) -> float:
    across = min(tile.left + tile.width, seen.left + seen.width) - max(tile.left, seen.left)
    down = min(tile.top + tile.height, seen.top + seen.height) - max(tile.top, seen.top)
    return max(across, 0) * max(down, 0) / (tile.width * tile.height)


@given(levels, regions)
def test_the_best_come_first_and_equal_ones_row_by_row(salience: list[float], seen: Region) -> None:
    tiles = worthy_tiles(view_with(salience), seen)
    order = [(-tile.salience, tile.row, tile.column) for tile in tiles]
    assert order == sorted(order) and len(set(order)) == len(order)
    chosen = {(tile.row, tile.column) for tile in tiles}
    for i, box in enumerate(GRID.boxes().tolist()):
        worthy = np.float32(salience[i]) >= np.float32(LEAST_SALIENCE)
        assert (divmod(i, 5) in chosen) == (worthy and covered(Region(*box), seen) < 0.5)
    for tile in tiles:
        assert tile.region == Region(*GRID.boxes()[tile.row * 5 + tile.column].tolist())


def test_what_was_seen_already_needs_no_other_look() -> None:
    view = view_with([1.0] * 15)
    assert len(worthy_tiles(view, NOWHERE)) == 15
    assert worthy_tiles(view, Region(0, 0, 848, 480)) == ()
    upper = worthy_tiles(view, Region(0, 0, 848, 240))
    assert {tile.row for tile in upper} == {2}


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_looks_never_cost_more_than_the_budget(budget_atp: float, look_atp: float) -> None:
    count = affordable_looks(budget_atp, look_atp)
    assert count >= 0
    assert count == 0 or count * look_atp <= budget_atp * (1 + 1e-12)
    assert (count + 1) * look_atp > budget_atp * (1 - 1e-12)


@pytest.mark.parametrize(
    ("budget_atp", "look_atp", "field"),
    [(1.0, 0.0, "look_atp"), (1.0, -1.0, "look_atp"), (1.0, float("nan"), "look_atp"),
     (float("inf"), 1.0, "budget_atp")],
)  # fmt: skip
def test_a_look_for_nothing_is_refused(budget_atp: float, look_atp: float, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        affordable_looks(budget_atp, look_atp)
