"""What one cycle came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sage_orchestrator.core.budget.ledger import Ledger
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.runtime import PluginRuntime


@dataclass(frozen=True)
class PluginReport:
    """One plugin in one cycle; times in nanoseconds of its worker. See PluginBudget.msg."""

    name: str
    state: PluginState
    trust: float
    salience: float
    requested_ns: int
    allocated_ns: int
    spent_ns: int
    returned_ns: int
    steps: int
    energy: float
    failures: int
    reason: str


@dataclass(frozen=True)
class PluginStatus:
    """What a loaded plugin is and does now; `trust_reason` is in words."""

    name: str
    host: str
    state: PluginState
    reason: str
    trust: float
    trust_reason: str


@dataclass(frozen=True)
class CycleReport:
    """One cycle; `lines` are ordered by name."""

    cycle: int
    period_ns: int
    budget_ns: int
    allocated_ns: int
    spent_ns: int
    returned_ns: int
    lines: tuple[PluginReport, ...]


def report_of(
    cycle: int, period_ns: int, ledger: Ledger, runtimes: Iterable[PluginRuntime]
) -> CycleReport:
    """The report of a cycle that ends now."""
    lines = tuple(_line(runtime, ledger) for runtime in runtimes)
    return CycleReport(cycle, period_ns, ledger.budget_ns, *ledger.totals(), lines)


def status_of(runtime: PluginRuntime) -> PluginStatus:
    """The status of a plugin."""
    return PluginStatus(
        runtime.name,
        runtime.setup.host,
        runtime.state,
        runtime.reason,
        runtime.trust.value,
        runtime.trust.reason,
    )


def _line(runtime: PluginRuntime, ledger: Ledger) -> PluginReport:
    account = ledger.accounts.get(runtime.name)
    energies = [runtime.energy] if runtime.run is None else runtime.run.history.energies[-1:]
    return PluginReport(
        name=runtime.name,
        state=runtime.state,
        trust=runtime.trust.value,
        salience=runtime.salience,
        requested_ns=0 if account is None else account.demand.requested_ns,
        allocated_ns=0 if account is None else account.allocated,
        spent_ns=0 if account is None else account.spent,
        returned_ns=0 if account is None else account.returned,
        steps=runtime.steps if runtime.run is None else runtime.run.history.steps,
        energy=energies[0] if energies else 0.0,
        failures=runtime.breaker.failures,
        reason=runtime.reason,
    )
