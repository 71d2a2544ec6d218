"""Rows of the bench: what replay in sleep does to learned weights and to cross-modal predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures
from sage_bench.memory.sleep.hindsight import HINDSIGHT, Kept, kept
from sage_bench.memory.workplace import Workplace
from sage_bench.result import Row
from sage_bench.salience.measures import RESAMPLES, Estimate, estimate_of_difference
from sage_bench.salience.outcomes import Person, carried_over
from sage_bench.salience.played import Judged, Played, chosen_half, inputs, play
from sage_bench.salience.streams.percepts import MODALITIES, stamp_ns
from sage_bench.salience.streams.windows import window_scores
from sage_bench.salience.trace import FUSED, LEARNED, Scored, Trace, fuse
from sage_common.core.state.arrays import Arrays
from sage_memory.core.sleep.selection.replay import ReplayView, augmented, draw
from sage_snarc.core.fusion import Fusion, ModalSalience

NIGHTS = 3
SKILL_TICKS = 500
APART_NS = 10_000_000_000
NONE, DRAWN, RANDOM = "no sleep", "replay by salience and surprise", "replay in random order"
TOO_SHORT = "replay needs more than one stream: measured in a full run"
NOTE = (
    "replay: fusion learns from a simulated person on half of the streams of the salience bench's "
    "half, of whose moments the short-term buffers keep some; a night then replays "
    f"half of them, {NIGHTS} times, each as all that was perceived in its tenth of a second, its "
    "embeddings with a little noise, with its outcome if it had one; drawn as the memory draws "
    "them (new ones, of the later streams, by salience x surprise, among old ones), or evenly; "
    "judged on the other streams, without any outcome. "
    "Predictors: share of a modality's variance that the others predict over the first "
    f"{SKILL_TICKS} ticks of each such stream. Intervals: 95 %, bootstrap of windows, and of "
    "streams; one draw each"
)


@dataclass(frozen=True)
class Remembered:
    """A moment that may be replayed.

    Attributes:
        stream, tick: of it.
        total, surprise: of all senses, [0, 1].
        reward: of the outcome about it; 0: there was none.
    """

    stream: int
    tick: int
    total: float
    surprise: float
    reward: float


class NotingFusion(Fusion):
    """Notes every outcome that it is taught: start, end [ns], reward."""

    def __init__(self) -> None:
        super().__init__(MODALITIES)
        self.outcomes: list[tuple[int, int, float]] = []

    def learn(self, start_ns: int, end_ns: int, reward: float, stamp_ns: int | None = None) -> bool:
        self.outcomes.append((start_ns, end_ns, reward))
        return super().learn(start_ns, end_ns, reward, stamp_ns)


def rows(place: Workplace) -> Figures:
    """Held-out streams after no sleep and after two kinds of replay."""
    setting = place.setting
    if setting.quick:
        return Figures(notes=(TOO_SHORT,))
    played = play(setting, chosen_half(setting.quick))
    place.inputs.update(inputs(setting))
    middle, end = len(played.scored) // 2, len(played.scored)
    return compared(played.part(0, middle), played.part(middle, end))


def compared(before: Played, held_out: Played) -> Figures:
    """Learn on some streams, sleep in three ways, judge on others."""
    fusion, traces = learned(before)
    pool = remembered(before, traces, fusion.outcomes)
    day = fusion.state()
    states = {
        NONE: day,
        DRAWN: replayed(before, pool, day, drawn_order(pool)),
        RANDOM: replayed(before, pool, day, random_order(pool)),
    }
    judged = {
        name: Judged(held_out.windows, tuple(carried_over(held_out.scored, state)))
        for name, state in states.items()
    }
    skills = {name: skill(held_out.scored, state) for name, state in states.items()}
    made = [*_auroc_rows(judged), *_skill_rows(skills)]
    rewarded = sum(item.reward != 0.0 for item in pool)
    found = f"{len(pool)} moments to replay, {rewarded} of them with an outcome"
    return Figures(tuple(made), (NOTE, found))


def learned(before: Played) -> tuple[NotingFusion, list[Trace]]:
    """A fusion that learned along the way, and what it made of the streams."""
    fusion, person = NotingFusion(), Person()
    traces = [
        person.accompany(stream, known, fusion)
        for stream, known in zip(before.scored, before.percepts, strict=True)
    ]
    return fusion, traces


def remembered(
    before: Played, traces: Sequence[Trace], outcomes: Sequence[tuple[int, int, float]]
) -> list[Remembered]:
    """What the short-term buffers keep of the streams, with what came of it."""
    found: Kept = kept(before, traces, HINDSIGHT)
    pool = []
    for number, time_s in zip(found.stream.tolist(), found.time_s.tolist(), strict=True):
        scored, trace = before.scored[number], traces[number]
        tick = int(np.abs(trace.times_s - time_s).argmin())
        now_ns = stamp_ns(time_s, scored.number)
        reward = next((r for first, last, r in outcomes if first <= now_ns <= last), 0.0)
        total, surprise = (float(trace.scores[name][tick]) for name in (FUSED, "surprise"))
        pool.append(Remembered(number, tick, total, surprise, reward))
    return pool


def drawn_order(pool: Sequence[Remembered]) -> list[int]:
    """Which moments the memory's own draw replays, night after night."""
    streams = np.array([item.stream for item in pool], np.int64)
    view = ReplayView(
        number=np.arange(len(pool)),
        total=np.array([item.total for item in pool]),
        surprise=np.array([item.surprise for item in pool]),
        new=streams > np.median(streams) if streams.any() else np.ones(len(pool), bool),
    )
    generator = np.random.default_rng(0)
    nights = [draw(view, generator, len(pool) // 2) for _ in range(NIGHTS)]
    return [int(index) for night in nights for index in night]


def random_order(pool: Sequence[Remembered]) -> list[int]:
    """As many, drawn evenly, night after night."""
    generator = np.random.default_rng(0)
    nights = [generator.permutation(len(pool))[: len(pool) // 2] for _ in range(NIGHTS)]
    return [int(index) for night in nights for index in night]


def replayed(
    before: Played, pool: Sequence[Remembered], day: Arrays, order: Sequence[int]
) -> Arrays:
    """The state after nights that replay moments in this order."""
    fusion = Fusion(MODALITIES)
    fusion.restore(day)
    generator = np.random.default_rng(1)
    newest = max(int(scored.number) for scored in before.scored) + 1
    now_ns = stamp_ns(0.0, newest)
    for index in order:
        moment = pool[index]
        now_ns += APART_NS
        for percept, salience in before.scored[moment.stream].ticks[moment.tick]:
            fusion.see(percept.modality, now_ns, augmented(percept.embedding, generator))
            fusion.fuse(
                ModalSalience(
                    stamp_ns=now_ns,
                    modality=salience.modality,
                    surprise=salience.surprise,
                    novelty=salience.novelty,
                    arousal=salience.arousal,
                    total=salience.total,
                    reason=salience.reason,
                )
            )
        if moment.reward:
            fusion.learn(now_ns, now_ns, moment.reward)
    return fusion.state()


def skill(streams: Sequence[Scored], state: Arrays) -> dict[str, NDArray[np.float64]]:
    """Modality -> share of its variance that is predicted at the beginning of each stream."""
    begin = fresh_counts(state)
    found: dict[str, list[float]] = {name: [] for name in MODALITIES}
    for scored in streams:
        fusion = Fusion(MODALITIES)
        fusion.restore(begin)
        ticks = scored.ticks[:SKILL_TICKS]
        fuse(replace(scored, times_s=scored.times_s[: len(ticks)], ticks=ticks), fusion)
        for name in MODALITIES:
            found[name].append(fusion.cross.skill(name))
    return {name: np.array(values) for name, values in found.items()}


def fresh_counts(state: Arrays) -> dict[str, NDArray[np.generic]]:
    """The same predictors, whose errors and variances are counted anew."""
    return {
        name: np.zeros_like(array) if name.endswith(".powers") else array
        for name, array in state.items()
    }


def _auroc_rows(judged: Mapping[str, Judged]) -> list[Row]:
    made = []
    for detector, words in ((FUSED, "fused salience"), (LEARNED, "learned weights")):
        values = {name: part.value(detector) for name, part in judged.items()}
        made.append(
            Row(f"AUROC of {words} after {DRAWN}", values.pop(DRAWN), "", None, "higher", values)
        )
        for other in (NONE, RANDOM):
            gain = _gain(judged[DRAWN], judged[other], detector)
            made.append(
                Row(f"AUROC of {words}, {DRAWN} minus {other}", gain.value, "", None, "higher",
                    samples=gain.windows, low=gain.low, high=gain.high)
            )  # fmt: skip
    return made


def _gain(first: Judged, second: Judged, detector: str) -> Estimate:
    pair = []
    for part in (first, second):
        times_s = [trace.times_s for trace in part.traces]
        ticks = [np.asarray(trace.scores[detector]) for trace in part.traces]
        pair.append(window_scores(part.windows, times_s, ticks))
    return estimate_of_difference(first.windows, pair[0], pair[1])


def _skill_rows(skills: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> list[Row]:
    made = []
    generator = np.random.default_rng(0)
    for modality in MODALITIES:
        means = {name: float(by[modality].mean()) for name, by in skills.items()}
        count = len(skills[NONE][modality])
        made.append(
            Row(f"cross-modal skill, {modality}, after {DRAWN}", means.pop(DRAWN), "", None,
                "higher", means, count)
        )  # fmt: skip
        for other in (NONE, RANDOM):
            gain = skills[DRAWN][modality] - skills[other][modality]
            drawn = generator.integers(0, count, (RESAMPLES, count))
            low, high = np.percentile(gain[drawn].mean(axis=1), [2.5, 97.5])
            made.append(
                Row(f"cross-modal skill, {modality}, {DRAWN} minus {other}", float(gain.mean()),
                    "", None, "higher", samples=count, low=float(low), high=float(high))
            )  # fmt: skip
    return made
