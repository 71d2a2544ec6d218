"""A glitch is salient and soon forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from sage_snarc.core.dimensions.bounds import EAGER, FARTHEST, Bounds
from sage_snarc.core.scorer import VectorScorer

PERIOD_NS = 33_333_333


def test_what_is_near_the_usual_is_left_alone() -> None:
    bounds = Bounds(3)
    for row in np.random.default_rng(0).standard_normal((500, 3)).astype(np.float32):
        assert bounds.bounded(row) is row


def test_a_glitch_is_brought_near_and_keeps_its_direction() -> None:
    bounds = Bounds(2)
    for row in np.random.default_rng(1).standard_normal((500, 2)).astype(np.float32):
        bounds.bounded(row)
    near = bounds.bounded(np.array([0.0, 1e14], np.float32))
    assert np.linalg.norm(near) == pytest.approx(FARTHEST * 2.0**0.5, rel=0.2)
    assert near[1] > 100.0 * abs(near[0])


def test_a_step_from_a_constant_is_no_glitch() -> None:
    bounds = Bounds(1)
    for _ in range(2 * EAGER):
        bounds.bounded(np.zeros(1, np.float32))
    assert bounds.bounded(np.full(1, 5.0, np.float32))[0] == 5.0


@pytest.mark.parametrize("glitch", [1e3, 1e6, 1e14])
def test_a_glitch_does_not_blind(glitch: float) -> None:
    rows = np.random.default_rng(2).standard_normal((1300, 2))
    rows[300] = glitch
    jumps = [700, 1200]
    rows[jumps] += [[12.0, 12.0], [12.0, -12.0]]
    scorer = VectorScorer("x")
    totals = [scorer.score(i * PERIOD_NS, row).total for i, row in enumerate(rows)]
    assert totals[300] > 0.7
    assert min(totals[index] for index in jumps) > 0.3
    assert np.mean(totals[400:]) < 0.1


def test_state_resumes_bit_equal() -> None:
    rows = np.random.default_rng(3).standard_normal((200, 4)).astype(np.float32)
    rows[150] *= 1e6
    whole, first, second = Bounds(4), Bounds(4), Bounds(4)
    for row in rows[:100]:
        whole.bounded(row)
        first.bounded(row)
    second.restore({name: array.copy() for name, array in first.state().items()})
    for row in rows[100:]:
        assert np.array_equal(whole.bounded(row), second.bounded(row))
