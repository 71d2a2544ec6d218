"""Names what is attended: the whole picture first, then ever other looks at the region, and at last
the objects in sight, where the network that finds them is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition import detector
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.detector import Detector
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
from sage_plugins.recognise.state import RecogniseState, View, shares
from sage_plugins.squares import Pixels, Square, inside, square_around

SURROUNDINGS = (1.0, 1.25, 0.75, 1.5)
"""Sides of the looks at a region, over the longer side of it. Chosen on photographs of even classes
that were pasted into frames of the walk and the kitchen."""
LEAST_SIDE_PX = 32
SHOWN = 3


class RecognisePlugin(Plugin[RecogniseState]):
    """Energy = the probability that the best name is wrong, calibrated, in [0, 1]."""

    nominal_step_ns = 4_000_000
    max_steps = len(SURROUNDINGS) + 1

    def __init__(self, context: PluginContext, parameters: RecogniseParameters) -> None:
        self._context, self._parameters = context, parameters
        self._leases: list[ModelLease] = []
        self._classifier: PictureClassifier | None = None
        self._detector: Detector | None = None

    def load(self) -> None:
        model = self._open(MODEL)
        folder = model.path.parent
        self._classifier = PictureClassifier(model, resize)
        concepts = read_concepts(folder)
        self.vocabulary = Vocabulary(self._classifier.model_id, concepts.class_names)
        if (folder / f"{detector.MODEL}.onnx").is_file():  # an option of the set-up
            self._detector = Detector(self._open(detector.MODEL), resize)
            self.objects = Vocabulary(self._detector.model_id, concepts.object_names)

    def unload(self) -> None:
        self._classifier = self._detector = None
        while self._leases:
            self._leases.pop().close()

    def _open(self, name: str) -> Any:
        self._leases.append(self._context.model_session(name, self._parameters.precision))
        return self._leases[-1].model

    def init_state(self, task: Task, budget: Budget) -> RecogniseState:
        image = self._context.frames(task.source, task.stamp_ns)
        if image is None:
            raise NothingToDo(f"no image of {task.source} near that time")
        height, width = image.shape[:2]
        region = None if task.region is None else inside(task.region, width, height)
        whole = square_around(Region(0, 0, width, height), min(width, height), width, height)
        waiting = () if region is None else looks_at(region, width, height)
        finds = self._detector is not None
        return RecogniseState(image, region, self._view(image, whole), (), waiting, finds=finds)

    def step(self, state: RecogniseState) -> RecogniseState:
        if state.looked_enough and self._detector is not None:
            return replace(state, objects=self._detector.find(state.image))
        square, *waiting = state.waiting
        look = self._view(state.image, square)
        return replace(state, looks=(*state.looks, look), waiting=tuple(waiting))

    def energy(self, state: RecogniseState) -> float:
        return state.wrong

    def feasible(self, state: RecogniseState) -> bool:
        return state.done or state.wrong <= self._parameters.good_enough

    def halt(self, history: History) -> str:
        return "sure enough, settled, or looked at in every way" if history.feasible else ""

    def value(self, history: History) -> float:
        return min(1.0, max(0.0, 1.0 - history.energies[-1]))

    def result(self, state: RecogniseState) -> Mapping[str, Any]:
        probabilities, whole = state.probabilities, state.whole.naming.probabilities
        assert self.vocabulary is not None
        names = self.vocabulary.names
        best = ranked(probabilities)
        named = [(share, names[number]) for number, share in best]
        if self.objects is not None:
            objects = self.objects.names
            named += [(label.probability, objects[label.number]) for label in state.attended]
        named.sort(key=lambda entry: -entry[0])
        shown = list(dict.fromkeys(f"{name} {share:.2f}" for share, name in named))[:SHOWN]
        where = "attended" if state.looks else "in sight"
        height, width = state.image.shape[:2]
        found: dict[str, Any] = {
            "summary": f"{where}: {', '.join(shown)}",
            "labels": list(dict.fromkeys(name for _, name in named)),
            "classes": [list(row) for row in ranked(whole)],
            "picture_size": [width, height],
        }
        if state.region is not None and state.looks:
            box = list(shares(state.region, width, height))
            found["detections"] = [[number, share, box] for number, share in best]
        if state.objects is not None:
            found["objects"] = [
                [label.number, round(label.probability, 5), list(label.box or ())]
                for label in state.objects.labels
            ]
        return found

    def telemetry(self, state: RecogniseState) -> Mapping[str, float | str | bool]:
        objects = 0 if state.objects is None else len(state.objects.labels)
        return {"looks": len(state.looks), "objects": objects, "wrong": round(state.wrong, 4)}

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
