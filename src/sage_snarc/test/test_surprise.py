"""The predictor: what it learns, and in which units it errs."""

from __future__ import annotations

import numpy as np
import pytest

from sage_snarc.core.dimensions.surprise import Surprise


def ratios(rows: np.ndarray, predictor: Surprise | None = None) -> np.ndarray:
    predictor = predictor or Surprise(rows.shape[1])
    return np.array([predictor.observe(row, 1e-9, False) for row in rows])


def test_a_constant_is_predicted_exactly() -> None:
    assert not ratios(np.full((100, 5), 2.5)).any()


def test_errors_are_in_units_of_the_usual_error() -> None:
    rows = np.random.default_rng(0).standard_normal((2000, 8))
    after = ratios(rows)[200:]
    assert np.mean(after**2) == pytest.approx(1.0, abs=0.1)


def test_the_scale_of_the_sensor_cancels() -> None:
    rows = np.random.default_rng(1).standard_normal((300, 3))
    assert ratios(rows * 1e6) == pytest.approx(ratios(rows), rel=1e-6)


def test_it_learns_an_alternation() -> None:
    rows = np.tile([[1.0, -2.0], [-1.0, 2.0]], (500, 1))
    predictor = Surprise(2)
    ratios(rows[:20], predictor)
    early = predictor.error
    ratios(rows[20:], predictor)
    assert predictor.error < 0.1 * early


def test_in_noise_it_falls_back_on_the_mean() -> None:
    rows = np.random.default_rng(2).standard_normal((4000, 4))
    predictor = Surprise(4)
    errors = []
    for row in rows:
        predictor.observe(row, 0.0, False)
        errors.append(predictor.error**2)
    # Persistence errs by twice the variance, the mean by once.
    assert np.mean(errors[-1000:]) < 1.2 * 4.0
    assert np.mean(errors[3:50]) > 1.4 * 4.0


def test_an_error_in_a_perfect_stream_is_as_surprising_as_can_be() -> None:
    predictor = Surprise(1)
    ratios(np.full((50, 1), 1.0), predictor)
    assert predictor.observe(np.array([2.0]), 1e-9, False) == 1e6


def test_wild_jumps_do_not_make_it_diverge() -> None:
    generator = np.random.default_rng(3)
    rows = generator.standard_normal((3000, 4)) * 10.0 ** generator.integers(-12, 12, (3000, 1))
    predictor = Surprise(4)
    assert np.isfinite(ratios(rows, predictor)).all()
    assert all(np.isfinite(array).all() for array in predictor.state().values())
