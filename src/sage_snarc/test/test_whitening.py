"""Distances in units of how a stream usually varies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_snarc.core.dimensions.whitening import LARGEST, Whitening


def distances(rows: np.ndarray, whitening: Whitening | None = None) -> np.ndarray:
    whitening = whitening or Whitening(rows.shape[1], horizon=300)
    return np.array([whitening.observe(row) for row in rows])


@pytest.mark.parametrize("size", [1, 3, 16, 64])
def test_what_is_usual_is_about_one_away(size: int) -> None:
    rows = np.random.default_rng(size).standard_normal((3000, size))
    assert np.mean(distances(rows)[1000:] ** 2) == pytest.approx(1.0, abs=0.3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-6, 1e6), st.floats(-100.0, 100.0))
def test_scale_offset_and_mixing_do_not_matter(seed: int, scale: float, offset: float) -> None:
    """The ridge is of the mean variance, so a rotation and one scale are exact."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((200, 4)) * [1.0, 2.0, 3.0, 4.0]
    rotation, _ = np.linalg.qr(generator.standard_normal((4, 4)))
    moved = (rows @ rotation + offset) * scale
    assert distances(moved) == pytest.approx(distances(rows), rel=1e-6, abs=1e-6)


def test_a_weak_change_where_nothing_happens_beats_a_strong_one_where_much_does() -> None:
    generator = np.random.default_rng(0)
    whitening = Whitening(2, horizon=500)
    distances(generator.standard_normal((1000, 2)) * [1.0, 0.05], whitening)
    state = {name: array.copy() for name, array in whitening.state().items()}
    strong = whitening.observe(np.array([2.0, 0.0]))
    whitening.restore(state)
    weak = whitening.observe(np.array([0.0, 0.5]))
    assert weak > 1.3 * strong


def test_a_constant_is_nowhere_and_the_first_change_is_as_far_as_can_be() -> None:
    whitening = Whitening(3, horizon=100)
    assert not distances(np.full((40, 3), 7.5), whitening).any()
    assert whitening.observe(np.array([7.5, 7.5, 8.0])) == LARGEST


def test_below_the_floor_everything_is_near() -> None:
    rows = 1e-4 * np.random.default_rng(1).standard_normal((500, 8))
    whitening = Whitening(8, horizon=100, floor=0.02)
    assert distances(rows, whitening).max() < 0.1


def test_a_new_place_becomes_usual() -> None:
    generator = np.random.default_rng(2)
    rows = generator.standard_normal((900, 5))
    rows[400:] += 6.0
    far = distances(rows, Whitening(5, horizon=100))
    assert far[400] > 3.0 * far[300:400].max() / 1.5
    assert far[800:].mean() < 1.2


def test_state_resumes_bit_equal() -> None:
    rows = np.random.default_rng(3).standard_normal((300, 6))
    whole, first, second = (Whitening(6, horizon=100) for _ in range(3))
    distances(rows[:139], whole)
    distances(rows[:139], first)
    second.restore({name: array.copy() for name, array in first.state().items()})
    assert np.array_equal(distances(rows[139:], whole), distances(rows[139:], second))


def test_wild_jumps_stay_finite() -> None:
    generator = np.random.default_rng(4)
    rows = generator.standard_normal((3000, 4)) * 10.0 ** generator.integers(-12, 12, (3000, 1))
    far = distances(rows)
    assert np.isfinite(far).all() and far.max() <= LARGEST
