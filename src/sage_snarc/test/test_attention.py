"""Attention: it goes where the salience is, and does not come back at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.places import PICTURE, Area, area_of
from sage_snarc.core.attention import Attention, Region
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


def worth(grid: np.ndarray, region: Region) -> float:
    """What an uninhibited window is chosen by; what is below 0.05 is nothing."""
    rows, columns = grid.shape
    area = region.area
    window = grid[
        round(area.y_min * rows) : round(area.y_max * rows),
        round(area.x_min * columns) : round(area.x_max * columns),
    ].astype(np.float64)
    return float(window[window >= np.float32(0.05)].sum()) / len(window)


def apart(one: Area, other: Area) -> bool:
    beside = one.x_max <= other.x_min + 1e-9 or other.x_max <= one.x_min + 1e-9
    return beside or one.y_max <= other.y_min + 1e-9 or other.y_max <= one.y_min + 1e-9


@given(st.lists(cells, min_size=1, max_size=5), st.integers(1, 10))
def test_regions_are_inside_and_apart(grids: list[np.ndarray], count: int) -> None:
    attention = Attention()
    for index, grid in enumerate(grids):
        regions = attention.choose("vision/front", index * 100 * MS, grid, count)
        assert bool(regions) == (float(grid.max()) >= 0.05)
        assert len(regions) <= count
        for region in regions:
            area = region.area
            assert 0.0 <= area.x_min < area.x_peak < area.x_max <= 1.0
            assert 0.0 <= area.y_min < area.y_peak < area.y_max <= 1.0
            assert 0.0 <= region.confidence <= 1.0
            assert 0.0 <= region.inhibited <= 0.8
            assert region.peak >= np.float32(0.05)
        for one, other in itertools.combinations(regions, 2):
            assert apart(one.area, other.area)
        assert sum(region.confidence for region in regions) <= 1.0 + 1e-9


@given(cells, st.integers(1, 10))
def test_they_come_best_first_and_more_do_not_change_the_first(
    grid: np.ndarray, count: int
) -> None:
    regions = Attention().choose("vision/front", 0, grid, 10)
    found = [worth(grid, region) for region in regions]
    assert found == sorted(found, reverse=True) or np.diff(found).max() < 1e-6
    assert Attention().choose("vision/front", 0, grid, count) == regions[:count]
    # No window at all is worth more than the first.
    rows, columns = grid.shape
    for size, row, column in itertools.product((3, 4, 5), range(rows - 4), range(columns - 4)):
        window = Region(area_of(grid, row, column, size), 0.0, 0.0, 0.0)
        assert not regions or worth(grid, window) <= found[0] + 1e-6


def only(regions: tuple[Region, ...]) -> Region:
    (region,) = regions
    return region


def test_it_finds_the_spot() -> None:
    region = only(Attention().choose("vision/front", 0, spot(6, 1)))
    assert region.area[:4] == pytest.approx((0.1, 0.6, 0.4, 0.9))
    assert region.confidence == pytest.approx(1.0)
    assert region.peak == 1.0


def test_all_spots_are_found_in_order() -> None:
    grid = np.maximum.reduce([spot(0, 0, 0.6), spot(0, 7, 0.9), spot(7, 4, 0.3)])
    regions = Attention().choose("vision/front", 0, grid)
    assert [PICTURE.name(region.area) for region in regions] == [
        "top right",
        "top left",
        "bottom centre",
    ]
    assert sum(region.confidence for region in regions) == pytest.approx(1.0)


def test_two_spots_are_visited_in_turn() -> None:
    attention = Attention()
    both = np.maximum(spot(0, 0), spot(6, 6, 0.8))
    corners = []
    for index in range(20):
        first, second = attention.choose("vision/front", index * 100 * MS, both)
        assert {first.area.x_min < 0.4, second.area.x_min < 0.4} == {True, False}
        corners.append(first.area.x_min < 0.4)
    assert corners[0]
    assert 4 <= sum(corners) <= 16


def test_a_single_spot_is_kept_in_spite_of_inhibition() -> None:
    attention = Attention()
    for index in range(20):
        region = only(attention.choose("vision/front", index * 100 * MS, spot(4, 4)))
        assert region.area.x_min <= 0.4 < region.area.x_max
    assert region.inhibited > 0.5


def test_inhibition_fades_and_is_each_percepts_own() -> None:
    attention = Attention()
    attention.choose("vision/front", 0, spot(0, 0))
    assert only(attention.choose("audio/front", 100 * MS, spot(0, 0))).inhibited == 0.0
    assert only(attention.choose("vision/front", 60_000 * MS, spot(0, 0))).inhibited < 1e-6


@given(st.integers(0, 6), st.integers(0, 6), st.floats(0.5, 1.0))
def test_only_the_attended_region_is_inhibited_and_it_may_return(
    row: int, column: int, value: float
) -> None:
    """The second spot, a little weaker, has its turn; then the first again."""
    attention, other = Attention(), (row + 5) % 8
    both = np.maximum(spot(row, column, value), spot(other, column, 0.9 * value))
    assume(abs(other - row) >= 3)
    first, *rest = attention.choose("vision/front", 0, both)
    second, *_ = attention.choose("vision/front", 100 * MS, both)
    assert second.area in [region.area for region in rest]
    assert second.inhibited == 0.0
    later, *_ = attention.choose("vision/front", 30_000 * MS, both)
    assert later.area == first.area


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


def test_the_heat_map_shows_the_grid_and_all_regions() -> None:
    grid = spot(0, 7)
    picture = heat_map(grid, [area_of(grid, 0, 7, 3), area_of(grid, 5, 0, 4)])
    assert picture.shape == (10 * CELL_PIXELS, 10 * CELL_PIXELS, 3)
    assert picture.dtype == np.uint8
    centre = CELL_PIXELS // 2
    assert picture[centre, 8 * CELL_PIXELS + centre].sum() > 600
    assert picture[-centre, centre].sum() < 60
    assert (picture[:2, 7 * CELL_PIXELS :] == 255).all()
    assert (picture[: 3 * CELL_PIXELS, -2:] == 255).all()
    assert (picture[5 * CELL_PIXELS, : 4 * CELL_PIXELS] == 160).all()
    assert (picture[5 * CELL_PIXELS : 9 * CELL_PIXELS, 0] == 160).all()
    plain = heat_map(grid, [])
    changed = (plain != picture).any(axis=2)
    assert changed.sum() == 2 * 2 * 2 * (3 + 4) * CELL_PIXELS - 2 * 16


def test_colours_get_lighter_with_the_value() -> None:
    ramp = colours(np.linspace(0, 1, 64, dtype=np.float32)).astype(float)
    luminance = ramp @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()
