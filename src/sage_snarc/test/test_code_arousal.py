"""Arousal of codes, and the grid that says where."""

from __future__ import annotations

import numpy as np
import pytest

from sage_snarc.core.dimensions.code_arousal import BandArousal, CellArousal, Layout, code_arousal


def still(level: int = 4) -> np.ndarray:
    return np.full((30, 30), level, np.uint8)


@pytest.mark.parametrize("layout", Layout)
def test_nothing_happens_in_a_still_puzzle(layout: Layout) -> None:
    arousal = code_arousal(layout)
    for _ in range(50):
        details = arousal.observe(still(), gap=False)
        assert (len(details.arousals) == 0) == (layout is not Layout.SCROLL)
        assert (len(details.errors) == 0) == (layout is Layout.BODY)
        assert not any(details.arousals) and not any(details.errors)
        assert not details.grid.any()


def test_more_change_arouses_more_and_the_grid_says_where() -> None:
    def after(rows: slice, columns: slice, step: int) -> tuple[float, np.ndarray]:
        arousal = CellArousal()
        for _ in range(50):
            arousal.observe(still(), gap=False)
        codes = still()
        codes[rows, columns] += np.uint8(step)
        _, (change, _), grid = arousal.observe(codes, gap=False)
        return change, grid

    small, _ = after(slice(0, 3), slice(27, 30), 2)
    large, grid = after(slice(0, 6), slice(24, 30), 5)
    assert 0.0 < small < large
    assert np.array_equal(np.argwhere(grid > 0.5), [[0, 8], [0, 9], [1, 8], [1, 9]])
    assert not grid[2:].any()


def test_a_cell_that_always_flickers_is_not_unusual() -> None:
    generator = np.random.default_rng(0)
    arousal = CellArousal()
    for _ in range(400):
        codes = still()
        codes[:6, :6] = generator.integers(2, 7, (6, 6))
        arousal.observe(codes, gap=False)
    codes[15:18, 15:18] = 6
    grid = arousal.observe(codes, gap=False).grid
    assert grid[5, 5] == 1.0
    assert grid[:2, :2].max() < 0.5


def test_something_small_stands_out_where_little_happens() -> None:
    """Half of the picture flickers; the same change counts more in the calm half."""

    def after(column: int) -> float:
        generator = np.random.default_rng(1)
        arousal = CellArousal()
        for _ in range(300):
            codes = still()
            codes[:, :15] = generator.integers(2, 7, (30, 15))
            arousal.observe(codes, gap=False)
        codes[9:18, column : column + 9] = 8
        return arousal.observe(codes, gap=False).errors[0]

    assert after(18) > 2.0 * after(3)


def test_after_a_gap_there_is_no_change_only_deviation() -> None:
    steady, gapped = CellArousal(), CellArousal()
    for _ in range(20):
        steady.observe(still(2), gap=False)
        gapped.observe(still(2), gap=False)
    with_change = steady.observe(still(6), gap=False)
    without = gapped.observe(still(6), gap=True)
    assert min(with_change.errors) > 0.0 and without.errors == (0.0, 0.0)
    assert with_change.grid.all() and without.grid.all()


def test_what_moves_by_itself_stands_out_of_what_moves_together() -> None:
    """All cells change together, by chance; then one patch of them changes as much by itself."""
    generator = np.random.default_rng(5)
    arousal = CellArousal()
    usual = []
    for _ in range(600):
        usual.append(arousal.observe(still(int(generator.integers(2, 7))), gap=False).errors)
    codes = still()
    codes[9:18, 9:18] += 2
    change, whole = np.array(arousal.observe(codes, gap=False).errors) / np.max(usual[300:], axis=0)
    assert whole > 3.0 > 1.0 > change


def test_a_tone_is_seen_in_its_band_wherever_it_has_scrolled_to() -> None:
    generator = np.random.default_rng(2)
    arousal = BandArousal()
    usual = []
    for _ in range(200):
        codes = generator.integers(3, 5, (30, 30)).astype(np.uint8)
        usual.append(arousal.observe(codes, gap=False).arousals[0])
    codes = generator.integers(3, 5, (30, 30)).astype(np.uint8)
    codes[12:15, 27:] = 9
    (newest, newer, older), errors, grid = arousal.observe(codes, gap=False)
    assert newest > newer > older > 2.0 * np.median(usual)
    assert newest > 3.0 * np.median(usual)
    assert min(errors) > 3.0
    assert np.argwhere(grid > 0.5).tolist() == [[4, 9]]
    scrolled = generator.integers(3, 5, (30, 30)).astype(np.uint8)
    scrolled[12:15, 6:9] = 9
    later, _, grid = arousal.observe(scrolled, gap=False)
    assert max(later) < 0.5 * newest
    assert np.argwhere(grid > 0.5).tolist() == [[4, 2]]


@pytest.mark.parametrize("layout", Layout)
def test_state_resumes_bit_equal(layout: Layout) -> None:
    generator = np.random.default_rng(3)
    puzzles = generator.integers(0, 10, (80, 30, 30)).astype(np.uint8)
    whole, first, second = (code_arousal(layout) for _ in range(3))
    for codes in puzzles[:50]:
        whole.observe(codes, gap=False)
        first.observe(codes, gap=False)
    second.restore({name: array.copy() for name, array in first.state().items()})
    for codes in puzzles[50:]:
        one, other = whole.observe(codes, False), second.observe(codes, False)
        assert one[:2] == other[:2]
        assert np.array_equal(one.grid, other.grid)
