"""What happens again is known from its onset to its end; what is different is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sage_snarc.core.dimensions.episodes import EpisodeHabituation
from sage_snarc.core.scorer import VectorScorer

RATE_HZ = 10
MINUTE = 60 * RATE_HZ
Rows = NDArray[np.float64]


def each_minute(size: int, bangs: list[Rows], seed: int = 0) -> Rows:
    """Noise float64 [n, size] with one of the courses [k, size] at each full minute."""
    rows = 0.1 * np.random.default_rng(seed).standard_normal(((len(bangs) + 1) * MINUTE, size))
    for minute, bang in enumerate(bangs, 1):
        rows[minute * MINUTE : minute * MINUTE + len(bang)] += bang
    return rows


def heights(rows: Rows) -> Rows:
    """The largest total of the second from each full minute on."""
    scorer = VectorScorer("x")
    totals = [scorer.score(i * 10**9 // RATE_HZ, row).total for i, row in enumerate(rows)]
    minutes = range(MINUTE, len(rows), MINUTE)
    return np.array([max(totals[at : at + RATE_HZ]) for at in minutes])


def decaying(size: int, seed: int) -> Rows:
    """A course of 0.8 s, from its full size to nothing."""
    direction = np.random.default_rng(seed).standard_normal((1, size))
    direction *= 4.0 / np.linalg.norm(direction)
    return np.exp(-np.arange(8) / 3.0)[:, None] * direction


@pytest.mark.parametrize("size", [1, 6])
def test_the_tenth_of_the_same_is_nearly_silent_and_another_is_not(size: int) -> None:
    same, other = decaying(size, 1), -1.3 * decaying(size, 1 if size == 1 else 2)
    found = heights(each_minute(size, [*[same] * 10, other, same]))
    assert found[0] > 0.8
    assert found[1] < 0.7 * found[0]
    assert max(found[8:10]) < 0.35 * found[0]
    assert found[10] > 0.8
    assert found[11] < found[10]


def test_what_a_place_does_after_it_does_not_make_it_another() -> None:
    same, generator = decaying(6, 1), np.random.default_rng(3)
    steps = 0.2 * generator.standard_normal((10, 3, 6))
    found = heights(
        each_minute(6, [np.concatenate([same, np.repeat(s, 4, axis=0)]) for s in steps])
    )
    assert found[0] > 0.8
    assert max(found[4:]) < 0.1


def test_it_recovers() -> None:
    same = decaying(6, 1)
    rows = each_minute(6, [same] * 6)
    away = each_minute(6, [0.0 * same] * 10, seed=1)
    found = heights(np.concatenate([rows, away, each_minute(6, [same], seed=2)]))
    assert found[5] < 0.5
    assert found[-1] > 0.7


@pytest.mark.parametrize("kind", ["Gaussian", "Laplace", "Student", "seldom", "six"])
def test_spikes_of_noise_are_no_repetition(kind: str) -> None:
    """Of few numbers the rare ones are alike by chance."""
    draw = np.random.default_rng(6)
    count = 20 * MINUTE
    values = {
        "Gaussian": draw.standard_normal(count),
        "Laplace": draw.laplace(size=count),
        "Student": draw.standard_t(3, count),
        "seldom": (draw.random(count) < 0.02) * draw.exponential(size=count),
        "six": draw.standard_normal((count, 6)),
    }[kind].reshape(count, -1)
    scorer = VectorScorer("x")
    results = [scorer.score(i * 10**9 // RATE_HZ, row) for i, row in enumerate(values)]
    rare = [result.habituation for result in results if result.p_value < 1.0 / (2 * MINUTE)]
    assert len(rare) >= 5
    assert np.mean(rare) < 0.5


def play(habituation: EpisodeHabituation, course: Rows, calls: list[float]) -> list[float]:
    """Strength at each sample, 0.1 s apart."""
    pairs = zip(course, calls, strict=True)
    return [habituation.strength(row, call, 0.1, 0.1) for row, call in pairs]


def test_the_end_of_a_course_is_known_by_its_beginning() -> None:
    """Its last samples never repeat, and count for little beside the first."""
    rng = np.random.default_rng(3)
    habituation = EpisodeHabituation(8)
    start = 3.0 * rng.standard_normal((4, 8))

    def once() -> list[float]:
        play(habituation, 0.05 * rng.standard_normal((200, 8)), [0.0] * 200)
        course = np.concatenate([start, 0.7 * rng.standard_normal((4, 8)), np.zeros((30, 8))])
        return play(habituation, course, [0.9] * 8 + [0.0] * 30)

    assert max(once()[:8]) == 0.0
    again = once()
    assert min(again[:8]) > 0.6


def test_nothing_is_taken_from_what_comes_for_the_first_time() -> None:
    rng = np.random.default_rng(4)
    habituation = EpisodeHabituation(8)
    for kind in range(6):
        play(habituation, 0.05 * rng.standard_normal((200, 8)), [0.0] * 200)
        start = 3.0 * np.random.default_rng(10 + kind).standard_normal((6, 8))
        found = play(
            habituation, np.concatenate([start, np.zeros((30, 8))]), [0.9] * 6 + [0.0] * 30
        )
        assert max(found[3:6]) < 0.3


def test_state_resumes_bit_equal() -> None:
    rows = each_minute(3, [decaying(3, 5)] * 3)
    whole, first, second = VectorScorer("x"), VectorScorer("x"), VectorScorer("x")
    stamps = [i * 10**9 // RATE_HZ for i in range(len(rows))]
    middle = 2 * MINUTE + 3
    for stamp, row in zip(stamps[:middle], rows[:middle], strict=True):
        whole.score(stamp, row)
        first.score(stamp, row)
    second.restore({name: array.copy() for name, array in first.state().items()})
    for stamp, row in zip(stamps[middle:], rows[middle:], strict=True):
        assert whole.score(stamp, row).total == second.score(stamp, row).total
