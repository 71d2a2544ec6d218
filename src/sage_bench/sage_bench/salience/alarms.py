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
ASKED_PER_HOUR = (60.0, 10.0, 1.0)
LEAST_EXPECTED = 4.0
RUN_S = 1.0
SEED = 7
NOTE = (
    f"false alarms: `VectorScorer` on generated streams at {RATE_HZ:.0f} samples a second, "
    f"{HOURS:g} h (quick: {HOURS_QUICK:g} h), and on recordings, played over and over for as many "
    "samples; the first quarter is not judged. An alarm begins where `alarms_per_hour` falls to "
    "the rate asked for, and another one a second after the last such sample at the earliest. The "
    f"goal is a factor of two either way. Where fewer than {LEAST_EXPECTED:.0f} are expected of "
    "one stream only the sum over all is a figure"
)


def rows(setting: Setting) -> Figures:
    """Alarms had over alarms asked for, of each kind of stream and of all."""
    count = round((HOURS_QUICK if setting.quick else HOURS) * 3600.0 * RATE_HZ)
    streams = {name: (values, RATE_HZ) for name, values in generated(count, SEED).items()}
    if not setting.quick:
        recorded = recordings(sources_of(chosen_half(setting.quick), setting.data))
        for name, (values, rate_hz) in recorded.items():
            streams[name] = (np.resize(values, (count, values.shape[1])), rate_hz)
    judged_h = {
        name: (1.0 - LEARNING_SHARE) * count / rate_hz / 3600.0
        for name, (_, rate_hz) in streams.items()
    }
    had = {name: alarms(*stream) for name, stream in streams.items()}
    made = []
    for place, asked in enumerate(ASKED_PER_HOUR):
        title = f"false alarms had over {asked:g}/h asked"
        for name, counts in had.items():
            expected = asked * judged_h[name]
            if expected >= LEAST_EXPECTED:
                made.append(Row(f"{title}: {name}", counts[place] / expected, "x",
                    samples=round(expected)))  # fmt: skip
        expected = asked * sum(judged_h.values())
        total = sum(counts[place] for counts in had.values())
        made.append(Row(f"{title}: all streams", total / expected, "x", samples=round(expected)))
    return Figures(tuple(made), (NOTE,))


def alarms(values: Values, rate_hz: float) -> tuple[int, ...]:
    """How many alarms a stream float64 [T, n] gives once learned, for each rate asked for."""
    scorer = VectorScorer("quiet")
    period_ns = 1e9 / rate_hz
    rates = np.array(
        [scorer.score(round(i * period_ns), row).alarms_per_hour for i, row in enumerate(values)]
    )
    judged = rates[round(LEARNING_SHARE * len(values)) :]
    return tuple(_runs(judged <= asked, rate_hz) for asked in ASKED_PER_HOUR)


def _runs(alarmed: NDArray[np.bool_], rate_hz: float) -> int:
    times_s = np.flatnonzero(alarmed) / rate_hz
    return 0 if not len(times_s) else 1 + int((np.diff(times_s) > RUN_S).sum())
