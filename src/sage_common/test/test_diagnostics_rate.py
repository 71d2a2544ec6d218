"""Nodes report their health less often while the robot rests, and at once when it changes."""

from __future__ import annotations

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from sage_common.core.diagnosis.node_status import LOOK_PERIOD_S, REPORT_PERIOD_S, RESTING_PERIOD_S
from sage_common.ros.diagnostics import OWED
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.node import SageNode
from sage_msgs.msg import MetabolicState

NAME = "reporter"
GOVERNED_MS = 500.0


class ReporterNode(SageNode):
    default_name = NAME

    def on_configure(self) -> None:
        self.subscribe("state", lambda _message: None)


class ListenerNode(SageNode):
    default_name = "listener"
    watches = True

    def on_configure(self) -> None:
        type_name = "diagnostic_msgs/msg/DiagnosticArray"
        self.subscribe_foreign("/diagnostics", type_name, lambda _message: None)


def reports(host: LockstepHost, seconds: float) -> list[DiagnosticStatus]:
    """What the node reports in this time."""
    before = len(host.outputs)
    host.run_for(seconds)
    new = [item for item in host.outputs[before:] if item.topic == "/diagnostics"]
    return [s for item in new for s in item.message().status if s.name == f"/sage/{NAME}"]


def enter(host: LockstepHost, state: int, cycle_ms: float = GOVERNED_MS) -> None:
    host.publish("state", MetabolicState(state=state, cycle_ms=cycle_ms))
    host.run_for(0.1)


@pytest.fixture
def host() -> LockstepHost:
    host = LockstepHost()
    host.add(ReporterNode)
    host.run_for(RESTING_PERIOD_S + 0.1)
    return host


@pytest.mark.parametrize("state", [MetabolicState.REST, MetabolicState.DREAM])
def test_who_rests_reports_less_often(host: LockstepHost, state: int) -> None:
    assert len(reports(host, 20.0)) == round(20.0 / REPORT_PERIOD_S)
    enter(host, state)
    assert len(reports(host, 20.0)) == round(20.0 / RESTING_PERIOD_S)
    enter(host, MetabolicState.WAKE)
    assert len(reports(host, 20.0)) == round(20.0 / REPORT_PERIOD_S)


@pytest.mark.parametrize("state", [MetabolicState.WAKE, MetabolicState.CRISIS])
def test_who_does_not_rest_reports_as_ever(host: LockstepHost, state: int) -> None:
    enter(host, state)
    assert len(reports(host, 20.0)) == round(20.0 / REPORT_PERIOD_S)


def test_a_state_that_governs_no_more_slows_nothing(host: LockstepHost) -> None:
    enter(host, MetabolicState.REST)
    enter(host, MetabolicState.REST, cycle_ms=0.0)
    assert len(reports(host, 20.0)) == round(20.0 / REPORT_PERIOD_S)


def test_who_begins_to_listen_hears_of_it_at_the_next_looks(host: LockstepHost) -> None:
    enter(host, MetabolicState.REST)
    reports(host, RESTING_PERIOD_S)
    assert not reports(host, LOOK_PERIOD_S)
    host.add(ListenerNode)
    for _ in range(OWED):
        assert len(reports(host, LOOK_PERIOD_S)) == 1
    assert not reports(host, LOOK_PERIOD_S)


@pytest.mark.parametrize("state", [MetabolicState.WAKE, MetabolicState.REST])
def test_health_that_changes_is_reported_at_the_next_look(host: LockstepHost, state: int) -> None:
    enter(host, state)
    (node,) = host.nodes
    reports(host, RESTING_PERIOD_S)
    for level, text in (("warn", "late"), ("error", "lost"), ("ok", "running")):
        node.set_health(level, text)
        (found,) = reports(host, LOOK_PERIOD_S)
        assert (found.message, found.level[0]) == (text, ("ok", "warn", "error").index(level))
    node.set_problem("disk", "full")
    assert [s.message for s in reports(host, LOOK_PERIOD_S)] == ["full"]
