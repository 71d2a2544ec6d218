"""A change of the metabolic state."""

from __future__ import annotations

from typing import NamedTuple

from sage_orchestrator.core.metabolism.state import MetabolicState


class Transition(NamedTuple):
    """One change of state, at a time [ns], with its reason in words."""

    time_ns: int
    previous: MetabolicState
    state: MetabolicState
    reason: str

    @property
    def words(self) -> str:
        """For people."""
        if self.previous is self.state:
            return f"stays {self.state.name}: {self.reason}"
        return f"{self.previous.name} -> {self.state.name}: {self.reason}"
