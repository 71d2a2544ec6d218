"""What a robot does in a week, and in which condition its board is: written down, not recorded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_bench.budget.states.scenes import Track
from sage_common.core.clock import NS_PER_S
from sage_orchestrator.core.pressure.levels import LevelTracker
from sage_orchestrator.core.pressure.reading import PressureReading, stalled_share

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TICKS_PER_S, TICKS_PER_H = 10, 36_000
WHOLE_DAY = (0.0, 24.0)
QUIET_PIECE_TICKS = 200
"""Quiet recordings are laid out in pieces of 20 s from anywhere in them, so that what a piece has
of false alarms does not come at fixed times; the others as a whole."""
HOLD_S, LONGEST_EPISODE_S = 30.0, 600.0
STALLS = Path("src/sage_orchestrator/test/recorded_stalls.txt")
"""In the checkout: what the kernel said while a process took memory under a limit."""


class Activity(NamedTuple):
    """What goes on for some hours.

    Attributes:
        quiet, eventful: names of the scenes that it is made of.
        share: of the pieces that are eventful.
    """

    quiet: str
    eventful: str
    share: float


AT_HOME = Activity("home", "visit", 0.1)
AT_WORK = Activity("home", "work", 0.5)
OUTSIDE = Activity("home", "outing", 0.9)
DOCKED = Activity("dock", "disturbance", 0.004)
WEEKDAY: Mapping[float, Activity] = {
    0.0: DOCKED, 6.5: AT_HOME, 8.0: OUTSIDE, 8.5: AT_WORK, 12.0: AT_HOME, 13.0: AT_WORK,
    17.0: OUTSIDE, 18.0: AT_HOME, 22.0: DOCKED,
}  # fmt: skip
"""By the hour of the day at which it begins."""
SATURDAY: Mapping[float, Activity] = {
    0.0: DOCKED, 12.0: AT_HOME, 15.0: OUTSIDE, 16.5: AT_HOME, 23.0: DOCKED,
}  # fmt: skip
SUNDAY: Mapping[float, Activity] = {
    0.0: DOCKED, 8.0: AT_HOME, 10.0: OUTSIDE, 13.0: AT_HOME, 15.0: OUTSIDE, 16.5: AT_HOME,
    23.0: DOCKED,
}  # fmt: skip
PRESSED: Mapping[str, tuple[float, ...]] = {
    "Tuesday": (10.25, 15.5), "Thursday": (10.25,), "Sunday": (2.0, 14.0),
}  # fmt: skip
"""Hours at which memory is short."""
UNPLUGGED: Mapping[str, tuple[float, float]] = {"Friday": (22.0, 24.0), "Saturday": (0.0, 1.0)}
"""Hours in which the dock has no power."""


class Moment(NamedTuple):
    """An event of a recording as it comes in the week: the tick of its first percept, and what."""

    tick: int
    family: str


class Day(NamedTuple):
    """A day, ten times a second.

    Attributes:
        name: of the day.
        alarms_per_hour: of the fused salience, float64 [T] [1/h].
        events: what happens, in order.
        quiet: ticks far from any event, bool [T].
        docked: whether the robot charges, bool [T].
        pressure: level of memory pressure, uint8 [T].
    """

    name: str
    alarms_per_hour: NDArray[np.float64]
    events: Sequence[Moment]
    quiet: NDArray[np.bool_]
    docked: NDArray[np.bool_]
    pressure: NDArray[np.uint8]


def day(
    name: str,
    tracks: Mapping[str, Track],
    levels: NDArray[np.uint8],
    random: np.random.Generator,
    hours: tuple[float, float] = WHOLE_DAY,
) -> Day:
    """A day as it is planned, or some hours of it.

    Args:
        name: of the day.
        tracks: by the scene's name.
        levels: of the pressure in an episode, a second each.
        random: draws the pieces.
        hours: from when to when [h].
    """
    plan = {"Saturday": SATURDAY, "Sunday": SUNDAY}.get(name, WEEKDAY)
    first, size = round(hours[0] * TICKS_PER_H), round((hours[1] - hours[0]) * TICKS_PER_H)
    rates, quiet, events = np.empty(size), np.empty(size, np.bool_), []
    docked, tick = np.zeros(size, np.bool_), 0
    while tick < size:
        hour = (first + tick) / TICKS_PER_H
        activity = plan[max(begin for begin in plan if begin <= hour)]
        begin, track = _piece(activity, tracks, random)
        length = QUIET_PIECE_TICKS if not track.events else len(track.quiet)
        piece = slice(begin, begin + min(length, size - tick))
        count = piece.stop - piece.start
        rates[tick : tick + count] = track.alarms_per_hour[piece]
        quiet[tick : tick + count] = track.quiet[piece]
        docked[tick : tick + count] = activity is DOCKED
        for event in track.events:
            at = round(event.onset_s * TICKS_PER_S)
            if at < count:
                events.append(Moment(tick + at, event.family))
        tick += count
    off = slice(*(round(hour * TICKS_PER_H) - first for hour in UNPLUGGED.get(name, (0, 0))))
    docked[max(off.start, 0) : max(off.stop, 0)] = False
    pressure = np.zeros(size, np.uint8)
    for hour in PRESSED.get(name, ()):
        at, episode = round(hour * TICKS_PER_H) - first, np.repeat(levels, TICKS_PER_S)
        if 0 <= at < size:
            pressure[at : at + len(episode)] = episode[: size - at]
    return Day(name, rates, events, quiet, docked, pressure)


def _piece(
    activity: Activity, tracks: Mapping[str, Track], random: np.random.Generator
) -> tuple[int, Track]:
    """The tick at which a piece of a track begins, and the track."""
    if random.random() < activity.share:
        return 0, tracks[activity.eventful]
    track = tracks[activity.quiet]
    return int(random.integers(len(track.quiet) - QUIET_PIECE_TICKS + 1)), track


def recorded_levels(path: Path = STALLS) -> NDArray[np.uint8]:
    """Levels of memory pressure, a second each, of a recorded episode until it is green again.

    Raises:
        FileNotFoundError: it is run elsewhere than in a checkout.
    """
    tracker, levels = LevelTracker(round(HOLD_S * NS_PER_S)), list[int]()
    for second, reading in _readings(path):
        tracker.update(round(second * NS_PER_S), reading)
        levels += [tracker.level] * max(round(second) - len(levels), 0)
        if not tracker.level and max(levels, default=0):
            break
    return np.array(levels[levels.index(next(filter(None, levels))) :], np.uint8)


def _readings(path: Path) -> Iterator[tuple[float, PressureReading]]:
    """What was recorded, and quiet after it, by the second."""
    rows = np.loadtxt(path)
    for before, now in itertools.pairwise(rows):
        elapsed_ns = round((now[0] - before[0]) * NS_PER_S)
        some = stalled_share(int(before[2]), int(now[2]), elapsed_ns)
        full = stalled_share(int(before[4]), int(now[4]), elapsed_ns)
        yield float(now[0]), PressureReading(some=some, full=full)
    last_s = float(rows[-1, 0])
    for second in np.arange(last_s + 2.0, last_s + LONGEST_EPISODE_S, 2.0).tolist():
        yield second, PressureReading(some=0.0, full=0.0)
