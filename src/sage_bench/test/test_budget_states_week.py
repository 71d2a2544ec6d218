"""The week of the metabolic states: what is laid out, what is lived, and what is counted."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from sage_bench.budget.states.scenes import SCENES, USUAL, Track
from sage_bench.budget.states.week import Week
from sage_bench.budget.states.week_life import Lived, WeekLife
from sage_bench.budget.states.week_plan import (
    STALLS,
    TICKS_PER_H,
    UNPLUGGED,
    Day,
    Moment,
    day,
    recorded_levels,
)
from sage_bench.salience.streams.schedule import Event
from sage_common.core.health import PressureLevel
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.core.metabolism.transition import Transition

ROOT = Path(__file__).resolve().parents[3]
WAKE, FOCUS, REST, DREAM, CRISIS = MetabolicState
BANG = 1.0


def tracks() -> dict[str, Track]:
    """Scenes of 60 s; in those with events something rare comes at 30 s."""
    found = {}
    for scene in SCENES:
        rates, quiet = np.full(600, USUAL), np.ones(600, np.bool_)
        events: tuple[Event, ...] = ()
        if scene.gap_s is not None:
            rates[300:330], quiet[290:340] = BANG, False
            events = (Event("cut", 30.0, 33.0),)
        found[scene.name] = Track(rates, events, quiet)
    return found


def levels() -> np.ndarray:
    return recorded_levels(ROOT / STALLS)


def hours_of(name: str, begin_h: float, end_h: float, seed: int = 1) -> Day:
    return day(name, tracks(), levels(), np.random.default_rng(seed), (begin_h, end_h))


def test_a_recorded_episode_of_pressure_rises_to_red_and_ends() -> None:
    turns = [level for level, _ in groupby(levels().tolist())]
    assert max(turns) == PressureLevel.RED and turns[-1] == PressureLevel.GREEN
    top = turns.index(max(turns))
    assert turns == sorted(turns[:top]) + sorted(turns[top:], reverse=True)


def test_the_plan_decides_what_comes_and_the_seed_the_rest() -> None:
    planned, again = hours_of("Tuesday", 9.0, 11.0), hours_of("Tuesday", 9.0, 11.0)
    assert np.array_equal(planned.alarms_per_hour, again.alarms_per_hour)
    assert not np.array_equal(
        planned.alarms_per_hour, hours_of("Tuesday", 9.0, 11.0, 2).alarms_per_hour
    )
    assert not planned.docked.any() and len(planned.events) > 20
    for event in planned.events:
        assert planned.alarms_per_hour[event.tick] == BANG and not planned.quiet[event.tick]
    assert planned.pressure.max() == PressureLevel.RED
    assert np.flatnonzero(planned.pressure)[0] == round(1.25 * TICKS_PER_H)


def test_the_dock_has_no_power_when_it_is_unplugged() -> None:
    assert "Saturday" in UNPLUGGED
    off, on = hours_of("Friday", 21.0, 23.0), hours_of("Thursday", 21.0, 23.0)
    assert not off.docked.any()
    assert not on.docked[:TICKS_PER_H].any() and on.docked[TICKS_PER_H:].all()


def test_a_life_rests_is_woken_and_charges_while_it_is_docked() -> None:
    evening = hours_of("Monday", 20.5, 22.5)
    life, awake = WeekLife(), WeekLife(governed=False)
    lived, beside = life.live(evening), awake.live(evening)
    assert (lived.states == REST).mean() > 0.2 and (beside.states == WAKE).all()
    assert not awake.transitions
    for event in evening.events:
        near = lived.states[event.tick : event.tick + 2]
        assert np.isin(near, (WAKE, FOCUS)).any()
    dock_h = round(1.5 * TICKS_PER_H)
    assert lived.battery[0] > lived.battery[dock_h - 1] > beside.battery[dock_h - 1]
    assert lived.battery[-1] > lived.battery[dock_h]


@pytest.fixture
def week() -> Week:
    """Ten seconds of each: WAKE, REST, WAKE, REST, DREAM; an event in each of the last three."""
    states = np.repeat([WAKE, REST, WAKE, REST, DREAM], 100).astype(np.uint8)
    size = len(states)
    lived = Lived(states, np.ones(size), np.zeros(size), np.zeros(size))
    events = [Moment(at, "cut") for at in (199, 250, 320, 450)]
    free = np.ones(size, np.bool_)
    only = Day("Monday", np.full(size, USUAL), events, free, ~free, np.zeros(size, np.uint8))
    changes = [
        Transition(10_000_000_000, WAKE, REST, ""),
        Transition(15_000_000_000, REST, WAKE, ""),
        Transition(30_000_000_000, WAKE, REST, ""),
        Transition(40_000_000_000, REST, DREAM, ""),
    ]
    return Week([only], [lived], [lived], changes)


def test_who_is_awake_soon_after_an_event_has_not_missed_it(week: Week) -> None:
    assert week.woken(week.first_percepts, REST, 2).tolist() == [True, False]
    assert week.woken(week.first_percepts, DREAM, 2).tolist() == [False]
    assert week.woken(week.first_percepts, WAKE, 2).tolist() == [True]


def test_a_state_that_is_left_soon_for_the_one_before_is_a_flap(week: Week) -> None:
    assert week.flaps() == [REST]


def test_the_longest_stay_is_of_one_stay(week: Week) -> None:
    assert week.longest_h(REST) == pytest.approx(100 / TICKS_PER_H)
    assert np.isnan(week.longest_h(CRISIS))
