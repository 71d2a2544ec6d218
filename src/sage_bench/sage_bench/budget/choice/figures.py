"""What choosing by learned curves is worth, over recorded runs of real plugins in simulated time.

The walk chose the scheduler's constants; kitchen and husky report.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from sage_bench.budget.choice.contrast import contrast_rows
from sage_bench.budget.choice.policies import (
    by_salience,
    equal_shares,
    first_in_first_out,
    oracle,
    played,
    worth_of,
)
from sage_bench.budget.choice.replayed import Outcome, orchestrated, stamp_ns
from sage_bench.budget.choice.streams import PLAIN
from sage_bench.budget.choice.traces import JobTrace, recorded
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_common.core.state.arrays import json_array
from sage_orchestrator.core.choice.daily import DAYS_KEPT, NS_PER_DAY
from sage_orchestrator.core.choice.history import RunHistory

TUNED, REPORTED = ("walk",), ("kitchen", "husky")
LOADS = {"100 %": 1.0, "150 %": 1.5}
OTHERS = {
    "FIFO": first_in_first_out,
    "equal shares": equal_shares,
    "salience only": by_salience,
}
REGRET_GOAL, USE_GOAL, MISS_GOAL, ERROR_GOAL, COVERED_GOAL = 0.10, 0.95, 0.001, 0.25, 0.9
LEARNED_FROM = 8
"""Runs of a plugin before its estimates are judged."""
RUNS_AN_HOUR = 20
NOTE = (
    "choice: recorded runs of look, recall and recognise, replayed in simulated time; value is "
    "salience x what is true of the last answer, at each tick of 0.1 s one job of each; regret is "
    "the part of it that the best use of each cycle's budget has more, by an oracle that knows the "
    "value of each step and may not overrun; below 0: an overrun that a later cycle pays was worth "
    "it. Photographs of known classes were put into the frames; the memory is one in arrays; "
    "husky has no camera, its percepts are those of its IMU and its pictures the kitchen's. "
    "contrasting: one plugin is nearly always wrong, one goes on when little is left to see, one "
    "is due at once; each photograph counts the same; intervals: 95 %, bootstrap of photographs."
)


def rows(setting: Setting) -> Figures:
    """Regret, use, inversions, misses, errors of estimates, and the size of a history."""
    found: list[Row] = []
    for name in (*TUNED, *REPORTED):
        title = f"{name} (tuned on)" if name in TUNED else name
        every = recorded(name, setting)
        jobs = PLAIN.of(every)
        for label, load in LOADS.items():
            found += _of_load(f"{title}, {label} load", jobs, load)
        found += _errors(title, jobs)
        size = Row(f"{title}: history of a week, bytes a plugin", _week_bytes(jobs), "B")
        found += [size, *contrast_rows(title, every, OTHERS, REGRET_GOAL)]
    return Figures(tuple(found), (NOTE,))


def _of_load(title: str, jobs: Sequence[JobTrace], load: float) -> list[Row]:
    ticks = len({job.tick for job in jobs})
    budget_ns = round(sum(sum(job.costs_ns) for job in jobs) / ticks / load)
    ours = orchestrated(jobs, budget_ns)
    others = {name: played(jobs, budget_ns, share) for name, share in OTHERS.items()}
    best = _worth(jobs, played(jobs, budget_ns, oracle))
    regrets = {name: 1.0 - _worth(jobs, outcome) / best for name, outcome in others.items()}
    none = {name: _unanswered(outcome) for name, outcome in others.items()}
    count = len(jobs)
    waiting = [cost_ns >= budget_ns for cost_ns in _offered(jobs)]
    made = [
        Row(f"{title}: regret", 1.0 - _worth(jobs, ours) / best, "", REGRET_GOAL, "lower",
            regrets, count),
        Row(f"{title}: inversions", ours.inversions, "", 0.0, "lower", {}, count),
        Row(f"{title}: jobs replaced by newer ones before a first answer", _unanswered(ours), "",
            None, "lower", none, count),
    ]  # fmt: skip
    if load > 1.0:
        made += [
            Row(f"{title}: mandatory parts that missed their deadline", ours.missed / count, "",
                MISS_GOAL, "lower", {}, count),
            Row(f"{title}: use of the budget where work waits", _use(ours, waiting, budget_ns), "",
                USE_GOAL, "higher",
                {name: _use(o, waiting, budget_ns) for name, o in others.items()}, sum(waiting)),
        ]  # fmt: skip
    return made


def _offered(jobs: Sequence[JobTrace]) -> list[int]:
    """What all jobs of each tick cost to their ends."""
    ticks = itertools.groupby(jobs, key=lambda job: job.tick)
    return [sum(sum(job.costs_ns) for job in group) for _, group in ticks]


def _use(outcome: Outcome, waiting: Sequence[bool], budget_ns: int) -> float:
    """Part of the budget that was spent, of the cycles that had work for all of it."""
    spent = [ns for ns, waits in zip(outcome.spent_ns, waiting, strict=True) if waits]
    return sum(spent) / (budget_ns * len(spent)) if spent else 0.0


def _worth(jobs: Sequence[JobTrace], outcome: Outcome) -> float:
    return sum(worth_of(job, count) for job, count in zip(jobs, outcome.answers, strict=True))


def _unanswered(outcome: Outcome) -> float:
    return sum(1 for count in outcome.answers if not count) / len(outcome.answers)


def _errors(title: str, jobs: Sequence[JobTrace]) -> list[Row]:
    """How far estimates are beside what was measured next, as shares of that; and how many of the
    next runs cost at most what was expected of nine of ten.
    """
    histories: dict[str, RunHistory] = {}
    seen: dict[str, int] = {}
    steps, same, whole, dear = [], [], [], []
    first_bounded, whole_bounded = [], []
    for job in jobs:
        history = histories.setdefault(job.plugin, RunHistory())
        seen[job.plugin] = seen.get(job.plugin, 0) + 1
        if seen[job.plugin] > LEARNED_FROM:
            curve = history.curve(job.modality)
            steps += [
                abs(curve.step(number).cost_ns - cost_ns) / cost_ns
                for number, cost_ns in enumerate(job.costs_ns)
            ]
            total_ns = sum(job.costs_ns)
            same.append(abs(curve.cost_ns(len(job.costs_ns) - 1) - total_ns) / total_ns)
            whole.append(abs(curve.whole_ns - total_ns) / total_ns)
            first_bounded.append(job.costs_ns[0] <= (history.first_bound_ns(job.modality) or 0))
            bound_ns = history.whole_bound_ns(job.modality) or 0
            whole_bounded.append(total_ns <= bound_ns)
            dear.append(bound_ns / total_ns)
        history.learn(stamp_ns(job), job.modality, True, job.costs_ns, job.energies)
    return [
        row_of_samples(f"{title}: error of a step's cost, p90", steps, "", goal=ERROR_GOAL,
                       rank=90),
        row_of_samples(f"{title}: error of a run's cost, its steps known, p90", same, "",
                       goal=ERROR_GOAL, rank=90),
        row_of_samples(f"{title}: error of a run's cost, its steps unknown, p90", whole, "",
                       goal=ERROR_GOAL, rank=90),
        Row(f"{title}: first answers that cost at most what is expected of 90 %",
            float(np.mean(first_bounded)), "", COVERED_GOAL, "higher", {}, len(first_bounded)),
        Row(f"{title}: runs of unknown steps that cost at most what is expected of 90 %",
            float(np.mean(whole_bounded)), "", COVERED_GOAL, "higher", {}, len(whole_bounded)),
        row_of_samples(f"{title}: what is expected of 90 % over what a run cost", dear, ""),
    ]  # fmt: skip


def _week_bytes(jobs: Sequence[JobTrace]) -> float:
    """Of a plugin that ran 20 times in every hour, on average over the plugins."""
    sizes = []
    for name in sorted({job.plugin for job in jobs}):
        history, own = RunHistory(), [job for job in jobs if job.plugin == name]
        random = np.random.default_rng(0)
        for hour in range(24 * DAYS_KEPT):
            for number in random.integers(len(own), size=RUNS_AN_HOUR).tolist():
                job = own[number]
                at_ns = hour * NS_PER_DAY // 24
                history.learn(at_ns, job.modality, True, job.costs_ns, job.energies)
        sizes.append(json_array(_plain(history.record)).nbytes)
    return float(np.mean(sizes))


def _plain(value: object) -> object:
    """Named tuples as the mappings that a state holds."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
