"""Things in scenes, attended one after the other: what each look is worth, and what stopping costs.

The scenes are the photographs of tiny_coco, which chose nothing. Attended is the box of a thing
whose category is a concept of the classifier; right is a class that belongs to it.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.result import Row
from sage_encoders.core.recognition.concepts import Concepts
from sage_encoders.core.recognition.picture_classifier import PictureClassifier
from sage_orchestrator.core.plugin import Region
from sage_plugins.params import RecogniseParameters
from sage_plugins.recognise.plugin import looks_at
from sage_plugins.recognise.state import RecogniseState, View
from sage_plugins.squares import Pixels, square_around

SCENES = Path("images", "tiny_coco100.zip")
LEAST_SIDE_PX = 48
KEPT_GOAL, TIME_GOAL = 0.99, 0.5


@dataclass(frozen=True)
class Thing:
    """Something in a scene: its picture, its box, which classes name it, bool [1000], and what
    people called it, where they did."""

    image: Pixels
    region: Region
    members: NDArray[np.bool_]
    category: str = ""


@dataclass(frozen=True)
class Course:
    """What a run would say of a thing after each look.

    Attributes:
        right: after each look, whether the best name fits.
        wrong: probability of being wrong, after each look.
        settled: after each look, whether it left the best name what it was.
        taken_ms: of each look.
        elsewhere: whether the best name of a look at a random place fits.
    """

    right: tuple[bool, ...]
    wrong: tuple[float, ...]
    settled: tuple[bool, ...]
    taken_ms: tuple[float, ...]
    elsewhere: bool

    def stop(self, good_enough: float) -> int:
        """The look after which `recognise` stops."""
        for place, (wrong, settled) in enumerate(zip(self.wrong, self.settled, strict=True)):
            if wrong <= good_enough or settled:
                return place
        return len(self.wrong) - 1


def rows(name: str, attended: Iterable[Thing], classifier: PictureClassifier) -> tuple[Row, ...]:
    """What early stop keeps of the quality and of the time, beside other ways to stop."""
    random = np.random.default_rng(0)
    courses = [_course(classifier, thing, random) for thing in attended]
    good_enough = RecogniseParameters().good_enough
    stops = [course.stop(good_enough) for course in courses]
    early = _share(course.right[stop] for course, stop in zip(courses, stops, strict=True))
    last = _share(course.right[-1] for course in courses)
    whole_ms = sum(sum(course.taken_ms) for course in courses)
    taken_ms = sum(
        sum(course.taken_ms[: stop + 1]) for course, stop in zip(courses, stops, strict=True)
    )
    beside = {
        "to the end": last,
        "one look": _share(course.right[0] for course in courses),
        "two looks": _share(course.right[min(1, len(course.right) - 1)] for course in courses),
        "a random place": _share(course.elsewhere for course in courses),
        "oracle": _share(any(course.right) for course in courses),
    }
    count = len(courses)
    return (
        Row(f"{name}: attended things named right", early, "", None, "higher", beside, count),
        Row(
            f"{name}: quality kept by early stop",
            early / last,
            "of going to the end",
            KEPT_GOAL,
            "higher",
            {},
            count,
        ),
        Row(
            f"{name}: time of early stop",
            taken_ms / whole_ms,
            "of the end's",
            TIME_GOAL,
            samples=count,
        ),
        Row(
            f"{name}: failure foreseen, AUROC",
            _foreseen(courses, stops),
            "",
            None,
            "higher",
            {"chance": 0.5},
            count,
        ),
    )


def things(data: Path, concepts: Concepts) -> Iterator[Thing]:
    """All boxes that are large enough and of a category that the classifier knows."""
    named = reversed(list(enumerate(concepts.names)))
    known = {names[0]: place for place, names in named if concepts.belongs[:, place].any()}
    with zipfile.ZipFile(data / SCENES) as archive:
        for scene in json.loads(archive.read("annotations.json")):
            content = np.frombuffer(archive.read(scene["file"]), np.uint8)
            image = np.asarray(
                cv2.cvtColor(cv2.imdecode(content, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8
            )
            for category, *box in scene["boxes"]:
                left, top, width, height = (round(side) for side in box)
                if category in known and max(width, height) >= LEAST_SIDE_PX:
                    members = concepts.belongs[:, known[category]]
                    region = Region(left, top, max(width, 1), max(height, 1))
                    yield Thing(image, region, members, category)


def _course(classifier: PictureClassifier, thing: Thing, random: np.random.Generator) -> Course:
    image, region = thing.image, thing.region
    height, width = image.shape[:2]
    views: tuple[View, ...] = ()
    right, wrong, settled, taken_ms = [], [], [], []
    for square in looks_at(region, width, height):
        left, top, side = square
        begin = time.process_time()
        naming = classifier.name(image[top : top + side, left : left + side])
        taken_ms.append((time.process_time() - begin) * 1e3)
        views = (*views, View(square, naming))
        state = RecogniseState(image, region, views[0], views, ())
        right.append(bool(thing.members[int(state.probabilities.argmax())]))
        wrong.append(state.wrong)
        settled.append(state.settled)
    side = views[0].square[2]
    corner = random.integers(0, (max(width - side, 0) + 1, max(height - side, 0) + 1))
    place = square_around(Region(int(corner[0]), int(corner[1]), side, side), side, width, height)
    left, top, side = place
    named = classifier.name(image[top : top + side, left : left + side]).probabilities
    return Course(
        tuple(right),
        tuple(wrong),
        tuple(settled),
        tuple(taken_ms),
        bool(thing.members[int(named.argmax())]),
    )


def _foreseen(courses: list[Course], stops: list[int]) -> float:
    """Probability that a wrong name was thought more probably wrong than a right one."""
    pairs = [(c.wrong[stop], c.right[stop]) for c, stop in zip(courses, stops, strict=True)]
    failed = np.array([wrong for wrong, right in pairs if not right])
    fine = np.array([wrong for wrong, right in pairs if right])
    above = (failed[:, None] > fine).mean() + 0.5 * (failed[:, None] == fine).mean()
    return float(above)


def _share(values: Iterator[bool]) -> float:
    return float(np.mean(list(values)))
