"""Curves and histories: what the runs of a plugin teach of the next one."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from misbehaving_plugins import ATP, Endless, Halving, Raising, Slow

from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import json_array
from sage_common.core.state.packing import VALUES
from sage_orchestrator.core.budget.allocation import Demand, allocate
from sage_orchestrator.core.choice.curve import UNKNOWN_FALL, QualityCostCurve, Segment
from sage_orchestrator.core.choice.daily import DAYS_KEPT, ENOUGH_RUNS, NS_PER_DAY
from sage_orchestrator.core.choice.history import (
    LEAST_RUNS,
    RUNS_KEPT,
    WHOLE_RUNS_KEPT,
    RunHistory,
)
from sage_orchestrator.core.choice.run_record import MOST_STEPS, RunRecord
from sage_orchestrator.core.plugin import Task
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.job import Job

MS = 1_000_000
S = 1_000_000_000


def run(*energies: float, cost_ms: int = 2, halted: bool = True) -> RunRecord:
    return RunRecord.of(halted, [cost_ms * MS] * len(energies), energies)


def test_a_curve_knows_what_each_step_takes_away_and_costs() -> None:
    curve = QualityCostCurve([run(1.0, 0.5, 0.4), run(0.8, 0.4, 0.32)])
    assert [step.cost_ns for step in curve.steps] == [2 * MS] * 3
    assert [step.fall for step in curve.steps] == pytest.approx([0.0, 0.5, 0.2])
    assert curve.cost_ns(2) == 6 * MS
    segment = curve.next_segment(1, 0.45)
    assert segment == (2 * MS, pytest.approx(0.225)), "half of the energy left"


def test_energies_count_as_they_are_but_large_ones_are_scaled_to_begin_at_one() -> None:
    small, large = QualityCostCurve([run(0.2, 0.1)]), QualityCostCurve([run(50.0, 25.0)])
    assert sum(segment.gain for segment in small.segments(1)) == pytest.approx(0.1)
    assert sum(segment.gain for segment in large.segments(1)) == pytest.approx(0.5)
    assert large.next_segment(1, 25.0).gain == pytest.approx(0.25)


def test_costs_are_medians_and_one_slow_run_changes_nothing() -> None:
    runs = [run(1.0, 0.5) for _ in range(9)] + [run(1.0, 0.5, cost_ms=500)]
    assert QualityCostCurve(runs).cost_ns(1) == 4 * MS


def test_runs_that_budget_ended_say_nothing_of_how_long_others_go_on() -> None:
    cut = [run(1.0, 0.5, halted=False)] * 3
    curve = QualityCostCurve([*cut, run(1.0, 0.5, 0.25)])
    assert curve.steps[2].chance == 1.0 and curve.whole_ns == 6 * MS
    half = QualityCostCurve([*cut, run(1.0, 0.5), run(1.0, 0.5, 0.25)])
    assert half.steps[2].chance == 0.5 and half.whole_ns == 5 * MS


def test_segments_fall_in_gain_per_time_and_keep_what_is_gained() -> None:
    curve = QualityCostCurve([run(1.0, 0.95, 0.4, 0.38)])
    segments = curve.segments(1)
    assert [s.cost_ns for s in segments] == [4 * MS, 2 * MS], "a small step opens a large one"
    assert sum(s.gain for s in segments) == pytest.approx(0.62)
    rates = [s.gain_per_ms for s in segments]
    assert rates == sorted(rates, reverse=True)
    assert QualityCostCurve([]).segments(0) == ()


def test_a_plugin_that_never_ran_is_tried_and_one_that_gains_nothing_is_not_worth_a_step() -> None:
    assert QualityCostCurve([]).next_segment(1, 1.0).gain == UNKNOWN_FALL
    assert QualityCostCurve([run(1.0, 1.0, 1.1)]).next_segment(2, 1.0).gain == 0.0


def test_a_modality_with_few_runs_is_like_the_others() -> None:
    history = RunHistory()
    for _ in range(5):
        history.learn(0, "vision", True, [2 * MS] * 2, [1.0, 0.5])
    assert history.curve("audio").cost_ns(1) == 4 * MS
    for _ in range(5):
        history.learn(0, "audio", True, [8 * MS] * 2, [1.0, 0.5])
    assert history.curve("audio").cost_ns(1) == 16 * MS
    assert history.curve("vision").cost_ns(1) == 4 * MS


def test_a_week_is_kept_by_the_day_and_runs_stay_few() -> None:
    history, runs_a_day = RunHistory(), 10
    for number in range(30 * runs_a_day):
        history.learn(number // runs_a_day * NS_PER_DAY, "vision", True, [MS], [1.0])
    record = history.record
    assert [day.day for day in record.days["vision"]] == list(range(30 - DAYS_KEPT, 30))
    assert all(sum(day.first.counts) == runs_a_day for day in record.days["vision"])
    assert len(record.runs["vision"]) == RUNS_KEPT + WHOLE_RUNS_KEPT
    assert RunRecord.of(True, [1] * 100, [0.0] * 100).halted is False
    assert len(RunRecord.of(True, [1] * 100, [0.0] * 100).costs_ns) == MOST_STEPS + 1


def test_shares_go_to_mandatory_parts_then_to_the_steps_that_gain_most() -> None:
    demands = [
        Demand("steep", 1.0, 0.5, mandatory_ns=200, segments=(Segment(300, 0.9),)),
        Demand("flat", 1.0, 0.9, mandatory_ns=200, segments=(Segment(600, 0.1),)),
        Demand("new", 1.0, 0.5),
    ]
    shares = allocate(1000, 0.05, demands)
    assert shares == {"steep": 500, "flat": 450, "new": 50}
    assert sum(allocate(2000, 0.05, demands).values()) == 2000


def test_who_is_in_debt_does_not_have_it_paid_by_others() -> None:
    owing = Demand("owing", 0.05, 0.5, debt_ns=300, mandatory_ns=300)
    other = Demand("other", 1.0, 0.5)
    without = allocate(1000, 0.05, [replace(owing, debt_ns=0), other])
    assert allocate(1000, 0.05, [owing, other]) == without


def test_the_orchestrator_learns_from_every_run_that_answers(bench) -> None:
    bench.add(Halving("good"), Raising("bad"))
    bench.cycles(4)
    bench.orchestrator.packing()
    histories = bench.orchestrator.histories
    assert [len(r.energies) for r in histories["good"].runs["vision"]] == [7] * 4
    assert all(r.halted for r in histories["good"].runs["vision"])
    assert "bad" not in histories


def test_a_history_survives_a_restart_and_a_plugin_that_is_absent(bench, threaded) -> None:
    bench.add(Halving("a"), Endless("b"))
    bench.cycles(20)
    saved = bench.orchestrator.state()
    threaded.orchestrator.restore(saved)
    threaded.add(Halving("a"))
    assert threaded.orchestrator.state()[VALUES].tobytes() == saved[VALUES].tobytes()
    wrong = json.loads(saved[VALUES].tobytes())
    wrong["histories"]["a"]["runs"]["vision"][0]["costs_ns"] = [-1]
    with pytest.raises(InvalidInput, match="costs_ns"):
        threaded.orchestrator.restore({VALUES: json_array(wrong)})
    wrong["histories"]["a"]["runs"]["vision"][0]["costs_ns"] = [1]
    with pytest.raises(InvalidInput, match="as many of one as of the other"):
        threaded.orchestrator.restore({VALUES: json_array(wrong)})
    del wrong["histories"]
    threaded.orchestrator.restore({VALUES: json_array(wrong)})


def test_what_a_run_costs_at_most_is_learned_by_modality_from_the_newest_days() -> None:
    history, random = RunHistory(), np.random.default_rng(0)
    costs = np.exp(random.normal(np.log(20 * MS), 0.6, 400)).astype(int).tolist()
    for number, cost in enumerate(costs):
        history.learn(number * S, "vision", number % 2 == 0, [MS, cost], [1.0, 0.5])
    bound = history.whole_bound_ns("vision")
    assert bound is not None and 0.87 <= np.mean(np.array(costs[::2]) + MS <= bound) <= 0.96
    assert history.first_bound_ns("vision") == pytest.approx(MS, rel=0.2)
    assert history.first_bound_ns("audio") == history.first_bound_ns("vision"), "as the others"
    for _ in range(4):
        history.learn(400 * S, "audio", True, [9 * MS], [1.0])
    assert history.first_bound_ns("audio") == pytest.approx(9 * MS, rel=0.2)
    for _ in range(ENOUGH_RUNS):
        history.learn(NS_PER_DAY, "vision", True, [5 * MS, MS], [1.0, 0.5])
    assert history.first_bound_ns("vision") == pytest.approx(5 * MS, rel=0.2), "as of today"
    for day in range(2, 20):
        history.learn(day * NS_PER_DAY, "vision", True, [MS], [1.0])
    assert len(history.record.days["vision"]) == DAYS_KEPT
    assert RunHistory.of(history.record).whole_bound_ns("vision") == history.whole_bound_ns(
        "vision"
    )


def test_one_dear_run_refuses_nobody() -> None:
    history = RunHistory()
    for _ in range(LEAST_RUNS - 1):
        history.learn(0, "vision", True, [900 * MS], [1.0])
    assert history.first_bound_ns("vision") is None, "hardly any ran"
    for _ in range(60):
        history.learn(0, "vision", True, [MS], [1.0])
    assert history.first_bound_ns("vision") == pytest.approx(MS, rel=0.2)


def test_a_job_that_cannot_be_answered_is_refused_with_what_it_takes(bench) -> None:
    bench.add(Slow("slow"))
    task = Task(5, "vision", "front", 1.0)
    bench.orchestrator.submit("slow", first := Job(task, 1000 * ATP, 10 * S))
    bench.cycles(8)
    assert first.result is not None and first.result.state == PluginState.SPENT
    with pytest.raises(InvalidInput, match=r"at least 326\.1: what the first answer of slow may"):
        bench.orchestrator.submit("slow", Job(task, 200 * ATP, 10 * S))
    bench.policy = bench.policy.__class__(S // 10, 100 * ATP, 0.05, S)
    bench.cycles(1)
    with pytest.raises(InvalidInput, match=r"more than 0\.3 s: the first answer of slow may cost"):
        bench.orchestrator.submit("slow", Job(task, 1000 * ATP, S // 10))
    bench.orchestrator.submit("slow", Job(task, 1000 * ATP, S))


def test_a_restored_history_refuses_at_once_what_the_one_before_did(bench, threaded) -> None:
    bench.add(Slow("slow"))
    bench.cycles(8)
    threaded.orchestrator.restore(bench.orchestrator.state())
    threaded.add(Slow("slow"))
    with pytest.raises(InvalidInput, match=r"at least 326\.1"):
        threaded.orchestrator.submit("slow", Job(Task(5, "vision", "front", 1.0), ATP, S))


def test_each_eighth_job_that_would_be_refused_is_a_probe_and_teaches_what_runs_cost_now(
    bench,
) -> None:
    slow = Slow("slow")
    bench.add(slow)
    bench.cycles(8)
    slow.nominal_step_ns = 50 * ATP
    task, taken = Task(5, "vision", "front", 1.0), []
    for _ in range(600):
        job = Job(task, 100 * ATP, 10 * S)
        try:
            bench.orchestrator.submit("slow", job)
        except InvalidInput:
            taken.append(False)
            continue
        taken.append(True)
        while job.result is None:
            bench.now_ns += S // 10
            bench.orchestrator.cycle([], bench.policy)
    assert sum(taken[:80]) == 10, "one of eight"
    assert all(taken[-10:]), "they taught that it is cheap now"
