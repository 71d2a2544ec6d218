"""Runs of real plugins along recordings, each to its end: what every step cost and was worth.

Value is what is true where there is truth. `recognise`: whether the best name is that of the
photograph that was put where it looks. `recall`: how many of the three memories that are most like
the percept it has found. `look`: the part of the region's detail that was seen, which its energy
measures in pixels. Cost is processor time of the thread. `look_finely` is `look` in more, smaller
steps, and `recognise_dark` is `recognise` on the second camera.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_bench.budget.choice.scenes import Scene, moments
from sage_bench.encoders.section import Setting
from sage_bench.recognition.pictures import Pixels
from sage_common.core.puzzle import Percept
from sage_encoders.backends.model_registry import REGISTRY
from sage_orchestrator.core.plugin import Memory, Plugin, Query, Task
from sage_orchestrator.core.plugin.context import grant
from sage_orchestrator.core.plugin.halting import History
from sage_plugins.look.plugin import LookPlugin
from sage_plugins.params import LookParameters, RecallParameters, RecogniseParameters
from sage_plugins.recall import RecallPlugin
from sage_plugins.recognise.plugin import RecognisePlugin
from sage_plugins.specs import LOOK, RECALL, RECOGNISE
from sage_snarc.core.scorer import Scorer

BUDGET_ATP = 1000.0
FINE_SHRINK = 0.85


@dataclass(frozen=True)
class JobTrace:
    """One run to its end.

    Attributes:
        plugin, modality: whose, on what.
        tick: when it was triggered.
        salience: [0, 1], of what triggered it.
        costs_ns: of the first answer and of each step.
        energies: after each of these, as the plugin says.
        values: after each of these, as is true, [0, 1].
    """

    plugin: str
    modality: str
    tick: int
    salience: float
    costs_ns: tuple[int, ...]
    energies: tuple[float, ...]
    values: tuple[float, ...]


class _World:
    """The capabilities of the plugins: one scene, and a memory of percepts in arrays."""

    def __init__(self, models: Path) -> None:
        self.scene: Scene | None = None
        self.percept: Percept | None = None
        self._models = models
        self._vectors: list[NDArray[np.float32]] = []
        self._saliences: list[float] = []
        self._stamps: list[int] = []

    def remember(self, percept: Percept, salience: float) -> None:
        """Keep a percept."""
        self._vectors.append(percept.embedding)
        self._saliences.append(salience)
        self._stamps.append(percept.stamp_ns)

    def offered(self) -> dict[str, Callable[..., Any]]:
        """By name, as plugins ask for them."""
        return {
            "frames": lambda source, stamp_ns: self.scene and self.scene.images[source],
            "periphery": lambda source, stamp_ns: None,
            "tiles": lambda draw, stamp_ns, encode: encode(_drawn(draw)),
            "percepts": lambda modality, stamp_ns: self.percept,
            "recall": self.recall,
            "model_session": lambda name, precision="auto": REGISTRY.open(
                name, self._models, precision, "cpu"
            ),
        }

    def recall(self, query: Query) -> Sequence[Memory]:
        """The most similar ones that mattered as much and are as old."""
        chosen = [
            n for n, stamp_ns in enumerate(self._stamps)
            if stamp_ns <= query.end_ns and self._saliences[n] >= query.min_salience
        ]  # fmt: skip
        if not chosen:
            return []
        scores = np.stack([self._vectors[n] for n in chosen]) @ query.example
        best = np.argsort(-scores, kind="stable")[: query.limit].tolist()
        return [Memory(str(chosen[n]), float(scores[n]), self._stamps[chosen[n]], "") for n in best]


class _Unlimited:
    """A budget that is never spent, of which a run sees an ordinary one."""

    remaining_atp = affordable_atp = BUDGET_ATP
    spent_atp = 0.0
    remaining_s = None
    cancelled = False


def recorded(name: str, setting: Setting) -> tuple[JobTrace, ...]:
    """The runs along a recording: at each tick of 0.1 s one of each plugin, in the same order.

    Args:
        name: "walk", "kitchen", or "husky", whose percepts are those of its IMU; it has no camera,
            and looks at the kitchen.

    Raises:
        FileNotFoundError: a recording is missing.
        ModelError: a model is missing.
    """
    world = _World(setting.models)
    plugins = _plugins(world)
    for plugin in plugins.values():
        plugin.load()
    scorer = Scorer("proprioception" if name == "husky" else "vision")
    dark_scorer = Scorer("vision")
    found: list[JobTrace] = []
    try:
        for tick, (percept, dark, scene) in enumerate(moments(name, setting)):
            salience, dark_salience = scorer.score(percept).total, dark_scorer.score(dark).total
            if scene is not None:
                world.percept, world.scene = percept, scene
                for plugin_name, plugin in plugins.items():
                    is_dark = plugin_name == "recognise_dark"
                    task = Task(
                        percept.stamp_ns,
                        (dark if is_dark else percept).modality,
                        "dark" if is_dark else "front",
                        dark_salience if is_dark else salience,
                        scene.region,
                    )
                    found.append(_run(plugin_name, plugin, task, tick, world))
            world.remember(percept, salience)
    finally:
        for plugin in plugins.values():
            plugin.unload()
    return tuple(found)


def _plugins(world: _World) -> Mapping[str, Plugin[Any]]:
    looking, naming = grant("look", LOOK.needs, world.offered()), RecogniseParameters()
    recognising = grant("recognise", RECOGNISE.needs, world.offered())
    return {
        "look": LookPlugin(looking, LookParameters()),
        "recall": RecallPlugin(grant("recall", RECALL.needs, world.offered()), RecallParameters()),
        "recognise": RecognisePlugin(recognising, naming),
        "look_finely": LookPlugin(looking, LookParameters(shrink=FINE_SHRINK)),
        "recognise_dark": RecognisePlugin(recognising, naming),
    }


def _run(name: str, plugin: Plugin[Any], task: Task, tick: int, world: _World) -> JobTrace:
    history, costs, values = History(), [], []
    truth = _truth(world, task)
    state: Any = None
    while not history.energies or not (plugin.halt(history) or history.steps >= plugin.max_steps):
        before = time.thread_time_ns()
        first = not history.energies
        state = plugin.init_state(task, _Unlimited()) if first else plugin.step(state)
        history.energies.append(plugin.energy(state))
        history.feasible = plugin.feasible(state)
        costs.append(time.thread_time_ns() - before)
        values.append(_value(name, state, truth, world))
    energies = tuple(history.energies)
    return JobTrace(name, task.modality, tick, task.salience, tuple(costs), energies, tuple(values))


def _truth(world: _World, task: Task) -> frozenset[str]:
    """The memories that are most like the percept."""
    assert world.percept is not None
    wanted = RecallParameters().wanted
    vector, end_ns = world.percept.embedding, task.stamp_ns - 2_000_000_000
    query = Query(vector, world.percept.encoder_id, end_ns, task.modality, 0.0, wanted)
    return frozenset(memory.id for memory in world.recall(query))


def _value(name: str, state: Any, truth: frozenset[str], world: _World) -> float:
    if name.startswith("look"):
        return 1.0 - float(state.missing)
    if name.startswith("recognise"):
        assert world.scene is not None
        return float(int(state.probabilities.argmax()) == world.scene.number)
    found = {memory.id for memory in state.found}
    return len(found & truth) / len(truth) if truth else 1.0


def _drawn(draw: Callable[[Pixels], None]) -> Pixels:
    tile = np.zeros((224, 224, 3), np.uint8)
    draw(tile)
    return tile
