"""Rows of the bench: how often bare numbers in which nothing happens pass a threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience.baselines.running import z_scores
from sage_bench.salience.played import chosen_half
from sage_bench.salience.streams.inertial import IMU_RATE
from sage_bench.salience.streams.sounds import HOP, SOUND_RATE
from sage_bench.salience.streams.sources import Sources
from sage_bench.salience.streams.stream import sources_of
from sage_snarc.core.scorer import VectorScorer

RATE_HZ = 50
THRESHOLD = 0.3
LEARNING_S = 30.0
MINUTES, MINUTES_QUICK = 3.5, 1.5
CALM_S = 60.0
BEFORE_EVENT_S = 40.0
EVENT_SIZES = (4.0, 6.0, 10.0)
EVENT_S = 0.5
FOUND_WITHIN = 5
BASELINE, BASELINE_LIMIT = "|z| over 60 s > 3", 3.0
NOTE = (
    f"quiet streams: `VectorScorer` at {RATE_HZ} samples a second (recordings: at their own rate), "
    f"the first {LEARNING_S:.0f} s not judged; samples a minute with totals above {THRESHOLD}; "
    f"beside them those whose largest component is over {BASELINE_LIMIT:.0f} running standard "
    "deviations from its mean of a minute. Generated streams have seeds; recordings are of the "
    f"half: levels of rooms, and of each IMU recording the {CALM_S:.0f} s with the least rotation. "
    f"Found: of one step in each of many streams (4, 6 and 10 standard deviations, {EVENT_S} s), "
    f"those that pass within {FOUND_WITHIN} samples"
)

Values = NDArray[np.float64]


def rows(setting: Setting) -> Figures:
    """False alarms a minute on each quiet stream, and what is found of steps in the same."""
    minutes = MINUTES_QUICK if setting.quick else MINUTES
    count = round(minutes * 60.0 * RATE_HZ)
    made = [_alarms(name, values, RATE_HZ) for name, values in generated(count, 0).items()]
    recorded = recordings(sources_of(chosen_half(setting.quick), setting.data))
    made += [_alarms(name, values, rate) for name, (values, rate) in recorded.items()]
    made += _found(1 if setting.quick else 2)
    return Figures(tuple(made), (NOTE,))


def generated(count: int, seed: int) -> dict[str, Values]:
    """Stationary streams float64 [count, n] at 50 Hz, by name."""
    draw = np.random.default_rng(seed)
    time_s = np.arange(count) / RATE_HZ
    slow = np.zeros(count)
    for index, noise in enumerate(draw.standard_normal(count - 1).tolist(), 1):
        slow[index] = 0.95 * slow[index - 1] + noise
    wave = np.sin(2.0 * np.pi * time_s)
    noise = draw.standard_normal(count)
    columns: dict[str, Values] = {
        "Gaussian": draw.standard_normal(count),
        "Laplace": draw.laplace(size=count),
        "AR(1), 0.95": slow,
        "Student t, 3": draw.standard_t(3, count),
        "periodic, 1 Hz": wave,
        "periodic with noise": wave + 0.1 * draw.standard_normal(count),
        "quantised Gaussian": np.round(2.0 * draw.standard_normal(count)),
        "constant with noise": 5.0 + 0.01 * draw.standard_normal(count),
        "bounded Gaussian": np.clip(draw.standard_normal(count), -1.0, 1.0),
        "two states": 3.0 * (np.sin(2.0 * np.pi * time_s / 97.0) > 0.3) + 0.2 * noise,
        "now and then a value": (draw.random(count) < 0.02) * draw.exponential(size=count),
        "drift with noise": np.cumsum(0.01 * draw.standard_normal(count)) + noise,
    }
    turned = 2.0 * np.pi * time_s / 600.0 + np.arange(16)[:, None]
    wide = {
        "Gaussian, 6 numbers": draw.standard_normal((count, 6)),
        "Laplace, 6 numbers": draw.laplace(size=(count, 6)),
        "slow pan, 16 numbers": np.sin(turned).T + 0.02 * draw.standard_normal((count, 16)),
        "Gaussian, 64 numbers": draw.standard_normal((count, 64)),
    }
    return {**{name: column[:, None] for name, column in columns.items()}, **wide}


def recordings(sources: Sources) -> dict[str, tuple[Values, float]]:
    """Real streams in which little happens: values float64 [T, n] and their rate [Hz], by name."""
    found: dict[str, tuple[Values, float]] = {}
    hops = SOUND_RATE // HOP // RATE_HZ * HOP
    for room in sources.rooms:
        whole = np.asarray(room.samples[: len(room.samples) // hops * hops], np.float64)
        power = (whole.reshape(-1, hops) ** 2).mean(axis=1)
        level = 10.0 * np.log10(power + 1e-12)[:, None]
        found[f"level of a room, {room.name}"] = (level, SOUND_RATE / hops)
    for motion in sources.motions:
        rotation = np.asarray(motion.samples[:, 3:], np.float64)
        found[f"rotation at its calmest, {motion.name}"] = (_calmest(rotation), IMU_RATE)
    return found


def passed(values: Values, rate_hz: float) -> NDArray[np.bool_]:
    """Which samples of a stream float64 [T, n] have a total above the threshold, bool [T]."""
    scorer = VectorScorer("quiet")
    period_ns = 1e9 / rate_hz
    totals = [scorer.score(round(i * period_ns), row).total for i, row in enumerate(values)]
    return np.array(totals) > THRESHOLD


def _alarms(name: str, values: Values, rate_hz: float) -> Row:
    learned = min(round(LEARNING_S * rate_hz), len(values) // 2)
    minutes = (len(values) - learned) / rate_hz / 60.0
    ours = passed(values, rate_hz)[learned:].sum() / minutes
    beside = {BASELINE: float(_beyond(values, rate_hz)[learned:].sum() / minutes)}
    return Row(f"samples a minute above {THRESHOLD}: {name}", float(ours), "/min",
        baselines=beside, samples=len(values) - learned)  # fmt: skip


def _found(streams: int) -> list[Row]:
    event = round(EVENT_S * RATE_HZ)
    count = round(BEFORE_EVENT_S * RATE_HZ) + event
    ours: dict[str, list[bool]] = {}
    theirs: dict[str, list[bool]] = {}
    for number, size in enumerate(np.repeat(EVENT_SIZES, streams).tolist()):
        for name, values in generated(count, 100 + number).items():
            values[-event:] += size * values.std(axis=0)
            onset = slice(count - event, count - event + FOUND_WITHIN)
            ours.setdefault(name, []).append(bool(passed(values, RATE_HZ)[onset].any()))
            theirs.setdefault(name, []).append(bool(_beyond(values, RATE_HZ)[onset].any()))
    return [
        Row(f"steps found above {THRESHOLD}: {name}", float(np.mean(found)), "", better="higher",
            baselines={BASELINE: float(np.mean(theirs[name]))}, samples=len(found))
        for name, found in ours.items()
    ]  # fmt: skip


def _beyond(values: Values, rate_hz: float) -> NDArray[np.bool_]:
    horizon = round(60.0 * rate_hz)
    scores = np.stack([z_scores(column, horizon) for column in values.T], axis=1)
    return np.asarray(np.abs(scores).max(axis=1) > BASELINE_LIMIT)


def _calmest(rotation: Values) -> Values:
    length = min(round(CALM_S * IMU_RATE), len(rotation))
    starts = range(0, len(rotation) - length + 1, round(IMU_RATE))
    first = min(starts, key=lambda start: float(rotation[start : start + length].std(axis=0).sum()))
    return rotation[first : first + length]
