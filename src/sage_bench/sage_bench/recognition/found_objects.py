"""Objects that are found in scenes: how well, how fast, and which words and captions find a scene.

The scenes are the photographs of tiny_coco. docs/recognition.md says what they helped to choose;
some of them may be among those that the detector was trained on by its authors.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.timing import Variant, alternating_ms, row_of_variants
from sage_bench.recognition import detector_last
from sage_bench.recognition import scenes as scenes_of
from sage_bench.recognition.answers import bare_experience
from sage_bench.recognition.scenes import SCENES
from sage_bench.result import Row
from sage_common.core.labels import Labels
from sage_encoders.backends.class_judge import ClassJudge
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition.concepts import Concepts
from sage_encoders.core.recognition.detector import MODEL, SIGNATURE, Detector, overlaps
from sage_encoders.core.recognition.picture_classifier import PictureClassifier, Pixels
from sage_memory import Memory, Query

PRECISIONS = ("int8", "fp32")
ALIKE = 0.5
"""Intersection over union from which on an object is found where it is."""
RECALLS = np.linspace(0.0, 1.0, 101)
WANTED = 10
WORDS_GOAL, CAPTIONS_GOAL, CALIBRATION_GOAL, TIME_GOAL_MS = 0.65, 0.75, 0.05, 20.0
BINS = 10
Judge = Callable[[str], Mapping[str, NDArray[np.float32]]]
"""How well the classes of each model are what words ask for."""


@dataclass(frozen=True)
class Scene:
    """A picture, and what people said of it.

    Attributes:
        image: RGB uint8 [H, W, 3].
        boxes: category -> edges of its objects in shares, float64 [n, 4].
        caption: the first one.
    """

    image: Pixels
    boxes: Mapping[str, NDArray[np.float64]]
    caption: str


def rows(
    data: Path, models: Path, concepts: Concepts, classifier: PictureClassifier, judge: ClassJudge
) -> tuple[Row, ...]:
    """All of them; none where the detector is not installed."""
    if not (models / f"{MODEL}.onnx").is_file():
        return ()
    scenes = list(_scenes(data))
    with _detectors(models) as detectors:
        found = {p: [one.find(scene.image) for scene in scenes] for p, one in detectors.items()}
        taken = _time(detectors, scenes[0].image)
        attended = list(scenes_of.things(data, concepts))
        last = detector_last.rows(attended, concepts.object_names, classifier, detectors["int8"])
    names, objects = tuple(concepts.class_names), tuple(concepts.object_names)
    seen = [classifier.name(scene.image).labels(classifier.model_id) for scene in scenes]
    vocabularies = {classifier.model_id: names, found["int8"][0].model_id: objects}
    kept = {
        "both": [list(pair) for pair in zip(seen, found["int8"], strict=True)],
        "classifier alone": [[one] for one in seen],
        "detector alone": [[one] for one in found["int8"]],
    }
    precision = {p: mean_precision(scenes, one, objects) for p, one in found.items()}
    words, captions = {}, {}
    for name, labels in kept.items():
        with _memory(labels, vocabularies) as ranking:
            asked = _asker(ranking, judge, vocabularies)
            words[name] = object_words(scenes, asked)
            captions[name] = caption_recall(scenes, asked)
    count = len(scenes)
    return (
        Row("scenes: objects found, AP at 0.5", precision["int8"], "", precision["fp32"] - 0.01,
            "higher", {"fp32": precision["fp32"]}, sum(map(_boxes, scenes))),
        Row("scenes: calibration error of objects",
            calibration_error(scenes, found["int8"], objects), "", CALIBRATION_GOAL, "lower", {},
            sum(len(one.labels) for one in found["int8"])),
        taken,
        *last,
        _of_kinds("scenes: object words, mean average precision", words, WORDS_GOAL,
                  _chance(scenes), len({c for scene in scenes for c in scene.boxes})),
        _of_kinds("scenes: captions that find theirs among ten", captions, CAPTIONS_GOAL,
                  WANTED / count, count),
    )  # fmt: skip


def _of_kinds(name: str, by_kind: Mapping[str, float], goal: float, chance: float, n: int) -> Row:
    beside = {kind: value for kind, value in by_kind.items() if kind != "both"}
    return Row(name, by_kind["both"], "", goal, "higher", {**beside, "chance": chance}, n)


def _scenes(data: Path) -> Iterator[Scene]:
    with zipfile.ZipFile(data / SCENES) as archive:
        for scene in json.loads(archive.read("annotations.json")):
            content = np.frombuffer(archive.read(scene["file"]), np.uint8)
            image = cv2.cvtColor(cv2.imdecode(content, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            height, width = image.shape[:2]
            boxes: dict[str, list[NDArray[np.float64]]] = {}
            for category, left, top, wide, high in scene["boxes"]:
                edges = np.array([left, top, left + wide, top + high])
                boxes.setdefault(category, []).append(edges / np.array([width, height] * 2))
            stacked = {category: np.stack(edges) for category, edges in boxes.items()}
            yield Scene(np.asarray(image, np.uint8), stacked, scene["captions"][0])


@contextmanager
def _detectors(models: Path) -> Iterator[dict[str, Detector]]:
    registry = ModelRegistry()
    leases = {p: registry.open(MODEL, models, p, "cpu", signature=SIGNATURE) for p in PRECISIONS}
    try:
        yield {p: Detector(lease.model, resize) for p, lease in leases.items()}
    finally:
        for lease in leases.values():
            lease.close()


def _time(detectors: Mapping[str, Detector], image: Pixels) -> Row:
    frame = np.asarray(cv2.resize(image, (848, 480)), np.uint8)
    taken = alternating_ms(
        {p: Variant(lambda _, one=one: one.find(frame)) for p, one in detectors.items()}, 60
    )
    ours = {"ours": taken["int8"], "fp32": taken["fp32"]}
    return row_of_variants("objects of a picture, 848x480, one core, p50", ours, TIME_GOAL_MS)


def _boxes(scene: Scene) -> int:
    return sum(map(len, scene.boxes.values()))


def mean_precision(scenes: list[Scene], found: list[Labels], names: Sequence[str]) -> float:
    """Mean over the categories that are there of the average precision of COCO, at 0.5."""
    categories = sorted({category for scene in scenes for category in scene.boxes})
    return float(np.mean([_precision(scenes, found, names.index(c), c) for c in categories]))


def _precision(scenes: list[Scene], found: list[Labels], number: int, category: str) -> float:
    boxes = {place: scene.boxes.get(category, ()) for place, scene in enumerate(scenes)}
    free = {place: np.ones(len(each), np.bool_) for place, each in boxes.items()}
    objects = [
        (label.probability, place, edges_of(label.box))
        for place, one in enumerate(found)
        for label in one.labels
        if label.number == number and label.box is not None
    ]
    right = []
    for _, place, edges in sorted(objects, key=lambda one: -one[0]):
        alike = overlaps(edges, boxes[place]) * free[place] if len(boxes[place]) else np.zeros(1)
        best = int(alike.argmax())
        right.append(alike[best] >= ALIKE)
        if right[-1]:
            free[place][best] = False
    hits = np.cumsum(right)
    if not len(hits):
        return 0.0
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    reached = hits / sum(map(len, boxes.values()))
    return float(np.mean([precision[reached >= r].max(initial=0.0) for r in RECALLS]))


def edges_of(box: Sequence[float]) -> NDArray[np.float64]:
    """Left, upper, right and lower edge of left, top, width and height."""
    return np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])


def calibration_error(scenes: list[Scene], found: list[Labels], names: Sequence[str]) -> float:
    """Mean distance of probability and share of right objects, over ten bins of probability."""
    sure, right = [], []
    for scene, one in zip(scenes, found, strict=True):
        for label in one.labels:
            boxes = scene.boxes.get(names[label.number])
            there = boxes is not None and label.box is not None
            alike = overlaps(edges_of(label.box or ()), boxes).max() if there else 0.0
            sure.append(label.probability)
            right.append(alike >= ALIKE)
    probability, is_right = np.array(sure), np.array(right)
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    return sum(
        float(abs(probability[bins == b].sum() - is_right[bins == b].sum()) / len(bins))
        for b in np.unique(bins)
    )


@contextmanager
def _memory(
    labels: list[list[Labels]], names: Mapping[str, tuple[str, ...]]
) -> Iterator[Callable[[Query], list[int]]]:
    """A memory of scenes with these labels; gives the places of those that come first, also of
    those that are too improbable to be answers."""
    with tempfile.TemporaryDirectory() as home, Memory.open(Path(home)) as memory:
        places = {}
        for place, each in enumerate(labels):
            found = [(one, names[one.model_id]) for one in each]
            places[memory.remember(bare_experience(place), None, found).result().id] = place

        def ranking(query: Query) -> list[int]:
            found = memory.ask(query)
            answers = [answer.experience.id for answer in found.answers]
            return [places[i] for i in (*answers, *(one.id for one in found.declined))]

        yield ranking


def _asker(
    ranking: Callable[[Query], list[int]],
    judge: ClassJudge,
    vocabularies: Mapping[str, tuple[str, ...]],
) -> Callable[[str, int], list[int]]:
    """The places of the first scenes that words find, by labels alone."""
    return lambda words, limit: ranking(
        Query(text=words, labels=judge(words, vocabularies), limit=limit, with_declined=True)
    )[:limit]


def object_words(scenes: list[Scene], asked: Callable[[str, int], list[int]]) -> float:
    """Mean average precision of the rankings by the name of each category that is there."""
    categories = sorted({category for scene in scenes for category in scene.boxes})
    found = []
    for category in categories:
        relevant = np.array([category in scene.boxes for scene in scenes])
        right = relevant[asked(f"a {category}", len(scenes))]
        precision = np.cumsum(right) / np.arange(1, len(right) + 1)
        found.append(float((precision * right).sum() / relevant.sum()))
    return float(np.mean(found))


def caption_recall(scenes: list[Scene], asked: Callable[[str, int], list[int]]) -> float:
    """Share of the captions whose scene is among the first ten that they find."""
    return float(np.mean([n in asked(scene.caption, WANTED) for n, scene in enumerate(scenes)]))


def _chance(scenes: list[Scene]) -> float:
    """Of rankings at random: the share of relevant scenes, nearly."""
    categories = sorted({category for scene in scenes for category in scene.boxes})
    return float(np.mean([np.mean([c in s.boxes for s in scenes]) for c in categories]))
