"""The jobs by hand that wait for a plugin while it is busy with another."""

from __future__ import annotations

import bisect

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.runtime import PluginRuntime

MOST_WAITING = 8


def jobs_before(runtime: PluginRuntime, job: Job) -> list[Job]:
    """Those that end before a new one would begin."""
    waiting = [other for other in runtime.waiting_jobs if other.rank <= job.rank]
    return [] if runtime.job is None else [runtime.job, *waiting]


def cost_bound_ns(runtime: PluginRuntime, job: Job) -> int:
    """What is still to be spent for a job at most, nine times of ten."""
    spent_ns = 0 if job.run is None else job.run.spent_ns
    whole_ns = runtime.history.whole_bound_ns(job.task.modality)
    most_ns = job.limit_ns if whole_ns is None else min(whole_ns, job.limit_ns)
    return max(0, most_ns - spent_ns)


def enqueue(runtime: PluginRuntime, job: Job) -> None:
    """Give a job to a plugin, now or when it is its turn; the least of more than 8 is dropped.

    Raises:
        InvalidInput: as many wait, and are worth more or are due before.
    """
    if runtime.job is None:
        runtime.job = job
        return
    waiting = runtime.waiting_jobs
    if len(waiting) == MOST_WAITING and waiting[-1].rank <= job.rank:
        expected = f"one for which fewer than {MOST_WAITING} jobs wait, all of them worth as much"
        raise InvalidInput("plugin", runtime.name, expected)
    bisect.insort(waiting, job, key=lambda other: other.rank)
    if len(waiting) > MOST_WAITING:
        _drop(waiting.pop(), "a job that is worth more took its place")


def begin_next(runtime: PluginRuntime) -> None:
    """Give a plugin that has no job the next one that waits."""
    if runtime.job is None and runtime.waiting_jobs:
        runtime.job = runtime.waiting_jobs.pop(0)


def drop_late(runtime: PluginRuntime, now_ns: int) -> None:
    """End the jobs that were due before it was their turn."""
    for job in [j for j in runtime.waiting_jobs if j.due_ns is not None and j.due_ns <= now_ns]:
        runtime.waiting_jobs.remove(job)
        seconds = job.timeout_ns / 1e9
        _drop(job, f"{runtime.name} was busy with other jobs for {seconds:g} s")


def drop_all(runtime: PluginRuntime, result: RunResult) -> None:
    """End all that wait."""
    while runtime.waiting_jobs:
        runtime.waiting_jobs.pop().finish(result)


def _drop(job: Job, reason: str) -> None:
    job.finish(RunResult(PluginState.TIMED_OUT, reason))
