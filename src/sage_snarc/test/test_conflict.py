"""Cross-modal prediction: skill, contradiction, and what is not conflict."""

from __future__ import annotations

import math

import numpy as np

from sage_snarc.core.calibration.dimension import Reading
from sage_snarc.core.dimensions.conflict import CrossModal


def hear(cross: CrossModal, views: dict[str, np.ndarray], surprise: float = 0.5) -> Reading | None:
    """Both senses tick, as in the graph; the reading of the second."""
    cross.observe("vision", views, 0.5)
    return cross.observe("audio", views, surprise)


class World:
    """Two senses of one hidden cause, each with noise of its own."""

    def __init__(self, coupled: bool, seed: int = 0) -> None:
        self.generator = np.random.default_rng(seed)
        self.coupled = coupled
        self.maps = self.generator.standard_normal((2, 32, 3))

    def sample(self, agree: bool = True) -> dict[str, np.ndarray]:
        cause = self.generator.standard_normal(3)
        other = cause if self.coupled and agree else self.generator.standard_normal(3)
        views = {}
        for name, mapping, hidden in zip(
            ("vision", "audio"), self.maps, (cause, other), strict=True
        ):
            raw = mapping @ hidden + 0.1 * self.generator.standard_normal(32)
            views[name] = (raw / np.linalg.norm(raw)).astype(np.float32)
        return views


def test_unknown_without_others_and_while_warming_up() -> None:
    cross = CrossModal(["vision", "audio"])
    world = World(coupled=True)
    assert cross.observe("vision", {"vision": world.sample()["vision"]}, 0.5) is None
    for _ in range(50):
        assert cross.observe("vision", world.sample(), 0.5) is None
    assert cross.observe("vision", world.sample(), 0.5) is not None


def test_skill_grows_where_senses_agree_and_stays_nil_where_they_do_not() -> None:
    for coupled in (True, False):
        cross = CrossModal(["vision", "audio"])
        world = World(coupled)
        skills = []
        for _ in range(1500):
            hear(cross, world.sample())
            skills.append(cross.skill("audio"))
        if coupled:
            assert skills[-1] > 0.3
            assert skills[-1] > skills[100]
        else:
            assert skills[-1] < 0.1


def test_contradiction_is_conflict() -> None:
    cross = CrossModal(["vision", "audio"])
    world = World(coupled=True)
    for _ in range(1500):
        hear(cross, world.sample())
    agreeing, contradicting = [], []
    for index in range(300):
        agree = index % 10 != 0
        reading = hear(cross, world.sample(agree))
        assert reading is not None
        assert 0.0 <= reading.excess < np.inf
        assert 0.0 <= reading.rank <= 1.0
        (agreeing if agree else contradicting).append(reading.rank)
    assert np.mean(contradicting) > np.mean(agreeing) + 0.25


def test_who_cannot_predict_cannot_be_contradicted() -> None:
    cross = CrossModal(["vision", "audio"])
    world = World(coupled=False)
    readings = [hear(cross, world.sample()) for _ in range(1000)]
    assert max(reading.excess for reading in readings[200:] if reading) < math.log(10.0)


def test_an_error_that_goes_with_own_surprise_is_not_conflict() -> None:
    """Every tenth sample is an outlier; only one of the two runs is told that it surprised."""

    def mean_drive(told: bool) -> float:
        cross = CrossModal(["vision", "audio"])
        world = World(coupled=True, seed=3)
        drives = []
        for index in range(3000):
            surprising = index % 10 == 0
            views = world.sample(agree=not surprising)
            surprise = float(surprising) if told else 0.5
            reading = hear(cross, views, surprise)
            if reading is not None and index > 1500 and surprising:
                drives.append(reading.rank)
        return float(np.mean(drives))

    assert mean_drive(told=True) < mean_drive(told=False) - 0.05


def test_the_order_of_modalities_does_not_matter() -> None:
    world = World(coupled=True)
    samples = [world.sample() for _ in range(200)]
    one, other = CrossModal(["vision", "audio"]), CrossModal(["audio", "vision"])
    for index, views in enumerate(samples):
        name = ("vision", "audio")[index % 2]
        turned = dict(reversed(views.items()))
        assert one.observe(name, views, 0.3) == other.observe(name, turned, 0.3)


def test_state_resumes_bit_equal_and_stays_finite() -> None:
    world = World(coupled=True)
    whole, first = CrossModal(["vision", "audio"]), CrossModal(["vision", "audio"])
    still = world.sample()
    for index in range(3000):
        views = world.sample() if index < 500 else still
        hear(whole, views)
        hear(first, views)
    second = CrossModal(["vision", "audio"])
    second.restore(first.state())
    for _ in range(100):
        views = world.sample()
        assert hear(whole, views) == hear(second, views)
    assert all(np.isfinite(array).all() for array in whole.state().values())


def test_an_encoder_of_another_size_starts_its_view_afresh() -> None:
    cross = CrossModal(["vision", "audio"])
    world = World(coupled=True)
    for _ in range(100):
        hear(cross, world.sample())
    views = world.sample()
    views["vision"] = np.eye(64, dtype=np.float32)[0]
    reading = hear(cross, views)
    assert reading is not None
    assert np.isfinite([reading.rank, reading.excess]).all()
