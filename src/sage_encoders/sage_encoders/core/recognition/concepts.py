"""What pictures can be named: the classifier's 1,000 classes, the detector's 80, and the wider
concepts they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError

FILE, OBJECTS_FILE = "imagenet_concepts.tsv", "coco_concepts.tsv"
CLASSES, OBJECTS = 1000, 80
COLUMNS = 3


@dataclass(frozen=True)
class Concepts:
    """Classes and the concepts above them: synsets of WordNet 3.0 (Princeton University).

    Attributes:
        ids: of each concept, `n` and its offset in WordNet; the first 1,000 are the classes of
            ImageNet's challenge of 2012, the last 80, `coco` and a number, the categories of COCO,
            both in their order.
        names: of each concept, the usual one first.
        above: places of the concepts directly above each.
        belongs: bool [1000, concepts]; whether a class is a concept or one below it.
        objects_belong: bool [80, concepts]; whether a category is.
    """

    ids: Sequence[str]
    names: Sequence[Sequence[str]]
    above: Sequence[Sequence[int]]
    belongs: NDArray[np.bool_]
    objects_belong: NDArray[np.bool_]

    @property
    def class_names(self) -> list[str]:
        """The usual name of each class; where two have the same, with what it is beside it."""
        usual = [names[0] for names in self.names[:CLASSES]]
        times = Counter(usual)
        return [
            name if times[name] == 1 else self._told_apart(number)
            for number, name in enumerate(usual)
        ]

    @property
    def object_names(self) -> list[str]:
        """The name of each category."""
        return [names[0] for names in self.names[-OBJECTS:]]

    def _told_apart(self, number: int) -> str:
        return f"{self.names[number][0]} ({self.names[self.above[number][0]][0]})"

    def members(self, concept: str) -> NDArray[np.bool_]:
        """Whether each class is a concept, given by its id, or one below it: bool [1000].

        Raises:
            ValueError: none of these concepts has that id.
        """
        return np.asarray(self.belongs[:, self.ids.index(concept)])


def read_concepts(folder: Path) -> Concepts:
    """Read them from the folder of the models.

    Raises:
        ModelError: no such file, or not one of concepts.
    """
    classes, objects = _rows(folder / FILE), _rows(folder / OBJECTS_FILE)
    if len(classes) < CLASSES or len(objects) != OBJECTS:
        found, expected = f"{len(classes)} and {len(objects)}", f"{CLASSES} or more and {OBJECTS}"
        raise ModelError(f"{folder}: {found} concepts and objects: expected {expected}")
    rows = [*classes, *objects]
    ids = [row[0] for row in rows]
    places = {concept: place for place, concept in enumerate(ids)}
    try:
        above = [[places[concept] for concept in row[2].split()] for row in rows]
    except KeyError as error:
        raise ModelError(f"{folder}: a concept above others, {error}, is not in it") from error
    names = [row[1].split("|") for row in rows]
    belongs = _belonging(above, range(CLASSES))
    return Concepts(ids, names, above, belongs, _belonging(above, range(len(classes), len(rows))))


def _rows(path: Path) -> list[list[str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: concepts that cannot be read: {error}") from error
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, 1):
        if len(row) != COLUMNS or not row[1]:
            raise ModelError(f"{path}: line {number}: expected an id, names, and ids above it")
    return rows


def _belonging(above: Sequence[Sequence[int]], classes: range) -> NDArray[np.bool_]:
    belongs = np.zeros((len(classes), len(above)), np.bool_)
    for number, place_of_class in enumerate(classes):
        waiting = [place_of_class]
        while waiting:
            place = waiting.pop()
            if not belongs[number, place]:
                belongs[number, place] = True
                waiting += above[place]
    return belongs
