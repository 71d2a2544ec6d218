"""Properties of the scorers that must hold on any stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sage_common.core.puzzle import Percept
from sage_snarc.core.calibration.dimension import Reading
from sage_snarc.core.reason import scorer_reason
from sage_snarc.core.scorer import SalienceResult, Scorer, VectorScorer
from sage_snarc.core.stream import Stream

PERIOD_NS = 33_333_333
Make = Callable[..., Percept]
MakeStream = Callable[..., Iterator[Percept]]

finite = st.floats(-(2.0**40), 2.0**40, width=32)
streams = hnp.arrays(np.float32, st.tuples(st.integers(1, 25), st.integers(1, 5)), elements=finite)
shared_fixture = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def in_bounds(result: SalienceResult) -> bool:
    parts = (result.surprise, result.novelty, result.arousal, result.reward, result.total)
    cells = bool(((result.grid >= 0.0) & (result.grid <= 1.0)).all())
    return all(0.0 <= part <= 1.0 for part in parts) and cells


def totals(scorer: VectorScorer, rows: np.ndarray, start: int = 0) -> np.ndarray:
    results = [scorer.score((start + i) * PERIOD_NS, row) for i, row in enumerate(rows)]
    assert all(in_bounds(result) for result in results)
    return np.array([result.total for result in results])


@settings(max_examples=150)
@given(streams, st.lists(st.integers(-(10**10), 10**11), min_size=25, max_size=25))
def test_any_finite_stream_at_any_stamps_stays_in_bounds(
    rows: np.ndarray, stamps: list[int]
) -> None:
    scorer = VectorScorer("anything", capacity=10)
    for stamp, row in zip(stamps, rows, strict=False):
        assert in_bounds(scorer.score(stamp, row))


@shared_fixture
@given(
    hnp.arrays(np.float32, (12, 8), elements=st.floats(-1, 1, width=32)),
    hnp.arrays(np.uint8, (12, 30, 30), elements=st.integers(0, 9)),
)
def test_any_percepts_stay_in_bounds(percept: Make, rows: np.ndarray, codes: np.ndarray) -> None:
    scorer = Scorer("vision", capacity=10)
    for index, row in enumerate(rows):
        vector = row + np.eye(8)[0] * (not row.any())
        result = scorer.score(percept(vector, index * PERIOD_NS, codes=codes[index]))
        assert in_bounds(result)
        assert result.grid.shape == (10, 10)


@shared_fixture
@given(hnp.arrays(np.float32, st.integers(1, 20), elements=st.floats(-1e3, 1e3, width=32)))
def test_identical_input_has_no_novelty(percept: Make, vector: np.ndarray) -> None:
    bare = VectorScorer("x")
    bare.score(0, vector)
    assert bare.score(PERIOD_NS, vector).novelty == 0.0
    if np.linalg.norm(vector) > 1e-3:
        scorer = Scorer("vision")
        scorer.score(percept(vector))
        assert scorer.score(percept(vector, PERIOD_NS)).novelty == 0.0


def test_independent_input_is_novel(stream: MakeStream) -> None:
    rows = np.random.default_rng(0).standard_normal((1300, 64))
    scorer = Scorer("vision")
    novelties = [scorer.score(item).novelty for item in stream(rows)]
    assert np.mean(novelties[50:]) > 0.9
    assert np.min(novelties[50:]) > 0.7


@pytest.mark.parametrize("size", [1, 16])
def test_a_constant_stream_falls_silent(size: int) -> None:
    after = totals(VectorScorer("x"), np.full((300, size), 3.7))[2:]
    assert after.max() < 0.1


def test_a_constant_scene_falls_silent_even_after_a_busy_one(stream: MakeStream) -> None:
    busy = np.random.default_rng(1).standard_normal((200, 32)).cumsum(axis=0)
    still = np.tile(busy[-1:], (200, 1))
    scorer = Scorer("vision")
    results = [scorer.score(item) for item in stream(np.concatenate([busy, still]))]
    quiet = results[230:]
    assert max(result.total for result in quiet) < 0.1
    assert max(result.novelty for result in quiet) == 0.0
    assert quiet[-1].reason == "vision: nothing unusual" or "habituated" in quiet[-1].reason


def test_noise_on_a_constant_scene_fades(stream: MakeStream) -> None:
    """Unit embeddings with 2 % noise: from 1 s on, no sample reaches 0.1."""
    generator = np.random.default_rng(2)
    scene = generator.standard_normal(64)
    noise = 0.02 * np.linalg.norm(scene) / 8.0 * generator.standard_normal((900, 64))
    scorer = Scorer("vision")
    after = [scorer.score(item).total for item in stream(scene + noise)][30:]
    assert max(after) < 0.1


@pytest.mark.parametrize(("size", "share"), [(1, 0.15), (4, 0.1), (64, 0.05)])
def test_bare_noise_is_mostly_not_salient(size: int, share: float) -> None:
    """Without an absolute scale the tail of the noise stands out, and only that."""
    rows = np.random.default_rng(size).standard_normal((2000, size))
    after = totals(VectorScorer("x"), rows)[100:]
    assert after.mean() < 0.05
    assert np.mean(after > 0.1) < share


def test_an_event_in_noise_stands_out() -> None:
    rows = np.random.default_rng(3).standard_normal((1000, 8))
    rows[700] += 12.0
    result = totals(VectorScorer("x"), rows)
    assert result[700] > 0.8
    assert result[700] == result[30:].max()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-6, 1e6), st.floats(-100.0, 100.0))
def test_scale_and_offset_of_a_sensor_do_not_matter(seed: int, scale: float, offset: float) -> None:
    """The offset is in units of the signal: float32 keeps the rest of it apart."""
    rows = np.random.default_rng(seed).standard_normal((150, 3))
    plain = totals(VectorScorer("x"), rows)
    moved = totals(VectorScorer("x"), (rows + offset) * scale)
    assert np.abs(plain - moved)[30:].max() < 0.05


def test_a_repeated_stimulus_fades_within_ten_and_recovers() -> None:
    """A pulse every 2 s in a noisy stream; then five minutes without it."""
    generator = np.random.default_rng(4)
    scorer = VectorScorer("x")
    pulse = np.zeros(16)
    pulse[3] = 40.0
    heights = []
    for repetition in range(14):
        rows = generator.standard_normal((60, 16))
        rows[-1] += pulse
        heights.append(totals(scorer, rows, start=60 * repetition)[-1])
    assert max(heights[:2]) > 0.4
    assert max(heights[10:]) < 0.2 * max(heights[:2])
    start = 60 * 14
    totals(scorer, generator.standard_normal((9000, 16)), start)
    rows = generator.standard_normal((1, 16)) + pulse
    assert totals(scorer, rows, start + 9000)[0] > 0.7 * max(heights[:2])


def test_every_dimension_varies_on_a_stream_with_events(stream: MakeStream) -> None:
    generator = np.random.default_rng(5)
    places = generator.standard_normal((6, 32))
    rows = np.concatenate(
        [
            place + 0.1 * generator.standard_normal((60, 32)).cumsum(axis=0) / 8.0
            for place in places[[0, 1, 2, 0, 3, 1, 4, 5, 2, 0]]
        ]
    )
    scorer = Scorer("vision")
    results = []
    for index, item in enumerate(stream(rows)):
        results.append(scorer.score(item))
        if index in (130, 310):
            scorer.learn(results[-20].stamp_ns, results[-1].stamp_ns, 1.0 if index < 200 else -1.0)
    for name in ("surprise", "novelty", "arousal", "reward", "total"):
        assert np.std([getattr(result, name) for result in results]) > 0.05, name
    assert np.std([result.grid.mean() for result in results]) > 0.02


def test_the_first_sample_has_defined_values(percept: Make) -> None:
    result = Scorer("vision").score(percept(np.ones(8)))
    assert (result.surprise, result.novelty, result.arousal) == (0.0, 1.0, 0.0)
    assert result.reward == 0.5
    assert (result.neighbour_id, result.neighbour_age_s) == (0, -1.0)
    assert (result.total, result.p_value) == (pytest.approx(0.0, abs=1e-3), 1.0)
    assert result.reason == "vision: too little seen yet to say (1 sample)"
    assert not result.grid.any()


def test_the_first_sample_after_a_gap_is_not_surprising() -> None:
    scorer = VectorScorer("x")
    rows = np.random.default_rng(6).standard_normal((200, 4))
    totals(scorer, rows)
    after = scorer.score(200 * PERIOD_NS + 60 * 10**9, [50.0, 50.0, 50.0, 50.0])
    assert after.surprise == 0.0
    assert after.novelty == 1.0


def test_a_clock_that_goes_back_is_a_gap() -> None:
    scorer = VectorScorer("x")
    totals(scorer, np.random.default_rng(7).standard_normal((50, 2)), start=10_000)
    result = scorer.score(0, [0.1, 0.2])
    assert result.surprise == 0.0
    assert result.neighbour_age_s >= 0.0


def test_nearest_seen_is_said_in_words() -> None:
    stream = Stream(64)
    first, second = np.random.default_rng(8).standard_normal((2, 64)).astype(np.float32)
    stream.observe(0, first, None)
    for index in range(41):
        stream.observe((index + 1) * 10**9, second, None)
    seen = stream.observe(42 * 10**9, 1.1 * first, None)
    assert (seen.near.id, seen.near.age_ns) == (1, 42 * 10**9)
    salient = seen._replace(novelty=Reading(0.9, 50.0), total=0.8)
    assert scorer_reason("audio", salient) == "audio: novelty 0.90, nearest seen 42 s ago"


def test_what_is_new_is_not_said_to_have_been_seen_just_now(percept: Make) -> None:
    scorer = Scorer("audio")
    generator = np.random.default_rng(8)
    first = generator.standard_normal(64)
    for index in range(60):
        scorer.score(percept(first + 0.1 * generator.standard_normal(64), index * 10**7, "audio"))
    result = scorer.score(percept(generator.standard_normal(64), 60 * 10**7, "audio"))
    assert result.novelty > 0.9 and result.neighbour_age_s < 1.0
    assert " s ago" not in result.reason


def test_another_encoder_starts_afresh(percept: Make) -> None:
    scorer = Scorer("vision")
    scorer.score(percept(np.ones(8)))
    result = scorer.score(percept(np.ones(16), PERIOD_NS, encoder_id="test 2 111111111111"))
    assert scorer.resets == 1
    assert result.novelty == 1.0


def test_what_turned_out_well_is_worth_more(stream: MakeStream) -> None:
    generator = np.random.default_rng(11)
    good, bad, other = generator.standard_normal((3, 32))
    scorer = Scorer("vision")
    items = list(stream([good, bad, other] * 5))
    for item in items:
        assert scorer.score(item).reward == 0.5
    assert scorer.learn(items[-3].stamp_ns, items[-3].stamp_ns, 1.0) == 1
    assert scorer.learn(items[-2].stamp_ns, items[-2].stamp_ns, -1.0) == 1
    assert scorer.learn(10**15, 10**15, -1.0) == 0
    again = [scorer.score(item).reward for item in stream([good, bad, other], 10**9)]
    assert again[0] > 0.7
    assert again[1] < 0.3
    assert again[2] == pytest.approx(0.5, abs=0.02)
