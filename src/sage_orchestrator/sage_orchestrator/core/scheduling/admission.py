"""Whether a job by hand is taken: its plugin works, and can answer in time by estimate."""

from __future__ import annotations

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.budget.atp import to_atp
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.job_queue import cost_bound_ns, jobs_before
from sage_orchestrator.core.scheduling.policy import CyclePolicy
from sage_orchestrator.core.scheduling.runtime import PluginRuntime

_NS_PER_S = 1_000_000_000


PROBE_EVERY = 8
"""Of the jobs that a plugin would be refused in a row, each so many-th is taken all the same: what
its runs cost now may be less, and without runs nobody would ever know."""


def check_is_well(runtime: PluginRuntime, now_ns: int) -> None:
    """Refuse a job that its plugin could not begin.

    Raises:
        InvalidInput: the plugin is isolated, or is replaced or unloaded.
    """
    name = runtime.name
    if runtime.breaker.isolated(now_ns):
        raise InvalidInput("plugin", name, f"one that works; {runtime.reason}")
    if runtime.change is not None:
        raise InvalidInput("plugin", name, "one that is not being replaced or unloaded")


def check_can_answer(runtime: PluginRuntime, job: Job, policy: CyclePolicy | None) -> None:
    """Refuse a job whose mandatory part alone, and the jobs before it, take more than it is given.

    Whatever refines an answer may be cut short; without a first answer all of it is lost. Costs are
    those that nine of ten runs do not exceed. A plugin that hardly ever ran is given the benefit of
    the doubt, and each eighth job that would be refused is taken as a probe.

    Raises:
        InvalidInput: naming the budget or the timeout, and what it takes by estimate.
    """
    refusal = _refusal(runtime, job, policy)
    if refusal is not None and runtime.refused_jobs + 1 < PROBE_EVERY:
        runtime.refused_jobs += 1
        raise refusal
    runtime.refused_jobs = 0


def _refusal(runtime: PluginRuntime, job: Job, policy: CyclePolicy | None) -> InvalidInput | None:
    name, cost_ns = runtime.name, runtime.mandatory_bound_ns(job.task.modality)
    if cost_ns > job.limit_ns:
        least = f"at least {to_atp(cost_ns):.1f}: what the first answer of {name} may cost"
        return InvalidInput("budget_atp", round(to_atp(job.limit_ns), 3), least)
    if policy is None or policy.budget_ns == 0:
        return None
    before = jobs_before(runtime, job)
    before_ns = sum(cost_bound_ns(runtime, other) for other in before)
    cycles = -(-(before_ns + cost_ns) // policy.budget_ns)
    taken_ns = (cycles - 1) * policy.period_ns
    if taken_ns <= job.timeout_ns:
        return None
    jobs = f", {to_atp(before_ns):.0f} ATP of jobs before it" if before else ""
    least = (
        f"more than {taken_ns / _NS_PER_S:.2g} s: the first answer of {name} may cost "
        f"{to_atp(cost_ns):.0f} ATP{jobs}, the budget of {cycles} cycles"
    )
    return InvalidInput("timeout_s", job.timeout_ns / _NS_PER_S, least)
