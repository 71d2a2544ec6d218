"""Levels of memory pressure: taken at once, left one at a time and late."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_orchestrator.core.pressure.governor import Governor
from sage_orchestrator.core.pressure.levels import LevelTracker, evidence
from sage_orchestrator.core.pressure.reading import (
    PressureReading,
    parse_stalls,
    stalled_share,
)
from sage_orchestrator.core.pressure.shedding import Shedding
from sage_orchestrator.core.pressure.targets import MemoryTargets, ReclaimLevel

GREEN, YELLOW, ORANGE, RED, CRITICAL = PressureLevel
HOLD_S = 30
PSI = (
    "some avg10=9.30 avg60=2.00 avg300=0.40 total=1573753\n"
    "full avg10=4.70 avg60=1.00 avg300=0.00 total=805400\n"
)


def stalls(some: float, full: float = 0.0) -> PressureReading:
    return PressureReading(some=some, full=full)


def follow(
    tracker: LevelTracker, readings: Iterable[PressureReading], start_s: int = 0
) -> list[int]:
    """A reading a second; the level after each."""
    levels = []
    for second, reading in enumerate(readings, start_s):
        tracker.update(second * NS_PER_S, reading)
        levels.append(tracker.level)
    return levels


@pytest.mark.parametrize(
    ("reading", "level"),
    [
        (stalls(4.9), GREEN),
        (stalls(5.0), YELLOW),
        (stalls(10.0, 4.9), ORANGE),
        (stalls(10.0, 5.0), RED),
        (stalls(0.0, 20.0), CRITICAL),
        (PressureReading(limit_hits=1), RED),
        (PressureReading(used=79.9), GREEN),
        (PressureReading(used=80.0), YELLOW),
        (PressureReading(used=99.0), CRITICAL),
        (PressureReading(), GREEN),
    ],
)
def test_a_level_is_taken_at_once(reading: PressureReading, level: PressureLevel) -> None:
    tracker = LevelTracker(HOLD_S * NS_PER_S)
    assert tracker.update(0, reading) is (level > GREEN)
    assert tracker.level == level


def test_it_is_left_one_at_a_time_after_it_was_calm() -> None:
    tracker = LevelTracker(HOLD_S * NS_PER_S)
    follow(tracker, [stalls(50.0, 30.0)])
    levels = follow(tracker, [stalls(0.0)] * 45, start_s=1)
    assert levels[: HOLD_S - 1] == [CRITICAL] * (HOLD_S - 1)
    assert levels[HOLD_S - 1 :: 2] == [RED, ORANGE, YELLOW] + [GREEN] * 5
    assert "calm for 30 s" in tracker.reason


def test_between_half_of_its_threshold_and_the_threshold_a_level_stays() -> None:
    tracker = LevelTracker(HOLD_S * NS_PER_S)
    levels = follow(tracker, [stalls(5.0)] + [stalls(2.6)] * 100)
    assert set(levels) == {YELLOW}
    assert follow(tracker, [stalls(2.4)] * 31, start_s=101)[-1] == GREEN


def test_what_nodes_take_back_after_a_level_was_left_is_no_growth() -> None:
    tracker = LevelTracker(HOLD_S * NS_PER_S)
    assert (
        follow(tracker, [PressureReading(used=81.0)] + [PressureReading(used=72.0)] * 30)[-1] == 0
    )
    growing = PressureReading(used=75.0, used_soon=99.0)
    assert follow(tracker, [growing] * 2, start_s=31) == [GREEN, CRITICAL]


def test_an_event_of_the_kernel_counts_before_the_figures_do() -> None:
    tracker = LevelTracker(HOLD_S * NS_PER_S)
    assert tracker.update(0, stalls(0.0), triggered=RED)
    assert tracker.level == RED and "all tasks stalled on memory for 5 % of 2 s" in tracker.reason


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 1.0)), max_size=200))
def test_it_never_falls_faster_than_one_level_after_a_calm_time(
    shares: list[tuple[float, float]],
) -> None:
    tracker = LevelTracker(HOLD_S * NS_PER_S)
    readings = [stalls(some, some * part) for some, part in shares]
    levels = [0, *follow(tracker, readings)]
    for second, (before, after) in enumerate(itertools.pairwise(levels)):
        wanted = max(
            (lv for lv in PressureLevel if lv and evidence(readings[second], lv).reached), default=0
        )
        assert after >= wanted
        if after < before:
            assert after == before - 1
            calm = readings[max(second - HOLD_S + 1, 0) : second + 1]
            assert all(evidence(r, PressureLevel(before)).calm for r in calm)


def test_a_burst_every_twenty_seconds_makes_no_level_flap() -> None:
    tracker = LevelTracker(HOLD_S * NS_PER_S)
    readings = [stalls(12.0 if second % 20 == 0 else 0.0) for second in range(300)]
    assert set(follow(tracker, readings)) == {ORANGE}


def test_stalls_are_parsed() -> None:
    found = parse_stalls("memory", PSI)
    assert (found.some_avg10, found.full_avg10) == (9.3, 4.7)
    assert (found.some_us, found.full_us) == (1573753, 805400)
    assert stalled_share(0, 1_000_000, 2 * NS_PER_S) == 50.0
    assert stalled_share(5, 0, 2 * NS_PER_S) == 0.0, "a counter that began anew"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ("", "some avg10"),
        ("\x00\xff", "some avg10"),
        (PSI.replace("9.30", "nan"), "some avg10"),
        (PSI.replace("4.70", "-1"), "full avg10"),
        (PSI.replace("4.70", "101"), "full avg10"),
        (PSI.replace("total=805400", "total=x"), "full total"),
        (PSI.splitlines()[0], "full avg10"),
    ],
)
def test_garbage_is_refused_by_name(wrong: str, field: str) -> None:
    with pytest.raises(InvalidInput, match=f"memory: {field}"):
        parse_stalls("memory", wrong)


def test_targets_come_from_the_environment() -> None:
    targets = MemoryTargets.of_environment(
        {"SAGE_CACHE_GREEN_MB": "300", "SAGE_OPTIONAL_RED_MB": "50"}
    )
    assert [targets.at(level) for level in PressureLevel] == [
        (300.0, 800.0), (200.0, 400.0), (200.0, 400.0), (50.0, 50.0), (50.0, 50.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAGE_CACHE_GREEN_MB", "much"),
        ("SAGE_CACHE_GREEN_MB", "nan"),
        ("SAGE_CACHE_GREN_MB", "100"),
        ("SAGE_CACHE_YELLOW_MB", "501"),
        ("SAGE_OPTIONAL_RED_MB", "-1"),
        ("SAGE_OPTIONAL_GREEN_MB", "inf"),
    ],
)
def test_a_wrong_target_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        MemoryTargets.of_environment({name: value})


def test_caches_that_hold_too_much_are_asked_at_a_higher_level_and_no_other_thing_is() -> None:
    reclaim = ReclaimLevel(MemoryTargets(), 30 * NS_PER_S)
    assert not reclaim.update(0, GREEN, 500.0, 700.0) and reclaim.at(GREEN) == GREEN
    assert reclaim.update(1, GREEN, 501.0, 700.0) and reclaim.at(GREEN) == YELLOW
    assert not reclaim.update(40 * NS_PER_S, GREEN, 260.0, 300.0), "above half of the target"
    assert not reclaim.update(60 * NS_PER_S, GREEN, 240.0, 300.0)
    assert reclaim.update(71 * NS_PER_S, GREEN, 240.0, 300.0) and reclaim.at(GREEN) == GREEN


def governor() -> Governor:
    hold_ns = HOLD_S * NS_PER_S
    shedding = Shedding(
        ("vision_encoder", "audio_encoder"), ("attention", "orchestrator"), 4 * NS_PER_S
    )
    return Governor(LevelTracker(hold_ns), ReclaimLevel(MemoryTargets(), hold_ns), shedding)


SIZES = {"vision_encoder": 9, "audio_encoder": 3, "attention": 1, "orchestrator": 8, "memory": 99}


def transitions(
    tested: Governor, readings: list[PressureReading], start_s: int = 0
) -> list[tuple[int, str, bool]]:
    """Second, node and whether it came back, with a reading a second."""
    made = []
    for second, reading in enumerate(readings, start_s):
        tested.observe(second * NS_PER_S, reading, GREEN)
        step = tested.next_transition(second * NS_PER_S, SIZES)
        if step is not None:
            tested.shedding.done(second * NS_PER_S, step)
            made.append((second, step.node, step.activate))
    return made


def test_modalities_are_shed_in_order_while_it_lasts_and_come_back_in_reverse() -> None:
    tested = governor()
    tight, calm = [stalls(30.0, 6.0)] * 8, [stalls(0.0)] * 60
    assert transitions(tested, tight + calm) == [
        (0, "vision_encoder", False),
        (4, "audio_encoder", False),
        (37, "audio_encoder", True),
        (41, "vision_encoder", True),
    ]


def test_what_one_gave_back_may_be_enough() -> None:
    tested = governor()
    readings = [stalls(30.0, 6.0)] * 2 + [stalls(8.0, 3.0)] * 100
    assert transitions(tested, readings) == [(0, "vision_encoder", False)]


def test_at_critical_the_largest_optional_node_is_stopped_and_returns_first() -> None:
    tested = governor()
    made = transitions(tested, [stalls(60.0, 25.0)] + [stalls(30.0, 6.0)] * 5 + [stalls(0.0)] * 70)
    assert [(node, back) for _, node, back in made] == [
        ("orchestrator", False), ("vision_encoder", False), ("vision_encoder", True),
        ("orchestrator", True),
    ]  # fmt: skip


def test_a_level_by_hand_holds_for_its_time() -> None:
    tested = governor()
    tested.observe(0, stalls(6.0), GREEN)
    tested.force(0, 0, RED, 10.0)
    assert tested.level == RED and "read is yellow" in tested.reason
    assert not tested.expire(9 * NS_PER_S) and tested.expire(10 * NS_PER_S)
    assert tested.level == YELLOW
    tested.force(0, 0, RED, 10.0)
    tested.force(0, 0, GREEN, 0.0)
    assert tested.level == YELLOW and tested.forced_until_ns is None


@pytest.mark.parametrize(
    ("level", "duration_s", "field"),
    [
        (5, 1.0, "level"),
        (1, -1.0, "duration_s"),
        (1, float("nan"), "duration_s"),
        (1, 1e6, "duration_s"),
    ],
)
def test_a_wrong_level_by_hand_is_refused(level: int, duration_s: float, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        governor().force(0, 0, level, duration_s)
