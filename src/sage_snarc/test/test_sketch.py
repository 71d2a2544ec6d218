"""Long vectors seen through fewer numbers."""

from __future__ import annotations

import numpy as np
import pytest

from sage_snarc.core.dimensions.sketch import LONGEST, sketch


@pytest.mark.parametrize("size", [1, LONGEST])
def test_short_vectors_need_none(size: int) -> None:
    assert sketch(size) is None


@pytest.mark.parametrize("size", [LONGEST + 1, 384, 2000])
def test_lengths_are_kept_on_average_and_it_is_always_the_same_one(size: int) -> None:
    matrix = sketch(size)
    assert matrix is not None and matrix.shape == (LONGEST, size)
    rows = np.random.default_rng(0).standard_normal((400, size))
    ratio = np.linalg.norm(rows @ matrix.T, axis=1) / np.linalg.norm(rows, axis=1)
    assert np.mean(ratio**2) == pytest.approx(1.0, abs=0.05)
    assert ratio.min() > 0.6
    sketch.cache_clear()
    again = sketch(size)
    assert again is not None and np.array_equal(matrix, again)
