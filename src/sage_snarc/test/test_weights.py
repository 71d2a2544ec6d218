"""Learned weights: they help where there is something to learn, and harm nowhere."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_snarc.core.calibration.false_alarms import Salience
from sage_snarc.core.fusion import equal_rarity
from sage_snarc.core.learning.weights import OutcomeWeights, Signs

NAMES = ("vision", "audio")
SALIENCE = Salience()
MARGIN = 0.05
CERTAIN = 128
share = st.floats(0.0, 1.0)
Said = dict[str, tuple[float, float, float, float]]
Judge = Callable[[int, Said, OutcomeWeights, float], bool]


def tick(weights: OutcomeWeights, stamp: int, said: Said) -> float:
    """One tick; the score with equal weights."""
    signs = {name: Signs.of(*values) for name, values in said.items()}
    rarities = [SALIENCE.rarity(values[0]) for values in said.values()]
    equal = SALIENCE.total(equal_rarity(rarities, 0.0))
    weights.judge(stamp, signs, 0.0, equal)
    return equal


def stream(seed: int, count: int, judge: Judge) -> tuple[OutcomeWeights, np.ndarray]:
    """Unrelated readings, judged as `judge` likes; AUROC of fused less equal after each outcome."""
    generator = np.random.default_rng(seed)
    weights, leads = OutcomeWeights(NAMES), []
    for stamp in range(count):
        said = {name: tuple(generator.random(4).tolist()) for name in NAMES}
        equal = tick(weights, stamp, said)
        good = judge(stamp, said, weights, equal)
        assert weights.learn(stamp, stamp, 1.0 if good else -1.0, stamp)
        report = weights.report()
        leads.append(report.auroc_fused - report.auroc_equal)
    return weights, np.array(leads)


def novel(said: Said) -> bool:
    return said["vision"][2] > 0.5


def scores(weights: OutcomeWeights) -> tuple[float, float, float]:
    """What was said last: fused, learned, equal."""
    return tuple(weights.recent.scores[-1].tolist())


RANDOM = np.random.default_rng(99).random(2000) < 0.5
HOSTILE: dict[str, Judge] = {
    "at random": lambda stamp, said, weights, equal: bool(RANDOM[stamp]),
    "inverted halfway": lambda stamp, said, weights, equal: novel(said) == (stamp < 200),
    "inverted again and again": lambda stamp, said, weights, equal: (
        novel(said) == (stamp // 40 % 2 == 0)
    ),
    "useless halfway": lambda stamp, said, weights, equal: (
        novel(said) if stamp < 200 else said["audio"][0] > 0.5
    ),
    "against the trusted": lambda stamp, said, weights, equal: (
        novel(said) if weights.trust < 0.5 else equal > 0.6
    ),
    "against fused": lambda stamp, said, weights, equal: (
        novel(said) if weights.trust < 0.3 else scores(weights)[2] > scores(weights)[0]
    ),
    "against learned": lambda stamp, said, weights, equal: (
        (scores(weights)[1] > scores(weights)[2]) == (weights.trust == 0.0)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("judge", HOSTILE.values(), ids=HOSTILE)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_hostile_outcomes_make_it_worse_than_equal_weights(judge: Judge, seed: int) -> None:
    _, leads = stream(seed, 400, judge)
    assert np.nanmin(leads[CERTAIN:]) >= -MARGIN


@pytest.mark.parametrize("good", [True, False])
def test_outcomes_of_one_kind_change_nothing(good: bool) -> None:
    weights, leads = stream(0, 200, lambda *_: good)
    assert np.isnan(leads).all()
    assert weights.trust == 0.0
    generator = np.random.default_rng(1)
    totals = []
    for stamp in range(200, 400):
        tick(weights, stamp, {name: tuple(generator.random(4).tolist()) for name in NAMES})
        totals.append(scores(weights))
    fused, learned, equal = np.array(totals).T
    assert (fused == equal).all()
    # However many were good, not every moment is salient.
    assert learned.mean() == pytest.approx(equal.mean(), abs=0.1)


def alarming(seed: int, count: int) -> tuple[OutcomeWeights, np.ndarray]:
    """Audio raises alarms that mean nothing; vision's novelty says what matters, quietly."""
    generator = np.random.default_rng(seed)
    weights, leads = OutcomeWeights(NAMES), []
    for stamp in range(count):
        good, alarm = generator.random(2) < (0.3, 0.4)
        vision = 0.3 * generator.random(4)
        vision[2] = generator.beta(3, 1) if good else generator.beta(1, 2)
        audio = 0.5 + 0.5 * generator.random(4) if alarm else 0.3 * generator.random(4)
        tick(weights, stamp, {"vision": tuple(vision.tolist()), "audio": tuple(audio.tolist())})
        weights.learn(stamp, stamp, 1.0 if good else -1.0, stamp)
        report = weights.report()
        leads.append(report.auroc_fused - report.auroc_equal)
    return weights, np.array(leads)


@pytest.mark.parametrize("seed", range(3))
def test_it_learns_whom_to_believe(seed: int) -> None:
    weights, leads = alarming(seed, 400)
    report = weights.report()
    assert report.auroc_equal < 0.6
    assert report.auroc_fused > report.auroc_equal + 0.2
    assert report.auroc_learned > 0.8
    assert np.nanmin(leads[CERTAIN:]) > 0.0
    assert report.trust > 0.8
    weight = dict(zip(report.names, report.weights, strict=True))
    assert weight["vision/novelty"] > 0.5
    assert weight["vision/novelty"] > 3.0 * max(weight["audio"], weight["audio/arousal"])
    assert weights.shares(NAMES)["vision"] > 0.6
    assert (report.successes + report.failures, report.stamp_ns) == (400, 399)


def test_it_learns_from_moments_that_are_hardly_salient() -> None:
    generator = np.random.default_rng(4)
    weights = OutcomeWeights(NAMES)
    for stamp in range(200):
        good = stamp % 2 == 0
        vision = 10.0 ** generator.uniform(*((-3.0, -2.2) if good else (-4.0, -2.8)))
        audio = 10.0 ** generator.uniform(-3.5, -2.0)
        said = {"vision": (vision, 0.5, 0.5, 0.5), "audio": (audio, 0.5, 0.5, 0.5)}
        tick(weights, stamp, said)
        weights.learn(stamp, stamp, 1.0 if good else -1.0, stamp)
    report = weights.report()
    assert report.auroc_learned > report.auroc_equal + 0.1
    assert report.trust > 0.5


def test_both_signs_teach_and_small_rewards_teach_little() -> None:
    def taught(good: float, bad: float) -> np.ndarray:
        generator = np.random.default_rng(0)
        weights = OutcomeWeights(NAMES)
        for stamp in range(60):
            said = {name: tuple(generator.random(4).tolist()) for name in NAMES}
            tick(weights, stamp, said)
            weights.learn(stamp, stamp, good if novel(said) else bad, stamp)
        return np.array(weights.report().weights) - np.array(OutcomeWeights(NAMES).report().weights)

    moved = np.abs(taught(1.0, -1.0)).max()
    assert moved > 0.3
    assert 0.0 < np.abs(taught(0.1, -0.1)).max() < 0.7 * moved
    assert np.abs(taught(0.0, 0.0)).max() == 0.0


@given(st.lists(st.tuples(share, share, share, st.floats(-1.0, 1.0)), min_size=1, max_size=40))
def test_always_in_bounds(items: list[tuple[float, float, float, float]]) -> None:
    weights = OutcomeWeights(NAMES)
    for stamp, (total, novelty, conflict, reward) in enumerate(items):
        live = {"audio": Signs.of(total, 0.0, novelty, 1.0)}
        said = weights.judge(stamp, live, conflict, total)
        assert all(0.0 <= score <= 1.0 for score in said)
        assert weights.learn(stamp, stamp, reward, stamp) == (reward != 0.0)
        report = weights.report()
        assert all(abs(weight) <= 2.0 for weight in report.weights)
        assert 0.0 <= report.trust < 1.0
        for live_names in (NAMES, NAMES[:1]):
            shares = weights.shares(live_names)
            assert sum(shares.values()) == pytest.approx(1.0)
            assert min(shares.values()) >= 0.0


@given(st.tuples(share, share, share, share), share)
def test_before_any_outcome_it_says_what_equal_weights_say(
    said: tuple[float, float, float, float], equal: float
) -> None:
    found = OutcomeWeights(NAMES).judge(0, {"audio": Signs.of(*said)}, 0.5, equal)
    assert found.fused == found.equal == equal
    assert found.learned == pytest.approx(equal, abs=1e-4 + 1e-9)
    report = OutcomeWeights(NAMES).report()
    assert [name for name, w in zip(report.names, report.weights, strict=True) if w] == ["equal"]
    assert math.isnan(report.auroc_fused)
    assert (report.trust, report.stamp_ns) == (0.0, 0)


def test_the_strongest_tick_of_a_span_is_judged() -> None:
    weights = OutcomeWeights(("vision",))
    for stamp, total in enumerate((0.1, 0.9, 0.2, 0.95)):
        weights.judge(stamp, {"vision": Signs.of(total, 0.5, 0.5, 0.5)}, 0.0, total)
    assert weights.learn(0, 2, 1.0, 7)
    assert weights.outcomes.features[0, -1] == pytest.approx(math.log(0.9 / 0.1))
    assert not weights.learn(4, 9, 1.0, 9)
    assert weights.report().stamp_ns == 7


@pytest.mark.parametrize(
    ("start", "end", "reward", "field"),
    [(0, 1, 1.5, "reward"), (0, 1, math.nan, "reward"), (1, 0, 1.0, "end_ns")],
)
def test_a_wrong_outcome_is_refused(start: int, end: int, reward: float, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        OutcomeWeights(NAMES).learn(start, end, reward, 0)
    assert caught.value.field == field


def test_it_resumes_bit_equal() -> None:
    whole, _ = alarming(5, 700)
    other = OutcomeWeights(NAMES)
    other.restore(whole.state())
    generator = np.random.default_rng(6)
    for stamp in range(700, 760):
        said = {name: tuple(generator.random(4).tolist()) for name in NAMES}
        reward = float(generator.uniform(-1.0, 1.0))
        for weights in (whole, other):
            tick(weights, stamp, said)
            weights.learn(stamp - 1, stamp, reward, stamp)
        assert scores(whole) == scores(other)
        assert whole.report() == other.report()


def test_weights_of_the_old_kind_are_refused() -> None:
    old = {"values": np.zeros(2), "stamps": np.zeros(4), "totals": np.zeros((4, 2))}
    with pytest.raises(InvalidInput, match="offset is missing"):
        OutcomeWeights(NAMES).restore(old)
    with pytest.raises(InvalidInput, match=r"model\.values = "):
        OutcomeWeights(NAMES).restore(OutcomeWeights(("a", "b", "c")).state())
