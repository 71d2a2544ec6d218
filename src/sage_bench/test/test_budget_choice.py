"""The bench of choice: what each way of sharing makes of made-up runs, and what is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sage_bench.budget import decision, live
from sage_bench.budget.choice import figures as choice
from sage_bench.budget.choice.contrast import contrast_rows
from sage_bench.budget.choice.policies import (
    by_salience,
    cost_of,
    equal_shares,
    first_in_first_out,
    oracle,
    played,
    worth_of,
)
from sage_bench.budget.choice.replayed import orchestrated
from sage_bench.budget.choice.streams import Stream
from sage_bench.budget.choice.traces import JobTrace
from sage_bench.encoders.section import Setting

MS = 1_000_000
GOOD = JobTrace("good", "vision", 0, 0.8, (2 * MS, 2 * MS), (1.0, 0.1), (0.1, 0.9))
POOR = JobTrace("poor", "vision", 0, 0.8, (2 * MS, 6 * MS), (1.0, 0.9), (0.1, 0.2))


def stream(ticks: int) -> list[JobTrace]:
    return [replace(job, tick=tick) for tick in range(ticks) for job in (POOR, GOOD)]


def test_the_oracle_knows_what_each_step_is_worth_and_the_others_do_not() -> None:
    here = [POOR, GOOD]
    assert list(oracle(here, 7 * MS)) == [1, 2]
    assert list(oracle(here, 1 * MS)) == [0, 0]
    assert list(first_in_first_out(here, 7 * MS)) == [2, 0]
    assert list(equal_shares(here, 8 * MS)) == [2, 2], "a last step that is begun overruns"
    salient = [replace(POOR, salience=0.1), GOOD]
    assert list(by_salience(salient, 6 * MS)) == [1, 2]
    assert cost_of(GOOD, 2) == 4 * MS and cost_of(GOOD, 0) == 0
    assert worth_of(GOOD, 2) == pytest.approx(0.72) and worth_of(GOOD, 0) == 0.0


def test_an_overrun_is_owed_by_the_next_cycle() -> None:
    outcome = played(stream(3), 7 * MS, first_in_first_out)
    assert sum(outcome.spent_ns) <= 3 * 7 * MS + 6 * MS
    assert 0 in outcome.answers


def test_ours_learns_which_steps_are_worth_their_cost() -> None:
    jobs = stream(40)
    ours = orchestrated(jobs, 7 * MS)
    assert ours.inversions == ours.missed == 0
    assert ours.answers[-6:] == (1, 2) * 3
    assert sum(ours.spent_ns) <= 40 * 7 * MS
    best = played(jobs, 7 * MS, oracle)
    worth = [
        sum(worth_of(job, count) for job, count in zip(jobs, outcome.answers, strict=True))
        for outcome in (ours, best, played(jobs, 7 * MS, first_in_first_out))
    ]
    assert worth[0] >= 0.9 * worth[1] > worth[2]


def contrasting(ticks: int) -> list[JobTrace]:
    """`recognise_dark`, which says that it does not know, is of no use; it shows that at each tenth
    tick, when nobody else asks."""
    roles = {"look_finely": GOOD, "recall": GOOD, "recognise": GOOD}
    useless = replace(
        POOR, plugin="recognise_dark", costs_ns=(4 * MS, 4 * MS), energies=(1.0, 0.98),
        values=(0.0, 0.0),
    )  # fmt: skip
    return [
        replace(job, tick=tick)
        for tick in range(ticks)
        for job in (*(replace(role, plugin=name) for name, role in roles.items()), useless)
        if tick % 10 != 9 or job is useless
    ]


def test_where_one_is_of_no_use_ours_learns_it_and_equal_shares_do_not() -> None:
    made = contrast_rows("made", contrasting(300), choice.OTHERS, choice.REGRET_GOAL)
    found = {row.name: row for row in made}
    less = found["made, contrasting, 150 % load: regret less than with equal shares"]
    assert less.low is not None and less.low > 0.0, "the interval excludes zero"
    regret = found["made, contrasting, 150 % load: mean regret of a photograph"]
    assert regret.samples == 60
    assert found["made, contrasting, 150 % load: inversions"].met


def test_an_answer_after_its_deadline_counts_as_none() -> None:
    late = Stream("late", ("good", "poor"), due_ticks={"poor": 1})
    jobs = [replace(POOR, costs_ns=(9 * MS, 9 * MS)), GOOD]
    on_time = orchestrated(jobs, 4 * MS).answers
    assert on_time[0] >= 1 and orchestrated(jobs, 4 * MS, late).answers[0] in (0, on_time[0])


def test_rows_say_what_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "DAYS_KEPT", 1)
    found = {row.name: row for row in choice._of_load("made, 150 % load", stream(40), 1.5)}
    assert found["made, 150 % load: inversions"].met
    assert set(found["made, 150 % load: regret"].baselines) == set(choice.OTHERS)
    errors = choice._errors("made", stream(40))
    assert [row.value for row in errors[:3]] == [0.0, 0.0, 0.0], "made-up steps cost the same"
    assert [row.value for row in errors[3:5]] == [1.0, 1.0] and 1.0 <= errors[5].value <= 1.2
    assert 0 < choice._week_bytes(stream(4)) < 20_000


def test_decisions_are_timed_and_budgets_on_threads_are_booked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decision, "CYCLES_QUICK", 20)
    monkeypatch.setattr(live, "SECONDS_QUICK", 1.5)
    setting = Setting(Path(), Path(), quick=True)
    assert all(row.value > 0.0 for row in decision.rows(setting).rows)
    unused, overrun = live.rows(setting).rows
    assert 0.0 <= unused.value <= 1.0 and overrun.value >= 0.0
