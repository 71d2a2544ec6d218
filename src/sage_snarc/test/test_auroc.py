"""AUROC: against counting pairs, and its paired error against redrawn outcomes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_snarc.core.learning.auroc import advantage, auroc

judged = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=30
)


@given(judged)
def test_it_is_the_share_of_pairs_in_order(items: list[tuple[int, int, bool]]) -> None:
    scores = np.array([item[0] for item in items], float)
    mattered = np.array([item[2] for item in items])
    pairs = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high in scores[mattered]
        for low in scores[~mattered]
    ]
    area = auroc(scores, mattered)
    assert math.isnan(area) if not pairs else area == pytest.approx(np.mean(pairs))


@given(judged)
def test_the_advantage_is_the_difference_of_the_areas(items: list[tuple[int, int, bool]]) -> None:
    one, other = (np.array([item[place] for item in items], float) for place in (0, 1))
    mattered = np.array([item[2] for item in items])
    found = advantage(one, other, mattered)
    if min(mattered.sum(), (~mattered).sum()) < 5:
        assert found == (0.0, math.inf)
        return
    expected = auroc(one, mattered) - auroc(other, mattered)
    assert found.difference == pytest.approx(expected)
    assert found.error >= 0.0
    assert advantage(other, one, mattered).difference == pytest.approx(-expected)


def test_the_error_is_that_of_redrawn_outcomes() -> None:
    generator = np.random.default_rng(0)
    mattered = np.arange(200) < 80

    def draw() -> tuple[float, float]:
        signal = mattered + generator.standard_normal(200)
        return advantage(signal, signal + generator.standard_normal(200), mattered)

    found = [draw() for _ in range(300)]
    spread = np.std([difference for difference, _ in found])
    assert np.mean([error for _, error in found]) == pytest.approx(spread, rel=0.15)
