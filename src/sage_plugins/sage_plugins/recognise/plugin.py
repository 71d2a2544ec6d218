"""Names what is attended: the whole picture first, then ever other looks at the region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.picture_classifier import KEPT, MODEL, PictureClassifier
from sage_orchestrator.core.plugin import (
    Budget,
    History,
    ModelLease,
    NothingToDo,
    Plugin,
    PluginContext,
    Region,
    Task,
    Vocabulary,
)
from sage_plugins.params import RecogniseParameters
from sage_plugins.recognise.state import RecogniseState, View
from sage_plugins.squares import Pixels, Square, inside, square_around

SURROUNDINGS = (1.0, 1.25, 0.75, 1.5)
"""Sides of the looks at a region, over the longer side of it. Chosen on photographs of even classes
that were pasted into frames of the walk and the kitchen."""
LEAST_SIDE_PX = 32
SHOWN = 3


class RecognisePlugin(Plugin[RecogniseState]):
    """Energy = the probability that the best name is wrong, calibrated, in [0, 1]."""

    nominal_step_ns = 4_000_000
    max_steps = len(SURROUNDINGS)

    def __init__(self, context: PluginContext, parameters: RecogniseParameters) -> None:
        self._context, self._parameters = context, parameters
        self._lease: ModelLease | None = None
        self._classifier: PictureClassifier | None = None

    def load(self) -> None:
        self._lease = self._context.model_session(MODEL, self._parameters.precision)
        self._classifier = PictureClassifier(self._lease.model, resize)
        concepts = read_concepts(self._lease.model.path.parent)
        self.vocabulary = Vocabulary(self._classifier.model_id, concepts.class_names)

    def unload(self) -> None:
        self._classifier = None
        if self._lease is not None:
            self._lease.close()
            self._lease = None

    def init_state(self, task: Task, budget: Budget) -> RecogniseState:
        image = self._context.frames(task.source, task.stamp_ns)
        if image is None:
            raise NothingToDo(f"no image of {task.source} near that time")
        height, width = image.shape[:2]
        region = None if task.region is None else inside(task.region, width, height)
        whole = square_around(Region(0, 0, width, height), min(width, height), width, height)
        waiting = () if region is None else looks_at(region, width, height)
        return RecogniseState(image, region, self._view(image, whole), (), waiting)

    def step(self, state: RecogniseState) -> RecogniseState:
        square, *waiting = state.waiting
        look = self._view(state.image, square)
        return replace(state, looks=(*state.looks, look), waiting=tuple(waiting))

    def energy(self, state: RecogniseState) -> float:
        return state.wrong

    def feasible(self, state: RecogniseState) -> bool:
        return not state.waiting or state.settled or state.wrong <= self._parameters.good_enough

    def halt(self, history: History) -> str:
        return "sure enough, settled, or looked at in every way" if history.feasible else ""

    def value(self, history: History) -> float:
        return min(1.0, max(0.0, 1.0 - history.energies[-1]))

    def result(self, state: RecogniseState) -> Mapping[str, Any]:
        probabilities, whole = state.probabilities, state.whole.naming.probabilities
        assert self.vocabulary is not None
        names = self.vocabulary.names
        best = ranked(probabilities)
        shown = [f"{names[number]} {share:.2f}" for number, share in best[:SHOWN]]
        where = "attended" if state.looks else "in sight"
        height, width = state.image.shape[:2]
        found: dict[str, Any] = {
            "summary": f"{where}: {', '.join(shown)}",
            "labels": [names[number] for number, _ in best],
            "classes": [list(row) for row in ranked(whole)],
        }
        if state.region is not None and state.looks:
            box = shares(state.region, width, height)
            found["detections"] = [[number, share, box] for number, share in best]
            found["picture_size"] = [width, height]
        return found

    def telemetry(self, state: RecogniseState) -> Mapping[str, float | str | bool]:
        return {"looks": len(state.looks), "wrong": round(state.wrong, 4)}

    def _view(self, image: Pixels, square: Square) -> View:
        if self._classifier is None:
            raise RuntimeError("recognise runs before its classifier is loaded")
        left, top, side = square
        return View(square, self._classifier.name(image[top : top + side, left : left + side]))


def looks_at(region: Region, width: int, height: int) -> tuple[Square, ...]:
    """Squares around a region, each with other surroundings, no two alike."""
    longest = max(region.width, region.height)
    sides = [max(round(share * longest), LEAST_SIDE_PX) for share in SURROUNDINGS]
    squares = [square_around(region, side, width, height) for side in sides]
    return tuple(dict.fromkeys(squares))


def ranked(probabilities: NDArray[np.float32]) -> list[tuple[int, float]]:
    """Numbers of the ten most probable classes and their probabilities, best first."""
    best = np.argsort(-probabilities, kind="stable")[:KEPT].tolist()
    return [(number, round(float(probabilities[number]), 5)) for number in best]


def shares(region: Region, width: int, height: int) -> list[float]:
    """Left, top, width and height of a region in shares of its picture."""
    across, down = region.left / width, region.top / height
    return [across, down, region.width / width, region.height / height]
