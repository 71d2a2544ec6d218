"""What judging a moment with hindsight (x from last) does to what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures
from sage_bench.memory.workplace import Workplace
from sage_bench.result import Row
from sage_bench.salience.played import Played, chosen_half, inputs, play
from sage_bench.salience.streams.percepts import MODALITIES, stamp_ns
from sage_bench.salience.streams.windows import WINDOW_S
from sage_bench.salience.trace import FUSED, Trace, fuse
from sage_common.core.clock import NS_PER_S
from sage_memory.core.ingest.short_term import Moment, RetentionPolicy, ShortTermMemory
from sage_snarc.core.calibration.false_alarms import USUAL_PER_HOUR, Salience, rate_of

HINDSIGHT = RetentionPolicy()
AT_ONCE = RetentionPolicy(newer=0)
SALIENCE = Salience()
BLOCK_S = 60.0
RESAMPLES = 1000
NOTE = (
    "hindsight: the streams of the salience bench through the short-term buffers of three senses, "
    f"once judged when {HINDSIGHT.newer} newer moments are there, once at once, all else equal. "
    "Kept moments within an event, or within a second after it (sound looks back so far), are "
    "right; precision is their share, recall the share of events with one. Whoever kept more was "
    "cut to the same number by dropping its least salient; intervals: 95 %, bootstrap of minutes"
)


@dataclass(frozen=True)
class Kept:
    """Moments that were kept, of several streams.

    Attributes:
        stream: number of each, int64 [n].
        time_s: float64 [n].
        score: by which it was judged, float64 [n].
        total: its fused salience, float64 [n].
    """

    stream: NDArray[np.int64]
    time_s: NDArray[np.float64]
    score: NDArray[np.float64]
    total: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.stream)

    def strongest(self, count: int) -> Kept:
        """The `count` with the largest scores."""
        chosen = np.sort(np.argsort(-self.score, kind="stable")[:count])
        return Kept(
            self.stream[chosen], self.time_s[chosen], self.score[chosen], self.total[chosen]
        )


@dataclass(frozen=True)
class Counts:
    """What is counted in each block of a minute.

    Attributes:
        kept, right: moments, int64 [B].
        events, found: int64 [B].
        strength: sum over found events of the salience kept to the largest, float64 [B].
    """

    kept: NDArray[np.int64]
    right: NDArray[np.int64]
    events: NDArray[np.int64]
    found: NDArray[np.int64]
    strength: NDArray[np.float64]

    def precision(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of right ones for each row of how often blocks are taken, int64 [R, B]."""
        return np.asarray((times @ self.right) / np.maximum(times @ self.kept, 1), np.float64)

    def recall(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of found events, the same way."""
        return np.asarray((times @ self.found) / np.maximum(times @ self.events, 1), np.float64)

    def peak(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        """How near what was kept of an event is to its strongest moment, the same way."""
        return np.asarray((times @ self.strength) / np.maximum(times @ self.found, 1), np.float64)


Measure = Callable[[Counts, NDArray[np.int64]], NDArray[np.float64]]
MEASURES: dict[str, Measure] = {
    "precision": Counts.precision,
    "recall of events": Counts.recall,
    "salience to the event's largest": Counts.peak,
}


def rows(place: Workplace) -> Figures:
    """Precision and recall of what is kept, with hindsight and at once."""
    setting = place.setting
    played = play(setting, chosen_half(setting.quick))
    place.inputs.update(inputs(setting))
    traces = [fuse(scored) for scored in played.scored]
    hindsight, at_once = (kept(played, traces, rules) for rules in (HINDSIGHT, AT_ONCE))
    count = min(len(hindsight), len(at_once))
    pair = [counts(played, traces, part.strongest(count)) for part in (hindsight, at_once)]
    found = f"{len(hindsight)} kept with hindsight, {len(at_once)} at once; {count} compared"
    made = []
    for name, measure in MEASURES.items():
        values, gain = compared(pair[0], pair[1], measure)
        made += [
            Row(f"{name} of what is kept, with hindsight", values[0], "", None, "higher",
                {"judged at once": values[1]}, count),
            Row(f"{name} of what is kept, hindsight minus at once", gain[0], "", None, "higher",
                samples=count, low=gain[1], high=gain[2]),
        ]  # fmt: skip
    return Figures(tuple(made), (NOTE, found))


def kept(played: Played, traces: Sequence[Trace], rules: RetentionPolicy) -> Kept:
    """Play every stream through buffers with these rules."""
    found: list[tuple[int, float, float, float]] = []
    for number, (scored, trace) in enumerate(zip(played.scored, traces, strict=True)):
        buffers = {name: ShortTermMemory(rules) for name in MODALITIES}
        begin_ns = stamp_ns(0.0, scored.number)
        for tick, pairs in enumerate(scored.ticks):
            for percept, salience in pairs:
                total = float(trace.scores[FUSED][tick])
                moment = Moment(
                    percept=percept,
                    surprise=salience.surprise,
                    novelty=salience.novelty,
                    arousal=salience.arousal,
                    reward=salience.reward,
                    conflict=0.0,
                    total=total,
                    alarms_per_hour=rate_of(SALIENCE.rarity(total), USUAL_PER_HOUR),
                    score=0.5 * (salience.total + total),
                    reason="",
                )
                judged = buffers[percept.modality].add(moment)
                if judged is not None:
                    time_s = (judged.percept.stamp_ns - begin_ns) / NS_PER_S
                    found.append((number, time_s, judged.score, judged.total))
    columns = list(zip(*found, strict=True)) if found else [()] * 4
    numbers, *others = columns
    return Kept(np.array(numbers, np.int64), *(np.array(part, np.float64) for part in others))


def counts(played: Played, traces: Sequence[Trace], found: Kept) -> Counts:
    """Count what was kept of every event, minute by minute; warm-ups are left out."""
    blocks = []
    for number, (percepts, trace) in enumerate(zip(played.percepts, traces, strict=True)):
        own = found.stream == number
        times_s, totals = found.time_s[own], found.total[own]
        judged = np.ones(len(times_s), bool)
        for begin_s, end_s in percepts.ignored:
            judged &= (times_s <= begin_s) | (times_s > end_s)
        right = np.zeros(len(times_s), bool)
        events = []
        for event in percepts.events:
            within = _within(times_s, event.onset_s, event.end_s)
            right |= within
            peak = trace.scores[FUSED][_within(trace.times_s, event.onset_s, event.end_s)].max()
            share = float(totals[within].max()) / max(float(peak), 1e-9) if within.any() else 0.0
            events.append((event.onset_s // BLOCK_S, within.any(), share))
        minutes = int(np.ceil(percepts.length_s / BLOCK_S))
        minute = times_s // BLOCK_S
        for block in range(minutes):
            inside = [event for event in events if event[0] == block]
            here = judged & (minute == block)
            blocks.append(
                (here.sum(), (here & right).sum(), len(inside),
                 sum(event[1] for event in inside), sum(event[2] for event in inside))
            )  # fmt: skip
    columns = list(zip(*blocks, strict=True))
    whole = [np.array(column, np.int64) for column in columns[:4]]
    return Counts(*whole, np.array(columns[4], np.float64))


def compared(
    first: Counts, second: Counts, measure: Measure
) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """A measure of both, and by how much the first exceeds the second, with its interval."""
    generator = np.random.default_rng(0)
    blocks = len(first.kept)
    times = generator.multinomial(blocks, np.full(blocks, 1.0 / blocks), size=RESAMPLES)
    once = np.ones((1, blocks), np.int64)
    values = float(measure(first, once)[0]), float(measure(second, once)[0])
    low, high = np.percentile(measure(first, times) - measure(second, times), [2.5, 97.5])
    return values, (values[0] - values[1], float(low), float(high))


def _within(times_s: NDArray[np.float64], onset_s: float, end_s: float) -> NDArray[np.bool_]:
    return np.asarray((times_s > onset_s) & (times_s <= end_s + WINDOW_S), np.bool_)
