"""Jobs by hand for a plugin that is busy wait for it, if it can be done with them in time."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from misbehaving_plugins import ATP, Endless

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.plugin import Task
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.job_queue import MOST_WAITING

S = 1_000_000_000


def job(budget_atp: float = 500, salience: float = 1.0, timeout_s: float = 60.0) -> Job:
    task = Task(7, "vision", "front", salience)
    return Job(task, round(budget_atp * ATP), round(timeout_s * S))


def submit(bench, *jobs: Job) -> None:
    for one in jobs:
        bench.orchestrator.submit("endless", one)


@pytest.fixture
def busy(bench):
    """A plugin with a job that goes on for some cycles."""
    bench.add(Endless("endless"))
    submit(bench, job(2500))
    bench.cycles(1)
    return bench


def test_jobs_wait_by_worth_then_by_when_they_are_due(busy):
    plain, urgent, worthy = job(salience=0.5), job(salience=0.5, timeout_s=30.0), job(salience=0.9)
    ends: list[Job] = []
    submit(busy, plain, urgent, worthy)
    for _ in range(12):
        busy.cycles(1)
        ends += [one for one in (plain, urgent, worthy) if one.result and one not in ends]
    assert ends == [worthy, urgent, plain]
    assert all(one.result.state == PluginState.SPENT for one in ends)
    assert all(one.run.spent_ns >= 500 * ATP for one in ends)


def test_one_that_could_not_begin_in_time_is_refused_with_what_is_before_it(busy):
    with pytest.raises(InvalidInput, match=r"timeout_s = 0.01.*ATP of jobs before it"):
        submit(busy, job(timeout_s=0.01))


def test_one_that_is_due_before_its_turn_is_dropped_with_words(busy):
    late = job(timeout_s=1.0)
    submit(busy, late)
    busy.cycle(step_s=1.5)
    assert late.result is not None and late.result.state == PluginState.TIMED_OUT
    assert late.result.reason == "endless was busy with other jobs for 1 s"
    assert not late.result.output


def test_of_more_than_eight_the_one_that_is_worth_least_goes(busy):
    waiting = [job(salience=0.5) for _ in range(MOST_WAITING)]
    submit(busy, *waiting)
    with pytest.raises(InvalidInput, match="fewer than 8 jobs wait"):
        submit(busy, job(salience=0.4))
    submit(busy, job(salience=0.6))
    dropped = [one for one in waiting if one.result is not None]
    assert len(dropped) == 1
    assert dropped[0].result.reason == "a job that is worth more took its place"


def test_one_that_waits_can_be_cancelled(busy):
    first, second = job(), job()
    submit(busy, first, second)
    busy.orchestrator.cancel("endless", first, "changed my mind")
    assert first.result is not None and first.result.reason == "changed my mind"
    busy.cycles(8)
    assert second.result is not None and second.result.state == PluginState.SPENT


@pytest.mark.parametrize("close", [True, False])
def test_those_that_wait_end_with_their_plugin(busy, close: bool):
    waiting = job()
    submit(busy, waiting)
    if close:
        busy.orchestrator.close()
    else:
        left: Future[None] = busy.orchestrator.unload("endless")
        busy.cycles(2)
        assert left.done()
    assert waiting.result is not None and not waiting.result.output
