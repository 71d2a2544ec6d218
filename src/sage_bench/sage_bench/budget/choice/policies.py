"""Other ways to share a cycle's budget among the same jobs, and an oracle."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from sage_bench.budget.choice.replayed import Outcome
from sage_bench.budget.choice.traces import JobTrace

Share = Callable[[Sequence[JobTrace], int], Sequence[int]]
"""Answers of each job of one cycle, within a budget that may be less than 0 after an overrun."""


def played(jobs: Sequence[JobTrace], budget_ns: int, share: Share) -> Outcome:
    """What a way of sharing makes of the jobs; what a last step overran is owed by the next cycle,
    as with ours.
    """
    answers: list[int] = []
    spent_ns: list[int] = []
    owed_ns = 0
    for _, group in itertools.groupby(jobs, key=lambda job: job.tick):
        here = list(group)
        given_ns = budget_ns - owed_ns
        made = share(here, given_ns)
        cost_ns = sum(cost_of(job, count) for job, count in zip(here, made, strict=True))
        owed_ns = max(0, cost_ns - given_ns)
        spent_ns.append(cost_ns)
        answers += made
    return Outcome(tuple(answers), tuple(spent_ns))


def first_in_first_out(jobs: Sequence[JobTrace], budget_ns: int) -> Sequence[int]:
    """Each to its end, in turns who comes first, until the budget is spent."""
    turn = jobs[0].tick % len(jobs)
    order = [*range(turn, len(jobs)), *range(turn)]
    made, left = [0] * len(jobs), budget_ns
    for number in order:
        made[number] = _within(jobs[number], left)
        left -= cost_of(jobs[number], made[number])
    return made


def equal_shares(jobs: Sequence[JobTrace], budget_ns: int) -> Sequence[int]:
    """The same to each; what one leaves goes to the next."""
    return _shared(jobs, budget_ns, [1.0] * len(jobs))


def by_salience(jobs: Sequence[JobTrace], budget_ns: int) -> Sequence[int]:
    """In proportion to salience; what one leaves goes to the next."""
    return _shared(jobs, budget_ns, [job.salience for job in jobs])


def oracle(jobs: Sequence[JobTrace], budget_ns: int) -> Sequence[int]:
    """The best of all ways to spend this cycle's budget, knowing what each step is worth."""
    best, chosen = -1.0, [0] * len(jobs)
    for made in _affordable(jobs, max(0, budget_ns)):
        worth = sum(worth_of(job, count) for job, count in zip(jobs, made, strict=True))
        if worth > best:
            best, chosen = worth, made
    return chosen


def cost_of(job: JobTrace, answers: int) -> int:
    """What so many answers of a job cost [ns]."""
    return sum(job.costs_ns[:answers])


def worth_of(job: JobTrace, answers: int) -> float:
    """What a job is worth after so many answers: its salience x what is true of the last."""
    return job.salience * job.values[answers - 1] if answers else 0.0


def _shared(jobs: Sequence[JobTrace], budget_ns: int, weights: Sequence[float]) -> list[int]:
    made, unused, weight = [], 0.0, sum(weights) or 1.0
    for job, own in zip(jobs, weights, strict=True):
        share = budget_ns * own / weight + unused
        made.append(_within(job, share))
        unused = max(0.0, share - cost_of(job, made[-1]))
    return made


def _within(job: JobTrace, budget_ns: float) -> int:
    """Answers that are begun while the budget lasts."""
    made = 0
    while made < len(job.costs_ns) and cost_of(job, made) < budget_ns:
        made += 1
    return made


def _affordable(jobs: Sequence[JobTrace], budget_ns: int) -> Iterator[list[int]]:
    if not jobs:
        yield []
        return
    for count in range(len(jobs[0].costs_ns) + 1):
        cost_ns = cost_of(jobs[0], count)
        if cost_ns <= budget_ns:
            for rest in _affordable(jobs[1:], budget_ns - cost_ns):
                yield [count, *rest]
