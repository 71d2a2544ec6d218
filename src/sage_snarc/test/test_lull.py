"""A stream that stops to vary is an event; one that never varied, or varies by chance, is none."""

from __future__ import annotations

import numpy as np
import pytest

from sage_snarc.core.dimensions.flatline import Flatline


def excesses(changes: np.ndarray, lull: Flatline | None = None, gap: bool = False) -> np.ndarray:
    lull = lull or Flatline()
    return np.array([lull.observe(float(change), gap).excess for change in changes])


def noise(count: int, size: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, size))
    return np.linalg.norm(np.diff(rows, axis=0), axis=1)


def test_a_freeze_is_noticed_at_once_and_not_for_long() -> None:
    found = excesses(np.concatenate([noise(400, 32), np.zeros(60)]))
    onset = 399
    assert found[onset : onset + 3].max() > 3.0
    assert not found[onset + 15 :].any()


@pytest.mark.parametrize(("size", "share"), [(1, 0.02), (2, 0.01), (32, 0.001)])
def test_chance_is_no_lull(size: int, share: float) -> None:
    assert np.mean(excesses(noise(5000, size)) > 1.0) <= share


@pytest.mark.parametrize(("size", "share"), [(1, 0.003), (2, 0.002), (32, 0.001)])
def test_on_a_free_scale_chance_is_rarely_a_lull(size: int, share: float) -> None:
    assert np.mean(excesses(noise(5000, size), Flatline(spreads=1.6)) > 1.0) <= share


def test_on_a_free_scale_a_freeze_is_noticed_too() -> None:
    found = excesses(np.concatenate([noise(400, 1), np.zeros(60)]), Flatline(spreads=1.6))
    assert found[399:402].max() > 2.0


def test_stops_that_come_often_by_chance_are_no_lull() -> None:
    rows = np.round(2.0 * np.random.default_rng(2).standard_normal((5000, 1)))
    changes = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    assert np.mean(excesses(changes) > 2.0) > 0.002
    assert not np.any(excesses(changes, Flatline(spreads=1.6))[500:] > 2.0)


def test_a_constant_stream_has_no_lull() -> None:
    assert not excesses(np.zeros(300)).any()


def test_a_calmer_scene_is_a_lull_only_while_it_is_new() -> None:
    found = excesses(np.concatenate([noise(400, 32), 0.1 * noise(400, 32, seed=1)]))
    assert found[399:405].max() > 2.0
    assert found[420:].max() < 1.0


def test_after_a_gap_nothing_is_compared() -> None:
    lull = Flatline()
    excesses(noise(400, 32), lull)
    assert not excesses(np.zeros(10), lull, gap=True).any()


def test_state_resumes_bit_equal() -> None:
    changes = np.concatenate([noise(200, 8), np.zeros(30)])
    whole, first, second = Flatline(), Flatline(), Flatline()
    excesses(changes[:195], whole)
    excesses(changes[:195], first)
    second.restore({name: array.copy() for name, array in first.state().items()})
    assert np.array_equal(excesses(changes[195:], whole), excesses(changes[195:], second))
