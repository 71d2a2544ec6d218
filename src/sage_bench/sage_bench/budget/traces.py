"""Runs of real plugins along recordings, each to its end: what every step cost and was worth.

Value is what is true where there is truth. `recognise`: whether the best name is that of the
photograph that was put where it looks. `recall`: how many of the three memories that are most like
the percept it has found. `look`: the part of the region's detail that was seen, which its energy
measures in pixels. Cost is processor time of the thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Setting
from sage_bench.recognition.pictures import Pixels, photographs
from sage_bench.salience.streams import inertial
from sage_common.core.puzzle import Percept
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.joints import Joints
from sage_encoders.core.proprioception import ProprioceptionEncoder
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.vision import MODEL, VisionEncoder
from sage_orchestrator.core.plugin import Memory, Plugin, Query, Region, Task
from sage_orchestrator.core.plugin.context import grant
from sage_orchestrator.core.plugin.halting import History
from sage_plugins.look.plugin import LookPlugin
from sage_plugins.params import LookParameters, RecallParameters, RecogniseParameters
from sage_plugins.recall import RecallPlugin
from sage_plugins.recognise.plugin import RecognisePlugin
from sage_plugins.specs import LOOK, RECALL, RECOGNISE
from sage_snarc.core.scorer import Scorer

TICK_NS = 100_000_000
FRAMES_A_TICK = 3
SIDES_PX = (56, 200)
BUDGET_ATP = 1000.0
KITCHEN, WALK = Path("video", "kitchen_sound.mkv"), Path("video", "gopro_max_walk.mp4")
HUSKY = Path("bags", "husky_imu_odom_gps.bag")
WARM_UP_PASSES, PASSES = 1, 4
"""The scorers first get used to the recording; a short run measures one pass."""
SHOWN_TICKS = 5
"""So long each photograph is there: a new one stands out, and then no longer."""


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


@dataclass(frozen=True)
class _Scene:
    """A picture with a photograph of a known class in what is attended."""

    image: Pixels
    region: Region
    number: int


class _World:
    """The capabilities of the plugins: one scene, and a memory of percepts in arrays."""

    def __init__(self, models: Path) -> None:
        self.scene: _Scene | None = None
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
            "frames": lambda source, stamp_ns: self.scene and self.scene.image,
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
    """The runs along a recording: at each tick of 0.1 s one of each plugin.

    Args:
        name: "walk", "kitchen", or "husky", whose percepts are those of its IMU; it has no camera,
            and looks at the kitchen.

    Raises:
        FileNotFoundError: a recording is missing.
        ModelError: a model is missing.
    """
    world = _World(setting.models)
    plugins: dict[str, Plugin[Any]] = {
        "look": LookPlugin(grant("look", LOOK.needs, world.offered()), LookParameters()),
        "recall": RecallPlugin(grant("recall", RECALL.needs, world.offered()), RecallParameters()),
        "recognise": RecognisePlugin(
            grant("recognise", RECOGNISE.needs, world.offered()), RecogniseParameters()
        ),
    }
    for plugin in plugins.values():
        plugin.load()
    scorer = Scorer("proprioception" if name == "husky" else "vision")
    found: list[JobTrace] = []
    try:
        for tick, (percept, scene) in enumerate(_moments(name, setting)):
            salience = scorer.score(percept).total
            if scene is not None:
                world.percept, world.scene = percept, scene
                task = Task(percept.stamp_ns, percept.modality, "front", salience, scene.region)
                found += [
                    _run(plugin_name, plugin, task, tick, world)
                    for plugin_name, plugin in plugins.items()
                ]
            world.remember(percept, salience)
    finally:
        for plugin in plugins.values():
            plugin.unload()
    return tuple(found)


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
    if name == "look":
        return 1.0 - float(state.missing)
    if name == "recognise":
        assert world.scene is not None
        return float(int(state.probabilities.argmax()) == world.scene.number)
    found = {memory.id for memory in state.found}
    return len(found & truth) / len(truth) if truth else 1.0


def _moments(name: str, setting: Setting) -> Iterator[tuple[Percept, _Scene | None]]:
    """Percepts and what is looked at; nothing while the scorer warms up."""
    frames = _frames(setting.file(WALK if name == "walk" else KITCHEN))
    photos = list(photographs(setting.data, read_concepts(setting.models)))
    passes = WARM_UP_PASSES + (1 if setting.quick else PASSES)
    rng = np.random.default_rng(0)
    encoder = VisionEncoder(REGISTRY.open(MODEL, setting.models, "auto", "cpu").model, resize)
    felt = _felt(setting.file(HUSKY)) if name == "husky" else None
    for tick in range(passes * len(frames)):
        if tick % SHOWN_TICKS == 0:
            number, photo = photos[int(rng.integers(len(photos)))]
            region = _place(frames[0], rng)
        scene = _scene(frames[tick % len(frames)].copy(), photo, number, region)
        stamp_ns = 10**12 + tick * TICK_NS
        seen = encoder.encode(scene.image, stamp_ns, "front") if felt is None else next(felt)
        yield seen, scene if tick >= WARM_UP_PASSES * len(frames) else None


def _frames(path: Path) -> list[Pixels]:
    with av.open(str(path)) as recording:
        return [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            for number, frame in enumerate(recording.decode(video=0))
            if number % FRAMES_A_TICK == 0
        ]


def _felt(path: Path) -> Iterator[Percept]:
    """Percepts of the IMU, ten a second, from when it has been heard for a second."""
    encoder = ProprioceptionEncoder("imu", Joints())
    for number, row in enumerate(inertial.of_bag(path).tolist()):
        encoder.add_imu(10**12 + number * 10_000_000, row[3:], row[:3], None)
        percept = encoder.percept() if number >= 100 and number % 10 == 0 else None
        if percept is not None:
            yield percept


def _place(frame: Pixels, rng: np.random.Generator) -> Region:
    height, width = frame.shape[:2]
    side = int(rng.integers(*SIDES_PX))
    return Region(int(rng.integers(width - side)), int(rng.integers(height - side)), side, side)


def _scene(frame: Pixels, photo: Pixels, number: int, region: Region) -> _Scene:
    size = (region.width, region.height)
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    right, bottom = region.left + region.width, region.top + region.height
    frame[region.top : bottom, region.left : right] = small
    return _Scene(frame, region, number)


def _drawn(draw: Callable[[Pixels], None]) -> Pixels:
    tile = np.zeros((224, 224, 3), np.uint8)
    draw(tile)
    return tile
