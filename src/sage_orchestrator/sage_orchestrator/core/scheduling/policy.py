"""What the orchestrator is held to, and what it needs from its surroundings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreakerRules


class Workers(Protocol):
    """One thread for each plugin, by name."""

    def submit(self, name: str, job: Callable[[], None]) -> None: ...

    def abandon(self, name: str) -> None:
        """Its thread hangs: never wait for it, and use a new one from now on."""
        ...


@dataclass(frozen=True)
class Rules:
    """What the orchestrator is held to.

    Attributes:
        budget_ns: what a cycle may spend.
        floor: [0, 1] least part of it for each plugin that asks.
        timeout_ns: longest run.
        grace_ns: after the timeout a plugin has this long to come back from its step.
        load_timeout_ns: longest loading of models.
        breaker: when failing plugins are kept out.
    """

    budget_ns: int
    floor: float
    timeout_ns: int
    grace_ns: int
    load_timeout_ns: int
    breaker: CircuitBreakerRules
