"""When refining on is no longer worth it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class History:
    """What a run has done so far.

    Attributes:
        energies: energy after `init_state` and after every step; lower is better.
        feasible: the state satisfies what the plugin set out to reach.
        spent_atp: measured.
        elapsed_s: wall time since the run began.
    """

    energies: list[float] = field(default_factory=list)
    feasible: bool = False
    spent_atp: float = 0.0
    elapsed_s: float = 0.0

    @property
    def steps(self) -> int:
        """Refinement steps made; `init_state` is none."""
        return max(0, len(self.energies) - 1)


def slope(energies: Sequence[float]) -> float:
    """Least-squares slope of the energies per step; 0 for fewer than two."""
    count = len(energies)
    if count < 2:
        return 0.0
    middle = (count - 1) / 2.0
    mean = sum(energies) / count
    numerator = sum((i - middle) * (energy - mean) for i, energy in enumerate(energies))
    return numerator / (count * (count * count - 1) / 12.0)


def converged(energies: Sequence[float], epsilon: float, steps: int) -> bool:
    """Whether |slope| < epsilon over the last `steps` steps; False while there are fewer."""
    if len(energies) <= steps:
        return False
    return abs(slope(energies[-(steps + 1) :])) < epsilon
