"""What the observer counts."""

from __future__ import annotations

from sage.observe.tally import Series, Tally

FRAME_NS = 33_333_333


def stamps(count: int, start: int = 0) -> list[int]:
    return [start + i * FRAME_NS for i in range(count)]


def test_every_frame_with_a_puzzle_is_no_drop() -> None:
    tally = Tally(frame_stamps_ns=stamps(60))
    tally.puzzle_stamps_ns["vision"] = stamps(60)
    assert tally.frames_dropped() == 0


def test_a_frame_without_a_puzzle_is_a_drop() -> None:
    tally = Tally(frame_stamps_ns=stamps(60))
    tally.puzzle_stamps_ns["vision"] = [s for i, s in enumerate(stamps(60)) if i not in (20, 21)]
    assert tally.frames_dropped() == 2


def test_frames_that_the_source_skipped_are_drops() -> None:
    seen = [s for i, s in enumerate(stamps(60)) if i not in (20, 21, 22)]
    tally = Tally(frame_stamps_ns=seen)
    tally.puzzle_stamps_ns["vision"] = list(seen)
    assert tally.frames_dropped() == 3


def test_frames_before_the_first_puzzle_and_in_flight_are_not_judged() -> None:
    tally = Tally(frame_stamps_ns=stamps(60))
    tally.puzzle_stamps_ns["vision"] = stamps(60)[5:50]
    assert tally.frames_dropped() == 0


def test_no_puzzle_at_all_loses_every_frame() -> None:
    assert Tally(frame_stamps_ns=stamps(60)).frames_dropped() == 60


def test_an_experience_announced_twice_counts_once() -> None:
    assert Tally(experiences=["a", "b", "a"]).summary()["experiences"] == 2


def test_moments_and_percentiles() -> None:
    series = Series([1.0, 2.0, 3.0, 4.0])
    assert series.moments() == {"n": 4, "mean": 2.5, "std": 1.118, "max": 4.0}
    assert series.percentiles(50) == {"p50": 2.5}
    assert Series().moments()["n"] == 0
    assert Series().percentiles(99) == {"p99": None}


def test_an_announcement_that_the_observer_missed_is_no_drop() -> None:
    announced = [s for i, s in enumerate(stamps(60)) if i not in (30, 31)]
    tally = Tally(frame_stamps_ns=announced)
    tally.puzzle_stamps_ns["vision"] = stamps(60)
    assert tally.summary()["frames"] == 60
    assert tally.frames_dropped() == 0
