"""When a run is over, and what it says while it waits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sage.graph.description import Graph, GraphOptions, NodeSpec
from sage.graph.outages import Outages
from sage.observe.latest import Latest
from sage.run.session import HEARD_TIMEOUT_S, RunOptions, Session


def session(told: list[str]) -> Session:
    """After the time that was asked for, with a camera of which nothing was heard."""
    nodes = tuple(NodeSpec(name, name, "/sage") for name in ("camera", "fusion"))
    graph = Graph(GraphOptions(home="/nowhere"), nodes, {}, "cpu", ())
    made = Session(graph, RunOptions(duration_s=12.0), on_event=told.append)
    diagnostics = {"/sage/fusion": SimpleNamespace(name="/sage/fusion", message="running")}
    made.observer = SimpleNamespace(latest=Latest(diagnostics=diagnostics))
    outages = Outages({name: frozenset({name}) for name in ("camera", "fusion")})
    made.supervisor = SimpleNamespace(outages=outages)
    made.elapsed_s = 12.1
    return made


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_run_does_not_wait_for_word_of_a_node_that_is_gone(is_restarted: bool) -> None:
    told: list[str] = []
    made = session(told)
    made.supervisor.outages.ended("camera", "killed by SIGKILL", 5.0)
    if is_restarted:
        made.supervisor.outages.restarted("camera", 6.0)
    assert made._is_over() is not is_restarted
    assert bool(told) is is_restarted


def test_a_run_says_for_whom_it_waits_once_and_not_for_ever() -> None:
    told: list[str] = []
    made = session(told)
    assert not made._is_over() and not made._is_over()
    assert told == ["the time is over; waiting up to 10 s for a status of camera"]
    made.elapsed_s = 12.0 + HEARD_TIMEOUT_S
    assert made._is_over()
