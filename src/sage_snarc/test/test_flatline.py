"""A stream that stops to vary is an event; one that never varied, or varies by chance, is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sage_snarc.core.dimensions.flatline import Flatline

HORIZON = 6000
ONE_IN_A_THOUSAND = math.log(1e3)


def excesses(
    changes: np.ndarray, flatline: Flatline | None = None, gap: bool = False
) -> np.ndarray:
    flatline = flatline or Flatline()
    return np.array([flatline.observe(float(change), gap, HORIZON).excess for change in changes])


def noise(count: int, size: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, size))
    return np.linalg.norm(np.diff(rows, axis=0), axis=1)


@pytest.mark.parametrize("size", [1, 2, 32])
def test_a_freeze_is_noticed_at_once_and_not_for_long(size: int) -> None:
    found = excesses(np.concatenate([noise(400, size), np.zeros(60)]))
    onset = 399
    assert found[onset : onset + 3].max() > math.log(1e4)
    assert not found[onset + 15 :].any()


@pytest.mark.parametrize("pace", [1, 3, 10])
def test_a_flat_stream_speaks_for_a_second(pace: int) -> None:
    """The stream varies a hundredth of what it did; `pace` samples come in a tenth of a second."""
    changes = noise(6000, 6)
    changes[4000:] *= 0.01
    flatline = Flatline()
    found = [
        flatline.observe(float(change), False, pace * HORIZON, pace).excess for change in changes
    ]
    said = np.array(found[4000:]) > math.log(20.0)
    assert said[2 * pace : 8 * pace].all()
    assert not said[15 * pace :].any()


@pytest.mark.parametrize("size", [1, 2, 32])
@pytest.mark.parametrize("count", [1000, 100_000])
def test_a_freeze_is_as_rare_as_it_was(size: int, count: int) -> None:
    """Noticed after an hour as after a minute."""
    found = excesses(np.concatenate([noise(count, size), np.zeros(5)]))
    assert 9.0 < found[-5:].max() < 100.0


@pytest.mark.parametrize("size", [1, 2, 32])
def test_chance_is_as_rare_as_it_is_said_to_be(size: int) -> None:
    found = excesses(noise(20_000, size))[1000:]
    for chance in (1e-2, 1e-3):
        assert np.mean(found >= -math.log(chance)) <= 2.0 * chance


@pytest.mark.parametrize("rounded", [0.5, 2.0, 8.0])
def test_stops_that_come_often_by_chance_are_not_flat(rounded: float) -> None:
    """Gaussian values rounded to one in so many of a deviation."""
    rows = np.round(rounded * np.random.default_rng(2).standard_normal((20_000, 1)))
    found = excesses(np.linalg.norm(np.diff(rows, axis=0), axis=1))[1000:]
    assert np.mean(found >= ONE_IN_A_THOUSAND) <= 2e-3


def test_a_stream_that_often_rests_may_rest() -> None:
    """A motor that stands for a second, then moves for one, at 50 samples a second."""
    moves = noise(20_000, 2)[: 50 * 399].reshape(-1, 50)
    moves[::2] = 0.0
    found = excesses(moves.ravel())[5000:]
    assert np.mean(found >= ONE_IN_A_THOUSAND) <= 4e-3


def test_a_constant_stream_is_never_flat() -> None:
    assert not excesses(np.zeros(300)).any()


def test_a_calmer_scene_is_flat_only_while_it_is_new() -> None:
    found = excesses(np.concatenate([noise(400, 32), 0.1 * noise(400, 32, seed=1)]))
    assert found[399:405].max() > ONE_IN_A_THOUSAND
    assert found[420:].max() < ONE_IN_A_THOUSAND


def test_below_its_floor_a_change_is_nothing() -> None:
    changes = np.concatenate([noise(400, 32), 1e-4 * noise(60, 32, seed=1)])
    assert excesses(changes, Flatline(100.0)).max() < excesses(changes, Flatline(0.01)).max()
    assert excesses(changes, Flatline(100.0))[399:].max() < ONE_IN_A_THOUSAND


def test_after_a_gap_nothing_is_compared() -> None:
    flatline = Flatline()
    excesses(noise(400, 32), flatline)
    assert not excesses(np.zeros(10), flatline, gap=True).any()


@pytest.mark.parametrize("seed", range(3))
def test_state_resumes_bit_equal(seed: int) -> None:
    changes = np.concatenate([noise(200, 8, seed), np.zeros(30), noise(50, 8, seed)])
    whole, second = Flatline(), Flatline()
    excesses(changes[:205], whole)
    second.restore({name: array.copy() for name, array in whole.state().items()})
    assert np.array_equal(excesses(changes[205:], whole), excesses(changes[205:], second))
