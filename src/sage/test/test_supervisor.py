"""Which processes are started again, and which are not; one that hangs is ended."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sage.graph.description import Graph, GraphOptions
from sage.run import supervisor
from sage.run.child import LOAD_S
from sage.run.restart_policy import RestartLimits
from sage.run.supervisor import POLL_S, Supervisor
from sage_common.heartbeat import Phase

LONG_S = 120.0


@pytest.mark.parametrize(("status", "is_restarted"), [(2, False), (1, True)])
def test_only_what_may_help_is_started_again(
    monkeypatch: pytest.MonkeyPatch, status: int, is_restarted: bool
) -> None:
    command = [sys.executable, "-S", "-c", f"raise SystemExit({status})"]
    watched = started(monkeypatch, command, RestartLimits(first_s=0.0))
    child = watched.children[0]
    child.process.wait()
    events = watched.poll() + watched.poll()
    assert (child.restarts > 0) is is_restarted
    assert watched.alive is is_restarted
    assert ("not started again" in events[0]) is not is_restarted
    watched.stop()


def test_a_crash_loop_is_quarantined_in_words_and_begins_anew_when_it_is_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = [sys.executable, "-S", "-c", "raise SystemExit(3)"]
    limits = RestartLimits(first_s=0.0, most_ends=3)
    watched = started(monkeypatch, command, limits)
    events: list[str] = []
    while watched.alive:
        events += watched.poll()
    assert events.count("container started again") == 2
    assert "exit status 3; quarantined: it ended 3 times" in events[-1]
    assert events[-1].endswith("and is not started again)")
    assert list(watched.quarantined) == ["container"]
    (ended,) = watched.outages.ended_now()
    assert "quarantined" in ended.message
    assert watched.release() == ["container"] and watched.alive
    assert "container started again" in watched.poll()
    watched.stop()


LIVES = """
import time
from sage_common.heartbeat import Phase, heartbeat
beats = heartbeat()
beats.enter(Phase.RUNNING)
while True:
    beats.beat()
    beats.turned()
    time.sleep(0.05)
"""


def test_one_that_is_stopped_is_killed_and_started_again_and_the_next_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = started(monkeypatch, [sys.executable, "-c", LIVES], RestartLimits(first_s=0.0))
    child = watched.children[0]
    assert until(watched, lambda: child.heartbeat.read().phase == Phase.RUNNING) == []
    child.process.send_signal(signal.SIGSTOP)
    events = until(watched, lambda: child.restarts == 1)
    assert [event.split(" (")[0] for event in events] == [
        "container is killed", "container ended", "container started again",
    ]  # fmt: skip
    assert "stopped by a signal: no heartbeat for" in events[1]
    assert watched.is_well
    assert until(watched, lambda: child.heartbeat.read().phase == Phase.RUNNING) == []
    watched.stop()


def test_one_that_had_started_loads_during_the_delay_and_one_that_had_not_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    program = f"import os; open({str(said)!r}, 'a').write(os.environ['SAGE_START_AT'] + '\\n')\n"
    watched = started(monkeypatch, [sys.executable, "-c", program + LIVES], RestartLimits())
    child = watched.children[0]
    until(watched, lambda: child.heartbeat.read().phase == Phase.RUNNING)
    child.process.kill()
    killed_s = time.monotonic()
    until(watched, lambda: child.restarts == 1)
    assert child.load_at < killed_s, "at once"
    until(watched, lambda: len(said.read_text().splitlines()) == 2)
    first, second = map(float, said.read_text().splitlines())
    assert first == 0.0 and second == pytest.approx(child.load_at + LOAD_S)
    assert second > killed_s
    child.heartbeat.clear()  # as if it had ended while it loaded
    child.process.kill()
    until(watched, lambda: child.restart_at is not None)
    assert child.load_at == child.restart_at
    watched.stop()


def test_nothing_that_hangs_is_killed_where_nothing_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = started(monkeypatch, [sys.executable, "-c", LIVES], RestartLimits())
    watched.respawn = False
    child = watched.children[0]
    until(watched, lambda: child.heartbeat.read().phase == Phase.RUNNING)
    child.process.send_signal(signal.SIGSTOP)
    end_s = time.monotonic() + 2.0
    assert until(watched, lambda: time.monotonic() > end_s) == []
    assert child.runs
    child.process.kill()
    child.process.wait()
    watched.stop()


def started(
    monkeypatch: pytest.MonkeyPatch, command: list[str], limits: RestartLimits
) -> Supervisor:
    """A supervisor of one process that runs a command."""
    monkeypatch.setattr(supervisor, "commands", lambda *_: {"container": command})
    graph = Graph(GraphOptions(), (), {}, "cpu", ())
    watched = Supervisor(graph, composed=True, environment={}, limits=limits)
    watched.start()
    return watched


def until(watched: Supervisor, condition: Callable[[], bool]) -> list[str]:
    """Supervise until it holds; what happened."""
    events: list[str] = []
    end_s = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end_s
        events += watched.poll()
        time.sleep(POLL_S)
    return events
