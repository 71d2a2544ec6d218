"""Whose first answer waits until it is due, because its plugin has lost trust and others need the
budget."""

from __future__ import annotations

from collections.abc import Sequence

from sage_orchestrator.core.budget.trust import TRUST_AT_START
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.runtime import PluginRuntime

DISTRUSTED = TRUST_AT_START / 2.0


def postpone(
    asking: Sequence[PluginRuntime], spare_ns: int, now_ns: int, quantum_ns: int
) -> list[PluginRuntime]:
    """Those that ask, but for distrusted ones whose first answer can wait.

    A first answer must be there by its deadline, not at once. One of a plugin that has lost half of
    the trust that it began with waits until then, while others ask that matter more and nothing is
    left over.

    Args:
        asking: plugins that want to compute in this cycle.
        spare_ns: what was left over of the budget of the cycle before.
    """
    most = max((runtime.weight for runtime in asking), default=0.0)
    kept = []
    for runtime in asking:
        due_ns = runtime.deadline_ns
        waits = (
            runtime.is_at_rest
            and runtime.trust.value < DISTRUSTED
            and runtime.weight < most
            and spare_ns < runtime.demand().mandatory_ns
            and due_ns is not None
            and now_ns + quantum_ns < due_ns
        )
        if waits and due_ns is not None:
            runtime.state = PluginState.IDLE
            seconds = (due_ns - now_ns) / 1e9
            runtime.reason = (
                f"trust {runtime.trust.value:.2f}: others come first; "
                f"its answer is due in {seconds:.1f} s"
            )
        else:
            kept.append(runtime)
    return kept
