"""What choosing is worth where trust, value and salience differ, photograph by photograph.

Salience spans five powers of ten: a sum over all moments is decided by the five that matter most.
So each photograph, which is there for half a second, counts the same here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sage_bench.budget.choice.policies import Share, oracle, played, worth_of
from sage_bench.budget.choice.replayed import Outcome, orchestrated
from sage_bench.budget.choice.scenes import SHOWN_TICKS
from sage_bench.budget.choice.streams import CONTRASTING
from sage_bench.budget.choice.traces import JobTrace
from sage_bench.result import Row

RESAMPLES = 2000
LOADS = {"100 %": 1.0, "150 %": 1.5, "300 %": 3.0}


def contrast_rows(
    title: str, recorded: Sequence[JobTrace], others: Mapping[str, Share], goal: float
) -> list[Row]:
    """Regret of ours and of others, and by how much ours is less, with intervals.

    Args:
        recorded: jobs of all plugins.
        others: ways to share, by name.
        goal: of the regret.
    """
    jobs = CONTRASTING.of(recorded)
    ticks = len({job.tick for job in jobs})
    made = []
    for label, load in LOADS.items():
        budget_ns = round(sum(sum(job.costs_ns) for job in jobs) / ticks / load)
        best = _worths(jobs, played(jobs, budget_ns, oracle))
        ours = orchestrated(jobs, budget_ns, CONTRASTING)
        own = _regrets(best, _worths(jobs, ours))
        beside = {
            name: _regrets(best, _worths(jobs, played(jobs, budget_ns, share)))
            for name, share in others.items()
        }
        name = f"{title}, {CONTRASTING.name}, {label} load"
        means = {other: float(found.mean()) for other, found in beside.items()}
        made += [
            Row(f"{name}: mean regret of a photograph", float(own.mean()), "", goal, "lower", means,
                len(own)),
            Row(f"{name}: inversions", ours.inversions, "", 0.0, "lower", {}, len(jobs)),
            *(_less(f"{name}: regret less than with {other}", found - own)
              for other, found in beside.items()),
        ]  # fmt: skip
    return made


def _worths(jobs: Sequence[JobTrace], outcome: Outcome) -> NDArray[np.float64]:
    """What was made of the jobs of each photograph."""
    worths: dict[int, float] = {}
    for job, count in zip(jobs, outcome.answers, strict=True):
        photograph = job.tick // SHOWN_TICKS
        worths[photograph] = worths.get(photograph, 0.0) + worth_of(job, count)
    return np.array(list(worths.values()))


def _regrets(best: NDArray[np.float64], worths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each photograph of which anything could be made, the part of it that was not."""
    return 1.0 - worths[best > 0.0] / best[best > 0.0]


def _less(name: str, differences: NDArray[np.float64]) -> Row:
    """A mean difference with its interval, by bootstrap of photographs."""
    random = np.random.default_rng(0)
    drawn = random.integers(len(differences), size=(RESAMPLES, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), (0.025, 0.975)).tolist()
    mean = float(differences.mean())
    return Row(name, mean, "", None, "higher", {}, len(differences), low=low, high=high)
