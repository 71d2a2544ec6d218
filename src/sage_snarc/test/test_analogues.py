"""Prediction of a profile by the most similar one of the past."""

from __future__ import annotations

import numpy as np

from sage_snarc.core.dimensions.analogues import CAPACITY, DELAY, LEAST_KNOWN, Analogues
from sage_snarc.core.dimensions.whitening import Whitening

SIZE = 30


class Place:
    """Profiles of a place, seen by a whitening and by analogues of them."""

    def __init__(self) -> None:
        self.usual = Whitening(SIZE, 300, floor=0.15, shrunk=True)
        self.analogues = Analogues(SIZE)

    def hear(self, profile: np.ndarray) -> tuple[float, float]:
        """Distance to the mean, and to the nearest analogue."""
        from_mean = self.usual.observe(profile)
        return from_mean, self.analogues.observe(profile.astype(np.float32), self.usual)


STATES = np.random.default_rng(5).uniform(0.0, 9.0, (20, SIZE))
ODD = STATES.mean(axis=0)


def waves(count: int, seed: int = 0) -> np.ndarray:
    """Between twenty states there are jumps and nothing: float64 [count, 30]."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(0.0, 0.1, (count, SIZE))
    return STATES[generator.integers(0, len(STATES), count)] + noise


def test_what_lies_between_the_states_of_a_place_is_found() -> None:
    place = Place()
    usual = np.array([place.hear(profile) for profile in waves(500)])[100:]
    from_mean, from_nearest = place.hear(ODD)
    assert from_mean < np.median(usual[:, 0]), "the mean itself"
    assert from_nearest > 2.0 * np.quantile(usual[:, 1], 0.99)


def test_what_stays_is_known_after_a_second() -> None:
    place = Place()
    for profile in waves(300):
        place.hear(profile)
    generator = np.random.default_rng(1)
    new = ODD + generator.normal(0.0, 0.1, (DELAY + 5, SIZE))
    found = [place.hear(profile)[1] for profile in new]
    assert min(found[: DELAY + 1]) > 2.0 * max(found[DELAY + 1 :])


def test_nothing_is_said_before_something_is_known() -> None:
    place = Place()
    found = [place.hear(profile)[1] for profile in waves(DELAY + LEAST_KNOWN + 1)]
    assert not any(found[:-1])
    assert found[-1] > 0.0


def test_the_oldest_are_forgotten() -> None:
    place = Place()
    place.hear(ODD)
    for profile in waves(CAPACITY + DELAY - 1):
        place.hear(profile)
    known, forgotten = place.hear(ODD)[1], place.hear(ODD)[1]
    assert known < 0.1 * forgotten


def test_state_resumes_bit_equal_and_does_not_grow() -> None:
    whole, first, second = Place(), Place(), Place()
    size = sum(array.nbytes for array in first.analogues.state().values())
    profiles = waves(1200, seed=2)
    for profile in profiles[:1053]:
        assert whole.hear(profile) == first.hear(profile)
    state = first.analogues.state()
    assert sum(array.nbytes for array in state.values()) < size + 100
    second.analogues.restore({name: array.copy() for name, array in state.items()})
    second.usual.restore({name: array.copy() for name, array in first.usual.state().items()})
    for profile in profiles[1053:]:
        assert whole.hear(profile) == second.hear(profile)
