"""What governs a cycle, and what the orchestrator needs from where it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreakerRules


class Workers(Protocol):
    """One thread for each plugin, by name."""

    def submit(self, name: str, job: Callable[[], None]) -> None: ...

    def abandon(self, name: str) -> None:
        """Its thread hangs: never wait for it, and use a new one from now on."""


@dataclass(frozen=True)
class CyclePolicy:
    """What governs one cycle; each cycle may have another.

    Attributes:
        period_ns: length of the cycle.
        budget_ns: what all plugins together may spend in it.
        floor: [0, 1] least part of it for each plugin that asks.
        timeout_ns: longest run of those that begin in it.
        admitted: plugins that may begin a run of their own; None: all. Jobs by hand, and runs that
            are under way, go on.
        alarms_share: (0, 1] part of its `false_alarms_per_hour` that salience may have for which a
            plugin begins a run of its own.
        cores: runs that work at the same time, at least 1.
    """

    period_ns: int
    budget_ns: int
    floor: float
    timeout_ns: int
    admitted: frozenset[str] | None = None
    alarms_share: float = 1.0
    cores: int = 2

    def restricted_to(self, plugins: Iterable[str]) -> CyclePolicy:
        """The same, but of those that may begin a run only these."""
        kept = frozenset(plugins)
        return replace(self, admitted=kept if self.admitted is None else self.admitted & kept)

    def admits(self, plugin: str) -> bool:
        """Whether a plugin may begin a run of its own."""
        return self.admitted is None or plugin in self.admitted


@dataclass(frozen=True)
class Safeguards:
    """When a plugin is given up.

    Attributes:
        grace_ns: after the timeout a plugin has this long to come back from its step.
        load_timeout_ns: longest loading of models.
        breaker: when failing plugins are kept out.
    """

    grace_ns: int
    load_timeout_ns: int
    breaker: CircuitBreakerRules
