"""Arousal of codes, and the grid that says where."""

from __future__ import annotations

import numpy as np

from sage_snarc.core.arousal import CodeArousal


def still(level: int = 4) -> np.ndarray:
    return np.full((30, 30), level, np.uint8)


def test_nothing_happens_in_a_still_picture() -> None:
    arousal = CodeArousal()
    for _ in range(50):
        raw, grid = arousal.observe(still(), gap=False)
        assert raw == 0.0
        assert not grid.any()


def test_more_change_arouses_more_and_the_grid_says_where() -> None:
    def after(rows: slice, columns: slice, step: int) -> tuple[float, np.ndarray]:
        arousal = CodeArousal()
        for _ in range(50):
            arousal.observe(still(), gap=False)
        codes = still()
        codes[rows, columns] += np.uint8(step)
        return arousal.observe(codes, gap=False)

    small, _ = after(slice(0, 3), slice(27, 30), 2)
    large, grid = after(slice(0, 6), slice(24, 30), 5)
    assert 0.0 < small < large <= 2.0
    assert np.array_equal(np.argwhere(grid > 0.5), [[0, 8], [0, 9], [1, 8], [1, 9]])
    assert not grid[2:].any()


def test_a_cell_that_always_flickers_is_not_unusual() -> None:
    generator = np.random.default_rng(0)
    arousal = CodeArousal()
    for _ in range(400):
        codes = still()
        codes[:6, :6] = generator.integers(2, 7, (6, 6))
        _, grid = arousal.observe(codes, gap=False)
    codes[15:18, 15:18] = 6
    _, grid = arousal.observe(codes, gap=False)
    assert grid[5, 5] == 1.0
    assert grid[:2, :2].max() < 0.5


def test_after_a_gap_there_is_no_change_only_deviation() -> None:
    steady, gapped = CodeArousal(), CodeArousal()
    for _ in range(20):
        steady.observe(still(2), gap=False)
        gapped.observe(still(2), gap=False)
    with_change, _ = steady.observe(still(6), gap=False)
    without, _ = gapped.observe(still(6), gap=True)
    assert 0.0 < without < with_change
