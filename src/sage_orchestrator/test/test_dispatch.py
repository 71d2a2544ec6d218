"""Whose turn it is: mandatory parts first, then what gains most; never more at once than cores."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from misbehaving_plugins import ATP, Endless, Halving, Hanging

from sage_orchestrator.core.plugin import Budget, Task
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.trigger import Trigger

S = 1_000_000_000
PATIENCE_S = 60.0


class Noting(Endless):
    """Notes whose steps are made, in order; each takes away a given part of the energy."""

    def __init__(self, name: str, made: list[tuple[str, int]], keeps: float = 0.5) -> None:
        super().__init__(name)
        self._made, self._keeps = made, keeps
        self._number = 0

    def init_state(self, task: Task, budget: Budget) -> float:
        self._number = 0
        self._made.append((self.name, 0))
        return 1.0

    def step(self, state: float) -> float:
        self._number += 1
        self._made.append((self.name, self._number))
        return state * self._keeps


class Blocking(Hanging):
    """Hangs in its first answer until it is released."""

    def init_state(self, task: Task, budget: Budget) -> float:
        return self.step(2.0)


def alone(bench, cores: int = 1) -> None:
    """Let so many run at once."""
    bench.policy = replace(bench.policy, cores=cores)


def test_every_first_answer_comes_before_any_refinement(bench) -> None:
    alone(bench)
    made: list[tuple[str, int]] = []
    bench.add(*[Noting(name, made) for name in ("a", "b", "c")])
    for _ in range(5):
        made.clear()
        bench.cycle()
        assert sorted(made[:3]) == [("a", 0), ("b", 0), ("c", 0)]
        assert len(made) > 10


def test_steps_that_gain_more_come_first_once_they_are_known(bench) -> None:
    alone(bench)
    made: list[tuple[str, int]] = []
    bench.add(Noting("a_flat", made, keeps=0.99), Noting("b_steep", made, keeps=0.6))
    bench.cycles(10)
    bench.orchestrator.set_trust("a_flat", 0.9)
    bench.orchestrator.set_trust("b_steep", 0.9)
    made.clear()
    bench.cycle()
    assert [name for name, number in made if number][:5] == ["b_steep"] * 5


def test_what_matters_more_comes_first(bench) -> None:
    alone(bench)
    made: list[tuple[str, int]] = []
    bench.add(Noting("a", made), Noting("b", made))
    bench.orchestrator.set_trust("a", 0.1)
    bench.cycle()
    assert made[:2] == [("b", 0), ("a", 0)]


def test_a_first_answer_that_is_due_goes_before_one_that_matters_more(bench) -> None:
    alone(bench)
    made: list[tuple[str, int]] = []
    due = Noting("b_due", made)
    due.parameters = replace(due.parameters, deadline_ms=50.0)
    bench.add(Noting("a_trusted", made), due)
    bench.orchestrator.set_trust("a_trusted", 1.0)
    bench.cycle()
    assert made[:2] == [("b_due", 0), ("a_trusted", 0)]


def test_no_more_run_at_once_than_there_are_cores_and_the_rest_say_that_they_wait(threaded) -> None:
    plugins = [Hanging(name) for name in ("a", "b", "c")]
    threaded.add(*plugins)
    threaded.policy = replace(threaded.policy, cores=2)
    threaded.cycle()
    begun = time.monotonic()
    while sum(plugin.hangs.is_set() for plugin in plugins) < 2:
        assert time.monotonic() < begun + PATIENCE_S
        time.sleep(0.001)
    reasons = {status.name: status.reason for status in threaded.orchestrator.statuses()}
    assert sorted(reasons.values()) == ["at work", "at work", "waits for its turn"]
    first, second, last = sorted(plugins, key=lambda plugin: not plugin.hangs.is_set())
    assert reasons[last.name] == "waits for its turn"
    first.release.set()
    assert last.hangs.wait(PATIENCE_S), "as soon as another is done"
    second.release.set()
    last.release.set()


def test_a_step_that_does_not_come_back_holds_others_up_for_one_cycle_at_most(threaded) -> None:
    hanging, good = Blocking("a_hanging"), Halving("b_good")
    threaded.add(hanging, good)
    alone(threaded)
    threaded.cycle()
    assert hanging.hangs.wait(PATIENCE_S)
    assert threaded.results.empty()
    threaded.cycle()
    threaded.cycle()
    assert threaded.results.get(timeout=PATIENCE_S)[0] == "b_good"
    hanging.release.set()


def test_time_spent_waiting_is_not_held_against_a_plugin(threaded) -> None:
    """The one at work keeps the only core for longer than the other's timeout."""
    first, second = Blocking("a"), Halving("b")
    threaded.add(first, second)
    alone(threaded)
    threaded.cycle()
    assert first.hangs.wait(PATIENCE_S)
    threaded.now_ns += 3 * S // 2
    first.release.set()
    while (found := threaded.results.get(timeout=PATIENCE_S))[0] != "b":
        pass
    assert found[1].state == PluginState.DONE


def test_a_run_that_has_not_begun_takes_up_what_matters_as_much_and_is_newer(threaded) -> None:
    first, second = Blocking("a"), Halving("b")
    threaded.add(first, second)
    alone(threaded)
    seen: list[int] = []
    begin, done = second.init_state, threading.Event()

    def init_state(task: Task, budget: Budget) -> float:
        seen.append(task.stamp_ns)
        done.set()
        return begin(task, budget)

    second.init_state = init_state  # type: ignore[method-assign]
    for stamp, salience in ((1, 0.5), (2, 0.7), (3, 0.6)):
        threaded.now_ns += S // 100
        threaded.orchestrator.cycle(
            [Trigger("percept", "vision", "front", stamp, salience, 60.0, dominant=True)],
            threaded.policy,
        )
        assert first.hangs.wait(PATIENCE_S)
    first.release.set()
    assert done.wait(PATIENCE_S)
    assert seen[0] == 2


def test_a_step_that_an_account_hardly_pays_is_left_to_others(bench) -> None:
    """A known step of 30 ATP is not begun with 10 of them left: no debt comes of it."""
    plugin = Endless("costly")
    plugin.nominal_step_ns = 30 * ATP
    bench.add(plugin)
    bench.cycles(3)
    line = bench.cycle()[1]["costly"]
    assert line.spent_ns == 990 * ATP <= line.allocated_ns
