"""Baselines: each signal says what it should of a made-up moment, from the past alone."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from sage_bench.salience import numbers
from sage_bench.salience.baselines import anomaly, forms, signals
from sage_bench.salience.baselines.running import z_scores
from sage_bench.salience.streams.percepts import Percepts
from sage_bench.salience.streams.stream import Moment

GRAVITY = 9.80665


def moment(
    tick: int = 0,
    level: int = 100,
    tone: float = 0.0,
    acceleration: float = GRAVITY,
    rotation: float = 0.0,
) -> Moment:
    times_s = tick * 0.1 + np.arange(1600) / 16_000
    return Moment(
        time_s=(tick + 1) / 10,
        frame=np.full((224, 224, 3), level, np.uint8),
        sound=(tone * np.sin(2 * np.pi * 1000 * times_s)).astype(np.float32),
        acceleration=np.tile([0.0, 0.0, acceleration], (10, 1)),
        rotation=np.tile([0.0, rotation, 0.0], (10, 1)),
    )


def test_z_scores_by_hand() -> None:
    """Mean and deviation of what came before: (2, 1) before the third, (3, 1.633) at the fourth."""
    found = z_scores(np.array([1.0, 3.0, 5.0, 3.0]))
    assert found.tolist() == pytest.approx([0.0, 0.0, 3.0, 0.0])


def test_z_scores_forget_and_do_not_look_ahead() -> None:
    generator = np.random.default_rng(0)
    values = np.r_[generator.normal(0, 1, 1000), generator.normal(10, 1, 1000)]
    found = z_scores(values, horizon=100)
    assert found[1000] > 5.0 and abs(found[1900:].mean()) < 0.5
    assert (z_scores(values[:1500], horizon=100) == found[:1500]).all()
    assert (z_scores(np.full(50, 7.0)) == 0.0).all()


def test_sound_level_and_rise() -> None:
    level, flux = signals.SoundLevel(), signals.SpectralFlux()
    assert level.score(moment()) == pytest.approx(-100.0)
    assert level.score(moment(tone=1.0)) == pytest.approx(-3.01, abs=0.01)
    assert [flux.score(moment(tick)) for tick in range(20)] == [0.0] * 20
    assert flux.score(moment(20, tone=0.5)) > 1.0
    assert [flux.score(moment(tick, tone=0.5)) for tick in range(21, 25)][-1] < 0.01


def test_pictures_that_change() -> None:
    difference = signals.FrameDifference()
    assert [difference.score(moment(level=n)) for n in (100, 100, 130)] == [0.0, 0.0, 30.0]
    assert signals.Brightness().score(moment(level=50)) == 50.0
    half = moment()
    half.frame[:112] = 0
    assert signals.Contrast().score(half) == pytest.approx(50.0**2)


def test_motion() -> None:
    assert signals.Acceleration().score(moment(acceleration=GRAVITY + 2.0)) == pytest.approx(2.0)
    assert signals.Rotation().score(moment(rotation=1.5)) == pytest.approx(1.5)
    jerk = signals.Jerk()
    assert jerk.score(moment()) == 0.0
    assert jerk.score(moment(acceleration=GRAVITY + 0.5)) == pytest.approx(50.0)
    assert jerk.score(moment(acceleration=GRAVITY + 0.5)) == pytest.approx(0.0)


@pytest.mark.skipif(not hasattr(cv2, "saliency"), reason="this OpenCV is without opencv_contrib")
def test_opencv_maps_see_a_square_and_that_it_moves() -> None:
    from sage_bench.salience.baselines.opencv_saliency import MAPS

    def square(tick: int, left: int) -> Moment:
        made = moment(tick)
        made.frame[80:140, left : left + 60] = 255
        return made

    for kind in MAPS:
        saliency = kind()
        still = [saliency.score(square(tick, 40)) for tick in range(100)]
        moved = saliency.score(square(100, 120))
        assert still[-1] == pytest.approx(0.0, abs=1e-6)
        assert 0.005 < moved <= 1.0, saliency.name


@pytest.mark.parametrize(
    ("name", "module"), [("river half-space trees", "river"), ("isolation forest", "sklearn")]
)
def test_anomaly_detectors_find_what_is_far_off_and_do_not_look_ahead(
    name: str, module: str
) -> None:
    pytest.importorskip(module)
    detector = anomaly.DETECTORS[name]
    generator = np.random.default_rng(0)
    rows = generator.normal(0, 0.1, (600, 8)).astype(np.float32)
    rows[550] = 1.0
    found = detector(rows)
    assert found[550] > np.quantile(found[300:], 0.97)
    # Until the end of the batch in which the forest scores.
    assert (detector(rows[:500]) == found[:500]).all()


def test_the_most_anomalous_modality_counts(random_percepts: Callable[..., Percepts]) -> None:
    percepts = random_percepts(50)
    calls = iter(range(3))

    def detector(embeddings: np.ndarray) -> np.ndarray:
        found = np.zeros(len(embeddings))
        found[20 + 5 * next(calls)] = 100.0
        return found

    found = anomaly.largest(percepts, detector)
    assert set(np.flatnonzero(found > 100.0).tolist()) == {20, 25, 30}


@pytest.mark.parametrize("name", numbers.DETECTORS)
def test_detectors_of_numbers_hear_every_simple_signal(name: str) -> None:
    """Half a second of another rhythm in one of them is among the largest scores."""
    if name == "matrix profile":
        pytest.importorskip("stumpy")
    draw = np.random.default_rng(8)
    wave = np.sin(np.arange(900) / 3.0)
    for heard in (forms.SIMPLE[0], forms.SIMPLE[-1]):
        raw = {signal: wave + 0.1 * draw.standard_normal(900) for signal in forms.SIMPLE}
        raw[heard][700:705] += [3.0, -3.0, 4.0, -3.0, 3.0]
        scores = numbers.largest_of_signals(raw)[name]
        usual = np.quantile(scores[numbers.WARM_UP : 690], 0.95)
        assert scores[700:730].max() > usual
