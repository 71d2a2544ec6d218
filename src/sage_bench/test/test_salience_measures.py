"""How detectors are judged: windows, AUROC, average precision, intervals, delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from sage_bench.salience.measures import (
    auroc,
    average_precision,
    detection,
    estimate,
    estimate_of_difference,
    resampled,
)
from sage_bench.salience.streams.windows import Windows, background_s, judged_windows, window_scores
from sage_common.core.errors import InvalidInput


@dataclass(frozen=True)
class Happening:
    family: str
    onset_s: float
    end_s: float


@dataclass(frozen=True)
class Annotation:
    length_s: float
    events: tuple[Happening, ...] = ()
    ignored: tuple[tuple[float, float], ...] = ()


def windows_of(families: list[str], streams: list[int] | None = None) -> Windows:
    numbers = np.zeros(len(families), np.int64) if streams is None else np.array(streams)
    return Windows(numbers, np.array(families), np.arange(len(families), dtype=np.float64))


def test_windows_keep_away_from_events_and_ignored_spans() -> None:
    stream = Annotation(20.0, (Happening("cut", 10.0, 11.5),), ((0.0, 5.25), (18.0, 18.5)))
    # Free: 5.25 to 9 (three windows), 13.5 to 18 (four), 18.5 to 20 (one).
    assert background_s(stream) == [5.25, 6.25, 7.25, 13.5, 14.5, 15.5, 16.5, 18.5]
    found = judged_windows([stream, Annotation(2.0)])
    assert found.family.tolist() == ["cut"] + [""] * 10
    assert found.stream.tolist() == [0] * 9 + [1] * 2
    assert found.start_s[0] == 10.0 and found.families == ("cut",)


def test_windows_that_overlap_events_of_each_other_are_no_background() -> None:
    long = Happening("freeze", 3.0, 9.0)
    stream = Annotation(12.0, (long, Happening("knock", 5.0, 5.1)))
    assert background_s(stream) == [0.0, 1.0, 11.0]


def test_a_window_scores_as_its_largest_tick() -> None:
    times_s = np.arange(1, 41) * 0.1
    scores = np.zeros(40)
    scores[9] = 3.0  # From 0.9 s to 1.0 s, which is before the first window.
    scores[10] = 1.0
    scores[29] = 2.0  # To 3.0 s
    windows = Windows(np.zeros(3, np.int64), np.array(["a", "", ""]), np.array([1.0, 2.0, 3.0]))
    assert window_scores(windows, [times_s], [scores]).tolist() == [1.0, 2.0, 0.0]
    scores[35] = np.nan
    with pytest.raises(InvalidInput, match=r"from 3\.00 s to 4\.00 s"):
        window_scores(windows, [times_s], [scores])


def test_auroc_by_hand() -> None:
    """Events 3 and 1; background 2, 1, 0: of six pairs 3+1 won, one tied, one lost."""
    scores = np.array([3.0, 1.0, 2.0, 1.0, 0.0])
    positive = np.array([True, True, False, False, False])
    once = np.ones((1, 5), np.int64)
    assert auroc(scores, positive, once)[0] == pytest.approx(4.5 / 6)
    # The event that scores 1 three times: 3 wins + 3 * 1.5, of 12.
    assert auroc(scores, positive, np.array([[1, 3, 1, 1, 1]]))[0] == pytest.approx(7.5 / 12)


def test_average_precision_by_hand() -> None:
    """Falling: hit (1/1), miss, then a hit and a miss at the same score (2/4), miss."""
    scores = np.array([3.0, 1.0, 2.0, 1.0, 0.0])
    positive = np.array([True, True, False, False, False])
    once = np.ones((1, 5), np.int64)
    assert average_precision(scores, positive, once)[0] == pytest.approx((1.0 + 0.5) / 2)


def test_both_agree_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(1)
    scores = generator.integers(0, 20, 200).astype(np.float64)
    positive = generator.random(200) < 0.3
    counts = generator.integers(0, 3, (4, 200))
    for row, ours, precise in zip(
        counts, auroc(scores, positive, counts), average_precision(scores, positive, counts),
        strict=True,
    ):  # fmt: skip
        assert ours == pytest.approx(metrics.roc_auc_score(positive, scores, sample_weight=row))
        theirs = metrics.average_precision_score(positive, scores, sample_weight=row)
        assert precise == pytest.approx(theirs)


def test_a_constant_has_an_area_of_a_half_with_certainty() -> None:
    windows = windows_of(["a", "a", "", "", "", ""])
    found = estimate(windows, np.full(6, 0.2))
    assert (found.value, found.low, found.high, found.windows) == (0.5, 0.5, 0.5, 6)


def test_resamples_keep_the_numbers_of_each_stream_and_kind() -> None:
    windows = windows_of(["a", "b", "", "", "", "a", ""], [0, 0, 0, 0, 0, 1, 1])
    counts = resampled(windows, 50)
    assert (counts[:, :2].sum(axis=1) == 2).all() and (counts[:, 2:5].sum(axis=1) == 3).all()
    assert (counts[:, 5:] == 1).all()
    assert (counts == resampled(windows, 50)).all() and counts.std(axis=0)[:5].min() > 0.0


def test_intervals_hold_the_truth_of_known_distributions() -> None:
    """Two normal distributions one deviation apart: AUROC 0.760."""
    held = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        families = ["a"] * 60 + [""] * 120
        scores = np.r_[generator.normal(1, 1, 60), generator.normal(0, 1, 120)]
        found = estimate(windows_of(families), scores)
        held += found.low <= 0.760 <= found.high
        assert 0.08 < found.high - found.low < 0.2
    assert held >= 17


def test_a_family_is_judged_against_all_background() -> None:
    windows = windows_of(["good", "bad", "", ""])
    scores = np.array([1.0, 0.0, 0.5, 0.6])
    assert estimate(windows, scores, family="good").value == 1.0
    assert estimate(windows, scores, family="bad").value == 0.0
    assert estimate(windows, scores).value == 0.5
    assert estimate(windows, scores, average_precision, "good").windows == 3
    with pytest.raises(InvalidInput, match="bad, good"):
        estimate(windows, scores, family="other")


def test_the_interval_of_a_difference_is_of_pairs() -> None:
    """Scores that differ by a hair from window to window have a narrow difference."""
    generator = np.random.default_rng(3)
    windows = windows_of(["a"] * 50 + [""] * 100)
    first = np.r_[generator.normal(1, 1, 50), generator.normal(0, 1, 100)]
    second = first + generator.normal(0, 0.05, 150)
    alone = estimate(windows, first)
    paired = estimate_of_difference(windows, first, second)
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)
    assert estimate_of_difference(windows, first, first).high == 0.0
    worse = estimate_of_difference(windows, first, generator.normal(0, 1, 150))
    assert worse.low > 0.0


def test_detection_delay_by_hand() -> None:
    """Twenty background windows, one of them loud; events after 0.3 s, 0.5 s, and never."""
    times_s = np.arange(1, 401) * 0.1
    scores = np.zeros(400)
    scores[35] = 5.0  # In the background window from 3 s on.
    scores[232] = 6.0  # 23.3 s
    scores[264] = 6.0  # 26.5 s
    scores[264 + 5] = 9.0
    windows = Windows(
        np.zeros(23, np.int64),
        np.array(["a", "a", "b"] + [""] * 20),
        np.r_[23.0, 26.0, 30.0, np.arange(20.0)],
    )
    found = detection(windows, [times_s], [scores])
    # The second largest of twenty windows is the value that 5 % exceed.
    assert found.threshold == 0.0 and found.events == 3
    assert found.share == pytest.approx(2 / 3)
    assert found.median_delay_s == pytest.approx(0.4)
    missed = detection(windows, [times_s], [scores], "b")
    assert missed.share == 0.0 and np.isnan(missed.median_delay_s)
