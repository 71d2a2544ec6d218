"""How far a plugin has earned compute: trust in [0.05, 1], learned from what its runs do.

The value of one run is a product, so that no strength makes up for a missing one:
monotonicity x convergence x value x belief. Trust moves towards it at a fixed rate. A plugin that
does not run is not rated, so idling changes nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from sage_common.core.errors import InvalidInput

TRUST_FLOOR = 0.05
TRUST_CEILING = 1.0
TRUST_AT_START = 0.5
LEARNING_RATE = 0.1
OUTCOME_RATE = 0.2
_ENERGY_TOLERANCE = 1e-6


@dataclass(frozen=True)
class RunQuality:
    """How one run went; each in [0, 1].

    Attributes:
        monotonicity: part of the energy's moves that did not go up.
        convergence: 1: it stopped by itself; less: it was stopped while it still moved.
        value: value delivered.
    """

    monotonicity: float
    convergence: float
    value: float

    @property
    def score(self) -> float:
        """The product, in [0, 1]."""
        return self.monotonicity * self.convergence * self.value


def monotonicity(energies: Sequence[float]) -> float:
    """Part of the moves that did not raise the energy; 1 if there was no move."""
    moves = list(itertools.pairwise(energies))
    if not moves:
        return 1.0
    scale = max(abs(energy) for energy in energies)
    rises = sum(1 for old, new in moves if new > old + _ENERGY_TOLERANCE * scale)
    return 1.0 - rises / len(moves)


class Trust:
    """Trust in one plugin."""

    def __init__(
        self, value: float = TRUST_AT_START, belief: float = 1.0, claimed: float = 1.0
    ) -> None:
        """A trust as it was.

        Args:
            belief: [0, 1], how outcomes turned out so far; 1 while none was reported.
            claimed: [0, 1], the value that the newest answer was said to have.
        """
        self.value = checked_trust(value)
        self.belief = min(1.0, max(0.0, belief))
        self.claimed = min(1.0, max(0.0, claimed))
        self.reason = "nothing learned since it was loaded"

    def learn_run(self, quality: RunQuality) -> None:
        """One run ended."""
        self.claimed = quality.value
        self._move(quality.score * self.belief, LEARNING_RATE)
        self.reason = (
            f"last run: energy did not rise in {quality.monotonicity:.0%} of its moves, "
            f"convergence {quality.convergence:.2f}, value {quality.value:.2f}; "
            f"outcomes so far {self.belief:.2f}"
        )

    def learn_first_answer(self, halted: bool) -> None:
        """A run ended before its first step: by itself, or because somebody stopped it."""
        self.claimed = 1.0 if halted else 0.0

    def learn_failure(self) -> None:
        """One run raised, hung, or gave what is not finite."""
        self._move(0.0, LEARNING_RATE)
        self.reason = "its last run failed"

    def learn_outcome(self, reward: float) -> None:
        """What the plugin delivered turned out well (1) or badly (-1).

        Belief keeps outcomes in mind, so that a plugin whose energies fall beautifully and whose
        results are useless does not earn back by running what it lost by failing. An outcome counts
        as much as the value that the answer claimed: what said itself that it does not know yet,
        because nobody paid it another step, is not to blame for being wrong.

        Raises:
            InvalidInput: reward outside [-1, 1].
        """
        if not math.isfinite(reward) or not -1.0 <= reward <= 1.0:
            raise InvalidInput("reward", reward, "a number in [-1, 1]")
        goal = (reward + 1.0) / 2.0
        self.belief += OUTCOME_RATE * self.claimed * (goal - self.belief)
        self._move(goal, LEARNING_RATE * self.claimed)
        self.reason = f"an outcome of {reward:+.2f}; outcomes so far {self.belief:.2f}"

    def set(self, value: float) -> float:
        """Set it by hand; the trust before.

        Raises:
            InvalidInput: not in [0.05, 1].
        """
        previous, self.value = self.value, checked_trust(value)
        self.reason = "set by hand"
        return previous

    def _move(self, goal: float, rate: float) -> None:
        moved = self.value + rate * (goal - self.value)
        self.value = min(TRUST_CEILING, max(TRUST_FLOOR, moved))


def checked_trust(value: float) -> float:
    """The value, if it is a trust.

    Raises:
        InvalidInput: outside [0.05, 1].
    """
    if not math.isfinite(value) or not TRUST_FLOOR <= value <= TRUST_CEILING:
        raise InvalidInput("trust", value, f"a number in [{TRUST_FLOOR}, {TRUST_CEILING:g}]")
    return float(value)
