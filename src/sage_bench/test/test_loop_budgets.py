"""What a process takes is held to what was recorded, and one that takes more is named."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from sage.observe.counters import Counters
from sage.run.process_state import process_cpu_s
from sage.soak.budgets import read_budgets
from sage_bench.loop.budgets import SETTLED_S, ProcessUse, budget_rows, notes, record_budgets

RECORDED = {"vision_encoder": {"CPU": 20.0, "memory": 50.0}, "idle": {"CPU": 0.5}}


def taken(cpu: float) -> dict[str, dict[str, float]]:
    return {"vision_encoder": {"CPU": cpu, "memory": 60.0}, "idle": {"CPU": 5.4}}


@pytest.mark.parametrize(("cpu", "is_met"), [(36.0, True), (36.1, False)])
def test_a_budget_is_1_8_times_the_recorded_figure(cpu: float, is_met: bool) -> None:
    rows = {row.name: row for row in budget_rows(taken(cpu), RECORDED)}
    assert rows["vision_encoder: CPU"].met is is_met
    assert rows["vision_encoder: CPU"].baselines == {"recorded": 20.0}
    assert rows["vision_encoder: memory"].met
    over = notes(rows.values(), RECORDED)
    assert over == (() if is_met else ("over its budget: vision_encoder: CPU 36.1 % of a core",))


def test_a_small_one_is_5_more_and_one_without_has_no_goal_and_is_named() -> None:
    row, new = budget_rows({"idle": {"CPU": 5.6}, "new": {"CPU": 90.0}}, RECORDED)
    assert row.goal == 5.5 and not row.met
    assert new.goal is None and new.met is None
    assert "new has no budget in config/budgets.json" in notes([row, new], RECORDED)


def test_what_was_measured_becomes_the_budget_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "budgets.json"
    record_budgets(budget_rows(RECORDED, {}), path)
    record_budgets(budget_rows({"idle": {"CPU": 1.26}}, {}), path)
    assert read_budgets(path) == {**RECORDED, "idle": {"CPU": 1.3}}


def test_the_use_of_a_process_is_what_it_took_while_it_was_watched(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "while True: pass", "__node:=spinner"]
    ) as busy:
        value = SimpleNamespace(key="/sage/puzzle published", value="10")
        status = SimpleNamespace(name="/sage/spinner", values=[value])
        latest = SimpleNamespace(statuses=lambda: [status], counters=Counters(), state=None)
        session = SimpleNamespace(
            elapsed_s=SETTLED_S - 0.1, home=tmp_path, observer=SimpleNamespace(latest=latest)
        )
        use = ProcessUse()
        use.tick(session)
        assert use.taken() == {}
        session.elapsed_s = SETTLED_S + 1.0
        use.tick(session)
        before_s = process_cpu_s(busy.pid)
        while process_cpu_s(busy.pid) < before_s + 0.2:
            time.sleep(0.01)
        value.value, session.elapsed_s = "40", SETTLED_S + 3.0
        use.tick(session)
        busy.kill()
    taken = use.taken()
    assert "command" not in taken
    assert taken["spinner"]["CPU"] >= 10.0
    assert taken["spinner"]["messages"] == 15.0
    assert taken["spinner"]["memory"] > 0.5
