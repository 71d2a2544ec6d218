"""History, alerts, plans and jobs."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from sage_gateway.core.alerts import AlertTracker
from sage_gateway.core.contract.events import Job
from sage_gateway.core.ended import EndedProcesses
from sage_gateway.core.forget_plans import MOST, VALID_S, ForgetPlans
from sage_gateway.core.history import POINTS, Condition, History
from sage_gateway.core.jobs import Busy, Jobs


def test_a_second_keeps_its_most_salient_moment_and_adds_up_its_cycles() -> None:
    history = History()
    history.salience(0.2, 1.0, "vision: novelty", "vision", {"vision": 0.2})
    history.salience(0.7, 1.5, "audio: surprise", "audio", {"audio": 0.7, "vision": 0.1})
    history.salience(0.3, 1.9, "vision: novelty", "vision", {"vision": 0.3})
    history.cycle(1000.0, {"look": 10.0, "recall": 0.0})
    history.cycle(1000.0, {"look": 5.0})
    history.experience()
    point = history.close_second(2.0, Condition(state="WAKE", trust={"look": 0.5}))
    assert (point.total, point.stamp_s, point.reason) == (0.7, 1.5, "audio: surprise")
    assert point.modalities == {"audio": 0.7, "vision": 0.1}
    assert (point.spent_atp, point.budget_atp, point.spent_by["look"]) == (15.0, 2000.0, 15.0)
    assert (point.experiences, point.state, point.trust) == (1, "WAKE", {"look": 0.5})
    assert point.temperature_c is None and point.pressure == ""
    quiet = history.close_second(3.0, Condition())
    assert quiet.total is None and quiet.spent_atp is None and quiet.modalities == {}


def test_history_is_bounded() -> None:
    history = History()
    for second in range(POINTS + 5):
        history.close_second(float(second), Condition())
    assert len(history.points) == POINTS and history.points[0].time_s == 5.0


def test_what_worsens_is_said_with_its_time_and_ends() -> None:
    alerts = AlertTracker(10.0)
    alerts.hear("camera", "", "running", 0.0, 100.0)
    assert alerts.now(1.0, 101.0, {}).alerts == ()
    alerts.hear("camera", "warn", "slow", 2.0, 102.0)
    alerts.hear("camera", "warn", "slower", 3.0, 103.0)
    (alert,) = alerts.now(3.0, 103.0, {}).alerts
    assert (alert.name, alert.level, alert.message, alert.since_s) == (
        "camera", "warn", "slower", 102.0,
    )  # fmt: skip
    alerts.hear("camera", "", "running", 4.0, 104.0)
    assert alerts.now(4.0, 104.0, {}).alerts == ()


def test_silence_and_ended_processes_come_first_and_keep_their_time() -> None:
    alerts = AlertTracker(10.0)
    alerts.hear("camera", "", "running", 0.0, 100.0)
    alerts.hear("fusion", "error", "broken", 15.0, 115.0)
    for now_s in (15.0, 16.0):
        found = alerts.now(now_s, 100.0 + now_s, {"memory": "killed"}).alerts
        assert [(alert.name, alert.level, alert.since_s) for alert in found] == [
            ("memory", "ended", 115.0), ("camera", "silent", 100.0), ("fusion", "error", 115.0),
        ]  # fmt: skip
    assert "memory" not in {alert.name for alert in alerts.now(17.0, 117.0, {}).alerts}


def test_who_only_lacks_input_is_left_out_while_a_cause_is_known() -> None:
    alerts = AlertTracker(10.0)
    alerts.hear("fusion", "warn", "input at fault", 0.0, 100.0, lacks_input=True)
    assert [a.name for a in alerts.now(0.0, 100.0, {}).alerts] == ["fusion"]
    alerts.hear("camera", "error", "no device", 0.0, 100.0)
    assert [a.name for a in alerts.now(0.0, 100.0, {}).alerts] == ["camera"]


def test_ended_processes_are_read_when_they_change(tmp_path: Path) -> None:
    ended = EndedProcesses(tmp_path)
    assert ended.now() == {}
    path = tmp_path / "run" / "graph.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"ended": [{"process": "memory", "message": "killed"}]}))
    assert ended.now() == {"memory": "killed"} == ended.now()
    path.unlink()
    assert ended.now() == {}


def test_a_plan_holds_for_a_minute_once_and_few_are_kept() -> None:
    now_s = 0.0
    plans = ForgetPlans(lambda: now_s)
    late = plans.plan(("a",))
    now_s = VALID_S
    assert not plans.confirm(late.confirmation, ("a",))
    first = plans.plan(("a", "a"))
    assert first.ids == ("a",)
    for _ in range(MOST):
        newest = plans.plan(("b",))
    assert not plans.confirm(first.confirmation, ("a",))
    assert plans.confirm(newest.confirmation, ("b",))
    assert not plans.confirm(newest.confirmation, ("b",))


def test_a_job_that_fails_says_why_and_makes_room() -> None:
    told: list[Job] = []
    ended = threading.Event()

    def tell(job: Job) -> None:
        told.append(job)
        if job.state != "running":
            ended.set()

    jobs = Jobs(tell)
    go = threading.Event()

    def work(progress: object, should_stop: object) -> tuple[bool, str, dict[str, object]]:
        assert go.wait(60.0)
        raise RuntimeError("no node serves it")

    number = jobs.start("sleep", work)
    with pytest.raises(Busy):
        jobs.start("sleep", work)
    assert [job.job for job in jobs.running()] == [number]
    go.set()
    assert ended.wait(60.0)
    assert (told[-1].state, told[-1].message) == ("failed", "no node serves it")
    assert jobs.running() == () and not jobs.cancel(number)
