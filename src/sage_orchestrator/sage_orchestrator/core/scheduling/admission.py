"""Whether a job by hand is taken: its plugin is free, and can answer in time by estimate."""

from __future__ import annotations

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.budget.atp import to_atp
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.policy import CyclePolicy
from sage_orchestrator.core.scheduling.runtime import PluginRuntime

_NS_PER_S = 1_000_000_000


def check_is_free(runtime: PluginRuntime, now_ns: int) -> None:
    """Refuse a job that its plugin could not begin.

    Raises:
        InvalidInput: the plugin is isolated, works on another job, or is replaced or unloaded.
    """
    name = runtime.name
    if runtime.breaker.isolated(now_ns):
        raise InvalidInput("plugin", name, f"one that works; {runtime.reason}")
    if runtime.job is not None:
        raise InvalidInput("plugin", name, "one that is not busy with another job")
    if runtime.change is not None:
        raise InvalidInput("plugin", name, "one that is not being replaced or unloaded")


def check_can_answer(runtime: PluginRuntime, job: Job, policy: CyclePolicy | None) -> None:
    """Refuse a job whose mandatory part alone takes more than it is given.

    Whatever refines an answer may be cut short; without a first answer all of it is lost. A plugin
    that never ran is given the benefit of the doubt.

    Raises:
        InvalidInput: naming the budget or the timeout, and what it takes by estimate.
    """
    cost_ns = runtime.mandatory_ns(job.task.modality)
    if cost_ns > job.limit_ns:
        least = f"at least {to_atp(cost_ns):.1f}: what the first answer of {runtime.name} costs"
        raise InvalidInput("budget_atp", round(to_atp(job.limit_ns), 3), least)
    if policy is None or policy.budget_ns == 0:
        return
    cycles = -(-cost_ns // policy.budget_ns)
    taken_ns = (cycles - 1) * policy.period_ns
    if taken_ns > job.timeout_ns:
        least = (
            f"more than {taken_ns / _NS_PER_S:.2g} s: the first answer of {runtime.name} costs "
            f"about {to_atp(cost_ns):.0f} ATP, the budget of {cycles} cycles"
        )
        raise InvalidInput("timeout_s", job.timeout_ns / _NS_PER_S, least)
