"""Reads what is attended: where there is text first, then line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sage_encoders.backends.reading import text_detector, text_recogniser
from sage_encoders.backends.reading.text_detector import TextDetector
from sage_encoders.backends.reading.text_recogniser import TextRecogniser
from sage_orchestrator.core.plugin import (
    Budget,
    History,
    ModelLease,
    NothingToDo,
    Plugin,
    PluginContext,
    Region,
    Task,
)
from sage_plugins.params import ReadParameters
from sage_plugins.read.state import ReadLine, ReadState
from sage_plugins.squares import inside

SURROUNDINGS = 0.25
"""Added on each side of a region, over its longer side: attention is on a part of a sign, too."""
PRECISION = "fp32"
LONGEST_LINE, LONGEST = 256, 4000
"""Characters of a line and of all lines that are said of a picture."""
NS_PER_S = 1_000_000_000


class ReadPlugin(Plugin[ReadState]):
    """Energy = mean probability that a line is wrong, in [0, 1]; 1 before it is read."""

    nominal_step_ns = 10_000_000
    max_steps = text_detector.MOST_LINES + 1

    def __init__(self, context: PluginContext, parameters: ReadParameters) -> None:
        self._context, self._parameters = context, parameters
        self._leases: list[ModelLease] = []
        self._detector: TextDetector | None = None
        self._recogniser: TextRecogniser | None = None

    def load(self) -> None:
        for name in (text_detector.MODEL, text_recogniser.MODEL):
            self._leases.append(self._context.model_session(name, PRECISION))
        detector, recogniser = (lease.model for lease in self._leases)
        text_detector.SIGNATURE.check(str(detector.path), detector.signature)
        text_recogniser.SIGNATURE.check(str(recogniser.path), recogniser.signature)
        self._detector = TextDetector(detector, self._parameters.most_side_px)
        self._recogniser = TextRecogniser(recogniser)

    def unload(self) -> None:
        self._detector = self._recogniser = None
        while self._leases:
            self._leases.pop().close()

    def init_state(self, task: Task, budget: Budget) -> ReadState:
        image = self._context.frames(task.source, task.stamp_ns)
        if image is None:
            raise NothingToDo(f"no image of {task.source} near that time")
        height, width = image.shape[:2]
        region = Region(0, 0, width, height)
        if task.region is not None:
            region = with_surroundings(inside(task.region, width, height), width, height)
        left, top = region.left, region.top
        piece = image[top : top + region.height, left : left + region.width]
        if self._detector is None:
            raise RuntimeError("read runs before its networks are loaded")
        return ReadState(task.stamp_ns, piece, (left, top), self._detector.find(piece))

    def step(self, state: ReadState) -> ReadState:
        line, *waiting = state.waiting
        if self._recogniser is None:
            raise RuntimeError("read runs before its networks are loaded")
        reading = self._recogniser.read(state.piece, line.corners)
        read = (*state.read, ReadLine(line, reading))
        return replace(state, waiting=tuple(waiting), read=read)

    def energy(self, state: ReadState) -> float:
        return state.wrong

    def feasible(self, state: ReadState) -> bool:
        return not state.waiting

    def halt(self, history: History) -> str:
        return "all text in it is read" if history.feasible else ""

    def result(self, state: ReadState) -> Mapping[str, Any]:
        shown = state.lines(self._parameters.least_probability)
        labels = [item.reading.text[:LONGEST_LINE] for item in shown]
        found: dict[str, Any] = {"summary": summary(labels, state), "labels": labels}
        found["boxes"] = [
            (item.line.corners + np.array(state.place)).round(1).tolist() for item in shown
        ]
        sure = state.lines(self._parameters.published_probability)
        text = " ".join(item.reading.text for item in sure)[:LONGEST]
        if text and not self._is_known(text, state.stamp_ns):
            found["words"] = [text, min(item.reading.probability for item in sure)]
        return found

    def telemetry(self, state: ReadState) -> Mapping[str, float | str | bool]:
        found = len(state.waiting) + len(state.read)
        return {"lines": found, "read": len(state.read), "wrong": round(state.wrong, 4)}

    def _is_known(self, text: str, stamp_ns: int) -> bool:
        """Whether somebody has said just that, or it was read, lately."""
        repeat_ns = round(self._parameters.repeat_s * NS_PER_S)
        lately = self._context.utterances(max(stamp_ns - repeat_ns, 0), stamp_ns + repeat_ns)
        return any(letters(heard.text) == letters(text) for heard in lately)


def summary(labels: list[str], state: ReadState) -> str:
    """The answer in words."""
    if labels:
        return f'reads: "{" ".join(labels)[:LONGEST]}"'
    if not state.waiting and not state.read:
        return "no text"
    return "text that cannot be read" if state.read else "text that was not read yet"


def letters(text: str) -> str:
    """What makes two readings of a sign the same."""
    return "".join(character for character in text.casefold() if character.isalnum())


def with_surroundings(region: Region, width: int, height: int) -> Region:
    """A region of a picture and what is around it, inside the picture."""
    more = round(SURROUNDINGS * max(region.width, region.height))
    wider = Region(
        region.left - more, region.top - more, region.width + 2 * more, region.height + 2 * more
    )
    return inside(wider, width, height)
