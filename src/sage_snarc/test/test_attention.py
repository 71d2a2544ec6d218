"""Attention: it goes where the salience is, and does not come back at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sage_common.core.errors import InvalidInput
from sage_snarc.core.attention import Attention
from sage_snarc.core.overlay import CELL_PIXELS, colours, heat_map

MS = 10**6
cells = hnp.arrays(
    np.float32,
    st.tuples(st.integers(5, 12), st.integers(5, 12)),
    elements=st.floats(0, 1, width=32),
)


def spot(row: int, column: int, value: float = 1.0) -> np.ndarray:
    grid = np.zeros((10, 10), np.float32)
    grid[row : row + 3, column : column + 3] = value
    return grid


@given(st.lists(cells, min_size=1, max_size=5))
def test_regions_are_proper_rectangles(grids: list[np.ndarray]) -> None:
    attention = Attention()
    for index, grid in enumerate(grids):
        region = attention.choose("vision/front", index * 100 * MS, grid)
        assert (region is None) == (float(grid.max()) < 0.05)
        if region is not None:
            assert 0.0 <= region.x_min < region.x_max <= 1.0
            assert 0.0 <= region.y_min < region.y_max <= 1.0
            assert 0.0 <= region.confidence <= 1.0
            assert 0.0 <= region.inhibited <= 1.0


def test_it_finds_the_spot() -> None:
    region = Attention().choose("vision/front", 0, spot(6, 1))
    assert region is not None
    assert (region.x_min, region.y_min) == (0.1, 0.6)
    assert (region.x_max, region.y_max) == (0.4, pytest.approx(0.9))
    assert region.confidence == pytest.approx(1.0)
    assert region.peak == 1.0


def test_two_spots_are_visited_in_turn() -> None:
    attention = Attention()
    both = np.maximum(spot(0, 0), spot(6, 6, 0.8))
    corners = []
    for index in range(20):
        region = attention.choose("vision/front", index * 100 * MS, both)
        assert region is not None
        corners.append(region.x_min < 0.4)
    assert corners[0]
    assert 4 <= sum(corners) <= 16


def test_a_single_spot_is_kept_in_spite_of_inhibition() -> None:
    attention = Attention()
    for index in range(20):
        region = attention.choose("vision/front", index * 100 * MS, spot(4, 4))
        assert region is not None
        assert region.x_min <= 0.4 < region.x_max
    assert region.inhibited > 0.5


def test_inhibition_fades_and_is_each_percepts_own() -> None:
    attention = Attention()
    attention.choose("vision/front", 0, spot(0, 0))
    assert attention.choose("audio/front", 100 * MS, spot(0, 0)).inhibited == 0.0
    assert attention.choose("vision/front", 60_000 * MS, spot(0, 0)).inhibited < 1e-6


@pytest.mark.parametrize(
    "grid",
    [
        np.zeros((3, 3), np.float32),
        np.zeros(9, np.float32),
        np.full((6, 6), 2.0, np.float32),
        np.full((6, 6), np.nan, np.float32),
    ],
)
def test_a_wrong_grid_is_refused(grid: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="grid"):
        Attention().choose("vision/front", 0, grid)


def test_the_heat_map_shows_the_grid_and_the_region() -> None:
    grid = spot(0, 7)
    picture = heat_map(grid, (0.7, 0.0, 1.0, 0.3))
    assert picture.shape == (10 * CELL_PIXELS, 10 * CELL_PIXELS, 3)
    assert picture.dtype == np.uint8
    centre = CELL_PIXELS // 2
    assert picture[centre, 8 * CELL_PIXELS + centre].sum() > 600
    assert picture[-centre, centre].sum() < 60
    assert (picture[0, 7 * CELL_PIXELS :] == 255).all()
    plain = heat_map(grid, None)
    assert (plain != picture).any()


def test_colours_get_lighter_with_the_value() -> None:
    ramp = colours(np.linspace(0, 1, 64, dtype=np.float32)).astype(float)
    luminance = ramp @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()
