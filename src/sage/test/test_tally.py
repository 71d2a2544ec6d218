"""What the observer counts, and that counting for days takes no more memory than for minutes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from sage.observe.frame_ledger import MOST_UNDECIDED, SETTLED_AT_ONCE, FrameLedger
from sage.observe.series import Series
from sage.observe.tally import REMEMBERED, RecentIds, Tally
from sage_common.core.clock import NS_PER_S

FRAME_NS = 33_333_333
HOUR = 108_000  # frames
KEPT = 11 * NS_PER_S // FRAME_NS + 1  # frames that are not judged yet


def stamps(count: int, start: int = 0) -> list[int]:
    return [start + i * FRAME_NS for i in range(count)]


def ledger_of(announced: list[int], encoded: list[int]) -> FrameLedger:
    """Both in the order of their stamps, a puzzle after its announcement."""
    ledger = FrameLedger()
    events = [(stamp, 0) for stamp in announced] + [(stamp, 1) for stamp in encoded]
    for stamp, is_puzzle in sorted(events):
        (ledger.encoded if is_puzzle else ledger.announced)(stamp)
    return ledger


def test_every_frame_with_a_puzzle_is_no_drop() -> None:
    assert ledger_of(stamps(60), stamps(60)).counts().dropped == 0


@pytest.mark.parametrize("later", [0, 2000])
def test_a_frame_without_a_puzzle_is_a_drop(later: int) -> None:
    encoded = [s for i, s in enumerate(stamps(60 + later)) if i not in (20, 21)]
    counts = ledger_of(stamps(60 + later), encoded).counts()
    assert (counts.frames, counts.not_encoded, counts.not_announced) == (60 + later, 2, 0)


@pytest.mark.parametrize("later", [0, 2000])
def test_frames_that_the_source_skipped_are_drops(later: int) -> None:
    seen = [s for i, s in enumerate(stamps(60 + later)) if i not in (20, 21, 22)]
    counts = ledger_of(seen, seen).counts()
    assert (counts.not_encoded, counts.not_announced) == (0, 3)


def test_frames_before_the_first_puzzle_and_in_flight_are_not_judged() -> None:
    assert ledger_of(stamps(60), stamps(60)[5:50]).counts().dropped == 0


def test_nothing_is_judged_until_there_was_a_puzzle_or_it_cannot_come_any_more() -> None:
    attached = ledger_of(stamps(76), [])
    assert (attached.counts().frames, attached.counts().dropped) == (76, 0)
    assert ledger_of(stamps(900), []).counts().dropped == 900 - KEPT
    attached.encoded(stamps(77)[-1])
    assert attached.counts().dropped == 0
    late = ledger_of(stamps(900), [])
    late.encoded(stamps(901)[-1])
    assert late.counts().dropped == 0


def test_a_clock_that_goes_back_begins_anew_and_keeps_what_was_counted() -> None:
    ledger = ledger_of(stamps(900), [s for i, s in enumerate(stamps(900)) if i not in (300, 800)])
    for stamp in stamps(900):
        ledger.announced(stamp)
        ledger.encoded(stamp)
    counts = ledger.counts()
    assert (counts.frames, counts.not_encoded, counts.not_announced) == (1800, 2, 0)


def test_a_rate_that_changes_is_no_loss() -> None:
    slow = [60 * FRAME_NS * 10 + i * 2 * FRAME_NS for i in range(600)]
    seen = stamps(601) + slow[1:]
    assert ledger_of(seen, seen).counts().dropped == 0


def test_an_announcement_that_the_observer_missed_is_no_drop() -> None:
    counts = ledger_of([s for i, s in enumerate(stamps(60)) if i not in (30, 31)], stamps(60))
    assert counts.counts().frames == 60
    assert counts.counts().dropped == 0


def test_an_hour_of_frames_are_counted_exactly_and_not_kept() -> None:
    ledger = FrameLedger()
    for index, stamp in enumerate(stamps(HOUR)):
        if index % 1000 == 999:
            continue  # skipped by the source
        ledger.announced(stamp)
        if index % 1000 != 500 or index < 1000:
            ledger.encoded(stamp)
        assert len(ledger._encoded) <= 400
    counts = ledger.counts()
    assert counts.frames == HOUR - 108
    assert (counts.not_encoded, counts.not_announced) == (107, 107)


def test_stamps_of_any_density_are_bounded() -> None:
    ledger = FrameLedger()
    for stamp in range(100_000):
        ledger.announced(stamp)
        assert len(ledger._encoded) <= MOST_UNDECIDED + SETTLED_AT_ONCE
    assert ledger.counts().frames == 100_000


def test_an_experience_announced_twice_counts_once_and_ids_do_not_pile_up() -> None:
    ids = RecentIds()
    for number in range(20_000):
        ids.add(f"id {number}")
        ids.add(f"id {max(number - 100, 0)}")
    assert ids.count == 20_000
    assert len(ids._newer) + len(ids._older) <= 2 * REMEMBERED


def test_moments_and_percentiles() -> None:
    series = Series()
    assert series.moments()["n"] == 0
    assert series.percentiles(99) == {"p99": None}
    for value in (1.0, 2.0, float("nan"), 3.0, 4.0):
        series.add(value)
    assert series.moments() == {"n": 4, "mean": 2.5, "std": 1.118, "max": 4.0}
    assert series.percentiles(50)["p50"] == pytest.approx(2.5, rel=0.005)
    assert series.percentiles(0, 100)["p100"] == pytest.approx(4.0, rel=0.005)


def test_statistics_of_a_long_stream_are_those_of_all_its_values() -> None:
    values = np.random.default_rng(1).lognormal(2.0, 0.8, 50_000)
    series = Series()
    for value in values.tolist():
        series.add(value)
    moments = series.moments()
    assert moments["mean"] == pytest.approx(values.mean(), abs=1e-4)
    assert moments["std"] == pytest.approx(values.std(), abs=1e-4)
    for rank, value in series.percentiles(1, 50, 95, 99).items():
        assert value == pytest.approx(np.percentile(values, int(rank[1:])), rel=0.0055)


def test_a_tally_takes_no_more_memory_after_forty_thousand_moments() -> None:
    tally = Tally()

    def run(first: int, count: int) -> int:
        for index in range(first, first + count):
            stamp_ns = index * NS_PER_S // 30
            tally.frames.announced(stamp_ns)
            tally.puzzle("vision", stamp_ns, 3.0 + index % 7)
            tally.fused.add(index % 10 / 10)
            tally.latency_ms.add(8.0 + index % 5)
            tally.experiences.add(f"{index:032x}")
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    first = run(0, 20_000)
    assert run(20_000, 20_000) < first + 10_000
    tracemalloc.stop()
    assert tally.summary()["frames"] == 40_000


def test_a_run_that_failed_is_no_refinement() -> None:
    tally = Tally()
    for failed, reason in ((False, "converged"), (True, "no model"), (True, "no weights")):
        tally.refinement("recognise", failed, reason)
    assert tally.summary()["refinements"] == {"recognise": 1}
    failures = tally.summary()["refinement_failures"]
    assert failures == {"recognise": {"count": 2, "last": "no weights"}}
