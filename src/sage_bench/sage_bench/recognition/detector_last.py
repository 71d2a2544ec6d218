"""What the detector adds to `recognise` as its last step: things in scenes, attended one by one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sage_bench.recognition.scenes import Thing
from sage_bench.result import Row
from sage_encoders.core.recognition.detector import Detector
from sage_encoders.core.recognition.picture_classifier import PictureClassifier
from sage_plugins.params import RecogniseParameters
from sage_plugins.recognise.plugin import looks_at
from sage_plugins.recognise.state import RecogniseState, View


@dataclass(frozen=True)
class Ended:
    """How a run on a thing ended.

    Attributes:
        right: whether the best name fits, and
        taken_ms: processor time: with the detector after looks that are not sure, as `recognise`
            does it; with the detector after all looks; by looks alone; by the detector alone.
    """

    right: tuple[bool, bool, bool, bool]
    taken_ms: tuple[float, float, float, float]


def rows(
    things: Iterable[Thing],
    names: Sequence[str],
    classifier: PictureClassifier,
    detector: Detector,
) -> tuple[Row, ...]:
    """Right names of attended things, and the time, beside those without it and by it alone."""
    ended = [_ended(thing, names, classifier, detector) for thing in things]
    last, *right = np.mean([one.right for one in ended], axis=0).tolist()
    last_ms, *taken_ms = np.mean([one.taken_ms for one in ended], axis=0).tolist()
    ways = "detector anyway", "looks alone", "detector alone"
    beside = dict(zip(ways, right, strict=True))
    beside_ms = dict(zip(ways, taken_ms, strict=True))
    return (
        Row("scenes: attended things named right, detector last", last, "", None, "higher",
            beside, len(ended)),
        Row("scenes: a run with the detector last", last_ms, "ms", None, "lower",
            beside_ms, len(ended)),
    )  # fmt: skip


def _ended(
    thing: Thing, names: Sequence[str], classifier: PictureClassifier, detector: Detector
) -> Ended:
    good_enough = RecogniseParameters().good_enough
    begin = time.process_time()
    looked = _looked(thing, classifier, good_enough)
    between = time.process_time()
    found = replace(looked, objects=detector.find(thing.image), finds=True)
    end = time.process_time()
    looks_ms, detector_ms = (between - begin) * 1e3, (end - between) * 1e3
    sure = looked.wrong <= good_enough
    last = looked if sure else found
    both_ms = looks_ms + detector_ms
    by_last, by_both, by_looks = (_right(state, thing, names) for state in (last, found, looked))
    return Ended(
        (by_last, by_both, by_looks, _found(found, thing, names)),
        (looks_ms if sure else both_ms, both_ms, looks_ms, detector_ms),
    )


def _looked(thing: Thing, classifier: PictureClassifier, good_enough: float) -> RecogniseState:
    """The state in which `recognise` ends its looks at the region."""
    height, width = thing.image.shape[:2]
    squares = looks_at(thing.region, width, height)
    views: tuple[View, ...] = ()
    for place, (left, top, side) in enumerate(squares):
        naming = classifier.name(thing.image[top : top + side, left : left + side])
        views = (*views, View((left, top, side), naming))
        waiting = squares[place + 1 :]
        state = RecogniseState(thing.image, thing.region, views[0], views, waiting)
        if state.looked_enough or state.wrong <= good_enough:
            break
    return state


def _right(state: RecogniseState, thing: Thing, names: Sequence[str]) -> bool:
    """Whether the most probable name of both models fits."""
    sure = float(state.probabilities.max())
    if state.attended and state.attended[0].probability > sure:
        return _found(state, thing, names)
    return bool(thing.members[int(state.probabilities.argmax())])


def _found(state: RecogniseState, thing: Thing, names: Sequence[str]) -> bool:
    return bool(state.attended) and names[state.attended[0].number] == thing.category
