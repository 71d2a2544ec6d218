"""A process that was started wrongly is not started again; one that died is."""

from __future__ import annotations

import sys

import pytest

from sage.graph.description import Graph, GraphOptions
from sage.run import supervisor
from sage.run.restart_policy import RestartLimits
from sage.run.supervisor import Supervisor


@pytest.mark.parametrize(("status", "is_restarted"), [(2, False), (1, True)])
def test_only_what_may_help_is_started_again(
    monkeypatch: pytest.MonkeyPatch, status: int, is_restarted: bool
) -> None:
    command = [sys.executable, "-S", "-c", f"raise SystemExit({status})"]
    monkeypatch.setattr(supervisor, "commands", lambda *_: {"container": command})
    graph = Graph(GraphOptions(), (), {}, "cpu", ())
    watched = Supervisor(graph, composed=True, environment={}, limits=RestartLimits(first_s=0.0))
    watched.start()
    child = watched.children[0]
    child.process.wait()
    events = watched.poll() + watched.poll()
    assert (child.restarts > 0) is is_restarted
    assert watched.alive is is_restarted
    assert ("not started again" in events[0]) is not is_restarted
    watched.stop()
