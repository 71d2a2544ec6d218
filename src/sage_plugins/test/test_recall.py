"""Recall by example: strict first, relaxed then; and a memory that is not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sage_common.core.puzzle import Percept
from sage_orchestrator.core.plugin import Memory, NothingToDo, Query, Task
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.running.states import PluginState
from sage_plugins import specs
from sage_plugins.params import RecallParameters
from sage_plugins.recall import MIN_SALIENCES, RecallPlugin

S = 1_000_000_000
PERCEPT = Percept(
    100 * S, "vision", "front", np.zeros((30, 30), np.uint8),
    np.array([1.0, 0.0], np.float32), "means-1@000000000000",
)  # fmt: skip


class World:
    """A context whose memory holds (id, score, salience)."""

    def __init__(self, *kept: tuple[str, float, float], percept: Percept | None = PERCEPT) -> None:
        self.kept = kept
        self.queries: list[Query] = []
        self._percept = percept

    def percepts(self, modality: str, stamp_ns: int) -> Percept | None:
        return self._percept

    def recall(self, query: Query) -> list[Memory]:
        self.queries.append(query)
        fitting = [m for m in self.kept if m[2] >= query.min_salience]
        best = sorted(fitting, key=lambda m: -m[1])[: query.limit]
        return [Memory(name, score, 1, f"about {name}") for name, score, _ in best]


def run_in(bench, world):
    parameters = RecallParameters(period_s=0.0)
    recall = RecallPlugin(world, parameters)
    bench.orchestrator.load(PluginSetup(specs.RECALL, parameters, lambda: recall))
    line = bench.cycles(2)[-1]["recall"]
    return line, bench.results.get(timeout=10.0)[1]


def test_conditions_relax_until_enough_is_found(bench):
    world = World(("a", 0.4, 0.8), ("b", 0.95, 0.6), ("c", 0.91, 0.3), ("d", 0.2, 0.0))
    line, result = run_in(bench, world)
    assert line.state == PluginState.DONE
    assert [query.min_salience for query in world.queries[:3]] == [0.75, 0.5, 0.25]
    assert [memory["id"] for memory in result.output["memories"]] == ["b", "c", "a"]
    assert result.telemetry["energies"] == pytest.approx([0.6, 0.05, 0.05])
    assert line.reason == "found enough: 3 memories like it (vision), best 0.95 'about b'"
    assert all(query.end_ns == 98 * S and query.modality == "vision" for query in world.queries)


def test_it_stops_when_every_way_was_tried(bench):
    line, result = run_in(bench, World(("a", 0.4, 0.1)))
    assert line.reason.startswith("asked in every way: 1 memory like it")
    assert result.telemetry["steps"] == len(MIN_SALIENCES) - 1
    assert result.quality.value == pytest.approx(0.8)


def test_an_empty_memory_delivers_nothing_and_loses_trust(bench):
    line, result = run_in(bench, World())
    assert line.reason == "asked in every way: nothing like it in memory (vision)"
    assert result.quality.score == 0.0
    assert line.trust < 0.5


def test_a_percept_that_is_gone_is_nobodys_failure(bench):
    world = World(percept=None)
    with pytest.raises(NothingToDo, match="vision percept is gone"):
        RecallPlugin(world, RecallParameters()).init_state(
            Task(1, "vision", "front", 0.5), budget=None
        )
    line, _ = run_in(bench, world)
    assert (line.state, line.failures, line.trust) == (PluginState.DONE, 0, 0.5)


def test_an_impossible_score_is_refused(bench):
    line, _ = run_in(bench, World(("a", 7.0, 0.9)))
    assert line.state == PluginState.FAILED
    assert "score = 7.0" in line.reason


class Wordy(World):
    """Its memories say a lot."""

    def recall(self, query: Query) -> list[Memory]:
        return [replace(memory, text="\x01" * 1_000_000) for memory in super().recall(query)]


def test_of_what_a_memory_says_the_answer_has_the_beginning(bench):
    found = [(f"m{i}", 0.95, 0.9) for i in range(3)]
    line, result = run_in(bench, Wordy(*found))
    assert line.state == PluginState.DONE
    assert [len(memory["text"]) for memory in result.output["memories"]] == [256] * 3
