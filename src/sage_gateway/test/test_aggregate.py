"""History, alerts, plans and jobs."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from sage_common.core.diagnosis.ended import Ended
from sage_common.core.diagnosis.node_status import ERROR, OK, WARN, NodeStatus
from sage_gateway.core.alerts import AlertTracker
from sage_gateway.core.contract.events import Alert, Job
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


def status(name: str, level: int = OK, message: str = "running", *at_fault: str) -> NodeStatus:
    inputs, outputs = {
        "camera": ((), ("image",)),
        "vision_encoder": (("image",), ("puzzle",)),
        "vision_scorer": (("puzzle",), ("salience",)),
        "fusion": (("salience",), ("fused",)),
    }.get(name, ((), ()))
    return NodeStatus(name, level, message, at_fault, inputs, outputs)


def test_what_worsens_is_said_with_its_time_and_ends() -> None:
    alerts = AlertTracker()
    alerts.hear(status("camera"), 0.0, 100.0)
    assert alerts.now(1.0, 101.0, ()).alerts == ()
    alerts.hear(status("camera", WARN, "slow"), 2.0, 102.0)
    alerts.hear(status("camera", WARN, "slower"), 3.0, 103.0)
    assert alerts.now(3.0, 103.0, ()).alerts == (Alert("camera", "warn", "slower", 102.0, ()),)
    alerts.hear(status("camera"), 4.0, 104.0)
    assert alerts.now(4.0, 104.0, ()).alerts == ()


def test_ended_and_silent_processes_come_first_keep_their_time_and_are_said_once() -> None:
    alerts = AlertTracker()
    alerts.hear(status("camera"), 0.0, 100.0)
    alerts.hear(status("governor", ERROR, "broken"), 16.0, 116.0)
    alerts.hear(status("supervisor", ERROR, "degraded: memory: killed"), 16.0, 116.0)
    ended = (Ended("memory", "killed", ("memory",)),)
    for now_s in (16.0, 17.0):
        found = alerts.now(now_s, 100.0 + now_s, ended)
        assert [(alert.name, alert.level, alert.since_s) for alert in found.alerts] == [
            ("memory", "ended", 116.0), ("camera", "silent", 100.0), ("governor", "error", 116.0),
        ]  # fmt: skip
        assert found == alerts.now(now_s, 100.0 + now_s, ended)  # nothing new is sent
    assert "memory" not in {alert.name for alert in alerts.now(17.0, 117.0, ()).alerts}


def test_a_dead_sensor_is_one_alert_that_names_what_depends_on_it() -> None:
    alerts = AlertTracker()
    alerts.hear(status("camera", ERROR, "no device /dev/video0"), 0.0, 100.0)
    alerts.hear(status("vision_encoder", WARN, "no fresh input on image", "image"), 0.0, 100.0)
    alerts.hear(status("vision_scorer", WARN, "no fresh input on puzzle", "puzzle"), 0.0, 100.0)
    alerts.hear(status("fusion", WARN, "no fresh input on salience", "salience"), 0.0, 100.0)
    behind = ("fusion", "vision_encoder", "vision_scorer")
    assert alerts.now(0.0, 100.0, ()).alerts == (
        Alert("camera", "error", "no device /dev/video0", 100.0, behind),
    )


def test_a_node_that_was_shed_or_is_not_active_yet_is_no_alert_unless_it_is_lacked() -> None:
    alerts = AlertTracker()
    alerts.hear(replace(status("governor"), shed=(("vision_encoder", "red"),)), 0.0, 100.0)
    alerts.hear(status("vision_encoder", WARN, "inactive"), 0.0, 100.0)
    alerts.hear(status("camera", WARN, "inactive"), 0.0, 100.0)
    assert alerts.now(0.0, 100.0, ()).alerts == ()
    alerts.hear(status("governor"), 1.0, 101.0)
    alerts.hear(status("vision_scorer", WARN, "no fresh input on puzzle", "puzzle"), 1.0, 101.0)
    (alert,) = alerts.now(1.0, 101.0, ()).alerts
    assert (alert.name, alert.consequences) == ("vision_encoder", ("vision_scorer",))


def test_ended_processes_are_read_when_they_change(tmp_path: Path) -> None:
    ended = EndedProcesses(tmp_path)
    assert ended.now() == ()
    path = tmp_path / "run" / "graph.json"
    path.parent.mkdir()
    gone = Ended("memory", "killed", ("memory",), ("/sage/experience",))
    path.write_text(json.dumps({"ended": [asdict(gone)]}))
    assert ended.now() == (gone,) == ended.now()
    path.unlink()
    assert ended.now() == ()


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
