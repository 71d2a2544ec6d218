"""Rows of the bench: false alarms asked for and had, on streams in which nothing happens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience.played import chosen_half
from sage_bench.salience.quiet import Values, generated, recordings
from sage_bench.salience.streams.stream import sources_of
from sage_snarc.core.scorer import VectorScorer

RATE_HZ = 10.0
HOURS, HOURS_QUICK = 2.0, 0.5
LEARNING_SHARE = 0.25
FALSE_ALARMS_PER_HOUR = (60.0, 10.0, 1.0)
EXACT_PERIOD = "periodic, 1 Hz"
LEAST_EXPECTED = 4.0
RUN_S = 1.0
SEED = 7
NOTE = (
    f"false alarms: `VectorScorer` on generated streams at {RATE_HZ:.0f} samples a second, "
    f"{HOURS:g} h (quick: {HOURS_QUICK:g} h); the first quarter is not judged. An alarm begins "
    "where `alarms_per_hour` falls to the rate asked for, and another one a second after the last "
    "such sample at the earliest. The goal is a factor of two either way. Where fewer than "
    f"{LEAST_EXPECTED:.0f} are expected of one stream only the sum over all is a figure. What "
    "repeats exactly has a goal of its own, at most as many as asked for, and is not in the sum: "
    "one gets used to it. That is a period without noise, and recordings, none of which is longer "
    "than a few minutes, so that they are played over and over for as many samples"
)


def rows(setting: Setting) -> Figures:
    """Alarms had over alarms asked for, of each kind of stream and of all."""
    count = round((HOURS_QUICK if setting.quick else HOURS) * 3600.0 * RATE_HZ)
    streams = {name: (values, RATE_HZ) for name, values in generated(count, SEED).items()}
    repeating = {EXACT_PERIOD: streams.pop(EXACT_PERIOD)}
    if not setting.quick:
        recorded = recordings(sources_of(chosen_half(setting.quick), setting.data))
        for name, (values, rate_hz) in recorded.items():
            repeating[name] = (np.resize(values, (count, values.shape[1])), rate_hz)
    had = {name: alarms(*stream) for name, stream in streams.items()}
    again = {name: alarms(*stream) for name, stream in repeating.items()}
    made = []
    for place, asked in enumerate(FALSE_ALARMS_PER_HOUR):
        title = f"false alarms had over {asked:g}/h asked"
        expected = {name: asked * _judged_h(*stream) for name, stream in streams.items()}
        made += [
            Row(f"{title}: {name}", counts[place] / expected[name], "x",
                samples=round(expected[name]))
            for name, counts in had.items() if expected[name] >= LEAST_EXPECTED
        ]  # fmt: skip
        every, total = sum(expected.values()), sum(counts[place] for counts in had.values())
        made.append(Row(f"{title}: all streams", total / every, "x", samples=round(every)))
        for name, counts in again.items():
            most = asked * _judged_h(*repeating[name])
            if most >= LEAST_EXPECTED:
                made.append(Row(f"{title}, repeating exactly: {name}", counts[place] / most, "x",
                    goal=1.0, samples=round(most)))  # fmt: skip
    return Figures(tuple(made), (NOTE,))


def alarms(values: Values, rate_hz: float) -> tuple[int, ...]:
    """How many alarms a stream float64 [T, n] gives once learned, for each rate asked for."""
    scorer = VectorScorer("quiet")
    period_ns = 1e9 / rate_hz
    rates = np.array(
        [scorer.score(round(i * period_ns), row).alarms_per_hour for i, row in enumerate(values)]
    )
    judged = rates[round(LEARNING_SHARE * len(values)) :]
    return tuple(_runs(judged <= asked, rate_hz) for asked in FALSE_ALARMS_PER_HOUR)


def _judged_h(values: Values, rate_hz: float) -> float:
    return (1.0 - LEARNING_SHARE) * len(values) / rate_hz / 3600.0


def _runs(alarmed: NDArray[np.bool_], rate_hz: float) -> int:
    times_s = np.flatnonzero(alarmed) / rate_hz
    return 0 if not len(times_s) else 1 + int((np.diff(times_s) > RUN_S).sum())
