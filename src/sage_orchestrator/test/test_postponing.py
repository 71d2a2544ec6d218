"""Who has lost trust answers by its deadline, and not at once, while others need the budget."""

from __future__ import annotations

from misbehaving_plugins import ATP, Endless, Halving, Useless

from sage_orchestrator.core.plugin import Task
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.job import Job

S = 1_000_000_000


def ended(lines, name: str) -> list[bool]:
    return [line[name].state == PluginState.DONE for line in lines]


def test_the_distrusted_waits_until_its_answer_is_due_and_says_so(bench):
    bench.add(Useless("useless"), Endless("rival"))
    bench.orchestrator.set_trust("useless", 0.1)
    lines = bench.cycles(31)[1:]
    assert 2 <= sum(ended(lines, "useless")) <= 4
    waiting = next(line["useless"] for line in lines if not line["useless"].spent_ns)
    assert waiting.reason.startswith("trust 0.09: others come first; its answer is due in ")


def test_nobody_waits_where_the_budget_suffices_or_matters_least(bench):
    bench.add(Useless("useless"), Halving("rival"))
    bench.orchestrator.set_trust("useless", 0.1)
    assert all(ended(bench.cycles(10)[2:], "useless"))
    bench.orchestrator.set_trust("rival", 0.05)
    assert all(ended(bench.cycles(10)[1:], "useless"))


def test_one_that_improves_is_trusted_again(bench):
    bench.add(Halving("better"), Endless("rival"))
    bench.orchestrator.set_trust("better", 0.05)
    lines = bench.cycles(80)
    assert lines[-1]["better"].trust > 0.6
    assert all(ended(lines[-10:], "better"))


def test_a_job_by_hand_does_not_wait(bench):
    bench.add(Useless("useless"), Endless("rival"))
    bench.cycles(3)
    bench.orchestrator.set_trust("useless", 0.05)
    job = Job(Task(7, "vision", "front", 1.0), 500 * ATP, 10 * S)
    bench.orchestrator.submit("useless", job)
    bench.cycles(2)
    assert job.result is not None
