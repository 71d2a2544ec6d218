"""The action `orchestrator/refine`: one plugin on one input, started by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.ros.checks import check_message
from sage_common.ros.conversions.percepts import percept_of
from sage_common.ros.node import SageNode
from sage_msgs.action import Refine
from sage_orchestrator.core.budget.atp import to_atp, to_ns
from sage_orchestrator.core.plugin import Region, Task
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.nodes.triggers import TriggerBuffer

FEEDBACK_PERIOD_S = 0.1


class Jobs:
    """Runs jobs by hand, and waits for what takes cycles.

    Args:
        node: the orchestrator's.
        orchestrator: who runs them.
        triggers: where an input is looked at.
        cycle: ends one cycle and begins the next.
    """

    def __init__(
        self,
        node: SageNode,
        orchestrator: Orchestrator,
        triggers: TriggerBuffer,
        cycle: Callable[[], None],
    ) -> None:
        self._node = node
        self._orchestrator = orchestrator
        self._triggers = triggers
        self._cycle = cycle

    def on_refine(
        self, goal: Refine.Goal, feedback: Callable[[Any], None], cancelled: Callable[[], bool]
    ) -> Refine.Result:
        """The action `orchestrator/refine`."""
        began_ns = self._node.stopwatch_ns()
        return execute_job(
            self._orchestrator,
            goal.plugin,
            job_of(goal, self._triggers.region(goal.input.modality)),
            wait=self._wait,
            elapsed_ns=lambda: self._node.stopwatch_ns() - began_ns,
            feedback=feedback,
            cancelled=cancelled,
        )

    def wait_for(self, done: Future[None], timeout_s: float) -> None:
        """Wait until a change of the plugins is done, at most so long [s]."""
        if not self._node.time_is_measured and not done.done():
            self._cycle()
        done.result(timeout_s if self._node.time_is_measured else 0.0)

    def _wait(self, job: Job) -> RunResult | None:
        if not self._node.time_is_measured:
            # Simulated time stands still during an action: the cycles pass here.
            self._cycle()
        return job.wait(FEEDBACK_PERIOD_S if self._node.time_is_measured else 0.0)


def job_of(goal: Refine.Goal, region: Region | None) -> Job:
    """The order of a goal; its input is looked at around `region` if that is given.

    Raises:
        InvalidInput: naming the field of the goal.
    """
    if not math.isfinite(goal.timeout_s) or goal.timeout_s <= 0.0:
        raise InvalidInput("timeout_s", goal.timeout_s, "a finite number above 0")
    limit_ns = to_ns(goal.budget_atp, "budget_atp")
    if limit_ns == 0:
        raise InvalidInput("budget_atp", goal.budget_atp, "more than 0 ATP")
    if not goal.input.valid:
        raise InvalidInput("input.valid", False, "a valid puzzle")
    check_message("sage_msgs/msg/Puzzle", goal.input)
    percept = percept_of(goal.input)
    task = Task(percept.stamp_ns, percept.modality, percept.source, 1.0, region, percept)
    return Job(task, limit_ns, round(goal.timeout_s * NS_PER_S))


def execute_job(
    orchestrator: Orchestrator,
    plugin: str,
    job: Job,
    *,
    wait: Callable[[Job], RunResult | None],
    elapsed_ns: Callable[[], int],
    feedback: Callable[[Any], None],
    cancelled: Callable[[], bool],
) -> Refine.Result:
    """Run a job to its end, on the worker of the action.

    Args:
        wait: waits a short time; the result, once there is one.
        elapsed_ns: time since the job came.

    Raises:
        InvalidInput: the plugin is unknown, isolated or busy.
    """
    orchestrator.submit(plugin, job)
    result = wait(job)
    while result is None:
        feedback(_progress(job))
        if cancelled():
            orchestrator.cancel(plugin, job, "cancelled on request")
        elif elapsed_ns() > job.timeout_ns:
            orchestrator.cancel(plugin, job, "out of time")
        result = wait(job)
    return _result(job, result)


def _progress(job: Job) -> Refine.Feedback:
    run = job.run
    if run is None:
        return Refine.Feedback()
    energies = run.history.energies[-1:]
    return Refine.Feedback(
        spent_atp=to_atp(run.spent_ns),
        steps=run.history.steps,
        energy=energies[0] if energies else 0.0,
    )


def _result(job: Job, result: RunResult) -> Refine.Result:
    progress = _progress(job)
    return Refine.Result(
        success=bool(result.output) and result.state in (PluginState.DONE, PluginState.SPENT),
        message=result.reason,
        spent_atp=progress.spent_atp,
        steps=progress.steps,
        energy=progress.energy,
        result_json=json.dumps(dict(result.output), allow_nan=False),
    )
