"""The slope of a quantity that grows, and how far it can be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from sage.soak.slope import slope_of


def usual_error(time_s: np.ndarray, values: np.ndarray) -> float:
    """The error of the textbook, for residuals that know nothing of each other, in an hour."""
    hours = time_s / 3600.0
    line = np.polyfit(hours, values, 1)
    left = values - np.polyval(line, hours)
    return float(np.sqrt(left @ left / (len(left) - 2) / ((hours - hours.mean()) ** 2).sum()))


def test_a_straight_line_has_its_slope_and_no_error() -> None:
    time_s = np.arange(0.0, 3600.0, 10.0)
    found = slope_of(time_s, 100.0 + 2.5 * time_s / 3600.0)
    assert found.per_hour == pytest.approx(2.5)
    assert found.error == pytest.approx(0.0, abs=1e-9)
    assert found.samples == 360


def test_the_interval_holds_the_slope_where_residuals_remember() -> None:
    """The textbook's interval would hold it in about half of these runs."""
    rng = np.random.default_rng(1)
    time_s = np.arange(0.0, 3600.0, 10.0)
    held, held_by_usual, runs = 0, 0, 200
    for _ in range(runs):
        noise = np.zeros(len(time_s))
        for index in range(1, len(noise)):
            noise[index] = 0.8 * noise[index - 1] + rng.standard_normal()
        found = slope_of(time_s, noise + time_s / 3600.0)
        held += found.low <= 1.0 <= found.high
        usual = 1.96 * usual_error(time_s, noise + time_s / 3600.0)
        held_by_usual += abs(found.per_hour - 1.0) <= usual
    assert held >= 0.85 * runs
    assert held_by_usual < 0.65 * runs


def test_too_little_for_a_slope_is_refused() -> None:
    with pytest.raises(ValueError, match="4 measurements: expected at least 5"):
        slope_of([0.0, 1.0, 2.0, 3.0], [1.0] * 4)
    with pytest.raises(ValueError, match="all measurements are of one time"):
        slope_of([3.0] * 6, [1.0] * 6)
