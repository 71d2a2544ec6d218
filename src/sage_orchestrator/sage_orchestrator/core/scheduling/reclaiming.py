"""What runs whose shares are spent do with what others leave of theirs.

Known as reclaiming of unused bandwidth in reservation-based scheduling (Lipari and Baruah 2000).
"""

from __future__ import annotations

from sage_orchestrator.core.budget.ledger import Ledger
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.dispatch import rank
from sage_orchestrator.core.scheduling.registry import PluginRegistry
from sage_orchestrator.core.scheduling.runtime import PluginRuntime

PART_PAID, LAST_PART_PAID = 1 / 2, 1 / 3
"""Of a step, that an account must pay for it to be begun; and where nobody else could use it."""


def pays_on(ledger: Ledger, runtime: PluginRuntime, part: float = PART_PAID) -> bool:
    """Whether the account of a plugin pays another step, or at least this part of one."""
    account = ledger.accounts[runtime.name]
    if not account.is_open or account.left <= 0:
        return False
    if runtime.is_mandatory or not runtime.curve.steps:
        return True
    return account.left >= part * runtime.next_segment().cost_ns


def feed_starved(ledger: Ledger, registry: PluginRegistry, now_ns: int, quantum_ns: int) -> None:
    """Let runs go on that what others left pays for, and end those that nobody can feed.

    The one that matters least ends first: what it leaves may be a step of another.
    """
    while True:
        starved = [runtime for runtime in registry if runtime.starved]
        for runtime in starved:
            if pays_on(ledger, runtime):
                runtime.starved, runtime.waits = False, True
        starved = [runtime for runtime in starved if runtime.starved]
        accounts = ledger.accounts.items()
        names = {runtime.name for runtime in starved}
        if not starved or any(a.is_open and name not in names for name, a in accounts):
            return
        if len(starved) == 1 and pays_on(ledger, starved[0], LAST_PART_PAID):
            starved[0].starved, starved[0].waits = False, True
            return
        least = min(starved, key=lambda runtime: rank(runtime, now_ns, quantum_ns))
        stop_starved(ledger, least)
        if least.waits:
            return
        ledger.close(least.name, registry.trusts())


def stop_starved(ledger: Ledger, runtime: PluginRuntime) -> None:
    """A run answers with what it has; a job by hand waits for the next cycle's share."""
    runtime.starved = False
    if runtime.job is None and runtime.run is not None:
        accounts = ledger.accounts.items()
        runtime.run.end([n for n, a in accounts if n != runtime.name and a.spent])
        runtime.waits = True
    else:
        runtime.paused = True
        runtime.state, runtime.reason = PluginState.SPENT, "waits for budget"
