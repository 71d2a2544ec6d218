"""The accounts of one cycle.

What an account holds at the end of the cycle is `share - passed + received`; sharing moves time
between accounts and never makes any. A step that is under way when an account runs dry is finished
and charged in full: the overrun is a debt, paid out of the plugin's next shares before it may step
again. Hence, in one cycle, spent <= allocated + one step, and over any number of cycles too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_orchestrator.core.budget.allocation import Demand, allocate, split


@dataclass
class Account:
    """One plugin's account in one cycle, all in nanoseconds.

    Attributes:
        demand: what it asked for.
        share: by allocation.
        passed: of what it left, taken over by plugins that were still running.
        received: taken over from plugins that stopped early.
        spent: measured.
        returned: of what it left, taken by nobody.
        is_open: it may still spend and receive.
    """

    demand: Demand
    share: int
    passed: int = 0
    received: int = 0
    spent: int = 0
    returned: int = 0
    is_open: bool = True

    @property
    def allocated(self) -> int:
        """What it may spend in this cycle."""
        return self.share - self.passed + self.received

    @property
    def left(self) -> int:
        """What it may spend from now on; 0 or less: nothing."""
        return self.allocated - self.spent - self.returned - self.demand.debt_ns

    def carry(self, in_flight: bool) -> tuple[int, int]:
        """Debt and credit to take into the next cycle; credit only for a step in flight."""
        balance = self.left + self.demand.credit_ns
        return max(0, -balance), max(0, balance) if in_flight else 0


class Ledger(Stateful):
    """The accounts of the plugins that asked for compute in one cycle. Not locked: the owner is."""

    budget_ns: State[int]
    accounts: State[dict[str, Account]]

    def __init__(self, budget_ns: int, floor: float, demands: Sequence[Demand]) -> None:
        """Shares the budget; an account whose share is less than its debt starts closed."""
        self.budget_ns = budget_ns
        shares = allocate(budget_ns, floor, demands)
        self.accounts = {d.name: Account(d, shares[d.name]) for d in demands}
        for account in self.accounts.values():
            account.is_open = account.left > 0

    def charge(self, name: str, cost_ns: int) -> bool:
        """Book measured work; False when the account is empty and the plugin must stop.

        Raises:
            KeyError: the plugin has no account in this cycle.
            ValueError: negative cost.
        """
        if cost_ns < 0:
            raise ValueError(f"cost_ns = {cost_ns}: expected at least 0")
        account = self.accounts[name]
        account.spent += cost_ns
        return account.is_open and account.left > 0

    def close(self, name: str, trusts: Mapping[str, float]) -> None:
        """The plugin stopped: what it leaves goes, by trust, to those that are still running.

        Args:
            name: plugin that stopped; closing twice changes nothing.
            trusts: trust now, by plugin.
        """
        account = self.accounts[name]
        if not account.is_open:
            return
        account.is_open = False
        rest = max(0, account.left)
        takers = [a for a in self.accounts.values() if a.is_open]
        if not takers:
            account.returned += rest
            return
        account.passed += rest
        parts = split(rest, [trusts[taker.demand.name] for taker in takers])
        for taker, part in zip(takers, parts, strict=True):
            taker.received += part

    @property
    def spare_ns(self) -> int:
        """What nobody has spent of the budget."""
        return self.budget_ns - self.totals()[1]

    def totals(self) -> tuple[int, int, int]:
        """Sums over all accounts: allocated, spent, returned."""
        accounts = self.accounts.values()
        return (
            sum(account.allocated for account in accounts),
            sum(account.spent for account in accounts),
            sum(account.returned for account in accounts),
        )
