"""What the IMU of a stream feels: a real recording, with knocks and turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.inertial import IMU_RATE
from sage_bench.salience.streams.schedule import Event
from sage_bench.salience.streams.sources import Named

Motion = NDArray[np.float64]
JOINT_S = 1.0
KNOCK_HZ = 25.0
KNOCK_S = 0.08
KNOCK_SPREADS, LEAST_KNOCK = 6.0, 2.0
TURN_SPREADS, LEAST_TURN = 4.0, 0.6
AROUND_S = 5.0
OWN_EVENT_RATIO, OWN_EVENT_SHARE, OWN_EVENT_AROUND_S = 3.0, 0.9, 15.0
OWN_EVENT_S = 0.5


def motion(
    source: Named, events: tuple[Event, ...], length_s: float, random: np.random.Generator
) -> tuple[Motion, tuple[tuple[float, float], ...]]:
    """Acceleration and rotation, float64 [n, 6] at 100 Hz, and spans that are not background [s].

    Those are where the recording is joined, and its own events, of which nothing is known: where
    rotation or the change of acceleration is three times the 0.9 quantile of the 30 s around.

    A knock is a decaying oscillation of 25 Hz, at least 2 m/s^2 and six times the spread of the
    acceleration around it. A turn is half a sine of rotation about a vertical axis for its
    length, at least 0.6 rad/s and four times the spread of the rotation around it.
    """
    recorded = np.asarray(source.samples, np.float64)
    size = round(length_s * IMU_RATE)
    start = int(random.integers(len(recorded)))
    index = (start + np.arange(size)) % len(recorded)
    felt = recorded[index]
    joints = np.flatnonzero(np.diff(index) < 0) / IMU_RATE
    unknown = [(float(at) - JOINT_S, float(at) + JOINT_S) for at in joints] + _own_events(felt)
    for event in events:
        at = round(event.onset_s * IMU_RATE)
        spread = _spread(recorded[index], at)
        if event.family == "knock":
            _knock(felt[at:, :3], spread[:3], random)
        elif event.family == "turn":
            _turn(felt[at:], spread[3:], event.end_s - event.onset_s, random)
    return felt, tuple(unknown)


def _own_events(felt: Motion) -> list[tuple[float, float]]:
    """Spans [s] in which a recording is unlike what is around, tenth by tenth of a second."""
    change = np.linalg.norm(np.diff(felt[:, :3], axis=0, prepend=felt[:1, :3]), axis=1)
    rotation = np.linalg.norm(felt[:, 3:], axis=1)
    tenth = IMU_RATE // 10
    spans: list[tuple[float, float]] = []
    for signal in (change, rotation):
        peaks = signal[: len(signal) // tenth * tenth].reshape(-1, tenth).max(axis=1)
        for at, peak in enumerate(peaks):
            reach = round(10 * OWN_EVENT_AROUND_S)
            around = peaks[max(at - reach, 0) : at + reach]
            if peak > OWN_EVENT_RATIO * np.quantile(around, OWN_EVENT_SHARE):
                spans.append((at / 10 - OWN_EVENT_S, at / 10 + OWN_EVENT_S))
    return spans


def _spread(recorded: Motion, at: int) -> NDArray[np.float64]:
    around = recorded[max(at - round(AROUND_S * IMU_RATE), 0) : at + 1]
    return np.asarray(around.std(axis=0))


def _knock(felt: Motion, spread: NDArray[np.float64], random: np.random.Generator) -> None:
    time_s = np.arange(min(round(0.4 * IMU_RATE), len(felt))) / IMU_RATE
    shape = np.exp(-time_s / KNOCK_S) * np.cos(2.0 * np.pi * KNOCK_HZ * time_s)
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    size = max(KNOCK_SPREADS * float(np.linalg.norm(spread)), LEAST_KNOCK)
    felt[: len(time_s)] += shape[:, None] * direction * size


def _turn(
    felt: Motion, spread: NDArray[np.float64], length_s: float, random: np.random.Generator
) -> None:
    count = min(round(length_s * IMU_RATE), len(felt))
    shape = np.sin(np.pi * np.arange(count) / count)
    down = felt[:count, :3].mean(axis=0)
    axis = down / np.linalg.norm(down)
    size = max(TURN_SPREADS * float(np.linalg.norm(spread)), LEAST_TURN)
    felt[:count, 3:] += shape[:, None] * axis * size * (1.0 if random.integers(2) else -1.0)
