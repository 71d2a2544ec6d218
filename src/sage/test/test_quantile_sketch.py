"""Quantiles within their stated error, in constant memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage.observe.quantile_sketch import HIGHEST, LOWEST, RELATIVE_ERROR, QuantileSketch


@given(
    values=st.lists(st.floats(LOWEST, HIGHEST), min_size=1, max_size=200),
    q=st.floats(0.0, 1.0),
)
def test_a_quantile_is_the_exact_one_within_the_stated_error(values: list[float], q: float) -> None:
    sketch = QuantileSketch()
    for value in values:
        sketch.add(value)
    exact = float(np.quantile(values, q))
    assert sketch.quantile(q) == pytest.approx(exact, rel=RELATIVE_ERROR * (1 + 1e-6))


def test_numbers_out_of_range_count_at_its_ends() -> None:
    sketch = QuantileSketch()
    for value in (-5.0, 0.0, 1.0, 1e12):
        sketch.add(value)
    assert (sketch.count, sketch.low, sketch.high) == (4, -5.0, 1e12)
    assert sketch.quantile(2 / 3) == pytest.approx(1.0, rel=0.0051)
    assert sketch.quantile(1.0) == pytest.approx(HIGHEST, rel=0.02)


def test_its_size_does_not_depend_on_what_it_has_seen() -> None:
    sketch = QuantileSketch()
    size = sketch._counts.nbytes
    for value in np.geomspace(1e-9, 1e12, 10_000).tolist():
        sketch.add(value)
    assert sketch._counts.nbytes == size < 30_000


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        QuantileSketch().add(value)


@pytest.mark.parametrize("q", [-0.1, 1.1])
def test_a_share_out_of_range_or_of_nothing_is_refused(q: float) -> None:
    sketch = QuantileSketch()
    with pytest.raises(ValueError, match="at least one"):
        sketch.quantile(0.5)
    sketch.add(1.0)
    with pytest.raises(ValueError, match="at least one number"):
        sketch.quantile(q)
