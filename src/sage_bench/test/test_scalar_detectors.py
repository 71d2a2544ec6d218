"""Detectors for streams of numbers: each finds what it is made for, from the past alone."""

from __future__ import annotations

import numpy as np
import pytest

from sage_bench.salience.scalars.detectors import charts, matrix_profile, spot
from sage_bench.salience.scalars.detectors.columns import lagged
from sage_bench.salience.scalars.detectors.registry import DETECTORS

WARM_UP = 200
STEP, SHAPE = "step", "shape"
FINDS = {
    "windowed Gaussian": STEP,
    "EWMA chart": STEP,
    "CUSUM chart": STEP,
    "relative entropy": STEP,
    "kNN-CAD": SHAPE,
    "resonance (after ARTime)": SHAPE,
    "spectral residual": STEP,
    "matrix profile": SHAPE,
    "river half-space trees": STEP,
    "isolation forest": STEP,
    "SPOT": STEP,
    "change point": STEP,
}
EVENT = slice(900, 940)


def made(event: str) -> np.ndarray:
    """A noisy wave, float64 [1200, 1], with a step of 6 deviations or a part run backwards."""
    draw = np.random.default_rng(0)
    values = 0.1 * draw.normal(size=1200)
    if event == SHAPE:
        wave = np.arange(1200) / 40.0 % 1.0
        wave[EVENT] = wave[EVENT][::-1]
        values = 0.02 * draw.normal(size=1200) + wave
    else:
        values[EVENT] += 0.6
    return values[:, None]


def test_every_detector_is_tried() -> None:
    assert set(FINDS) == set(DETECTORS)


@pytest.mark.parametrize("name", DETECTORS)
def test_an_event_scores_above_nearly_all_background(name: str) -> None:
    values = made(FINDS[name])
    scores = DETECTORS[name](values, WARM_UP)
    assert scores.shape == (1200,) and np.isfinite(scores).all()
    background = np.r_[scores[WARM_UP : EVENT.start], scores[EVENT.stop + 60 :]]
    assert scores[EVENT].max() > np.quantile(background, 0.99)
    quiet = made(STEP)
    quiet[EVENT] -= 0.6
    if FINDS[name] == STEP:
        # Without the event the same place is nothing special.
        assert DETECTORS[name](quiet, WARM_UP)[EVENT].max() < scores[EVENT].max()


@pytest.mark.parametrize("name", DETECTORS)
def test_nothing_looks_ahead(name: str) -> None:
    values = made(FINDS[name])
    whole = DETECTORS[name](values, WARM_UP)
    changed = values.copy()
    changed[1000:] += 5.0
    assert np.array_equal(DETECTORS[name](changed, WARM_UP)[:1000], whole[:1000])


@pytest.mark.parametrize("name", DETECTORS)
def test_a_constant_stream_and_a_quantised_one_are_scored(name: str) -> None:
    steps = np.round(np.random.default_rng(1).normal(size=(400, 1)))
    for values in (np.zeros((400, 1)), np.full((400, 1), 5.0), steps):
        scores = DETECTORS[name](values, 100)
        assert scores.shape == (400,) and np.isfinite(scores).all()


@pytest.mark.parametrize("name", [n for n in DETECTORS if n not in
                                  ("river half-space trees", "isolation forest")])  # fmt: skip
def test_of_many_numbers_the_strangest_counts(name: str) -> None:
    event = made(FINDS[name])
    calm = 0.1 * np.random.default_rng(2).normal(size=(1200, 1))
    alone = [DETECTORS[name](column, WARM_UP) for column in (event, calm)]
    both = DETECTORS[name](np.concatenate([event, calm], axis=1), WARM_UP)
    assert np.array_equal(both, np.maximum(*alone))


def test_lags_hold_the_past() -> None:
    assert lagged(np.array([1.0, 2.0, 3.0]), 2).tolist() == [[1.0, 1.0], [1.0, 2.0], [2.0, 3.0]]


def test_the_left_matrix_profile_is_the_distance_to_the_nearest_past_shape() -> None:
    values = np.cumsum(np.random.default_rng(3).normal(size=150))
    windows = lagged(values, matrix_profile.WINDOW)[matrix_profile.WINDOW - 1 :]
    shapes = windows - windows.mean(axis=1, keepdims=True)
    shapes /= windows.std(axis=1, keepdims=True)
    scores = matrix_profile.matrix_profile(values[:, None], 100)[matrix_profile.WINDOW - 1 :]
    # Windows that overlap by more than three quarters are no neighbours.
    apart = int(np.ceil(matrix_profile.WINDOW / 4))
    for index in range(apart + 1, len(shapes)):
        past = shapes[: index - apart]
        nearest = np.sqrt(((past - shapes[index]) ** 2).sum(axis=1)).min()
        assert scores[index] == pytest.approx(nearest, abs=1e-6)


def test_a_windowed_gaussian_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "WINDOW", 50)
    draw = np.random.default_rng(4)
    values = np.r_[draw.normal(size=200), 5.0 + draw.normal(size=200)]
    scores = charts.windowed_gaussian(values[:, None], 100)
    for index in (120, 205, 399):
        past = values[index - 50 : index]
        assert scores[index] == pytest.approx(abs(values[index] - past.mean()) / past.std())


def test_the_tail_of_a_stream_that_is_known_is_told() -> None:
    """Among 20,000 exponential numbers, one with a tail of 1e-4 scores about 4."""
    values = np.random.default_rng(5).exponential(size=20_000)
    values[-1] = -np.log(1e-4)
    assert spot.spot(values[:, None], 2_000)[-1] == pytest.approx(4.0, abs=0.4)
