"""What one cycle came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sage_orchestrator.core.ledger import Ledger
from sage_orchestrator.core.slot import Slot
from sage_orchestrator.core.states import PluginState


@dataclass(frozen=True)
class PluginLine:
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
class CycleReport:
    """One cycle; `lines` are ordered by name."""

    cycle: int
    budget_ns: int
    allocated_ns: int
    spent_ns: int
    returned_ns: int
    lines: tuple[PluginLine, ...]


def report_of(cycle: int, ledger: Ledger, slots: Iterable[Slot]) -> CycleReport:
    """The report of a cycle that ends now."""
    lines = tuple(_line(slot, ledger) for slot in slots)
    return CycleReport(cycle, ledger.budget_ns, *ledger.totals(), lines)


def _line(slot: Slot, ledger: Ledger) -> PluginLine:
    account = ledger.accounts.get(slot.name)
    energies = [slot.energy] if slot.run is None else slot.run.history.energies[-1:]
    return PluginLine(
        name=slot.name,
        state=slot.state,
        trust=slot.trust.value,
        salience=slot.salience,
        requested_ns=0 if account is None else account.demand.requested_ns,
        allocated_ns=0 if account is None else account.allocated,
        spent_ns=0 if account is None else account.spent,
        returned_ns=0 if account is None else account.returned,
        steps=slot.steps if slot.run is None else slot.run.history.steps,
        energy=energies[0] if energies else 0.0,
        failures=slot.isolation.failures,
        reason=slot.reason,
    )
