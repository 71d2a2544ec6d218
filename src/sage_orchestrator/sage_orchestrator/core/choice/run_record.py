"""What is remembered of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sage_common.core.state.ranges import Count, Finite

MOST_STEPS = 24
"""So many steps of a run are remembered; later ones are taken for alike."""


class RunRecord(NamedTuple):
    """One run of a plugin.

    Attributes:
        halted: it ended by itself; else budget or time ended it, and it might have gone on.
        costs_ns: of the first answer and of each step, at most `MOST_STEPS` + 1.
        energies: after each of these.
    """

    halted: bool
    costs_ns: tuple[Count, ...]
    energies: tuple[Finite, ...]

    @classmethod
    def of(cls, halted: bool, costs_ns: Sequence[int], energies: Sequence[float]) -> RunRecord:
        """The record of a run that ended, of any length."""
        kept = min(len(costs_ns), len(energies), MOST_STEPS + 1)
        whole = kept == len(energies)
        return cls(halted and whole, tuple(costs_ns[:kept]), tuple(energies[:kept]))
