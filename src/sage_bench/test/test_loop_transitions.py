"""The gaps of outputs while nodes go through their transitions."""

from __future__ import annotations

import threading
import time

import pytest
from lifecycle_msgs.msg import Transition

from sage.graph.description import GraphOptions, describe
from sage_bench.loop.gaps import Arrivals
from sage_bench.loop.heartbeat_node import HEARTBEAT, HeartbeatNode
from sage_bench.loop.transitions import (
    GOAL_MS,
    INACTIVE_S,
    OUTPUTS,
    SETTLE_S,
    Taken,
    Transitions,
    with_heartbeat,
)
from sage_common.ros.container import node_class
from sage_common.ros.lockstep.host import LockstepHost

STALL_S = 1.0


class Times:
    """A clock that is set."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def arrived(topics: dict[str, list[float]]) -> Arrivals:
    clock = Times()
    arrivals = Arrivals(clock, topics)
    for name, times_s in topics.items():
        for clock.now_s in times_s:
            arrivals.note(name)
    return arrivals


def test_the_longest_gap_overlaps_with_the_window_and_may_have_begun_before_it():
    arrivals = arrived({"a": [0.0, 1.0, 1.1, 2.0, 2.1], "b": [0.5, 1.5]})
    assert arrivals.longest_gap_s(["a"], 1.05, 2.1) == pytest.approx(0.9)
    assert arrivals.longest_gap_s(["a"], 0.5, 1.05) == pytest.approx(1.0)
    assert arrivals.longest_gap_s(["a", "b"], 0.6, 2.6) == pytest.approx(1.1)


def test_what_has_not_come_by_the_end_counts_and_what_never_came_does_not():
    arrivals = arrived({"a": [1.0]})
    assert arrivals.longest_gap_s(["a"], 1.0, 4.0) == pytest.approx(3.0)
    assert arrivals.longest_gap_s(["a", "never"], 0.5, 4.0) == 0.0
    assert arrivals.longest_gap_s([], 0.0, 4.0) == 0.0


def test_outputs_end_only_without_nodes_that_the_graph_has():
    names = {node.name for node in describe(GraphOptions(source="synthetic")).nodes}
    names.add("recording")
    assert {node for needed in OUTPUTS.values() for node in needed} <= names


def test_a_heartbeat_is_added_to_the_process_and_beats():
    graph = with_heartbeat(describe(GraphOptions(source="synthetic")))
    (entry,) = (n.container_entry("warn") for n in graph.nodes if n.name == HEARTBEAT)
    assert node_class(entry["class"]) is HeartbeatNode
    host = LockstepHost()
    host.add(HeartbeatNode)
    host.run_for(1.0)
    assert sum(item.topic.endswith(HEARTBEAT) for item in host.outputs) == pytest.approx(50, abs=1)


def test_a_row_leaves_out_what_the_node_is_needed_for_and_says_what_is_usual():
    steady = [number / 100 for number in range(1000)]
    late = [time_s for time_s in steady if not 6.0 < time_s < 6.25]
    topics = {name: steady for _, name in OUTPUTS}
    topics["salience"] = [time_s for time_s in steady if time_s < 5.5]
    topics[HEARTBEAT] = late
    taken = Transitions(["fusion", "memory"], 1.0)
    taken._arrivals, taken._quiet = arrived(topics), (1.0, 2.0)
    taken._taken = [Taken("fusion", 5.5, 6.5, 0.1), Taken("memory", 7.0, 8.0, 0.2)]
    fusion, memory = taken.rows(1000)
    assert fusion.value == pytest.approx(250) and fusion.goal == GOAL_MS and not fusion.met
    assert fusion.baselines["without transitions"] == pytest.approx(10)
    assert fusion.baselines["the transitions themselves"] == pytest.approx(100)
    assert "fusion goes" in fusion.name and "memory with 1000 experiences goes" in memory.name
    assert memory.value > 1000, "the salience that never came back"


def test_a_topic_that_has_not_come_back_is_waited_for() -> None:
    times_s = iter([1.0, 2.0, 3.0])
    arrivals = Arrivals(lambda: next(times_s), ["a", "b"])
    arrivals.note("a")
    arrivals.note("b")
    assert not arrivals.all_since(1.5)
    arrivals.note("a")
    assert arrivals.all_since(1.5)


def test_a_topic_that_never_came_is_waited_for_and_named() -> None:
    arrivals = Arrivals(lambda: 1.0, ["a", "b"])
    assert arrivals.silent() == ["a", "b"]
    arrivals.note("a")
    assert arrivals.silent() == ["b"]
    assert not arrivals.all_since(0.5)


class Stalling:
    """Changes no node; its one output stands still from a deactivation until long after."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        arrivals.note("a")

    def change(self, _node: str, transition: int) -> float:
        if transition == Transition.TRANSITION_ACTIVATE:
            threading.Timer(STALL_S, self._come_back).start()
        return 0.1

    def _come_back(self) -> None:
        for _ in range(3):
            time.sleep(SETTLE_S)
            self.arrivals.note("a")


def test_a_stall_that_outlasts_the_transitions_is_the_nodes_own() -> None:
    taking = Transitions(["memory"], 1.0)
    taking._arrivals = Arrivals(time.monotonic, ["a"])
    taken = taking._take_through(Stalling(taking._arrivals), "memory")
    assert taking._arrivals.longest_gap_s(["a"], taken.begin_s, taken.end_s) >= STALL_S + INACTIVE_S
