"""The quality-cost curve of a plugin: what its next step is expected to gain and to cost.

Called the performance profile of an anytime algorithm by Dean and Boddy (1988), conditional on
the quality reached so far by Zilberstein and Russell (1996).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sage_orchestrator.core.choice.run_record import RunRecord

UNKNOWN_COST_NS = 1_000_000
UNKNOWN_FALL = 0.5
"""Of a plugin that never ran: each step halves what is left of the energy."""
LEAST_NS = 1_000


class Segment(NamedTuple):
    """Some steps in a row that are worth making together.

    Attributes:
        cost_ns: expected, of all of them, > 0.
        gain: expected fall of the energy, [0, 1]; energies that usually begin above 1 are scaled
            to begin at 1.
    """

    cost_ns: int
    gain: float

    @property
    def gain_per_ms(self) -> float:
        """What a millisecond of it gains."""
        return self.gain * 1e6 / self.cost_ns


class StepEstimate(NamedTuple):
    """What is expected of one step.

    Attributes:
        cost_ns: its cost, if it is made.
        fall: part of the energy left before it that it takes away, [0, 1].
        chance: that a run which came so far makes it, if nobody stops it, [0, 1].
    """

    cost_ns: int
    fall: float
    chance: float


class QualityCostCurve:
    """Learned from runs of one plugin on one modality; the first answer is step 0.

    Costs are medians, for they have tails. Whether a run goes on after a step is estimated from
    those runs that nobody stopped there (Kaplan and Meier 1958).
    """

    def __init__(self, runs: Sequence[RunRecord]) -> None:
        self.steps = tuple(_estimates(runs))
        # Where every run was stopped, nobody knows what comes next: it is worth a try.
        lengths = {len(run.costs_ns) for run in runs if run.halted}
        self.open_ended = len(self.steps) not in lengths
        firsts = [abs(run.energies[0]) for run in runs if run.energies]
        first = sum(firsts) / len(firsts) if firsts else 1.0
        self._scale = max(1.0, first)
        self._first = first / self._scale
        self._cache: dict[int, tuple[Segment, ...]] = {}

    def step(self, number: int) -> StepEstimate:
        """What is expected of a step; what no run has reached is like the last one known."""
        if not self.steps:
            return StepEstimate(UNKNOWN_COST_NS, UNKNOWN_FALL, 1.0)
        if number < len(self.steps):
            return self.steps[number]
        last = self.steps[-1]
        beyond = number - len(self.steps) + 1
        fall = last.fall if len(self.steps) > 1 else UNKNOWN_FALL
        return StepEstimate(last.cost_ns, fall * UNKNOWN_FALL**beyond, 1.0)

    def next_segment(self, number: int, energy: float | None) -> Segment:
        """What a run gains by its step `number`, and what that costs.

        Args:
            energy: that it has reached; None: it has none yet.
        """
        estimate = self.step(number)
        left = self._first if energy is None else min(1.0, abs(energy) / self._scale)
        return Segment(max(LEAST_NS, estimate.cost_ns), estimate.fall * left)

    def cost_ns(self, steps: int) -> int:
        """Expected cost of the first answer and so many steps."""
        return sum(self.step(number).cost_ns for number in range(steps + 1))

    @property
    def whole_ns(self) -> int:
        """Expected cost of a run that nobody stops."""
        cost, reached = 0.0, 1.0
        for estimate in self.steps:
            reached *= estimate.chance
            cost += reached * estimate.cost_ns
        return round(cost)

    def segments(self, done: int) -> tuple[Segment, ...]:
        """What is still to gain after `done` steps, by falling gain per time.

        Args:
            done: steps made, the first answer included.
        """
        if done not in self._cache:
            self._cache[done] = self._concave(done)
        return self._cache[done]

    def _concave(self, done: int) -> tuple[Segment, ...]:
        """The upper hull of gain over cost, by pooling neighbours that rise."""
        pooled: list[Segment] = []
        reached, energy = 1.0, self._first
        known = (
            (*self.steps, self.step(len(self.steps)))
            if self.steps and self.open_ended
            else self.steps
        )
        for number, estimate in enumerate(known):
            before, energy = energy, energy * (1.0 - estimate.fall)
            if number < done:
                continue
            reached *= estimate.chance if number > done else 1.0
            cost_ns = max(LEAST_NS, round(reached * estimate.cost_ns))
            pooled.append(Segment(cost_ns, reached * (before - energy)))
            while len(pooled) > 1 and pooled[-1].gain_per_ms >= pooled[-2].gain_per_ms:
                last, other = pooled.pop(), pooled.pop()
                pooled.append(Segment(last.cost_ns + other.cost_ns, last.gain + other.gain))
        return tuple(pooled)


def _estimates(runs: Sequence[RunRecord]) -> Iterator[StepEstimate]:
    ended = Counter(len(run.costs_ns) for run in runs if run.halted)
    made = [run for run in runs if run.costs_ns]
    number = 0
    while made:
        costs = sorted(run.costs_ns[number] for run in made)
        cost_ns = costs[(len(costs) - 1) // 2]
        if number == 0:
            yield StepEstimate(cost_ns, 0.0, 1.0)
        else:
            before = sum(abs(run.energies[number - 1]) for run in made)
            fallen = sum(run.energies[number - 1] - run.energies[number] for run in made)
            fall = min(1.0, max(0.0, fallen / before)) if before else 0.0
            yield StepEstimate(cost_ns, fall, len(made) / (len(made) + ended[number]))
        number += 1
        made = [run for run in made if len(run.costs_ns) > number]
