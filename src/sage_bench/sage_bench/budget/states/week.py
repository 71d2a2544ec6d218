"""Metabolic states: a week that is composed of recorded salience tracks, through the core alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sage_bench.budget.states.scenes import SCENES, Track, tracks
from sage_bench.budget.states.week_life import POLICIES, Lived, WeekLife
from sage_bench.budget.states.week_plan import (
    DAYS,
    TICKS_PER_H,
    WHOLE_DAY,
    Day,
    day,
    recorded_levels,
)
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience.played import chosen_half
from sage_orchestrator.core.metabolism.rules import DEEPER, RESTED
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.core.metabolism.transition import Transition
from sage_orchestrator.state_parameters import TransitionParameters

SEED = 7
DAYS_QUICK, HOURS_QUICK = ("Tuesday",), (6.0, 18.0)
WAKE, FOCUS, REST, DREAM, CRISIS = MetabolicState
AT_ONCE_TICKS, SOON_TICKS = 2, 10
"""Within so many ticks of an event's first percept the robot is to be awake; and a second."""
FLAP_NS = 10_000_000_000
STUCK_TICK = 77
DRAWN = 20_000
ALWAYS, STUCK = "always WAKE", "REST for ever"
NOTE = (
    "states, week: the core alone, default parameters and a night from 22 to 6.5 h. Recorded: "
    "salience, scored once by the real encoders and scorers, which live through six scenes "
    f"({', '.join(scene.name for scene in SCENES)}) of the half's recordings twice, "
    "{minutes:.0f} minutes each time, and count the second time, with the camera's full rate and "
    "learning all the time; episodes of memory pressure (stalls of a graph beside a process that "
    "takes memory, through the governor's levels). Simulated: what the robot does when (a plan "
    "that is written down), events that were mixed into the recordings ({events} of them, which "
    "repeat), noise of a camera that stands still, battery, and what plugins want. Scenes with "
    "events are laid out whole, those without in pieces of 20 s. A robot with less than 20 to 30 % "
    "of its battery is tired, and woken only by what is five times rarer. "
    f"'{STUCK}' is what the research prototype is "
    f"reported to do: REST from cycle {STUCK_TICK} on; its rule is not known"
)


@dataclass(frozen=True)
class Week:
    """Days, and what came of them.

    Attributes:
        days: as they were laid out.
        lived, awake: by the states, and always in WAKE.
        transitions: all, in order.
    """

    days: Sequence[Day]
    lived: Sequence[Lived]
    awake: Sequence[Lived]
    transitions: Sequence[Transition]

    @classmethod
    def of(
        cls, names: Sequence[str], hours: tuple[float, float], found: Mapping[str, Track]
    ) -> Week:
        """These hours of the days of these names, made of these scenes."""
        random, levels = np.random.default_rng(SEED), recorded_levels()
        days = [day(name, found, levels, random, hours) for name in names]
        life, awake = WeekLife(), WeekLife(governed=False)
        lived = [life.live(item) for item in days]
        return cls(days, lived, [awake.live(item) for item in days], life.transitions)

    @cached_property
    def states(self) -> NDArray[np.uint8]:
        """After each tick, uint8 [T]."""
        return np.concatenate([item.states for item in self.lived])

    @cached_property
    def first_percepts(self) -> NDArray[np.int64]:
        """Ticks of the first percepts of all events, int64 [N]."""
        return np.concatenate([
            begin + np.array([event.tick for event in item.events], np.int64)
            for begin, item in zip(self._begins, self.days, strict=True)
        ])  # fmt: skip

    @cached_property
    def undisturbed(self) -> NDArray[np.int64]:
        """Ticks far from any event, drawn from all, int64 [N]."""
        quiet = np.flatnonzero(np.concatenate([item.quiet for item in self.days]))
        return np.random.default_rng(SEED).choice(quiet, DRAWN)

    @property
    def _begins(self) -> NDArray[np.int64]:
        sizes = [len(item.quiet) for item in self.days]
        return np.cumsum([0, *sizes[:-1]])

    def woken(
        self, ticks: NDArray[np.int64], state: MetabolicState, within: int
    ) -> NDArray[np.bool_]:
        """Of the ticks before which the robot was in a state, which it is awake soon after.

        Args:
            ticks: int64 [N].
            state: it was in.
            within: ticks in which it must be in WAKE or FOCUS.
        """
        chosen = ticks[(ticks > 0) & (ticks + within < len(self.states))]
        chosen = chosen[self.states[chosen - 1] == state]
        near = self.states[chosen[:, None] + np.arange(within + 1)]
        return np.asarray(np.isin(near, (WAKE, FOCUS)).any(axis=1))

    def flaps(self) -> list[MetabolicState]:
        """Each state that was left again within 10 s for the one before it."""
        pairs = itertools.pairwise(self.transitions)
        return [
            entered.state
            for entered, left in pairs
            if left.state is entered.previous and left.time_ns - entered.time_ns < FLAP_NS
        ]

    def longest_h(self, state: MetabolicState) -> float:
        """The longest stay in a state [h]; NaN: it was never reached."""
        edges = np.flatnonzero(np.diff((self.states == state).astype(np.int8), prepend=0, append=0))
        stays = edges[1::2] - edges[::2]
        return float(stays.max()) / TICKS_PER_H if len(stays) else float("nan")


def rows(setting: Setting) -> Figures:
    """Shares of each state, transitions, traps, energy and events missed."""
    scenes = tracks(setting, chosen_half(setting.quick))
    if setting.quick:
        week, title = Week.of(DAYS_QUICK, HOURS_QUICK, scenes), "states, recorded half day"
    else:
        week, title = Week.of(DAYS, WHOLE_DAY, scenes), "states, recorded week"
    count = sum(len(track.events) for track in scenes.values())
    minutes = sum(len(track.quiet) for track in scenes.values()) * 60 / TICKS_PER_H
    goal = None if setting.quick else 5.0
    found = [*_shares(week, title), *_changes(week, title, goal), *_energy(week, title)]
    note = NOTE.format(minutes=minutes, events=count)
    return Figures((*found, *_events(week, title)), (note,))


def _shares(week: Week, title: str) -> Iterator[Row]:
    for state in MetabolicState:
        beside = {ALWAYS: float(state is WAKE), STUCK: float(state is REST)}
        yield Row(f"{title}: share of {state.name}", float((week.states == state).mean()), "",
                  baselines=beside, samples=len(week.states))  # fmt: skip
    for planned, lived in zip(week.days, week.lived, strict=True):
        for state in MetabolicState:
            share = float((lived.states == state).mean())
            yield Row(f"{title}, {planned.name}: share of {state.name}", share, "")
    learns = [state for state, policy in POLICIES.items() if policy.learning]
    yield Row(f"{title}: share with learning", float(np.isin(week.states, learns).mean()), "",
              0.2, "higher")  # fmt: skip


def _changes(week: Week, title: str, goal: float | None) -> Iterator[Row]:
    changes = week.transitions
    hours = len(week.states) / TICKS_PER_H
    entered = {WAKE, *(change.state for change in changes)}
    left = entered & {change.previous for change in changes}
    yield Row(f"{title}: states reached and left, of 5", len(left), "", goal, "higher",
              baselines={ALWAYS: 0, STUCK: 1})  # fmt: skip
    yield Row(f"{title}: transitions", len(changes), "")
    yield Row(f"{title}: transitions an hour", len(changes) / hours, "1/h")
    for state in MetabolicState:
        stay = week.longest_h(state)
        yield Row(f"{title}: longest stay in {state.name}", stay, "h")
    flaps = week.flaps()
    for state in (FOCUS, REST, DREAM, CRISIS):
        times = sum(found is state for found in flaps) / hours
        yield Row(f"{title}: {state.name} left again within 10 s, an hour", times, "1/h")


def _energy(week: Week, title: str) -> Iterator[Row]:
    parts = (("compute spent, of the budget", "spent"), ("power, of that at full load", "power"))
    for name, part in parts:
        ours, awake = (
            float(np.concatenate([getattr(item, part) for item in lived]).mean())
            for lived in (week.lived, week.awake)
        )
        yield Row(f"{title}: {name} (simulated)", ours, "", baselines={ALWAYS: awake})
    for name, kind in (("at the lowest", np.min), ("on average", np.mean)):
        found, beside = (
            float(kind(np.concatenate([item.battery for item in lived])))
            for lived in (week.lived, week.awake)
        )
        yield Row(f"{title}: battery {name} (simulated)", found, "", better="higher",
                  baselines={ALWAYS: beside})  # fmt: skip


def _events(week: Week, title: str) -> Iterator[Row]:
    events, control = week.first_percepts, week.undisturbed
    for state in (REST, DREAM):
        for name, within in (("200 ms", AT_ONCE_TICKS), ("1 s", SOON_TICKS)):
            found, chance = (week.woken(ticks, state, within) for ticks in (events, control))
            beside = {ALWAYS: 0.0, STUCK: 1.0, "where nothing happens": 1.0 - _mean(chance)}
            yield Row(f"{title}: events missed in {state.name}, not awake within {name}",
                      1.0 - _mean(found), "", baselines=beside, samples=len(found))  # fmt: skip
        said = _said(week, state)
        yield Row(f"{title}: missed in {state.name}, not tired, of what is rare enough to wake",
                  1.0 - _mean(said), "", 0.0 if len(said) else None, samples=len(said))  # fmt: skip


def _said(week: Week, state: MetabolicState) -> NDArray[np.bool_]:
    """Of the events that salience finds rare enough to wake who is not tired, who woke at once."""
    alarms = np.concatenate([item.alarms_per_hour for item in week.days])
    battery = np.concatenate([item.battery for item in week.lived])
    ticks = week.first_percepts
    ticks = ticks[(ticks > 0) & (ticks + AT_ONCE_TICKS < len(alarms))]
    near = alarms[ticks[:, None] + np.arange(AT_ONCE_TICKS + 1)].min(axis=1)
    wakes = TransitionParameters().wake_alarms_per_hour
    rare = near <= (wakes / DEEPER if state is DREAM else wakes)
    return week.woken(ticks[rare & (battery[ticks - 1] > RESTED)], state, AT_ONCE_TICKS)


def _mean(found: NDArray[np.bool_]) -> float:
    return float(found.mean()) if len(found) else float("nan")
